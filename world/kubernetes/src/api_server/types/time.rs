//! The two forms in which Kubernetes writes times.

use jiff::Timestamp;

/// `2026-01-01T00:00:00Z`.
pub fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-01-01T00:00:00.000000Z`.
pub fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Reads a time of either form. `None` if it is none.
pub fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}
