//! What a cluster's configuration says, as far as the simulated Flink follows it.

use std::collections::BTreeMap;

use flink_operator_core::conf::options::high_availability::{self, HighAvailability};
use flink_operator_core::conf::options::job;
use flink_operator_core::conf::{
    ConfigOption, Configuration, OptionType, read_config_yaml, read_flink_conf,
};
use flink_operator_core::flink_version::FlinkVersion;
use jiff::SignedDuration;
use serde_json::Value;

/// Reads the tag of an image: `flink:1.20`, `registry/apache/flink:2.2.1-java17`.
pub fn version_of_image(image: &str) -> Option<FlinkVersion> {
    let (_, tag) = image.rsplit_once(':')?;
    let mut numbers = tag.split(|c: char| !c.is_ascii_digit());
    Some(FlinkVersion::new(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The release that answers for a version: the one that answers were recorded of, else the first patch.
pub fn release(version: FlinkVersion) -> String {
    match (version.major, version.minor) {
        (1, 19) => "1.19.3".to_owned(),
        (1, 20) => "1.20.5".to_owned(),
        (2, 0) => "2.0.2".to_owned(),
        (2, 1) => "2.1.3".to_owned(),
        (2, 2) => "2.2.1".to_owned(),
        (major, minor) => format!("{major}.{minor}.0"),
    }
}

/// What becomes of the last checkpoints when a job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// They stay, unless the job finishes.
    Retain,
    /// They stay when the job fails, and go when it is cancelled.
    DeleteOnCancellation,
    /// They go whatever the end.
    Never,
}

/// Where the metadata that outlives a JobManager is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    Off,
    /// In ConfigMaps; this long, in milliseconds, after its last renewal the lease of a dead leader is free.
    Kubernetes {
        lease_ms: i64,
    },
}

/// How a job is restarted when its tasks fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restarts {
    /// `None`: as often as it takes.
    pub attempts: Option<u64>,
    pub delay_ms: i64,
}

/// What a cluster is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One job, which the JobManager starts from its configuration.
    Application,
    /// Any number of jobs, which come over REST.
    Session,
}

/// Who decides about the parallelism of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// The user, before the job starts.
    Default,
    /// The user, at any time, and the slots that there are.
    Adaptive,
}

/// The configuration of one JobManager.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub version: FlinkVersion,
    pub mode: Mode,
    pub cluster_id: String,
    /// 32 hexadecimal digits; `None` when Flink chooses.
    pub job_id: Option<String>,
    pub job_name: String,
    pub restore_path: Option<String>,
    /// The JobManager owns the snapshot that it starts from, and deletes it in time.
    pub claims: bool,
    pub parallelism: u32,
    /// Of single vertices, by id: `pipeline.jobvertex-parallelism-overrides`.
    pub parallelism_overrides: BTreeMap<String, u32>,
    pub slots: u32,
    pub scheduler: Scheduler,
    pub availability: Availability,
    /// Folder of the results of jobs that have ended; `None` keeps them in memory.
    pub results_path: Option<String>,
    pub deletes_results: bool,
    pub checkpoint_interval_ms: Option<i64>,
    pub checkpoint_timeout_ms: i64,
    pub checkpoint_dir: Option<String>,
    pub savepoint_dir: Option<String>,
    pub retained: usize,
    pub retention: Retention,
    pub restarts: Restarts,
    pub shuts_down: bool,
    /// How long results of operations in the background are kept.
    pub operations_kept_ms: i64,
    /// How long a job waits for its slots.
    pub slot_timeout_ms: i64,
    /// How long a TaskManager may be idle.
    pub idle_ms: i64,
    pub rest_port: u16,
    /// Key and value, as `/jobmanager/config` tells them.
    pub all: Vec<(String, String)>,
}

impl Settings {
    /// Reads the data of a cluster's ConfigMap for the image that runs.
    pub fn read(data: &Value, image: &str, mode: Mode) -> Result<Self, String> {
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        let version = version_of_image(image);
        let is_old = version.is_none_or(|version| version < FlinkVersion::V2_0);
        let legacy = text("flink-conf.yaml").filter(|_| is_old);
        let configuration = match (legacy, text("config.yaml")) {
            (Some(legacy), _) => read_flink_conf(legacy).configuration,
            (None, Some(yaml)) => read_config_yaml(yaml).map_err(|error| error.to_string())?,
            (None, None) => return Err("there is no configuration".to_owned()),
        };
        // An image whose tag says nothing has the version that the operator was told.
        let told = || configuration.text(job::FLINK_VERSION.key)?.parse().ok();
        let version = version.or_else(told).unwrap_or(FlinkVersion::V2_2);
        Self::of(&configuration, version, mode)
    }

    fn of(conf: &Configuration, version: FlinkVersion, mode: Mode) -> Result<Self, String> {
        let availability = match HighAvailability::of(conf).map_err(|error| error.to_string())? {
            HighAvailability::Kubernetes => Availability::Kubernetes {
                lease_ms: millis(get(conf, &high_availability::KUBERNETES_LEASE_DURATION)?)
                    .unwrap_or(15_000),
            },
            HighAvailability::Off | HighAvailability::ZooKeeper | HighAvailability::Custom(_) => {
                Availability::Off
            }
        };
        let cluster_id = conf.text("kubernetes.cluster-id").unwrap_or_default();
        let storage = get(conf, &high_availability::STORAGE_DIR)?;
        let results_path = match availability {
            Availability::Off => None,
            Availability::Kubernetes { .. } => {
                get(conf, &high_availability::JOB_RESULT_STORE_PATH)?.or_else(|| {
                    let storage = storage.unwrap_or_default();
                    Some(format!("{storage}/job-result-store/{cluster_id}"))
                })
            }
        };
        let interval = millis(get(conf, &job::CHECKPOINTING_INTERVAL)?);
        let size = |value: Option<i32>, least: u32| {
            u32::try_from(value.unwrap_or(1)).unwrap_or(least).max(least)
        };
        let scheduler_mode = get(conf, &job::SCHEDULER_MODE)?.unwrap_or_default();
        let scheduler = get(conf, &job::SCHEDULER)?.unwrap_or_default();
        let is_adaptive = scheduler.eq_ignore_ascii_case("adaptive")
            || scheduler_mode.eq_ignore_ascii_case("reactive");
        let flag = |option: &ConfigOption<bool>| {
            conf.get_or_default(option).map_err(|error| error.to_string())
        };
        Ok(Self {
            version,
            mode,
            job_id: get(conf, &job::FIXED_JOB_ID)?,
            job_name: get(conf, &job::PIPELINE_NAME)?.unwrap_or_else(|| "simulated job".to_owned()),
            restore_path: get(conf, &job::SAVEPOINT_PATH)?.filter(|path| !path.is_empty()),
            claims: get(conf, &job::SAVEPOINT_CLAIM_MODE)?.is_some_and(|mode| mode == "CLAIM"),
            parallelism: size(get(conf, &job::PARALLELISM)?, 1),
            parallelism_overrides: get(conf, &job::PARALLELISM_OVERRIDES)?
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(vertex, parallelism)| Some((vertex, parallelism.parse().ok()?)))
                .collect(),
            slots: size(number(conf, "taskmanager.numberOfTaskSlots"), 1),
            scheduler: if is_adaptive { Scheduler::Adaptive } else { Scheduler::Default },
            availability,
            results_path,
            deletes_results: flag(&high_availability::JOB_RESULT_STORE_DELETE_ON_COMMIT)?,
            checkpoint_interval_ms: interval.filter(|interval| *interval > 0),
            checkpoint_timeout_ms: millis(get(conf, &job::CHECKPOINTING_TIMEOUT)?)
                .unwrap_or(600_000),
            checkpoint_dir: get(conf, &job::CHECKPOINTING_DIR)?,
            savepoint_dir: get(conf, &job::SAVEPOINT_DIR)?,
            retained: size(get(conf, &job::NUM_RETAINED_CHECKPOINTS)?, 1) as usize,
            retention: match get(conf, &job::CHECKPOINT_RETENTION)?.as_deref() {
                Some("RETAIN_ON_CANCELLATION") => Retention::Retain,
                Some("DELETE_ON_CANCELLATION") => Retention::DeleteOnCancellation,
                Some(_) | None => Retention::Never,
            },
            restarts: restarts(conf, interval.is_some())?,
            shuts_down: flag(&job::SHUTDOWN_ON_FINISH)?,
            operations_kept_ms: millis(conf_duration(conf, "rest.async.store-duration")?)
                .unwrap_or(300_000),
            slot_timeout_ms: millis(conf_duration(conf, "slot.request.timeout")?)
                .unwrap_or(300_000),
            idle_ms: millis(conf_duration(conf, "resourcemanager.taskmanager-timeout")?)
                .unwrap_or(30_000),
            rest_port: number(conf, "rest.port")
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or(8081),
            all: conf
                .iter()
                .map(|(key, value)| (key.to_owned(), value.text(conf.syntax())))
                .collect(),
            cluster_id,
        })
    }

    /// The same with other values for some keys, and without a snapshot to start from: for a job of a session cluster.
    pub fn for_job(&self, more: &BTreeMap<String, String>) -> Result<Self, String> {
        let all = self.all.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let more = more.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let configuration: Configuration = all.chain(more).collect();
        let settings = Self::of(&configuration, self.version, self.mode)?;
        Ok(Self { restore_path: None, ..settings })
    }

    /// The value under a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.all.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    pub fn is_adaptive(&self) -> bool {
        self.scheduler == Scheduler::Adaptive
    }

    pub fn is_application(&self) -> bool {
        self.mode == Mode::Application
    }

    pub fn has_high_availability(&self) -> bool {
        self.availability != Availability::Off
    }
}

fn get<T: OptionType>(conf: &Configuration, option: &ConfigOption<T>) -> Result<Option<T>, String> {
    conf.get(option).map_err(|error| error.to_string())
}

fn conf_duration(conf: &Configuration, key: &str) -> Result<Option<SignedDuration>, String> {
    conf.get_key(key).map_err(|error| error.to_string())
}

fn number(conf: &Configuration, key: &str) -> Option<i32> {
    conf.text(key)?.parse().ok()
}

fn millis(duration: Option<SignedDuration>) -> Option<i64> {
    duration.map(|duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// Without checkpoints a job that fails is not restarted unless it is told to; with them it is restarted for ever.
fn restarts(conf: &Configuration, has_checkpoints: bool) -> Result<Restarts, String> {
    let kind = conf
        .text("restart-strategy.type")
        .or_else(|| conf.text("restart-strategy"))
        .unwrap_or_default()
        .to_lowercase();
    let none = Restarts { attempts: Some(0), delay_ms: 0 };
    let delay = |key: &str| -> Result<i64, String> {
        Ok(millis(conf_duration(conf, key)?).unwrap_or(1000))
    };
    Ok(match kind.as_str() {
        "none" | "off" | "disable" => none,
        "fixed-delay" | "fixeddelay" => {
            let attempts = number(conf, "restart-strategy.fixed-delay.attempts").unwrap_or(1);
            Restarts {
                attempts: Some(u64::try_from(attempts).unwrap_or(0)),
                delay_ms: delay("restart-strategy.fixed-delay.delay")?,
            }
        }
        "exponential-delay" | "exponentialdelay" | "failure-rate" | "failurerate" => {
            Restarts { attempts: None, delay_ms: 1000 }
        }
        _ if has_checkpoints => Restarts { attempts: None, delay_ms: 1000 },
        _ => none,
    })
}
