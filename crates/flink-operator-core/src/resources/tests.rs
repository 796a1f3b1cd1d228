//! Tests of the parsing of memory, CPU and storage.

use serde_json::{Value, json};

use super::*;

fn read(spec: &Value) -> Result<ProcessResources, Vec<Fault>> {
    let (resource, resources) = parsed(spec);
    of_process(Process::TaskManager, resource.as_ref(), resources.as_ref())
}

fn parsed(spec: &Value) -> (Option<Resource>, Option<ResourceRequirements>) {
    let resource = serde_json::from_value(spec["resource"].clone()).unwrap();
    (resource, serde_json::from_value(spec["resources"].clone()).unwrap())
}

/// Checks the options that are set for a spec.
#[track_caller]
fn check(spec: &Value, options: &[(&str, &str)]) -> ProcessResources {
    let read = read(spec).unwrap();
    let mut configuration = Configuration::new();
    read.apply(Process::TaskManager, FlinkVersion::V1_20, &mut configuration);
    let written: Vec<(String, String)> = configuration.text_map().into_iter().collect();
    let expected: Vec<(String, String)> =
        options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    assert_eq!(written, expected);
    read
}

#[track_caller]
fn check_faults(spec: &Value, fields: &[&str]) {
    let faults = read(spec).unwrap_err();
    let found: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(found, fields);
}

const MEMORY: &str = "taskmanager.memory.process.size";
const CPU: &str = "kubernetes.taskmanager.cpu.amount";

#[test]
fn memory_is_parsed_in_the_notation_of_flink_or_else_of_kubernetes() {
    const GIB: u64 = 1 << 30;
    for (text, bytes) in [
        ("1024m", GIB),
        ("1g", GIB),
        ("1G", GIB),
        ("1 gb", GIB),
        ("1GB", GIB),
        ("1073741824", GIB),
        ("1Gi", GIB),
        ("1 gi", GIB),
        ("1GiB", GIB),
        ("1.5Gi", GIB + GIB / 2),
        ("1.5G", 1_500_000_000),
        ("1e3", 1000),
        ("512Ki", 512 << 10),
    ] {
        assert_eq!(parse_memory(text).unwrap().bytes(), bytes, "{text}");
    }
    for text in ["", " ", "g", "2gbb", "-1", "-1Gi", "1..5Gi", "all", "9Ei", "99999999999g"] {
        assert!(parse_memory(text).is_err(), "{text}");
    }
}

#[test]
fn the_error_for_a_size_that_is_too_large_says_so() {
    for text in ["9Ei", "99999999999g"] {
        assert!(parse_memory(text).unwrap_err().contains("more than"), "{text}");
    }
}

#[test]
fn the_fault_for_an_invalid_memory_names_field_value_problem_and_an_example() {
    let faults = read(&json!({"resource": {"memory": "2gbb"}})).unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "spec.taskManager.resource.memory is \"2gbb\": \"gbb\" is no unit of memory; write a whole \
         number and a unit, in Flink's notation (2048m, 2g) or that of Kubernetes (2Gi)"
    );
}

#[test]
fn the_older_field_sets_memory_and_cpu() {
    check(&json!({"resource": {"cpu": 1, "memory": "2048m"}}), &[(CPU, "1.0"), (MEMORY, "2 gb")]);
    check(&json!({}), &[]);
    // With a request or limit in `resources`, the whole `resource` is ignored.
    check(
        &json!({"resource": {"cpu": 9, "memory": "9g"}, "resources": {"requests": {"cpu": "500m"}}}),
        &[(CPU, "0.5")],
    );
    check(&json!({"resource": {"cpu": 9}, "resources": {}}), &[(CPU, "9.0")]);
    check(
        &json!({"resource": {"cpu": 9}, "resources": {"claims": [{"name": "c"}]}}),
        &[(CPU, "9.0")],
    );
}

#[test]
fn requests_set_the_amount_and_limits_the_factor() {
    check(
        &json!({"resources": {
            "requests": {"cpu": "500m", "memory": "1Gi"},
            "limits": {"cpu": 2, "memory": "1536Mi"},
        }}),
        &[
            (CPU, "0.5"),
            ("kubernetes.taskmanager.cpu.limit-factor", "4.0"),
            ("kubernetes.taskmanager.memory.limit-factor", "1.5"),
            (MEMORY, "1 gb"),
        ],
    );
    check(
        &json!({"resources": {"limits": {"cpu": "2", "memory": "2Gi"}}}),
        &[(CPU, "2.0"), (MEMORY, "2 gb")],
    );
}

#[test]
fn versions_before_1_17_also_get_the_older_cpu_key() {
    let read = read(&json!({"resource": {"cpu": 0.5}})).unwrap();
    let mut configuration = Configuration::new();
    read.apply(Process::JobManager, FlinkVersion::new(1, 16), &mut configuration);
    assert_eq!(configuration.text("kubernetes.jobmanager.cpu").as_deref(), Some("0.5"));
    assert_eq!(configuration.text("kubernetes.jobmanager.cpu.amount").as_deref(), Some("0.5"));
}

#[test]
fn other_resources_are_for_the_template() {
    let read = check(
        &json!({"resources": {
            "requests": {"ephemeral-storage": "1Gi", "nvidia.com/gpu": 1},
            "limits": {"ephemeral-storage": "2Gi"},
        }}),
        &[],
    );
    let text = |quantities: &std::collections::BTreeMap<String, String>| format!("{quantities:?}");
    assert_eq!(
        text(&read.extra.requests),
        r#"{"ephemeral-storage": "1Gi", "nvidia.com/gpu": "1"}"#
    );
    assert_eq!(text(&read.extra.limits), r#"{"ephemeral-storage": "2Gi"}"#);
}

#[test]
fn ephemeral_storage_of_the_older_field_is_a_request_and_a_limit() {
    for (text, quantity) in [("2Gi", "2Gi"), ("2G", "2G"), ("2gb", "2147483648")] {
        let read = check(&json!({"resource": {"ephemeralStorage": text}}), &[]);
        assert_eq!(read.extra.requests["ephemeral-storage"], quantity);
        assert_eq!(read.extra.limits, read.extra.requests);
    }
}

#[test]
fn every_invalid_value_is_a_fault() {
    check_faults(
        &json!({"resource": {"memory": "x", "ephemeralStorage": "y"}}),
        &["spec.taskManager.resource.memory", "spec.taskManager.resource.ephemeralStorage"],
    );
    check_faults(
        &json!({"resources": {
            "requests": {"memory": "0", "cpu": "-1", "ephemeral-storage": "-1", "gpu": "one"},
            "limits": {"memory": "many", "cpu": "c", "gpu": "1"},
        }}),
        &[
            "spec.taskManager.resources.requests.memory",
            "spec.taskManager.resources.limits.memory",
            "spec.taskManager.resources.requests.cpu",
            "spec.taskManager.resources.limits.cpu",
            "spec.taskManager.resources.requests.ephemeral-storage",
            "spec.taskManager.resources.requests.gpu",
        ],
    );
    check_faults(
        &json!({"resources": {
            "requests": {"memory": "2Gi", "cpu": "2"},
            "limits": {"memory": "1Gi", "cpu": "1"},
        }}),
        &["spec.taskManager.resources.requests.memory", "spec.taskManager.resources.requests.cpu"],
    );
}
