//! What a pass does before and after its decision.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flink_operator_core::conf::Configuration;
use flink_operator_core::reconcile::decision;
use flink_rest::{Transport, TransportError};
use kube::runtime::reflector;
use serde_json::json;

use super::*;
use crate::clock::{Entropy, SystemClock};

#[derive(Debug)]
struct Zeros;

impl Entropy for Zeros {
    fn bytes(&self) -> [u8; 16] {
        [0; 16]
    }
}

fn context(client: Client) -> Context {
    let nowhere = Transport::of_bytes(tower::service_fn(|_| async {
        Err(TransportError::Connect { reason: "refused".to_owned(), timed_out: false })
    }));
    let metrics = Metrics::new();
    let backoff =
        Backoff { initial: Duration::from_secs(5), multiplier: 1.5, max: Duration::from_mins(5) };
    Context {
        passes: Passes { cache: ResourceCache::default(), metrics: metrics.clone(), backoff },
        shared: Shared {
            events: Events::new(client.clone(), None),
            client,
            rest: FlinkRest::new(nowhere),
            reach: Reach::Service,
            environment: Environment { clock: Arc::new(SystemClock), entropy: Arc::new(Zeros) },
            platform: Arc::new(Platform::new(Configuration::new(), [].into()).unwrap()),
            backoff,
            metrics,
            parallelism: 1,
            label_selector: None,
        },
        resource_writes: Arc::default(),
        slots: Arc::new(tokio::sync::Semaphore::new(1)),
        job_manager_writes: Arc::default(),
        filled: Filled::default(),
        deployments: reflector::store().0,
        pods: PodIndex::default(),
    }
}

#[tokio::test]
async fn decision_that_breaks_an_invariant_is_not_sent_but_counted_and_backed_off() {
    let requests = Arc::new(AtomicUsize::new(0));
    let sent = Arc::clone(&requests);
    let service = tower::service_fn(move |_: http::Request<kube::client::Body>| {
        sent.fetch_add(1, Ordering::Relaxed);
        std::future::ready(http::Response::builder().body(kube::client::Body::empty()))
    });
    let context = Arc::new(context(Client::new(service, "n")));
    let flink = FlinkApi::at(&context.shared.rest, None, None, 8081, Duration::ZERO);
    let executor = Executor {
        client: &context.shared.client,
        resource_writes: &context.resource_writes,
        job_manager_writes: &context.job_manager_writes,
        events: &context.shared.events,
        flink: &flink,
    };
    let resource: FlinkDeployment = serde_json::from_value(json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"namespace": "n", "name": "a", "uid": "u"}, "spec": {},
    }))
    .unwrap();
    let resource = Arc::new(resource);
    let decision = || Decision {
        actions: vec![
            decision::Action::AddFinalizer,
            decision::Action::DeleteJobManager { uid: "d".to_owned() },
        ],
        because: Because::UpToDate,
        requeue: Requeue::OnChange,
    };
    let object = Arc::new(Stored::Readable(Box::new(FlinkDeployment::clone(&resource))));
    let mut waits = Vec::new();
    for _ in 0..2 {
        let observed = Observed::nothing();
        let sent = carry_out(&executor, Arc::clone(&resource), &observed, decision()).await;
        let result =
            sent.map(|_| (Action::await_change(), Outcome::Acted)).map_err(PassError::from);
        assert_eq!(context.passes.report("u", &result), Outcome::Failed);
        let error = result.as_ref().expect_err("the decision is refused");
        waits.push(on_error(Arc::clone(&object), error, Arc::clone(&context)));
    }
    assert_eq!(requests.load(Ordering::Relaxed), 0, "not even the harmless part is sent");
    let expected = [Duration::from_secs(5), Duration::from_millis(7_500)];
    assert_eq!(waits, expected.map(Action::requeue));
    let text = context.shared.metrics.encode();
    let count = "flink_operator_broken_invariants_total{invariant=\"IntentNotRecorded\"} 2";
    assert!(text.contains(count), "{text}");
}

/// The edit is not deployed yet: the JobManager that runs knows nothing of it.
#[tokio::test]
async fn running_cluster_is_asked_at_the_port_and_scheme_that_it_was_deployed_with() {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let urls = Arc::clone(&asked);
    let transport =
        Transport::of_bytes(tower::service_fn(move |request: http::Request<bytes::Bytes>| {
            urls.lock().unwrap().push(request.uri().to_string());
            std::future::ready(Err(TransportError::Interrupted { reason: "gone".to_owned() }))
        }));
    let client = Client::new(
        tower::service_fn(|_: http::Request<kube::client::Body>| {
            std::future::ready(http::Response::builder().body(kube::client::Body::empty()))
        }),
        "n",
    );
    let mut context = context(client);
    context.shared.rest = FlinkRest::new(transport);
    let spec = |configuration: serde_json::Value| {
        json!({
            "image": "flink", "flinkVersion": "v2_2", "flinkConfiguration": configuration,
            "job": {"jarURI": "local:///a.jar", "state": "running", "upgradeMode": "savepoint"},
        })
    };
    let deployed = json!({"rest.port": "80", "rest.bind-port": "9082"});
    let edits = [
        json!({"rest.port": "9081"}),
        json!({"rest.port": "80", "security.ssl.rest.enabled": "true"}),
        json!({"rest.port": "nonsense"}),
    ];
    let pod: Pod = serde_json::from_value(json!({"status": {"podIP": "10.0.0.1"}})).unwrap();
    let pods = [Arc::new(pod)];
    for (number, edit) in edits.into_iter().enumerate() {
        let record = json!({"spec": spec(deployed.clone())}).to_string();
        let resource: FlinkDeployment = serde_json::from_value(json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {"namespace": "n", "name": "a", "uid": format!("u{number}")},
            "spec": spec(edit),
            "status": {"reconciliationStatus": {"state": "DEPLOYED", "lastReconciledSpec": record}},
        }))
        .unwrap();
        let endpoint = parsed(&resource, &context).endpoint.clone();
        for reach in [Reach::Service, Reach::Pod] {
            context.shared.reach = reach;
            let flink = flink_api(&resource, &endpoint, &Settings::default(), &pods, &context);
            assert!(flink.observe_jobs().await.is_err());
        }
    }
    let expected = ["http://a-rest.n/jobs/overview", "http://10.0.0.1:9082/jobs/overview"];
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked, [expected, expected, expected].concat());
}
