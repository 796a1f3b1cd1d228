//! A spec that has changed: what it takes, and whether the job's state allows it.

use std::time::Duration;

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkJobStatus, JobState, ReconciliationState, SnapshotTriggerType,
    UpgradeMode,
};
use jiff::Timestamp;

use super::choice::{self, Ask, Choice, Facts, From, Stop};
use super::observe::{self, Sight};
use super::options::JobOptions;
use super::pass::Pass;
use super::plan::Plan;
use super::{
    Given, Recorded, cancel, deploy, difference, old_cluster, recover, restore_point, stop,
    wants_running,
};
use crate::decision::{Because, Decision, Event, Requeue, Stuck, Wait};
use crate::diff::{DiffType, SpecDiff};
use crate::observed::{Observed, Owner, Questions, was_not_asked};
use crate::record::error::ErrorClass;

/// What has to be seen before a changed spec is acted upon. `pass` has looked at the cluster already.
pub(super) fn questions(pass: &Pass<'_>, recorded: &Recorded, change: &Change) -> Questions {
    let (given, observed) = (pass.given, pass.observed);
    let mut questions = Questions::default();
    match choice::choose(&facts(pass, recorded, change)) {
        Choice::Ask(Ask::HaData) => questions.ha_data = given.may_have_ha_data(),
        Choice::Ask(Ask::Checkpoints) => questions.checkpoints = true,
        // What is left behind, and how old what is taken along is, is told if it can be had.
        Choice::Go { stop: Stop::Discard | Stop::KeepHaData, .. } => {
            let listed = is_listed(given, observed);
            questions.checkpoints = listed && was_not_asked(&observed.checkpoints);
            questions.ha_data =
                !listed && given.may_have_ha_data() && was_not_asked(&observed.ha_data);
        }
        Choice::Go { .. }
        | Choice::Unseen { .. }
        | Choice::Wait { .. }
        | Choice::Impossible { .. } => {}
    }
    questions
}

/// What the job is stopped for.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The spec that runs next.
    pub desired: FlinkDeploymentSpec,
    /// How the state is to be taken along, where it is not what the spec says.
    pub mode: UpgradeMode,
    pub why: Why,
}

/// Why a job is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The spec was changed.
    Edited,
    /// The job has failed, and is started again.
    Failed,
    /// The job is unhealthy, and is started again.
    Unhealthy,
    /// The last change has not proved itself.
    RolledBack,
}

impl Change {
    pub(super) fn edited(desired: &FlinkDeploymentSpec) -> Self {
        Self { desired: desired.clone(), mode: mode_of(desired), why: Why::Edited }
    }

    /// The same spec again.
    pub(super) fn restart(desired: &FlinkDeploymentSpec, mode: UpgradeMode, why: Why) -> Self {
        Self { desired: desired.clone(), mode, why }
    }

    fn event(&self, changes: &str) -> Event {
        match self.why {
            Why::Edited => Event::normal("SpecChanged", changes),
            Why::Failed => Event::warning("RestartFailedJob", "Starting the failed job again."),
            Why::Unhealthy => {
                Event::warning("RestartUnhealthyJob", "Starting the unhealthy job again.")
            }
            Why::RolledBack => Event::warning(
                "Rollback",
                "The last change has not become stable in time; going back to the last stable spec.",
            ),
        }
    }
}

fn is_listed(given: &Given<'_>, observed: &Observed) -> bool {
    let id = given.resource.status.as_ref().and_then(|status| status.job_status.job_id.as_ref());
    observed.jobs.present().is_some_and(|jobs| jobs.iter().any(|job| Some(&job.id) == id))
}

pub(super) fn facts<'a>(pass: &Pass<'a>, recorded: &Recorded, change: &Change) -> Facts<'a> {
    let desired = &change.desired;
    let given = pass.given;
    let (deployed, next) =
        (JobOptions::of_deployed(given, recorded), JobOptions::of_current(given));
    let job = &pass.status.job_status;
    let millis = |text: &Option<String>| {
        let millis = text.as_ref()?.parse::<i64>().ok()?;
        Timestamp::from_millisecond(millis).ok()
    };
    let state_age = millis(&job.update_time)
        .and_then(|since| Duration::try_from(given.now.duration_since(since)).ok())
        .unwrap_or(Duration::MAX);
    Facts {
        mode: change.mode.clone(),
        job: job.state.clone(),
        main_failed: job.job_name.as_deref().is_some_and(observe::is_main_failed),
        job_manager: pass.status.job_manager_deployment_status.clone(),
        state_age,
        job_started: millis(&job.start_time),
        keeps_ha_data: deployed.keeps_ha_data() && next.keeps_ha_data(),
        had_ha_data: deployed.keeps_ha_data() || next.keeps_ha_data(),
        unseen_ha_data: deployed.keeps_unseen_ha_data(),
        shares_zookeeper: deployed.zookeeper().is_some()
            && deployed.zookeeper() == next.zookeeper(),
        ha_data: &pass.observed.ha_data,
        checkpoints: &pass.observed.checkpoints,
        last_known: pass.last_known_path(),
        version_changed: recorded.spec.flink_version != desired.flink_version,
        savepoint_directory: next.savepoint_directory().is_some(),
        last_state_fallback: next.last_state_fallback(),
        last_state_cancels: next.last_state_cancels(),
        checkpoint_age_max: next.checkpoint_age_max(),
        keeps_checkpoints: deployed.keeps_checkpoints_of_cancelled_jobs(),
        recorded_mode: recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone()),
        never_available: pass
            .observed
            .job_manager
            .present()
            .is_some_and(|deployment| deployment.never_available),
        now: given.now,
    }
}

fn mode_of(desired: &FlinkDeploymentSpec) -> UpgradeMode {
    desired.job.as_ref().and_then(|job| job.upgrade_mode.clone()).unwrap_or(UpgradeMode::Stateless)
}

/// Starts what a change of the spec asks for.
pub(super) fn decide(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    desired: &FlinkDeploymentSpec,
    diff: &SpecDiff,
    sight: Option<&Sight>,
) -> Decision {
    let redeploy = diff.diff_type() == DiffType::SavepointRedeploy;
    if !wants_running(&recorded.spec) {
        return from_suspension(pass, recorded, desired, diff);
    }
    if redeploy || desired.job.is_none() {
        // The user says where the job goes on, whatever state it has now.
        let spec =
            if redeploy { from_initial_savepoint(&mut pass, desired) } else { desired.clone() };
        pass.publish(Event::normal("SpecChanged", diff.to_string()));
        return take_down(pass, recorded, spec, Stop::Discard);
    }
    if let Some(Sight::Unseen { why }) = sight {
        let requeue = Requeue::After(pass.given.settings.progress_interval);
        return pass.end(Because::WaitingFor(Wait::Sight { why: why.clone() }), requeue);
    }
    let savepoint = &pass.status.job_status.savepoint_info;
    if savepoint.trigger_id.is_some()
        && savepoint.trigger_type != Some(SnapshotTriggerType::Upgrade)
        && mode_of(desired) != UpgradeMode::Stateless
        && !JobOptions::of_current(pass.given).ignores_pending_savepoint()
    {
        let why = "a savepoint of the job is under way, and is awaited.".to_owned();
        return waits(pass, Wait::RestorePoint { why });
    }
    follow(pass, recorded, &Change::edited(desired))
}

/// Stops the job as the choice says.
pub(super) fn follow(pass: Pass<'_>, recorded: &Recorded, change: &Change) -> Decision {
    let desired = &change.desired;
    let event = change.event(&changes(recorded, desired));
    match choice::choose(&facts(&pass, recorded, change)) {
        Choice::Go { stop: Stop::Savepoint, .. } => stop::begin(pass, recorded, event),
        Choice::Go { stop: Stop::Cancel, from } => cancel::begin(pass, from, event),
        Choice::Go { stop, from } => carry_out(pass, recorded, change, stop, from),
        Choice::Ask(_) => {
            let why = "its high availability data or checkpoints were not seen".to_owned();
            waits(pass, Wait::Sight { why })
        }
        Choice::Unseen { why } => waits(pass, Wait::Sight { why }),
        // It waits for a job that runs, so the job runs first, as it did before.
        Choice::Wait { .. }
            if pass.observed.job_manager.is_absent() && change.why == Why::Edited =>
        {
            recover::lost(pass, recorded)
        }
        Choice::Wait { why } => waits(pass, Wait::RestorePoint { why }),
        Choice::Impossible { message } => {
            let message = format!("{message}{}", restore_point::hint(&pass, recorded));
            impossible(pass, message)
        }
    }
}

/// Stops the job in a way that does not need its help.
pub(super) fn carry_out(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    change: &Change,
    stop: Stop,
    from: From,
) -> Decision {
    restore_point::announce(&mut pass, from);
    pass.status.job_status.upgrade_savepoint_path = match from {
        From::NoState => None,
        From::Path => pass.last_known_path(),
        From::Nothing | From::HaData => pass.status.job_status.upgrade_savepoint_path.take(),
    };
    let mut spec = change.desired.clone();
    if let Some(job) = &mut spec.job {
        job.upgrade_mode = Some(from.recorded());
    }
    pass.publish(change.event(&changes(recorded, &change.desired)));
    take_down(pass, recorded, spec, stop)
}

/// Whether the desired spec asks for just what is deployed.
pub(super) fn same(deployed: &Recorded, desired: &FlinkDeploymentSpec) -> bool {
    difference(deployed, desired).diff_type() == DiffType::Ignore
}

/// The difference between what is deployed and what is wanted.
pub(super) fn changes(recorded: &Recorded, desired: &FlinkDeploymentSpec) -> String {
    difference(recorded, desired).to_string()
}

fn waits(pass: Pass<'_>, wait: Wait) -> Decision {
    let settings = pass.given.settings;
    let requeue = Requeue::After(settings.progress_interval.min(settings.reconcile_interval));
    pass.end(Because::WaitingFor(wait), requeue)
}

/// The change needs the job's state, and nobody knows it.
fn impossible(mut pass: Pass<'_>, message: String) -> Decision {
    pass.report(ErrorClass::UpgradeFailure, "UpgradeFailed", &message);
    let requeue = Requeue::After(pass.given.settings.reconcile_interval);
    pass.end(Because::NeedsUser(Stuck::StatefulChangeHeld { message }), requeue)
}

pub(super) fn from_initial_savepoint(
    pass: &mut Pass<'_>,
    desired: &FlinkDeploymentSpec,
) -> FlinkDeploymentSpec {
    let mut spec = desired.clone();
    if let Some(job) = &mut spec.job {
        job.upgrade_mode = Some(UpgradeMode::Savepoint);
        pass.status.job_status.upgrade_savepoint_path.clone_from(&job.initial_savepoint_path);
        if let Some(path) = job.initial_savepoint_path.clone() {
            restore_point::path(pass, &path, None);
        }
    }
    pass.forget_savepoint_under_way();
    spec
}

/// Goes back to the last stable spec if there is a way that keeps the state; `None` if there is none now. The job does not
/// run as it should, so it is not asked to stop: its newest checkpoint is what there is.
pub(super) fn roll_back(
    pass: &mut Pass<'_>,
    recorded: &Recorded,
    change: &Change,
) -> Option<(Stop, From)> {
    let (stop, from) = match choice::choose(&facts(pass, recorded, change)) {
        Choice::Go { stop: Stop::Cancel, from } => (Stop::Discard, from),
        Choice::Go { stop: stop @ (Stop::Ended | Stop::Discard | Stop::KeepHaData), from } => {
            (stop, from)
        }
        // A savepoint is for a job that runs, and one that runs has proved itself.
        Choice::Go { stop: Stop::Savepoint, .. }
        | Choice::Ask(_)
        | Choice::Unseen { .. }
        | Choice::Wait { .. }
        | Choice::Impossible { .. } => return None,
    };
    restore_point::announce(pass, from);
    let newest = pass.observed.checkpoints.present().and_then(|seen| seen.newest.as_ref());
    let path = match from {
        From::Path => {
            newest.and_then(|newest| newest.path.clone()).or_else(|| pass.last_known_path())
        }
        From::NoState => None,
        From::Nothing | From::HaData => pass.status.job_status.upgrade_savepoint_path.clone(),
    };
    pass.status.job_status.upgrade_savepoint_path = path;
    pass.status.reconciliation_status.state = ReconciliationState::RollingBack;
    pass.publish(change.event(""));
    Some((stop, from))
}

/// Records the intent, then deletes the old cluster. The next pass finds the record and goes on.
pub(super) fn take_down(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    spec: FlinkDeploymentSpec,
    stop: Stop,
) -> Decision {
    let given = pass.given;
    let because = Because::Upgrading { changes: changes(recorded, &spec) };
    match Plan::new(given, spec, given.generation()) {
        Ok(plan) => plan.record_intent(&mut pass),
        Err(faults) => return deploy::invalid(pass, &faults),
    }
    pass.status.job_status.state = Some(if stop == Stop::Ended {
        FlinkJobStatus::Finished
    } else {
        FlinkJobStatus::Cancelling
    });
    pass.record(&because);
    let deployment = pass.observed.job_manager.present().filter(|found| found.owner == Owner::This);
    if let Some(deployment) = deployment.filter(|found| !found.deleting) {
        if stop != Stop::Ended {
            pass.publish(Event::normal("Suspended", "Taking the running cluster down."));
        }
        let next = old_cluster::next_step(&pass, deployment, stop == Stop::KeepHaData);
        if let Some(action) = next {
            pass.act(action);
        }
        return pass.end(because, Requeue::After(given.settings.progress_interval));
    }
    pass.end(because, Requeue::Now)
}

/// A suspended job is to run again, in the way that its suspension was recorded.
fn from_suspension(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    desired: &FlinkDeploymentSpec,
    diff: &SpecDiff,
) -> Decision {
    if desired.job.as_ref().is_some_and(|job| job.state == Some(JobState::Suspended)) {
        // What is to run is recorded when it runs; that the edit was seen is said at once.
        pass.status.observed_generation = Some(pass.given.generation());
        return pass.end(Because::Suspended, Requeue::OnChange);
    }
    pass.publish(Event::normal("SpecChanged", diff.to_string()));
    if diff.diff_type() == DiffType::SavepointRedeploy {
        let spec = from_initial_savepoint(&mut pass, desired);
        return take_down(pass, recorded, spec, Stop::Ended);
    }
    let mut spec = desired.clone();
    if let Some(job) = &mut spec.job
        && job.upgrade_mode != Some(UpgradeMode::Stateless)
    {
        job.upgrade_mode = recorded.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone());
    }
    let from = match mode_of(&spec) {
        UpgradeMode::Savepoint => From::Path,
        UpgradeMode::LastState => From::HaData,
        UpgradeMode::Stateless | UpgradeMode::Unrecognised(_) => From::Nothing,
    };
    restore_point::announce(&mut pass, from);
    take_down(pass, recorded, spec, Stop::Ended)
}
