//! Reading stored objects, so that a broken one does not make the others unreadable.

use std::borrow::Cow;

use kube::core::{ObjectMeta, Resource};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, de::DeserializeOwned};
use serde_json::Value;

/// An object from the API server, readable as its kind or not.
///
/// A list or a watch is decoded as a whole. One object with a field of a wrong type (stored under
/// another schema, or by another version) would stop the controller for all objects. So controllers
/// watch `Stored<FlinkDeployment>` instead of `FlinkDeployment`. An unreadable object still has its
/// metadata, its raw JSON and the reason. It must be treated as *unknown*, never as empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored<K> {
    /// The object.
    Readable(Box<K>),
    /// An object that could not be read.
    Unreadable(Box<Unreadable>),
}

/// An object that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// The metadata, which could be read.
    pub metadata: ObjectMeta,
    /// The field and its error, for the user.
    pub why: String,
    /// The whole object as it came.
    pub raw: Value,
}

impl<K> Stored<K> {
    /// The object, if it could be read.
    pub fn readable(&self) -> Option<&K> {
        match self {
            Self::Readable(object) => Some(object),
            Self::Unreadable(_) => None,
        }
    }
}

impl Unreadable {
    /// Reads the field `status` by itself, since only the spec may be unreadable.
    ///
    /// # Errors
    ///
    /// If the status cannot be read. The text names the field.
    pub fn status<S: DeserializeOwned>(&self) -> Result<Option<S>, String> {
        match self.raw.get("status") {
            None | Some(Value::Null) => Ok(None),
            Some(status) => serde_path_to_error::deserialize(status)
                .map(Some)
                .map_err(|error| format!("status.{error}")),
        }
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Stored<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        match serde_path_to_error::deserialize::<_, K>(&raw) {
            Ok(object) => Ok(Self::Readable(Box::new(object))),
            Err(error) => {
                let metadata = raw.get("metadata").unwrap_or(&Value::Null);
                let metadata = ObjectMeta::deserialize(metadata).map_err(de::Error::custom)?;
                Ok(Self::Unreadable(Box::new(Unreadable { metadata, why: error.to_string(), raw })))
            }
        }
    }
}

/// Writes the object as it came.
impl<K: Serialize> Serialize for Stored<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Readable(object) => object.serialize(serializer),
            Self::Unreadable(unreadable) => unreadable.raw.serialize(serializer),
        }
    }
}

impl<K: Resource> Resource for Stored<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Readable(object) => object.meta(),
            Self::Unreadable(unreadable) => &unreadable.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Readable(object) => object.meta_mut(),
            Self::Unreadable(unreadable) => &mut unreadable.metadata,
        }
    }
}
