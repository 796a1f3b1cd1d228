//! Minor versions of Flink in the notation of `spec.flinkVersion`.

use std::{fmt, str::FromStr};

/// A minor version of Flink, ordered by release. Its text form is `v1_20`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlinkVersion {
    pub major: u16,
    pub minor: u16,
}

impl FlinkVersion {
    pub const V1_15: Self = Self::new(1, 15);
    pub const V1_17: Self = Self::new(1, 17);
    pub const V1_18: Self = Self::new(1, 18);
    pub const V1_19: Self = Self::new(1, 19);
    pub const V1_20: Self = Self::new(1, 20);
    pub const V2_0: Self = Self::new(2, 0);
    pub const V2_1: Self = Self::new(2, 1);
    pub const V2_2: Self = Self::new(2, 2);
    pub const V2_3: Self = Self::new(2, 3);

    /// The oldest version that the operator deploys; the Java operator has the same limit.
    pub const OLDEST_SUPPORTED: Self = Self::V1_15;
    /// The oldest version that is not deprecated.
    pub const OLDEST_CURRENT: Self = Self::V1_19;
    /// The newest version whose configuration and REST API the operator knows.
    pub const NEWEST_SUPPORTED: Self = Self::V2_3;

    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Whether the operator deploys this version.
    pub fn is_supported(self) -> bool {
        (Self::OLDEST_SUPPORTED..=Self::NEWEST_SUPPORTED).contains(&self)
    }
}

impl fmt::Display for FlinkVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}_{}", self.major, self.minor)
    }
}

/// The text is not of the form `v<major>_<minor>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a Flink version; write it as v<major>_<minor>, for example v2_2")]
pub struct FlinkVersionError(String);

impl FromStr for FlinkVersion {
    type Err = FlinkVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (major, minor) = text.strip_prefix('v')?.split_once('_')?;
            let number = |digits: &str| {
                digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
            };
            Some(Self { major: number(major)?, minor: number(minor)? })
        };
        parse().ok_or_else(|| FlinkVersionError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_number() {
        assert!(FlinkVersion::new(1, 9) < FlinkVersion::V1_20);
        assert!(FlinkVersion::V1_20 < FlinkVersion::V2_0);
    }

    #[test]
    fn a_version_is_parsed_from_its_text_form_only() {
        assert_eq!("v1_20".parse(), Ok(FlinkVersion::V1_20));
        assert_eq!(FlinkVersion::V2_2.to_string(), "v2_2");
        for bad in ["", "v1", "1_20", "v1_", "v_1", "v1_+2", "v1_2_3", "2.2", "v99999_1"] {
            assert!(bad.parse::<FlinkVersion>().is_err(), "{bad}");
        }
    }
}
