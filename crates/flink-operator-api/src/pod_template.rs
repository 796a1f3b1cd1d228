//! Kubernetes objects inside a spec. They are kept as JSON, with fields that our types do not know.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Declares a newtype over the JSON of a Kubernetes object.
macro_rules! kubernetes_object {
    ($(#[$meta:meta])* pub struct $name:ident;) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub struct $name(Value);

        impl $name {
            /// The object as it was written, without members that are `null`.
            pub fn as_value(&self) -> &Value {
                &self.0
            }

            /// The object as it was written, without members that are `null`.
            pub fn into_value(self) -> Value {
                self.0
            }
        }

        impl From<Value> for $name {
            fn from(mut value: Value) -> Self {
                drop_null_members(&mut value);
                Self(value)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Value::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

kubernetes_object! {
    /// A template for pods: JSON of a core/v1 Pod. Only its `metadata` and `spec` are used.
    ///
    /// Kept as JSON, so that fields of pods that are newer than this operator reach the cluster.
    pub struct PodTemplate;
}

kubernetes_object! {
    /// JSON of a meta/v1 ObjectMeta that is accepted and kept, but has no effect.
    pub struct TemplateMetadata;
}

/// Removes members that are `null`, at any depth: in Kubernetes' objects they mean "unset".
fn drop_null_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_null_members);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_null_members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
