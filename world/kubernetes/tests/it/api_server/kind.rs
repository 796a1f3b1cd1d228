//! Tests of `api_server::kind`.

use simulated_kubernetes::api_server::kind::Kinds;

#[test]
fn kinds_are_found_by_resource_and_by_kind() {
    let kinds = Kinds::known();
    let deployment = kinds.by_resource("apps", "v1", "deployments").unwrap();
    assert_eq!(deployment.resource(), "deployments.apps");
    assert_eq!(kinds.by_kind("apps/v1", "Deployment").unwrap().plural, "deployments");
    assert!(kinds.by_resource("apps", "v2", "deployments").is_none());
    assert_eq!(kinds.plural("flinkdeployments").kind, "FlinkDeployment");
}

#[test]
fn own_kinds_have_status_and_the_deployment_scales() {
    let kinds = Kinds::known();
    for plural in
        ["flinkdeployments", "flinksessionjobs", "flinkbluegreendeployments", "flinkstatesnapshots"]
    {
        assert!(kinds.plural(plural).status, "{plural}");
    }
    let scale = kinds.plural("flinkdeployments").scale.clone().unwrap();
    assert_eq!(scale.spec_replicas, "/spec/taskManager/replicas");
    assert!(kinds.plural("flinksessionjobs").scale.is_none());
}
