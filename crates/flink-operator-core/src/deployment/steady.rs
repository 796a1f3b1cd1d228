//! A cluster that is deployed: look at it, and find out whether the spec asks for something else by now.

use std::time::Duration;

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus,
    ReconciliationState,
};

use jiff::Timestamp;

use super::observe::{self, Sight};
use super::pass::Pass;
use super::plan::Plan;
use super::rescale::{self, Outcome, Rescale};
use super::upgrade::{self, Change, Why};
use super::{
    Given, Recorded, cancel, deploy, difference, exceptions, health, old_cluster, recover,
    restore_point, retention, rollback, snapshots, stop, terminal, wants_running,
};
use crate::decision::{Because, Decision, Requeue, Stuck, Wait};
use crate::diff::DiffType;
use crate::observed::{Observed, Owner, Questions, Seen, is_globally_terminal, was_not_asked};
use crate::record;

/// A pod that has no volumes or no network after this long has a reason that its events tell. The kubelet tries a mount
/// again after half a second, then after twice as long each time.
const MOUNTS_EXPECTED_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn questions(given: &Given<'_>, recorded: &Recorded, observed: &Observed) -> Questions {
    let mut questions = Questions::default();
    let status = given.resource.status.clone().unwrap_or_default();
    let upgrading = matches!(
        status.reconciliation_status.state,
        ReconciliationState::Upgrading | ReconciliationState::RollingBack
    );
    let Some(deployment) = observed.job_manager.present() else {
        // A cache that lacks the Deployment may be behind. Before that counts as a loss, the API server is asked.
        questions.confirm_absence = observed.job_manager.is_absent()
            && status.job_manager_deployment_status != JobManagerDeploymentStatus::Missing
            && !observed.absence_confirmed;
        // A loss that the status tells of was confirmed when it was recorded.
        let is_absent = observed.absence_confirmed
            || observed.job_manager.is_absent()
                && status.job_manager_deployment_status == JobManagerDeploymentStatus::Missing;
        let lost = is_absent
            && wants_running(&recorded.spec)
            && !status.job_status.state.as_ref().is_some_and(is_globally_terminal);
        questions.ha_data =
            (upgrading || lost) && was_not_asked(&observed.ha_data) && given.may_have_ha_data();
        if is_absent && !upgrading && !lost {
            // The cluster of a job that has ended was cleared away; a change of its spec starts it again.
            return of_change(given, recorded, observed);
        }
        return questions;
    };
    let cancelling = super::is_being_cancelled(&status, recorded);
    if deployment.owner != Owner::This || deployment.deleting || (upgrading && !cancelling) {
        return questions;
    }
    let job_ended = status.job_status.state.as_ref().is_some_and(is_globally_terminal);
    if deployment.available {
        // How a stop that is under way has come out is read off the job too, and so the job is looked at until that is known.
        let stopping = stop::is_under_way(&Pass::new(given, observed));
        questions.jobs = wants_running(&recorded.spec)
            && (!job_ended || stopping || has_new_job_manager(&status, observed))
            && was_not_asked(&observed.jobs);
        let listed = observed.jobs.present().and_then(|jobs| {
            jobs.iter().find(|job| Some(&job.id) == status.job_status.job_id.as_ref())
        });
        if recorded.spec.job.is_none() {
            questions.cluster = observed.jobs.present().is_some()
                && !status.cluster_info.contains_key("flink-version")
                && !observed.cluster_asked;
        }
        if let Some(job) = listed {
            questions.cluster = job.state == FlinkJobStatus::Running
                && !status.cluster_info.contains_key("flink-version")
                && !observed.cluster_asked;
            questions.job_end =
                is_globally_terminal(&job.state) && was_not_asked(&observed.last_checkpoint);
        }
        snapshots::questions(given, observed, &mut questions);
        if let Some(job) = listed
            && !cancelling
        {
            let pass = Pass::new(given, observed);
            questions.health = health::wants_sample(&pass, observed, &job.state);
            questions.exceptions = exceptions::wanted(&pass, job);
        }
        if questions != Questions::default() {
            return questions;
        }
        return of_change(given, recorded, observed);
    }
    let stands_without_mounts = observed.pods.iter().any(|pod| {
        !pod.sandbox_ready
            && !pod.deleting
            && pod.unschedulable.is_none()
            && pod.created_at.is_some_and(|created| {
                Duration::try_from(given.now.duration_since(created)).unwrap_or_default()
                    > MOUNTS_EXPECTED_WITHIN
            })
    });
    questions.pod_warnings = stands_without_mounts && !observed.pod_warnings_asked;
    if questions.pod_warnings { questions } else { of_change(given, recorded, observed) }
}

/// A JobManager has started since the job's end was seen, and may have recovered it: Flink removes the data of an ended
/// job after it has ended.
fn has_new_job_manager(status: &FlinkDeploymentStatus, observed: &Observed) -> bool {
    let ended_ms = status.job_status.update_time.as_ref().and_then(|text| text.parse().ok());
    let ended = ended_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let ready_since = observed.pods.iter().filter_map(|pod| pod.ready_since).max();
    ended.is_some_and(|ended| ready_since.is_some_and(|since| since > ended))
}

/// What a changed spec needs to be seen, once the cluster was looked at.
fn of_change(given: &Given<'_>, recorded: &Recorded, observed: &Observed) -> Questions {
    let mut pass = Pass::new(given, observed);
    if cancel::is_under_way(&pass, recorded) {
        return cancel::questions(&pass, recorded);
    }
    if stop::is_under_way(&pass) {
        return stop::questions(&pass, recorded);
    }
    if !wants_running(&recorded.spec) {
        return Questions::default();
    }
    let Ok(desired) = given.validated else { return Questions::default() };
    if desired.spec.job.is_none() {
        return Questions::default();
    }
    observe::update(&mut pass);
    let deployed = rollback::deployed(&pass, recorded);
    if rescale::plan(&pass, &deployed, &difference(recorded, &desired.spec)) == Rescale::Ask {
        return Questions { parallelism: true, ..Questions::default() };
    }
    match change(&pass, recorded, &desired.spec) {
        Some(change) => upgrade::questions(&pass, &deployed, &change),
        None => Questions::default(),
    }
}

/// What the job is to be stopped for, if anything: an edit, or what has gone wrong with it.
fn change(pass: &Pass<'_>, recorded: &Recorded, desired: &FlinkDeploymentSpec) -> Option<Change> {
    if difference(recorded, desired).diff_type() != DiffType::Ignore {
        return Some(Change::edited(desired));
    }
    let mode = rollback::mode(desired);
    if let Some(stable) = rollback::target(pass, recorded) {
        return Some(Change::restart(&stable, mode, Why::RolledBack));
    }
    let deployed = || rollback::deployed(pass, recorded).spec;
    if terminal::restarts(pass) {
        return Some(Change::restart(&deployed(), mode, Why::Failed));
    }
    health::is_unhealthy(pass).then(|| Change::restart(&deployed(), mode, Why::Unhealthy))
}

pub(super) fn decide(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    if let Seen::Present(deployment) = &pass.observed.job_manager
        && deployment.owner != Owner::This
    {
        let stuck = deploy::name_taken(&pass, deployment);
        let requeue = Requeue::After(pass.given.settings.reconcile_interval);
        return pass.end(Because::NeedsUser(stuck), requeue);
    }
    if let Some(uid) = old_cluster::made_by_an_old_leader(&pass) {
        return old_cluster::take_back(pass, uid);
    }
    let running = wants_running(&recorded.spec);
    let deployed = rollback::deployed(&pass, recorded);
    let sight = if running { Some(observe::update(&mut pass)) } else { None };
    let spec_is_valid = pass.given.validated.is_ok();
    settle_health(&mut pass.status, sight.as_ref(), spec_is_valid);

    if stop::is_under_way(&pass) {
        if pass.status.error.is_none() {
            // That of the last attempt, until this one is through.
            pass.keep_error();
        }
        return stop::proceed(pass, recorded, sight.as_ref());
    }
    exceptions::settle(&mut pass, sight.as_ref());
    snapshots::settle(&mut pass, sight.as_ref());
    health::settle(&mut pass, sight.as_ref());
    let desired = match pass.given.validated {
        Ok(valid) => valid,
        Err(faults) => return keep_last_valid(pass, recorded, sight.as_ref(), faults),
    };
    let difference = difference(recorded, &desired.spec);
    if difference.diff_type() == DiffType::Ignore {
        record::refresh_metadata(&mut pass.status, pass.given.generation())
            .expect("the earlier record was read when the pass began");
        let Some(sight) = sight else { return suspended(pass) };
        return match change(&pass, recorded, &desired.spec) {
            Some(change) => mend(pass, recorded, &change, sight),
            None => keep(pass, recorded, sight),
        };
    }
    if recorded.spec != deployed.spec && upgrade::same(&deployed, &desired.spec) {
        return accept(pass, &deployed, &desired.spec, sight);
    }
    let requeue = Requeue::After(pass.given.settings.progress_interval);
    match rescale::decide(&mut pass, &deployed, &desired.spec, &difference, sight.as_ref()) {
        Some(Outcome::Recorded) => return pass.end(Because::UpToDate, requeue),
        Some(Outcome::Waits(why)) => {
            return pass.end(Because::WaitingFor(Wait::Parallelism { why }), requeue);
        }
        Some(Outcome::Invalid(faults)) => return deploy::invalid(pass, &faults),
        None => {}
    }
    upgrade::decide(pass, &deployed, &desired.spec, &difference, sight.as_ref())
}

/// What is proven to work is the last stable spec, and an error that is over is no error.
fn settle_health(status: &mut FlinkDeploymentStatus, sight: Option<&Sight>, spec_is_valid: bool) {
    let works = match sight {
        Some(Sight::Session) => true,
        _ => matches!(
            status.job_status.state,
            Some(FlinkJobStatus::Running | FlinkJobStatus::Finished)
        ),
    };
    let proven = works && status.reconciliation_status.state == ReconciliationState::Deployed;
    if proven
        && status.reconciliation_status.last_stable_spec
            != status.reconciliation_status.last_reconciled_spec
    {
        record::mark_stable(status);
    }
    let healthy = status.job_manager_deployment_status != JobManagerDeploymentStatus::Error
        && status.job_status.state != Some(FlinkJobStatus::Failed)
        && status.job_status.state != Some(FlinkJobStatus::Reconciling);
    // The faults of a newer spec are an error too, however well the last valid one works.
    // What was rolled back to works again, though the record has the spec that was given up.
    let rolled_back =
        works && status.reconciliation_status.state == ReconciliationState::RolledBack;
    if healthy && spec_is_valid && (record::is_stable(status) || rolled_back) {
        status.error = None;
    }
}

/// The newest spec has faults: they are told, and what runs is looked after as its own spec says.
fn keep_last_valid(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    sight: Option<&Sight>,
    faults: &[crate::fault::Fault],
) -> Decision {
    let text = crate::fault::summary(faults);
    pass.refuse_spec(&text);
    let requeue = match sight {
        None => Requeue::OnChange,
        Some(Sight::Gone) if !job_has_ended(&pass) => {
            let requeue = Requeue::After(pass.given.settings.reconcile_interval);
            return recover::bring_back(pass, recorded, requeue);
        }
        Some(sight) => look_again(&pass, recorded, sight),
    };
    pass.end(Because::NeedsUser(Stuck::InvalidSpec { faults: text }), requeue)
}

/// Nothing runs, as asked for. A cluster that the Java operator left standing goes when its time is over.
fn suspended(mut pass: Pass<'_>) -> Decision {
    terminal::clear_away(&mut pass);
    let requeue = terminal::kept_for(&pass)
        .filter(|left| !left.is_zero())
        .map_or(Requeue::OnChange, Requeue::After);
    pass.end(Because::Suspended, requeue)
}

/// The spec is as it was, and the job is not as it should be.
fn mend(mut pass: Pass<'_>, recorded: &Recorded, change: &Change, sight: Sight) -> Decision {
    let deployed = rollback::deployed(&pass, recorded);
    if change.why != Why::RolledBack {
        if deployed.spec != recorded.spec {
            // What runs is not what the record says; it stays so.
            pass.status.reconciliation_status.state = ReconciliationState::RollingBack;
        }
        return upgrade::follow(pass, &deployed, change);
    }
    match upgrade::roll_back(&mut pass, recorded, change) {
        Some((stop, from)) => {
            let mut spec = change.desired.clone();
            if let Some(job) = &mut spec.job {
                job.upgrade_mode = Some(from.recorded());
            }
            upgrade::take_down(pass, recorded, spec, stop)
        }
        None => keep(pass, recorded, sight),
    }
}

/// The user has undone the change that was rolled back: what is wanted runs already.
fn accept(
    mut pass: Pass<'_>,
    deployed: &Recorded,
    desired: &FlinkDeploymentSpec,
    sight: Option<Sight>,
) -> Decision {
    let mut spec = desired.clone();
    if let (Some(job), Some(before)) = (&mut spec.job, &deployed.spec.job) {
        job.upgrade_mode.clone_from(&before.upgrade_mode);
    }
    let generation = pass.given.generation();
    match Plan::new(pass.given, spec, generation) {
        Ok(plan) => plan.record_success(&mut pass),
        Err(faults) => return deploy::invalid(pass, &faults),
    }
    match sight {
        None => pass.end(Because::Suspended, Requeue::OnChange),
        Some(sight) => keep(pass, deployed, sight),
    }
}

/// Nothing is to be changed: says what is waited for, and looks after what has gone wrong.
fn keep(mut pass: Pass<'_>, recorded: &Recorded, sight: Sight) -> Decision {
    let requeue = look_again(&pass, recorded, &sight);
    let because = match sight {
        Sight::Unseen { why } => Because::WaitingFor(Wait::Sight { why }),
        Sight::Gone => return recover::lost(pass, recorded),
        Sight::Failed(failure) => Because::NeedsUser(Stuck::JobManagerFailed {
            message: pass.error_message().unwrap_or(failure.message),
            reason: failure.reason,
        }),
        Sight::Starting { detail } => Because::WaitingFor(Wait::JobManagerPod { detail }),
        Sight::NoRest { .. } | Sight::NoJob if job_has_ended(&pass) => ended(&pass),
        Sight::NoRest { why } => Because::WaitingFor(Wait::Rest { why }),
        Sight::NoJob => Because::WaitingFor(Wait::JobToRun { state: "not listed".to_owned() }),
        Sight::Job(FlinkJobStatus::Running) => return attend(pass, recorded, requeue),
        Sight::Session => Because::UpToDate,
        Sight::Job(state) if is_globally_terminal(&state) => ended(&pass),
        Sight::Job(state) => Because::WaitingFor(Wait::JobToRun { state: state.to_string() }),
    };
    terminal::clear_away(&mut pass);
    let deadline = [rollback::deadline(&pass), terminal::restarts_in(&pass)];
    let requeue = match (deadline.into_iter().flatten().min(), requeue) {
        (Some(left), Requeue::After(wait)) if !left.is_zero() => Requeue::After(wait.min(left)),
        (Some(left), Requeue::OnChange) if !left.is_zero() => Requeue::After(left),
        (_, requeue) => requeue,
    };
    pass.end(because, requeue)
}

/// The job runs, as it should: it is asked for the savepoints and checkpoints that are due, and old ones are given up.
fn attend(mut pass: Pass<'_>, recorded: &Recorded, requeue: Requeue) -> Decision {
    snapshots::trigger(&mut pass, recorded, &Because::UpToDate);
    if snapshots::are_under_way(&pass) {
        let requeue = Requeue::After(snapshots::poll(&pass));
        return pass.end(Because::UpToDate, requeue);
    }
    retention::tidy(&mut pass);
    pass.end(Because::UpToDate, requeue)
}

pub(super) fn job_has_ended(pass: &Pass<'_>) -> bool {
    pass.status.job_status.state.as_ref().is_some_and(is_globally_terminal)
}

pub(super) fn ended(pass: &Pass<'_>) -> Because {
    match &pass.status.job_status.state {
        Some(FlinkJobStatus::Failed) => {
            let message = pass
                .observed
                .job_failure
                .as_ref()
                .map(|failure| failure.message.clone())
                .or_else(|| pass.error_message())
                .unwrap_or_else(|| "Flink gives no reason.".to_owned());
            let message = format!("{message}{}", restore_point::question(pass));
            Because::NeedsUser(Stuck::JobFailed { message })
        }
        // Finished, or cancelled by somebody else: as it should be, until the spec changes.
        _ => Because::UpToDate,
    }
}

/// When to look again. Where a watch tells of the next step, the clock is only there in case it does not.
fn look_again(pass: &Pass<'_>, recorded: &Recorded, sight: &Sight) -> Requeue {
    let settings = pass.given.settings;
    let rest = terminal::kept_for(pass).map_or(Requeue::OnChange, Requeue::After);
    match sight {
        Sight::Job(FlinkJobStatus::Running) | Sight::Session => {
            Requeue::After(settings.reconcile_interval)
        }
        Sight::Job(state) if is_globally_terminal(state) => rest,
        Sight::NoRest { .. } | Sight::NoJob if job_has_ended(pass) => rest,
        Sight::NoRest { .. } | Sight::NoJob | Sight::Job(_) => Requeue::After(poll(pass)),
        Sight::Unseen { .. } | Sight::Starting { .. } | Sight::Failed(_) => {
            Requeue::After(settings.progress_interval)
        }
        Sight::Gone if wants_running(&recorded.spec) => Requeue::After(settings.reconcile_interval),
        Sight::Gone => Requeue::OnChange,
    }
}

/// Nothing tells of a job's progress, so it is asked for: often while it starts, seldom when it takes long.
fn poll(pass: &Pass<'_>) -> Duration {
    const OFTEN: Duration = Duration::from_millis(250);
    let ready_since = pass.observed.pods.iter().filter_map(|pod| pod.ready_since).max();
    let age = ready_since.map_or(Duration::ZERO, |since| {
        Duration::try_from(pass.given.now.duration_since(since)).unwrap_or_default()
    });
    if age < Duration::from_mins(1) {
        OFTEN
    } else if age < Duration::from_mins(5) {
        Duration::from_secs(1).min(pass.given.settings.progress_interval)
    } else {
        pass.given.settings.progress_interval
    }
}
