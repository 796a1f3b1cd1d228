//! Every configuration with which the Java operator deployed a cluster in the recorded scenarios
//! comes out of the same spec.

use std::collections::{BTreeMap, BTreeSet};

use flink_operator_api::FlinkDeploymentSpec;
use serde_json::{Value as Json, json};

use super::super::{
    DefaultConfiguration, DeployKeys, JobKeys, Owner, RestoreFrom, deploy, for_flink, observe,
    with_deploy_keys,
};
use crate::conf::{Configuration, Syntax, Value};

/// What Flink's own client adds when it makes the objects.
const OF_THE_CLIENT: [&str; 7] = [
    "blob.server.port",
    "high-availability.jobmanager.port",
    "internal.cluster.execution-mode",
    "jobmanager.rpc.address",
    "kubernetes.internal.jobmanager.entrypoint.class",
    "rest.bind-port",
    "taskmanager.rpc.port",
];

#[test]
fn the_recorded_configurations_come_out() {
    let file = |text: &str| -> Vec<Json> { serde_json::from_str(text).unwrap() };
    let specs = file(include_str!("../../../tests/golden/status/specs.json"));
    let recorded = file(include_str!("../../../tests/golden/status/configurations.json"));
    for deployment in &recorded {
        let spec = &specs[usize::try_from(deployment["spec"].as_u64().unwrap()).unwrap()];
        let spec: FlinkDeploymentSpec = serde_json::from_value(spec.clone()).unwrap();
        assert_eq!(computed(deployment, &spec), expected(deployment), "{}", deployment["seen"]);
    }
    println!("{} recorded configurations, all equal", recorded.len());
    assert_eq!(recorded.len(), 20);
}

fn computed(deployment: &Json, spec: &FlinkDeploymentSpec) -> BTreeMap<String, Json> {
    let text = |member: &str| deployment[member].as_str().unwrap();
    let options = &deployment["configuration"];
    // The operator's file was a flink-conf.yaml; what else was in it is for the operator only.
    let mut file = Configuration::with_syntax(Syntax::Legacy);
    file.extend([("parallelism.default", "1"), ("taskmanager.numberOfTaskSlots", "1")]);
    let defaults = DefaultConfiguration::new(file);
    let cluster = if deployment["annotated"] == json!(true) {
        let generation = deployment["generation"].as_i64().unwrap();
        deploy(&defaults, text("namespace"), text("name"), generation, spec)
    } else {
        // A recovery is not marked with a generation.
        observe(&defaults, text("namespace"), text("name"), spec, spec)
    };
    let keys = DeployKeys {
        owner: Owner { name: text("name").to_owned(), uid: text("uid").to_owned() },
        job: spec.job.is_some().then(|| JobKeys {
            job_id: options["$internal.pipeline.job-id"].as_str().unwrap().parse().unwrap(),
            restore: match options["execution.savepoint.path"].as_str() {
                None => RestoreFrom::Empty,
                Some("KUBERNETES_OPERATOR_LAST_STATE") => RestoreFrom::HaMetadata,
                Some(path) => RestoreFrom::Path(path.to_owned()),
            },
            job_result_store_id: options["job-result-store.storage-path"]
                .as_str()
                .and_then(|path| path.rsplit('/').next())
                .unwrap_or_default()
                .to_owned(),
        }),
    };
    let typed = with_deploy_keys(cluster.unwrap().configuration, &keys);
    // The Java operator writes lists and maps as its own file has them, ours as the cluster's version does. In one syntax
    // they are the same.
    for_flink(&typed.in_syntax(Syntax::Legacy))
        .iter()
        .map(|(key, value)| match typed.value(key) {
            // The client writes the arguments as a list.
            Some(Value::List(items)) if key == "$internal.application.program-args" => {
                (key.to_owned(), json!(items))
            }
            _ => (key.to_owned(), normal(key, &value.text(Syntax::Legacy))),
        })
        .collect()
}

fn expected(deployment: &Json) -> BTreeMap<String, Json> {
    deployment["configuration"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(key, _)| !OF_THE_CLIENT.contains(&key.as_str()))
        .map(|(key, value)| {
            let value = value.as_str().map_or_else(|| value.clone(), |text| normal(key, text));
            (key.clone(), value)
        })
        .collect()
}

/// The order in a map of Java's is chance.
fn normal(key: &str, text: &str) -> Json {
    if key == "kubernetes.jobmanager.owner.reference" {
        json!(text.split(',').collect::<BTreeSet<_>>())
    } else {
        json!(text)
    }
}
