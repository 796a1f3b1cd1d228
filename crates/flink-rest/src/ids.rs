//! Ids inside a Flink cluster. They are validated when they are read, so that no URL contains unchecked text.

use std::fmt;
use std::str::FromStr;

/// Why a text is not an id. The text is shortened, since it may come from an untrusted answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {found:?} is not valid: {allowed}")]
pub struct IdError {
    what: &'static str,
    found: String,
    allowed: &'static str,
}

impl IdError {
    fn new(what: &'static str, found: &str, allowed: &'static str) -> Self {
        Self { what, found: crate::error::shorten(found, 80), allowed }
    }
}

/// Declares a type for one of Flink's 128-bit ids.
macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes the 16 bytes of the id, most significant first.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes of the id, most significant first.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0
            }

            /// Reads 32 hexadecimal digits of either case.
            ///
            /// # Errors
            ///
            /// Anything else is an [`IdError`].
            pub fn parse(raw: &str) -> Result<Self, IdError> {
                parse_hex(raw)
                    .map(Self)
                    .ok_or_else(|| IdError::new($what, raw, "32 hexadecimal digits are expected"))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(raw: &str) -> Result<Self, IdError> {
                Self::parse(raw)
            }
        }

        /// 32 lower-case hexadecimal digits, as Flink writes them.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&raw).map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_id!(
    /// The id of a job.
    JobId,
    "job id"
);
hex_id!(
    /// The id of one vertex (chained operators) of a job.
    VertexId,
    "vertex id"
);
hex_id!(
    /// The id of an asynchronous operation: a savepoint, a stop, a checkpoint, a disposal.
    ///
    /// The caller chooses it, except for disposals. A repeated request with the same id starts nothing new. So a caller
    /// that records the id first can repeat a request whose answer was lost.
    TriggerId,
    "trigger id"
);

fn parse_hex(raw: &str) -> Option<[u8; 16]> {
    // `from_str_radix` would accept a sign.
    (raw.len() == 32 && raw.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| u128::from_str_radix(raw, 16).ok())
        .flatten()
        .map(u128::to_be_bytes)
}

/// The id of an uploaded jar: `<uuid>_<file name>`, chosen by the JobManager.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct JarId(String);

impl JarId {
    /// The limit of file systems: a jar id is a file name.
    pub const LEN_MAX: usize = 255;

    /// Reads the id of a jar.
    ///
    /// # Errors
    ///
    /// The id must have 1 to 255 ASCII letters, digits, `.`, `-` or `_`, and be neither `.` nor `..`. Jars that were
    /// uploaded under a [`JarName`] have such ids. Other ids could not be addressed safely: Flink decodes a path twice, so
    /// an encoded `/` or `?` would still split it.
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        let sound = (1..=Self::LEN_MAX).contains(&raw.len())
            && raw.bytes().all(is_plain)
            && raw != "."
            && raw != "..";
        if sound {
            Ok(Self(raw.to_owned()))
        } else {
            Err(IdError::new(
                "jar id",
                raw,
                "1 to 255 letters, digits, '.', '-' or '_' are expected",
            ))
        }
    }

    /// The id as Flink writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JarId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The file name under which a jar is uploaded; it becomes the end of its [`JarId`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct JarName(String);

impl JarName {
    /// Leaves room for the 37 bytes that the JobManager puts before the name.
    pub const LEN_MAX: usize = 200;

    /// Makes a file name that the JobManager accepts out of any text, e.g. the last segment of a URI.
    ///
    /// Characters other than ASCII letters, digits, `.`, `-` and `_` become `_`. The ending `.jar` is added where it is
    /// missing, since Flink requires it. Names that are too long lose their beginning. An empty name becomes `job.jar`.
    pub fn from_file_name(raw: &str) -> Self {
        let mut name: String = raw
            .chars()
            .map(
                |c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' },
            )
            .collect();
        if name.is_empty() {
            name.push_str("job");
        }
        if name.strip_suffix(".jar").is_none() {
            name.push_str(".jar");
        }
        // The name is ASCII by now, so any byte is a boundary.
        let surplus = name.len().saturating_sub(Self::LEN_MAX);
        Self(name.split_off(surplus))
    }

    /// The name as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a byte needs no quoting in paths, in headers and in file names.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_is_32_hex_digits_of_either_case() {
        let id = JobId::parse("ABCDEF0123456789abcdef0123456789").unwrap();
        assert_eq!(id.to_string(), "abcdef0123456789abcdef0123456789");
        assert_eq!(JobId::from_bytes(id.to_bytes()), id);
        assert_eq!(JobId::parse("00000000000000000000000000000001").unwrap().to_string().len(), 32);
    }

    #[test]
    fn what_is_not_an_id_is_refused_with_the_value() {
        for raw in [
            "",
            "zzz",
            "+bcdef0123456789abcdef0123456789",
            "abcdef0123456789abcdef012345678",
            "abcdef0123456789abcdef01234567890",
            "abcdef0123456789abcdef012345678/",
            "ａbcdef0123456789abcdef0123456",
        ] {
            let message = JobId::parse(raw).unwrap_err().to_string();
            assert!(message.contains(&format!("{raw:?}")), "{message}");
            assert!(message.contains("job id") && message.contains("32 hexadecimal"), "{message}");
        }
        let message = VertexId::parse(&"x".repeat(10_000)).unwrap_err().to_string();
        assert!(message.len() < 200, "{message}");
    }

    #[test]
    fn a_jar_id_is_one_segment_of_a_path() {
        let id = "acb5d62b-b226-407a-abe0-680c251899dd_job-1.0.jar";
        assert_eq!(JarId::parse(id).unwrap().as_str(), id);
        let long = "j".repeat(256);
        for raw in
            ["", ".", "..", "a/b.jar", "a\\b.jar", "a%2fb.jar", "a?.jar", "a b.jar", "ü.jar", &long]
        {
            assert!(JarId::parse(raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn any_text_becomes_a_jar_name_that_needs_no_quoting() {
        let check =
            |raw: &str, expected: &str| assert_eq!(JarName::from_file_name(raw).as_str(), expected);
        check("job.jar", "job.jar");
        check("My Job (1).jar", "My_Job__1_.jar");
        check("job", "job.jar");
        check("", "job.jar");
        check("a\"; filename=\"../x\r\n.jar", "a___filename__.._x__.jar");
        check("größe.jar", "gr__e.jar");
        let long = JarName::from_file_name(&format!("{}.jar", "n".repeat(500)));
        assert_eq!(long.as_str().len(), JarName::LEN_MAX);
        assert!(long.as_str().ends_with("n.jar"));
    }
}
