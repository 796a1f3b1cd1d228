//! An old leader that wakes up: an operator that is cut off, and goes on when another one has long taken over.

use std::time::Duration;

use futures::future::BoxFuture;

use super::editor;
use super::plan::{OPERATOR, OTHER_OPERATOR, Place};
use super::stage::{Stage, Stuck};

/// From the last sign of the old one to the start of the new one.
const TAKEN_OVER_AFTER: Duration = Duration::from_secs(2);
/// The new one has come to the end of something when it writes nothing for so long.
const DONE: Duration = Duration::from_secs(10);
/// The old one wakes up at the latest now.
const WAKES_WITHIN: Duration = Duration::from_mins(5);

/// Plays a scenario in which the operator freezes at a place, and `start` starts the other one.
pub async fn play(
    stage: &Stage,
    scenario: BoxFuture<'_, Result<(), Stuck>>,
    place: Place,
    start: impl FnOnce(),
) -> Result<(), Stuck> {
    let sleeper = async {
        editor::reached(stage, place).await?;
        stage.world.freeze(OPERATOR);
        stage.flink.freeze(OPERATOR);
        stage.pass(TAKEN_OVER_AFTER).await;
        start();
        let began = stage.world.clock().elapsed();
        loop {
            stage.pass(Duration::from_secs(1)).await;
            let now = stage.world.clock().elapsed();
            let last = stage.world.last_write(&[OTHER_OPERATOR]).map_or(began, |write| write.at);
            if now.saturating_sub(last.max(began)) >= DONE
                || now.saturating_sub(began) >= WAKES_WITHIN
            {
                break;
            }
        }
        stage.world.thaw(OPERATOR);
        stage.flink.thaw(OPERATOR);
        Ok(())
    };
    let (played, slept) = futures::join!(scenario, sleeper);
    played.and(slept)
}
