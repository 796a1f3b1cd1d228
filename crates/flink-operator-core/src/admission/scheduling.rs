//! Where a pod may run: tolerations, affinity, topology.

use super::{
    metadata, names,
    node::{Checked, Node},
};

pub(super) fn check(spec: &Node<'_>, checked: &mut Checked) {
    metadata::labels(spec, "nodeSelector", checked);
    for toleration in spec.list("tolerations", checked) {
        check_toleration(&toleration, checked);
    }
    if let Some(affinity) = spec.child("affinity") {
        check_affinity(&affinity, checked);
    }
    for constraint in spec.list("topologySpreadConstraints", checked) {
        if constraint.int_of("maxSkew", checked).is_none_or(|skew| skew < 1) {
            checked.refuse(&constraint, "its maxSkew is not positive", "write 1 or more");
        }
        if constraint.text_of("topologyKey", checked).is_none() {
            checked.require(&constraint, "topologyKey", "write a label of nodes");
        }
        if constraint.text_of("whenUnsatisfiable", checked).is_none() {
            checked.require(
                &constraint,
                "whenUnsatisfiable",
                "write DoNotSchedule or ScheduleAnyway",
            );
        }
        checked.one_of(&constraint, "whenUnsatisfiable", &["DoNotSchedule", "ScheduleAnyway"]);
    }
}

fn check_toleration(toleration: &Node<'_>, checked: &mut Checked) {
    checked.name(toleration, "key", &names::QUALIFIED);
    checked.one_of(toleration, "effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    let operator = toleration.text_of("operator", checked).unwrap_or("Equal");
    match operator {
        "Exists" => {
            if toleration.text_of("value", checked).is_some() {
                checked.refuse(
                    toleration,
                    "it has a value, which the operator Exists does not compare",
                    "remove value, or write the operator Equal",
                );
            }
        }
        "Equal" => {
            checked.name(toleration, "value", &names::LABEL_VALUE);
            if toleration.text_of("key", checked).is_none() {
                checked.refuse(
                    toleration,
                    "without a key it tolerates every taint, which needs the operator Exists",
                    "write a key, or the operator Exists",
                );
            }
        }
        // Kubernetes 1.35 compares numbers.
        "Gt" | "Lt" => {}
        _ => checked.one_of(toleration, "operator", &["Equal", "Exists"]),
    }
    if toleration.has("tolerationSeconds")
        && toleration.text_of("effect", checked) != Some("NoExecute")
    {
        checked.refuse(
            toleration,
            "it has tolerationSeconds, which only the effect NoExecute heeds",
            "write the effect NoExecute, or remove tolerationSeconds",
        );
    }
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn check_affinity(affinity: &Node<'_>, checked: &mut Checked) {
    if let Some(node) = affinity.child("nodeAffinity") {
        if let Some(selector) = node.child(REQUIRED) {
            let terms = selector.list("nodeSelectorTerms", checked);
            if terms.is_empty() {
                checked.require(&selector, "nodeSelectorTerms", "write at least one term");
            }
            for term in &terms {
                check_node_term(term, checked);
            }
        }
        for preferred in node.list(PREFERRED, checked) {
            check_weight(&preferred, checked);
            if let Some(term) = preferred.child("preference") {
                check_node_term(&term, checked);
            }
        }
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(pods) = affinity.child(kind) else { continue };
        for term in pods.list(REQUIRED, checked) {
            check_pod_term(&term, checked);
        }
        for preferred in pods.list(PREFERRED, checked) {
            check_weight(&preferred, checked);
            match preferred.child("podAffinityTerm") {
                Some(term) => check_pod_term(&term, checked),
                None => checked.require(&preferred, "podAffinityTerm", "write the term"),
            }
        }
    }
}

fn check_weight(preferred: &Node<'_>, checked: &mut Checked) {
    if !preferred.int_of("weight", checked).is_some_and(|weight| (1..=100).contains(&weight)) {
        checked.refuse(preferred, "its weight is not from 1 to 100", "write 1 to 100");
    }
}

fn check_node_term(term: &Node<'_>, checked: &mut Checked) {
    for expression in term.list("matchExpressions", checked) {
        checked.name(&expression, "key", &names::QUALIFIED);
        let values = expression.list("values", checked).len();
        let fits = match expression.text_of("operator", checked) {
            Some("In" | "NotIn") => values > 0,
            Some("Exists" | "DoesNotExist") => values == 0,
            Some("Gt" | "Lt") => values == 1,
            Some(_) | None => false,
        };
        if !fits {
            checked.refuse(
                &expression,
                "its operator and its number of values do not fit",
                "write In or NotIn with values, Exists or DoesNotExist without, or Gt or Lt with one",
            );
        }
    }
}

fn check_pod_term(term: &Node<'_>, checked: &mut Checked) {
    if term.text_of("topologyKey", checked).is_none() {
        checked.require(
            term,
            "topologyKey",
            "write a label of nodes, for example kubernetes.io/hostname",
        );
    }
    checked.name(term, "topologyKey", &names::QUALIFIED);
    let Some(selector) = term.child("labelSelector") else { return };
    metadata::labels(&selector, "matchLabels", checked);
    for expression in selector.list("matchExpressions", checked) {
        let values = expression.list("values", checked).len();
        let fits = match expression.text_of("operator", checked) {
            Some("In" | "NotIn") => values > 0,
            Some("Exists" | "DoesNotExist") => values == 0,
            Some(_) | None => false,
        };
        if !fits {
            checked.refuse(
                &expression,
                "its operator and its number of values do not fit",
                "write In or NotIn with values, or Exists or DoesNotExist without",
            );
        }
    }
}
