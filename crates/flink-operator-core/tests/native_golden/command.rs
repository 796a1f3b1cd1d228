//! Derives options from the arguments of Flink's command line, like the recorded client.

use std::collections::BTreeMap;

use flink_operator_core::{
    build::native::ClusterMode,
    conf::{Configuration, Value},
    flink_version::FlinkVersion,
};

use super::recorded::HARNESS;

const PYTHON_DRIVER: &str = "org.apache.flink.client.python.PythonDriver";

/// The keys of the options for restoring a job.
struct RestoreOptions {
    path: &'static str,
    claim_mode: &'static str,
    ignore_unclaimed_state: &'static str,
}

const RESTORE: RestoreOptions = RestoreOptions {
    path: "execution.state-recovery.path",
    claim_mode: "execution.state-recovery.claim-mode",
    ignore_unclaimed_state: "execution.state-recovery.ignore-unclaimed-state",
};

const RESTORE_UNTIL_1_19: RestoreOptions = RestoreOptions {
    path: "execution.savepoint.path",
    claim_mode: "execution.savepoint-restore-mode",
    ignore_unclaimed_state: "execution.savepoint.ignore-unclaimed-state",
};

/// A recorded command line.
pub(crate) struct Command {
    pub(crate) class: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
}

impl Command {
    pub(crate) fn parse(line: &str, environment: BTreeMap<String, String>) -> Self {
        let mut words = split(line);
        let class = words.remove(0);
        Self { class, arguments: words, environment }
    }

    pub(crate) fn mode(&self) -> ClusterMode {
        if self.class.ends_with(".KubernetesSessionCli") {
            ClusterMode::Session
        } else {
            ClusterMode::Application
        }
    }

    /// Sets the options that a client of this version derives from the arguments.
    pub(crate) fn apply(
        &self,
        configuration: &mut Configuration,
        client: FlinkVersion,
    ) -> Result<(), String> {
        match self.mode() {
            ClusterMode::Session => {
                configuration.set("execution.target", "kubernetes-session");
                for argument in &self.arguments {
                    set_dynamic(configuration, argument);
                }
                Ok(())
            }
            ClusterMode::Application => Run::parse(&self.arguments).apply(configuration, client),
        }
    }
}

/// The arguments of the subcommand that runs an application.
#[derive(Default)]
struct Run {
    target: String,
    class: Option<String>,
    parallelism: Option<i64>,
    savepoint: Option<String>,
    allow_non_restored_state: bool,
    dynamic: Vec<String>,
    python_files: Option<String>,
    python_executable: Option<String>,
    /// `--python <file>` or `--pyModule <module>`.
    python_program: Option<[String; 2]>,
    rest: Vec<String>,
}

impl Run {
    fn parse(arguments: &[String]) -> Self {
        let verb = arguments.first().map(String::as_str);
        assert!(matches!(verb, Some("run" | "run-application")), "{verb:?}");
        let mut run = Self::default();
        let mut arguments = arguments.iter().skip(1).cloned();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap();
            match argument.as_str() {
                "-t" => run.target = value(),
                "-c" => run.class = Some(value()),
                "-p" => run.parallelism = Some(value().parse().unwrap()),
                "-s" => run.savepoint = Some(value()),
                "-n" => run.allow_non_restored_state = true,
                "-pyfs" => run.python_files = Some(value()),
                "-pyexec" => run.python_executable = Some(value()),
                "-py" => run.python_program = Some(["--python".to_owned(), value()]),
                "-pym" => run.python_program = Some(["--pyModule".to_owned(), value()]),
                other if other.starts_with("-D") => run.dynamic.push(argument),
                // The first argument that is not an option ends the options.
                _ => {
                    run.rest.push(argument);
                    run.rest.extend(arguments.by_ref());
                }
            }
        }
        run
    }

    fn apply(
        mut self,
        configuration: &mut Configuration,
        client: FlinkVersion,
    ) -> Result<(), String> {
        let jars: Vec<String> = if self.python_program.is_some() {
            self.class.get_or_insert_with(|| PYTHON_DRIVER.to_owned());
            Vec::new()
        } else if self.rest.is_empty() {
            return Err("no jar is given".to_owned());
        } else {
            vec![jar_uri(&self.rest.remove(0))]
        };
        let arguments: Vec<String> =
            self.python_program.into_iter().flatten().chain(self.rest).collect();

        configuration.set("execution.target", self.target);
        configuration.set("execution.attached", true);
        configuration.set("execution.shutdown-on-attached-exit", false);
        let restore = if client < FlinkVersion::V1_20 { &RESTORE_UNTIL_1_19 } else { &RESTORE };
        configuration.set(restore.claim_mode, "NO_CLAIM");
        configuration.set(restore.ignore_unclaimed_state, self.allow_non_restored_state);
        let optional = [
            (restore.path, self.savepoint.map(Value::from)),
            ("parallelism.default", self.parallelism.map(Value::Int)),
            ("$internal.application.main", self.class.map(Value::from)),
            ("python.files", self.python_files.map(Value::from)),
            ("python.executable", self.python_executable.map(Value::from)),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                configuration.set(key, value);
            }
        }
        for (key, list) in [
            ("$internal.application.program-args", arguments),
            ("pipeline.jars", jars),
            ("pipeline.classpaths", Vec::new()),
        ] {
            if client < FlinkVersion::V2_0 || !list.is_empty() {
                configuration.set(key, Value::List(list));
            }
        }
        for argument in &self.dynamic {
            set_dynamic(configuration, argument);
        }
        Ok(())
    }
}

fn set_dynamic(configuration: &mut Configuration, argument: &str) {
    let property = argument.strip_prefix("-D").unwrap();
    let (key, value) = property.split_once('=').unwrap_or((property, "true"));
    configuration.set(key, value);
}

/// Converts a path to a URI like Java's `File`.
fn jar_uri(argument: &str) -> String {
    if argument.starts_with(HARNESS) { format!("file:{argument}") } else { argument.to_owned() }
}

/// Splits a line at each space; between two spaces is an empty argument. An argument in double quotes is a
/// JSON string.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let (word, end) = if rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let word = stream.next().unwrap().unwrap();
            (word, stream.byte_offset())
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            (rest[..end].to_owned(), end)
        };
        words.push(word);
        match rest[end..].strip_prefix(' ') {
            Some(further) => rest = further,
            None => return words,
        }
    }
}
