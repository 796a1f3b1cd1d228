//! Tests of `timers`.

use std::time::Duration;

use simulated_kubernetes::timers::Timers;
use tokio::time::Instant;

#[test]
fn tasks_come_out_by_time_and_then_in_the_order_they_went_in() {
    let now = Instant::now();
    let mut timers = Timers::default();
    timers.add(now + Duration::from_secs(2), "late");
    timers.add(now, "first");
    timers.add(now, "second");
    assert_eq!(timers.pop_due(now), Some("first"));
    assert_eq!(timers.pop_due(now), Some("second"));
    assert_eq!(timers.pop_due(now), None);
    assert_eq!(timers.next_at(), Some(now + Duration::from_secs(2)));
}
