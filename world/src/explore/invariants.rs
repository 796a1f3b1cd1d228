//! What must hold at every moment of every run, whatever goes wrong: the invariants of the architecture that show in
//! objects and requests. Those about records and states are the ledger's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use simulated_flink::Flink;
use simulated_kubernetes::World;
use simulated_kubernetes::api_server::Seen;
use simulated_kubernetes::api_server::object;
use simulated_kubernetes::api_server::request::Verb;
use simulated_kubernetes::log::Write;

use super::application::{NAMESPACE, RESOURCE};

/// Follows every change from now on, and notes what must not have happened.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    violations: Arc<Mutex<Vec<String>>>,
}

impl Witness {
    pub fn start(world: &World, flink: &Flink) -> Self {
        let witness = Self::default();
        let mut changes = world.follow();
        let (world, flink, notes) = (world.clone(), flink.clone(), witness.clone());
        tokio::spawn(async move {
            let mut observed = Observed::default();
            while let Some(seen) = changes.recv().await {
                for violation in observed.change(&seen, &flink) {
                    notes.note(format!("{:.3} {violation}", world.clock().elapsed().as_secs_f64()));
                }
            }
        });
        witness
    }

    fn note(&self, violation: String) {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(violation);
    }

    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug, Default)]
struct Observed {
    /// Observed generation by uid.
    generations: BTreeMap<String, i64>,
    /// The job's state that the status had, by uid.
    claimed: BTreeMap<String, String>,
}

impl Observed {
    fn change(&mut self, seen: &Seen, flink: &Flink) -> Vec<String> {
        match seen.kind.plural.as_str() {
            "flinkdeployments" => self.resource(seen, flink),
            _ => Vec::new(),
        }
    }

    fn resource(&mut self, seen: &Seen, flink: &Flink) -> Vec<String> {
        let resource = &seen.change.object.object;
        let name = object::name(resource);
        let mut violations = Vec::new();
        if seen.is_deletion() {
            // The finalizer goes last: nothing of the cluster runs by then.
            let running = running(flink);
            if running > 0 {
                violations.push(format!("{name} is gone, and {running} of its jobs run"));
            }
            return violations;
        }
        let uid = object::uid(resource).to_owned();
        let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str);
        if let Some(generation) =
            resource.pointer("/status/observedGeneration").and_then(Value::as_i64)
        {
            let before = self.generations.insert(uid.clone(), generation).unwrap_or(generation);
            if generation < before {
                violations
                    .push(format!("{name}: observedGeneration fell from {before} to {generation}"));
            }
        }
        let state = text("/status/jobStatus/state").unwrap_or_default().to_owned();
        let before = self.claimed.insert(uid, state.clone()).unwrap_or_default();
        let job = text("/status/jobStatus/jobId").unwrap_or_default();
        if state == "RUNNING" && before != "RUNNING" && !has_run(flink, job) {
            violations
                .push(format!("{name}: the status says that {job} is RUNNING, and it never was"));
        }
        let suspended = text("/status/lifecycleState") == Some("SUSPENDED");
        let running = running(flink);
        if suspended && running > 0 {
            violations.push(format!("{name}: SUSPENDED, and {running} of its jobs run"));
        }
        violations
    }
}

/// Attempts whose tasks run now.
pub fn running(flink: &Flink) -> usize {
    flink.ledger(|ledger| {
        ledger.attempts_of(RESOURCE).filter(|attempt| attempt.ended.is_none()).count()
    })
}

/// Whether the tasks of this job have ever run.
fn has_run(flink: &Flink, job: &str) -> bool {
    flink.ledger(|ledger| ledger.attempts_of(RESOURCE).any(|attempt| attempt.job_id == job))
}

/// What must not be among the requests of the operators.
pub fn of_requests(writes: &[Write], operators: &[&str]) -> Vec<String> {
    let ours = writes.iter().filter(|write| operators.contains(&write.client.as_str()));
    ours.filter_map(of_request).collect()
}

fn of_request(write: &Write) -> Option<String> {
    let target = &write.target;
    let what = format!(
        "{:.3} {} {} {}/{}",
        write.at.as_secs_f64(),
        target.verb.text(),
        target.kind.plural,
        target.namespace,
        target.name
    );
    if target.namespace != NAMESPACE {
        return Some(format!("{what}: outside of the resource's namespace"));
    }
    if target.kind.plural == "secrets" {
        return Some(format!("{what}: the operator has nothing to do with Secrets"));
    }
    let body: Value = serde_json::from_slice(&write.body).unwrap_or(Value::Null);
    match target.verb {
        Verb::Delete if body.pointer("/preconditions/uid").and_then(Value::as_str).is_none() => {
            Some(format!("{what}: a deletion without the uid that was seen"))
        }
        Verb::DeleteCollection => Some(format!("{what}: deletes what nobody has looked at")),
        Verb::Patch if target.kind.plural == "flinkdeployments" => {
            let is_status = target.subresource == "status";
            let writes_spec = body.get("spec").is_some()
                || body.as_array().is_some_and(|steps| {
                    steps.iter().any(|step| {
                        let path = step.get("path").and_then(Value::as_str).unwrap_or_default();
                        path.starts_with("/spec")
                    })
                });
            (!is_status && writes_spec).then(|| format!("{what}: writes the user's spec"))
        }
        Verb::Delete
        | Verb::Patch
        | Verb::Create
        | Verb::Update
        | Verb::Get
        | Verb::List
        | Verb::Watch => None,
    }
}
