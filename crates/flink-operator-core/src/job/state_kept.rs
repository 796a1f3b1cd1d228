//! What the next start of a job goes on from, said to people: which, from where, how old. It is recorded before anything
//! is stopped.

use flink_operator_api::Condition;
use jiff::Timestamp;

use crate::job::restore::RestoreFrom;
use crate::observed::RestorePoint;
use crate::reconcile::conditions;
use crate::reconcile::decision::Event;
use crate::reconcile::pass::Pass;

/// True when the last start of the job that was decided takes state along, False when it starts empty.
pub(crate) const STATE_KEPT: &str = "StateKept";

/// Says that the job goes on from `path`.
pub(crate) fn path(pass: &mut Pass<'_>, path: &str, taken_at: Option<Timestamp>) {
    let age = aged(taken_at, pass.inputs.now);
    set_condition(pass, Kept::Yes, "RestorePath", format!("The job goes on from {path}{age}."));
}

/// Says where a job goes on that is stopped in another way than with a savepoint.
pub(crate) fn announce(pass: &mut Pass<'_>, from: &RestoreFrom) {
    let now = pass.inputs.now;
    let newest = pass.observed.checkpoints.present().and_then(|seen| seen.newest.clone());
    match from {
        RestoreFrom::Path(_) | RestoreFrom::Unknown => {
            let described = newest
                .filter(|point| point.path.is_some())
                .map(|point| described(&point, now))
                .or_else(|| from.path().map(str::to_owned))
                .unwrap_or_else(|| "its last checkpoint".to_owned());
            set_condition(
                pass,
                Kept::Yes,
                "RestorePath",
                format!("The job goes on from {described}."),
            );
        }
        RestoreFrom::HaMetadata => {
            let number = pass.observed.ha_data.present().and_then(|data| data.newest_checkpoint);
            let described = match (number, newest) {
                (Some(number), Some(point)) if point.id == number => described(&point, now),
                (Some(number), _) => format!("checkpoint {number}"),
                (None, _) => "where".to_owned(),
            };
            set_condition(
                pass,
                Kept::Yes,
                "HighAvailability",
                format!("The job goes on from the high availability data, which say {described}."),
            );
        }
        RestoreFrom::NoState => set_condition(
            pass,
            Kept::No,
            "NoState",
            "The job starts empty: it has never completed a checkpoint.".to_owned(),
        ),
        RestoreFrom::Empty => starts_empty(pass, newest),
    }
}

/// A job that has state is about to lose it, as `upgradeMode: stateless` asks for.
fn starts_empty(pass: &mut Pass<'_>, newest: Option<RestorePoint>) {
    let ha_checkpoint = || {
        let number = pass.observed.ha_data.present()?.newest_checkpoint?;
        Some(format!("checkpoint {number} of the high availability data"))
    };
    let of_status = || match pass.last_known() {
        RestoreFrom::Empty | RestoreFrom::NoState => None,
        RestoreFrom::HaMetadata | RestoreFrom::Unknown => {
            Some("what the job's high availability data know".to_owned())
        }
        RestoreFrom::Path(path) => Some(path),
    };
    let left_behind = newest
        .map(|point| described(&point, pass.inputs.now))
        .or_else(ha_checkpoint)
        .or_else(of_status);
    match left_behind {
        Some(left_behind) => {
            let message = format!(
                "The job starts empty, as upgradeMode stateless says. Left behind: {left_behind}. To go back to it, set \
                 spec.job.initialSavepointPath and a new spec.job.savepointRedeployNonce."
            );
            pass.warn(Event::warning("StartsEmpty", message.as_str()));
            set_condition(pass, Kept::No, "StartsEmpty", message);
        }
        None => set_condition(
            pass,
            Kept::No,
            "Stateless",
            "The job starts empty, as upgradeMode stateless says.".to_owned(),
        ),
    }
}

/// Where a job goes on that has ended and says of no checkpoint, and of none that it was restored from: where it was to
/// start from. `None`: it had one, and nobody knows it any more.
pub(crate) fn without_checkpoint(pass: &Pass<'_>) -> Option<RestoreFrom> {
    Some(pass.known_state()).filter(|known| *known != RestoreFrom::Unknown)
}

/// What the user of a job that has ended is asked, if nobody knows where it could go on; nothing else.
pub(crate) fn question(pass: &Pass<'_>) -> String {
    if pass.known_state() != RestoreFrom::Unknown || pass.inputs.may_start_empty() {
        return String::new();
    }
    let hint = pass.record.last().map(|_| hint(pass));
    format!(
        " Its last checkpoint is not known. Manual restore required: set spec.job.initialSavepointPath and a new \
         spec.job.savepointRedeployNonce.{}",
        hint.unwrap_or_default()
    )
}

/// Where somebody who has to say where the job goes on finds its checkpoints.
pub(crate) fn hint(pass: &Pass<'_>) -> String {
    let mut hint = String::new();
    let directory = pass.deployed_options().checkpoint_directory();
    if let (Some(directory), Some(id)) = (directory, &pass.status.job_status.job_id) {
        let directory = directory.trim_end_matches('/');
        hint = format!(" Checkpoints of the job are below {directory}/{id}.");
    }
    if let RestoreFrom::Path(path) = pass.last_known() {
        hint = format!("{hint} The newest one that the status knows is {path}.");
    }
    hint
}

fn described(point: &RestorePoint, now: Timestamp) -> String {
    let kind = if point.is_savepoint { "savepoint" } else { "checkpoint" };
    let place = point.path.as_ref().map(|path| format!(" at {path}")).unwrap_or_default();
    format!("{kind} {}{place}{}", point.id, aged(point.at, now))
}

fn aged(at: Option<Timestamp>, now: Timestamp) -> String {
    let Some(at) = at else { return String::new() };
    let second = Timestamp::from_second(at.as_second()).unwrap_or(at);
    format!(" of {second}, {} s before", now.duration_since(at).as_secs().max(0))
}

/// Whether the next job takes state along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
}

fn set_condition(pass: &mut Pass<'_>, kept: Kept, reason: &str, message: String) {
    let status = match kept {
        Kept::Yes => "True",
        Kept::No => "False",
    };
    let generation = pass.inputs.generation();
    let before = pass.status.conditions.iter().find(|condition| condition.type_ == STATE_KEPT);
    let last_transition_time = match before {
        Some(before) if before.status == status => before.last_transition_time.clone(),
        Some(_) | None => Some(pass.inputs.now.to_string()),
    };
    let condition = Condition {
        type_: STATE_KEPT.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        observed_generation: Some(generation),
        last_transition_time,
    };
    conditions::put(&mut pass.status, condition);
}
