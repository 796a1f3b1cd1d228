//! CPU, memory and storage of JobManagers and TaskManagers.

use std::{collections::BTreeMap, fmt};

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::tolerant::null_as_default;

/// CPU and memory in Flink's notation, the older field. Ignored if `resources` sets anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct Resource {
    /// Number of CPUs, for example `0.5`.
    pub cpu: Option<f64>,
    /// Memory of the whole process, in Flink's or Kubernetes' notation: `2048m`, `2gb`, `2Gi`.
    pub memory: Option<String>,
    /// Ephemeral storage, in the same notation as `memory`.
    pub ephemeral_storage: Option<String>,
}

/// Requests and limits of the Flink container, as in a pod.
///
/// It is a Kubernetes object, so unset fields are left out when it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceRequirements {
    /// Names of the pod's resource claims that the container uses.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ResourceClaim>,
    /// Limits of the container, by resource: `cpu`, `memory`, `ephemeral-storage` or
    /// an extended resource.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Quantity>,
    /// Requests of the container, by resource. `memory` is the size of the Flink process.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, Quantity>,
}

impl ResourceRequirements {
    /// Whether nothing is set, so that `resource` is used.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.limits.is_empty() && self.requests.is_empty()
    }
}

/// A claim of the pod that the container uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceClaim {
    /// Name of an entry of the pod's `resourceClaims`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of one request in that claim. Unset: all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// An amount in Kubernetes' notation (`500m`, `2Gi`, `1`), kept as it was written.
///
/// Numbers are read too, as in `cpu: 1`, and become text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Quantity(String);

impl Quantity {
    /// The amount as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Quantity {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as 500m, 2Gi or 1")
            }

            fn visit_str<E>(self, text: &str) -> Result<Quantity, E> {
                Ok(Quantity(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Quantity, E> {
                Ok(Quantity(number.to_string()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Quantity, E> {
                Ok(Quantity(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Quantity, E> {
                Ok(Quantity(number.to_string()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
