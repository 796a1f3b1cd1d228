//! A decision that breaks an invariant is refused.

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
        resource_writes: ResourceWrites::default(),
        job_manager_writes: Arc::default(),
        filled: Filled::default(),
        deployments: reflector::store().0,
        pods: reflector::store().0,
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
    let flink = FlinkApi::at(&context.shared.rest, "http", None, 8081, Duration::ZERO);
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
