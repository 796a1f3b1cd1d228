//! What operations cost, in requests of the operator to the API server.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;

use crate::audit::{self, Request};

/// How often each verb is used on each resource.
pub type Requests = BTreeMap<String, usize>;

/// Counts requests. Events count by `write events`: within six minutes the same words again are a patch of the first
/// event, and how fast a test comes along is no matter of cost.
pub fn counted(requests: &[Request]) -> Requests {
    let mut counts = audit::counts(requests);
    let events: usize =
        ["create events", "patch events"].iter().filter_map(|kind| counts.remove(*kind)).sum();
    if events > 0 {
        counts.insert("write events".to_owned(), events);
    }
    counts
}

/// The most that an operation may cost.
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

/// Compares what an operation has cost with what it may cost, verb by verb.
///
/// # Errors
///
/// Every kind of request of which there were more.
pub fn compare(operation: &str, counted: &Requests, golden: &Requests) -> anyhow::Result<()> {
    let of = |requests: &Requests, kind: &str| requests.get(kind).copied().unwrap_or(0);
    let kinds: BTreeSet<&String> = counted.keys().chain(golden.keys()).collect();
    let lines: Vec<String> = kinds
        .into_iter()
        .filter(|kind| of(counted, kind) > of(golden, kind))
        .map(|kind| {
            format!("  {kind}: {}, and {} are allowed", of(counted, kind), of(golden, kind))
        })
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
