//! Property tests: validation of generated resources does not panic and is deterministic.

use flink_operator_api::{FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{apply, base, no_defaults};
use crate::{
    diff::{self, DiffType},
    validate::{SnapshotTarget, deployment, session_job, state_snapshot},
};

/// Any JSON value; many are valid for some field.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (0..5).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9./:;,&{}?* -]{0,12}".prop_map(Value::from),
        "(2048m|2gb|2Gi|1e3|500m|-1|v2_2|v1_20|savepoint|suspended|standalone|true|s3://b)"
            .prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(member(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Names of fields and options, and arbitrary names.
fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "job",
            "jobManager",
            "taskManager",
            "resource",
            "resources",
            "requests",
            "limits",
            "memory",
            "cpu",
            "ephemeralStorage",
            "replicas",
            "podTemplate",
            "spec",
            "containers",
            "name",
            "env",
            "volumes",
            "flinkConfiguration",
            "flinkVersion",
            "ingress",
            "template",
            "logConfiguration",
            "mode",
            "parallelism",
            "args",
            "jarURI",
            "state",
            "upgradeMode",
            "savepointRedeployNonce",
            "initialSavepointPath",
            "imagePullPolicy",
            "serviceAccount",
            "deploymentName",
            "savepoint",
            "checkpoint",
            "jobReference",
            "kind",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec![
            "taskmanager.numberOfTaskSlots",
            "jobmanager.memory.process.size",
            "taskmanager.memory.managed.fraction",
            "high-availability.type",
            "high-availability.storageDir",
            "execution.checkpointing.dir",
            "kubernetes.jobmanager.annotations",
            "kubernetes.jobmanager.tolerations",
            "kubernetes.operator.periodic.savepoint.interval",
            "job.autoscaler.enabled",
            "job.autoscaler.excluded.periods",
            "job.autoscaler.utilization.target",
            "pipeline.jobvertex-parallelism-overrides",
            "rest.port",
        ])
        .prop_map(str::to_owned),
        "[a-z.]{0,6}",
    ]
}

fn any_patch() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(member(), any_value(), 0..6)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn validation_of_any_deployment_does_not_panic(patch in any_patch(), whole in any::<bool>()) {
        let mut resource = if whole { json!({"metadata": {"name": "a"}}) } else { base() };
        apply(&mut resource, &json!({"spec": patch}));
        if let Ok(resource) = serde_json::from_value::<FlinkDeployment>(resource) {
            let first = deployment(&resource, &no_defaults());
            prop_assert_eq!(&first, &deployment(&resource, &no_defaults()));
            if let Err(faults) = first {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!(!fault.field.is_empty() && !fault.problem.is_empty());
                    prop_assert!(!fault.remedy.is_empty());
                }
            }
            let mode = flink_operator_api::DeploymentMode::Native;
            let same = diff::deployment(&resource.spec, &resource.spec, &mode);
            prop_assert_eq!(same.diff_type(), DiffType::Ignore);
            prop_assert_eq!(same.fields, vec![]);
        }
    }

    #[test]
    fn validation_of_any_session_job_or_snapshot_does_not_panic(patch in any_patch()) {
        let resource = json!({"metadata": {"name": "a"}, "spec": patch});
        let cluster = serde_json::from_value::<FlinkDeployment>(base()).unwrap();
        if let Ok(job) = serde_json::from_value::<FlinkSessionJob>(resource.clone()) {
            for cluster in [None, Some(&cluster)] {
                if let Err(faults) = session_job(&job, cluster, &no_defaults()) {
                    prop_assert!(!faults.is_empty());
                }
            }
        }
        if let Ok(snapshot) = serde_json::from_value::<FlinkStateSnapshot>(resource)
            && let Err(faults) = state_snapshot(&snapshot, SnapshotTarget::Missing)
        {
            prop_assert!(!faults.is_empty());
        }
    }
}
