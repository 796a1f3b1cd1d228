//! The address of the REST API of clusters as they were deployed.

use flink_operator_api::FlinkDeployment;
use serde_json::{Value, json};

use super::*;
use crate::effective::DefaultConfiguration;

/// A resource whose newest spec has the one configuration and whose status records the other.
fn resource(
    desired: &Value,
    recorded: &Value,
    state: &str,
    stable: Option<&Value>,
) -> FlinkDeployment {
    resource_of("v2_2", desired, recorded, state, stable)
}

fn resource_of(
    version: &str,
    desired: &Value,
    recorded: &Value,
    state: &str,
    stable: Option<&Value>,
) -> FlinkDeployment {
    let spec = |configuration: &Value| {
        json!({
            "image": "flink", "flinkVersion": version, "flinkConfiguration": configuration,
            "job": {"jarURI": "local:///a.jar", "state": "running", "upgradeMode": "savepoint"},
        })
    };
    let record = |configuration: &Value| {
        json!({
            "spec": spec(configuration),
            "resource_metadata": {"apiVersion": "flink.apache.org/v1beta1", "firstDeployment": false},
        })
        .to_string()
    };
    let resource = json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"namespace": "n", "name": "a", "uid": "u", "generation": 2},
        "spec": spec(desired),
        "status": {
            "jobStatus": {},
            "reconciliationStatus": {
                "state": state,
                "lastReconciledSpec": record(recorded),
                "lastStableSpec": stable.map(record),
            },
        },
    });
    serde_json::from_value(resource).unwrap()
}

fn endpoint(resource: &FlinkDeployment) -> (u16, u16, bool) {
    let defaults = DefaultConfiguration::new(Configuration::new());
    let RestEndpoint { port, bind_port, tls } = RestEndpoint::deployed(resource, &defaults);
    (port, bind_port, tls.is_some())
}

#[test]
fn cluster_is_reached_as_it_was_deployed_and_not_as_the_newest_spec_says() {
    let plain = json!({});
    let edits = [
        json!({"rest.port": "9081"}),
        json!({"rest": {"port": 9081, "bind-port": "9082"}}),
        json!({"security.ssl.rest.enabled": "true"}),
        json!({"high-availability.type": "kubernetes", "high-availability.storageDir": "s3://a"}),
        json!({"kubernetes.cluster-id": "other", "kubernetes.namespace": "other"}),
        // Validation refuses these.
        json!({"rest.port": "many"}),
        json!({"security.ssl.rest.enabled": "perhaps"}),
    ];
    for edit in edits {
        let edited = resource(&edit, &plain, "DEPLOYED", None);
        assert_eq!(endpoint(&edited), (8081, 8081, false), "{edit}");
    }
    let secured = json!({"rest.port": "9443", "security.ssl.rest.enabled": "true"});
    let removed = resource(&plain, &secured, "DEPLOYED", None);
    assert_eq!(endpoint(&removed), (9443, 9443, true));
}

#[test]
fn after_a_rollback_the_stable_spec_says_how_the_cluster_is_reached() {
    let (stable, given_up) = (json!({"rest.port": "7000"}), json!({"rest.port": "8000"}));
    let rolled_back = resource(&given_up, &given_up, "ROLLED_BACK", Some(&stable));
    assert_eq!(endpoint(&rolled_back), (7000, 7000, false));
    let deployed = resource(&given_up, &given_up, "DEPLOYED", Some(&stable));
    assert_eq!(endpoint(&deployed), (8000, 8000, false));
}

#[test]
fn service_and_pod_may_have_different_ports() {
    let ports = json!({"rest.port": "80", "rest.bind-port": "9082"});
    assert_eq!(endpoint(&resource(&ports, &ports, "DEPLOYED", None)), (80, 9082, false));
    let any = json!({"rest.port": "80", "rest.bind-port": "0"});
    assert_eq!(endpoint(&resource(&any, &any, "DEPLOYED", None)), (80, 8081, false));
}

#[test]
fn resource_that_was_never_deployed_is_reached_as_its_spec_says() {
    let mut fresh = resource(&json!({"rest.port": "9081"}), &json!({}), "DEPLOYED", None);
    fresh.status = None;
    assert_eq!(endpoint(&fresh), (9081, 9081, false));
}

fn tls(version: &str, configuration: &Value) -> Option<RestTls> {
    let resource = resource_of(version, configuration, configuration, "DEPLOYED", None);
    let defaults = DefaultConfiguration::new(Configuration::new());
    RestEndpoint::deployed(&resource, &defaults).tls
}

/// Flink 2.0 has removed `security.ssl.enabled`: a JobManager of 2.x speaks plain HTTP in spite of it.
#[test]
fn option_for_all_endpoints_turns_rest_tls_on_in_flink_1_only() {
    let all = json!({"security.ssl": {"enabled": "true"}});
    assert!(tls("v1_20", &all).is_some());
    assert_eq!(tls("v2_2", &all), None);
    let not_rest = json!({"security.ssl.enabled": "true", "security.ssl.rest.enabled": "false"});
    assert_eq!(tls("v1_20", &not_rest), None);
}

#[test]
fn options_of_tls_have_the_defaults_of_their_version() {
    let on = json!({"security.ssl.rest.enabled": "true"});
    let modern = tls("v1_20", &on).unwrap();
    assert_eq!(modern.protocols, ["TLSv1.2"]);
    assert_eq!(modern.cipher_suites.len(), 2);
    assert_eq!(tls("v1_19", &on).unwrap().cipher_suites, ["TLS_RSA_WITH_AES_128_CBC_SHA"]);
    let all = json!({
        "security.ssl.rest.enabled": "true",
        "security.ssl.rest.authentication-enabled": "true",
        "security.ssl.rest.cert.fingerprint": "AB:CD, 01:02",
        "security.ssl.protocol": "TLSv1.3",
        "security.ssl.algorithms": "TLS_AES_128_GCM_SHA256",
        "security.ssl.verify-hostname": "true",
    });
    let expected = RestTls {
        needs_client_certificate: true,
        verifies_host_name: false,
        fingerprints: vec!["abcd".to_owned(), "0102".to_owned()],
        protocols: vec!["TLSv1.3".to_owned()],
        cipher_suites: vec!["TLS_AES_128_GCM_SHA256".to_owned()],
    };
    assert_eq!(tls("v2_2", &all), Some(expected.clone()));
    assert_eq!(tls("v2_3", &all), Some(RestTls { verifies_host_name: true, ..expected }));
}
