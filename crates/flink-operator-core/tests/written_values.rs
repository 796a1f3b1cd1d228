//! Whatever a value looks like, wherever it is written, and whichever version of Flink reads it: what is read from the
//! cluster's file is what was written. Or the resource is refused, and the fault names the key or the argument.
//!
//! The first test reads the files with our own readers. The second one asks Flink's own classes; `cargo xtask flink-conf`
//! gives it their jars.

#![cfg(test)]

#[path = "written_values/flink.rs"]
mod flink;
#[path = "written_values/source.rs"]
mod source;
#[path = "written_values/value.rs"]
mod value;

use std::collections::BTreeMap;
use std::io::Write as _;

use flink_operator_api::FlinkDeployment;
use flink_operator_core::{
    build::native::{self, ClusterMode},
    conf::{Configuration, read_config_yaml, read_flink_conf},
    effective::{self, DefaultConfiguration, DeployKeys, JobKeys, Owner, RestoreFrom},
    fault,
    flink_version::FlinkVersion,
    names::JobId,
    validate::{self, ValidDeployment},
};
use serde_json::{Value as Json, json};

use self::{
    flink::Question,
    source::{Batch, Written, batches},
    value::Content,
};

/// Without a file that holds everything.
const V1_18: FlinkVersion = FlinkVersion::V1_18;

const VERSIONS: [FlinkVersion; 7] = [
    V1_18,
    FlinkVersion::V1_19,
    FlinkVersion::V1_20,
    FlinkVersion::V2_0,
    FlinkVersion::V2_1,
    FlinkVersion::V2_2,
    FlinkVersion::V2_3,
];

/// A configuration file, by its name in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    name: String,
    text: String,
}

#[test]
fn what_is_written_is_read_from_the_file_of_each_version() {
    let mut tally = Tally::default();
    let batches = batches();
    for version in VERSIONS {
        for batch in batches.iter().flat_map(|batch| holdable(batch, version)) {
            match deployed(&batch, version) {
                Ok(file) => {
                    tally.files += 1;
                    let configuration = read(&file);
                    for value in &batch.values {
                        let answer = match &configuration {
                            Ok(configuration) => value.content.read(configuration, &value.key),
                            Err(error) => json!({"error": error}),
                        };
                        tally.add(value, version, compare(value, version, Place::Cluster, &answer));
                    }
                }
                Err(faults) => {
                    tally.refused += 1;
                    for value in &batch.values {
                        tally.add(value, version, refused(value, version, &faults));
                    }
                }
            }
        }
    }
    tally.print("our own readers", VERSIONS.len());
}

/// Where a file cannot hold the values, each is on its own, so that each has to be refused.
fn holdable(batch: &Batch, version: FlinkVersion) -> Vec<Batch> {
    let survives = |value: &Written| {
        if version <= V1_18 { value.survives_in_lines() } else { !value.key.ends_with('.') }
    };
    let apart = !batch.values.iter().all(survives);
    if apart {
        batch.values.iter().map(|value| Batch::of(vec![value.clone()])).collect()
    } else {
        vec![batch.clone()]
    }
}

#[test]
#[ignore = "asks Flink's own classes, whose jars `cargo xtask flink-conf` fetches"]
fn flink_itself_reads_what_is_written() {
    let mut tally = Tally::default();
    let lines = flink::lines();
    for (version, jars) in &lines {
        let batches: Vec<Batch> =
            batches().iter().flat_map(|batch| holdable(batch, *version)).collect();
        let mut questions = Vec::new();
        let mut asked = Vec::new();
        for batch in &batches {
            match deployed(batch, *version) {
                Ok(file) => {
                    tally.files += 1;
                    asked.push((batch, Place::Cluster));
                    questions.push(Question::new(&file, batch));
                }
                Err(faults) => {
                    tally.refused += 1;
                    for value in &batch.values {
                        tally.add(value, *version, refused(value, *version, &faults));
                    }
                }
            }
            // The value is what Flink would read from the file in which it was written, if it reads that file.
            if let Some(file) = batch.operator_file.as_ref().filter(|file| reads(*version, file)) {
                asked.push((batch, Place::Source));
                questions.push(Question::new(file, batch));
            }
        }
        let answers = flink::ask(jars, &questions);
        assert_eq!(answers.len(), questions.len(), "{version}: answers are missing");
        for ((batch, place), answers) in asked.iter().zip(&answers) {
            for (index, value) in batch.values.iter().enumerate() {
                tally.add(value, *version, compare(value, *version, *place, &answers[index]));
            }
        }
    }
    tally.print("Flink's own classes", lines.len());
}

/// Whether Flink of this version takes its configuration from such a file.
fn reads(version: FlinkVersion, file: &File) -> bool {
    file.name == "config.yaml" || version < FlinkVersion::V2_0
}

#[derive(Default)]
struct Tally {
    compared: usize,
    files: usize,
    refused: usize,
    differences: Vec<String>,
}

impl Tally {
    fn add(&mut self, value: &Written, version: FlinkVersion, result: Result<(), String>) {
        self.compared += 1;
        if let Err(problem) = result {
            let source: String = format!("{:?}", value.source).chars().take(80).collect();
            self.differences.push(format!("{version} {} {source}: {problem}", value.key));
        }
    }

    fn print(&self, reader: &str, lines: usize) {
        let Self { compared, files, refused, differences } = self;
        writeln!(
            std::io::stdout(),
            "{reader}: {lines} versions of Flink, {compared} values compared in {files} files, {refused} resources refused, \
             {} differences",
            differences.len()
        )
        .unwrap();
        let shown: Vec<String> =
            differences.iter().take(40).map(|line| line.chars().take(300).collect()).collect();
        assert!(*compared > 0 && differences.is_empty(), "{}", shown.join("\n"));
    }
}

/// The file that a resource with these values is deployed with, or why it is refused.
fn deployed(batch: &Batch, version: FlinkVersion) -> Result<File, String> {
    let (resource, defaults) = resource(batch, version);
    let valid =
        validate::deployment(&resource, &defaults).map_err(|faults| fault::summary(&faults))?;
    built(&valid, version)
}

fn resource(batch: &Batch, version: FlinkVersion) -> (FlinkDeployment, DefaultConfiguration) {
    let operator = match &batch.operator_file {
        Some(file) if file.name == "config.yaml" => read_config_yaml(&file.text).unwrap(),
        Some(file) => read_flink_conf(&file.text).configuration,
        None => Configuration::new(),
    };
    let defaults = DefaultConfiguration::new(operator);
    let mut resource = json!({
        "metadata": {"name": "app", "namespace": "ns", "generation": 1},
        "spec": {
            "flinkVersion": version.to_string(),
            "serviceAccount": "flink",
            "flinkConfiguration": batch.options,
            "job": {"jarURI": "local:///opt/flink/usrlib/job.jar", "parallelism": 1},
            "jobManager": {"resource": {"cpu": 1, "memory": "2048m"}},
            "taskManager": {"resource": {"cpu": 1, "memory": "2048m"}},
        },
    });
    if let Some(arguments) = &batch.arguments {
        resource["spec"]["job"]["args"] = json!(arguments);
    }
    (serde_json::from_value(resource).unwrap(), defaults)
}

fn built(valid: &ValidDeployment, version: FlinkVersion) -> Result<File, String> {
    let keys = DeployKeys {
        owner: Owner { name: "app".to_owned(), uid: "uid".to_owned() },
        job: Some(JobKeys {
            job_id: JobId::from_bytes([0; 16]),
            restore: RestoreFrom::Empty,
            job_result_store_id: "id".to_owned(),
        }),
    };
    let input = effective::native_input(
        &valid.effective,
        version,
        ClusterMode::Application,
        &keys,
        &BTreeMap::new(),
    );
    let objects = native::build(input).map_err(|error| error.to_string())?;
    let data = objects.accompanying.iter().find_map(|object| {
        (object["metadata"]["name"] == "flink-config-app").then(|| object["data"].as_object())?
    });
    let (name, text) = data.and_then(|data| data.iter().next()).ok_or("it has no ConfigMap")?;
    Ok(File { name: name.clone(), text: text.as_str().unwrap_or_default().to_owned() })
}

/// Reads a file with our own readers.
fn read(file: &File) -> Result<Configuration, String> {
    if file.name == "config.yaml" {
        read_config_yaml(&file.text).map_err(|error| error.to_string())
    } else {
        Ok(read_flink_conf(&file.text).configuration)
    }
}

/// Which file has been read.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The one in which the value is written.
    Source,
    Cluster,
}

fn compare(
    value: &Written,
    version: FlinkVersion,
    place: Place,
    answer: &Json,
) -> Result<(), String> {
    let is_legacy = version < FlinkVersion::V2_0 && place == Place::Cluster;
    let expected = match &value.content {
        // The file of Flink 1 has no empty values, so that no key has one.
        Content::Text(text) if text.is_empty() && is_legacy => json!({}),
        Content::List(list) if list.is_empty() && is_legacy => json!({}),
        content @ (Content::Text(_) | Content::List(_) | Content::Map(_) | Content::Maps(_)) => {
            json!({"value": content.json()})
        }
    };
    if *answer == expected {
        Ok(())
    } else {
        Err(format!("{expected} is written, {answer} is read"))
    }
}

/// A resource may be refused only where no file can hold its value, and the fault names where that stands.
fn refused(value: &Written, version: FlinkVersion, faults: &str) -> Result<(), String> {
    // A level of YAML for each part of a key leaves nothing of a dot at its end.
    let is_lost = version >= FlinkVersion::V2_0 && value.key.ends_with('.');
    if !is_lost && (version > V1_18 || value.survives_in_lines()) {
        Err(format!("it is refused: {faults}"))
    } else if value.places().iter().any(|place| faults.contains(place)) {
        Ok(())
    } else {
        Err(format!("the fault names no place of {:?}: {faults}", value.places()))
    }
}
