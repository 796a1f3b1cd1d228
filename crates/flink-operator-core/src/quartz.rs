//! Quartz cron expressions: six or seven fields from the second to the optional year.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::Zoned;

/// A Quartz cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Cron);

/// The text is not a Quartz cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{problem}; write the fields second, minute, hour, day of month, month, day of week and optionally \
     year, with ? as one of the two days, for example 0 30 2 ? * MON-FRI"
)]
pub struct ScheduleError {
    problem: String,
}

impl Schedule {
    /// Parses an expression.
    ///
    /// # Errors
    ///
    /// The number of fields is wrong, a value is out of range, or not exactly one of the two days is `?`.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let error = |problem: String| ScheduleError { problem };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let ([_, _, _, day_of_month, _, day_of_week] | [_, _, _, day_of_month, _, day_of_week, _]) =
            fields.as_slice()
        else {
            return Err(error(format!("it has {} fields", fields.len())));
        };
        // Quartz does not support a combination of both days.
        if (*day_of_month == "?") == (*day_of_week == "?") {
            return Err(error("exactly one of the two days must be ?".to_owned()));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Optional)
            .alternative_weekdays(true)
            .sloppy_ranges(true)
            .build();
        parser.parse(text).map(Self).map_err(|cause| error(cause.to_string()))
    }

    /// Whether a time is in the schedule, to the second.
    pub fn matches(&self, time: &Zoned) -> bool {
        self.0.is_time_matching(time).unwrap_or(false)
    }

    /// The first time of the schedule after `time`; `None` if there is none.
    pub fn next_after(&self, time: &Zoned) -> Option<Zoned> {
        self.0.find_next_occurrence(time, false).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schedule: &str, after: &str, expected: &str) {
        let next = Schedule::parse(schedule).unwrap().next_after(&after.parse().unwrap());
        assert_eq!(next, Some(expected.parse().unwrap()), "{schedule}");
    }

    #[test]
    fn the_next_time_is_the_same_as_in_quartz() {
        // A Monday.
        const AFTER: &str = "2024-01-01T00:00:00+00:00[+00:00]";
        for (schedule, expected) in [
            ("0 0 12 * * ?", "2024-01-01T12:00:00+00:00[+00:00]"),
            ("0 0/15 * * * ?", "2024-01-01T00:15:00+00:00[+00:00]"),
            ("0 0 12 ? * 2", "2024-01-01T12:00:00+00:00[+00:00]"),
            ("0 0 12 ? * TUE-THU", "2024-01-02T12:00:00+00:00[+00:00]"),
            ("0 0 0 L * ?", "2024-01-31T00:00:00+00:00[+00:00]"),
            ("0 0 0 ? * 6L", "2024-01-26T00:00:00+00:00[+00:00]"),
            ("0 0 0 ? * 6#2", "2024-01-12T00:00:00+00:00[+00:00]"),
            ("0 0 0 1 2 ? 2025", "2025-02-01T00:00:00+00:00[+00:00]"),
            ("10-20/5 * * * * ?", "2024-01-01T00:00:10+00:00[+00:00]"),
        ] {
            check(schedule, AFTER, expected);
        }
    }

    #[test]
    fn a_schedule_in_the_past_has_no_next_time() {
        let over = Schedule::parse("0 0 0 1 1 ? 2020").unwrap();
        assert_eq!(over.next_after(&"2024-01-01T00:00:00+00:00[+00:00]".parse().unwrap()), None);
    }

    #[test]
    fn expressions_that_quartz_refuses_are_refused() {
        for text in [
            "",
            "@daily",
            "* * * * *",
            "* * * * * *",
            "* * * ? * ?",
            "0 0 0 1 * MON",
            "60 * * * * ?",
            "0 0 24 * * ?",
            "0 0 0 32 * ?",
            "0 0 0 ? * 8",
            "0 0 0 ? 13 1",
            "a b c d e ?",
            "0 0 0 * * ? 2024 x",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
        assert!(Schedule::parse("* *").unwrap_err().to_string().starts_with("it has 2 fields;"));
    }
}
