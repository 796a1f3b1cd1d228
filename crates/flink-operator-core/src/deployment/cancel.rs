//! Cancelling a job that keeps its checkpoints, and finding the last of them.
//!
//! The record is the Java operator's: UPGRADING, the job CANCELLING, the recorded spec still that of the job that runs.
//! Whichever operator reads it goes on from there.

use std::time::Duration;

use flink_operator_api::{FlinkJobStatus, JobManagerDeploymentStatus};

use super::choice::{From, Stop};
use super::observe::{self, Sight};
use super::pass::Pass;
use super::upgrade::{self, Change};
use super::{Recorded, restore_point, stop};
use crate::decision::{Action, Because, Decision, Event, Requeue, Wait};
use crate::observed::{Seen, is_globally_terminal};
use crate::record;

const POLL: Duration = Duration::from_millis(500);

/// Records that the job is being cancelled, and asks for it.
pub(super) fn begin(mut pass: Pass<'_>, from: From, event: Event) -> Decision {
    let Some(job_id) = pass.status.job_status.job_id.clone() else {
        return pass.end(
            Because::WaitingFor(Wait::JobToRun { state: "without an id".to_owned() }),
            Requeue::OnChange,
        );
    };
    restore_point::announce(&mut pass, from);
    record::cancelling(&mut pass.status, from.recorded())
        .expect("the earlier record was read when the pass began");
    set_state(&mut pass, FlinkJobStatus::Cancelling);
    pass.record(&Because::WaitingFor(Wait::JobToEnd));
    pass.publish(event);
    pass.publish(Event::normal("Suspended", "Cancelling the job; its last checkpoint is kept."));
    pass.act(Action::CancelJob { job_id });
    pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(POLL))
}

/// Whether the status says that the job is being cancelled for a change of its spec.
pub(super) fn is_under_way(pass: &Pass<'_>, recorded: &Recorded) -> bool {
    super::is_being_cancelled(&pass.status, recorded)
}

/// Goes on with a cancellation.
pub(super) fn proceed(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    let id = pass.status.job_status.job_id.clone();
    let listed = pass
        .observed
        .jobs
        .present()
        .and_then(|jobs| jobs.iter().find(|job| Some(&job.id) == id.as_ref()))
        .map(|job| job.state.clone());
    match (listed, id) {
        (Some(state), _) if is_globally_terminal(&state) => ended(pass, recorded, &state),
        (Some(FlinkJobStatus::Cancelling), _) | (_, None) => wait(pass),
        (Some(_), Some(job_id)) => {
            // The request may have been lost. The record still says what is intended.
            pass.act(Action::CancelJob { job_id });
            wait(pass)
        }
        (None, Some(_)) => out_of_sight(pass, recorded),
    }
}

fn ended(mut pass: Pass<'_>, recorded: &Recorded, state: &FlinkJobStatus) -> Decision {
    let from = match &pass.observed.last_checkpoint {
        Seen::Present(path) => {
            let path = path.clone();
            pass.status.job_status.upgrade_savepoint_path = Some(path.clone());
            restore_point::path(&mut pass, &path, None);
            From::Path
        }
        Seen::Absent => {
            pass.status.job_status.upgrade_savepoint_path = None;
            restore_point::announce(&mut pass, From::NoState);
            From::NoState
        }
        Seen::Unknown { why } => {
            let why = why.clone();
            let requeue = Requeue::After(POLL);
            return pass.end(Because::WaitingFor(Wait::Sight { why }), requeue);
        }
    };
    set_state(&mut pass, state.clone());
    pass.publish(Event::normal(
        "JobStatusChanged",
        format!("The job's state changed from CANCELLING to {state}."),
    ));
    record::job_ended(&mut pass.status).expect("the earlier record was read when the pass began");
    let mut spec = stop::next_spec(&pass, recorded);
    if let Some(job) = &mut spec.job {
        job.upgrade_mode = Some(from.recorded());
    }
    upgrade::take_down(pass, recorded, spec, Stop::Ended)
}

/// Neither listed nor known to have ended: the JobManager restarts, or is gone.
fn out_of_sight(mut pass: Pass<'_>, recorded: &Recorded) -> Decision {
    if observe::look(&pass) != Sight::Gone {
        return wait(pass);
    }
    pass.status.job_manager_deployment_status = JobManagerDeploymentStatus::Missing;
    set_state(&mut pass, FlinkJobStatus::Reconciling);
    let spec = stop::next_spec(&pass, recorded);
    upgrade::follow(pass, recorded, &Change::edited(&spec))
}

fn wait(pass: Pass<'_>) -> Decision {
    pass.end(Because::WaitingFor(Wait::JobToEnd), Requeue::After(POLL))
}

fn set_state(pass: &mut Pass<'_>, state: FlinkJobStatus) {
    if pass.status.job_status.state.as_ref() != Some(&state) {
        pass.status.job_status.state = Some(state);
        pass.status.job_status.update_time = Some(pass.given.now.as_millisecond().to_string());
    }
}
