//! Property tests: any template and any option give objects or an error, never a panic.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value};

use super::*;

/// Fields of a pod that the builder parses, and one that it does not.
const FIELDS: [&str; 22] = [
    "metadata",
    "labels",
    "annotations",
    "spec",
    "containers",
    "initContainers",
    "name",
    "image",
    "imagePullPolicy",
    "imagePullSecrets",
    "env",
    "ports",
    "resources",
    "requests",
    "limits",
    "volumes",
    "volumeMounts",
    "nodeSelector",
    "tolerations",
    "serviceAccount",
    "dnsPolicy",
    "ofAnotherVersion",
];

const KEYS: [&str; 26] = [
    "kubernetes.cluster-id",
    "kubernetes.namespace",
    "kubernetes.jobmanager.replicas",
    "kubernetes.jobmanager.cpu.amount",
    "kubernetes.jobmanager.cpu.limit-factor",
    "kubernetes.jobmanager.memory.limit-factor",
    "kubernetes.jobmanager.labels",
    "kubernetes.jobmanager.annotations",
    "kubernetes.jobmanager.node-selector",
    "kubernetes.jobmanager.tolerations",
    "kubernetes.jobmanager.owner.reference",
    "kubernetes.env.secretKeyRef",
    "kubernetes.secrets",
    "kubernetes.persistent-volume-claims",
    "kubernetes.container.image.pull-secrets",
    "kubernetes.rest-service.exposed.type",
    "kubernetes.hostnetwork.enabled",
    "containerized.master.env.",
    "rest.port",
    "rest.bind-port",
    "blob.server.port",
    "high-availability.type",
    "high-availability.jobmanager.port",
    "jobmanager.memory.process.size",
    "security.kerberos.krb5-conf.path",
    "pipeline.jars",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["flink-main-container", "", "0", "-1", "1", "true", "a:b", "[a, b]", "{a: b}"])
            .prop_map(str::to_owned),
        select(vec!["NaN", "1e400", "99999999999999999999", "'", "a:'b", "key:k;x", "{a: [1]}"])
            .prop_map(str::to_owned),
        ".{0,12}",
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 5, |inner| {
        let field = (select(FIELDS.as_slice()), inner.clone());
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::Array),
            vec(field, 0..5).prop_map(|fields| {
                let owned = |(field, value): (&str, Value)| (field.to_owned(), value);
                Value::Object(fields.into_iter().map(owned).collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_template_and_any_value_give_objects_or_an_error(
        template in json_value(),
        settings in vec((select(KEYS.as_slice()), text()), 0..4),
        minor in 0_u16..5,
        mode in select(vec![ClusterMode::Application, ClusterMode::Session]),
    ) {
        let mut input = session(FlinkVersion::new(2, minor), &[]);
        input.mode = mode;
        input.configuration.set("execution.target", mode.target());
        for (key, value) in settings {
            input.configuration.set(key, value);
        }
        input.job_manager_template = Some(template.clone());
        input.task_manager_template = Some(TaskManagerTemplate::Pod(template));
        match build(input) {
            Ok(objects) => {
                let spec = &objects.deployment["spec"]["template"]["spec"];
                let main = spec["containers"].as_array().unwrap().last().unwrap();
                prop_assert_eq!(&main["name"], "flink-main-container");
            }
            Err(error) => prop_assert!(error.to_string().len() > 10),
        }
    }
}
