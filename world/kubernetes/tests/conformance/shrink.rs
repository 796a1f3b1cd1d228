//! What is shown of a difference: a shorter sequence that has it too, and the fields in which two answers differ.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::compare::{Difference, Pair};
use crate::operation::Operation;
use crate::side::Side;

/// Runs of a sequence that shrinking may take, and how long.
const RUNS: usize = 60;
const TIME: Duration = Duration::from_mins(1);

/// Leaves out operations as long as there is a difference of the same sort.
pub fn shrink(
    simulated: &mut Side,
    real: &mut Side,
    namespace: &str,
    operations: &[Operation],
    first: Difference,
) -> (Vec<Operation>, Difference) {
    let mut operations = operations[..=first.at].to_vec();
    let mut difference = first;
    let mut runs = 0;
    let began = Instant::now();
    let may_go_on = |runs: usize| runs < RUNS && began.elapsed() < TIME;
    let mut size = operations.len().div_ceil(2);
    while size > 0 && may_go_on(runs) {
        let mut at = 0;
        let mut shrunk = false;
        while at < operations.len() && may_go_on(runs) {
            let mut shorter = operations.clone();
            shorter.drain(at..(at + size).min(operations.len()));
            runs += 1;
            let found = Pair::begin(simulated, real, &format!("{namespace}-{runs}"))
                .impatient()
                .run(&shorter);
            match found.filter(|found| found.what == difference.what) {
                Some(found) => {
                    operations = shorter[..=found.at].to_vec();
                    difference = found;
                    shrunk = true;
                }
                None => at += size,
            }
        }
        if !shrunk || size > 1 {
            size /= 2;
        }
    }
    (operations, difference)
}

/// The paths at which two values differ, with what each has there.
pub fn differing(simulated: &Value, real: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    descend("", Some(simulated), Some(real), &mut lines);
    lines
}

/// Nothing at a path is not null at it.
fn descend(path: &str, simulated: Option<&Value>, real: Option<&Value>, lines: &mut Vec<String>) {
    match (simulated, real) {
        (Some(Value::Object(one)), Some(Value::Object(two))) => {
            let names = one.keys().chain(two.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                descend(&format!("{path}.{name}"), one.get(name), two.get(name), lines);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(two))) if one.len() == two.len() => {
            for (index, (one, two)) in one.iter().zip(two).enumerate() {
                descend(&format!("{path}[{index}]"), Some(one), Some(two), lines);
            }
        }
        // Lists of different lengths: what only one of them has.
        (Some(Value::Array(one)), Some(Value::Array(two))) => {
            for (name, these, others) in [("simulated", one, two), ("real", two, one)] {
                for (index, item) in these.iter().enumerate() {
                    if !others.contains(item) {
                        lines.push(format!("{path}[{index}]: only {name}: {item}"));
                    }
                }
            }
            lines.push(format!("{path}: simulated {}, real {} items", one.len(), two.len()));
        }
        _ if simulated == real => {}
        _ => {
            let shown = |value: Option<&Value>| {
                value.map_or_else(|| "nothing".to_owned(), Value::to_string)
            };
            lines.push(format!("{path}: simulated {}, real {}", shown(simulated), shown(real)));
        }
    }
}
