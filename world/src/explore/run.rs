//! One run: a scenario, a seed, a plan, and what came of it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::Value;
use simulated_flink::Flink;
use simulated_flink::ledger::Cause;
use simulated_flink::log::RestEntry;
use simulated_kubernetes::api_server::watch::EventKind;
use simulated_kubernetes::log::{Delivery, Entry, Write};
use simulated_kubernetes::settings::{Order, Settings};
use simulated_kubernetes::{World, run_with};

use super::application::{NAMESPACE, Version};
use super::editor;
use super::end;
use super::invariants::{self, Witness};
use super::old_leader;
use super::plan::{OPERATOR, OTHER_OPERATOR, OfEdit, Plan};
use super::scenario::Scenario;
use super::stage::{Stage, Stuck};
use crate::operator::{Operator, Process};

/// What is played, and under which conditions.
#[derive(Clone, Debug)]
pub struct Run {
    pub scenario: &'static Scenario,
    pub version: Version,
    pub seed: u64,
    pub plan: Plan,
    /// How long nothing may be written at the end.
    pub quiet: Duration,
}

/// The operators must be done this long after the scenario has ended.
const CALM_WITHIN: Duration = Duration::from_hours(1);
/// Nothing written for so long is calm: longer than any interval at which the operator looks at something.
const CALM: Duration = Duration::from_secs(90);
/// The same after an edit: a job that it has started anew may end anew, and a scenario's clusters are kept for two minutes
/// after that.
const CALM_AFTER_EDIT: Duration = Duration::from_mins(3);
/// The same after several faults: a watch that hangs can be the last, and a client waits 330 s for it. The next try
/// comes up to five minutes after that.
const CALM_AFTER_MANY: Duration = Duration::from_mins(11);

/// How often a GitOps tool applies what is there already, …
const GIT_OPS_EVERY: Duration = Duration::from_secs(3);
/// … and one that changes an annotation each time.
const BUSY_GIT_OPS_EVERY: Duration = Duration::from_secs(20);

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// What must not have happened; empty for a good run.
    pub violations: Vec<String>,
    /// How it ended, see [`end::summary`].
    pub end: Value,
    /// What was made by hand and nobody else has touched, see [`end::made_by_hand`].
    pub made_by_hand: Value,
    pub requests: Vec<Entry>,
    pub rest: Vec<RestEntry>,
    pub deliveries: Vec<Delivery>,
    pub writes: Vec<Write>,
    /// Starts of jobs, as the ledger has them.
    pub attempts: usize,
    /// Of every request and every REST call.
    pub digest: String,
    /// When the scenario was over, in the world; what comes after is rest.
    pub played: Duration,
    /// How long it took in the world.
    pub lasted: Duration,
}

impl Run {
    /// The command that repeats it.
    pub fn command(&self) -> String {
        format!(
            "cargo run -p world -- replay {}@{} {} --seed {}",
            self.scenario.name,
            self.version.text(),
            self.plan,
            self.seed
        )
    }

    /// Plays it.
    pub fn play(&self) -> Report {
        let mut settings = Settings::default();
        if matches!(self.plan, Plan::Random(_)) {
            settings.order = Order::Shuffled;
        }
        let played = std::panic::catch_unwind(AssertUnwindSafe(|| {
            run_with(self.seed, settings, |world| self.in_world(world))
        }));
        played.unwrap_or_else(|panic| Report {
            violations: vec![format!("a panic: {}", panic_text(panic.as_ref()))],
            end: Value::Null,
            made_by_hand: Value::Null,
            requests: Vec::new(),
            rest: Vec::new(),
            deliveries: Vec::new(),
            writes: Vec::new(),
            attempts: 0,
            digest: String::new(),
            played: Duration::ZERO,
            lasted: Duration::ZERO,
        })
    }

    async fn in_world(&self, world: World) -> Report {
        world.create(serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE},
        }));
        world.create(serde_json::json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "flink", "namespace": NAMESPACE},
        }));
        let flink = Flink::new(&world);
        world.plan(self.plan.kubernetes());
        flink.plan(self.plan.rest());
        let witness = Witness::start(&world, &flink);
        let start = |name: &str| {
            let mut process = Process::named(name);
            process.configuration.push_str(self.scenario.operator_configuration);
            Operator::start(&world, process, flink.transport(name))
        };
        let operator = start(OPERATOR);
        let other = self.plan.has_two_operators().then(|| start(OTHER_OPERATOR));
        let mut stage = Stage::new(world.clone(), flink.clone(), operator.clone());
        if self.plan == Plan::GitOps {
            stage.own_by_git_ops(GIT_OPS_EVERY, false);
        } else if self.plan == Plan::BusyGitOps {
            stage.own_by_git_ops(BUSY_GIT_OPS_EVERY, true);
        }
        let mut violations = Vec::new();
        let start_other = || drop(start(OTHER_OPERATOR));
        let played = AssertUnwindSafe(self.played(&stage, start_other)).catch_unwind();
        match played.await {
            Ok(Ok(())) => {}
            Ok(Err(stuck)) => violations.push(stuck.to_string()),
            Err(panic) => {
                violations.push(format!("the scenario panicked: {}", panic_text(panic.as_ref())));
            }
        }
        let played = world.clock().elapsed();
        if matches!(self.plan, Plan::Random(_)) {
            // Once nothing goes wrong any more, all has to become right, and quiet.
            world.plan(Plan::Undisturbed.kubernetes());
            flink.plan(Plan::Undisturbed.rest());
        }
        violations.extend(self.until_calm(&world).await);
        for operator in other.iter().chain([&operator]) {
            violations.extend(operator.refused_decisions());
        }
        if matches!(self.plan, Plan::Edit(_, of) if of != OfEdit::Label)
            && let Some(resource) = stage.resource()
        {
            violations.extend(editor::unmatched(&stage, &resource));
        }
        violations.extend(flink.violations().iter().map(ToString::to_string));
        violations.extend(witness.violations());
        let writes = world.writes();
        violations.extend(invariants::of_requests(&writes, &[OPERATOR, OTHER_OPERATOR]));
        Report {
            violations,
            end: end::summary(&world, &flink),
            made_by_hand: end::made_by_hand(&world),
            requests: of_operator(world.log(), |entry: &Entry| &entry.client),
            rest: of_operator(flink.log(), |entry: &RestEntry| &entry.client),
            deliveries: world
                .deliveries()
                .into_iter()
                .filter(|delivery| delivery.client == OPERATOR)
                .collect(),
            writes,
            attempts: flink
                .attempts()
                .iter()
                .filter(|attempt| attempt.cause == Cause::Start)
                .count(),
            digest: format!("{}{}", world.digest(), flink.digest()),
            played,
            lasted: world.clock().elapsed(),
        }
    }

    /// Plays the scenario, and what the plan has for it meanwhile.
    async fn played(&self, stage: &Stage, start_other: impl FnOnce()) -> Result<(), Stuck> {
        let scenario = (self.scenario.play)(stage, self.version);
        match self.plan {
            Plan::Edit(place, of) => editor::play(stage, scenario, place, of).await,
            Plan::OldLeader(place) => old_leader::play(stage, scenario, place, start_other).await,
            Plan::Undisturbed
            | Plan::Request(..)
            | Plan::Rest(..)
            | Plan::Event(..)
            | Plan::Twins
            | Plan::LateTwin
            | Plan::GitOps
            | Plan::BusyGitOps
            | Plan::Random(_) => scenario.await,
        }
    }

    /// Waits until the operators write nothing any more, and then sees to it that it stays so.
    async fn until_calm(&self, world: &World) -> Vec<String> {
        let last_write = || {
            let written = world.last_write(&[OPERATOR, OTHER_OPERATOR])?;
            Some((written.at, written.target.verb.text(), written.target.kind.plural.clone()))
        };
        let had_many = matches!(self.plan, Plan::Random(_));
        // What the plan has for the scenario may have come after the operator was at rest.
        let from_now = had_many || matches!(self.plan, Plan::OldLeader(_) | Plan::Edit(..));
        let calm = if had_many {
            CALM_AFTER_MANY
        } else if matches!(self.plan, Plan::Edit(..)) {
            CALM_AFTER_EDIT
        } else {
            CALM
        };
        let began = world.clock().elapsed();
        loop {
            let now = world.clock().elapsed();
            let since = last_write().map_or(now, |(at, ..)| now.saturating_sub(at));
            if since >= calm && (!from_now || now.saturating_sub(began) >= calm) {
                break;
            }
            if now.saturating_sub(began) > CALM_WITHIN {
                return vec![format!("the operator does not come to rest: {:?}", last_write())];
            }
            tokio::time::sleep(Duration::from_secs(15)).await;
        }
        let before = last_write();
        tokio::time::sleep(self.quiet).await;
        let after = last_write();
        if before == after {
            return Vec::new();
        }
        vec![format!("something was written in quiet: {after:?}")]
    }
}

fn of_operator<T>(entries: Vec<T>, client: impl Fn(&T) -> &String) -> Vec<T> {
    entries.into_iter().filter(|entry| client(entry) == OPERATOR).collect()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

impl Report {
    /// Everything that the operator asked for and was told, in the order of time.
    pub fn trace(&self) -> Vec<String> {
        let mut lines: Vec<(Duration, String)> = Vec::new();
        for (nth, request) in self.requests.iter().enumerate() {
            let mut line = format!("request/{nth:<3} {request}");
            if let Some(write) = self.written_by(request) {
                line.push_str("\n                ");
                line.push_str(&write);
            }
            lines.push((request.at, line));
        }
        for (nth, call) in self.rest.iter().enumerate() {
            lines.push((call.at, format!("rest/{nth:<6} {call}")));
        }
        for (nth, delivery) in self.telling_deliveries() {
            let Delivery { at, resource, event, object, .. } = delivery;
            let line = format!(
                "event/{nth:<5} {:.3} {} {resource} {object}",
                at.as_secs_f64(),
                event.text()
            );
            lines.push((*at, line));
        }
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// What a request says, if it changes something, shortened.
    fn written_by(&self, request: &Entry) -> Option<String> {
        let write = self.writes.iter().find(|write| {
            write.at == request.at
                && write.client == request.client
                && request.address.contains(&write.target.name)
                && request.address.contains(&write.target.subresource)
                && request.address.contains(&write.target.kind.plural)
        })?;
        let text = String::from_utf8_lossy(&write.body);
        Some(text.chars().take(1_500).collect())
    }

    /// Requests that the run was able to be hit at: bookmarks tell of nothing.
    pub fn telling_deliveries(&self) -> impl Iterator<Item = (u32, &Delivery)> {
        self.deliveries
            .iter()
            .enumerate()
            .filter(|(_, delivery)| delivery.event != EventKind::Bookmark)
            .filter_map(|(index, delivery)| Some((u32::try_from(index).ok()?, delivery)))
    }
}
