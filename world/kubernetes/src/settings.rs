//! How a world behaves when nothing goes wrong.

use std::time::Duration;

/// The settings of a world.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Requests that arrive within this time of each other are answered together. At least a millisecond: tokio's
    /// timers have that step.
    pub answer_after: Duration,
    /// A watch is told of a change this long after it.
    pub watch_after: Duration,
    pub order: Order,
    /// How often watches get a bookmark; the API server does it about once a minute. `None`: never.
    pub bookmark_every: Option<Duration>,
    pub controllers: crate::controllers::Settings,
    /// Every request, write and event is kept, to be looked at afterwards. Without it a world that lasts for days keeps
    /// the digest of its log only.
    pub keep_history: bool,
}

/// The order of answers to requests that arrived together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By what they say.
    ByContent,
    /// As the seed wants it: another seed tries another order.
    Shuffled,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            answer_after: Duration::from_millis(2),
            watch_after: Duration::from_millis(1),
            order: Order::ByContent,
            bookmark_every: Some(Duration::from_mins(1)),
            controllers: crate::controllers::Settings::default(),
            keep_history: true,
        }
    }
}
