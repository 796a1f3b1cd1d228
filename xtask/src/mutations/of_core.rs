//! Faults in decisions, records and the comparison of specs.

use super::Mutation;
use super::Test::Core;

const CREATE: &str = "crates/flink-operator-core/src/cluster/create.rs";
const REPLACE: &str = "crates/flink-operator-core/src/cluster/replace.rs";
const DELETION: &str = "crates/flink-operator-core/src/deployment/deletion.rs";
const STRATEGY: &str = "crates/flink-operator-core/src/job/upgrade/strategy.rs";
const STATE: &str = "crates/flink-operator-core/src/cluster/state.rs";
const TEARDOWN: &str = "crates/flink-operator-core/src/cluster/teardown.rs";
const SNAPSHOTS: &str = "crates/flink-operator-core/src/job/snapshots/request.rs";
const STOP: &str = "crates/flink-operator-core/src/job/upgrade/stop_with_savepoint.rs";
const TRANSITION: &str = "crates/flink-operator-core/src/job/upgrade/transition.rs";
const RECORD: &str = "crates/flink-operator-core/src/record.rs";

pub(super) const MUTATIONS: &[Mutation] = &[
    // Intents.
    Mutation {
        name: "intent-of-a-creation-not-recorded",
        effect: "After a crash nobody knows that a cluster was being created, nor under which job id.",
        file: CREATE,
        find: "pass.record(&Because::Deploying);",
        replace: "",
        test: Core("first_deployment_records_its_intent_before_it_creates_and_its_success_after"),
    },
    Mutation {
        name: "success-recorded-before-the-creation",
        effect: "A creation that fails half way counts as done, and what is missing is never made.",
        file: CREATE,
        find: "pass.record(&Because::Deploying);",
        replace: "plan.record_success(&mut pass); pass.record(&Because::Deploying);",
        test: Core("first_deployment_records_its_intent_before_it_creates_and_its_success_after"),
    },
    Mutation {
        name: "cluster-deleted-before-the-intent",
        effect: "A crash after the deletion leaves a cluster that is gone and a status that says it runs.",
        file: TRANSITION,
        find: "    pass.record(&because);\n",
        replace: "",
        test: Core(
            "stateless_change_takes_the_old_cluster_down_and_then_makes_a_new_one_with_a_new_job_id",
        ),
    },
    Mutation {
        name: "spec-recorded-as-running-before-it-runs",
        effect: "Whoever reads the record during an upgrade, the Java operator too, takes the new spec for deployed.",
        file: RECORD,
        find: "record(status, deployed, state, Some(JobState::Suspended))",
        replace: "record(status, deployed, state, deployed.spec.job().and_then(|job| job.state.clone()))",
        test: Core("every_recorded_change_comes_out_as_the_java_operator_wrote_it"),
    },
    // What could not be seen.
    Mutation {
        name: "unseen-deployment-is-absent",
        effect: "A cache that cannot be read looks like a lost cluster, and a second one is made beside it.",
        file: STATE,
        find: "Seen::Unknown { why } => return ClusterState::Unknown { why: why.clone() },",
        replace: "Seen::Unknown { .. } => return ClusterState::Gone,",
        test: Core("unseen_deployment_is_never_taken_for_an_absent_one"),
    },
    Mutation {
        name: "silent-job-manager-has-no-job",
        effect: "A JobManager that is busy is reported as one that has lost its job.",
        file: STATE,
        find: "Seen::Unknown { why } => ClusterState::RestUnavailable { why: why.clone() },",
        replace: "Seen::Unknown { .. } => ClusterState::JobNotListed,",
        test: Core("silent_job_manager_is_not_a_missing_job"),
    },
    Mutation {
        name: "end-of-a-job-without-its-last-checkpoint",
        effect: "A failed job of which the last checkpoint was not seen is started again from nothing.",
        file: STATE,
        find: "Seen::Unknown { why } if is_globally_terminal(state) && !was_terminal(pass) => {",
        replace: "Seen::Unknown { why } if why.is_empty() => {",
        test: Core("fear_03_failed_job_is_not_started_again_before_its_last_checkpoint_is_known"),
    },
    Mutation {
        name: "unseen-ha-data-are-absent-for-a-change",
        effect: "While the API server does not answer, a change takes the job for one without state.",
        file: STRATEGY,
        find: "unknown @ Seen::Unknown { .. } => Err(ask(unknown, Ask::HaData)),",
        replace: "Seen::Unknown { .. } => Ok(false),",
        test: Core("last_state_keeps_the_high_availability_data_or_else_cancels"),
    },
    Mutation {
        name: "unseen-checkpoints-are-none",
        effect: "While the JobManager does not answer, a job that does not run is taken for one without a checkpoint.",
        file: STRATEGY,
        find: "unknown @ Seen::Unknown { .. } => Err(ask(unknown, Ask::Checkpoints)),",
        replace: "Seen::Unknown { .. } => Ok(&NONE),",
        test: Core("nothing_ever_starts_empty_but_a_job_that_has_no_state"),
    },
    Mutation {
        name: "unseen-ha-data-are-absent-for-a-lost-cluster",
        effect: "A lost cluster comes back empty, or is given up, because one list of ConfigMaps has failed.",
        file: "crates/flink-operator-core/src/cluster/recover.rs",
        find: "Seen::Unknown { why } if pass.needs_ha_answer() => {",
        replace: "Seen::Unknown { why } if why.is_empty() => {",
        test: Core("high_availability_data_of_a_lost_cluster_are_asked_for_until_they_are_seen"),
    },
    Mutation {
        name: "unseen-ha-data-are-absent-for-a-deletion",
        effect: "The finalizer goes while ConfigMaps are left behind, which the next resource of that name starts from.",
        file: DELETION,
        find: "            Seen::Unknown { why } => {
                let why = why.clone();
                let requeue = Requeue::After(pass.inputs.settings.progress_interval);
                return pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue);
            }
            Seen::Present(_) | Seen::Absent => {}",
        replace: "            Seen::Present(_) | Seen::Absent | Seen::Unknown { .. } => {}",
        test: Core("deletion_cancels_waits_deletes_and_lets_go"),
    },
    // Where a job starts from.
    Mutation {
        name: "restore-from-the-initial-savepoint-again",
        effect: "An upgrade goes back to the savepoint that the job had once started from.",
        file: "crates/flink-operator-core/src/cluster/plan.rs",
        find: "path.map_or(Restore::Empty, |path| Restore::Savepoint { path: path.to_owned() })",
        replace:
            "self.spec.job.as_ref().and_then(|job| job.initial_savepoint_path.as_deref()).or(path)
                    .map_or(Restore::Empty, |path| Restore::Savepoint { path: path.to_owned() })",
        test: Core("upgrade_does_not_go_back_to_the_savepoint_that_the_job_had_once_started_from"),
    },
    Mutation {
        name: "restore-from-the-previous-savepoint",
        effect: "An upgrade goes back to the savepoint before the one that it has just taken.",
        file: STOP,
        find: "job.upgrade_savepoint_path = Some(location.to_owned());",
        replace: "let last = job.savepoint_info.last_savepoint.as_ref();
    job.upgrade_savepoint_path =
        last.and_then(|last| last.location.clone()).or_else(|| Some(location.to_owned()));",
        test: Core("no_walk_goes_back_behind_the_newest_state_or_runs_the_job_twice"),
    },
    Mutation {
        name: "savepoint-of-before-the-start-counts",
        effect: "A change of a job that has failed goes back to a savepoint from before its last start.",
        file: "crates/flink-operator-core/src/reconcile/pass.rs",
        find: "started.is_none_or(|started| savepoint.time_stamp >= started);",
        replace: "started.is_none_or(|started| savepoint.time_stamp >= started.min(0));",
        test: Core("savepoint_from_before_the_jobs_start_is_not_where_it_goes_on"),
    },
    Mutation {
        name: "failed-savepoint-counts-as-an-end",
        effect: "A savepoint that fails lets the upgrade go on: the job is stopped and starts empty.",
        file: STOP,
        find: "Some(_) | None => Progress::Failed { message: message.clone() },",
        replace: "Some(_) | None => { let _ = message; Progress::Ended(None) }",
        test: Core("savepoint_that_fails_leaves_the_job_running_and_is_tried_again_later"),
    },
    Mutation {
        name: "stateless-although-a-savepoint-is-asked-for",
        effect: "With upgradeMode savepoint a running job is thrown away and starts empty.",
        file: STRATEGY,
        find: "if facts.is_running() {
            return Ok(Choice::Go { stop: StopMethod::Savepoint, from: RestoreFrom::Path });",
        replace: "if facts.is_running() {
            return Ok(Choice::Go { stop: StopMethod::Discard, from: RestoreFrom::Empty });",
        test: Core("savepoint_is_taken_of_a_running_job_and_of_no_other"),
    },
    Mutation {
        name: "stopped-before-the-first-checkpoint",
        effect: "An upgrade a moment after the start loses everything that the job has done since.",
        file: STRATEGY,
        find: "Ok(if has_checkpoint {",
        replace: "Ok(if has_checkpoint || self.is_running() {",
        test: Core("running_job_is_not_stopped_before_its_first_checkpoint"),
    },
    Mutation {
        name: "ha-data-of-another-version-are-read",
        effect: "A new version of Flink is started on high availability data that it cannot read, and never comes up.",
        file: STRATEGY,
        find: "    if facts.version_changed {
        return if",
        replace: "    if facts.version_changed && facts.never_available {
        return if",
        test: Core("another_version_of_flink_never_reads_old_high_availability_data"),
    },
    Mutation {
        name: "rollback-from-an-older-state",
        effect: "A change that is rolled back loses what the job had done since its last savepoint.",
        file: "crates/flink-operator-core/src/job/upgrade/rollback.rs",
        find: "newest.and_then(|newest| newest.path.clone()).or_else(|| pass.last_known_path())",
        replace: "newest.and_then(|_| pass.last_known_path())",
        test: Core("rollback_goes_on_from_the_checkpoint_that_was_completed_since_the_change"),
    },
    Mutation {
        name: "rollback-recorded-as-deployed",
        effect: "The spec that did not work counts as the one that runs, and is the next one to go back to.",
        file: RECORD,
        find: "ReconciliationState::RollingBack => ReconciliationState::RolledBack,",
        replace: "ReconciliationState::RollingBack => ReconciliationState::Deployed,",
        test: Core("a_rollback_keeps_the_record_of_what_did_not_work"),
    },
    Mutation {
        name: "upgrade-mode-recorded-as-asked-for",
        effect: "A job that was left to its high availability data is looked for in a savepoint that was never taken.",
        file: TRANSITION,
        find: "job.upgrade_mode = Some(from.recorded());
    }
    pass.publish(",
        replace: "job.upgrade_mode = Some(change.mode.clone());
    }
    pass.publish(",
        test: Core(
            "stop_with_a_savepoint_of_a_silent_job_manager_goes_on_from_the_last_state_in_the_end",
        ),
    },
    Mutation {
        name: "suspended-job-wakes-up",
        effect: "A job that is being suspended starts again when an invalid edit comes in between.",
        file: TRANSITION,
        find: "Some(JobState::Suspended) => JobState::Suspended,",
        replace: "Some(JobState::Suspended) => JobState::Running,",
        test: Core("invalid_edit_does_not_wake_a_job_that_is_being_suspended"),
    },
    // Job ids and high availability data.
    Mutation {
        name: "new-job-id-for-the-last-state",
        effect: "Flink looks for its checkpoints under the new id, finds none and starts empty.",
        file: CREATE,
        find: "pass.status.job_status.job_id.clone().filter(|_| last_state);",
        replace: "pass.status.job_status.job_id.clone().filter(|_| last_state && plan.generation < 0);",
        test: Core("last_state_upgrade_deletes_the_deployment_keeps_the_data_and_the_job_id"),
    },
    Mutation {
        name: "old-job-id-for-a-new-start",
        effect: "Traces of the old job are taken for the new one's: it counts as ended before it has begun.",
        file: CREATE,
        find: "pass.status.job_status.job_id.clone().filter(|_| last_state);",
        replace: "pass.status.job_status.job_id.clone().filter(|_| last_state || plan.generation > 0);",
        test: Core("new_start_after_a_failed_job_has_a_new_id"),
    },
    Mutation {
        name: "ha-data-deleted-for-the-last-state",
        effect: "A last-state upgrade deletes the only note of where the last checkpoint is.",
        file: REPLACE,
        find: "pass.act(Action::ForgetJobGraphs);",
        replace: "pass.act(Action::DeleteHaData);",
        test: Core("last_state_upgrade_deletes_the_deployment_keeps_the_data_and_the_job_id"),
    },
    Mutation {
        name: "ha-data-kept-for-an-empty-start",
        effect: "A job that is to start empty, or from a savepoint, goes on from what the old one has left.",
        file: REPLACE,
        find: "Seen::Present(data) if !data.config_maps.is_empty() => {",
        replace: "Seen::Present(data) if data.config_maps.len() > 1_000 => {",
        test: Core("old_high_availability_data_goes_before_a_job_starts_empty"),
    },
    Mutation {
        name: "deployment-of-another-owner-is-replaced",
        effect: "A Deployment of somebody else that has the name of a resource is deleted.",
        file: "crates/flink-operator-core/src/cluster/deploy.rs",
        find: "Some(deployment) if deployment.owner != Owner::This => {",
        replace: "Some(deployment) if deployment.uid.is_empty() => {",
        test: Core("deployment_of_another_owner_stays_whatever_happens"),
    },
    // Deletion.
    Mutation {
        name: "finalizer-goes-before-the-cluster",
        effect: "The resource is gone while its pods still run and write; another one of its name runs beside them.",
        file: DELETION,
        find: "if !is_overdue(pass.inputs) {",
        replace: "if !ends {",
        test: Core("deletion_cancels_waits_deletes_and_lets_go"),
    },
    Mutation {
        name: "deadline-of-a-deletion-never-reached",
        effect: "Pods on a node that is gone hold a deletion for ever.",
        file: DELETION,
        find: "elapsed(inputs) > savepoint + inputs.settings.cancel_timeout + inputs.settings.cleanup_timeout",
        replace: "elapsed(inputs) > savepoint.max(Duration::MAX)",
        test: Core("pods_that_do_not_end_are_left_to_kubernetes_in_the_end"),
    },
    Mutation {
        name: "ha-data-stay-after-a-deletion",
        effect: "ConfigMaps of deleted resources pile up, and the next resource of that name starts from them.",
        file: DELETION,
        find: "(None, recorded) => finish(pass, recorded.is_some()),",
        replace: "(None, _) => finish(pass, false),",
        test: Core("deletion_cancels_waits_deletes_and_lets_go"),
    },
    // Waiting.
    Mutation {
        name: "requeue-of-a-stop-forgotten",
        effect: "An upgrade with a savepoint stands still, for nothing wakes the pass that would see it complete.",
        file: STOP,
        find: "    let requeue = Requeue::After(poll(&pass));\n",
        replace: "    let requeue = if poll(&pass).is_zero() { Requeue::Now } else { Requeue::OnChange };\n",
        test: Core(
            "savepoint_upgrade_records_the_request_sends_it_and_keeps_the_path_before_anything_is_deleted",
        ),
    },
    Mutation {
        name: "another-trigger-id-for-the-same-stop",
        effect: "A request that is repeated is a second one for Flink, which fails the first one's savepoint.",
        file: STOP,
        find: "(job.job_id.clone(), job.savepoint_info.trigger_id.clone())",
        replace: "(job.job_id.clone(), Some(pass.inputs.ids.trigger_id.clone()))",
        test: Core("request_that_was_lost_is_sent_again_under_the_same_id"),
    },
    Mutation {
        name: "time-of-the-periodic-savepoint-not-recorded",
        effect: "A savepoint by the clock is taken again as soon as the last one is there.",
        file: SNAPSHOTS,
        find: "job.savepoint_info.last_periodic_savepoint_timestamp = now.as_millisecond();",
        replace: "",
        test: Core("periodic_savepoint_is_taken_when_it_is_due_and_not_twice"),
    },
    Mutation {
        name: "nonce-recorded-before-its-savepoint",
        effect: "A savepoint that was asked for together with a change is never taken.",
        file: RECORD,
        find: "job.savepoint_trigger_nonce = previous.savepoint_trigger_nonce;",
        replace: "",
        test: Core("a_recording_clears_the_error_and_keeps_the_nonces_of_the_record"),
    },
    Mutation {
        name: "savepoint-that-a-start-needs-is-deleted",
        effect: "Retention deletes the savepoint that the suspended job was to go on from.",
        file: "crates/flink-operator-core/src/job/snapshots/retention.rs",
        find: " && !is_needed",
        replace: " && (!is_needed || too_many || age > age_max)",
        test: Core("what_a_start_may_need_stays_whatever_its_age"),
    },
    // What is told.
    Mutation {
        name: "status-written-although-unchanged",
        effect: "Every look at every running job costs a write, and wakes everybody who watches.",
        file: "crates/flink-operator-core/src/reconcile/pass.rs",
        find: "if self.status != self.recorded {
            if progress",
        replace: "if self.status != self.recorded || self.actions.is_empty() {
            if progress",
        test: Core("idle_pass_does_nothing"),
    },
    Mutation {
        name: "error-that-is-over-stays",
        effect: "A resource that works shows the error of last week.",
        file: "crates/flink-operator-core/src/deployment/running.rs",
        find: "        status.error = None;\n",
        replace: "",
        test: Core("recorded_mended_spec_is_taken_at_once_and_its_error_goes"),
    },
    Mutation {
        name: "generation-not-observed",
        effect: "Tools that wait for observedGeneration wait for ever.",
        file: RECORD,
        find: "        status.set_observed_generation(deployed.generation);\n",
        replace: "",
        test: Core("fear_17_generation_is_observed_in_every_state_that_a_user_asks_for"),
    },
    Mutation {
        name: "exceptions-told-again-and-again",
        effect: "Every look at a job tells its old exceptions anew.",
        file: "crates/flink-operator-core/src/job/exceptions.rs",
        find: "    remember(pass, newest);\n",
        replace: "    let _ = (newest, remember);\n",
        test: Core("exceptions_that_were_told_are_not_told_again_by_another_process"),
    },
    Mutation {
        name: "same-failure-told-at-each-attempt",
        effect: "A savepoint that goes on failing floods the events of the namespace.",
        file: "crates/flink-operator-core/src/reconcile/pass.rs",
        find: "if before != self.status.error.as_ref() {",
        replace: "if before.is_none() || self.status.error.is_some() {",
        test: Core("fear_09_savepoint_that_goes_on_failing_is_one_event"),
    },
    Mutation {
        name: "change-of-arguments-ignored",
        effect: "A change of the job's arguments is accepted and never deployed.",
        file: "crates/flink-operator-core/src/diff/rules.rs",
        find: "field(\"args\", Upgrade),",
        replace: "field(\"args\", Ignore),",
        test: Core("a_change_of_a_field_asks_for_what_the_table_says"),
    },
    Mutation {
        name: "absence-not-confirmed",
        effect: "A cache that is behind makes a running cluster look lost, and the operator acts upon that.",
        file: "crates/flink-operator-core/src/deployment/running.rs",
        find: "            && !observed.absence_confirmed;
        // A loss",
        replace: "            && observed.absence_confirmed;
        // A loss",
        test: Core("job_manager_that_vanishes_while_the_job_stops_leaves_the_last_state"),
    },
    Mutation {
        name: "task-managers-go-before-their-job-manager",
        effect: "A job that Flink does not start again has FAILED in its last-state upgrade, and its data are gone.",
        file: TEARDOWN,
        find: "Replicas::Wanted if leaves_ha_data => Some(Action::StopJobManager { uid }),",
        replace: "Replicas::Wanted if leaves_ha_data => Some(Action::DeleteJobManager { uid }),",
        test: Core("job_manager_ends_before_its_task_managers_where_its_data_is_to_stay"),
    },
    Mutation {
        name: "job-manager-that-ends-is-not-awaited",
        effect: "The JobManager that is still ending sees its TaskManagers go, and the job fails all the same.",
        file: TEARDOWN,
        find: "Replicas::Ended if leaves_ha_data && running(pass).next().is_some() => None,",
        replace: "Replicas::Ended if leaves_ha_data && running(pass).nth(9).is_some() => None,",
        test: Core("job_manager_ends_before_its_task_managers_where_its_data_is_to_stay"),
    },
    Mutation {
        name: "job-that-was-not-restored-yet-has-no-state",
        effect: "A second change a moment after a start from a savepoint starts the job empty.",
        file: STRATEGY,
        find: "Some(_) => Ok(Choice::Go { stop: StopMethod::Cancel, from: RestoreFrom::Path }),",
        replace: "Some(_) => Ok(Choice::Go { stop: StopMethod::Cancel, from: RestoreFrom::NoState }),",
        test: Core("job_that_was_not_restored_yet_goes_on_from_where_it_was_to_start"),
    },
    Mutation {
        name: "job-without-a-checkpoint-is-left-to-its-data",
        effect: "A job that fails while its cluster is taken down leaves nothing behind, and its change is held for a state that it never had.",
        file: STRATEGY,
        find: "if self.is_running() { self.has_ha_data() } else { self.has_ha_checkpoint() }",
        replace: "self.has_ha_data()",
        test: Core("job_without_a_checkpoint_in_its_data_is_cancelled_and_its_end_is_seen"),
    },
    Mutation {
        name: "stateless-is-ignored-during-an-upgrade",
        effect: "A job whose state is lost cannot be started empty, and one that is to start empty does not.",
        file: REPLACE,
        find: "(stateful && edited && stateless && !is_chosen && !going_back).then_some(desired)",
        replace: "(stateful && edited && stateless && !is_chosen && going_back).then_some(desired)",
        test: Core(
            "edit_to_stateless_during_an_upgrade_starts_the_job_empty_and_tells_of_what_is_left_behind",
        ),
    },
    Mutation {
        name: "chosen-savepoint-is-given-up",
        effect: "Another edit right after savepointRedeployNonce starts a job of mode stateless empty, not from the savepoint.",
        file: REPLACE,
        find: "let is_chosen = path.is_some() && path == chosen;",
        replace: "let is_chosen = path.is_none() && path == chosen;",
        test: Core(
            "edit_of_something_else_does_not_take_the_chosen_savepoint_from_a_stateless_job",
        ),
    },
    Mutation {
        name: "refused-creation-takes-its-error-back",
        effect: "While a creation is refused, each try writes the status twice, and its condition goes to and fro.",
        file: CREATE,
        find: "if intent == Intent::IsNew {",
        replace: "if [Intent::IsNew, Intent::IsRecorded].contains(&intent) {",
        test: Core("creation_that_is_refused_again_writes_nothing"),
    },
    Mutation {
        name: "suspension-waits-for-lost-data",
        effect: "A resumption that is held for lost data cannot be taken back: the job counts as lost, not as suspended.",
        file: REPLACE,
        find: "if last_state && !runs => None,",
        replace: "if last_state && !runs && !last_state => None,",
        test: Core("resumption_that_is_held_for_lost_data_can_be_taken_back"),
    },
    Mutation {
        name: "deletion-does-not-await-pods-without-a-deployment",
        effect: "The resource is gone while the pods of a Deployment that was deleted by hand still run, and the next of its name runs beside them.",
        file: DELETION,
        find: "deployment.is_some() || recorded.is_some() && teardown::running(&pass).next().is_some();",
        replace: "deployment.is_some();",
        test: Core("pods_of_a_deployment_that_is_gone_already_are_awaited"),
    },
    Mutation {
        name: "job-that-ends-in-its-recovery-keeps-its-old-path",
        effect: "A job that ends while a new JobManager brings it back goes to the savepoint that it had once started from.",
        file: "crates/flink-operator-core/src/job/ha_recovery.rs",
        find: "if ended && !is_main_failed(&job.name) && may_be(pass, job) {",
        replace: "if !ended && !is_main_failed(&job.name) && may_be(pass, job) {",
        test: Core("job_that_ends_in_its_recovery_is_held_until_the_user_says_where_it_goes_on"),
    },
    Mutation {
        name: "deployment-of-an-old-leader-stays",
        effect: "A job runs although it is suspended: a request of a process that was cut off has arrived late.",
        file: TEARDOWN,
        find: "stands.filter(|_| is_gone).map(",
        replace: "stands.filter(|_| is_gone && false).map(",
        test: Core("deployment_that_appears_while_nothing_is_to_run_is_taken_back"),
    },
];
