//! How much of an object an answer shows: the whole, or its metadata alone.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::ownership::insert_into;
use super::store::Stored;

/// What the client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Representation {
    Whole,
    MetadataOnly,
}

const META_VERSION: &str = "meta.k8s.io/v1";

impl Representation {
    /// Reads the header `Accept`.
    pub fn of(accept: &str) -> Self {
        let wanted = accept.split(',').map(str::trim).next().unwrap_or_default();
        if wanted.contains("as=PartialObjectMetadata") { Self::MetadataOnly } else { Self::Whole }
    }

    /// `apiVersion` and `kind` of what is shown.
    pub fn names(self, kind: &Kind) -> (String, String) {
        match self {
            Self::Whole => (kind.api_version(), kind.kind.clone()),
            Self::MetadataOnly => (META_VERSION.to_owned(), "PartialObjectMetadata".to_owned()),
        }
    }

    /// One object.
    pub fn object(self, kind: &Kind, stored: &Stored) -> Bytes {
        match self {
            Self::Whole if kind.is_stored_as_shown() => stored.encoded(),
            Self::Whole => {
                let mut shown = kind.shown(&stored.object).into_owned();
                insert_into(&mut shown, &stored.managed);
                Bytes::from(shown.to_string())
            }
            Self::MetadataOnly => Bytes::from(Self::partial(&stored.full()).to_string()),
        }
    }

    /// A value that is not stored (yet).
    pub fn value(self, value: Value) -> Value {
        match self {
            Self::Whole => value,
            Self::MetadataOnly => Self::partial(&value),
        }
    }

    fn partial(object: &Value) -> Value {
        json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": META_VERSION,
            "metadata": object.get("metadata").unwrap_or(&Value::Null),
        })
    }

    /// An item of a list: built-in kinds leave out there what the list says already.
    fn item(self, kind: &Kind, stored: &Stored) -> Value {
        let mut item: Value = match self {
            Self::Whole => {
                let mut item = kind.shown(&stored.object).into_owned();
                insert_into(&mut item, &stored.managed);
                item
            }
            Self::MetadataOnly => Self::partial(&stored.full()),
        };
        if self == Self::Whole
            && kind.custom.is_none()
            && let Some(fields) = item.as_object_mut()
        {
            fields.shift_remove("apiVersion");
            fields.shift_remove("kind");
        }
        item
    }

    /// A list of objects.
    pub fn list(
        self,
        kind: &Kind,
        metadata: &Map<String, Value>,
        items: &[std::sync::Arc<Stored>],
    ) -> Value {
        let (api_version, name) = self.names(kind);
        let items: Vec<Value> = items.iter().map(|stored| self.item(kind, stored)).collect();
        if self == Self::MetadataOnly && items.is_empty() {
            return json!({"kind": format!("{name}List"), "apiVersion": api_version, "metadata": metadata, "items": null});
        }
        let mut metadata = metadata.clone();
        // Lists of custom kinds always have the field.
        if kind.custom.is_some() && self == Self::Whole && !metadata.contains_key("continue") {
            metadata.insert("continue".to_owned(), json!(""));
        }
        json!({"kind": format!("{name}List"), "apiVersion": api_version, "metadata": metadata, "items": items})
    }
}
