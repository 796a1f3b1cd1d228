//! Which requests are sent for an action.

use std::sync::Mutex;
use std::time::Duration;

use flink_operator_api::names;
use flink_rest::{FlinkRest, HttpOptions, Transport, TransportError};
use serde_json::json;

use super::*;

/// Carries out an action with an API server that has a later cluster's ConfigMap, and another version of the resource
/// than the decision was made on. What was asked for, and what came of it.
async fn carried_out(action: Action) -> (Vec<String>, Result<(), ExecuteError>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&seen);
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let path = request.uri().path();
        let place = path.split("/namespaces/n/").nth(1).unwrap_or(path);
        requests.lock().unwrap().push(format!("{} {place}", request.method()));
        let (code, answer) = if place.starts_with("flinkdeployments/a") {
            let refused = json!({
                "kind": "Status", "status": "Failure", "code": 409, "reason": "Conflict",
            });
            let now = json!({
                "apiVersion": names::API_VERSION, "kind": "FlinkDeployment",
                "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "2"},
                "spec": {}, "status": {"lifecycleState": "SUSPENDED"},
            });
            if request.method() == http::Method::GET { (200, now) } else { (409, refused) }
        } else {
            let key = "executionPlan-1";
            let config_map = json!({
                "metadata": {"name": "a-cluster-config-map", "uid": "later"}, "data": {key: "x"},
            });
            (200, json!({"metadata": {}, "items": [config_map]}))
        };
        let body = kube::client::Body::from(serde_json::to_vec(&answer).unwrap());
        std::future::ready(http::Response::builder().status(code).body(body))
    });
    let client = Client::new(service, "n");
    let nowhere = Transport::of_bytes(tower::service_fn(|_| async {
        Err(TransportError::Connect { reason: "refused".to_owned(), timed_out: false })
    }));
    let executor = Executor {
        client: &client,
        resource_writes: &ResourceWrites::default(),
        job_manager_writes: &JobManagerWrites::default(),
        events: &Events::new(client.clone(), None),
        flink: &FlinkApi::at(&FlinkRest::new(nowhere), None, None, 8081, Duration::ZERO),
    };
    let resource: FlinkDeployment = serde_json::from_value(json!({
        "apiVersion": names::API_VERSION, "kind": "FlinkDeployment",
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "1"},
        "spec": {},
    }))
    .unwrap();
    let (_, outcome) = executor.execute(Arc::new(resource), vec![action]).await;
    let seen = seen.lock().unwrap();
    (seen.clone(), outcome)
}

#[track_caller]
fn check((requests, outcome): &(Vec<String>, Result<(), ExecuteError>), expected: &[&str]) {
    assert_eq!(requests, expected);
    assert!(matches!(outcome, Err(ExecuteError::Conflict { .. })), "{outcome:?}");
}

#[tokio::test]
async fn process_that_has_slept_deletes_nothing_of_a_later_cluster() {
    let confirmed = ["PATCH flinkdeployments/a/status", "GET flinkdeployments/a"];
    let listed = ["GET configmaps", confirmed[0], confirmed[1]];
    check(&carried_out(Action::DeleteHaData).await, &listed);
    check(&carried_out(Action::ForgetJobGraphs).await, &listed);
    let delete = Action::DeleteJobManager { uid: "later".to_owned() };
    check(&carried_out(delete).await, &confirmed);
    let stop = Action::StopJobManager { uid: "later".to_owned() };
    check(&carried_out(stop).await, &confirmed);
}

/// What one request for the JobManager's end says.
async fn sent(action: Action) -> (String, serde_json::Value) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&sent);
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let requests = Arc::clone(&requests);
        async move {
            let what = format!("{} {}", request.method(), request.uri().path());
            let body = request.into_body().collect_bytes().await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            requests.lock().unwrap().push((what, body));
            let done = json!({"kind": "Status", "status": "Success", "code": 200});
            http::Response::builder()
                .body(kube::client::Body::from(serde_json::to_vec(&done).unwrap()))
        }
    });
    let client = Client::new(service, "n");
    let rest = FlinkRest::new(Transport::http(&HttpOptions::default()).unwrap());
    let executor = Executor {
        client: &client,
        resource_writes: &ResourceWrites::default(),
        job_manager_writes: &JobManagerWrites::default(),
        events: &Events::new(client.clone(), None),
        flink: &FlinkApi::at(&rest, None, None, 8081, Duration::from_secs(1)),
    };
    let resource: FlinkDeployment = serde_json::from_value(json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"namespace": "n", "name": "a", "uid": "u"}, "spec": {},
    }))
    .unwrap();
    let mut executed = Executed { resource: Arc::new(resource), acted: false, is_newest: true };
    // The answer is no Deployment; what was asked is all that counts here.
    drop(executor.act(&mut executed, action).await);
    let [request] = sent.lock().unwrap().clone().try_into().unwrap();
    request
}

/// A Deployment that is gone at once lets the next one start while its pods still end, and one of the same name may
/// have been created meanwhile.
#[tokio::test]
async fn deployment_is_deleted_after_its_pods_and_with_the_uid_that_was_seen() {
    let (what, body) = sent(Action::DeleteJobManager { uid: "seen".to_owned() }).await;
    assert_eq!(what, "DELETE /apis/apps/v1/namespaces/n/deployments/a");
    assert_eq!(body["propagationPolicy"], "Foreground");
    assert_eq!(body["preconditions"]["uid"], "seen");
}

#[tokio::test]
async fn deployment_is_scaled_to_zero_with_the_uid_that_was_seen() {
    let (what, body) = sent(Action::StopJobManager { uid: "seen".to_owned() }).await;
    assert_eq!(what, "PATCH /apis/apps/v1/namespaces/n/deployments/a");
    assert_eq!(body, json!({"metadata": {"uid": "seen"}, "spec": {"replicas": 0}}));
}
