//! A recording as a file of lines: a JSON object per case.

use std::{fs, path::Path};

use anyhow::Context;

use crate::{Case, Client};

pub(crate) const EXTENSION: &str = ".jsonl";

/// The name of a client's file.
pub fn file_name(client: &Client) -> String {
    format!("{client}{EXTENSION}")
}

/// Writes a line per case.
pub fn write(path: &Path, cases: &[Case]) -> anyhow::Result<()> {
    let mut text = String::new();
    for case in cases {
        text.push_str(&serde_json::to_string(case)?);
        text.push('\n');
    }
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Case>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    (1..)
        .zip(text.lines())
        .map(|(number, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}:{number} is not a case", path.display()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Sent;

    #[test]
    fn case_that_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file_name(&Client::Flink("1.20.5".to_owned())));
        let case = Case {
            name: "app".to_owned(),
            command: "Main".to_owned(),
            environment: [("A".to_owned(), "b".to_owned())].into(),
            input: [("config.yaml".to_owned(), "a: \"ü\\n\"\nb: 2\r\n".to_owned())].into(),
            exit_code: 1,
            requests: vec!["GET /api  ".to_owned()],
            sent: vec![Sent::Post(json!({"z": 1, "a": 0.5})), Sent::Put(json!({}))],
        };
        let cases = [case.clone(), Case { name: "other".to_owned(), ..case }];
        write(&path, &cases).unwrap();
        assert!(path.ends_with("1.20.5.jsonl"));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        assert_eq!(read(&path).unwrap(), cases);
    }

    #[test]
    fn broken_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.20.5.jsonl");
        fs::write(&path, "{}\n").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.ends_with("1.20.5.jsonl:1 is not a case"), "{message}");
    }
}
