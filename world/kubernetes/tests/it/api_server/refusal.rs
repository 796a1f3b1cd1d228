//! Tests of `api_server::refusal`.

use serde_json::json;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::refusal::{FieldFault, Refusal};

#[test]
fn statuses_have_the_shape_that_clients_read() {
    let kind = Kinds::known().plural("deployments");
    assert_eq!(
        Refusal::not_found(kind, "a").to_status(),
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "deployments.apps \"a\" not found", "reason": "NotFound",
            "details": {"name": "a", "group": "apps", "kind": "deployments"}, "code": 404,
        })
    );
}

#[test]
fn invalid_objects_are_told_with_every_fault() {
    let faults = [FieldFault::required("a", "x"), FieldFault::invalid("b", "v", "y")];
    let refusal = Refusal::invalid("", "ConfigMap", "n", &faults);
    assert_eq!(
        refusal.message,
        r#"ConfigMap "n" is invalid: [a: Required value: x, b: Invalid value: "v": y]"#
    );
    assert_eq!(refusal.details.unwrap()["causes"][1]["reason"], "FieldValueInvalid");
}
