//! Hides secrets where users write them into a spec: in variables of containers and in program arguments. Changes are
//! published as events and stand in conditions and in the log, which more people may read than the spec.

use serde_json::Value;

use super::json::Change;
use super::variables::HIDDEN;
use crate::conf::is_sensitive;

/// Hides the values of changes inside a list of variables: `podTemplate.spec.containers.0.env.1.value`.
pub(super) fn hide_variables(changes: &mut [Change]) {
    for change in changes.iter_mut().filter(|change| change.path.contains(".env.")) {
        let is_name = change.path.rsplit('.').next() == Some("name");
        if !is_name && !change.path.contains(".valueFrom") {
            hide(change);
        }
    }
}

/// Hides arguments that name a secret (`--password=x`), and those that follow such a name (`--password x`).
pub(super) fn hide_arguments(changes: &mut [Change], before: &Value, after: &Value) {
    let names_a_secret = |list: &Value, index: usize| {
        list.get(index).and_then(Value::as_str).is_some_and(is_sensitive)
    };
    for change in changes {
        let Some(index) = change.path.rsplit('.').next().and_then(|index| index.parse().ok())
        else {
            continue;
        };
        let is_secret = [before, after].into_iter().any(|list| {
            names_a_secret(list, index)
                || index.checked_sub(1).is_some_and(|previous| names_a_secret(list, previous))
        });
        if is_secret {
            hide(change);
        }
    }
}

/// Hides both values of a change. That a value was added or removed stays visible.
pub(super) fn hide(change: &mut Change) {
    for text in [&mut change.before, &mut change.after] {
        if text != "null" {
            HIDDEN.clone_into(text);
        }
    }
}
