//! Waits for a state of the cluster.

use std::future::Future;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// Calls `look` ten times per second until it returns a value.
///
/// # Errors
///
/// It returned no value within the limit, or its last call failed.
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

/// Calls `look` until the limit has passed, and fails if it ever returns a value.
///
/// # Errors
///
/// The value that it returned.
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
