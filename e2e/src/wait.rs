//! Waiting for what a cluster does in its own time.

use std::future::Future;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// Looks ten times a second until `look` gives a value.
///
/// # Errors
///
/// It has given none within the limit, or has failed at the last look.
pub async fn eventually<T, F>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let began = Instant::now();
    loop {
        let seen = look().await;
        if let Ok(Some(value)) = seen {
            return Ok(value);
        }
        if began.elapsed() > limit {
            if let Err(error) = seen {
                return Err(error.context(format!("{what}: not within {limit:?}")));
            }
            bail!("{what}: not within {limit:?}");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Looks for as long as the limit, and fails when `look` ever gives something.
///
/// # Errors
///
/// What it gave.
pub async fn never<T: std::fmt::Debug, F>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let began = Instant::now();
    while began.elapsed() < limit {
        if let Some(seen) = look().await? {
            bail!("{what}: after {:?}: {seen:?}", began.elapsed());
        }
        sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
