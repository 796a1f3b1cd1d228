//! Names of clusters and ids of jobs. They are parsed once, so every value of these types is valid.

use std::{fmt, str::FromStr};

/// The name of a Flink cluster, which is also the name of its FlinkDeployment.
///
/// Flink derives the names of objects and the values of labels from it, so its length is limited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

impl ClusterName {
    /// Flink has the same limit for `kubernetes.cluster-id`.
    const LEN_MAX: usize = 45;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a valid name of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be the name of a Flink cluster: use at most 45 lower-case letters, digits and hyphens, \
     starting with a letter and ending with a letter or digit, for example my-job-1"
)]
pub struct ClusterNameError(String);

impl FromStr for ClusterName {
    type Err = ClusterNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let valid = text.len() <= Self::LEN_MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(allowed)
            && !text.ends_with('-');
        if valid { Ok(Self(text.to_owned())) } else { Err(ClusterNameError(text.to_owned())) }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a job: 16 bytes, written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId([u8; 16]);

impl JobId {
    /// The id with these bytes, which the caller generates randomly.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// The text is not a job id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a job id: write 32 hexadecimal digits")]
pub struct JobIdError(String);

impl FromStr for JobId {
    type Err = JobIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let hexadecimal = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let number = hexadecimal.then(|| u128::from_str_radix(text, 16).ok())??;
            Some(Self(number.to_be_bytes()))
        };
        parse().ok_or_else(|| JobIdError(text.to_owned()))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_names_have_at_most_45_lower_case_letters_digits_and_hyphens() {
        for good in ["a", "a1", "my-job", "a--b", &"a".repeat(45)] {
            assert_eq!(good.parse::<ClusterName>().unwrap().as_str(), good);
        }
        for bad in ["", "1a", "-a", "a-", "A", "a.b", "a_b", "é", &"a".repeat(46)] {
            assert!(bad.parse::<ClusterName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn job_ids_are_32_hexadecimal_digits() {
        let text = "00ff00000000000000000000000000a1";
        assert_eq!(text.parse::<JobId>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<JobId>().unwrap().to_string(), text);
        for bad in ["", "00", &"g".repeat(32), &"0".repeat(33), "+0ff00000000000000000000000000a1"]
        {
            assert!(bad.parse::<JobId>().is_err(), "{bad}");
        }
    }
}
