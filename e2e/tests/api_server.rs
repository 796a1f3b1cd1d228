//! Tests of the operator on a real API server with a controller manager, but without a node: pods are objects that never run.
//!
//! The tests write the pods' status in place of a kubelet. Tests with Flink are in `flink.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::audit;
use e2e::born::Born;
use e2e::cluster::Cluster;
use e2e::manifests::Application;
use e2e::moments;
use e2e::namespace::TestNamespace;
use e2e::operator::{self, Settings};
use e2e::wait::{eventually, never};
use flink_operator_api::{FlinkDeployment, ReconciliationState};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// A namespace and an operator for it.
struct Bench {
    namespace: TestNamespace,
    operator: Settings,
}

/// Ports for the operators' health probes. Tests run one at a time, and a killed operator releases its port at once.
const PORT: u16 = 28_085;

async fn bench(test: &str) -> anyhow::Result<Bench> {
    let cluster = Cluster::connect().await?;
    e2e::namespace::install_definitions(&cluster).await?;
    let namespace = TestNamespace::create(&cluster, test).await?;
    let operator = operator::settings(&cluster, &namespace.name, PORT)?;
    Ok(Bench { namespace, operator })
}

fn condition<'a>(
    resource: &'a FlinkDeployment,
    type_: &str,
) -> Option<&'a flink_operator_api::Condition> {
    resource.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == type_)
}

fn message(resource: &FlinkDeployment, type_: &str) -> String {
    condition(resource, type_).and_then(|condition| condition.message.clone()).unwrap_or_default()
}

fn holds(resource: &FlinkDeployment, type_: &str) -> bool {
    condition(resource, type_).is_some_and(|condition| condition.status == "True")
}

fn is_deployed(resource: &FlinkDeployment) -> bool {
    resource
        .status
        .as_ref()
        .is_some_and(|status| status.reconciliation_status.state == ReconciliationState::Deployed)
}

/// The objects of a JobManager without high availability, except pods.
fn objects_of_a() -> Vec<String> {
    ["ConfigMap/flink-config-a", "Deployment/a", "Service/a", "Service/a-rest"]
        .map(str::to_owned)
        .to_vec()
}

async fn without_pods(namespace: &TestNamespace, cluster_id: &str) -> anyhow::Result<Vec<String>> {
    let all = namespace.objects_of(cluster_id).await?;
    Ok(all.into_iter().filter(|name| !name.starts_with("Pod/")).collect())
}

/// Removes a pod at once: without a kubelet its deletion would never complete.
async fn reap_pods(namespace: &TestNamespace) -> anyhow::Result<()> {
    for pod in namespace.pods().list(&ListParams::default()).await? {
        if pod.metadata.deletion_timestamp.is_some() {
            let now =
                kube::api::DeleteParams { grace_period_seconds: Some(0), ..Default::default() };
            drop(namespace.pods().delete(&pod.name_any(), &now).await);
        }
    }
    Ok(())
}

async fn delete_and_await(namespace: &TestNamespace, name: &str) -> anyhow::Result<()> {
    namespace.delete(name).await?;
    eventually("the end of the resource and its objects", Duration::from_secs(40), || async {
        reap_pods(namespace).await?;
        let gone = namespace.resources().get_opt(name).await?.is_none();
        Ok((gone && namespace.objects_of(name).await?.is_empty()).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_deployment_costs_what_the_golden_says_and_rest_costs_nothing() -> anyhow::Result<()>
{
    let bench = bench("cost").await?;
    let operator = bench.operator.start()?;
    wait_until_ready().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mark = audit::mark(&bench.namespace.cluster)?;
    bench.namespace.apply(&Application::flink_2_2("a").resource())?;
    bench.namespace.until("a", "the deployment", SOON, is_deployed).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let counts = audit::counts(&mark.requests(&bench.operator.user())?);
    println!("requests of a first deployment: {counts:?}");
    let golden: std::collections::BTreeMap<String, usize> =
        serde_json::from_str(include_str!("golden/first_deployment.json"))?;
    assert_eq!(
        counts, golden,
        "a rise has to be explained, and e2e/tests/golden/first_deployment.json changed"
    );

    let mark = audit::mark(&bench.namespace.cluster)?;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let idle = mark.requests(&bench.operator.user())?;
    assert!(idle.is_empty(), "nothing happened, and yet: {:?}", audit::counts(&idle));

    // A restart reads everything and writes nothing.
    operator.kill()?;
    let mark = audit::mark(&bench.namespace.cluster)?;
    let _operator = bench.operator.start()?;
    wait_until_ready().await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let writes: Vec<_> = mark
        .requests(&bench.operator.user())?
        .into_iter()
        .filter(|request| !matches!(request.verb.as_str(), "get" | "list" | "watch"))
        .collect();
    assert!(writes.is_empty(), "a restart wrote: {:?}", audit::counts(&writes));
    delete_and_await(&bench.namespace, "a").await?;
    bench.namespace.remove().await
}

async fn wait_until_ready() -> anyhow::Result<()> {
    eventually("the operator's readiness", SOON, || async {
        Ok(probe("/readyz").await?.starts_with("HTTP/1.1 200").then_some(()))
    })
    .await
}

async fn probe(path: &str) -> anyhow::Result<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", PORT)).await?;
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operator_serves_probes_and_metrics_and_stops_when_asked() -> anyhow::Result<()> {
    let bench = bench("process").await?;
    let operator = bench.operator.start()?;
    wait_until_ready().await?;
    assert!(probe("/healthz").await?.starts_with("HTTP/1.1 200"));
    let metrics = probe("/metrics").await?;
    assert!(metrics.contains("flink_operator_pass_seconds"), "{metrics}");
    let took = operator.terminate()?;
    assert!(took < Duration::from_secs(5), "stopping took {took:?}");
    bench.namespace.remove().await
}

/// How long a deployment takes, and a deletion without pods.
const SPAN: Duration = Duration::from_millis(160);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_ten_moments_of_deploy_and_delete_it_ends_where_it_should_and_does_nothing_twice()
-> anyhow::Result<()> {
    let bench = bench("kill").await?;
    let namespace = &bench.namespace;
    for (round, moment) in moments::within(SPAN, 10).into_iter().enumerate() {
        let born = Born::watch(namespace, "a").await?;
        let operator = bench.operator.start()?;
        wait_until_ready().await?;
        namespace.apply(&Application::flink_2_2("a").resource())?;
        tokio::time::sleep(moment).await;
        operator.kill()?;
        let seen = without_pods(namespace, "a").await?.len();
        println!("round {round}: killed {moment:?} into the deployment, {seen} of 4 objects stood");
        let operator = bench.operator.start()?;
        namespace.until("a", "the deployment after the kill", SOON, is_deployed).await?;
        assert_eq!(without_pods(namespace, "a").await?, objects_of_a());

        namespace.delete("a").await?;
        tokio::time::sleep(moment).await;
        operator.kill()?;
        let _operator = bench.operator.start()?;
        eventually("the end of everything after the kill", Duration::from_secs(40), || async {
            reap_pods(namespace).await?;
            let gone = namespace.resources().get_opt("a").await?.is_none();
            Ok((gone && namespace.objects_of("a").await?.is_empty()).then_some(()))
        })
        .await?;
        let once: BTreeMap<_, _> = objects_of_a().into_iter().map(|name| (name, 1)).collect();
        assert_eq!(born.count(), once, "what came to be in round {round}");
    }
    bench.namespace.remove().await
}

async fn events_of(namespace: &TestNamespace, reason: &str) -> anyhow::Result<Vec<Event>> {
    let api: Api<Event> = Api::namespaced(namespace.cluster.client.clone(), &namespace.name);
    let all = api.list(&ListParams::default()).await?;
    Ok(all.items.into_iter().filter(|event| event.reason.as_deref() == Some(reason)).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_a_spec_is_told_once_and_a_mended_spec_is_deployed_at_once()
-> anyhow::Result<()> {
    let bench = bench("faults").await?;
    let namespace = &bench.namespace;
    let _operator = bench.operator.start()?;
    wait_until_ready().await?;
    let mut resource = Application::flink_2_2("a").resource();
    resource["spec"]["jobManager"]["resource"]["memory"] = json!("2gbb");
    resource["spec"]["flinkVersion"] = json!("v9_9");
    resource["spec"]["flinkConfiguration"]["rest.port"] = json!("many");
    let mark = audit::mark(&namespace.cluster)?;
    namespace.apply(&resource)?;
    let seen = namespace.until("a", "the faults", SOON, |seen| holds(seen, "Stalled")).await?;
    let told = message(&seen, "Stalled");
    println!("told: {told}");
    for part in [
        "spec.jobManager.resource.memory",
        "2gbb",
        "spec.flinkVersion",
        "v9_9",
        "rest.port",
        "many",
    ] {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    let requests = mark.requests(&bench.operator.user())?;
    let writes: Vec<_> = requests
        .iter()
        .filter(|r| r.verb == "patch" && r.resource == "flinkdeployments/status")
        .collect();
    assert_eq!(writes.len(), 1, "the faults are written once: {:?}", audit::counts(&requests));
    assert_eq!(events_of(namespace, "ValidationError").await?.len(), 1);
    assert!(namespace.objects_of("a").await?.is_empty(), "nothing is deployed");

    let began = std::time::Instant::now();
    namespace.apply(&Application::flink_2_2("a").resource())?;
    let seen = namespace.until("a", "the deployment", SOON, is_deployed).await?;
    println!("mended and deployed after {:?}", began.elapsed());
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "a mended spec must not wait behind a back-off"
    );
    assert_eq!(seen.status.and_then(|status| status.error), None);

    // A fault in a later edit leaves the deployed cluster alone.
    let before = namespace.deployments().get("a").await?.metadata.uid;
    namespace
        .patch("a", &json!({"spec": {"taskManager": {"resource": {"memory": "lots"}}}}))
        .await?;
    let seen = namespace.until("a", "the new fault", SOON, |seen| holds(seen, "Stalled")).await?;
    assert!(message(&seen, "Stalled").contains("lots"));
    assert_eq!(namespace.deployments().get("a").await?.metadata.uid, before);

    // And a resource with faults is deleted like any other.
    delete_and_await(namespace, "a").await?;
    bench.namespace.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resource_that_was_never_valid_can_be_deleted() -> anyhow::Result<()> {
    let bench = bench("never").await?;
    let _operator = bench.operator.start()?;
    let mut resource = Application::flink_2_2("a").resource();
    resource["spec"]["taskManager"]["resource"]["memory"] = json!("ten");
    bench.namespace.apply(&resource)?;
    bench.namespace.until("a", "the fault", SOON, |seen| holds(seen, "Stalled")).await?;
    delete_and_await(&bench.namespace, "a").await?;
    bench.namespace.remove().await
}

/// Status updates that a kubelet would write.
async fn report(namespace: &TestNamespace, container: Value) -> anyhow::Result<()> {
    let pod = eventually("the JobManager's pod", SOON, || async {
        let pods = namespace
            .pods()
            .list(&ListParams::default().labels("app=a,component=jobmanager"))
            .await?;
        Ok(pods.items.into_iter().find(|pod| pod.metadata.deletion_timestamp.is_none()))
    })
    .await?;
    let status = json!({"status": {
        "phase": "Pending",
        "conditions": [{"type": "PodReadyToStartContainers", "status": "True"}, {"type": "Ready", "status": "False"}],
        "containerStatuses": [container],
    }});
    namespace
        .pods()
        .patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(status))
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn job_manager_that_does_not_start_is_told_in_its_pods_own_words() -> anyhow::Result<()> {
    let bench = bench("start").await?;
    let namespace = &bench.namespace;
    let _operator = bench.operator.start()?;
    namespace.apply(&Application::flink_2_2("a").resource())?;
    let container = |state: Value, last: Value, restarts: i32| {
        json!({
            "name": "flink-main-container", "image": "flink:2.2.l", "imageID": "", "ready": false,
            "restartCount": restarts, "state": state, "lastState": last,
        })
    };
    report(
        namespace,
        container(
            json!({"waiting": {"reason": "ErrImagePull", "message": "not found"}}),
            json!({}),
            0,
        ),
    )
    .await?;
    let seen =
        namespace.until("a", "the image failure", SOON, |seen| holds(seen, "Stalled")).await?;
    println!("told: {}", message(&seen, "Stalled"));
    assert!(message(&seen, "Stalled").contains("flink:2.2.l"));
    let mark = audit::mark(&namespace.cluster)?;
    report(
        namespace,
        container(
            json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}),
            json!({}),
            0,
        ),
    )
    .await?;
    never("a second report of one failure", Duration::from_secs(3), || async {
        let writes = mark.requests(&bench.operator.user())?;
        Ok((!writes.is_empty()).then(|| audit::counts(&writes)))
    })
    .await?;

    let ended = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}});
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}});
    report(namespace, container(waiting, ended, 3)).await?;
    let told = |seen: &FlinkDeployment| message(seen, "Stalled").contains("137");
    let seen = namespace.until("a", "the crash loop", SOON, told).await?;
    println!("told: {}", message(&seen, "Stalled"));
    assert_eq!(events_of(namespace, "OOMKilled").await?.len(), 1);
    delete_and_await(namespace, "a").await?;
    bench.namespace.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusal_by_a_quota_is_told_and_over_when_the_quota_is() -> anyhow::Result<()> {
    let bench = bench("quota").await?;
    let namespace = &bench.namespace;
    namespace.apply(&json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"},
        "spec": {"hard": {"count/services": "1"}},
    }))?;
    eventually("the quota's first count", SOON, || async {
        let used =
            namespace.kubectl(&["get", "quota", "tight", "-o", "jsonpath={.status.used}"])?;
        Ok((!used.is_empty()).then_some(()))
    })
    .await?;
    let _operator = bench.operator.start()?;
    namespace.apply(&Application::flink_2_2("a").resource())?;
    let seen = namespace
        .until("a", "the refusal", SOON, |seen| message(seen, "Stalled").contains("quota"))
        .await?;
    println!("told: {}", message(&seen, "Stalled"));
    let mark = audit::mark(&namespace.cluster)?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let tries = mark.requests(&bench.operator.user())?;
    assert!(tries.len() <= 24, "tries follow a back-off: {:?}", audit::counts(&tries));
    namespace.kubectl(&["delete", "quota", "tight"])?;
    let seen = namespace.until("a", "the deployment", Duration::from_secs(40), is_deployed).await?;
    assert_eq!(seen.status.and_then(|status| status.error), None);
    assert_eq!(without_pods(namespace, "a").await?, objects_of_a());
    delete_and_await(namespace, "a").await?;
    bench.namespace.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deployment_of_somebody_else_is_neither_adopted_nor_deleted() -> anyhow::Result<()> {
    let bench = bench("taken").await?;
    let namespace = &bench.namespace;
    let foreign: Deployment = serde_json::from_value(json!({
        "metadata": {"name": "a", "labels": {"mine": "yes"}},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": {"mine": "yes"}},
            "template": {"metadata": {"labels": {"mine": "yes"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}},
        },
    }))?;
    let created = namespace.deployments().create(&Default::default(), &foreign).await?;
    let _operator = bench.operator.start()?;
    namespace.apply(&Application::flink_2_2("a").resource())?;
    let seen = namespace.until("a", "the answer", SOON, |seen| holds(seen, "Stalled")).await?;
    println!("told: {}", message(&seen, "Stalled"));
    assert!(message(&seen, "Stalled").contains("Deployment a"));
    namespace.delete("a").await?;
    eventually("the resource's end", SOON, || async {
        Ok(namespace.resources().get_opt("a").await?.is_none().then_some(()))
    })
    .await?;
    assert_eq!(namespace.deployments().get("a").await?.metadata.uid, created.metadata.uid);
    bench.namespace.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_replaces_the_cluster_and_so_does_a_stateful_one_of_a_job_that_never_started()
-> anyhow::Result<()> {
    let bench = bench("change").await?;
    let namespace = &bench.namespace;
    let _operator = bench.operator.start()?;
    wait_until_ready().await?;
    namespace.apply(&Application::flink_2_2("a").resource())?;
    let first = namespace.until("a", "the deployment", SOON, is_deployed).await?;
    let job_id = |seen: &FlinkDeployment| {
        seen.status.as_ref().and_then(|status| status.job_status.job_id.clone())
    };
    let before = namespace.deployments().get("a").await?;
    namespace.patch("a", &json!({"spec": {"job": {"parallelism": 2}}})).await?;
    let after = eventually("the new Deployment", Duration::from_secs(40), || async {
        reap_pods(namespace).await?;
        let found = namespace.deployments().get_opt("a").await?;
        Ok(found.filter(|found| found.metadata.uid != before.metadata.uid))
    })
    .await?;
    assert_eq!(
        after.annotations().get("flinkdeployment.flink.apache.org/generation").map(String::as_str),
        Some("2")
    );
    let seen = namespace.until("a", "the record", SOON, is_deployed).await?;
    assert_ne!(job_id(&seen), job_id(&first), "a job that starts empty has a new id");
    assert_eq!(seen.status.as_ref().and_then(|status| status.observed_generation), Some(2));

    namespace
        .patch("a", &json!({"spec": {
            "flinkConfiguration": {
                "execution.checkpointing.dir": "file:///c", "execution.checkpointing.savepoint-dir": "file:///s",
            },
            "job": {"parallelism": 3, "upgradeMode": "savepoint"},
        }}))
        .await?;
    // The JobManager of the second generation has never come up, so there is no state that could be lost with it.
    let last =
        eventually("the Deployment of the third generation", Duration::from_secs(60), || async {
            reap_pods(namespace).await?;
            let found = namespace.deployments().get_opt("a").await?;
            Ok(found.filter(|found| found.metadata.uid != after.metadata.uid))
        })
        .await?;
    assert_eq!(
        last.annotations().get("flinkdeployment.flink.apache.org/generation").map(String::as_str),
        Some("3")
    );
    namespace.until("a", "the record", SOON, is_deployed).await?;
    delete_and_await(namespace, "a").await?;
    bench.namespace.remove().await
}

/// Validation refuses the pods that the API server refuses, and no others: core's tests have the same cases.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_are_accepted_or_refused_as_core_says() -> anyhow::Result<()> {
    let cluster = Cluster::connect().await?;
    let namespace = TestNamespace::create(&cluster, "admission").await?;
    let path = format!("/apis/apps/v1/namespaces/{}/deployments?dryRun=All", namespace.name);
    let cases: Vec<Value> = serde_json::from_str(include_str!(
        "../../crates/flink-operator-core/tests/golden/admission.json"
    ))?;
    let mut differences = Vec::new();
    for case in &cases {
        let deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "a"},
            "spec": {
                "selector": {"matchLabels": {"app": "a"}},
                "template": {"metadata": case["metadata"], "spec": case["spec"]},
            },
        });
        let request = http::Request::post(&path)
            .header("Content-Type", "application/json")
            .body(serde_json::to_vec(&deployment)?)?;
        let accepted = match cluster.client.request::<Value>(request).await {
            Ok(_) => true,
            Err(kube::Error::Api(status)) if matches!(status.code, 400 | 422) => false,
            Err(error) => return Err(error.into()),
        };
        if json!(accepted) != case["accepted"] {
            differences.push(case["why"].clone());
        }
    }
    println!("{} pods compared", cases.len());
    assert_eq!(differences, Vec::<Value>::new());
    Ok(())
}
