//! What is to happen later, in the order in which it is to happen.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// A queue of tasks by time. Tasks of the same instant come out in the order in which they went in.
#[derive(Debug)]
pub struct Timers<T> {
    queue: BTreeMap<(Instant, u64), T>,
    last: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { queue: BTreeMap::new(), last: 0 }
    }
}

impl<T> Timers<T> {
    pub fn add(&mut self, at: Instant, task: T) {
        self.last += 1;
        self.queue.insert((at, self.last), task);
    }

    /// When the next task is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next task, if it is due.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        let is_due = self.next_at().is_some_and(|at| at <= now);
        if is_due { self.queue.pop_first().map(|(_, task)| task) } else { None }
    }
}
