//! Sizes of memory in Flink's notation: a whole number and a unit of powers of 1024.

use std::{fmt, str::FromStr};

use super::structured::java_trim;

/// What a size may look like, for messages.
pub const ALLOWED: &str =
    "a whole number with one of the units b, k, m, g or t (powers of 1024; no unit means bytes)";

/// Every unit: its labels and how many bytes it has. The second label is the one that is written.
const UNITS: [([&str; 3], u64); 5] = [
    (["b", "bytes", "bytes"], 1),
    (["k", "kb", "kibibytes"], 1 << 10),
    (["m", "mb", "mebibytes"], 1 << 20),
    (["g", "gb", "gibibytes"], 1 << 30),
    (["t", "tb", "tebibytes"], 1 << 40),
];

/// A number of bytes, at most 2^63 - 1 when read from text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemorySize(u64);

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemorySizeError {
    #[error("it is blank")]
    Blank,
    #[error("it does not start with a number")]
    NoNumber,
    #[error("{unit:?} is no unit of memory")]
    Unit { unit: String },
    /// 2^63 bytes or more, which Java's `long` cannot hold.
    #[error("it is more than 9223372036854775807 bytes")]
    Overflow,
}

impl MemorySize {
    pub const ZERO: Self = Self(0);
    /// The largest size that Flink knows.
    pub const MAX: Self = Self(i64::MAX.unsigned_abs());

    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    pub const fn from_mebibytes(mebibytes: u32) -> Self {
        Self((mebibytes as u64) << 20)
    }

    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Whole mebibytes, rounded down.
    pub const fn mebibytes(self) -> u64 {
        self.0 >> 20
    }
}

impl FromStr for MemorySize {
    type Err = MemorySizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = java_trim(text);
        if text.is_empty() {
            return Err(MemorySizeError::Blank);
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        if number.is_empty() {
            return Err(MemorySizeError::NoNumber);
        }
        let unit = java_trim(unit).to_lowercase();
        let bytes_per_unit = if unit.is_empty() {
            1
        } else {
            let found = UNITS.iter().find(|(labels, _)| labels.contains(&unit.as_str()));
            found.ok_or(MemorySizeError::Unit { unit })?.1
        };
        let number: u64 = number.parse().map_err(|_| MemorySizeError::Overflow)?;
        let bytes = number.checked_mul(bytes_per_unit).ok_or(MemorySizeError::Overflow)?;
        if bytes > Self::MAX.0 {
            return Err(MemorySizeError::Overflow);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for MemorySize {
    /// Writes the size with the largest unit that divides it, as Flink does: `1 gb`, `1000 bytes`.
    ///
    /// Whole tebibytes are written in bytes, because Flink looks for the first unit that does *not*
    /// divide and takes the one before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dividing = UNITS.iter().take_while(|(_, bytes)| self.0.is_multiple_of(*bytes)).count();
        let index = if dividing == UNITS.len() { 0 } else { dividing.saturating_sub(1) };
        let (labels, bytes) = UNITS.get(index).unwrap_or(&UNITS[0]);
        write!(f, "{} {}", self.0 / bytes, labels[1])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_written_with_the_largest_unit_that_divides_them() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1000, "1000 bytes"),
            (3 << 10, "3 kb"),
            (1536 << 20, "1536 mb"),
            (1 << 30, "1 gb"),
            (1 << 40, "1099511627776 bytes"),
        ] {
            assert_eq!(MemorySize::from_bytes(bytes).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn a_written_size_reads_back(bytes in 0..=MemorySize::MAX.bytes()) {
            let size = MemorySize::from_bytes(bytes);
            prop_assert_eq!(size.to_string().parse::<MemorySize>().unwrap(), size);
        }
    }
}
