//! The layout in which recordings are made: a folder per case.
//!
//! | File | What |
//! |---|---|
//! | `input/cmd.txt` | the command, and in the second line `env: ` with a JSON object |
//! | `input/` | all other files and folders of the client's configuration folder |
//! | `output.txt` | in the first line `rc=` with the exit code, then the log, which is not read |
//! | `requests.txt` | a request per line |
//! | `*.json` | an object that the client sent; by PUT if the name begins with `put-`, else by POST |

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::{Case, Sent};

const COMMAND: &str = "cmd.txt";

/// The cases of one client, ordered by name.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Vec<Case>> {
    entries(folder)?.iter().filter(|path| path.is_dir()).map(|path| case(path)).collect()
}

fn case(folder: &Path) -> anyhow::Result<Case> {
    let mut input = BTreeMap::new();
    add_files(&folder.join("input"), "", &mut input)?;
    let (command, environment) =
        input.remove(COMMAND).as_deref().and_then(parse_command).with_context(|| {
            format!("{}: no command and environment in {COMMAND}", folder.display())
        })?;
    let output = text(&folder.join("output.txt"))?;
    let exit_code = output.lines().next().and_then(|line| line.strip_prefix("rc=")?.parse().ok());
    Ok(Case {
        name: file_name(folder)?.to_owned(),
        command,
        environment,
        input,
        exit_code: exit_code
            .with_context(|| format!("{}: no rc= in output.txt", folder.display()))?,
        requests: text(&folder.join("requests.txt"))?.lines().map(ToOwned::to_owned).collect(),
        sent: sent(folder)?,
    })
}

fn parse_command(text: &str) -> Option<(String, BTreeMap<String, String>)> {
    let mut lines = text.lines();
    let command = lines.next()?.to_owned();
    let environment = serde_json::from_str(lines.next()?.strip_prefix("env: ")?).ok()?;
    Some((command, environment))
}

fn sent(folder: &Path) -> anyhow::Result<Vec<Sent>> {
    let mut sent = Vec::new();
    for path in entries(folder)? {
        let name = file_name(&path)?;
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let object = serde_json::from_str(&text(&path)?)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        sent.push(if name.starts_with("put-") { Sent::Put(object) } else { Sent::Post(object) });
    }
    Ok(sent)
}

fn add_files(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, String>,
) -> anyhow::Result<()> {
    for path in entries(folder)? {
        let name = format!("{prefix}{}", file_name(&path)?);
        if path.is_dir() {
            add_files(&path, &format!("{name}/"), files)?;
        } else {
            files.insert(name, text(&path)?);
        }
    }
    Ok(())
}

/// What is in a folder, ordered by name.
fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .with_context(|| format!("failed to read {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> anyhow::Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.with_context(|| format!("the name of {} is not text", path.display()))
}

fn text(path: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(_) => bail!("{} is not UTF-8 text, and a line holds nothing else", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A folder with one case, of which `changed` replaces a file.
    fn recorded(changed: (&str, &[u8])) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let case = root.path().join("app");
        fs::create_dir_all(case.join("input/hadoop")).unwrap();
        let files: [(&str, &[u8]); 8] = [
            ("input/cmd.txt", b"Main run \"a b\"\nenv: {\"A\": \"b\"}\n"),
            ("input/config.yaml", b"a: 1\n"),
            ("input/hadoop/core-site.xml", b"<configuration/>\n"),
            ("output.txt", b"rc=31\nINFO a log\n"),
            ("requests.txt", b"GET /api/v1/services/a  \nPOST /api/v1/services  Service/a\n"),
            ("service-a.json", b"{\"kind\": \"Service\"}"),
            ("put-service-a.json", b"{\"kind\": \"Service\", \"b\": 1}"),
            changed,
        ];
        for (name, content) in files {
            fs::write(case.join(name), content).unwrap();
        }
        root
    }

    #[test]
    fn every_file_of_a_case_has_its_place() {
        let root = recorded(("input/empty.properties", b""));
        let input = [
            ("config.yaml", "a: 1\n"),
            ("empty.properties", ""),
            ("hadoop/core-site.xml", "<configuration/>\n"),
        ];
        let text = |(name, content): (&str, &str)| (name.to_owned(), content.to_owned());
        let expected = Case {
            name: "app".to_owned(),
            command: "Main run \"a b\"".to_owned(),
            environment: [text(("A", "b"))].into(),
            input: input.map(text).into(),
            exit_code: 31,
            requests: vec![
                "GET /api/v1/services/a  ".to_owned(),
                "POST /api/v1/services  Service/a".to_owned(),
            ],
            sent: vec![
                Sent::Put(json!({"kind": "Service", "b": 1})),
                Sent::Post(json!({"kind": "Service"})),
            ],
        };
        assert_eq!(read(root.path()).unwrap(), [expected]);
    }

    #[test]
    fn file_that_has_no_place_in_a_line_is_an_error_that_names_it() {
        for (file, content, expected) in [
            ("input/keytab", &b"\xff"[..], "app/input/keytab is not UTF-8 text"),
            ("input/cmd.txt", b"Main", "app: no command and environment in cmd.txt"),
            ("output.txt", b"", "app: no rc= in output.txt"),
            ("service-a.json", b"{", "app/service-a.json is not JSON"),
        ] {
            let message = read(recorded((file, content)).path()).unwrap_err().to_string();
            assert!(message.contains(expected), "{file}: {message}");
        }
    }
}
