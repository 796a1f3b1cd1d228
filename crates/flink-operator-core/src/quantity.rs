//! Kubernetes quantities (`500m`, `2Gi`, `1e3`) as exact numbers.

use std::{fmt, str::FromStr};

/// A quantity as a number of billionths, which is the resolution of Kubernetes. Compares by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    nanos: i128,
}

const NANO: i128 = 1_000_000_000;

impl Quantity {
    pub const ZERO: Self = Self { nanos: 0 };

    /// Whether the quantity is a whole number.
    pub fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }

    /// The quantity as a floating-point number.
    #[expect(clippy::cast_precision_loss, reason = "Flink's number of CPUs is a double too")]
    pub fn as_f64(self) -> f64 {
        self.nanos as f64 / NANO as f64
    }

    /// The quantity as a whole number, rounded up as by Kubernetes. `None` if it is out of range.
    pub fn rounded_up(self) -> Option<i64> {
        let below = self.nanos.div_euclid(NANO);
        let up = i128::from(self.nanos.rem_euclid(NANO) != 0);
        i64::try_from(below + up).ok()
    }
}

/// The text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a Kubernetes quantity: write a number and, if needed, one of the units m, k, M, \
     G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, for example 500m or 2Gi"
)]
pub struct QuantityError {
    text: String,
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| QuantityError { text: text.to_owned() })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, nanos) = (self.nanos / NANO, (self.nanos % NANO).unsigned_abs());
        let sign = if self.nanos < 0 && whole == 0 { "-" } else { "" };
        if nanos == 0 {
            write!(f, "{whole}")
        } else {
            let fraction = format!("{nanos:09}");
            write!(f, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
        }
    }
}

/// The largest exponent that fits: with a greater one, every digit but zero overflows.
const EXPONENT_MAX: i32 = 38;

fn parse(text: &str) -> Option<Quantity> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let (factor, exponent) = scale(suffix)?;
    // Nine more digits, because the quantity is stored in billionths.
    let nanos = decimal(whole, fraction, exponent.checked_add(9)?, factor)?;
    Some(Quantity { nanos: if text.starts_with('-') { -nanos } else { nanos } })
}

/// The value of a suffix: a factor and an exponent of ten.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    let binary = |power: u32| Some((1_i128 << (10 * power), 0));
    let decimal = |exponent| Some((1, exponent));
    match suffix {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => decimal(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    }
}

/// `whole.fraction × factor × 10^exponent`, rounded up to a whole number.
fn decimal(whole: &str, fraction: &str, exponent: i32, factor: i128) -> Option<i128> {
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if exponent > EXPONENT_MAX {
        return None;
    }
    let mantissa = digits.parse::<i128>().ok()?.checked_mul(factor)?;
    let power = 10_i128.checked_pow(exponent.unsigned_abs());
    if exponent >= 0 {
        mantissa.checked_mul(power?)
    } else {
        // A number that is too small is rounded up to one billionth.
        let power = power.unwrap_or(i128::MAX);
        Some(mantissa / power + i128::from(mantissa % power != 0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let quantity: Quantity = text.parse().unwrap();
        assert_eq!(quantity.to_string(), expected, "{text}");
    }

    #[test]
    fn every_unit_is_parsed() {
        for (text, expected) in [
            ("0", "0"),
            ("1", "1"),
            ("+1", "1"),
            ("-1", "-1"),
            ("1.", "1"),
            (".5", "0.5"),
            ("-0.5", "-0.5"),
            ("500m", "0.5"),
            ("1u", "0.000001"),
            ("1n", "0.000000001"),
            ("0.1n", "0.000000001"),
            ("2k", "2000"),
            ("1M", "1000000"),
            ("1G", "1000000000"),
            ("1T", "1000000000000"),
            ("1P", "1000000000000000"),
            ("1E", "1000000000000000000"),
            ("1Ki", "1024"),
            ("1.5Gi", "1610612736"),
            ("0.1Ki", "102.4"),
            ("1Ei", "1152921504606846976"),
            ("1e3", "1000"),
            ("1E3", "1000"),
            ("12e-1", "1.2"),
            ("0e99", "0"),
            ("1e-99", "0.000000001"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn texts_that_kubernetes_refuses_are_refused() {
        for text in
            ["", ".", "1.2.3", "m", "1 Gi", "1gb", "1GiB", "1K", "1ki", "1e", "--1", "1e99", "é"]
        {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn quantities_compare_by_value() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!(quantity("1"), quantity("1000m"));
        assert!(quantity("1G") < quantity("1Gi"));
        assert_eq!(quantity("1500m").rounded_up(), Some(2));
        assert_eq!(quantity("9Ei").rounded_up(), None);
        assert!((quantity("250m").as_f64() - 0.25).abs() < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_a_quantity_is_printed_with_the_same_value(text in "[-+]?[0-9]{0,40}[.]?[0-9]{0,12}([eE]-?[0-9]{0,12}|[a-zA-Z]{0,2})|.*") {
            if let Ok(quantity) = text.parse::<Quantity>() {
                prop_assert_eq!(quantity.to_string().parse(), Ok(quantity));
            }
        }
    }
}
