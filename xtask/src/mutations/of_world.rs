//! Faults in the simulated Kubernetes: if it accepts more than the real one, wrong requests of the operator pass the tests.

use super::Mutation;
use super::Test::Kubernetes;

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "null-of-a-merge-patch-is-stored",
        effect: "In the simulated Kubernetes a field that a patch removes is stored as null, so a wrong patch passes the tests.",
        file: "world/kubernetes/src/api_server/verbs/patch/steps.rs",
        find: "        if patch.is_null() {
            fields.shift_remove(name);",
        replace: "        if patch.is_null() {
            fields.insert(name.clone(), Value::Null);",
        test: Kubernetes("nulls_of_a_merge_patch_take_away"),
    },
    Mutation {
        name: "orphans-keep-their-owner-references",
        effect: "In the simulated Kubernetes orphaned pods are garbage collected, so an operator that orphans pods passes the tests.",
        file: "world/kubernetes/src/controllers/garbage.rs",
        find: "drop_owners(kubernetes, &kind, &dependent, &[&uid], now);",
        replace: "let _ = (kind, dependent);",
        test: Kubernetes("dependents_go_after_or_before_their_owner_or_stay"),
    },
];
