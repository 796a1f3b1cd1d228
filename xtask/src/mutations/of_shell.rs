//! Faults in how the operator's process observes, writes and waits.

use super::Mutation;
use super::Test::{Costs, Shell, Sweep};

const CONTROLLER: &str = "crates/flink-operator/src/controllers/deployment.rs";
const PASS: &str = "crates/flink-operator/src/controllers/pass.rs";
const EXECUTE_CLUSTER: &str = "crates/flink-operator/src/execute/cluster.rs";
const OBSERVE: &str = "crates/flink-operator/src/observe.rs";
const STATUS: &str = "crates/flink-operator/src/status.rs";

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "removed-fields-stay-in-the-status",
        effect: "Resolved errors and deleted savepoints stay in the status, because the patch does not remove fields.",
        file: STATUS,
        find: "            patch.insert(name.clone(), Value::Null);\n",
        replace: "",
        test: Shell("patch_holds_what_differs_and_nothing_else"),
    },
    Mutation {
        name: "decision-that-breaks-an-invariant-is-executed",
        effect: "A wrong decision is executed instead of refused.",
        file: CONTROLLER,
        find: "    invariants::check(&decision, &resource, observed)?;\n",
        replace: "",
        test: Shell("decision_that_breaks_an_invariant_is_not_sent_but_counted_and_backed_off"),
    },
    Mutation {
        name: "cached-status-preferred-to-a-newer-own-write",
        effect: "A pass decides on a status from before the operator's own last write, and repeats the step.",
        file: "crates/flink-operator/src/own_writes/resource.rs",
        find: "if version(own.as_ref()) > version(cached.as_ref()) {",
        replace: "if version(own.as_ref()) < version(cached.as_ref()) {",
        test: Shell("own_write_of_a_resource_counts_until_the_watch_has_caught_up"),
    },
    Mutation {
        name: "deleted-deployment-kept-in-own-writes",
        effect: "If a Deployment is deleted before the response to its creation arrives, the operator waits for it forever.",
        file: "crates/flink-operator/src/own_writes/job_manager.rs",
        find: "seen.listed || seen.ended.contains(&uid)",
        replace: "seen.listed",
        test: Shell("answer_that_arrives_after_the_end_on_the_watch_is_no_ghost_either"),
    },
    Mutation {
        name: "pods-of-the-old-cluster-attributed-to-the-new-one",
        effect: "The failure of the previous JobManager is reported for the new one, and the upgrade counts as failed.",
        file: "crates/flink-operator/src/observe/cluster.rs",
        find: "(Some(pod), Some(deployment)) => pod.0 >= deployment.0,",
        replace: "(Some(pod), Some(deployment)) => pod.0 >= deployment.0 || pod.0 < deployment.0,",
        test: Shell("pod_that_is_older_than_its_deployment_belongs_to_the_one_before"),
    },
    Mutation {
        name: "event-names-differ-between-processes",
        effect: "After a restart of the operator, old exceptions are reported a second time.",
        file: "crates/flink-operator/src/events.rs",
        find: "let uid = about.uid.as_deref().unwrap_or_default();
    // FNV",
        replace: "let uid = std::process::id().to_string();
    // FNV",
        test: Shell("one_occurrence_has_one_name_for_every_process"),
    },
    Mutation {
        name: "status-written-without-resource-version",
        effect: "Two operators, or one with a stale view, overwrite each other's status and repeat steps.",
        file: STATUS,
        find: "let metadata = json!({\"resourceVersion\": version, \"uid\": read.meta().uid});",
        replace: "let metadata = json!({\"uid\": read.meta().uid});",
        test: Sweep("upgrade-with-savepoint@2.2"),
    },
    Mutation {
        name: "deletion-without-uid-precondition",
        effect: "A delayed delete request deletes the cluster that was created in the meantime.",
        file: EXECUTE_CLUSTER,
        find: "preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),",
        replace: "preconditions: None,",
        test: Sweep("upgrade-stateless@2.2"),
    },
    Mutation {
        name: "background-deletion-of-the-deployment",
        effect: "The old job still runs and commits while the new one has started from its savepoint.",
        file: EXECUTE_CLUSTER,
        find: "propagation_policy: Some(PropagationPolicy::Foreground),",
        replace: "propagation_policy: Some(PropagationPolicy::Background),",
        test: Shell("deployment_is_deleted_after_its_pods_and_with_the_uid_that_was_seen"),
    },
    Mutation {
        name: "orphaning-deletion-of-the-deployment",
        effect: "Each upgrade leaves a JobManager without an owner, which continues to run the job.",
        file: EXECUTE_CLUSTER,
        find: "propagation_policy: Some(PropagationPolicy::Foreground),",
        replace: "propagation_policy: Some(PropagationPolicy::Orphan),",
        test: Sweep("upgrade-last-state@2.2"),
    },
    Mutation {
        name: "failed-list-of-ha-data-is-empty",
        effect: "If one list request times out during a deletion, the HA ConfigMaps stay for the next resource of the same name.",
        file: OBSERVE,
        find: "            Err(error) => Asked::unanswered(format!(
                \"the API server was asked for high availability data: {error}\"
            )),",
        replace: "            Err(_) => Asked::absent(),",
        test: Shell("question_that_the_api_server_does_not_answer_shows_nothing"),
    },
    Mutation {
        name: "failed-request-confirms-the-absence",
        effect: "If one request times out, a running cluster counts as lost.",
        file: OBSERVE,
        find: "            Err(error) => Seen::unknown(format!(
                \"the API server was asked for the Deployment {name}: {error}\"
            )),",
        replace: "            Err(_) => Seen::Absent,",
        test: Shell("question_that_the_api_server_does_not_answer_shows_nothing"),
    },
    Mutation {
        name: "requeue-ignored",
        effect: "Changes that no watch reports, such as a job that starts to run, are never observed.",
        file: PASS,
        find: "Requeue::After(wait) => return Ok((Action::requeue(wait), outcome)),",
        replace: "Requeue::After(_) => return Ok((Action::await_change(), outcome)),",
        test: Sweep("deploy@2.2"),
    },
    Mutation {
        name: "failed-pass-not-retried",
        effect: "After one failed request the operator ignores the resource until somebody edits it.",
        file: PASS,
        find: "Action::requeue(self.backoff.after(failures))",
        replace: "{ let _ = self.backoff.after(failures); Action::await_change() }",
        test: Sweep("upgrade-last-state@2.2"),
    },
    Mutation {
        name: "running-reported-before-the-tasks-run",
        effect: "A job that waits for slots is shown as RUNNING, and its spec as stable.",
        file: "crates/flink-operator/src/flink_api.rs",
        find: "state: state(job.effective_status()),",
        replace: "state: state(job.status),",
        test: Sweep("deploy@2.2"),
    },
    Mutation {
        name: "own-writes-ignored",
        effect: "Each step of an upgrade is first tried on a stale view, refused by the API server, and tried again.",
        file: CONTROLLER,
        find: "context.resource_writes.newest(cached);",
        replace: "{ let _ = &context.resource_writes; (cached, Watch::IsCurrent) };",
        test: Costs("operations_cost_what_they_did"),
    },
    Mutation {
        name: "pod-asked-at-the-port-of-its-service",
        effect: "An operator outside of the cluster asks pods at `rest.port`, where nothing listens if `rest.bind-port` differs.",
        file: CONTROLLER,
        find: "(address, endpoint.bind_port)",
        replace: "(address, endpoint.port)",
        test: Shell("running_cluster_is_asked_at_the_port_and_scheme_that_it_was_deployed_with"),
    },
    Mutation {
        name: "waiting-passes-keep-their-slots",
        effect: "Fifty JobManagers that do not answer stop the passes over all other resources for ten seconds at a time.",
        file: "crates/flink-operator/src/rest_gate.rs",
        find: "    drop(slot.permit().take());\n",
        replace: "    if true { return calls.await; }\n",
        test: Shell("pass_that_waits_for_flink_leaves_its_slot_to_others"),
    },
    Mutation {
        name: "silent-job-managers-take-all-places",
        effect: "Calls to JobManagers that answer wait behind those to JobManagers that do not.",
        file: "crates/flink-operator/src/rest_gate.rs",
        find: "self.gate.note(&self.place, self.is_answered);",
        replace: "self.gate.note(&self.place, true);",
        test: Shell("silent_job_manager_is_asked_less_and_less_often_until_it_answers"),
    },
    Mutation {
        name: "list-of-pods-hides-nothing",
        effect: "Pods that ended while the watch was interrupted stay in the operator's view.",
        file: "crates/flink-operator/src/pod_index.rs",
        find: "Event::InitDone => content.shown = std::mem::take(&mut content.listed),",
        replace: "Event::InitDone => {\n                let listed = std::mem::take(&mut content.listed);\n                content.shown.by_cluster.extend(listed.by_cluster);\n            }",
        test: Shell("pods_of_a_cluster_follow_the_watch"),
    },
    Mutation {
        name: "last-pass-brings-a-deleted-resource-back",
        effect: "The memory of the process grows with each resource that was ever deleted.",
        file: "crates/flink-operator/src/resource_cache.rs",
        find: "        if let Some(entry) = self.lock().get_mut(uid) {\n            entry.failures = 0;\n        }\n",
        replace: "        self.with(uid, |entry| entry.failures = 0);\n",
        test: Shell("end_of_the_last_pass_does_not_bring_a_resource_back"),
    },
    Mutation {
        name: "resource-that-a-list-lacks-is-kept",
        effect: "The validated specs of resources that ended while the watch was interrupted stay in memory.",
        file: "crates/flink-operator/src/watches.rs",
        find: "            known.difference(&listed).for_each(|uid: &String| gone(uid));\n",
        replace: "",
        test: Shell("resource_that_has_ended_is_told_of_once_also_if_a_list_lacks_it"),
    },
    Mutation {
        name: "gauge-of-resources-counts-one-namespace",
        effect: "With several watched namespaces the metric has the number of resources of the last one.",
        file: "crates/flink-operator/src/metrics.rs",
        find: "self.counts.lock().iter().map(|count| count()).sum();",
        replace: "self.counts.lock().last().map_or(0, |count| count());",
        test: Shell("gauge_of_resources_follows_the_caches_of_all_namespaces"),
    },
    Mutation {
        name: "line-breaks-of-users-in-the-log",
        effect: "The last lines of a container look like events of the operator in its log.",
        file: "crates/flink-operator/src/telemetry.rs",
        find: "if letter.is_control() && letter != COLOUR {",
        replace: "if letter.is_control() && letter == COLOUR {",
        test: Shell("a_line_break_of_a_user_does_not_begin_another_event"),
    },
];
