//! Converts the input of a recorded case to the input of `build`.

use std::collections::BTreeMap;

use flink_operator_core::{
    build::native::{ClusterInput, ClusterMode, ConfigFile, TaskManagerTemplate},
    conf::{Configuration, Value, read_config_yaml, read_flink_conf},
    flink_version::FlinkVersion,
};
use golden::Client;
use serde::Deserialize;

use super::{
    command::Command,
    recorded::{Case, release_of},
};

/// The option for the path of a pod template and its older keys, in order of precedence.
const JOB_MANAGER_TEMPLATE: [&str; 3] = [
    "kubernetes.pod-template-file.jobmanager",
    "kubernetes.pod-template-file",
    "kubernetes.pod-template-file.default",
];
const TASK_MANAGER_TEMPLATE: [&str; 3] = [
    "kubernetes.pod-template-file.taskmanager",
    "kubernetes.pod-template-file",
    "kubernetes.pod-template-file.default",
];

/// The input of the recorded operator.
#[derive(Deserialize)]
struct OperatorInput {
    conf: BTreeMap<String, String>,
    args: Vec<String>,
    #[serde(rename = "entryClass")]
    entry_class: Option<String>,
}

/// The input of a case, or the error in its command line or configuration file.
pub(crate) fn read(case: &Case, client: FlinkVersion) -> Result<ClusterInput, String> {
    let command = Command::parse(&case.command(), case.environment());
    match case.client {
        Client::Operator => Ok(operator_input(case, client, &command)),
        Client::Flink(_) => command_line_input(case, client, &command),
    }
}

fn command_line_input(
    case: &Case,
    client: FlinkVersion,
    command: &Command,
) -> Result<ClusterInput, String> {
    let writes_1_x = client < FlinkVersion::V2_0;
    // Flink 1.x prefers the legacy file, and 2.x ignores it.
    let legacy = case.input_as_is("flink-conf.yaml").filter(|_| writes_1_x);
    let (config_file, mut configuration) = if let Some(text) = legacy {
        (ConfigFile::FlinkConf, read_flink_conf(&case.resolve(ascii(text))).configuration)
    } else {
        let text = case
            .input("config.yaml")
            .ok_or_else(|| format!("a client of Flink {client} finds no config.yaml"))?;
        (ConfigFile::ConfigYaml, read_config_yaml(&text).map_err(|error| chain(&error))?)
    };
    command.apply(&mut configuration, client)?;
    if configuration.value("kubernetes.cluster-id").is_none() {
        configuration.set("kubernetes.cluster-id", generated_cluster_id(case));
    }
    let hadoop_files = command
        .environment
        .get("HADOOP_CONF_DIR")
        .map(|path| case.inputs_at(path))
        .unwrap_or_default();
    Ok(ClusterInput {
        default_image: default_image(&case.client),
        config_file,
        log_files: case.inputs_at(&case.configuration_directory()),
        hadoop_files,
        ..from_files(case, client, command.mode(), configuration)
    })
}

/// The Java operator uses one client for all versions. Only the name of the file depends on the version.
fn operator_input(case: &Case, client: FlinkVersion, command: &Command) -> ClusterInput {
    let input: OperatorInput = serde_json::from_str(&case.input("op.json").unwrap()).unwrap();
    let mode = match command.arguments.last().map(String::as_str) {
        Some("native-app") => ClusterMode::Application,
        Some("native-session") => ClusterMode::Session,
        other => panic!("{}: unknown mode {other:?}", case.id()),
    };
    let mut configuration: Configuration = input.conf.into_iter().collect();
    let version: FlinkVersion =
        configuration.text("$internal.flink.version").unwrap().parse().unwrap();
    match mode {
        ClusterMode::Application => {
            configuration.set("$internal.application.program-args", Value::List(input.args));
            if let Some(class) = input.entry_class {
                configuration.set("$internal.application.main", class);
            }
        }
        ClusterMode::Session => {}
    }
    let log_files = configuration
        .text("$internal.deployment.config-dir")
        .map(|path| case.inputs_at(&path))
        .unwrap_or_default();
    ClusterInput {
        default_image: default_image(&case.client),
        config_file: ConfigFile::of(version),
        log_files,
        ..from_files(case, client, mode, configuration)
    }
}

/// An input with the files that the options refer to.
fn from_files(
    case: &Case,
    client: FlinkVersion,
    mode: ClusterMode,
    configuration: Configuration,
) -> ClusterInput {
    let file = |key: &str| case.input_at(&configuration.text(key)?);
    let template = |keys: [&str; 3]| {
        keys.iter().find(|key| configuration.contains_key(key)).and_then(|key| file(key))
    };
    let job_manager_template = template(JOB_MANAGER_TEMPLATE)
        .map(|text| serde_saphyr::from_str(text).expect("the recorded template is YAML"));
    let task_manager_template =
        template(TASK_MANAGER_TEMPLATE).map(|text| TaskManagerTemplate::Text(text.to_owned()));
    let keytab = file("security.kerberos.login.keytab").map(|text| text.as_bytes().to_vec());
    let krb5_conf = file("security.kerberos.krb5-conf.path").map(ToOwned::to_owned);
    ClusterInput {
        job_manager_template,
        task_manager_template,
        keytab,
        krb5_conf,
        client,
        ..ClusterInput::new(client, mode, configuration)
    }
}

/// The random cluster id that the client generated, taken from the recorded objects.
fn generated_cluster_id(case: &Case) -> String {
    let deployment = case
        .recorded()
        .into_iter()
        .find_map(|recorded| recorded.id.strip_prefix("Deployment/").map(str::to_owned));
    deployment.unwrap_or_else(|| panic!("{} has no Deployment", case.id()))
}

fn default_image(client: &Client) -> String {
    format!("apache/flink:{}-scala_2.12", release_of(client))
}

/// The recordings were made with the locale `C`, with which Java 17 reads the legacy file as ASCII.
fn ascii(text: &str) -> String {
    let ascii = |byte: u8| if byte.is_ascii() { char::from(byte) } else { '\u{fffd}' };
    text.bytes().map(ascii).collect()
}

/// The messages of an error and its sources.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
