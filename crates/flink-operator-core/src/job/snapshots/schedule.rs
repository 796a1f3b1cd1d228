//! When a periodic savepoint or checkpoint is due.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::conf::duration;
use crate::quartz;

/// A period or a schedule, as `kubernetes.operator.periodic.*.interval` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    Never,
    Every(SignedDuration),
    At(Box<quartz::Schedule>),
}

impl Schedule {
    /// Reads a duration or a cron expression. What is neither is no schedule: validation has told of it.
    pub(crate) fn read(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Never;
        }
        if let Ok(period) = duration::parse(text) {
            return if period.is_zero() { Self::Never } else { Self::Every(period) };
        }
        quartz::Schedule::parse(text).map_or(Self::Never, |schedule| Self::At(Box::new(schedule)))
    }

    /// Whether one is due at `now` when the last one was at `last`. Times that were missed meanwhile count as one.
    ///
    /// Cron expressions are in UTC, which is the time zone of the Java operator's image.
    pub(crate) fn is_due(&self, last: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Never => false,
            Self::Every(period) => now.duration_since(last) > *period,
            Self::At(schedule) => schedule
                .next_after(&last.to_zoned(TimeZone::UTC))
                .is_some_and(|next| next.timestamp() < now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schedule: &str, last: &str, now: &str, due: bool) {
        let schedule = Schedule::read(schedule);
        assert_eq!(
            schedule.is_due(last.parse().unwrap(), now.parse().unwrap()),
            due,
            "{schedule:?}"
        );
    }

    #[test]
    fn period_is_due_once_it_is_over() {
        check("1 h", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", false);
        check("1 h", "2026-01-01T00:00:00Z", "2026-01-01T01:00:01Z", true);
        check("3600000", "2026-01-01T00:00:00Z", "2026-01-01T01:00:01Z", true);
    }

    #[test]
    fn cron_expression_is_due_at_its_next_time_after_the_last() {
        check("0 0 12 * * ?", "2026-01-01T00:00:00Z", "2026-01-01T11:59:59Z", false);
        check("0 0 12 * * ?", "2026-01-01T00:00:00Z", "2026-01-01T12:00:01Z", true);
        check("0 0 12 * * ?", "2026-01-01T12:00:01Z", "2026-01-02T11:00:00Z", false);
        check("0 0 0 1 1 ? 2020", "2026-01-01T00:00:00Z", "2027-01-02T11:00:00Z", false);
    }

    #[test]
    fn nothing_is_due_without_a_schedule() {
        for off in ["", " ", "0", "0 s", "now and then"] {
            check(off, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", false);
        }
    }
}
