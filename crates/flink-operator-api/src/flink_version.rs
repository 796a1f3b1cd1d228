//! `spec.flinkVersion`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Name of a Flink minor version, as in a spec: `v1_20`, `v2_2`.
///
/// Any text is kept, so that a resource with an unknown version stays readable and gets an error in
/// its status.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlinkVersionName(String);

impl FlinkVersionName {
    /// The form of a version, as an RE2 expression for the schema.
    pub const PATTERN: &'static str = "^v[1-9][0-9]{0,2}_[0-9]{1,3}$";

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Major and minor number, or `None` if the text is not the name of a version.
    pub fn major_minor(&self) -> Option<(u32, u32)> {
        let (major, minor) = self.0.strip_prefix('v')?.split_once('_')?;
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(major) || !digits(minor) {
            return None;
        }
        Some((major.parse().ok()?, minor.parse().ok()?))
    }
}

impl From<&str> for FlinkVersionName {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for FlinkVersionName {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for FlinkVersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
