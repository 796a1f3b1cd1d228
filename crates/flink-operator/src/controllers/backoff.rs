//! How long a resource rests after passes that have failed.

use std::time::Duration;

/// Waits that grow with the number of failed passes in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub initial: Duration,
    pub multiplier: f64,
    pub max: Duration,
}

impl Backoff {
    /// The wait before the next pass, after one that has failed and `failures` before it.
    pub fn after(&self, failures: u32) -> Duration {
        let factor = self.multiplier.max(1.0).powi(i32::try_from(failures.min(64)).unwrap_or(64));
        self.initial.mul_f64(factor.min(1e6)).min(self.max)
    }
}
