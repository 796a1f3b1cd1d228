//! A cluster that is deployed: look at it, and find out whether the spec asks for something else by now.

use std::time::Duration;

use flink_operator_api::{
    FlinkDeploymentSpec, FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus,
    ReconciliationState,
};

use crate::cluster::plan::Plan;
use crate::cluster::state::ClusterState;
use crate::cluster::update_status;
use crate::cluster::{create, recover, teardown};
use crate::diff::DiffType;
use crate::job::rescale::{self, Outcome};
use crate::job::snapshots::{request, retention};
use crate::job::upgrade::change::{self, Change, Why};
use crate::job::upgrade::rollback::RollBack;
use crate::job::upgrade::{begin, rollback, stop_with_savepoint, transition};
use crate::job::{ended, exceptions, health};
use crate::observed::{Owner, Seen, is_globally_terminal};
use crate::reconcile::decision::{Because, Blocked, Decision, Requeue, Wait};
use crate::reconcile::pass::Pass;
use crate::reconcile::questions::{Questions, Step};
use crate::reconcile::recorded::{self, Recorded};
use crate::record;

/// What the job is to be stopped for although the spec is as it was, if anything: what has gone wrong with it.
fn change(pass: &Pass<'_>, recorded: &Recorded, desired: &FlinkDeploymentSpec) -> Option<Change> {
    let mode = change::restart_mode(desired);
    if let Some(stable) = rollback::target(pass, recorded) {
        return Some(Change::restart(&stable, mode, Why::RolledBack));
    }
    let deployed = || recorded::deployed(&pass.status, recorded).into_owned().spec;
    if ended::restarts(pass) {
        return Some(Change::restart(&deployed(), mode, Why::Failed));
    }
    health::is_unhealthy(pass).then(|| Change::restart(&deployed(), mode, Why::Unhealthy))
}

pub(crate) fn decide(mut pass: Pass<'_>, recorded: &Recorded) -> Step {
    if let Seen::Present(deployment) = &pass.observed.job_manager
        && deployment.owner != Owner::This
    {
        let blocked = create::name_taken(&pass, deployment);
        let requeue = Requeue::After(pass.inputs.settings.reconcile_interval);
        return pass.end(Because::NeedsUser(blocked), requeue).into();
    }
    if let Some(uid) = teardown::stale_create(&pass) {
        return teardown::delete_stale_create(pass, uid).into();
    }
    let running = recorded::wants_running(&recorded.spec);
    let deployed = recorded::deployed(&pass.status, recorded);
    let cluster = if running { Some(update_status::update(&mut pass)) } else { None };
    let spec_is_valid = pass.inputs.validated.is_ok();
    clear_resolved_error(&mut pass.status, cluster.as_ref(), spec_is_valid);

    if stop_with_savepoint::is_under_way(&pass) {
        if pass.status.error.is_none() {
            // That of the last attempt, until this one is through.
            pass.keep_error();
        }
        return stop_with_savepoint::proceed(pass, recorded, cluster.as_ref());
    }
    exceptions::publish_new(&mut pass, cluster.as_ref());
    request::update(&mut pass, cluster.as_ref());
    health::update(&mut pass, cluster.as_ref());
    let desired = match pass.inputs.validated {
        Ok(valid) => valid,
        Err(faults) => return keep_last_valid(pass, recorded, cluster.as_ref(), faults).into(),
    };
    let difference = recorded::difference(recorded, &desired.spec);
    if difference.diff_type() == DiffType::Ignore {
        pass.record.refresh_metadata(&mut pass.status, pass.inputs.generation());
        pass.record.options(&mut pass.status, &desired.spec);
        let Some(cluster) = cluster else { return suspended(pass).into() };
        return match change(&pass, recorded, &desired.spec) {
            Some(change) => restart_or_roll_back(pass, recorded, &change, cluster),
            None => report_state(pass, recorded, cluster).into(),
        };
    }
    if recorded.spec != deployed.spec && recorded::same(&deployed, &desired.spec) {
        return accept_running_spec(pass, &deployed, &desired.spec, cluster).into();
    }
    let requeue = Requeue::After(pass.inputs.settings.progress_interval);
    match rescale::decide(&mut pass, &deployed, &desired.spec, &difference, cluster.as_ref()) {
        Some(Outcome::Ask) => {
            return Step::Ask(Questions { parallelism: true, ..Questions::default() });
        }
        Some(Outcome::Recorded) => return pass.end(Because::UpToDate, requeue).into(),
        Some(Outcome::Waits(why)) => {
            return pass.end(Because::WaitingFor(Wait::Parallelism { why }), requeue).into();
        }
        Some(Outcome::Invalid(faults)) => return pass.end_invalid(&faults).into(),
        None => {}
    }
    begin::decide(pass, &deployed, &desired.spec, &difference, cluster.as_ref())
}

/// Marks a working spec stable and clears a resolved error.
fn clear_resolved_error(
    status: &mut FlinkDeploymentStatus,
    cluster: Option<&ClusterState>,
    spec_is_valid: bool,
) {
    let works = match cluster {
        Some(ClusterState::Session) => true,
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
    cluster: Option<&ClusterState>,
    faults: &[crate::fault::Fault],
) -> Decision {
    let text = crate::fault::summary(faults);
    pass.refuse_spec(&text);
    let requeue = match cluster {
        None => Requeue::OnChange,
        Some(ClusterState::Gone) if !ended::job_has_ended(&pass) => {
            let requeue = Requeue::After(pass.inputs.settings.reconcile_interval);
            return recover::bring_back(pass, recorded, requeue);
        }
        Some(cluster) => look_again(&pass, recorded, cluster),
    };
    pass.end(Because::NeedsUser(Blocked::InvalidSpec { faults: text }), requeue)
}

/// Nothing runs, as asked for. A cluster that the Java operator left standing goes when its time is over.
fn suspended(mut pass: Pass<'_>) -> Decision {
    ended::clear_away(&mut pass);
    let requeue = ended::time_until_shutdown(&pass)
        .filter(|left| !left.is_zero())
        .map_or(Requeue::OnChange, Requeue::After);
    pass.end(Because::Suspended, requeue)
}

/// The spec is as it was, and the job is not as it should be: it is started again, or the last change is rolled back.
fn restart_or_roll_back(
    mut pass: Pass<'_>,
    recorded: &Recorded,
    change: &Change,
    cluster: ClusterState,
) -> Step {
    let deployed = recorded::deployed(&pass.status, recorded);
    if change.why != Why::RolledBack {
        if deployed.spec != recorded.spec {
            // What runs is not what the record says; it stays so.
            pass.status.reconciliation_status.state = ReconciliationState::RollingBack;
        }
        return begin::begin_change(pass, &deployed, change);
    }
    match rollback::roll_back(&mut pass, recorded, change) {
        RollBack::Ask(questions) => Step::Ask(questions),
        RollBack::Now(stop, from) => {
            let mut spec = change.desired.clone();
            from.write_mode(spec.job.as_mut());
            transition::take_down(pass, recorded, spec, stop).into()
        }
        RollBack::NotNow => report_state(pass, recorded, cluster).into(),
    }
}

/// The user has undone the change that was rolled back: what is wanted runs already.
fn accept_running_spec(
    mut pass: Pass<'_>,
    deployed: &Recorded,
    desired: &FlinkDeploymentSpec,
    cluster: Option<ClusterState>,
) -> Decision {
    let mut spec = desired.clone();
    if let (Some(job), Some(before)) = (&mut spec.job, &deployed.spec.job) {
        job.upgrade_mode.clone_from(&before.upgrade_mode);
    }
    let generation = pass.inputs.generation();
    match Plan::new(pass.inputs, spec, generation) {
        Ok(plan) => plan.record_success(&mut pass),
        Err(faults) => return pass.end_invalid(&faults),
    }
    match cluster {
        None => pass.end(Because::Suspended, Requeue::OnChange),
        Some(cluster) => report_state(pass, deployed, cluster),
    }
}

/// Nothing is to be changed: says what is waited for, and looks after what has gone wrong.
fn report_state(mut pass: Pass<'_>, recorded: &Recorded, cluster: ClusterState) -> Decision {
    let requeue = look_again(&pass, recorded, &cluster);
    let because = match cluster {
        ClusterState::Unknown { why } => Because::WaitingFor(Wait::ClusterState { why }),
        ClusterState::Gone => return recover::lost(pass, recorded),
        ClusterState::Failed(failure) => Because::NeedsUser(Blocked::JobManagerFailed {
            message: pass.error_message().unwrap_or(failure.message),
            reason: failure.reason,
        }),
        ClusterState::Starting { detail } => Because::WaitingFor(Wait::JobManagerPod { detail }),
        ClusterState::RestUnavailable { .. } | ClusterState::JobNotListed
            if ended::job_has_ended(&pass) =>
        {
            ended::ended(&pass)
        }
        ClusterState::RestUnavailable { why } => match &pass.observed.rest_problem {
            Some(problem) => Because::NeedsUser(Blocked::TlsFailed { message: problem.clone() }),
            None => Because::WaitingFor(Wait::Rest { why }),
        },
        ClusterState::JobNotListed => {
            Because::WaitingFor(Wait::JobToRun { state: "not listed".to_owned() })
        }
        ClusterState::Job(FlinkJobStatus::Running) => {
            return take_due_snapshots(pass, recorded, requeue);
        }
        ClusterState::Session => Because::UpToDate,
        ClusterState::Job(state) if is_globally_terminal(&state) => ended::ended(&pass),
        ClusterState::Job(state) => {
            Because::WaitingFor(Wait::JobToRun { state: state.to_string() })
        }
    };
    ended::clear_away(&mut pass);
    let deadline = [rollback::deadline(&pass), ended::restarts_in(&pass)];
    let requeue = match (deadline.into_iter().flatten().min(), requeue) {
        (Some(left), Requeue::After(wait)) if !left.is_zero() => Requeue::After(wait.min(left)),
        (Some(left), Requeue::OnChange) if !left.is_zero() => Requeue::After(left),
        (_, requeue) => requeue,
    };
    pass.end(because, requeue)
}

/// The job runs, as it should: it is asked for the savepoints and checkpoints that are due, and old ones are given up.
fn take_due_snapshots(mut pass: Pass<'_>, recorded: &Recorded, requeue: Requeue) -> Decision {
    request::trigger(&mut pass, recorded, &Because::UpToDate);
    if request::are_under_way(&pass) {
        let requeue = Requeue::After(request::poll(&pass));
        return pass.end(Because::UpToDate, requeue);
    }
    retention::remove_one(&mut pass);
    pass.end(Because::UpToDate, requeue)
}

/// When to look again. Where a watch tells of the next step, the clock is only there in case it does not.
fn look_again(pass: &Pass<'_>, recorded: &Recorded, cluster: &ClusterState) -> Requeue {
    let settings = pass.inputs.settings;
    let rest = ended::time_until_shutdown(pass).map_or(Requeue::OnChange, Requeue::After);
    match cluster {
        ClusterState::Job(FlinkJobStatus::Running) | ClusterState::Session => {
            Requeue::After(settings.reconcile_interval)
        }
        ClusterState::Job(state) if is_globally_terminal(state) => rest,
        ClusterState::RestUnavailable { .. } | ClusterState::JobNotListed
            if ended::job_has_ended(pass) =>
        {
            rest
        }
        ClusterState::RestUnavailable { .. } if pass.observed.rest_problem.is_some() => {
            Requeue::After(settings.progress_interval)
        }
        ClusterState::RestUnavailable { .. }
        | ClusterState::JobNotListed
        | ClusterState::Job(_) => Requeue::After(poll(pass)),
        ClusterState::Unknown { .. } | ClusterState::Starting { .. } | ClusterState::Failed(_) => {
            Requeue::After(settings.progress_interval)
        }
        ClusterState::Gone if recorded::wants_running(&recorded.spec) => {
            Requeue::After(settings.reconcile_interval)
        }
        ClusterState::Gone => Requeue::OnChange,
    }
}

/// Nothing tells of a job's progress, so it is asked for: often while it starts, seldom when it takes long.
fn poll(pass: &Pass<'_>) -> Duration {
    const OFTEN: Duration = Duration::from_millis(250);
    let ready_since = pass.observed.pods.iter().filter_map(|pod| pod.ready_since).max();
    let age = ready_since.map_or(Duration::ZERO, |since| {
        Duration::try_from(pass.inputs.now.duration_since(since)).unwrap_or_default()
    });
    if age < Duration::from_mins(1) {
        OFTEN
    } else if age < Duration::from_mins(5) {
        Duration::from_secs(1).min(pass.inputs.settings.progress_interval)
    } else {
        pass.inputs.settings.progress_interval
    }
}
