//! Converts recordings of Flink's clients from folders to the files of lines that the tests of core read.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::workspace;

/// The folder that the tests of core read.
const FOLDER: &str = "crates/flink-operator-core/tests/golden";

#[derive(clap::Args)]
pub struct Options {
    /// A folder with a folder for each client (1.20.5, operator-client), which has a folder for each case.
    #[arg(long)]
    from: PathBuf,
    /// The folder for `<client>.jsonl` [default: the folder that the tests of core read].
    #[arg(long)]
    into: Option<PathBuf>,
}

/// Writes a file for each client, and prints how many cases and objects it has.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let into = options.into.clone().unwrap_or_else(|| workspace::root().join(FOLDER));
    for line in convert(&options.from, &into)? {
        println!("{line}");
    }
    Ok(())
}

fn convert(from: &Path, into: &Path) -> anyhow::Result<Vec<String>> {
    std::fs::create_dir_all(into)
        .with_context(|| format!("failed to create {}", into.display()))?;
    let mut report = Vec::new();
    for recording in ::golden::find(from)? {
        let cases = recording.cases()?;
        let path = into.join(::golden::file_name(&recording.client));
        ::golden::write(&path, &cases)?;
        let objects: usize = cases.iter().map(|case| case.sent.len()).sum();
        report.push(format!("{}: {} cases, {objects} objects", path.display(), cases.len()));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_becomes_a_file_that_has_all_of_its_cases() {
        let from = tempfile::tempdir().unwrap();
        let into = tempfile::tempdir().unwrap();
        for (client, case) in [("1.19.3", "app"), ("1.19.3", "session"), ("operator-client", "app")]
        {
            let case = from.path().join(client).join(case);
            std::fs::create_dir_all(case.join("input")).unwrap();
            for (name, content) in [
                ("input/cmd.txt", "Main\nenv: {}\n"),
                ("output.txt", "rc=0\n"),
                ("requests.txt", ""),
                ("service-a.json", "{}"),
            ] {
                std::fs::write(case.join(name), content).unwrap();
            }
        }
        let into = into.path().join("lines");
        let report = convert(from.path(), &into).unwrap();
        assert_eq!(report.len(), 2);
        assert!(report[0].ends_with("1.19.3.jsonl: 2 cases, 2 objects"), "{report:?}");
        assert!(report[1].ends_with("operator-client.jsonl: 1 cases, 1 objects"), "{report:?}");
        let cases = |root: &Path| -> Vec<_> {
            ::golden::find(root).unwrap().iter().map(|found| found.cases().unwrap()).collect()
        };
        assert_eq!(cases(&into), cases(from.path()));
    }

    #[test]
    fn folder_without_recordings_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(convert(folder.path(), folder.path()).is_err());
    }
}
