//! The process's own configuration: files as upstream reads them, and its environment variables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flink_operator_core::conf::options::operator::{
    FLINK_VERSION_DEFAULTS_PREFIX, platform as operator,
};
use flink_operator_core::conf::{
    ConfigError, ConfigYamlError, Configuration, Syntax, is_sensitive, read_config_yaml,
    read_flink_conf,
};
use flink_rest::transport::TlsFiles;
use jiff::SignedDuration;

use crate::controllers::backoff::Backoff;
use crate::watches::Scope;

/// Console logging files that clusters without `spec.logConfiguration` get from the operator's folder.
const CONSOLE_LOGS: [&str; 7] = [
    "logback-console.xml",
    "log4j-console.properties",
    "logback.xml",
    "log4j.properties",
    "logback-session.xml",
    "log4j-session.properties",
    "log4j-cli.properties",
];

/// The chart's own files. A process without a folder has the same defaults as an installed one, among them the flags without
/// which Flink does not start on Java 17.
const BUILT_IN: &str =
    include_str!("../../../charts/flink-kubernetes-operator/conf/flink-conf.yaml");
const BUILT_IN_LOGS: [(&str, &str); 2] = [
    (
        "log4j-console.properties",
        include_str!("../../../charts/flink-kubernetes-operator/conf/log4j-console.properties"),
    ),
    (
        "logback-console.xml",
        include_str!("../../../charts/flink-kubernetes-operator/conf/logback-console.xml"),
    ),
];

/// A failed pass is tried again after this long at the latest, where `retry.max.interval` sets no other limit: a
/// resource must not be forgotten because something was wrong for an hour.
const RETRY_AT_LEAST_EVERY: Duration = Duration::from_mins(5);

/// Where the configuration comes from. Blank variables count as unset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigSources {
    /// `FLINK_CONF_DIR`: the folder with `flink-conf.yaml`, which wins, or `config.yaml`.
    pub conf_dir: Option<PathBuf>,
    /// `CONF_OVERRIDE_DIR`: a folder whose entries win over the first's.
    pub override_dir: Option<PathBuf>,
    /// `WATCH_NAMESPACES`: comma-separated; wins over the files.
    pub watch_namespaces: Option<String>,
    /// `OPERATOR_TRUSTSTORE_PATH`, `OPERATOR_KEYSTORE_PATH` and `OPERATOR_KEYSTORE_PASSWORD`: TLS to JobManagers.
    pub tls: Option<TlsFiles>,
}

impl ConfigSources {
    pub fn of_environment() -> Self {
        let variable =
            |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Self {
            conf_dir: variable("FLINK_CONF_DIR").map(PathBuf::from),
            override_dir: variable("CONF_OVERRIDE_DIR").map(PathBuf::from),
            watch_namespaces: variable("WATCH_NAMESPACES"),
            tls: variable("OPERATOR_TRUSTSTORE_PATH").map(|path| TlsFiles {
                trust_store: PathBuf::from(path),
                key_store: variable("OPERATOR_KEYSTORE_PATH").map(PathBuf::from),
                password: std::env::var("OPERATOR_KEYSTORE_PASSWORD").unwrap_or_default(),
            }),
        }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("failed to read {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is not a valid configuration", path.display())]
    Yaml {
        path: PathBuf,
        #[source]
        source: ConfigYamlError,
    },
    #[error("{} has neither flink-conf.yaml nor config.yaml", path.display())]
    NoFile { path: PathBuf },
    #[error("an option of the operator has a bad value")]
    Option(#[from] ConfigError),
    #[error("{key}: {value} is out of range: {allowed}")]
    Range { key: &'static str, value: i64, allowed: &'static str },
}

/// What the files say, and what the process makes of it.
#[derive(Clone, Debug)]
pub struct OperatorConfig {
    pub configuration: Configuration,
    pub console_logs: BTreeMap<String, String>,
    pub scopes: Vec<Scope>,
    pub label_selector: Option<String>,
    /// Passes at the same time; 0 for no limit.
    pub parallelism: u16,
    pub backoff: Backoff,
    /// `None` when the health probe is switched off.
    pub health_port: Option<u16>,
    /// How long running passes may take to end when the process is asked to stop.
    pub termination_timeout: Duration,
}

/// Reads everything. A folder overrides the built-in defaults key by key, and its files for logging one by one.
///
/// # Errors
///
/// A file that cannot be read or parsed, or an option with a bad value.
pub fn load(sources: &ConfigSources) -> Result<OperatorConfig, LoadError> {
    let mut configuration = match &sources.conf_dir {
        Some(dir) => over_built_in(&read_dir(dir)?),
        None => over_built_in(&Configuration::with_syntax(Syntax::Legacy)),
    };
    if let Some(dir) = &sources.override_dir {
        configuration.overlay(&read_dir(dir)?);
    }
    let mut console_logs: BTreeMap<String, String> =
        BUILT_IN_LOGS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    if let Some(dir) = &sources.conf_dir {
        console_logs.extend(read_console_logs(dir)?);
    }
    let namespaces = match &sources.watch_namespaces {
        Some(list) => list.clone(),
        None => configuration.get_or_default(&operator::WATCHED_NAMESPACES)?,
    };
    let parallelism = configuration.get_or_default(&operator::RECONCILE_PARALLELISM)?;
    let probe = configuration.get_or_default(&operator::HEALTH_PROBE_ENABLED)?;
    let port = configuration.get_or_default(&operator::HEALTH_PROBE_PORT)?;
    Ok(OperatorConfig {
        console_logs,
        scopes: scopes(&namespaces),
        label_selector: configuration
            .get(&operator::LABEL_SELECTOR)?
            .filter(|text| !text.trim().is_empty()),
        parallelism: if parallelism < 0 {
            0
        } else {
            in_range(
                operator::RECONCILE_PARALLELISM.key,
                parallelism,
                "-1 for no limit, or 1 to 65535",
            )?
        },
        backoff: Backoff {
            initial: positive(configuration.get_or_default(&operator::RETRY_INITIAL_INTERVAL)?),
            multiplier: configuration.get_or_default(&operator::RETRY_INTERVAL_MULTIPLIER)?,
            max: configuration
                .get(&operator::RETRY_MAX_INTERVAL)?
                .map_or(RETRY_AT_LEAST_EVERY, positive),
        },
        health_port: probe
            .then(|| in_range(operator::HEALTH_PROBE_PORT.key, port, "a port, 1 to 65535"))
            .transpose()?,
        termination_timeout: positive(
            configuration.get_or_default(&operator::TERMINATION_TIMEOUT)?,
        ),
        configuration,
    })
}

fn in_range(key: &'static str, value: i32, allowed: &'static str) -> Result<u16, LoadError> {
    u16::try_from(value).ok().filter(|value| *value > 0).ok_or(LoadError::Range {
        key,
        value: value.into(),
        allowed,
    })
}

fn positive(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}

/// The namespaces of a comma-separated list; upstream's word for all of them is `JOSDK_ALL_NAMESPACES`.
fn scopes(list: &str) -> Vec<Scope> {
    const ALL: &str = "JOSDK_ALL_NAMESPACES";
    let mut names: Vec<&str> =
        list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() || names.contains(&ALL) {
        return vec![Scope::All];
    }
    names.into_iter().map(|name| Scope::Namespace(name.to_owned())).collect()
}

/// The folder's configuration over the built-in one. A built-in default for versions of Flink gives way to an option that the
/// folder sets for all versions, although it would win over it within one file.
fn over_built_in(folder: &Configuration) -> Configuration {
    let mut configuration = read_flink_conf(BUILT_IN).configuration.in_syntax(folder.syntax());
    configuration.retain(|key, _| {
        let of_version = key.strip_prefix(FLINK_VERSION_DEFAULTS_PREFIX);
        let option = of_version.and_then(|rest| rest.split_once('.'));
        option.is_none_or(|(_, option)| !folder.contains_key(option))
    });
    configuration.overlay(folder);
    configuration
}

/// Reads the folder's configuration file: `flink-conf.yaml` wins over `config.yaml`, as in Flink 1.20.
fn read_dir(dir: &Path) -> Result<Configuration, LoadError> {
    let legacy = dir.join("flink-conf.yaml");
    if let Some(text) = read_if_there(&legacy)? {
        let read = read_flink_conf(&text);
        for line in &read.skipped {
            tracing::warn!(file = %legacy.display(), number = line.number, "a line of the configuration is no entry");
        }
        return Ok(read.configuration);
    }
    let standard = dir.join("config.yaml");
    match read_if_there(&standard)? {
        Some(text) => {
            read_config_yaml(&text).map_err(|source| LoadError::Yaml { path: standard, source })
        }
        None => Err(LoadError::NoFile { path: dir.to_owned() }),
    }
}

fn read_console_logs(dir: &Path) -> Result<BTreeMap<String, String>, LoadError> {
    let mut logs = BTreeMap::new();
    for name in CONSOLE_LOGS {
        if let Some(text) = read_if_there(&dir.join(name))? {
            logs.insert(name.to_owned(), text);
        }
    }
    Ok(logs)
}

fn read_if_there(path: &Path) -> Result<Option<String>, LoadError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LoadError::File { path: path.to_owned(), source }),
    }
}

/// The configuration for the log: values of keys that name secrets are hidden.
pub fn shown(configuration: &Configuration) -> String {
    configuration
        .text_map()
        .into_iter()
        .map(
            |(key, value)| {
                if is_sensitive(&key) { format!("{key}=******") } else { format!("{key}={value}") }
            },
        )
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    fn sources(conf: &tempfile::TempDir) -> ConfigSources {
        ConfigSources { conf_dir: Some(conf.path().to_owned()), ..ConfigSources::default() }
    }

    #[test]
    fn flink_conf_wins_over_config_yaml_in_one_folder() {
        let conf = dir(&[
            ("flink-conf.yaml", "kubernetes.operator.watched.namespaces: a"),
            ("config.yaml", "kubernetes: {operator: {watched: {namespaces: b}}}"),
        ]);
        assert_eq!(load(&sources(&conf)).unwrap().scopes, [Scope::Namespace("a".to_owned())]);
    }

    #[test]
    fn overriding_folder_wins_and_the_environment_wins_over_both() {
        let conf = dir(&[("config.yaml", "kubernetes.operator.watched.namespaces: a\nx: \"1\"")]);
        let over = dir(&[("flink-conf.yaml", "kubernetes.operator.watched.namespaces: b, c ,b")]);
        let mut sources =
            ConfigSources { override_dir: Some(over.path().to_owned()), ..sources(&conf) };
        let loaded = load(&sources).unwrap();
        assert_eq!(
            loaded.scopes,
            [Scope::Namespace("b".to_owned()), Scope::Namespace("c".to_owned())]
        );
        assert_eq!(loaded.configuration.text("x").as_deref(), Some("1"));
        sources.watch_namespaces = Some("d".to_owned());
        assert_eq!(load(&sources).unwrap().scopes, [Scope::Namespace("d".to_owned())]);
    }

    #[test]
    fn defaults_hold_without_a_folder() {
        let loaded = load(&ConfigSources::default()).unwrap();
        assert_eq!(loaded.scopes, [Scope::All]);
        assert_eq!((loaded.parallelism, loaded.health_port), (50, Some(8085)));
        assert_eq!(loaded.backoff.initial, Duration::from_secs(5));
    }

    /// The chart mounts a folder that begins with its own files.
    #[test]
    fn without_a_folder_the_defaults_are_those_of_the_chart() {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../charts/flink-kubernetes-operator/conf");
        let of_chart = ConfigSources { conf_dir: Some(chart), ..ConfigSources::default() };
        let (installed, bare) =
            (load(&of_chart).unwrap(), load(&ConfigSources::default()).unwrap());
        assert_eq!(bare.configuration, installed.configuration);
        assert_eq!(bare.console_logs, installed.console_logs);
        assert!(bare.console_logs.contains_key("log4j-console.properties"));
        let flags = "kubernetes.operator.default-configuration.flink-version.v1_19+.env.java.default-opts.all";
        let flags = bare.configuration.text(flags).unwrap_or_default();
        assert!(flags.contains("--add-opens=java.base/java.lang=ALL-UNNAMED"), "{flags}");
    }

    #[test]
    fn a_folder_overrides_built_in_defaults_key_by_key() {
        let conf = dir(&[(
            "config.yaml",
            "taskmanager.numberOfTaskSlots: 4\nenv.java.default-opts.all: -Dmine",
        )]);
        let loaded = load(&sources(&conf)).unwrap().configuration;
        let text = |key: &str| loaded.text(key).unwrap_or_default();
        assert_eq!(
            (text("taskmanager.numberOfTaskSlots"), text("parallelism.default")),
            ("4".into(), "1".into())
        );
        assert_eq!(text("env.java.default-opts.all"), "-Dmine");
        assert!(!loaded.keys().any(|key| key.ends_with("v1_19+.env.java.default-opts.all")));
        assert!(loaded.keys().any(|key| key.ends_with("v1_18.env.java.opts.all")));
    }

    #[test]
    fn faults_name_the_file_or_the_key() {
        let broken = dir(&[("config.yaml", "a: [")]);
        assert!(load(&sources(&broken)).unwrap_err().to_string().contains("config.yaml"));
        let empty = dir(&[]);
        assert!(load(&sources(&empty)).unwrap_err().to_string().contains("neither"));
        let bad = dir(&[("flink-conf.yaml", "kubernetes.operator.health.probe.port: 70000")]);
        assert!(
            load(&sources(&bad))
                .unwrap_err()
                .to_string()
                .contains("kubernetes.operator.health.probe.port")
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let conf = dir(&[("flink-conf.yaml", "s3.secret-key: hush\na: b")]);
        let text = shown(&load(&sources(&conf)).unwrap().configuration);
        assert!(text.contains("a=b") && !text.contains("hush"), "{text}");
    }

    #[test]
    fn console_logs_are_taken_along() {
        let conf = dir(&[
            ("flink-conf.yaml", "a: b"),
            ("log4j-console.properties", "rootLogger.level = INFO"),
        ]);
        let loaded = load(&sources(&conf)).unwrap();
        assert_eq!(
            loaded.console_logs.get("log4j-console.properties").unwrap(),
            "rootLogger.level = INFO"
        );
    }
}
