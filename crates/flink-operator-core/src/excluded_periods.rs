//! Periods in which the autoscaler does not scale: option `job.autoscaler.excluded.periods`.

use jiff::{Zoned, civil::Time};

use crate::quartz::Schedule;

/// One excluded period: a time of day, a cron expression, or the intersection of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExcludedPeriod {
    daily: Option<(Time, Time)>,
    schedule: Option<Schedule>,
}

/// The text is not a period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExcludedPeriodError {
    #[error("{part:?} is neither a time of day nor a cron expression")]
    NoPeriod { part: String },
    #[error("the end of {part:?} is not after its start")]
    Reversed { part: String },
    #[error("it has two times of day or two cron expressions")]
    SameKind,
}

/// The allowed forms of a period, for messages.
pub const ALLOWED: &str = "a time of day such as 9:30-11:00, a Quartz cron expression such as \
                           * * 9-17 ? * MON-FRI, or one of each with && between them";

impl ExcludedPeriod {
    /// Parses one element of the option.
    ///
    /// # Errors
    ///
    /// A part is neither kind of period, a time of day is reversed, or two parts are of the same kind.
    pub fn parse(text: &str) -> Result<Self, ExcludedPeriodError> {
        let mut period = Self { daily: None, schedule: None };
        for part in text.split("&&").map(str::trim) {
            if let Some((start, end)) = daily(part) {
                if start >= end {
                    return Err(ExcludedPeriodError::Reversed { part: part.to_owned() });
                }
                if period.daily.replace((start, end)).is_some() {
                    return Err(ExcludedPeriodError::SameKind);
                }
            } else if let Ok(schedule) = Schedule::parse(part) {
                if period.schedule.replace(schedule).is_some() {
                    return Err(ExcludedPeriodError::SameKind);
                }
            } else {
                return Err(ExcludedPeriodError::NoPeriod { part: part.to_owned() });
            }
        }
        Ok(period)
    }

    /// Whether a time is in the period. A time of day includes its start and its end.
    pub fn contains(&self, moment: &Zoned) -> bool {
        let time = moment.time();
        self.daily.is_none_or(|(start, end)| (start..=end).contains(&time))
            && self.schedule.as_ref().is_none_or(|schedule| schedule.matches(moment))
    }
}

/// Parses `9:30-11:00`, optionally with seconds and milliseconds: `9:30:15-9:30:16:500`.
fn daily(text: &str) -> Option<(Time, Time)> {
    let (start, end) = text.split_once('-')?;
    Some((time(start.trim())?, time(end.trim())?))
}

fn time(text: &str) -> Option<Time> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| -> Option<i32> {
        let valid = digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| part.parse().ok())?
    };
    let (hour, minute, rest) = match parts.as_slice() {
        [hour, minute, rest @ ..] if rest.len() <= 2 => (hour, minute, rest),
        _ => return None,
    };
    let part = |index: usize, digits| match rest.get(index) {
        Some(part) => number(part, digits..=digits),
        None => Some(0),
    };
    Time::new(
        i8::try_from(number(hour, 1..=2)?).ok()?,
        i8::try_from(number(minute, 2..=2)?).ok()?,
        i8::try_from(part(0, 2)?).ok()?,
        part(1, 3)? * 1_000_000,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(period: &str, inside: &[&str], outside: &[&str]) {
        let period = ExcludedPeriod::parse(period).unwrap();
        // A Monday.
        let at =
            |time: &&str| -> Zoned { format!("2024-01-01T{time}+00:00[+00:00]").parse().unwrap() };
        for time in inside {
            assert!(period.contains(&at(time)), "{time}");
        }
        for time in outside {
            assert!(!period.contains(&at(time)), "{time}");
        }
    }

    #[test]
    fn a_time_of_day_includes_both_ends() {
        check("9:30-11:00", &["09:30:00", "11:00:00"], &["09:29:59", "11:00:01"]);
        check("9:30:15-9:30:16:500", &["09:30:16.5"], &["09:30:14", "09:30:16.6"]);
    }

    #[test]
    fn a_cron_expression_and_a_time_of_day_must_both_match() {
        check("* * 9-10 ? * MON", &["09:00:00", "10:59:59"], &["11:00:00"]);
        check("* * * ? * MON && 9:00-10:00", &["09:30:00"], &["10:30:00"]);
        check("9:00-10:00 && * * * ? * TUE", &[], &["09:30:00"]);
    }

    #[test]
    fn anything_else_is_refused() {
        use ExcludedPeriodError::{NoPeriod, Reversed, SameKind};
        let refused = |text: &str| ExcludedPeriod::parse(text).unwrap_err();
        for text in ["", "9-10", "9:30-25:00", "9:3-10:00", "9:30", "* * *", "9:00-10:00 &&"] {
            assert!(matches!(refused(text), NoPeriod { .. }), "{text}");
        }
        assert!(matches!(refused("10:00-9:00"), Reversed { .. }));
        assert!(matches!(refused("10:00-10:00"), Reversed { .. }));
        assert_eq!(refused("9:00-10:00 && 11:00-12:00"), SameKind);
        assert_eq!(refused("* * * ? * MON && * * * ? * TUE"), SameKind);
    }
}
