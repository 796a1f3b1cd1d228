//! What a cluster's configuration says, as far as the simulated Flink follows it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::configuration::{Configuration, ConfigurationError};
use crate::version::Version;

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
#[expect(clippy::struct_excessive_bools, reason = "options of Flink, each on its own")]
pub struct Settings {
    pub version: Version,
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
    /// Folder of the results of applications that have ended: since 2.3, with high availability.
    pub application_results_path: Option<String>,
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
    /// The port on which the JobManager listens.
    pub rest_bind_port: u16,
    /// Whether it speaks TLS there.
    pub rest_tls: bool,
    /// All of it, for what is asked for by its key.
    pub configuration: Configuration,
}

impl Settings {
    /// Reads the data of a cluster's ConfigMap for the image that runs.
    pub fn read(data: &Value, image: &str, mode: Mode) -> Result<Self, ConfigurationError> {
        let version = Version::of_image(image);
        let configuration = Configuration::read(data, version)?;
        // The tag of an image may say nothing; then the version counts that the resource names.
        let named = || configuration.text(&["$internal.flink.version"])?.parse().ok();
        let version = version.or_else(named).unwrap_or(Version::V2_2);
        Self::of(configuration, version, mode)
    }

    fn of(conf: Configuration, version: Version, mode: Mode) -> Result<Self, ConfigurationError> {
        let text = |keys: &[&str]| conf.text(keys).map(str::to_owned);
        let availability = availability(&conf)?;
        let cluster_id = text(&["kubernetes.cluster-id"]).unwrap_or_default();
        let results_path = match availability {
            Availability::Off => None,
            Availability::Kubernetes { .. } => {
                text(&["job-result-store.storage-path"]).or_else(|| {
                    let storage = text(&STORAGE_DIR).unwrap_or_default();
                    Some(format!("{storage}/job-result-store/{cluster_id}"))
                })
            }
        };
        let application_results_path = match availability {
            Availability::Kubernetes { .. }
                if version >= Version::V2_3 && mode == Mode::Application =>
            {
                text(&["application-result-store.storage-path"]).or_else(|| {
                    let storage = text(&STORAGE_DIR).unwrap_or_default();
                    Some(format!("{storage}/application-result-store/{cluster_id}"))
                })
            }
            Availability::Kubernetes { .. } | Availability::Off => None,
        };
        let interval = conf.millis(&["execution.checkpointing.interval"])?;
        let count = |keys: &[&str]| -> Result<u32, ConfigurationError> {
            let number = conf.number::<i32>(keys)?.unwrap_or(1);
            Ok(u32::try_from(number).unwrap_or(1).max(1))
        };
        let is_adaptive = conf
            .text(&["jobmanager.scheduler"])
            .is_some_and(|scheduler| scheduler.eq_ignore_ascii_case("adaptive"))
            || conf
                .text(&["scheduler-mode"])
                .is_some_and(|mode| mode.eq_ignore_ascii_case("reactive"));
        Ok(Self {
            version,
            mode,
            job_id: text(&["$internal.pipeline.job-id"]),
            job_name: text(&["pipeline.name"]).unwrap_or_else(|| "simulated job".to_owned()),
            restore_path: text(&RESTORE_PATH).filter(|path| !path.is_empty()),
            claims: conf.text(&CLAIM_MODE) == Some("CLAIM"),
            parallelism: count(&["parallelism.default"])?,
            parallelism_overrides: conf
                .map(&["pipeline.jobvertex-parallelism-overrides"])?
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(vertex, parallelism)| Some((vertex, parallelism.parse().ok()?)))
                .collect(),
            slots: count(&["taskmanager.numberOfTaskSlots"])?,
            scheduler: if is_adaptive { Scheduler::Adaptive } else { Scheduler::Default },
            availability,
            results_path,
            application_results_path,
            deletes_results: conf.flag(&["job-result-store.delete-on-commit"])?.unwrap_or(true),
            checkpoint_interval_ms: interval.filter(|interval| *interval > 0),
            checkpoint_timeout_ms: conf
                .millis(&["execution.checkpointing.timeout"])?
                .unwrap_or(600_000),
            checkpoint_dir: text(&CHECKPOINT_DIR),
            savepoint_dir: text(&SAVEPOINT_DIR),
            retained: count(&CHECKPOINTS_RETAINED)? as usize,
            retention: match conf.text(&CHECKPOINT_RETENTION) {
                Some("RETAIN_ON_CANCELLATION") => Retention::Retain,
                Some("DELETE_ON_CANCELLATION") => Retention::DeleteOnCancellation,
                Some(_) | None => Retention::Never,
            },
            restarts: restarts(&conf, interval.is_some())?,
            shuts_down: conf.flag(&["execution.shutdown-on-application-finish"])?.unwrap_or(true),
            operations_kept_ms: conf.millis(&["rest.async.store-duration"])?.unwrap_or(300_000),
            slot_timeout_ms: conf.millis(&["slot.request.timeout"])?.unwrap_or(300_000),
            idle_ms: conf.millis(&["resourcemanager.taskmanager-timeout"])?.unwrap_or(30_000),
            rest_bind_port: conf.number(&["rest.bind-port", "rest.port"])?.unwrap_or(8081),
            rest_tls: rest_tls(&conf, version)?,
            cluster_id,
            configuration: conf,
        })
    }

    /// The same with other values for some keys, and without a snapshot to start from: for a job of a session cluster.
    pub fn for_job(&self, more: &BTreeMap<String, String>) -> Result<Self, ConfigurationError> {
        let settings = Self::of(self.configuration.with(more), self.version, self.mode)?;
        Ok(Self { restore_path: None, ..settings })
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

/// Names of options that had others in earlier versions of Flink, newest first.
const RESTORE_PATH: [&str; 2] = ["execution.state-recovery.path", "execution.savepoint.path"];
const CLAIM_MODE: [&str; 2] =
    ["execution.state-recovery.claim-mode", "execution.savepoint-restore-mode"];
const CHECKPOINT_DIR: [&str; 3] =
    ["execution.checkpointing.dir", "state.checkpoints.dir", "state.backend.fs.checkpointdir"];
const SAVEPOINT_DIR: [&str; 3] = [
    "execution.checkpointing.savepoint-dir",
    "state.savepoints.dir",
    "savepoints.state.backend.fs.dir",
];
const CHECKPOINTS_RETAINED: [&str; 2] =
    ["execution.checkpointing.num-retained", "state.checkpoints.num-retained"];
const CHECKPOINT_RETENTION: [&str; 1] =
    ["execution.checkpointing.externalized-checkpoint-retention"];
const STORAGE_DIR: [&str; 3] = [
    "high-availability.storageDir",
    "high-availability.zookeeper.storageDir",
    "recovery.zookeeper.storageDir",
];
const AVAILABILITY: [&str; 3] = ["high-availability.type", "recovery.mode", "high-availability"];

/// The class that `kubernetes` is short for.
const KUBERNETES_FACTORY: &str =
    "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory";

fn availability(conf: &Configuration) -> Result<Availability, ConfigurationError> {
    let kind = conf.text(&AVAILABILITY).unwrap_or_default();
    let is_kubernetes =
        ["kubernetes", KUBERNETES_FACTORY].iter().any(|name| kind.eq_ignore_ascii_case(name));
    if !is_kubernetes {
        return Ok(Availability::Off);
    }
    let lease = ["high-availability.kubernetes.leader-election.lease-duration"];
    Ok(Availability::Kubernetes { lease_ms: conf.millis(&lease)?.unwrap_or(15_000) })
}

/// Flink 2.0 has removed the option for all endpoints.
fn rest_tls(conf: &Configuration, version: Version) -> Result<bool, ConfigurationError> {
    let of_rest = conf.flag(&["security.ssl.rest.enabled"])?;
    let of_all = conf.flag(&["security.ssl.enabled"])?.filter(|_| version < Version::V2_0);
    Ok(of_rest.or(of_all).unwrap_or(false))
}

/// Without checkpoints a job that fails is not restarted unless it is told to; with them it is restarted for ever.
fn restarts(conf: &Configuration, has_checkpoints: bool) -> Result<Restarts, ConfigurationError> {
    let kind = conf.text(&["restart-strategy.type", "restart-strategy"]).unwrap_or_default();
    let none = Restarts { attempts: Some(0), delay_ms: 0 };
    let endless = Restarts { attempts: None, delay_ms: 1000 };
    Ok(match kind.to_lowercase().as_str() {
        "none" | "off" | "disable" => none,
        "fixed-delay" | "fixeddelay" => {
            let attempts = conf.number(&["restart-strategy.fixed-delay.attempts"])?;
            let delay = conf.millis(&["restart-strategy.fixed-delay.delay"])?;
            Restarts { attempts: Some(attempts.unwrap_or(1)), delay_ms: delay.unwrap_or(1000) }
        }
        "exponential-delay" | "exponentialdelay" | "failure-rate" | "failurerate" => endless,
        _ if has_checkpoints => endless,
        _ => none,
    })
}
