//! Faults in the validation of a cluster's configuration file.

use super::Mutation;
use super::Test::Core;

const CONFIG_FILE: &str = "crates/flink-operator-core/src/validate/config_file.rs";

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "only-the-first-key-conflict-reported",
        effect: "A user who moves a manifest to Flink 2 corrects one key, applies it, and then gets an error for the next key.",
        file: "crates/flink-operator-core/src/conf/yaml_file.rs",
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
];
