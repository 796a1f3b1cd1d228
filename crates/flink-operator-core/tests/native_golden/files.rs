//! A recorded case on disk.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// Stands for the folder of the recording harness. The files hold a placeholder there, which no
/// reader of YAML accepts.
pub(crate) const HARNESS: &str = "/harness";

/// One folder with `input/` and what the recorded client made of it.
pub(crate) struct Case {
    /// `1.20.5`, `2.2.1` or `operator-client`.
    pub(crate) folder: String,
    pub(crate) name: String,
    path: PathBuf,
}

/// An object that the recorded client sent.
pub(crate) struct Recorded {
    /// `Deployment/my-app`.
    pub(crate) id: String,
    pub(crate) object: Value,
}

impl Case {
    /// All cases of a folder that `wanted` accepts by name, sorted.
    pub(crate) fn all(root: &Path, folder: &str, wanted: impl Fn(&str) -> bool) -> Vec<Self> {
        let mut names: Vec<String> = fs::read_dir(root.join(folder))
            .unwrap_or_else(|error| panic!("{}: {error}", root.join(folder).display()))
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| wanted(name))
            .collect();
        names.sort();
        let case = |name: String| Self {
            folder: folder.to_owned(),
            path: root.join(folder).join(&name),
            name,
        };
        names.into_iter().map(case).collect()
    }

    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }

    /// Whether the recorded client failed.
    pub(crate) fn failed(&self) -> bool {
        self.text("output.txt").lines().next() != Some("rc=0")
    }

    /// Objects of successful and failed requests, with the requests that replaced existing ones.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        files.sort();
        files.iter().map(|path| Recorded::read(path)).collect()
    }

    /// `Deployment/my-app` and so on, in the order in which they were created.
    pub(crate) fn creations(&self) -> Vec<String> {
        self.text("requests.txt")
            .lines()
            .filter(|line| line.starts_with("POST "))
            .map(|line| line.split_whitespace().last().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn requests(&self) -> String {
        self.text("requests.txt")
    }

    /// The input file `name`, with the placeholder of its own folder resolved.
    pub(crate) fn input(&self, name: &str) -> Option<String> {
        self.input_bytes(name).map(|bytes| self.resolve(String::from_utf8(bytes).unwrap()))
    }

    /// The input file `name` as it is.
    pub(crate) fn input_bytes(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path.join("input").join(name)).ok()
    }

    /// The input file that the recorded client saw at `path`.
    pub(crate) fn input_at(&self, path: &str) -> Option<Vec<u8>> {
        let name = path.strip_prefix(&self.configuration_directory())?.strip_prefix('/')?;
        self.input_bytes(name)
    }

    /// Every file of the input folder that the recorded client saw at `path`.
    pub(crate) fn inputs_at(&self, path: &str) -> BTreeMap<String, String> {
        let Some(name) = path.strip_prefix(&self.configuration_directory()) else {
            return BTreeMap::new();
        };
        let directory = self.path.join("input").join(name.trim_start_matches('/'));
        fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| {
                let content = fs::read(entry.path()).unwrap();
                let content = String::from_utf8_lossy(&content).into_owned();
                (entry.file_name().into_string().unwrap(), content)
            })
            .collect()
    }

    /// Where the recorded client found its configuration.
    pub(crate) fn configuration_directory(&self) -> String {
        let run = match self.folder.as_str() {
            "operator-client" => "operator-1.20.5-client",
            version => version,
        };
        format!("{HARNESS}/run/{run}/{}/conf", self.name)
    }

    /// Replaces the placeholders of the input.
    pub(crate) fn resolve(&self, text: impl AsRef<str>) -> String {
        without_placeholder(&text.as_ref().replace("@CONF@", &self.configuration_directory()))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.path.join(name)).unwrap()).unwrap()
    }
}

impl Recorded {
    fn read(path: &Path) -> Self {
        let text = String::from_utf8(fs::read(path).unwrap()).unwrap();
        let mut object: Value = serde_json::from_str(&without_placeholder(&text)).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("put-") {
            // Which version is replaced is known only to who replaces it.
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
