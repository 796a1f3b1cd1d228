//! Options of the operator itself, `kubernetes.operator.*`.
//!
//! Some belong to the operator as a whole, the rest may also stand in the `flinkConfiguration` of a
//! resource; the modules keep the two apart.

pub mod platform;
pub mod resource;

/// Start of all keys of the operator. They are dropped before a cluster gets its configuration.
pub const PREFIX: &str = "kubernetes.operator.";

/// Start of defaults for one namespace: `<this><namespace>.<key>`.
pub const NAMESPACE_DEFAULTS_PREFIX: &str = "kubernetes.operator.default-configuration.namespace.";

/// Start of defaults for one version of Flink (`<this>v1_20.<key>`) or for it and all later ones
/// (`<this>v1_20+.<key>`).
pub const FLINK_VERSION_DEFAULTS_PREFIX: &str =
    "kubernetes.operator.default-configuration.flink-version.";
