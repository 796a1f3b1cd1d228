//! Tests of `api_server::permission`.

use std::sync::Arc;

use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::permission::{Permissions, Rule};
use simulated_kubernetes::api_server::request::{Target, Verb};

fn target(plural: &str, namespace: &str, subresource: &str) -> Target {
    let kind = Arc::clone(Kinds::known().plural(plural));
    let name = "a".to_owned();
    Target {
        kind,
        namespace: namespace.to_owned(),
        name,
        subresource: subresource.to_owned(),
        verb: Verb::Get,
    }
}

#[test]
fn rules_allow_and_the_rest_is_forbidden() {
    let mut permissions = Permissions::default();
    assert!(
        permissions.check("me", &target("pods", "n", ""), "get").is_ok(),
        "nobody is restricted at first"
    );
    permissions.restrict(
        "me",
        vec![
            Rule::new(&["apps"], &["deployments", "deployments/status"], &["get"]),
            Rule::new(&[""], &["*"], &["list"]).within(&["n"]),
        ],
    );
    let check = |plural, namespace, subresource, verb| {
        permissions.check("me", &target(plural, namespace, subresource), verb).is_ok()
    };
    assert!(check("deployments", "x", "", "get"));
    assert!(check("deployments", "x", "status", "get"));
    assert!(!check("deployments", "x", "scale", "get"));
    assert!(!check("deployments", "x", "", "delete"));
    assert!(check("pods", "n", "", "list"));
    assert!(!check("pods", "x", "", "list"));
    let refusal = permissions.check("me", &target("pods", "x", ""), "list").unwrap_err();
    assert_eq!(
        refusal.message,
        "pods \"a\" is forbidden: User \"me\" cannot list resource \"pods\" in API group \"\" in the namespace \"x\""
    );
}
