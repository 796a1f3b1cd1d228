//! The costs of operations: the operator's requests to the API server.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;

use crate::audit::{self, Request};

/// How often each verb is used on each resource.
pub type Requests = BTreeMap<String, usize>;

/// Counts requests. Creations and patches of events count together as `write events`: an event that is repeated within six
/// minutes is a patch, so that the verb depends on the speed of the test.
pub fn counted(requests: &[Request]) -> Requests {
    let mut counts = audit::counts(requests);
    let events: usize =
        ["create events", "patch events"].iter().filter_map(|kind| counts.remove(*kind)).sum();
    if events > 0 {
        counts.insert("write events".to_owned(), events);
    }
    counts
}

/// The maximum number of requests of an operation.
///
/// # Errors
///
/// `tests/golden/operations.json` does not have the operation.
pub fn of_operation(operation: &str) -> anyhow::Result<Requests> {
    let mut all: BTreeMap<String, Requests> =
        serde_json::from_str(include_str!("../tests/golden/operations.json"))?;
    all.remove(operation)
        .with_context(|| format!("golden/operations.json has no operation {operation:?}"))
}

/// The operator writes the intermediate states of a start to the status only if they last.
const STEPS_SHOWN_AFTER: Duration = Duration::from_secs(30);

/// The intermediate states that a slow start may have, each with a write of the status and an event.
const STEPS: usize = 3;

/// Compares the requests of an operation with the maximum, verb by verb.
///
/// # Errors
///
/// The kinds of requests of which there were more.
pub fn compare(
    operation: &str,
    counted: &Requests,
    golden: &Requests,
    took: Duration,
) -> anyhow::Result<()> {
    let allowed = |kind: &str| {
        let golden = golden.get(kind).copied().unwrap_or(0);
        let shows_steps = matches!(kind, "patch flinkdeployments/status" | "write events");
        if shows_steps && took > STEPS_SHOWN_AFTER { golden + STEPS } else { golden }
    };
    let lines: Vec<String> = counted
        .iter()
        .filter(|(kind, count)| **count > allowed(kind))
        .map(|(kind, count)| format!("  {kind}: {count}, and {} are allowed", allowed(kind)))
        .collect();
    anyhow::ensure!(
        lines.is_empty(),
        "{operation} costs more requests than before. Either it has to cost less, or golden/operations.json is changed \
         with a reason.\n{}\n  all of them: {}",
        lines.join("\n"),
        serde_json::to_string(counted)?
    );
    Ok(())
}
