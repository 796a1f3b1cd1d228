//! The canonical text of a quantity: what the API server writes back for `1024Mi` or `0.5`.

/// A quantity's number, in billionths, and the family of units that it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    nanos: i128,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Decimal,
    Binary,
    Exponent,
}

const NANO: i128 = 1_000_000_000;
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

impl Quantity {
    /// Reads a quantity. `None` if it is none, or too large for Kubernetes.
    pub fn parse(text: &str) -> Option<Self> {
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '+' || c == '-'))
            .unwrap_or(text.len());
        let (number, unit) = (text.get(..end)?, text.get(end..)?);
        let (family, scale) = unit_scale(unit)?;
        let negative = number.starts_with('-');
        let digits = number.trim_start_matches(['-', '+']);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut value: i128 = 0;
        for digit in whole.chars().chain(fraction.chars()) {
            value = value.checked_mul(10)?.checked_add(i128::from(digit.to_digit(10)?))?;
        }
        let places = u32::try_from(fraction.len()).ok()?;
        let scaled = value.checked_mul(NANO)?.checked_mul(scale.0)?;
        let divisor = 10_i128.checked_pow(places)?.checked_mul(scale.1)?;
        // What is finer than a billionth is rounded up, away from zero.
        let nanos = scaled.checked_add(divisor - 1)?.checked_div(divisor)?;
        Some(Self { nanos: if negative { -nanos } else { nanos }, family })
    }

    /// Billionths of the unit.
    pub fn nanos(self) -> i128 {
        self.nanos
    }

    /// Rounded up to thousandths, as the API server does with requests and limits.
    #[must_use]
    pub fn rounded_to_milli(self) -> Self {
        let step = NANO / 1000;
        let up = i128::from(self.nanos.rem_euclid(step) != 0);
        Self { nanos: (self.nanos.div_euclid(step) + up) * step, ..self }
    }

    /// The text with the largest unit that needs no fraction.
    pub fn canonical(self) -> String {
        if self.nanos == 0 {
            return "0".to_owned();
        }
        if self.family == Family::Binary
            && self.nanos % NANO == 0
            && (self.nanos / NANO).abs() >= 1024
        {
            let mut value = self.nanos / NANO;
            let mut power = 0;
            while value % 1024 == 0 && power < 6 {
                value /= 1024;
                power += 1;
            }
            return format!("{value}{}", BINARY.get(power).unwrap_or(&""));
        }
        let mut value = self.nanos;
        let mut exponent = -9;
        while value % 1000 == 0 && exponent < 18 {
            value /= 1000;
            exponent += 3;
        }
        if self.family == Family::Exponent {
            return if exponent == 0 { value.to_string() } else { format!("{value}e{exponent}") };
        }
        let unit =
            DECIMAL.iter().find(|(_, power)| *power == exponent).map_or("", |(unit, _)| unit);
        format!("{value}{unit}")
    }
}

/// The family of a unit, and its scale as a fraction.
fn unit_scale(unit: &str) -> Option<(Family, (i128, i128))> {
    if let Some(power) = BINARY.iter().position(|known| *known == unit).filter(|power| *power > 0) {
        return Some((Family::Binary, (1024_i128.checked_pow(u32::try_from(power).ok()?)?, 1)));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(known, _)| *known == unit) {
        return Some((Family::Decimal, power_of_ten(*power)?));
    }
    let exponent = unit.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some((Family::Exponent, power_of_ten(exponent)?))
}

fn power_of_ten(power: i32) -> Option<(i128, i128)> {
    let size = 10_i128.checked_pow(power.unsigned_abs())?;
    Some(if power < 0 { (1, size) } else { (size, 1) })
}
