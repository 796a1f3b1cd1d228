//! Which savepoints of the status are kept, and which are given up.

use std::time::Duration;

use flink_operator_api::{Savepoint, SnapshotTriggerType};
use jiff::Timestamp;

use crate::job::options::JobOptions;
use crate::reconcile::decision::Action;
use crate::reconcile::pass::Pass;

/// Removes at most one savepoint that is too much or too old from the status. Its files stay, unless an option asks for
/// their deletion: then Flink is asked first, and the savepoint is removed when Flink has accepted that.
pub(crate) fn remove_one(pass: &mut Pass<'_>) {
    let options = JobOptions::of_current(pass.inputs);
    let settings = pass.inputs.settings;
    let count_max = options
        .savepoint_count_max()
        .min(settings.savepoint_count_limit.unwrap_or(usize::MAX))
        .max(1);
    let age_max =
        options.savepoint_age_max().min(settings.savepoint_age_limit.unwrap_or(Duration::MAX));
    let job = &pass.status.job_status;
    let known = pass.known_state();
    let needed = [
        known.path(),
        job.savepoint_info.last_savepoint.as_ref().and_then(|last| last.location.as_deref()),
    ];
    let history = &job.savepoint_info.savepoint_history;
    let Some(index) = first_to_remove(history, count_max, age_max, pass.inputs.now, &needed) else {
        return;
    };
    let savepoint = pass.status.job_status.savepoint_info.savepoint_history.remove(index);
    let is_deleted = is_of_the_operator(&savepoint) && options.deletes_savepoints();
    if let Some(path) = savepoint.location.filter(|_| is_deleted) {
        pass.act(Action::DisposeSavepoint { path });
    }
}

/// Taken by schedule or for an upgrade. All others are the user's, and their files stay.
fn is_of_the_operator(savepoint: &Savepoint) -> bool {
    matches!(
        savepoint.trigger_type,
        Some(SnapshotTriggerType::Periodic | SnapshotTriggerType::Upgrade)
    )
}

/// The first that is not kept: of too many the oldest, else one that is too old. The newest always stays, and so does what
/// a start of the job may need.
fn first_to_remove(
    history: &[Savepoint],
    count_max: usize,
    age_max: Duration,
    now: Timestamp,
    needed: &[Option<&str>],
) -> Option<usize> {
    let (_, older) = history.split_last()?;
    let too_many = history.len() > count_max;
    older.iter().position(|savepoint| {
        let taken = Timestamp::from_millisecond(savepoint.time_stamp).unwrap_or(now);
        let age = Duration::try_from(now.duration_since(taken)).unwrap_or_default();
        let is_needed =
            savepoint.location.is_some() && needed.contains(&savepoint.location.as_deref());
        (too_many || age > age_max) && !is_needed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        taken_at: &[i64],
        count_max: usize,
        age_max: u64,
        needed: &str,
        expected: Option<usize>,
    ) {
        let history: Vec<Savepoint> = taken_at
            .iter()
            .map(|second| Savepoint {
                time_stamp: second * 1_000,
                location: Some(second.to_string()),
                ..Savepoint::default()
            })
            .collect();
        let now = Timestamp::from_second(100).unwrap();
        let age_max = Duration::from_secs(age_max);
        let needed = [Some(needed), None];
        assert_eq!(first_to_remove(&history, count_max, age_max, now, &needed), expected);
    }

    #[test]
    fn of_too_many_the_oldest_goes_and_the_newest_stays() {
        check(&[], 1, 1_000, "", None);
        check(&[10], 1, 1_000, "", None);
        check(&[10, 20], 2, 1_000, "", None);
        check(&[10, 20, 30], 2, 1_000, "", Some(0));
        check(&[10, 20], 1, 1_000, "", Some(0));
    }

    #[test]
    fn what_is_too_old_goes_except_the_newest() {
        check(&[10, 20, 95], 10, 50, "", Some(0));
        check(&[60, 20, 95], 10, 50, "", Some(1));
        check(&[10], 10, 50, "", None);
    }

    #[test]
    fn what_a_start_may_need_stays_whatever_its_age() {
        check(&[10, 20, 95], 10, 50, "10", Some(1));
        check(&[10, 95], 1, 50, "10", None);
    }
}
