//! The only place that writes status.
//!
//! A write is a merge patch of what differs, and carries the resource version that the decision was made on. The API
//! server refuses it (409) when the object has changed since: that makes the status a log of intents and a fence. No
//! decision depends on annotations, so a change of them does not count.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams};
use kube::core::object::HasStatus;
use kube::{Api, ResourceExt};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::kind::Kind;

/// Attempts for a patch that conflicts with an unrelated change.
const ATTEMPTS_MAX: usize = 5;

/// Writes `next` over the status of `read`. `None` when nothing differs: then nothing is sent.
///
/// # Errors
///
/// The API server's answer; [`is_conflict`] tells an old view from the rest.
pub async fn write<K: Kind>(
    api: &Api<K>,
    read: &K,
    next: &<K as HasStatus>::Status,
) -> Result<Option<K>, kube::Error> {
    let Some(status) = difference(read.status(), next) else { return Ok(None) };
    patch(api, read, Some(&status)).await.map(Some)
}

/// Asks the API server whether the object is still as it was read. Nothing is written.
///
/// # Errors
///
/// The API server's answer; [`is_conflict`] tells an old view from the rest.
pub async fn confirm<K: Kind>(api: &Api<K>, read: &K) -> Result<(), kube::Error> {
    patch(api, read, None).await.map(drop)
}

/// Sends a patch of the status under the version that was read. It is sent again if the conflict is a change of
/// annotations: a tool that writes them all the time would otherwise have every patch refused.
async fn patch<K: Kind>(api: &Api<K>, read: &K, status: Option<&Value>) -> Result<K, kube::Error> {
    let (name, params) = (read.name_any(), PatchParams::default());
    let mut version = read.meta().resource_version.clone();
    let mut attempts = 1;
    loop {
        let metadata = json!({"resourceVersion": version, "uid": read.meta().uid});
        let patch = match status {
            Some(status) => json!({"metadata": metadata, "status": status}),
            None => json!({"metadata": metadata}),
        };
        let refused = match api.patch_status(&name, &params, &Patch::Merge(patch)).await {
            Err(error) if is_conflict(&error) && attempts < ATTEMPTS_MAX => error,
            answered => return answered,
        };
        match api.get_opt(&name).await {
            Ok(Some(now)) if is_as_read(read, &now) => {
                version.clone_from(&now.meta().resource_version);
            }
            Ok(_) | Err(_) => return Err(refused),
        }
        attempts += 1;
    }
}

/// Whether nothing has changed but annotations, and who manages which field.
fn is_as_read<K: Kind>(read: &K, now: &K) -> bool {
    let but_annotations = |resource: &K| ObjectMeta {
        annotations: None,
        managed_fields: None,
        resource_version: None,
        ..resource.meta().clone()
    };
    // The generation stands for the spec.
    but_annotations(read) == but_annotations(now) && read.status() == now.status()
}

/// The resource has changed since it was read, or is another one by now.
pub fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// The merge patch (RFC 7386) that turns one status into the other; `None` when they say the same.
fn difference<S: Serialize>(before: Option<&S>, after: &S) -> Option<Value> {
    let value = |status: &S| serde_json::to_value(status).expect("a status is plain JSON");
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
    use std::sync::{Arc, Mutex};

    use flink_operator_api::{FlinkDeployment, FlinkDeploymentStatus};

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

    /// A server whose object has these annotations and this status by now; what it was asked.
    async fn written_over(status: Value) -> (Result<(), kube::Error>, Vec<String>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&asked);
        let now = json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {
                "name": "a", "namespace": "n", "uid": "u", "generation": 1, "resourceVersion": "8",
                "annotations": {"synced": "now"},
            },
            "spec": {}, "status": status,
        });
        let mut read: FlinkDeployment = serde_json::from_value(now.clone()).unwrap();
        read.metadata.annotations = None;
        read.metadata.resource_version = Some("7".to_owned());
        read.status = Some(FlinkDeploymentStatus::default());
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (requests, now) = (Arc::clone(&requests), now.clone());
            async move {
                let method = request.method().clone();
                let body = request.into_body().collect_bytes().await.unwrap();
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let version = body.pointer("/metadata/resourceVersion").and_then(Value::as_str);
                requests.lock().unwrap().push(format!("{method} {}", version.unwrap_or("-")));
                let refused = json!({
                    "kind": "Status", "status": "Failure", "code": 409, "reason": "Conflict",
                });
                let is_old = version.is_some_and(|version| version != "8");
                http::Response::builder().status(if is_old { 409 } else { 200 }).body(
                    kube::client::Body::from(
                        serde_json::to_vec(if is_old { &refused } else { &now }).unwrap(),
                    ),
                )
            }
        });
        let api = Api::namespaced(kube::Client::new(service, "n"), "n");
        let next = FlinkDeploymentStatus { error: Some("e".to_owned()), ..Default::default() };
        let written = write(&api, &read, &next).await.map(drop);
        let asked = asked.lock().unwrap().clone();
        (written, asked)
    }

    #[tokio::test]
    async fn change_of_annotations_is_no_change_that_a_record_depends_on() {
        let same = serde_json::to_value(FlinkDeploymentStatus::default()).unwrap();
        let (written, asked) = written_over(same).await;
        assert!(written.is_ok(), "{written:?}");
        assert_eq!(asked, ["PATCH 7", "GET -", "PATCH 8"]);
    }

    #[tokio::test]
    async fn record_of_somebody_else_is_never_written_over() {
        let (written, asked) = written_over(json!({"lifecycleState": "SUSPENDED"})).await;
        assert!(written.is_err_and(|error| is_conflict(&error)));
        assert_eq!(asked, ["PATCH 7", "GET -"]);
    }
}
