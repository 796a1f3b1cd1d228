//! Stopping a job with a savepoint, in steps none of which waits.
//!
//! 1. The request's id is recorded, as a savepoint of type UPGRADE that is under way. The record of the spec stays as it
//!    is: the Java operator, should it read this, waits for the savepoint and goes on from it.
//! 2. Flink is asked to stop the job under that id. Asking again under the same id starts nothing new.
//! 3. The outcome is asked for until it is there.
//! 4. The savepoint's path and the intent of what follows are recorded in one write. Only then is the cluster deleted.

use std::time::Duration;

use flink_operator_api::{
    FlinkJobStatus, JobStatus, Savepoint, SavepointFormatType, SnapshotTriggerType,
};
use jiff::Timestamp;

use crate::cluster::state::{self, ClusterState};
use crate::conf::options::operator::resource::SavepointFormat;
use crate::job::options::JobOptions;
use crate::job::restore::RestoreFrom;
use crate::job::upgrade::strategy::{Ask, Choice, StopMethod};
use crate::job::upgrade::{transition, unreachable};
use crate::job::{lifecycle, state_kept};
use crate::observed::{JobView, LastCheckpoint, Operation, Seen, is_globally_terminal};
use crate::reconcile::decision::{
    Action, Because, Blocked, Decision, Event, Requeue, SavepointRequest, Wait,
};
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::{Questions, Step};
use crate::reconcile::recorded::Recorded;
use crate::record::error::ErrorClass;

/// Attempts to stop a job that completes the savepoint and fails before its end. FLINK-33522.
const ATTEMPTS_MAX: usize = 3;

/// Records the request and sends it.
pub(crate) fn begin(mut pass: Pass<'_>, event: Event) -> Decision {
    if completed_in_vain(&pass).count() >= ATTEMPTS_MAX {
        return held(pass);
    }
    let settings = pass.inputs.settings;
    let info = &pass.status.job_status.savepoint_info;
    if info.trigger_type == Some(SnapshotTriggerType::Upgrade)
        && info.trigger_id.is_none()
        && age(&pass) < settings.reconcile_interval
    {
        // The last attempt has failed a moment ago.
        pass.keep_error();
        let why = pass.error_message().unwrap_or_default();
        return pass.end(
            Because::WaitingFor(Wait::NextSavepoint { why }),
            Requeue::After(settings.progress_interval),
        );
    }
    if info.trigger_type == Some(SnapshotTriggerType::Upgrade) && pass.status.error.is_none() {
        pass.keep_error();
    }
    request(&mut pass);
    pass.record(&Because::WaitingFor(Wait::StopWithSavepoint));
    pass.publish(event);
    pass.publish(Event::normal("Suspended", "Stopping the job with a savepoint."));
    send(&mut pass);
    wait(pass)
}

/// Notes in the status that a stop is under way.
pub(crate) fn request(pass: &mut Pass<'_>) {
    let options = JobOptions::of_current(pass.inputs);
    let info = &mut pass.status.job_status.savepoint_info;
    info.trigger_id = Some(pass.inputs.ids.trigger_id.clone());
    info.trigger_timestamp = Some(pass.inputs.now.as_millisecond());
    info.trigger_type = Some(SnapshotTriggerType::Upgrade);
    info.format_type = Some(match options.savepoint_format() {
        SavepointFormat::Canonical => SavepointFormatType::Canonical,
        SavepointFormat::Native => SavepointFormatType::Native,
    });
}

/// Asks Flink for what the status says is under way.
pub(crate) fn send(pass: &mut Pass<'_>) {
    let options = pass.deployed_options();
    let job = &pass.status.job_status;
    let (Some(job_id), Some(trigger_id)) =
        (job.job_id.clone(), job.savepoint_info.trigger_id.clone())
    else {
        return;
    };
    let format = match &job.savepoint_info.format_type {
        Some(SavepointFormatType::Native) => SavepointFormat::Native,
        Some(
            SavepointFormatType::Canonical
            | SavepointFormatType::Unknown
            | SavepointFormatType::Unrecognised(_),
        )
        | None => SavepointFormat::Canonical,
    };
    let savepoint =
        SavepointRequest { trigger_id, directory: options.savepoint_directory(), format };
    let drain = options.drain();
    pass.act(Action::StopWithSavepoint { job_id, savepoint, drain });
}

/// Whether the status says that the job is being stopped with a savepoint.
pub(crate) fn is_under_way(pass: &Pass<'_>) -> bool {
    is_requested(&pass.status.job_status)
}

/// The same of a status that is only looked at.
pub(crate) fn is_requested(job: &JobStatus) -> bool {
    let info = &job.savepoint_info;
    info.trigger_id.is_some() && info.trigger_type == Some(SnapshotTriggerType::Upgrade)
}

/// How long ago the savepoint was asked for.
pub(crate) fn age(pass: &Pass<'_>) -> Duration {
    let asked = pass.status.job_status.savepoint_info.trigger_timestamp;
    asked
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .and_then(|asked| Duration::try_from(pass.inputs.now.duration_since(asked)).ok())
        .unwrap_or_default()
}

/// How a stop that is under way stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The savepoint is there, and the job has ended.
    Done(String),
    /// The job has ended without a savepoint of ours; its last checkpoint, if it has one.
    Ended(Option<String>),
    /// Flink knows nothing of the request, and the job runs: it has to be sent again.
    Lost,
    /// The job cannot be stopped in this way now.
    Failed {
        message: String,
        /// A savepoint that was completed all the same. The job has gone on since, so nothing goes back to it.
        savepoint: Option<String>,
    },
    /// Not known yet.
    Wait,
}

pub(crate) fn progress(pass: &Pass<'_>) -> Progress {
    let job = state::listed(pass);
    match pass.observed.savepoint.seen() {
        // Whether the job has ended with it is not known.
        Seen::Present(
            Operation::Completed { .. } | Operation::Failed { savepoint: Some(_), .. },
        ) if pass.observed.jobs.present().is_none() => Progress::Wait,
        // The job was listed before the savepoint was asked for, and may have ended in between. One that goes on leaves the
        // savepoint behind: to go back to it would be to process again what it has committed since.
        Seen::Present(Operation::Completed { location }) if job.is_some_and(goes_on) => {
            if age(pass) > JobOptions::of_current(pass.inputs).savepoint_deadline() {
                let message = "the savepoint is there, and the job goes on".to_owned();
                Progress::Failed { message, savepoint: Some(location.clone()) }
            } else {
                Progress::Wait
            }
        }
        Seen::Present(Operation::Failed { message, savepoint: Some(location), .. })
            if job.is_some_and(goes_on) =>
        {
            Progress::Failed { message: message.clone(), savepoint: Some(location.clone()) }
        }
        Seen::Present(Operation::Completed { location }) => Progress::Done(location.clone()),
        Seen::Present(Operation::Failed { savepoint: Some(location), .. }) => {
            Progress::Done(location.clone())
        }
        Seen::Present(Operation::Failed { message, savepoint: None, .. }) => match job {
            // It has ended by itself in the meantime.
            Some(job) if is_globally_terminal(&job.state) => ended(pass),
            Some(_) | None => Progress::Failed { message: message.clone(), savepoint: None },
        },
        Seen::Present(Operation::InProgress) | Seen::Unknown { .. } => Progress::Wait,
        Seen::Absent => match job {
            Some(job) if job.state == FlinkJobStatus::Running => Progress::Lost,
            Some(job) if is_globally_terminal(&job.state) => ended(pass),
            Some(job) => Progress::Failed {
                message: format!("the job does not run any more: it is {}", job.state),
                savepoint: None,
            },
            None => Progress::Wait,
        },
    }
}

fn goes_on(job: &JobView) -> bool {
    matches!(job.state, FlinkJobStatus::Running | FlinkJobStatus::Restarting)
}

fn ended(pass: &Pass<'_>) -> Progress {
    match pass.observed.last_checkpoint.seen() {
        Seen::Present(LastCheckpoint::Kept(path)) => Progress::Ended(Some(path.clone())),
        Seen::Present(LastCheckpoint::Deleted(path)) => Progress::Failed {
            message: format!("it has ended, and Flink has deleted its last checkpoint {path}"),
            savepoint: None,
        },
        Seen::Absent => Progress::Ended(None),
        Seen::Unknown { .. } => Progress::Wait,
    }
}

/// Goes on with a stop that is under way, whatever the spec says by now: what was asked of Flink cannot be taken back.
pub(crate) fn proceed(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    cluster: Option<&ClusterState>,
) -> Step {
    let decision = match progress(&pass) {
        Progress::Done(location) => {
            keep(&mut pass, &location);
            stopped(pass, recorded, &RestoreFrom::Path(location))
        }
        Progress::Ended(Some(path)) => {
            state_kept::path(&mut pass, &path, None);
            pass.forget_savepoint_under_way();
            let from = RestoreFrom::Path(path);
            pass.set_restore(&from);
            stopped(pass, recorded, &from)
        }
        Progress::Ended(None) => match state_kept::without_checkpoint(&pass) {
            Some(from) => {
                state_kept::announce(&mut pass, &from);
                pass.forget_savepoint_under_way();
                stopped(pass, recorded, &from)
            }
            // What can be done then, the next pass chooses.
            None => failed(pass, "it has ended, and its last checkpoint is not known"),
        },
        Progress::Lost if is_overdue(&pass) => failed(pass, "Flink has not taken the request"),
        Progress::Lost => {
            send(&mut pass);
            wait(pass)
        }
        Progress::Failed { message, savepoint: None } => failed(pass, &message),
        Progress::Failed { message, savepoint: Some(location) } => {
            keep_in_history(&mut pass, &location);
            failed(pass, &format!("{message} (the savepoint {location} is kept)"))
        }
        // Nothing is left that could be asked. What there is instead, the next pass chooses.
        Progress::Wait if cluster == Some(&ClusterState::Gone) => {
            failed(pass, "the JobManager's Deployment is gone, and the request with it")
        }
        Progress::Wait if !is_overdue(&pass) => wait(pass),
        Progress::Wait => return overdue(pass, recorded),
    };
    decision.into()
}

/// The savepoint should have come, or Flink's report that there is none.
fn overdue(mut pass: Pass<'_>, recorded: &Recorded) -> Step {
    if let Some(spec) = unreachable::explicit_override(&mut pass, recorded) {
        return transition::take_down(pass, recorded, spec, StopMethod::DeleteCluster).into();
    }
    if let Some(cluster) = without_answer(&pass) {
        match unreachable::choose(&pass, recorded, &cluster) {
            Choice::Go { .. } => {
                let overdue = "it was not stopped in time";
                return unreachable::continue_without_answer(pass, recorded, &cluster, overdue);
            }
            Choice::Ask(Ask::HaData) if pass.may_ask_for_ha_data() => {
                return Step::Ask(Questions::ha_data());
            }
            Choice::Ask(_)
            | Choice::Unseen { .. }
            | Choice::Wait { .. }
            | Choice::Impossible { .. } => {}
        }
    }
    late(&mut pass);
    wait(pass).into()
}

/// The state of a cluster that says nothing about the job: REST does not answer, or lists the job no more. `None` while the
/// job is listed.
fn without_answer(pass: &Pass<'_>) -> Option<ClusterState> {
    state::listed(pass).is_none().then(|| state::look(pass))
}

/// Takes the savepoint into the status: what the next start goes on from, and the history.
pub(crate) fn keep(pass: &mut Pass<'_>, location: &str) {
    pass.set_restore(&RestoreFrom::Path(location.to_owned()));
    let job = &mut pass.status.job_status;
    let info = &mut job.savepoint_info;
    let time_stamp = info.trigger_timestamp.unwrap_or_else(|| pass.inputs.now.as_millisecond());
    let savepoint = Savepoint {
        time_stamp,
        location: Some(location.to_owned()),
        trigger_type: Some(SnapshotTriggerType::Upgrade),
        format_type: info.format_type.clone(),
        trigger_nonce: None,
    };
    let known = info.last_savepoint.as_ref().and_then(|last| last.location.as_deref());
    if known != Some(location) {
        info.last_savepoint = Some(savepoint.clone());
        info.savepoint_history.push(savepoint);
    }
    pass.forget_savepoint_under_way();
    let taken_at = Timestamp::from_millisecond(time_stamp).ok();
    state_kept::path(pass, location, taken_at);
}

/// Takes a savepoint from which nothing goes on into the history alone.
pub(crate) fn keep_in_history(pass: &mut Pass<'_>, location: &str) {
    let info = &mut pass.status.job_status.savepoint_info;
    let savepoint = Savepoint {
        time_stamp: info.trigger_timestamp.unwrap_or_else(|| pass.inputs.now.as_millisecond()),
        location: Some(location.to_owned()),
        trigger_type: Some(SnapshotTriggerType::Upgrade),
        format_type: info.format_type.clone(),
        trigger_nonce: None,
    };
    info.savepoint_history.push(savepoint);
}

/// The savepoints for upgrades that were completed since the job was deployed: after each of them the job has gone on.
fn completed_in_vain<'p>(pass: &'p Pass<'_>) -> impl Iterator<Item = &'p str> {
    let deployed = pass.status.reconciliation_status.reconciliation_timestamp;
    let history = pass.status.job_status.savepoint_info.savepoint_history.iter();
    history
        .filter(move |savepoint| {
            savepoint.trigger_type == Some(SnapshotTriggerType::Upgrade)
                && savepoint.time_stamp > deployed
        })
        .filter_map(|savepoint| savepoint.location.as_deref())
}

/// The job fails each time that it is stopped with a savepoint, and goes on. More attempts would leave more savepoints.
fn held(mut pass: Pass<'_>) -> Decision {
    let savepoints: Vec<&str> = completed_in_vain(&pass).collect();
    let message = format!(
        "The job has been stopped with a savepoint {} times since it was deployed. Each time the savepoint was completed, \
         and the job failed before its end and went on. It is not tried again. Set spec.job.upgradeMode last-state, to go \
         on from the newest checkpoint; or spec.job.initialSavepointPath and a new spec.job.savepointRedeployNonce, to go \
         back to a savepoint. These are kept: {}.",
        savepoints.len(),
        savepoints.join(", ")
    );
    pass.report(ErrorClass::UpgradeFailure, "UpgradeFailed", &message);
    let requeue = Requeue::After(pass.inputs.settings.reconcile_interval);
    pass.end(Because::NeedsUser(Blocked::StatefulChangeHeld { message }), requeue)
}

fn stopped(mut pass: Pass<'_>, recorded: &Recorded, from: &RestoreFrom) -> Decision {
    lifecycle::enter_state(&mut pass.status.job_status, FlinkJobStatus::Finished, pass.inputs.now);
    let mut spec = transition::next_spec(&pass, recorded);
    from.write_mode(spec.job.as_mut());
    transition::take_down(pass, recorded, spec, StopMethod::Ended)
}

/// The attempt is over; its time stays, so that the next one does not follow at once.
fn failed(mut pass: Pass<'_>, message: &str) -> Decision {
    pass.status.job_status.savepoint_info.trigger_id = None;
    pass.status.job_status.savepoint_info.format_type = None;
    pass.status.job_status.savepoint_info.trigger_timestamp =
        Some(pass.inputs.now.as_millisecond());
    let text = format!("The job was not stopped with a savepoint: {message}");
    pass.report(ErrorClass::UpgradeFailure, "SavepointError", &text);
    let requeue = Requeue::After(pass.inputs.settings.progress_interval);
    pass.end(Because::WaitingFor(Wait::NextSavepoint { why: text }), requeue)
}

fn is_overdue(pass: &Pass<'_>) -> bool {
    age(pass) > pass.deployed_options().savepoint_deadline()
}

/// A savepoint that takes longer than Flink itself allows is told, and still awaited: a second one beside it would be
/// worse.
fn late(pass: &mut Pass<'_>) {
    let allowed = pass.deployed_options().checkpoint_timeout();
    let text = format!(
        "The job has not stopped with a savepoint within execution.checkpointing.timeout ({} s). It is awaited; a \
         larger value gives later savepoints more time.",
        allowed.as_secs()
    );
    pass.report(ErrorClass::UpgradeFailure, "SavepointError", &text);
}

fn wait(pass: Pass<'_>) -> Decision {
    let requeue = Requeue::After(poll(&pass));
    pass.end(Because::WaitingFor(Wait::StopWithSavepoint), requeue)
}

/// A small savepoint takes a second: it is asked for often at first, then seldom.
pub(crate) fn poll(pass: &Pass<'_>) -> Duration {
    let age = age(pass);
    let wanted = if age < Duration::from_secs(5) {
        Duration::from_millis(250)
    } else if age < Duration::from_mins(1) {
        Duration::from_secs(1)
    } else {
        Duration::from_secs(5)
    };
    wanted.min(pass.inputs.settings.progress_interval)
}
