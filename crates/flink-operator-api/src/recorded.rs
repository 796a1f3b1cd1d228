//! The text of `lastReconciledSpec` and `lastStableSpec`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::names;

/// A spec as the status records it: `{"spec":…,"resource_metadata":…}`.
///
/// Nothing may be added to the text: the Java operator reads it, and a spec is stable only if both
/// recorded texts are equal byte by byte.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedSpec<S> {
    /// The whole spec, with nulls and with defaults filled in.
    pub spec: S,
    /// `None` in records of the oldest versions, which had the spec only, and in records of
    /// blue/green deployments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_metadata: Option<ResourceMetadata>,
}

/// Metadata of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceMetadata {
    /// API version of the spec.
    pub api_version: Option<String>,
    /// True from the first attempt to deploy until the first upgrade starts.
    pub first_deployment: bool,
}

impl ResourceMetadata {
    /// Metadata of a spec of the current API version.
    pub fn new(first_deployment: bool) -> Self {
        Self { first_deployment, ..Self::default() }
    }
}

impl Default for ResourceMetadata {
    fn default() -> Self {
        Self { api_version: Some(names::API_VERSION.to_owned()), first_deployment: false }
    }
}

/// A recorded text that cannot be read, with the field that is wrong.
///
/// It must never be treated like the absence of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedSpecError(String);

impl fmt::Display for RecordedSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the recorded spec cannot be read: {}", self.0)
    }
}

impl std::error::Error for RecordedSpecError {}

/// The format of all but the oldest versions.
#[derive(Deserialize)]
struct Usual<S> {
    spec: S,
    // This type refuses an explicit null, so that the reading by members handles it.
    #[serde(default, deserialize_with = "some")]
    resource_metadata: Option<ResourceMetadata>,
}

fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ResourceMetadata>, D::Error> {
    ResourceMetadata::deserialize(deserializer).map(Some)
}

impl<S: DeserializeOwned> RecordedSpec<S> {
    /// Reads a recorded text, of the older format too.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, or a member has a type that the spec cannot have.
    pub fn parse(text: &str) -> Result<Self, RecordedSpecError> {
        // Every pass does this, so the usual format is read directly. If that fails, the text is read member by member:
        // for older formats, and to find out which member is wrong.
        match serde_json::from_str::<Usual<S>>(text) {
            Ok(Usual { spec, resource_metadata }) => Ok(Self { spec, resource_metadata }),
            Err(_) => Self::parse_members(text),
        }
    }

    fn parse_members(text: &str) -> Result<Self, RecordedSpecError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| RecordedSpecError(error.to_string()))?;
        let Value::Object(mut wrapper) = value else {
            return Err(RecordedSpecError("it is not a JSON object".to_owned()));
        };
        // The oldest format is the spec itself with an `apiVersion` beside its members. A
        // blue/green record has `spec` alone, and no spec has a member of that name.
        let metadata = wrapper.shift_remove("resource_metadata");
        let (spec, at) = match wrapper.shift_remove("spec") {
            Some(spec) => (spec, "spec."),
            None if metadata.is_some() => {
                return Err(RecordedSpecError("it has no member spec".to_owned()));
            }
            None => (Value::Object(wrapper), ""),
        };
        let spec = serde_path_to_error::deserialize(spec)
            .map_err(|error| RecordedSpecError(format!("{at}{error}")))?;
        let resource_metadata = metadata
            .map(serde_path_to_error::deserialize)
            .transpose()
            .map_err(|error| RecordedSpecError(format!("resource_metadata.{error}")))?;
        Ok(Self { spec, resource_metadata })
    }
}

impl<S: Serialize> RecordedSpec<S> {
    /// The text to record.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect(
            "specs serialise: their maps have text keys and their types have no fallible parts",
        )
    }
}
