//! Savepoints and checkpoints of a running job, by nonce and by schedule, kept in the status.
//!
//! A request's id is recorded before it is sent, so that sending it again is harmless. The time of the first attempt stays
//! in the status until the request has succeeded or was given up: a nonce is given up after its grace period.

use std::time::Duration;

use flink_operator_api::{
    Checkpoint, CheckpointFormatType, FlinkJobStatus, JobSpec, Savepoint, SavepointFormatType,
    SnapshotTriggerType,
};
use jiff::Timestamp;

use crate::cluster::state::ClusterState;
use crate::conf::options::operator::resource::{CheckpointType, SavepointFormat};
use crate::job::options::JobOptions;
use crate::job::snapshots::schedule::Schedule;
use crate::observed::{Observed, Operation, Seen};
use crate::reconcile::decision::{Action, Because, Event, SavepointRequest};
use crate::reconcile::inputs::Inputs;
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::Questions;
use crate::reconcile::recorded::Recorded;

/// A savepoint or a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Savepoint,
    Checkpoint,
}

const KINDS: [Kind; 2] = [Kind::Savepoint, Kind::Checkpoint];

/// A request as the status has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Request {
    trigger_id: Option<String>,
    first_asked: Option<i64>,
    trigger_type: Option<SnapshotTriggerType>,
}

impl Kind {
    fn request(self, pass: &Pass<'_>) -> Request {
        let job = &pass.status.job_status;
        let (savepoint, checkpoint) = (&job.savepoint_info, &job.checkpoint_info);
        let (trigger_id, first_asked, trigger_type) = match self {
            Self::Savepoint => {
                (&savepoint.trigger_id, savepoint.trigger_timestamp, &savepoint.trigger_type)
            }
            Self::Checkpoint => {
                (&checkpoint.trigger_id, checkpoint.trigger_timestamp, &checkpoint.trigger_type)
            }
        };
        Request { trigger_id: trigger_id.clone(), first_asked, trigger_type: trigger_type.clone() }
    }

    fn set_request(self, pass: &mut Pass<'_>, request: Request) {
        let job = &mut pass.status.job_status;
        match self {
            Self::Savepoint => {
                let info = &mut job.savepoint_info;
                info.trigger_id = request.trigger_id;
                info.trigger_timestamp = request.first_asked;
                info.trigger_type = request.trigger_type;
                if info.trigger_id.is_none() {
                    info.format_type = None;
                }
            }
            Self::Checkpoint => {
                let info = &mut job.checkpoint_info;
                info.trigger_id = request.trigger_id;
                info.trigger_timestamp = request.first_asked;
                info.trigger_type = request.trigger_type;
                if info.trigger_id.is_none() {
                    info.format_type = None;
                }
            }
        }
    }

    fn nonce(self, job: &JobSpec) -> Option<i64> {
        match self {
            Self::Savepoint => job.savepoint_trigger_nonce,
            Self::Checkpoint => job.checkpoint_trigger_nonce,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Savepoint => "savepoint",
            Self::Checkpoint => "checkpoint",
        }
    }

    fn error_reason(self) -> &'static str {
        match self {
            Self::Savepoint => "SavepointError",
            Self::Checkpoint => "CheckpointError",
        }
    }

    fn observed(self, observed: &Observed) -> Seen<&Operation> {
        match self {
            Self::Savepoint => observed.savepoint.seen(),
            Self::Checkpoint => observed.checkpoint.seen(),
        }
    }

    fn grace(self, options: &JobOptions<'_>) -> Duration {
        match self {
            Self::Savepoint => options.savepoint_grace(),
            Self::Checkpoint => options.checkpoint_grace(),
        }
    }

    /// When the last periodic one was asked for; `None` if the status does not say.
    fn last_periodic(self, pass: &Pass<'_>) -> Option<Timestamp> {
        let job = &pass.status.job_status;
        let millis = match self {
            Self::Savepoint => job.savepoint_info.last_periodic_savepoint_timestamp,
            Self::Checkpoint => job.checkpoint_info.last_periodic_checkpoint_timestamp,
        };
        Timestamp::from_millisecond(millis).ok().filter(|last| *last > Timestamp::UNIX_EPOCH)
    }

    fn set_last_periodic(self, pass: &mut Pass<'_>, at: Timestamp) {
        let job = &mut pass.status.job_status;
        match self {
            Self::Savepoint => {
                job.savepoint_info.last_periodic_savepoint_timestamp = at.as_millisecond();
            }
            Self::Checkpoint => {
                job.checkpoint_info.last_periodic_checkpoint_timestamp = at.as_millisecond();
            }
        }
    }

    fn schedule(self, options: &JobOptions<'_>) -> Schedule {
        match self {
            Self::Savepoint => options.savepoint_schedule(),
            Self::Checkpoint => options.checkpoint_schedule(),
        }
    }
}

/// The outcomes that have to be asked for.
pub(crate) fn questions(inputs: &Inputs<'_>, observed: &Observed, questions: &mut Questions) {
    let Some(status) = &inputs.resource.status else { return };
    let job = &status.job_status;
    questions.savepoint =
        job.savepoint_info.trigger_id.is_some() && observed.savepoint.is_not_asked();
    questions.checkpoint =
        job.checkpoint_info.trigger_id.is_some() && observed.checkpoint.is_not_asked();
}

/// Takes note of what became of requests that were under way.
pub(crate) fn update(pass: &mut Pass<'_>, cluster: Option<&ClusterState>) {
    for kind in KINDS {
        let request = kind.request(pass);
        if request.trigger_id.is_none()
            || request.trigger_type == Some(SnapshotTriggerType::Upgrade)
        {
            continue;
        }
        let state = match cluster {
            Some(ClusterState::Job(state)) => Some(state),
            _ => None,
        };
        match kind.observed(pass.observed) {
            Seen::Present(Operation::Completed { location }) => {
                succeeded(pass, kind, &request, location.clone());
            }
            Seen::Present(Operation::Failed { message, .. }) => {
                failed(pass, kind, &request, message);
            }
            // A job that is known not to run takes none; one that cannot be seen may.
            Seen::Absent | Seen::Unknown { .. }
                if state.is_some_and(|state| *state != FlinkJobStatus::Running)
                    || cluster == Some(&ClusterState::Gone) =>
            {
                give_up(pass, kind, &request, "the job does not run any more");
            }
            Seen::Absent if is_past_grace(pass, kind, &request) => {
                give_up(pass, kind, &request, "Flink knows nothing of the request");
            }
            // Flink has lost the request. It is sent again only while the job is seen to run.
            Seen::Absent if state.is_some() => send(pass, kind),
            Seen::Present(Operation::InProgress) if is_overdue(pass, &request) => {
                give_up(
                    pass,
                    kind,
                    &request,
                    "it is still in progress after execution.checkpointing.timeout, and is not awaited any longer",
                );
            }
            Seen::Present(Operation::InProgress) | Seen::Absent | Seen::Unknown { .. } => {}
        }
    }
}

fn is_past_grace(pass: &Pass<'_>, kind: Kind, request: &Request) -> bool {
    age(pass, request) > kind.grace(&JobOptions::of_current(pass.inputs))
}

/// Flink itself gives up what takes longer. A change of the spec that waits for it would wait for ever.
fn is_overdue(pass: &Pass<'_>, request: &Request) -> bool {
    age(pass, request) > JobOptions::of_current(pass.inputs).savepoint_deadline()
}

/// Whether anything is under way, so that it is looked at soon.
pub(crate) fn are_under_way(pass: &Pass<'_>) -> bool {
    KINDS.iter().any(|kind| kind.request(pass).trigger_id.is_some())
}

/// How soon.
pub(crate) fn poll(pass: &Pass<'_>) -> Duration {
    let age = KINDS
        .iter()
        .map(|kind| kind.request(pass))
        .filter(|request| request.trigger_id.is_some())
        .map(|request| age(pass, &request))
        .min()
        .unwrap_or_default();
    let wanted =
        if age < Duration::from_secs(10) { Duration::from_secs(1) } else { Duration::from_secs(5) };
    wanted.min(pass.inputs.settings.progress_interval)
}

fn age(pass: &Pass<'_>, request: &Request) -> Duration {
    let asked = request.first_asked.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    asked
        .and_then(|asked| Duration::try_from(pass.inputs.now.duration_since(asked)).ok())
        .unwrap_or_default()
}

fn succeeded(pass: &mut Pass<'_>, kind: Kind, request: &Request, location: String) {
    let time_stamp = request.first_asked.unwrap_or_else(|| pass.inputs.now.as_millisecond());
    let nonce = manual_nonce(pass, kind, request);
    let job = &mut pass.status.job_status;
    match kind {
        Kind::Savepoint => {
            let info = &mut job.savepoint_info;
            let known = info.last_savepoint.as_ref().and_then(|last| last.location.as_deref());
            if known != Some(location.as_str()) {
                let savepoint = Savepoint {
                    time_stamp,
                    location: Some(location),
                    trigger_type: request.trigger_type.clone(),
                    format_type: info.format_type.clone(),
                    trigger_nonce: nonce,
                };
                info.last_savepoint = Some(savepoint.clone());
                info.savepoint_history.push(savepoint);
            }
        }
        Kind::Checkpoint => {
            job.checkpoint_info.last_checkpoint = Some(Checkpoint {
                time_stamp,
                trigger_type: request.trigger_type.clone(),
                format_type: job.checkpoint_info.format_type.clone(),
                trigger_nonce: nonce,
            });
        }
    }
    finish(pass, kind, request);
}

fn failed(pass: &mut Pass<'_>, kind: Kind, request: &Request, message: &str) {
    let manual = request.trigger_type == Some(SnapshotTriggerType::Manual);
    if !manual || is_past_grace(pass, kind, request) {
        give_up(pass, kind, request, message);
        return;
    }
    // It is tried again, and the time of the first attempt stays.
    report_failure(pass, kind, request, message);
    kind.set_request(pass, Request { trigger_id: None, ..request.clone() });
}

fn give_up(pass: &mut Pass<'_>, kind: Kind, request: &Request, why: &str) {
    report_failure(pass, kind, request, why);
    finish(pass, kind, request);
}

fn report_failure(pass: &mut Pass<'_>, kind: Kind, request: &Request, why: &str) {
    let name = kind.name();
    let what = match manual_nonce(pass, kind, request) {
        Some(nonce) => format!("The {name} for {name}TriggerNonce {nonce} has failed: {why}"),
        None => format!("The periodic {name} has failed: {why}"),
    };
    pass.publish(Event::warning(kind.error_reason(), what));
}

/// The request is over: a nonce that asked for it is recorded, so that it asks no more.
fn finish(pass: &mut Pass<'_>, kind: Kind, request: &Request) {
    if let Some(nonce) = manual_nonce(pass, kind, request) {
        record_nonce(pass, kind, nonce);
    }
    kind.set_request(pass, Request::default());
}

fn record_nonce(pass: &mut Pass<'_>, kind: Kind, nonce: i64) {
    let generation = pass.status.observed_generation.unwrap_or_else(|| pass.inputs.generation());
    // The time of the record is the start of the readiness timeout: a savepoint does not move it.
    let at =
        Timestamp::from_millisecond(pass.status.reconciliation_status.reconciliation_timestamp)
            .unwrap_or(pass.inputs.now);
    pass.record.nonces(&mut pass.status, generation, at, |job| match kind {
        Kind::Savepoint => job.savepoint_trigger_nonce = Some(nonce),
        Kind::Checkpoint => job.checkpoint_trigger_nonce = Some(nonce),
    });
}

fn manual_nonce(pass: &Pass<'_>, kind: Kind, request: &Request) -> Option<i64> {
    let manual = request.trigger_type == Some(SnapshotTriggerType::Manual);
    pass.inputs.resource.spec.job.as_ref().filter(|_| manual).and_then(|job| kind.nonce(job))
}

/// Asks for what is due, while the job runs and nothing else is done. The requests go out after their record.
pub(crate) fn trigger(pass: &mut Pass<'_>, recorded: &Recorded, because: &Because) {
    let due: Vec<Kind> =
        KINDS.into_iter().filter(|kind| begin(pass, *kind, recorded).is_some()).collect();
    if due.is_empty() {
        return;
    }
    pass.record(because);
    for kind in due {
        send(pass, kind);
    }
}

/// Notes a request in the status if one is due.
fn begin(pass: &mut Pass<'_>, kind: Kind, recorded: &Recorded) -> Option<()> {
    let before = kind.request(pass);
    if before.trigger_id.is_some() {
        return None;
    }
    let options = JobOptions::of_current(pass.inputs);
    let wanted = pass.inputs.resource.spec.job.as_ref().and_then(|job| kind.nonce(job));
    let done = recorded.spec.job.as_ref().and_then(|job| kind.nonce(job));
    let now = pass.inputs.now;
    // What this very pass has recorded counts too.
    let is_new = wanted.is_some() && wanted != done && wanted != recorded_now(pass, kind);
    let trigger_type = if is_new {
        SnapshotTriggerType::Manual
    } else if is_periodic_due(pass, kind, &kind.schedule(&options)) {
        SnapshotTriggerType::Periodic
    } else {
        return None;
    };
    let again = before.trigger_type.as_ref() == Some(&trigger_type);
    let request = Request {
        // Two requests of one pass are of different kinds, which Flink tells apart.
        trigger_id: Some(pass.inputs.ids.trigger_id.clone()),
        first_asked: before.first_asked.filter(|_| again).or_else(|| Some(now.as_millisecond())),
        trigger_type: Some(trigger_type.clone()),
    };
    kind.set_request(pass, request);
    if trigger_type == SnapshotTriggerType::Periodic {
        kind.set_last_periodic(pass, now);
    }
    let job = &mut pass.status.job_status;
    match kind {
        Kind::Savepoint => {
            job.savepoint_info.format_type = Some(match options.savepoint_format() {
                SavepointFormat::Canonical => SavepointFormatType::Canonical,
                SavepointFormat::Native => SavepointFormatType::Native,
            });
        }
        Kind::Checkpoint => {
            job.checkpoint_info.format_type = Some(match options.checkpoint_type() {
                CheckpointType::Full => CheckpointFormatType::Full,
                CheckpointType::Incremental => CheckpointFormatType::Incremental,
                CheckpointType::Configured => CheckpointFormatType::Unknown,
            });
        }
    }
    Some(())
}

fn recorded_now(pass: &Pass<'_>, kind: Kind) -> Option<i64> {
    kind.nonce(pass.record.last()?.spec.job.as_ref()?)
}

/// Whether a snapshot of the schedule is due now. The time begins with the creation of the resource.
///
/// A status without a time whose resource is older than the schedule comes from the Java operator, which keeps the time in
/// its snapshot resources; or the schedule is new. The time begins now then: at a take-over not all jobs of a fleet write
/// their state at once.
fn is_periodic_due(pass: &mut Pass<'_>, kind: Kind, schedule: &Schedule) -> bool {
    let now = pass.inputs.now;
    if *schedule == Schedule::Never {
        return false;
    }
    if let Some(last) = kind.last_periodic(pass) {
        return schedule.is_due(last, now);
    }
    let created = pass.inputs.resource.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let start = created.filter(|created| !schedule.is_due(*created, now)).unwrap_or(now);
    kind.set_last_periodic(pass, start);
    false
}

/// Sends what the status says is under way.
fn send(pass: &mut Pass<'_>, kind: Kind) {
    let options = JobOptions::of_current(pass.inputs);
    let job = &pass.status.job_status;
    let (Some(job_id), Some(trigger_id)) = (job.job_id.clone(), kind.request(pass).trigger_id)
    else {
        return;
    };
    let action = match kind {
        Kind::Savepoint => Action::TriggerSavepoint {
            job_id,
            savepoint: SavepointRequest {
                trigger_id,
                directory: options.savepoint_directory(),
                format: options.savepoint_format(),
            },
        },
        Kind::Checkpoint => {
            Action::TriggerCheckpoint { job_id, trigger_id, kind: options.checkpoint_type() }
        }
    };
    pass.act(action);
}
