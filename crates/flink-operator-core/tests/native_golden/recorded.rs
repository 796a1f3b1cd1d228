//! A recorded case with its client, paths and objects.

use std::collections::BTreeMap;

use flink_operator_core::flink_version::FlinkVersion;
use golden::{Client, Sent};
use serde_json::Value;

/// Replaces the placeholder for the folder of the recording machine, which is not valid in YAML.
pub(crate) const HARNESS: &str = "/harness";

/// The release of Flink whose client the Java operator links.
const OPERATORS_CLIENT: &str = "1.20.5";

/// One run of a client.
pub(crate) struct Case {
    pub(crate) client: Client,
    case: golden::Case,
}

/// An object that the recorded client sent.
pub(crate) struct Recorded {
    /// `Deployment/my-app`.
    pub(crate) id: String,
    pub(crate) object: Value,
}

/// The version of Flink's client library: `1.20.5` is a client of Flink 1.20.
pub(crate) fn version_of(client: &Client) -> Result<FlinkVersion, String> {
    let release = release_of(client);
    let version: FlinkVersion = release
        .rsplit_once('.')
        .filter(|(_, patch)| patch.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|(minor, _)| format!("v{}", minor.replace('.', "_")).parse().ok())
        .ok_or_else(|| format!("{release} is not a release of Flink; write it as 1.20.5"))?;
    if version.is_supported() {
        Ok(version)
    } else {
        let (oldest, newest) = (FlinkVersion::OLDEST_SUPPORTED, FlinkVersion::NEWEST_SUPPORTED);
        Err(format!("Flink {version} is not supported; supported are {oldest} to {newest}"))
    }
}

/// The release of Flink whose client library made the objects.
pub(crate) fn release_of(client: &Client) -> &str {
    match client {
        Client::Flink(release) => release,
        Client::Operator => OPERATORS_CLIENT,
    }
}

impl Case {
    pub(crate) fn new(client: &Client, case: golden::Case) -> Self {
        Self { client: client.clone(), case }
    }

    pub(crate) fn name(&self) -> &str {
        &self.case.name
    }

    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.client, self.case.name)
    }

    /// Whether the recorded client failed.
    pub(crate) fn failed(&self) -> bool {
        self.case.failed()
    }

    pub(crate) fn command(&self) -> String {
        self.resolve(&self.case.command)
    }

    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let resolved = |(name, value): (&String, &String)| (name.clone(), self.resolve(value));
        self.case.environment.iter().map(resolved).collect()
    }

    /// Objects of successful and failed requests, with the requests that replaced existing ones.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.case.sent.iter().map(Recorded::of).collect()
    }

    /// `Deployment/my-app` and so on, in the order in which they were created.
    pub(crate) fn creations(&self) -> Vec<String> {
        let created = self.case.requests.iter().filter(|request| request.starts_with("POST "));
        created.map(|request| request.split_whitespace().last().unwrap().to_owned()).collect()
    }

    pub(crate) fn requests(&self) -> &[String] {
        &self.case.requests
    }

    /// The input file `name`, without placeholders.
    pub(crate) fn input(&self, name: &str) -> Option<String> {
        self.input_as_is(name).map(|text| self.resolve(text))
    }

    pub(crate) fn input_as_is(&self, name: &str) -> Option<&str> {
        self.case.input.get(name).map(String::as_str)
    }

    /// The input file that the recorded client saw at `path`.
    pub(crate) fn input_at(&self, path: &str) -> Option<&str> {
        let name = path.strip_prefix(&self.configuration_directory())?.strip_prefix('/')?;
        self.input_as_is(name)
    }

    /// Every file in the input folder that the recorded client saw at `path`, by its name.
    pub(crate) fn inputs_at(&self, path: &str) -> BTreeMap<String, String> {
        let Some(folder) = path.strip_prefix(&self.configuration_directory()) else {
            return BTreeMap::new();
        };
        let folder = folder.trim_matches('/');
        let file = |(path, text): (&String, &String)| {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            (parent == folder).then(|| (name.to_owned(), text.clone()))
        };
        self.case.input.iter().filter_map(file).collect()
    }

    /// Where the recorded client found its configuration.
    pub(crate) fn configuration_directory(&self) -> String {
        let run = match &self.client {
            Client::Flink(release) => release,
            Client::Operator => "operator-1.20.5-client",
        };
        format!("{HARNESS}/run/{run}/{}/conf", self.case.name)
    }

    /// Replaces the placeholders of the input.
    pub(crate) fn resolve(&self, text: impl AsRef<str>) -> String {
        without_placeholder(&text.as_ref().replace("@CONF@", &self.configuration_directory()))
    }
}

impl Recorded {
    fn of(sent: &Sent) -> Self {
        let mut object: Value =
            serde_json::from_str(&without_placeholder(&sent.object().to_string())).unwrap();
        if matches!(sent, Sent::Put(_)) {
            // The resource version depends on the cluster.
            object["metadata"].as_object_mut().unwrap().remove("resourceVersion").unwrap();
        }
        Self { id: object_id(&object), object }
    }
}

/// `Deployment/my-app`.
pub(crate) fn object_id(object: &Value) -> String {
    let part = |value: &Value| value.as_str().unwrap().to_owned();
    format!("{}/{}", part(&object["kind"]), part(&object["metadata"]["name"]))
}

fn without_placeholder(text: &str) -> String {
    text.replace("@HARNESS@", HARNESS)
}

#[test]
fn the_version_of_a_client_is_parsed_from_the_name_of_its_recording() {
    let version = |name: &str| version_of(&Client::Flink(name.to_owned()));
    assert_eq!(version("1.19.3"), Ok(FlinkVersion::V1_19));
    assert_eq!(version("2.0.2"), Ok(FlinkVersion::V2_0));
    assert_eq!(version_of(&Client::Operator), Ok(FlinkVersion::V1_20));
    for (name, expected) in [
        ("1.14.6", "v1_14 is not supported"),
        ("3.0.0", "v3_0 is not supported"),
        ("2.0", "2.0 is not a release"),
        ("2.0.0-rc1", "2.0.0-rc1 is not a release"),
    ] {
        let message = version(name).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}
