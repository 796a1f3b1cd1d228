//! What becomes of a decision that breaks an invariant.

use std::sync::atomic::{AtomicUsize, Ordering};

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
    Context {
        events: Events::new(client.clone(), None),
        client,
        rest: FlinkRest::new(nowhere),
        reach: Reach::Service,
        environment: Environment { clock: Arc::new(SystemClock), entropy: Arc::new(Zeros) },
        platform: Arc::new(Platform::new(Configuration::new(), [].into()).unwrap()),
        backoff: Backoff {
            initial: Duration::from_secs(5),
            multiplier: 1.5,
            max: Duration::from_mins(5),
        },
        metrics: Metrics::new(),
        own_writes: Arc::default(),
        memories: Memories::default(),
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
    let cluster = Cluster::at(&context.rest, "http", None, 8081, Duration::ZERO);
    let executor = Executor {
        client: &context.client,
        own_writes: &context.own_writes,
        events: &context.events,
        cluster: &cluster,
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
        assert_eq!(report("u", &result, &context), Outcome::Failed);
        let error = result.as_ref().expect_err("the decision is refused");
        waits.push(on_error(Arc::clone(&object), error, Arc::clone(&context)));
    }
    assert_eq!(requests.load(Ordering::Relaxed), 0, "not even the harmless part is sent");
    let expected = [Duration::from_secs(5), Duration::from_millis(7_500)];
    assert_eq!(waits, expected.map(Action::requeue));
    let text = context.metrics.encode();
    let count = "flink_operator_broken_invariants_total{invariant=\"IntentNotRecorded\"} 2";
    assert!(text.contains(count), "{text}");
}
