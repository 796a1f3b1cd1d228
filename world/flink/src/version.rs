//! Versions of Flink, as far as the answers of a cluster differ.

use std::str::FromStr;

/// A minor version of Flink, ordered as Flink orders its releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u16,
    pub minor: u16,
}

impl Version {
    pub const V1_20: Self = Self::new(1, 20);
    pub const V2_0: Self = Self::new(2, 0);
    pub const V2_2: Self = Self::new(2, 2);
    pub const V2_3: Self = Self::new(2, 3);

    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Reads the tag of an image: `flink:1.20`, `registry/apache/flink:2.2.1-java17`.
    pub fn of_image(image: &str) -> Option<Self> {
        let (_, tag) = image.rsplit_once(':')?;
        let mut numbers = tag.split(|c: char| !c.is_ascii_digit());
        Some(Self::new(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }

    /// The release that answers for a version: the one that answers were recorded of, else the first patch.
    pub fn release(self) -> String {
        match (self.major, self.minor) {
            (1, 19) => "1.19.3".to_owned(),
            (1, 20) => "1.20.5".to_owned(),
            (2, 0) => "2.0.2".to_owned(),
            (2, 1) => "2.1.3".to_owned(),
            (2, 2) => "2.2.1".to_owned(),
            (major, minor) => format!("{major}.{minor}.0"),
        }
    }
}

/// The text is not of the form `v<major>_<minor>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version of Flink of the form v<major>_<minor>")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    /// Reads the form that a resource names a version in: `v1_20`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.strip_prefix('v').and_then(|numbers| numbers.split_once('_'));
        let parsed = numbers
            .and_then(|(major, minor)| Some(Self::new(major.parse().ok()?, minor.parse().ok()?)));
        parsed.ok_or_else(|| VersionError(text.to_owned()))
    }
}
