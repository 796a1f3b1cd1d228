//! Virtual time: it stands still while anything can run, and jumps to the next timer when nothing can.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The clock of a world. It follows tokio's own, which has to be paused.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    epoch: Timestamp,
}

/// Every world begins at this time (2026-01-01, midnight, UTC), in seconds since 1970.
const EPOCH_S: i64 = 1_767_225_600;

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        let epoch = Timestamp::from_second(EPOCH_S).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { began: Instant::now(), epoch }
    }

    /// The time since the world began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// What the time is in the world.
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The world's time at an instant of tokio's.
    pub fn at(&self, instant: Instant) -> Timestamp {
        let since = SignedDuration::try_from(instant.saturating_duration_since(self.began));
        self.epoch + since.unwrap_or(SignedDuration::MAX)
    }
}
