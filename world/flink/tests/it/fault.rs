//! Tests of `fault`.

use std::time::Duration;

use simulated_flink::fault::{RestEffect, RestFault, RestFaultPlan, RestFaults, RestFits};
use simulated_kubernetes::fault::When;

#[test]
fn faults_hit_the_requests_they_name() {
    let fault = |fits: RestFits, when: When, effect: RestEffect| RestFault { fits, when, effect };
    let mut faults = RestFaults::new(RestFaultPlan {
        requests: vec![
            fault(RestFits::site("GET /config"), When::nth(1), RestEffect::Hang),
            fault(
                RestFits { cluster: Some("n/a".to_owned()), ..RestFits::default() },
                When { from: Duration::from_secs(5), ..When::ONCE },
                RestEffect::CutBody,
            ),
        ],
    });
    let mut ask =
        |at, site, cluster| faults.on_request(Duration::from_secs(at), "c", site, cluster);
    assert_eq!(ask(0, "GET /config", "n/a"), None);
    assert_eq!(ask(0, "GET /config", "n/a"), Some(RestEffect::Hang));
    assert_eq!(ask(0, "GET /config", "n/a"), None);
    assert_eq!(ask(5, "GET /overview", "n/b"), None);
    assert_eq!(ask(5, "GET /overview", "n/a"), Some(RestEffect::CutBody));
    assert_eq!(ask(5, "GET /overview", "n/a"), None);
}
