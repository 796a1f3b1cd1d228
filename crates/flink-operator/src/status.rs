//! The only place that writes status.
//!
//! A write is a merge patch of what differs, and carries the resource version that the decision was made on. The API
//! server refuses it (409) when the object has changed since: that makes the status a log of intents and a fence.

use flink_operator_api::{FlinkDeployment, FlinkDeploymentStatus};
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use serde_json::{Map, Value, json};

/// Writes `next` over the status of `read`. `None` when nothing differs: then nothing is sent.
///
/// # Errors
///
/// The API server's answer; [`is_conflict`] tells an old view from the rest.
pub async fn write(
    api: &Api<FlinkDeployment>,
    read: &FlinkDeployment,
    next: &FlinkDeploymentStatus,
) -> Result<Option<FlinkDeployment>, kube::Error> {
    let Some(status) = difference(read.status.as_ref(), next) else { return Ok(None) };
    let patch = json!({
        "metadata": {"resourceVersion": read.meta().resource_version, "uid": read.meta().uid},
        "status": status,
    });
    api.patch_status(&read.name_any(), &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map(Some)
}

/// Asks the API server whether the object is still as it was read. Nothing is written.
///
/// # Errors
///
/// The API server's answer; [`is_conflict`] tells an old view from the rest.
pub async fn confirm(
    api: &Api<FlinkDeployment>,
    read: &FlinkDeployment,
) -> Result<(), kube::Error> {
    let version = json!({
        "metadata": {"resourceVersion": read.meta().resource_version, "uid": read.meta().uid},
    });
    let params = PatchParams::default();
    api.patch_status(&read.name_any(), &params, &Patch::Merge(version)).await.map(drop)
}

/// The resource has changed since it was read, or is another one by now.
pub fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// The merge patch (RFC 7386) that turns one status into the other; `None` when they say the same.
fn difference(
    before: Option<&FlinkDeploymentStatus>,
    after: &FlinkDeploymentStatus,
) -> Option<Value> {
    let value = |status: &FlinkDeploymentStatus| {
        serde_json::to_value(status).expect("a status is plain JSON")
    };
    let before = before.map_or_else(|| Value::Object(Map::new()), value);
    let patch = merge_patch(&before, &value(after));
    (patch != Value::Object(Map::new())).then_some(patch)
}

/// Members that are null count as absent: the API server drops them.
fn merge_patch(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for (name, old) in before {
        if !old.is_null() && after.get(name).is_none_or(Value::is_null) {
            patch.insert(name.clone(), Value::Null);
        }
    }
    for (name, new) in after {
        match before.get(name) {
            _ if new.is_null() => {}
            Some(old) if old == new => {}
            Some(old @ Value::Object(_)) if new.is_object() => {
                let inner = merge_patch(old, new);
                if inner != Value::Object(Map::new()) {
                    patch.insert(name.clone(), inner);
                }
            }
            Some(_) | None => {
                patch.insert(name.clone(), without_nulls(new));
            }
        }
    }
    Value::Object(patch)
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(_, member)| !member.is_null())
                .map(|(name, member)| (name.clone(), without_nulls(member)))
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            value.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a case reads best with its values in place")]
    fn check(before: Value, after: Value, expected: Value) {
        let patch = merge_patch(&before, &after);
        assert_eq!(patch, expected);
        let mut patched = before;
        json_patch::merge(&mut patched, &patch);
        assert_eq!(
            without_nulls(&patched),
            without_nulls(&after),
            "the patch leads where it should"
        );
    }

    #[test]
    fn patch_holds_what_differs_and_nothing_else() {
        check(
            json!({"a": 1, "b": {"c": 2, "d": 3}}),
            json!({"a": 1, "b": {"c": 4, "d": 3}}),
            json!({"b": {"c": 4}}),
        );
        check(
            json!({"a": 1, "b": {"c": 2}}),
            json!({"b": {}}),
            json!({"a": null, "b": {"c": null}}),
        );
        check(json!({"a": [1, 2]}), json!({"a": [2]}), json!({"a": [2]}));
        check(json!({"a": "x"}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}}));
    }

    #[test]
    fn null_and_absent_are_the_same() {
        check(json!({"a": null}), json!({}), json!({}));
        check(json!({}), json!({"a": null, "b": {"c": null, "d": 1}}), json!({"b": {"d": 1}}));
        check(json!({"a": 1}), json!({"a": null}), json!({"a": null}));
    }
}
