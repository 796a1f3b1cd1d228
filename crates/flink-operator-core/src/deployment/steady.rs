//! A cluster that is deployed: look at it, and find out whether the spec asks for something else by now.

use std::time::Duration;

use flink_operator_api::{
    DeploymentMode, FlinkDeploymentStatus, FlinkJobStatus, JobManagerDeploymentStatus,
    ReconciliationState,
};

use super::observe::{self, Sight};
use super::pass::Pass;
use super::{Given, Recorded, deploy, upgrade, wants_running};
use crate::decision::{Because, Decision, Requeue, Stuck, Wait};
use crate::diff::{self, DiffType};
use crate::observed::{Observed, Owner, Questions, Seen, is_globally_terminal, was_not_asked};
use crate::record;

/// A pod that has no volumes or no network after this long has a reason that its events tell. The kubelet tries a mount
/// again after half a second, then after twice as long each time.
const MOUNTS_EXPECTED_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn questions(given: &Given<'_>, recorded: &Recorded, observed: &Observed) -> Questions {
    let mut questions = Questions::default();
    let status = given.resource.status.clone().unwrap_or_default();
    let upgrading = status.reconciliation_status.state == ReconciliationState::Upgrading;
    let Some(deployment) = observed.job_manager.present() else {
        // A cache that lacks the Deployment may be behind. Before that counts as a loss, the API server is asked.
        questions.confirm_absence = observed.job_manager.is_absent()
            && status.job_manager_deployment_status != JobManagerDeploymentStatus::Missing
            && !observed.absence_confirmed;
        let lost = observed.absence_confirmed
            && wants_running(&recorded.spec)
            && !status.job_status.state.as_ref().is_some_and(is_globally_terminal);
        questions.ha_data =
            (upgrading || lost) && was_not_asked(&observed.ha_data) && given.may_have_ha_data();
        return questions;
    };
    if deployment.owner != Owner::This || deployment.deleting || upgrading {
        return questions;
    }
    let job_ended = status.job_status.state.as_ref().is_some_and(is_globally_terminal);
    if deployment.available {
        questions.jobs =
            wants_running(&recorded.spec) && !job_ended && was_not_asked(&observed.jobs);
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
        return questions;
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
    questions
}

pub(super) fn decide(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    if let Seen::Present(deployment) = &pass.observed.job_manager
        && deployment.owner != Owner::This
    {
        let stuck = deploy::name_taken(&pass, deployment);
        let requeue = Requeue::After(pass.given.settings.reconcile_interval);
        return pass.end(Because::NeedsUser(stuck), requeue);
    }
    let running = wants_running(&recorded.spec);
    let sight = if running { Some(observe::update(&mut pass)) } else { None };
    let spec_is_valid = pass.given.validated.is_ok();
    settle_health(&mut pass.status, sight.as_ref(), spec_is_valid);

    let desired = match pass.given.validated {
        Ok(valid) => valid,
        Err(faults) => return keep_last_valid(pass, recorded, sight.as_ref(), faults),
    };
    let mode = desired.spec.mode.clone().unwrap_or(DeploymentMode::Native);
    let difference = diff::deployment(&recorded.spec, &desired.spec, &mode);
    if difference.diff_type() == DiffType::Ignore {
        record::refresh_metadata(&mut pass.status, pass.given.generation())
            .expect("the earlier record was read when the pass began");
        return match sight {
            None => pass.end(Because::Suspended, Requeue::OnChange),
            Some(sight) => keep(pass, recorded, sight),
        };
    }
    upgrade::decide(pass, recorded, &desired.spec, &difference)
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
    if healthy && spec_is_valid && record::is_stable(status) {
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
            return deploy::recover(pass, recorded, requeue);
        }
        Some(sight) => look_again(&pass, recorded, sight),
    };
    pass.end(Because::NeedsUser(Stuck::InvalidSpec { faults: text }), requeue)
}

/// Nothing is to be changed: says what is waited for, and looks after what has gone wrong.
fn keep(pass: Pass<'_>, recorded: &Recorded, sight: Sight) -> Decision {
    let requeue = look_again(&pass, recorded, &sight);
    let because = match sight {
        Sight::Unseen { why } => Because::WaitingFor(Wait::Sight { why }),
        Sight::Gone => return lost(pass, recorded),
        Sight::Failed(failure) => Because::NeedsUser(Stuck::JobManagerFailed {
            message: message_of(pass.status.error.as_deref()).unwrap_or(failure.message),
            reason: failure.reason,
        }),
        Sight::Starting { detail } => Because::WaitingFor(Wait::JobManagerPod { detail }),
        Sight::NoRest { .. } | Sight::NoJob if job_has_ended(&pass) => ended(&pass),
        Sight::NoRest { why } => Because::WaitingFor(Wait::Rest { why }),
        Sight::NoJob => Because::WaitingFor(Wait::JobToRun { state: "not listed".to_owned() }),
        Sight::Job(FlinkJobStatus::Running) | Sight::Session => Because::UpToDate,
        Sight::Job(state) if is_globally_terminal(&state) => ended(&pass),
        Sight::Job(state) => Because::WaitingFor(Wait::JobToRun { state: state.to_string() }),
    };
    pass.end(because, requeue)
}

fn job_has_ended(pass: &Pass<'_>) -> bool {
    pass.status.job_status.state.as_ref().is_some_and(is_globally_terminal)
}

fn ended(pass: &Pass<'_>) -> Because {
    match &pass.status.job_status.state {
        Some(FlinkJobStatus::Failed) => {
            let message = pass
                .observed
                .job_failure
                .as_ref()
                .map(|failure| failure.message.clone())
                .or_else(|| message_of(pass.status.error.as_deref()))
                .unwrap_or_else(|| "Flink gives no reason.".to_owned());
            Because::NeedsUser(Stuck::JobFailed { message })
        }
        // Finished, or cancelled by somebody else: as it should be, until the spec changes.
        _ => Because::UpToDate,
    }
}

/// When to look again. Where a watch tells of the next step, the clock is only there in case it does not.
fn look_again(pass: &Pass<'_>, recorded: &Recorded, sight: &Sight) -> Requeue {
    let settings = pass.given.settings;
    match sight {
        Sight::Job(FlinkJobStatus::Running) | Sight::Session => {
            Requeue::After(settings.reconcile_interval)
        }
        Sight::Job(state) if is_globally_terminal(state) => Requeue::OnChange,
        Sight::NoRest { .. } | Sight::NoJob if job_has_ended(pass) => Requeue::OnChange,
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

/// The Deployment is gone although nobody asked us to delete it.
fn lost(pass: Pass<'_>, recorded: &Recorded) -> Decision {
    let requeue = Requeue::After(pass.given.settings.reconcile_interval);
    if job_has_ended(&pass) {
        let because = ended(&pass);
        return pass.end(because, Requeue::OnChange);
    }
    deploy::recover(pass, recorded, requeue)
}

/// The message in the JSON of `status.error`.
fn message_of(error: Option<&str>) -> Option<String> {
    let error: serde_json::Value = serde_json::from_str(error?).ok()?;
    error.get("message")?.as_str().map(str::to_owned)
}
