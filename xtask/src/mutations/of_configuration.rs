//! Faults in the validation of a cluster's configuration file.

use super::Mutation;
use super::Test::Core;

const CONFIG_FILE: &str = "crates/flink-operator-core/src/validate/config_file.rs";

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "lists-in-the-syntax-of-the-operators-file",
        effect: "An operator that is configured by config.yaml gives clusters of Flink 1 lists in YAML, and their JobManagers end at once.",
        file: "crates/flink-operator-core/src/effective/defaults.rs",
        find: "match version.map_or(self.operator.syntax(), Syntax::of) {",
        replace: "match self.operator.syntax() {",
        test: Core(
            "lists_and_maps_are_in_the_syntax_of_the_version_whatever_file_the_operator_has",
        ),
    },
    Mutation {
        name: "old-flink-cuts-a-value-off",
        effect: "A job of Flink 1.20 runs with a password that ends before its #.",
        file: "crates/flink-operator-core/src/effective/native_input.rs",
        find: "|| unwritable(&configuration).is_empty()",
        replace: "|| unwritable(&configuration).len() < 1_000",
        test: Core("flink_1_19_and_1_20_get_the_file_that_holds_what_is_to_be_written"),
    },
    Mutation {
        name: "what-no-file-holds-is-accepted",
        effect: "A job of Flink 1.18 runs with a password that ends before its #.",
        file: CONFIG_FILE,
        find: "for entry in input.unwritable() {",
        replace: "for entry in input.unwritable().into_iter().skip(1_000) {",
        test: Core(
            "what_no_line_of_flink_1_18_can_hold_is_a_fault_that_names_the_argument_or_the_key",
        ),
    },
    Mutation {
        name: "empty-argument-is-lost",
        effect: "A program gets one argument less than it was given, and takes the next one in its place.",
        file: "crates/flink-operator-core/src/conf/structured.rs",
        find: "        && !element.is_empty()\n",
        replace: "",
        test: Core("lists_of_a_resource_keep_their_elements"),
    },
    Mutation {
        name: "only-the-first-key-conflict-reported",
        effect: "A user who moves a manifest to Flink 2 corrects one key, applies it, and then gets an error for the next key.",
        file: "crates/flink-operator-core/src/conf/config_yaml_file.rs",
        find: "    found.sort();\n",
        replace: "    found.sort();\n    found.truncate(1);\n",
        test: Core("every_overlap_of_keys_is_named_with_the_key_to_use"),
    },
    Mutation {
        name: "key-conflict-reported-for-a-key-of-the-operator",
        effect: "An error names a key that the user has not written and cannot remove.",
        file: CONFIG_FILE,
        find: "longer.into_iter().partition(|key| rules.configuration.contains_key(key));",
        replace: "(longer, Vec::new());",
        test: Core("an_overlap_with_a_key_of_the_operators_names_the_user_s_key_only"),
    },
    Mutation {
        name: "dot-at-the-end-of-a-key-is-lost",
        effect: "Flink 2 reads an option under another key than the one that was written.",
        file: CONFIG_FILE,
        find: "filter(|key| key.ends_with('.'))",
        replace: "filter(|key| key.is_empty())",
        test: Core("a_dot_at_the_end_of_a_key_is_a_fault_where_it_would_be_lost"),
    },
    Mutation {
        name: "container-without-image-is-accepted",
        effect: "A template whose container has another name than Flink's is refused by the API server when the old cluster is gone.",
        file: "crates/flink-operator-core/src/admission/containers.rs",
        find: "if container.text_of(\"image\", checked).is_none() {",
        replace: "if container.value.is_null() {",
        test: Core(
            "a_template_whose_only_container_has_another_name_is_refused_with_the_name_that_is_meant",
        ),
    },
    Mutation {
        name: "two-mounts-at-the-directory-of-artifacts",
        effect: "The API server refuses a JobManager whose template mounts a volume for artifacts.",
        file: "crates/flink-operator-core/src/build/volumes.rs",
        find: "if pod.main.volume_mounts.iter().any(is_there) {",
        replace: "if pod.main.volume_mounts.iter().skip(1_000).any(is_there) {",
        test: Core("a_volume_of_the_template_at_the_directory_of_artifacts_is_used_for_them"),
    },
    Mutation {
        name: "pods-of-task-managers-are-not-checked",
        effect: "A job waits for TaskManagers that the API server refuses.",
        file: "crates/flink-operator-core/src/validate/pods.rs",
        find: "if let Some(pod) = task_manager {",
        replace: "if let Some(pod) = task_manager.filter(|pod| pod.is_null()) {",
        test: Core("each_template_is_named_by_its_own_field"),
    },
    Mutation {
        name: "what-the-api-server-accepts-is-refused",
        effect: "A volume without source, which is an empty one, is refused.",
        file: "crates/flink-operator-core/src/admission/volumes.rs",
        find: "    if given.len() > 1 {\n",
        replace: "    if given.len() != 1 {\n",
        test: Core("pods_are_accepted_or_refused_as_by_the_api_server"),
    },
    Mutation {
        name: "high-availability-without-storage",
        effect: "A JobManager with high availability and no directory for it crashes at each start.",
        file: "crates/flink-operator-core/src/validate/processes.rs",
        find: "if needs_storage && !rules.is_present(",
        replace: "if !needs_storage && !rules.is_present(",
        test: Core("high_availability_needs_its_storage_directory_and_zookeeper_its_quorum"),
    },
    Mutation {
        name: "warnings-of-a-spec-reach-nobody",
        effect: "A schedule in the notation of crontab takes no savepoints, and nothing says so.",
        file: "crates/flink-operator-core/src/reconcile/pass.rs",
        find: "self.warnings.extend(notes::settle(&mut self.status, self.inputs));",
        replace: "drop(notes::settle(&mut self.status.clone(), self.inputs));",
        test: Core("warnings_of_a_spec_are_told_once_for_each_generation"),
    },
    Mutation {
        name: "order-of-a-map-is-a-change",
        effect: "A job restarts because the entries of a map were written in another order.",
        file: "crates/flink-operator-core/src/diff.rs",
        find: "let read = |text: &str| Shape::of(key)?.read(text, self.syntax);",
        replace: "let read = |text: &str| Shape::of(key)?.read(text, self.syntax).filter(|_| text.is_empty());",
        test: Core("the_notation_of_lists_and_maps_and_the_order_of_a_map_are_no_change"),
    },
    Mutation {
        name: "an-edit-of-the-ingress-restarts-the-job",
        effect: "A job restarts for an Ingress that is not created.",
        file: "crates/flink-operator-core/src/diff/rules.rs",
        find: "field(\"ingress\", Ignore),",
        replace: "field(\"ingress\", Upgrade),",
        test: Core("a_change_of_a_field_asks_for_what_the_table_says"),
    },
];
