//! Faults in decisions, records and the comparison of specs.

use super::Mutation;
use super::Test::Core;

const CREATE: &str = "crates/flink-operator-core/src/cluster/create.rs";
const REPLACE: &str = "crates/flink-operator-core/src/cluster/replace.rs";
const DELETION: &str = "crates/flink-operator-core/src/deployment/deletion.rs";
const SESSION_DELETION: &str = "crates/flink-operator-core/src/deployment/deletion/session.rs";
const STRATEGY: &str = "crates/flink-operator-core/src/job/upgrade/strategy.rs";
const STATE: &str = "crates/flink-operator-core/src/cluster/state.rs";
const TEARDOWN: &str = "crates/flink-operator-core/src/cluster/teardown.rs";
const SNAPSHOTS: &str = "crates/flink-operator-core/src/job/snapshots/request.rs";
const STOP: &str = "crates/flink-operator-core/src/job/upgrade/stop_with_savepoint.rs";
const TRANSITION: &str = "crates/flink-operator-core/src/job/upgrade/transition.rs";
const RETENTION: &str = "crates/flink-operator-core/src/job/snapshots/retention.rs";
const PLAN: &str = "crates/flink-operator-core/src/cluster/plan.rs";
const RECOVER: &str = "crates/flink-operator-core/src/cluster/recover.rs";
const PASS: &str = "crates/flink-operator-core/src/reconcile/pass.rs";
const JOB_STATUS: &str = "crates/flink-operator-core/src/job/update_status.rs";
const ENDED: &str = "crates/flink-operator-core/src/job/ended.rs";
const AUTOSCALER: &str = "crates/flink-operator-core/src/validate/autoscaler.rs";
const LAST_VALID: &str = "crates/flink-operator-core/src/deployment/last_valid.rs";
const RUNNING: &str = "crates/flink-operator-core/src/deployment/running.rs";
const RECORD: &str = "crates/flink-operator-core/src/record.rs";

pub(super) const MUTATIONS: &[Mutation] = &[
    // Intents.
    Mutation {
        name: "creation-intent-not-recorded",
        effect: "After a crash the operator does not know that it was creating a cluster, nor the job id.",
        file: CREATE,
        find: "pass.record(&Because::Deploying);",
        replace: "",
        test: Core("first_deployment_records_its_intent_before_it_creates_and_its_success_after"),
    },
    Mutation {
        name: "success-recorded-before-the-creation",
        effect: "A creation that fails half way counts as complete, and the missing objects are never created.",
        file: CREATE,
        find: "pass.record(&Because::Deploying);",
        replace: "plan.record_success(&mut pass); pass.record(&Because::Deploying);",
        test: Core("first_deployment_records_its_intent_before_it_creates_and_its_success_after"),
    },
    Mutation {
        name: "cluster-deleted-before-the-intent-is-recorded",
        effect: "After a crash the cluster is deleted, but the status says that it runs.",
        file: TRANSITION,
        find: "    pass.record(&because);\n",
        replace: "",
        test: Core(
            "stateless_change_takes_the_old_cluster_down_and_then_makes_a_new_one_with_a_new_job_id",
        ),
    },
    Mutation {
        name: "spec-recorded-as-running-before-it-runs",
        effect: "During an upgrade, everybody who reads the status (also the Java operator) takes the new spec for deployed.",
        file: RECORD,
        find: "record(status, deployed, state, Some(JobState::Suspended))",
        replace: "record(status, deployed, state, deployed.spec.job().and_then(|job| job.state.clone()))",
        test: Core("every_recorded_change_comes_out_as_the_java_operator_wrote_it"),
    },
    // The newest spec is invalid.
    Mutation {
        name: "invalid-spec-stops-the-care-for-the-job",
        effect: "While the newest spec is invalid, no savepoint is taken by schedule and no failed job is restarted.",
        file: LAST_VALID,
        find: "validated.is_ok().then_some(",
        replace: "validated.is_err().then_some(",
        test: Core("periodic_savepoints_are_taken"),
    },
    Mutation {
        name: "pending-nonce-forgotten-in-an-invalid-spec",
        effect: "A savepoint that completes while the spec is invalid is taken once more when the spec is valid again.",
        file: LAST_VALID,
        find: "job.savepoint_trigger_nonce = raw.savepoint_trigger_nonce;",
        replace: "",
        test: Core("savepoint_that_is_under_way_is_recorded_with_its_nonce"),
    },
    Mutation {
        name: "operator-options-not-recorded",
        effect: "Operator options that were edited after the deployment have no effect while the newest spec is invalid.",
        file: RUNNING,
        find: "pass.record.options(&mut pass.status, &desired.spec);",
        replace: "pass.record.options(&mut pass.status, &recorded.spec);",
        test: Core("lost_cluster_stays_away_where_recovery_is_off"),
    },
    // What outsiders have found.
    Mutation {
        name: "savepoint-of-a-user-is-deleted",
        effect: "Retention deletes the files of a savepoint that a user has asked for.",
        file: RETENTION,
        find: "is_of_the_operator(&savepoint) && options.deletes_savepoints()",
        replace: "options.deletes_savepoints()",
        test: Core("savepoints_of_users_are_never_deleted_and_others_where_an_option_asks_for_it"),
    },
    Mutation {
        name: "options-derived-from-the-recorded-mode",
        effect: "The first start of a last-state job takes no checkpoints, and its next change waits for one.",
        file: PLAN,
        find: "job.upgrade_mode.clone_from(&user.upgrade_mode);",
        replace: "let _ = (job, user);",
        test: Core("first_start_of_a_last_state_job_takes_checkpoints"),
    },
    Mutation {
        name: "ha-data-of-one-side-is-enough",
        effect: "A job whose high availability is switched off is left to HA data that its next cluster does not read.",
        file: STRATEGY,
        find: "        if !self.keeps_ha_data {\n            return Ok(false);\n        }\n",
        replace: "",
        test: Core("high_availability_is_switched_off_in_an_edit_of_a_last_state_job"),
    },
    Mutation {
        name: "ha-data-of-the-deployed-spec-not-asked-for",
        effect: "HA data of a cluster whose high availability is switched off stay, and a later job may start from them.",
        file: PASS,
        find: "            || record::last_stable(&self.status).ok().flatten().is_some_and(|stable| keeps(&stable))",
        replace: "",
        test: Core("high_availability_is_switched_off_in_an_edit_of_a_last_state_job"),
    },
    Mutation {
        name: "retention-taken-from-the-configuration",
        effect: "A job whose program deletes checkpoints on cancellation is cancelled, and has no state then.",
        file: STRATEGY,
        find: "(newest.is_savepoint || self.checkpoints_outlive_cancellation()?)",
        replace: "(newest.is_savepoint || self.savepoint_directory)",
        test: Core("job_whose_program_deletes_checkpoints_on_cancellation_is_not_cancelled"),
    },
    Mutation {
        name: "deleted-checkpoint-is-a-restore-point",
        effect: "After its end a job starts from a checkpoint that Flink has deleted, and fails.",
        file: JOB_STATUS,
        find: "if lost { &RestoreFrom::Unknown } else { &RestoreFrom::NoState }",
        replace: "&RestoreFrom::NoState",
        test: Core("job_does_not_start_from_a_checkpoint_that_flink_has_deleted"),
    },
    Mutation {
        name: "silent-job-deleted-without-its-savepoint",
        effect: "A deletion with a savepoint goes on without it after a minute in which the JobManager did not respond.",
        file: DELETION,
        find: "if is_silent || elapsed(",
        replace: "if elapsed(",
        test: Core("deletion_with_a_savepoint_waits_for_a_job_manager_that_does_not_respond"),
    },
    Mutation {
        name: "lost-cluster-comes-back-beside-its-pods",
        effect: "After a background deletion of the Deployment, the new cluster starts while the old JobManager still runs.",
        file: RECOVER,
        find: "if teardown::running(&pass).next().is_some() {",
        replace: "if false {",
        test: Core("lost_cluster_does_not_come_back_beside_its_pods"),
    },
    Mutation {
        name: "stopped-again-and-again",
        effect: "A job that fails at each stop with a savepoint is stopped for ever, and leaves a savepoint each time.",
        file: STOP,
        find: ".count() >= ATTEMPTS_MAX",
        replace: ".count() > 100 * ATTEMPTS_MAX",
        test: Core(
            "job_that_fails_at_each_stop_keeps_its_savepoints_and_is_left_alone_after_three",
        ),
    },
    Mutation {
        name: "cancelled-job-is-up-to-date",
        effect: "Somebody cancels the job, nothing runs, and the resource is Ready.",
        file: ENDED,
        find: "Because::NeedsUser(Blocked::JobCancelled { message })",
        replace: "{ drop(message); Because::UpToDate }",
        test: Core("job_that_somebody_cancelled_is_not_ready"),
    },
    Mutation {
        name: "recorded-scaling-is-a-change",
        effect: "At the take-over from the Java operator each job that its autoscaler has scaled is restarted.",
        file: AUTOSCALER,
        find: "members.insert(job::PARALLELISM_OVERRIDES.key.to_owned(), overrides.clone().into());",
        replace: "let _ = (members, overrides);",
        test: Core("job_that_the_java_autoscaler_has_scaled_goes_on_and_keeps_its_parallelism"),
    },
    // Unknown is not absent.
    Mutation {
        name: "unknown-deployment-is-absent",
        effect: "If the cache of Deployments cannot be read, the cluster counts as lost, and a second one is created.",
        file: STATE,
        find: "Seen::Unknown { why } => return ClusterState::Unknown { why: why.clone() },",
        replace: "Seen::Unknown { .. } => return ClusterState::Gone,",
        test: Core("unseen_deployment_is_never_taken_for_an_absent_one"),
    },
    Mutation {
        name: "unreachable-job-manager-has-no-job",
        effect: "A JobManager that does not respond is reported as one that does not list its job.",
        file: STATE,
        find: "Seen::Unknown { why } => ClusterState::RestUnavailable { why },",
        replace: "Seen::Unknown { .. } => ClusterState::JobNotListed,",
        test: Core("silent_job_manager_is_not_a_missing_job"),
    },
    Mutation {
        name: "job-end-recorded-without-its-last-checkpoint",
        effect: "A failed job whose last checkpoint is unknown is restarted without state.",
        file: STATE,
        find: "Seen::Unknown { why } if is_globally_terminal(state) && !was_terminal(pass) => {",
        replace: "Seen::Unknown { why } if why.is_empty() => {",
        test: Core("fear_03_failed_job_is_not_started_again_before_its_last_checkpoint_is_known"),
    },
    Mutation {
        name: "unknown-ha-data-is-absent-in-an-upgrade",
        effect: "While the API server does not respond, an upgrade treats the job as one without state.",
        file: STRATEGY,
        find: "Asked::Answered(Seen::Unknown { why }) => Err(Choice::Unseen { why: why.clone() }),
            Asked::NotAsked => Err(Choice::Ask(Ask::HaData)),",
        replace: "Asked::Answered(Seen::Unknown { .. }) | Asked::NotAsked => Ok(false),",
        test: Core("last_state_keeps_the_high_availability_data_or_else_cancels"),
    },
    Mutation {
        name: "unknown-checkpoints-are-none",
        effect: "While the JobManager does not respond, a job that does not run counts as one without a checkpoint.",
        file: STRATEGY,
        find: "Asked::Answered(Seen::Unknown { why }) => Err(Choice::Unseen { why: why.clone() }),
            Asked::NotAsked => Err(Choice::Ask(Ask::Checkpoints)),",
        replace: "Asked::Answered(Seen::Unknown { .. }) | Asked::NotAsked => Ok(&NONE),",
        test: Core("nothing_ever_starts_empty_but_a_job_that_has_no_state"),
    },
    Mutation {
        name: "unknown-ha-data-is-absent-in-a-recovery",
        effect: "If one list request for ConfigMaps fails, a lost cluster is recovered without state, or not at all.",
        file: "crates/flink-operator-core/src/cluster/recover.rs",
        find: "Seen::Unknown { why } if pass.may_have_ha_data() => {",
        replace: "Seen::Unknown { why } if why.is_empty() => {",
        test: Core("high_availability_data_of_a_lost_cluster_are_asked_for_until_they_are_seen"),
    },
    Mutation {
        name: "unknown-ha-data-is-absent-in-a-deletion",
        effect: "The finalizer is removed while HA ConfigMaps still exist, and the next resource of this name restores from them.",
        file: DELETION,
        find: "        Asked::Answered(Seen::Unknown { why }) => {
            let why = why.clone();
            let requeue = Requeue::After(pass.inputs.settings.progress_interval);
            pass.end(Because::WaitingFor(Wait::ClusterState { why }), requeue).into()
        }
",
        replace: "        Asked::Answered(Seen::Unknown { .. }) => finish(pass),\n",
        test: Core("deletion_cancels_waits_deletes_and_lets_go"),
    },
    // The state that a job is restored from.
    Mutation {
        name: "initial-savepoint-restored-again",
        effect: "An upgrade restores the savepoint that the job was first started from.",
        file: "crates/flink-operator-core/src/cluster/plan.rs",
        find: "let from = RestoreFrom::of_record(self.upgrade_mode().as_ref(), known);",
        replace: "let initial = self.spec.job.as_ref().and_then(|job| job.initial_savepoint_path.clone());
        let known = RestoreFrom::at(initial.or(known.path().map(str::to_owned)));
        let from = RestoreFrom::of_record(self.upgrade_mode().as_ref(), known);",
        test: Core("upgrade_does_not_go_back_to_the_savepoint_that_the_job_had_once_started_from"),
    },
    Mutation {
        name: "previous-savepoint-restored",
        effect: "An upgrade restores an older savepoint than the one that it has just taken.",
        file: STOP,
        find: "pass.set_restore(&RestoreFrom::Path(location.to_owned()));",
        replace: "let last = pass.status.job_status.savepoint_info.last_savepoint.clone();
    let last = last.and_then(|last| last.location);
    pass.set_restore(&RestoreFrom::Path(last.unwrap_or_else(|| location.to_owned())));",
        test: Core("no_walk_goes_back_behind_the_newest_state_or_runs_the_job_twice"),
    },
    Mutation {
        name: "savepoint-from-before-the-last-start-restored",
        effect: "An upgrade of a failed job restores a savepoint from before the job's last start.",
        file: "crates/flink-operator-core/src/reconcile/pass.rs",
        find: "started.is_none_or(|started| savepoint.time_stamp >= started);",
        replace: "started.is_none_or(|started| savepoint.time_stamp >= started.min(0));",
        test: Core("savepoint_from_before_the_jobs_start_is_not_where_it_goes_on"),
    },
    Mutation {
        name: "failed-savepoint-counts-as-stopped",
        effect: "When a savepoint fails, the upgrade continues: the job is stopped and starts empty.",
        file: STOP,
        find: "Some(_) | None => Progress::Failed { message: message.clone(), savepoint: None },",
        replace: "Some(_) | None => { let _ = message; Progress::Ended(None) }",
        test: Core("savepoint_that_fails_leaves_the_job_running_and_is_tried_again_later"),
    },
    Mutation {
        name: "savepoint-mode-handled-as-stateless",
        effect: "With upgradeMode savepoint, a running job is stopped without a savepoint and starts empty.",
        file: STRATEGY,
        find: "if facts.is_running() {
            return Ok(Choice::Go { stop: StopMethod::Savepoint, from: RestoreFrom::Unknown });",
        replace: "if facts.is_running() {
            return Ok(Choice::Go { stop: StopMethod::DeleteCluster, from: RestoreFrom::Empty });",
        test: Core("savepoint_is_taken_of_a_running_job_and_of_no_other"),
    },
    Mutation {
        name: "stopped-before-the-first-checkpoint",
        effect: "An upgrade shortly after the start loses everything that the job has processed since.",
        file: STRATEGY,
        find: "Ok(if has_checkpoint {",
        replace: "Ok(if has_checkpoint || self.is_running() {",
        test: Core("running_job_is_not_stopped_before_its_first_checkpoint"),
    },
    Mutation {
        name: "ha-data-of-another-flink-version-restored",
        effect: "A new version of Flink starts with HA data that it cannot read, and never becomes ready.",
        file: STRATEGY,
        find: "    if facts.version_changed {
        return if",
        replace: "    if facts.version_changed && facts.never_available {
        return if",
        test: Core("another_version_of_flink_never_reads_old_high_availability_data"),
    },
    Mutation {
        name: "older-state-restored-by-a-rollback",
        effect: "A rollback loses everything that the job has processed since its last savepoint.",
        file: "crates/flink-operator-core/src/job/upgrade/rollback.rs",
        find: "(RestoreFrom::Path(_), Some(newest)) => RestoreFrom::Path(newest),",
        replace: "(RestoreFrom::Path(_), Some(_)) => pass.last_known(),",
        test: Core("rollback_goes_on_from_the_checkpoint_that_was_completed_since_the_change"),
    },
    Mutation {
        name: "rollback-recorded-as-deployed",
        effect: "The spec that failed counts as the deployed one, and the next rollback returns to it.",
        file: RECORD,
        find: "ReconciliationState::RollingBack => ReconciliationState::RolledBack,",
        replace: "ReconciliationState::RollingBack => ReconciliationState::Deployed,",
        test: Core("a_rollback_keeps_the_record_of_what_did_not_work"),
    },
    Mutation {
        name: "upgrade-mode-recorded-from-the-spec",
        effect: "A job that has to be restored from HA data is restored from a savepoint that was never taken.",
        file: TRANSITION,
        find: "    from.write_mode(spec.job.as_mut());\n",
        replace: "    if let Some(job) = &mut spec.job {
        job.upgrade_mode = Some(change.mode.clone());
    }\n",
        test: Core(
            "stop_with_a_savepoint_of_a_silent_job_manager_goes_on_from_the_last_state_in_the_end",
        ),
    },
    Mutation {
        name: "invalid-edit-restarts-a-suspended-job",
        effect: "A job that is being suspended is started again by an invalid edit.",
        file: LAST_VALID,
        find: "Some(JobState::Suspended) => JobState::Suspended,",
        replace: "Some(JobState::Suspended) => JobState::Running,",
        test: Core("invalid_edit_does_not_wake_a_job_that_is_being_suspended"),
    },
    Mutation {
        name: "new-deployment-has-the-age-of-the-old-job",
        effect: "A JobManager that does not respond right after its deployment is given no time, and the upgrade continues without a savepoint.",
        file: "crates/flink-operator-core/src/job/lifecycle.rs",
        find: "    set(job, FlinkJobStatus::Reconciling, now);\n",
        replace: "    set(job, FlinkJobStatus::Reconciling, since(job).unwrap_or(now));\n",
        test: Core("job_manager_of_a_new_deployment_is_given_a_minute_to_respond"),
    },
    Mutation {
        name: "change-of-tasks-counts-as-change-of-state",
        effect: "If the JobManager's clock is ahead, the cluster of an ended job is kept for too long.",
        file: "crates/flink-operator-core/src/job/exceptions.rs",
        find: "    pass.status.cluster_info.insert(SEEN_UNTIL.to_owned(), at.to_string());\n",
        replace: "    pass.status.job_status.update_time = Some((at, SEEN_UNTIL).0.to_string());\n",
        test: Core("change_of_tasks_is_no_change_of_the_jobs_state"),
    },
    // Job ids and high availability data.
    Mutation {
        name: "new-job-id-in-a-last-state-upgrade",
        effect: "Flink looks for its checkpoints under the new id, finds none and starts empty.",
        file: CREATE,
        find: "lifecycle::id(&pass.status.job_status).filter(|_| last_state);",
        replace: "lifecycle::id(&pass.status.job_status).filter(|_| last_state && plan.generation < 0);",
        test: Core("last_state_upgrade_deletes_the_deployment_keeps_the_data_and_the_job_id"),
    },
    Mutation {
        name: "old-job-id-in-a-new-start",
        effect: "Flink uses the results of the old job: the new job counts as finished before it has started.",
        file: CREATE,
        find: "lifecycle::id(&pass.status.job_status).filter(|_| last_state);",
        replace: "lifecycle::id(&pass.status.job_status).filter(|_| last_state || plan.generation > 0);",
        test: Core("new_start_after_a_failed_job_has_a_new_id"),
    },
    Mutation {
        name: "ha-data-deleted-in-a-last-state-upgrade",
        effect: "A last-state upgrade deletes the only record of the last checkpoint.",
        file: REPLACE,
        find: "pass.act(Action::ForgetJobGraphs);",
        replace: "pass.act(Action::DeleteHaData);",
        test: Core("last_state_upgrade_deletes_the_deployment_keeps_the_data_and_the_job_id"),
    },
    Mutation {
        name: "ha-data-kept-for-an-empty-start",
        effect: "A job that should start empty, or from a savepoint, restores the old job's state.",
        file: REPLACE,
        find: "Seen::Present(data) if !data.config_maps.is_empty() => {",
        replace: "Seen::Present(data) if data.config_maps.len() > 1_000 => {",
        test: Core("old_high_availability_data_goes_before_a_job_starts_empty"),
    },
    Mutation {
        name: "deployment-of-another-owner-is-replaced",
        effect: "A Deployment that has the resource's name but another owner is deleted.",
        file: "crates/flink-operator-core/src/cluster/deploy.rs",
        find: "Some(deployment) if deployment.owner != Owner::This => {",
        replace: "Some(deployment) if deployment.uid.is_empty() => {",
        test: Core("deployment_of_another_owner_stays_whatever_happens"),
    },
    // Deletion.
    Mutation {
        name: "finalizer-removed-before-the-cluster",
        effect: "The resource is deleted while its pods still run and write; a new resource of the same name runs a second cluster.",
        file: DELETION,
        find: "if !is_overdue(pass.inputs) {",
        replace: "if !ends {",
        test: Core("deletion_cancels_waits_deletes_and_lets_go"),
    },
    Mutation {
        name: "deletion-without-a-deadline",
        effect: "Pods on a lost node block a deletion forever.",
        file: DELETION,
        find: "waited > savepoint + inputs.settings.cancel_timeout + inputs.settings.cleanup_timeout",
        replace: "elapsed(inputs) > savepoint.max(Duration::MAX)",
        test: Core("pods_that_do_not_end_are_left_to_kubernetes_in_the_end"),
    },
    Mutation {
        name: "ha-data-kept-after-a-deletion",
        effect: "ConfigMaps of deleted resources accumulate, and the next resource of the same name restores from them.",
        file: DELETION,
        find: "(None, Some(_)) => delete_ha_data(pass),",
        replace: "(None, Some(_)) => finish(pass),",
        test: Core("deletion_cancels_waits_deletes_and_lets_go"),
    },
    // Waiting.
    Mutation {
        name: "no-requeue-during-a-stop-with-savepoint",
        effect: "An upgrade with a savepoint never continues, because no pass asks whether the savepoint is complete.",
        file: STOP,
        find: "    let requeue = Requeue::After(poll(&pass));\n",
        replace: "    let requeue = if poll(&pass).is_zero() { Requeue::Now } else { Requeue::OnChange };\n",
        test: Core(
            "savepoint_upgrade_records_the_request_sends_it_and_keeps_the_path_before_anything_is_deleted",
        ),
    },
    Mutation {
        name: "new-trigger-id-for-a-repeated-stop-request",
        effect: "Flink takes a repeated request for a second one, and the savepoint of the first one fails.",
        file: STOP,
        find: "(job.job_id.clone(), job.savepoint_info.trigger_id.clone())",
        replace: "(job.job_id.clone(), Some(pass.inputs.ids.trigger_id.clone()))",
        test: Core("request_that_was_lost_is_sent_again_under_the_same_id"),
    },
    Mutation {
        name: "time-of-the-periodic-savepoint-not-recorded",
        effect: "A periodic savepoint is taken again as soon as the last one is complete.",
        file: SNAPSHOTS,
        find: "job.savepoint_info.last_periodic_savepoint_timestamp = now.as_millisecond();",
        replace: "",
        test: Core("periodic_savepoint_is_taken_when_it_is_due_and_not_twice"),
    },
    Mutation {
        name: "nonce-recorded-before-its-savepoint",
        effect: "If a savepoint nonce and the spec change in one edit, the savepoint is never taken.",
        file: RECORD,
        find: "job.savepoint_trigger_nonce = previous.savepoint_trigger_nonce;",
        replace: "",
        test: Core("a_recording_clears_the_error_and_keeps_the_nonces_of_the_record"),
    },
    Mutation {
        name: "savepoint-that-a-start-needs-is-deleted",
        effect: "Retention deletes the savepoint that the suspended job has to be restored from.",
        file: "crates/flink-operator-core/src/job/snapshots/retention.rs",
        find: " && !is_needed",
        replace: " && (!is_needed || too_many || age > age_max)",
        test: Core("what_a_start_may_need_stays_whatever_its_age"),
    },
    // Status, conditions and events.
    Mutation {
        name: "unchanged-status-is-written",
        effect: "Each observation of each running job writes the status and triggers every watch.",
        file: "crates/flink-operator-core/src/reconcile/pass.rs",
        find: "if self.status != *self.recorded {
            if progress",
        replace: "if self.status != *self.recorded || self.actions.is_empty() {
            if progress",
        test: Core("idle_pass_does_nothing"),
    },
    Mutation {
        name: "resolved-error-stays-in-the-status",
        effect: "A resource that works shows an old error.",
        file: "crates/flink-operator-core/src/deployment/running.rs",
        find: "        status.error = None;\n",
        replace: "",
        test: Core("recorded_mended_spec_is_taken_at_once_and_its_error_goes"),
    },
    Mutation {
        name: "observed-generation-not-updated",
        effect: "Tools that wait for observedGeneration wait forever.",
        file: RECORD,
        find: "        status.set_observed_generation(deployed.generation);\n",
        replace: "",
        test: Core("fear_17_generation_is_observed_in_every_state_that_a_user_asks_for"),
    },
    Mutation {
        name: "exceptions-reported-at-each-observation",
        effect: "Each observation of a job reports its old exceptions again.",
        file: "crates/flink-operator-core/src/job/exceptions.rs",
        find: "    remember(pass, newest);\n",
        replace: "    let _ = (newest, remember);\n",
        test: Core("exceptions_that_were_told_are_not_told_again_by_another_process"),
    },
    Mutation {
        name: "same-failure-reported-at-each-attempt",
        effect: "A savepoint that fails repeatedly floods the namespace with events.",
        file: "crates/flink-operator-core/src/reconcile/pass.rs",
        find: "if before != self.status.error.as_ref() {",
        replace: "if before.is_none() || self.status.error.is_some() {",
        test: Core("fear_09_savepoint_that_goes_on_failing_is_one_event"),
    },
    Mutation {
        name: "change-of-arguments-ignored",
        effect: "A change of the job's arguments is accepted but never deployed.",
        file: "crates/flink-operator-core/src/diff/rules.rs",
        find: "field(\"args\", Upgrade),",
        replace: "field(\"args\", Ignore),",
        test: Core("a_change_of_a_field_asks_for_what_the_table_says"),
    },
    Mutation {
        name: "absence-not-confirmed",
        effect: "If a cache is stale, a running cluster counts as lost, and the operator deploys it again.",
        file: "crates/flink-operator-core/src/deployment/observation.rs",
        find: "is_absent() && !is_recorded && !is_confirmed,",
        replace: "is_absent() && !is_recorded && is_confirmed,",
        test: Core("job_manager_that_vanishes_while_the_job_stops_leaves_the_last_state"),
    },
    Mutation {
        name: "task-managers-deleted-before-the-job-manager",
        effect: "During a last-state upgrade a job that Flink does not restart fails terminally, and Flink deletes its HA data.",
        file: TEARDOWN,
        find: "Replicas::Wanted if leaves_ha_data => Some(Action::StopJobManager { uid }),",
        replace: "Replicas::Wanted if leaves_ha_data => Some(Action::DeleteJobManager { uid }),",
        test: Core("job_manager_ends_before_its_task_managers_where_its_data_is_to_stay"),
    },
    Mutation {
        name: "terminating-job-manager-not-awaited",
        effect: "The terminating JobManager loses its TaskManagers, and the job fails terminally.",
        file: TEARDOWN,
        find: "Replicas::Ended if leaves_ha_data && running(pass).next().is_some() => None,",
        replace: "Replicas::Ended if leaves_ha_data && running(pass).nth(9).is_some() => None,",
        test: Core("job_manager_ends_before_its_task_managers_where_its_data_is_to_stay"),
    },
    Mutation {
        name: "job-before-its-restore-has-no-state",
        effect: "A second change shortly after a start from a savepoint starts the job empty.",
        file: STRATEGY,
        find: "Ok(Choice::Go { stop: StopMethod::Cancel, from: self.last_known.clone() })",
        replace: "Ok(Choice::Go { stop: StopMethod::Cancel, from: RestoreFrom::NoState })",
        test: Core("job_that_was_not_restored_yet_goes_on_from_where_it_was_to_start"),
    },
    Mutation {
        name: "ha-data-without-a-checkpoint-restored",
        effect: "If the job fails while its cluster is deleted, its upgrade is held for a state that never existed.",
        file: STRATEGY,
        find: "if self.is_running() { self.has_ha_data() } else { self.has_ha_checkpoint() }",
        replace: "self.has_ha_data()",
        test: Core("job_without_a_checkpoint_in_its_data_is_cancelled_and_its_end_is_seen"),
    },
    Mutation {
        name: "edit-to-stateless-ignored-during-an-upgrade",
        effect: "A job whose state is lost cannot be started empty, and an edit to stateless during an upgrade has no effect.",
        file: REPLACE,
        find: "(stateful && edited && stateless && !is_chosen && !is_rolling_back).then_some(desired)",
        replace: "(stateful && edited && stateless && !is_chosen && is_rolling_back).then_some(desired)",
        test: Core(
            "edit_to_stateless_during_an_upgrade_starts_the_job_empty_and_tells_of_what_is_left_behind",
        ),
    },
    Mutation {
        name: "chosen-savepoint-not-restored",
        effect: "Another edit right after savepointRedeployNonce starts a stateless job empty instead of from the savepoint.",
        file: REPLACE,
        find: "let is_chosen = known.path().is_some() && known.path() == chosen;",
        replace: "let is_chosen = known.path().is_none() && known.path() == chosen;",
        test: Core(
            "edit_of_something_else_does_not_take_the_chosen_savepoint_from_a_stateless_job",
        ),
    },
    Mutation {
        name: "error-cleared-at-each-retry-of-a-creation",
        effect: "While the API server refuses an object, each retry writes the status twice, and the condition changes back and forth.",
        file: CREATE,
        find: "if intent == Intent::IsNew {",
        replace: "if [Intent::IsNew, Intent::IsRecorded].contains(&intent) {",
        test: Core("creation_that_is_refused_again_writes_nothing"),
    },
    Mutation {
        name: "suspension-waits-for-lost-ha-data",
        effect: "A resumption that is held for lost HA data cannot be reverted: the job counts as lost, not as suspended.",
        file: REPLACE,
        find: "if last_state && !runs => None,",
        replace: "if last_state && !runs && !last_state => None,",
        test: Core("resumption_that_is_held_for_lost_data_can_be_taken_back"),
    },
    Mutation {
        name: "deletion-does-not-await-pods-without-a-deployment",
        effect: "If somebody has deleted the Deployment, the resource is deleted while its pods run, and a new resource of the same name runs a second cluster.",
        file: DELETION,
        find: "deployment.is_some() || recorded.is_some() && teardown::running(&pass).next().is_some();",
        replace: "deployment.is_some();",
        test: Core("pods_of_a_deployment_that_is_gone_already_are_awaited"),
    },
    Mutation {
        name: "job-that-ends-during-recovery-keeps-its-old-path",
        effect: "A job that ends while a new JobManager recovers it is restored from the savepoint that it was first started from.",
        file: "crates/flink-operator-core/src/job/ha_recovery.rs",
        find: "if ended && !is_main_failed(&job.name) && may_be(pass, job) {",
        replace: "if !ended && !is_main_failed(&job.name) && may_be(pass, job) {",
        test: Core("job_that_ends_in_its_recovery_is_held_until_the_user_says_where_it_goes_on"),
    },
    Mutation {
        name: "late-deployment-of-a-suspended-job-kept",
        effect: "A suspended job runs, because a delayed request of another operator process has created its Deployment.",
        file: TEARDOWN,
        find: "stands.filter(|_| is_gone).map(",
        replace: "stands.filter(|_| is_gone && false).map(",
        test: Core("deployment_that_appears_while_nothing_is_to_run_is_taken_back"),
    },
    // Session clusters.
    Mutation {
        name: "session-change-prepares-ha-data-for-a-job",
        effect: "A change of a session cluster deletes the HA data of the jobs that run in it, and they are gone.",
        file: REPLACE,
        find: "if newest.job.is_none() {",
        replace: "if newest.job.is_none() && recorded.spec.job.is_some() {",
        test: Core("change_of_a_session_cluster_keeps_the_high_availability_data_of_its_jobs"),
    },
    Mutation {
        name: "session-task-managers-deleted-first",
        effect: "When a session cluster is replaced, its jobs see their TaskManagers end. Jobs that Flink does not restart fail, and their HA data are deleted.",
        file: TEARDOWN,
        find: ".is_none_or(|job| job.upgrade_mode.as_ref() == Some(&UpgradeMode::LastState))",
        replace: ".is_some_and(|job| job.upgrade_mode.as_ref() == Some(&UpgradeMode::LastState))",
        test: Core("change_of_a_session_cluster_keeps_the_high_availability_data_of_its_jobs"),
    },
    Mutation {
        name: "lost-session-cluster-forgets-its-jobs",
        effect: "A lost session cluster is recovered without the jobs that ran in it.",
        file: "crates/flink-operator-core/src/cluster/recover.rs",
        find: "    if recorded.spec.job.is_none() {\n        return bring_session",
        replace: "    if recorded.spec.job.is_some() {\n        return bring_session",
        test: Core("lost_session_cluster_comes_back_and_its_jobs_with_it"),
    },
    Mutation {
        name: "job-state-of-a-session-cluster-counts",
        effect: "A session cluster that the Java operator has redeployed is never recovered when it is lost, and never READY again.",
        file: "crates/flink-operator-core/src/reconcile/pass.rs",
        find: "            lifecycle::forget_state(&mut self.status.job_status);\n",
        replace: "",
        test: Core(
            "job_state_that_an_earlier_deployment_left_in_a_session_cluster_counts_for_nothing",
        ),
    },
    Mutation {
        name: "running-cluster-reached-as-the-newest-spec-says",
        effect: "After an edit of `rest.port` the running cluster is asked at the new port, where nothing listens.",
        file: "crates/flink-operator-core/src/rest_endpoint.rs",
        find: "recorded.as_ref().unwrap_or(&resource.spec);",
        replace: "recorded.as_ref().map_or(&resource.spec, |_| &resource.spec);",
        test: Core("cluster_is_reached_as_it_was_deployed_and_not_as_the_newest_spec_says"),
    },
    Mutation {
        name: "rolled-back-cluster-reached-as-the-given-up-spec-says",
        effect: "After a rollback the operator asks the cluster at the port of the spec that was given up.",
        file: "crates/flink-operator-core/src/rest_endpoint.rs",
        find: "status.reconciliation_status.state == ReconciliationState::RolledBack",
        replace: "status.reconciliation_status.state == ReconciliationState::RollingBack",
        test: Core("after_a_rollback_the_stable_spec_says_how_the_cluster_is_reached"),
    },
    Mutation {
        name: "tls-of-an-older-flink-expected-of-a-newer-one",
        effect: "With `security.ssl.enabled`, which Flink 2 does not read, the operator expects TLS of a JobManager without it.",
        file: "crates/flink-operator-core/src/rest_endpoint/tls.rs",
        find: "version < FlinkVersion::V2_0",
        replace: "version <= FlinkVersion::NEWEST_SUPPORTED",
        test: Core("option_for_all_endpoints_turns_rest_tls_on_in_flink_1_only"),
    },
    Mutation {
        name: "tls-problem-is-a-silent-wait",
        effect: "A JobManager whose certificate is not trusted is waited for without an end, and nothing says why.",
        file: "crates/flink-operator-core/src/deployment/running.rs",
        find: "Some(problem) => Because::NeedsUser(Blocked::TlsFailed { message: problem.clone() }),",
        replace: "Some(_) => Because::WaitingFor(Wait::Rest { why }),",
        test: Core("problem_of_tls_is_told_with_its_remedy_and_goes_away_when_it_is_solved"),
    },
    Mutation {
        name: "session-cluster-deleted-with-its-jobs",
        effect: "The deletion of a session cluster deletes the jobs that run in it, and their HA data.",
        file: SESSION_DELETION,
        find: "if !options.blocks_on_session_jobs() {",
        replace: "if options.blocks_on_session_jobs() {",
        test: Core("deletion_of_a_session_cluster_waits_for_its_session_jobs_and_says_so_once"),
    },
    Mutation {
        name: "session-jobs-that-no-resource-describes-are-lost",
        effect: "A session cluster is deleted while jobs run in it that were submitted without a FlinkSessionJob.",
        file: SESSION_DELETION,
        find: ".filter(|job| !is_globally_terminal(&job.state))",
        replace: ".filter(|job| is_globally_terminal(&job.state))",
        test: Core("deletion_of_a_session_cluster_waits_for_jobs_that_no_resource_describes"),
    },
    Mutation {
        name: "ha-data-with-jobs-deleted-with-a-session-cluster",
        effect: "A session cluster whose JobManager does not run is deleted with the HA data of jobs that would be recovered.",
        file: SESSION_DELETION,
        find: "Asked::Answered(Seen::Present(data)) if data.has_job_graph => {",
        replace: "Asked::Answered(Seen::Present(data)) if data.config_maps.is_empty() => {",
        test: Core(
            "jobs_of_a_session_cluster_whose_job_manager_does_not_respond_are_found_in_its_data",
        ),
    },
    Mutation {
        name: "silent-session-cluster-has-no-jobs",
        effect: "A session cluster without HA is deleted with its jobs if its JobManager does not respond at that moment.",
        file: SESSION_DELETION,
        find: "if is_silent && !JobOptions",
        replace: "if is_silent && is_available && !is_silent && !JobOptions",
        test: Core(
            "silent_session_cluster_without_high_availability_is_kept_until_the_user_decides",
        ),
    },
    Mutation {
        name: "pods-of-a-session-cluster-overdue-at-once",
        effect: "The operator does not wait for the pods of a session cluster whose deletion was held back.",
        file: DELETION,
        find: "elapsed(inputs).min(since_teardown(inputs))",
        replace: "elapsed(inputs).max(since_teardown(inputs))",
        test: Core("pods_of_a_session_cluster_whose_deletion_was_held_back_have_all_their_time"),
    },
    Mutation {
        name: "application-results-shared-by-deployments",
        effect: "With Flink 2.3 and HA, an upgraded application may run no job (FLINK-40467).",
        file: "crates/flink-operator-core/src/effective/native_input.rs",
        find: "    with_own_application_results(&mut deployed, version, keys);\n",
        replace: "    if keys.job.is_none() {\n        with_own_application_results(&mut deployed, version, keys);\n    }\n",
        test: Core("application_results_of_2_3_are_kept_apart_for_every_deployment"),
    },
];
