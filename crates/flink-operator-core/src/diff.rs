//! Compares two specs: which fields changed, and what the operator must do about it.
//!
//! A table gives the effect of a change of each field. The strongest effect decides.

mod diff_type;

mod variables;

mod json;
mod rules;
mod secrets;

use std::{collections::BTreeMap, fmt};

use flink_operator_api::{
    DeploymentMode, FlinkConfiguration, FlinkDeploymentSpec, FlinkSessionJobSpec,
};
use serde::Serialize;
use serde_json::{Map, Value};

pub use self::diff_type::DiffType;
pub use self::json::{Change, same};
use self::rules::{Effect, Field, Parts, Removal};
use crate::conf::{Shape, Syntax, is_sensitive};

/// Compares two specs of a FlinkDeployment; `mode` is the deployment mode of the later one.
pub fn deployment(
    before: &FlinkDeploymentSpec,
    after: &FlinkDeploymentSpec,
    mode: &DeploymentMode,
) -> SpecDiff {
    let version = after.flink_version.as_ref().and_then(|version| version.as_str().parse().ok());
    let syntax = version.map_or(Syntax::Standard, Syntax::of);
    compare_specs("FlinkDeploymentSpec", rules::DEPLOYMENT, before, after, (mode, syntax))
}

/// Compares two specs of a FlinkSessionJob; `mode` is the deployment mode of its session cluster.
pub fn session_job(
    before: &FlinkSessionJobSpec,
    after: &FlinkSessionJobSpec,
    mode: &DeploymentMode,
) -> SpecDiff {
    let syntax = Syntax::Standard;
    compare_specs("FlinkSessionJobSpec", rules::SESSION_JOB, before, after, (mode, syntax))
}

/// A field that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDiff {
    /// The path of the field: `taskManager.replicas`, `flinkConfiguration.a.b`.
    pub field: String,
    pub diff_type: DiffType,
    /// The places in the field where the two specs differ.
    pub changes: Vec<Change>,
}

impl FieldDiff {
    /// Replaces the values of a secret: changes are published as events.
    fn hide_values(&mut self) {
        self.changes.iter_mut().for_each(secrets::hide);
    }
}

/// All differences between two specs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecDiff {
    /// The Java class of the spec, which the Java operator prints.
    spec_type: &'static str,
    pub fields: Vec<FieldDiff>,
}

impl SpecDiff {
    /// The strongest effect of all changes; [`DiffType::Ignore`] if there are none.
    pub fn diff_type(&self) -> DiffType {
        self.fields.iter().map(|field| field.diff_type).max().unwrap_or(DiffType::Ignore)
    }
}

/// `Diff: FlinkDeploymentSpec[image : a -> b, job.parallelism : 1 -> 2]`.
impl fmt::Display for SpecDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Diff: {}[", self.spec_type)?;
        let changes = self.fields.iter().flat_map(|field| &field.changes);
        for (index, change) in changes.enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{} : {} -> {}", change.path, change.before, change.after)?;
        }
        f.write_str("]")
    }
}

fn compare_specs<S: Serialize + PartialEq>(
    spec_type: &'static str,
    table: &[Field],
    before: &S,
    after: &S,
    (mode, syntax): (&DeploymentMode, Syntax),
) -> SpecDiff {
    let mut diff = SpecDiff { spec_type, fields: Vec::new() };
    // Specs are nearly always equal, and their conversion to JSON is expensive.
    if before == after {
        return diff;
    }
    let (before, after) = (members(before), members(after));
    Comparison { mode, syntax, found: &mut diff.fields }.compare_fields("", table, &before, &after);
    diff
}

/// The fields of a spec as JSON. Older versions of the operator recorded whole pods as templates, of
/// which only metadata and spec have an effect, so other fields are removed. The default mode is native.
fn members<S: Serialize>(spec: &S) -> Map<String, Value> {
    let mut spec = serde_json::to_value(spec)
        .expect("specs serialise: their maps have text keys and their types no fallible parts");
    for template in ["/podTemplate", "/jobManager/podTemplate", "/taskManager/podTemplate"] {
        if let Some(Value::Object(template)) = spec.pointer_mut(template) {
            template.retain(|member, _| matches!(member.as_str(), "metadata" | "spec"));
        }
    }
    if let Some(mode @ Value::Null) = spec.get_mut("mode") {
        *mode = Value::from(DeploymentMode::Native.as_str());
    }
    match spec {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

struct Comparison<'a> {
    mode: &'a DeploymentMode,
    /// How the cluster writes lists and maps inside the value of an option.
    syntax: Syntax,
    found: &'a mut Vec<FieldDiff>,
}

impl Comparison<'_> {
    fn compare_fields(
        &mut self,
        prefix: &str,
        table: &[Field],
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) {
        for field in table {
            let path = format!("{prefix}{}", field.name);
            let before = before.get(field.name).unwrap_or(&Value::Null);
            let after = after.get(field.name).unwrap_or(&Value::Null);
            if field.removal == Removal::Ignored && after.is_null() {
                continue;
            }
            match (field.parts, before, after) {
                (Parts::Fields(table), Value::Object(before), Value::Object(after)) => {
                    self.compare_fields(&format!("{path}."), table, before, after);
                }
                (Parts::Configuration, _, _) => self.compare_options(&path, before, after),
                (Parts::Fields(_) | Parts::Whole, _, _) => {
                    self.compare_values(path, field.effect, before, after);
                }
            }
        }
    }

    /// Compares Flink options key by key. It makes no difference how they are nested.
    fn compare_options(&mut self, path: &str, before: &Value, after: &Value) {
        let (before, after) = (options(before), options(after));
        let new = after.keys().filter(|key| !before.contains_key(*key));
        for key in before.keys().chain(new) {
            if let (Some(before), Some(after)) = (before.get(key), after.get(key))
                && self.is_same_option(key, before, after)
            {
                continue;
            }
            let side = |options: &BTreeMap<String, String>| {
                options.get(key).map_or(Value::Null, |value| Value::from(value.as_str()))
            };
            let found = self.found.len();
            self.compare_values(
                format!("{path}.{key}"),
                rules::effect_of_option(key),
                &side(&before),
                &side(&after),
            );
            if is_sensitive(key) {
                self.found.iter_mut().skip(found).for_each(FieldDiff::hide_values);
            }
        }
    }

    /// Whether two texts of an option are the same value to Flink. Where Flink reads a list or a map, the notation and, in a
    /// map, the order of the entries make no difference.
    fn is_same_option(&self, key: &str, before: &str, after: &str) -> bool {
        if before == after {
            return true;
        }
        let read = |text: &str| Shape::of(key)?.read(text, self.syntax);
        matches!((read(before), read(after)), (Some(before), Some(after)) if before == after)
    }

    fn compare_values(&mut self, field: String, effect: Effect, before: &Value, after: &Value) {
        let mut changes = json::changes(&field, before, after);
        if changes.is_empty() {
            return;
        }
        secrets::hide_variables(&mut changes);
        if field == "job.args" {
            secrets::hide_arguments(&mut changes, before, after);
        }
        let diff_type = match (effect, self.mode) {
            (Effect::Always(diff_type), _)
            | (Effect::Standalone(diff_type), DeploymentMode::Standalone)
            | (Effect::Native(diff_type), DeploymentMode::Native) => diff_type,
            (Effect::Standalone(_), DeploymentMode::Native | DeploymentMode::Unrecognised(_))
            | (Effect::Native(_), DeploymentMode::Standalone | DeploymentMode::Unrecognised(_)) => {
                DiffType::Upgrade
            }
        };
        self.found.push(FieldDiff { field, diff_type, changes });
    }
}

/// The options of a configuration by their full keys. Empty if there is no configuration.
fn options(configuration: &Value) -> BTreeMap<String, String> {
    FlinkConfiguration::from(configuration.clone()).flatten()
}

#[cfg(test)]
mod tests;
