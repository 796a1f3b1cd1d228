//! Durations in Flink's notation: a whole number and a unit, `10 s`, `5min`, `500`.

use jiff::SignedDuration;

use super::structured::java_trim;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// Every unit: its labels, the first of which is written, and its length in nanoseconds. Shortest
/// first.
const UNITS: [(&[&str], i128); 7] = [
    (&["ns", "nano", "nanos", "nanosecond", "nanoseconds"], 1),
    (&["µs", "micro", "micros", "microsecond", "microseconds"], 1_000),
    (&["ms", "milli", "millis", "millisecond", "milliseconds"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], NANOS_PER_SECOND),
    (&["min", "m", "minute", "minutes"], 60 * NANOS_PER_SECOND),
    (&["h", "hour", "hours"], 3_600 * NANOS_PER_SECOND),
    (&["d", "day", "days"], 86_400 * NANOS_PER_SECOND),
];

/// What a duration may look like, for messages.
pub const ALLOWED: &str = "a whole number with one of the units ns, µs, ms, s, min, h or d (no unit \
                           means milliseconds), or an ISO-8601 duration such as PT10S";

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("it is blank")]
    Blank,
    /// No leading number, and no ISO-8601 duration either where that is allowed.
    #[error("it does not start with a number")]
    NoNumber,
    #[error("{unit:?} is no unit of time")]
    Unit { unit: String },
    /// More than 2^63 seconds.
    #[error("it is too long to be represented")]
    Overflow,
    #[error("it is negative")]
    Negative,
}

/// Reads a duration as Flink 2 does, ISO-8601 included.
pub fn parse(text: &str) -> Result<SignedDuration, DurationError> {
    match number_and_unit(text) {
        Ok((number, nanos_per_unit)) => from_nanos(number.checked_mul(nanos_per_unit)),
        Err(DurationError::NoNumber) => match parse_iso(java_trim(text))? {
            duration if duration.is_negative() => Err(DurationError::Negative),
            duration => Ok(duration),
        },
        Err(error) => Err(error),
    }
}

/// Reads a duration as Flink 1 does: without ISO-8601, and with a number of at most 64 bits.
pub fn parse_without_iso(text: &str) -> Result<SignedDuration, DurationError> {
    let (number, nanos_per_unit) = number_and_unit(text)?;
    i64::try_from(number).map_err(|_| DurationError::Overflow)?;
    from_nanos(number.checked_mul(nanos_per_unit))
}

/// Splits a duration into its number and the length of its unit in nanoseconds.
fn number_and_unit(text: &str) -> Result<(i128, i128), DurationError> {
    let text = java_trim(text);
    if text.is_empty() {
        return Err(DurationError::Blank);
    }
    let (number, unit) = text.split_at(digits_length(text));
    if number.is_empty() {
        return Err(DurationError::NoNumber);
    }
    let unit = java_trim(unit).to_lowercase();
    let nanos_per_unit = if unit.is_empty() {
        NANOS_PER_SECOND / 1_000
    } else {
        let found = UNITS.iter().find(|(labels, _)| labels.contains(&unit.as_str()));
        found.ok_or(DurationError::Unit { unit })?.1
    };
    // More digits than these hold are more than the longest duration in any unit.
    let number = number.parse().map_err(|_| DurationError::Overflow)?;
    Ok((number, nanos_per_unit))
}

/// Formats a duration with the longest unit that divides it, as Flink does: `90 s`, `2 d`, `0 ms`.
pub fn format(duration: SignedDuration) -> String {
    let nanos = duration.as_nanos();
    let unit = if nanos == 0 {
        UNITS.get(2)
    } else {
        UNITS.iter().take_while(|(_, length)| nanos % length == 0).last()
    };
    let (labels, length) = unit.unwrap_or(&UNITS[0]);
    format!("{} {}", nanos / length, labels.first().unwrap_or(&"ns"))
}

/// Reads an ISO-8601 duration as Java's `Duration.parse` does: days to seconds, each with its own
/// sign, and a fraction of seconds.
fn parse_iso(text: &str) -> Result<SignedDuration, DurationError> {
    let upper = text.to_ascii_uppercase();
    let (negative, rest) = sign(&upper);
    let rest = rest.strip_prefix('P').ok_or(DurationError::NoNumber)?;
    let (days, time) = match rest.split_once('T') {
        Some((_, "")) => return Err(DurationError::NoNumber),
        Some((days, time)) => (days, time),
        None => (rest, ""),
    };
    if days.is_empty() && time.is_empty() {
        return Err(DurationError::NoNumber);
    }
    let mut nanos: i128 = 0;
    let mut add = |part: i128| {
        nanos = nanos.checked_add(part).ok_or(DurationError::Overflow)?;
        Ok::<(), DurationError>(())
    };
    if !days.is_empty() {
        let (number, rest) = iso_part(days, 'D')?.ok_or(DurationError::NoNumber)?;
        if !rest.is_empty() {
            return Err(DurationError::NoNumber);
        }
        add(scaled(number, 86_400)?)?;
    }
    let mut time = time;
    for (unit, seconds) in [('H', 3_600), ('M', 60)] {
        if let Some((number, rest)) = iso_part(time, unit)? {
            add(scaled(number, seconds)?)?;
            time = rest;
        }
    }
    if !time.is_empty() {
        let number = time.strip_suffix('S').ok_or(DurationError::NoNumber)?;
        add(iso_seconds(number)?)?;
    }
    from_nanos(if negative { nanos.checked_neg() } else { Some(nanos) })
}

/// Splits a leading signed number with the given unit off; `None` when the text has another unit.
fn iso_part(text: &str, unit: char) -> Result<Option<(i128, &str)>, DurationError> {
    let Some((number, rest)) = text.split_once(unit) else { return Ok(None) };
    Ok(Some((iso_number(number)?, rest)))
}

/// Reads whole digits with an optional sign.
fn iso_number(text: &str) -> Result<i128, DurationError> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || digits_length(digits) != digits.len() {
        return Err(DurationError::NoNumber);
    }
    let number: i128 = digits.parse().map_err(|_| DurationError::Overflow)?;
    Ok(if negative { -number } else { number })
}

/// Reads seconds with up to nine digits after a point or comma, as nanoseconds.
fn iso_seconds(text: &str) -> Result<i128, DurationError> {
    let Some((whole, fraction)) = text.split_once(['.', ',']) else {
        return scaled(iso_number(text)?, 1);
    };
    let seconds = scaled(iso_number(whole)?, 1)?;
    if fraction.len() > 9 || digits_length(fraction) != fraction.len() {
        return Err(DurationError::NoNumber);
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().map_err(|_| DurationError::NoNumber)?;
    // The sign of the seconds is that of the fraction, also for `-0.5`.
    let nanos = if sign(whole).0 { -nanos } else { nanos };
    seconds.checked_add(nanos).ok_or(DurationError::Overflow)
}

fn scaled(number: i128, seconds: i128) -> Result<i128, DurationError> {
    number.checked_mul(seconds * NANOS_PER_SECOND).ok_or(DurationError::Overflow)
}

/// Splits a leading sign off; true for a minus.
fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// How many bytes of ASCII digits a text starts with.
fn digits_length(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn from_nanos(nanos: Option<i128>) -> Result<SignedDuration, DurationError> {
    let nanos = nanos.ok_or(DurationError::Overflow)?;
    let seconds = i64::try_from(nanos.div_euclid(NANOS_PER_SECOND));
    let rest = i32::try_from(nanos.rem_euclid(NANOS_PER_SECOND));
    match (seconds, rest) {
        (Ok(seconds), Ok(rest)) => Ok(SignedDuration::new(seconds, rest)),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => Err(DurationError::Overflow),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn iso_durations_are_read_as_java_reads_them() {
        for (text, nanos) in [
            ("P2DT3H4M5.006S", 183_845_006_000_000),
            ("PT1M-0.5S", 59_500_000_000),
            ("pt+1h-1m", 3_540_000_000_000),
            ("-PT-1.5S", 1_500_000_000),
            ("PT0.S", 0),
            ("PT0,25S", 250_000_000),
        ] {
            assert_eq!(parse(text).unwrap().as_nanos(), nanos, "{text}");
        }
        for bad in ["P", "PT", "P1", "P1DT", "P1H", "PT1M1H", "PT.5S", "P1Y", "PT0.1234567890S"] {
            assert_eq!(parse(bad), Err(DurationError::NoNumber), "{bad}");
        }
        assert_eq!(parse("-PT1S"), Err(DurationError::Negative));
    }

    #[test]
    fn a_duration_beyond_64_bits_of_seconds_is_refused_and_not_wrapped() {
        for text in ["99999999999999999999 d", "9223372036854775808 s", "1".repeat(60).as_str()] {
            assert_eq!(parse(text), Err(DurationError::Overflow), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_formatted_duration_reads_back(nanos in 0..i64::MAX) {
            let duration = SignedDuration::from_nanos(nanos);
            prop_assert_eq!(parse(&format(duration)).unwrap(), duration);
        }
    }
}
