//! The recordings below a folder: which clients there are.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

use crate::{Case, folder, lines};

const OPERATOR: &str = "operator-client";

/// The program that was recorded. Ordered by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// Flink's own client, with the version of its release: `1.20.5`.
    Flink(String),
    /// The classes of the Java operator.
    Operator,
}

/// What one client did in all cases.
#[derive(Clone, Debug)]
pub struct Recording {
    pub client: Client,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Folder(PathBuf),
    Lines(PathBuf),
}

/// Finds the recordings in `root`: each file `<client>.jsonl`, and each folder `<client>`.
///
/// A client is `operator-client`, or anything that begins with a digit, as versions do. Other entries are
/// no recordings. It is an error if there is none, or if a client is there twice.
pub fn find(root: &Path) -> anyhow::Result<Vec<Recording>> {
    let mut found: BTreeMap<Client, Source> = BTreeMap::new();
    let entries =
        fs::read_dir(root).with_context(|| format!("failed to read {}", root.display()))?;
    for entry in entries {
        let path = entry?.path();
        let Some((client, source)) = recording_at(path) else { continue };
        ensure!(
            !found.contains_key(&client),
            "{} has {client} twice, as a folder and as lines",
            root.display()
        );
        found.insert(client, source);
    }
    ensure!(
        !found.is_empty(),
        "{} has no recording: neither a folder nor a .jsonl file is named for a version of Flink, such as \
         1.20.5, or {OPERATOR}",
        root.display()
    );
    Ok(found.into_iter().map(|(client, source)| Recording { client, source }).collect())
}

fn recording_at(path: PathBuf) -> Option<(Client, Source)> {
    let name = path.file_name()?.to_str()?;
    if path.is_dir() {
        Some((Client::named(name)?, Source::Folder(path)))
    } else {
        Some((Client::named(name.strip_suffix(lines::EXTENSION)?)?, Source::Lines(path)))
    }
}

impl Recording {
    /// All cases, ordered by name. It is an error if there is none.
    pub fn cases(&self) -> anyhow::Result<Vec<Case>> {
        let (path, cases) = match &self.source {
            Source::Folder(path) => (path, folder::read(path)?),
            Source::Lines(path) => (path, lines::read(path)?),
        };
        ensure!(!cases.is_empty(), "{} has no cases", path.display());
        Ok(cases)
    }
}

impl Client {
    fn named(name: &str) -> Option<Self> {
        if name == OPERATOR {
            Some(Self::Operator)
        } else if name.starts_with(|first: char| first.is_ascii_digit()) {
            Some(Self::Flink(name.to_owned()))
        } else {
            None
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flink(version) => f.write_str(version),
            Self::Operator => f.write_str(OPERATOR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for name in names {
            if name.strip_suffix(lines::EXTENSION).is_some() {
                fs::write(root.path().join(name), "").unwrap();
            } else {
                fs::create_dir(root.path().join(name)).unwrap();
            }
        }
        root
    }

    fn clients(names: &[&str]) -> Result<Vec<String>, String> {
        let root = folder_with(names);
        let found = find(root.path()).map_err(|error| error.to_string())?;
        Ok(found.iter().map(|recording| recording.client.to_string()).collect())
    }

    #[test]
    fn folders_and_lines_named_for_a_version_or_the_operator_are_recordings() {
        let names = ["operator-client", "2.0.2.jsonl", "1.19.3", "live", "status", "other.jsonl"];
        assert_eq!(clients(&names).unwrap(), ["1.19.3", "2.0.2", "operator-client"]);
    }

    #[test]
    fn folder_without_a_recording_is_an_error() {
        assert!(clients(&["live", "vectors"]).unwrap_err().contains("has no recording"));
    }

    #[test]
    fn client_that_is_there_twice_is_an_error() {
        let message = clients(&["1.19.3", "1.19.3.jsonl"]).unwrap_err();
        assert!(message.contains("has 1.19.3 twice"), "{message}");
    }

    #[test]
    fn recording_without_cases_is_an_error() {
        for name in ["1.19.3", "1.19.3.jsonl"] {
            let root = folder_with(&[name]);
            let found = find(root.path()).unwrap();
            let message = found.first().unwrap().cases().unwrap_err().to_string();
            assert!(message.ends_with(&format!("{name} has no cases")), "{message}");
        }
    }
}
