//! Tests of `api_server::defaults`.

use serde_json::{Value, json};
use simulated_kubernetes::api_server::types::decode::decode;
use simulated_kubernetes::api_server::types::table::builtin;

#[track_caller]
fn check(ty: &str, given: Value, expected: Value) {
    assert_eq!(decode(&builtin(ty), &given).unwrap().object, expected);
}

#[test]
fn deployment_gets_what_the_api_server_fills_in() {
    check(
        "apps.Deployment",
        json!({"spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{
                "name": "main", "image": "flink", "ports": [{"containerPort": 8081}],
                "livenessProbe": {"httpGet": {"port": 8081}},
            }]}},
        }}),
        json!({
            "metadata": {},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {
                        "containers": [{
                            "name": "main", "image": "flink", "resources": {},
                            "ports": [{"containerPort": 8081, "protocol": "TCP"}],
                            "livenessProbe": {
                                "httpGet": {"path": "/", "port": 8081, "scheme": "HTTP"},
                                "timeoutSeconds": 1, "periodSeconds": 10,
                                "successThreshold": 1, "failureThreshold": 3,
                            },
                            "terminationMessagePath": "/dev/termination-log",
                            "terminationMessagePolicy": "File",
                            "imagePullPolicy": "Always",
                        }],
                        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
                        "dnsPolicy": "ClusterFirst", "securityContext": {}, "schedulerName": "default-scheduler",
                    },
                },
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
                "revisionHistoryLimit": 10,
                "progressDeadlineSeconds": 600,
            },
            "status": {},
        }),
    );
}

#[test]
fn service_ports_point_at_themselves() {
    check(
        "Service",
        json!({"spec": {"ports": [{"port": 80}, {"port": 81, "targetPort": "rest", "protocol": "UDP"}]}}),
        json!({
            "metadata": {},
            "spec": {
                "ports": [
                    {"protocol": "TCP", "port": 80, "targetPort": 80},
                    {"protocol": "UDP", "port": 81, "targetPort": "rest"},
                ],
                "type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            },
            "status": {"loadBalancer": {}},
        }),
    );
}

#[test]
fn texts_of_a_secret_become_data() {
    check(
        "Secret",
        json!({"stringData": {"a": "b"}, "data": {"c": "ZA=="}}),
        json!({"metadata": {}, "data": {"c": "ZA==", "a": "Yg=="}, "type": "Opaque"}),
    );
}
