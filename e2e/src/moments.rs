//! The moments at which the operator is killed.

use std::time::Duration;

/// Divides the time span into parts of equal length and returns a random moment in each, so that each phase is hit. The moments
/// are the same in every run; the variable `KILL_SEED` sets another seed.
pub fn within(span: Duration, count: u32) -> Vec<Duration> {
    let seed: u64 =
        std::env::var("KILL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_124);
    println!("KILL_SEED={seed}");
    let part = span / count;
    let mut state = seed;
    (0..count)
        .map(|number| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let millis = u64::try_from(part.as_millis()).unwrap_or(u64::MAX).max(1);
            part * number + Duration::from_millis((state >> 33) % millis)
        })
        .collect()
}
