//! Tests of `api_server::request`.

use bytes::Bytes;
use simulated_kubernetes::api_server::request::{Query, Request, Verb};

fn request(method: &str, path: &str, query: &str) -> Request {
    Request {
        method: method.parse().unwrap(),
        path: path.to_owned(),
        query: query.to_owned(),
        content_type: String::new(),
        accept: String::new(),
        user_agent: "kube/1".to_owned(),
        user: "me".to_owned(),
        body: Bytes::new(),
    }
}

#[track_caller]
fn check(method: &str, path: &str, query: &str, expected: (&str, &str, &str, &str, Verb)) {
    let target = request(method, path, query).target().unwrap().unwrap();
    let found = (
        &*target.kind.plural,
        &*target.namespace,
        &*target.name,
        &*target.subresource,
        target.verb,
    );
    assert_eq!(found, expected);
}

#[test]
fn addresses_name_kinds_objects_and_subresources() {
    check("GET", "/api/v1/namespaces/n/configmaps/a", "", ("configmaps", "n", "a", "", Verb::Get));
    check("GET", "/api/v1/configmaps", "watch=true", ("configmaps", "", "", "", Verb::Watch));
    check(
        "POST",
        "/apis/apps/v1/namespaces/n/deployments",
        "",
        ("deployments", "n", "", "", Verb::Create),
    );
    check(
        "PATCH",
        "/apis/apps/v1/namespaces/n/deployments/a/status",
        "",
        ("deployments", "n", "a", "status", Verb::Patch),
    );
    check("GET", "/api/v1/namespaces/n", "", ("namespaces", "", "n", "", Verb::Get));
    check(
        "PUT",
        "/api/v1/namespaces/n/status",
        "",
        ("namespaces", "", "n", "status", Verb::Update),
    );
    check(
        "DELETE",
        "/apis/flink.apache.org/v1beta1/namespaces/n/flinkdeployments",
        "",
        ("flinkdeployments", "n", "", "", Verb::DeleteCollection),
    );
}

#[test]
fn other_addresses_name_nothing() {
    for path in ["/version", "/api/v1/namespaces/n/things", "/api/v1/configmaps/a", "/apis/x/v1/a"]
    {
        assert!(request("GET", path, "").target().unwrap().is_none(), "{path}");
    }
    assert_eq!(request("PUT", "/api/v1/configmaps", "").target().unwrap_err().code, 405);
}

#[test]
fn parameters_are_decoded() {
    let query = Query::parse("labelSelector=a%3Db%2Cc&limit=5&watch=1");
    assert_eq!(
        (query.get("labelSelector"), query.number("limit"), query.flag("watch")),
        ("a=b,c", Some(5), true)
    );
}
