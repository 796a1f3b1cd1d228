//! Tests of `clock`.

use std::time::Duration;

use simulated_kubernetes::clock::Clock;

#[tokio::test(start_paused = true)]
async fn time_passes_when_somebody_sleeps_and_not_otherwise() {
    let clock = Clock::start();
    assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00Z");
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(clock.now().to_string(), "2026-01-01T01:00:00Z");
    assert_eq!(clock.elapsed(), Duration::from_hours(1));
}
