//! Running a sequence on both servers, and holding what they say against each other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::events::{events, open_watch};
use crate::normal::Names;
use crate::operation::{Operation, Resource};
use crate::send::{asked, note_page, send};
use crate::side::{Event, Side};
use crate::state::state;

/// Where the two servers differ.
#[derive(Debug)]
pub struct Difference {
    /// Index of the operation.
    pub at: usize,
    pub what: String,
    pub simulated: Value,
    pub real: Value,
}

/// The controllers of the real server have this long to do what those of the simulated one did.
const PATIENCE: Duration = Duration::from_secs(20);
/// As long as that, where it is known that there is a difference.
const SHORT_PATIENCE: Duration = Duration::from_secs(4);

/// Both servers, in one sequence.
pub struct Pair<'a> {
    pub simulated: &'a mut Side,
    pub real: &'a mut Side,
    names: [Names; 2],
    /// What the sequence is about.
    kinds: BTreeSet<Resource>,
    patience: Duration,
}

impl<'a> Pair<'a> {
    pub fn begin(simulated: &'a mut Side, real: &'a mut Side, namespace: &str) -> Self {
        simulated.begin(namespace);
        real.begin(namespace);
        let names = [Names::default(), Names::default()];
        Self { simulated, real, names, kinds: BTreeSet::new(), patience: PATIENCE }
    }

    pub fn impatient(self) -> Self {
        Self { patience: SHORT_PATIENCE, ..self }
    }

    /// Runs a sequence. The first difference ends it.
    pub fn run(&mut self, operations: &[Operation]) -> Option<Difference> {
        self.kinds = operations.iter().map(Operation::resource).collect();
        let mut unchecked = 0;
        for (at, operation) in operations.iter().enumerate() {
            self.sync_ends();
            let found =
                if operation.is_watch() { self.watch(operation) } else { self.request(operation) };
            if let Some((what, simulated, real)) = found {
                return Some(Difference { at, what, simulated, real });
            }
            unchecked += 1;
            let is_last = at + 1 == operations.len();
            if let Some((simulated, real)) =
                self.end(operation, unchecked >= 10 || is_last, &mut unchecked)
            {
                return Some(Difference {
                    at,
                    what: "state afterwards".to_owned(),
                    simulated,
                    real,
                });
            }
        }
        None
    }

    fn sync_ends(&mut self) {
        self.names[0].ends.clone_from(&self.simulated.ends);
        self.names[1].ends.clone_from(&self.real.ends);
    }

    fn request(&mut self, operation: &Operation) -> Option<(String, Value, Value)> {
        let asked = [asked(self.simulated, operation), asked(self.real, operation)];
        let simulated = send(self.simulated, operation);
        let real = send(self.real, operation);
        let [simulated_names, real_names] = &mut self.names;
        let [simulated_asked, real_asked] = asked;
        let answers =
            [(&simulated, simulated_names, simulated_asked), (&real, real_names, real_asked)].map(
                |(answer, names, asked)| {
                    names.learn(&answer.body);
                    names.answer(answer.code, &answer.body, asked.as_deref())
                },
            );
        let resource = operation.resource();
        self.simulated.remember(resource, &simulated.body);
        self.real.remember(resource, &real.body);
        for (side, answer) in [(&mut *self.simulated, &simulated), (&mut *self.real, &real)] {
            note_page(side, operation, answer);
        }
        let [simulated, real] = answers;
        (simulated != real).then(|| ("answer".to_owned(), simulated, real))
    }

    /// Ends an operation: the controllers do what follows from it, and now and then everything is compared.
    fn end(
        &mut self,
        operation: &Operation,
        check: bool,
        unchecked: &mut usize,
    ) -> Option<(Value, Value)> {
        let before = self.simulated.ends.last().copied();
        self.simulated.end_operation();
        let at_once = self.simulated.ends.pop();
        self.simulated.settle();
        self.simulated.end_operation();
        let has_followed = self.simulated.ends.last().copied() != at_once;
        let may_follow = operation.resource() == Resource::Deployments && at_once != before;
        let mut difference = None;
        if check || has_followed || may_follow {
            *unchecked = 0;
            difference = self.compare_states(operation);
        }
        self.real.end_operation();
        difference
    }

    /// Waits until the real server's objects are those of the simulated one.
    fn compare_states(&mut self, after: &Operation) -> Option<(Value, Value)> {
        self.sync_ends();
        let wanted = state(self.simulated, &mut self.names[0], &self.kinds, after);
        let began = Instant::now();
        loop {
            let found = state(self.real, &mut self.names[1], &self.kinds, after);
            if found == wanted {
                return None;
            }
            if began.elapsed() > self.patience {
                return Some((wanted, found));
            }
            self.real.pause(Duration::from_millis(15));
        }
    }

    fn watch(&mut self, operation: &Operation) -> Option<(String, Value, Value)> {
        let resource = operation.resource();
        let no_events = |_: &[Event]| false;
        let (_, simulated) =
            open_watch(self.simulated, operation, Duration::from_millis(100), &no_events);
        let wanted = {
            let names = &mut self.names[0];
            events(names, resource, &simulated)
        };
        // The real server's stream is read until it has said as much; then a moment longer.
        let count = wanted.len();
        let real_names = &self.names[1];
        let enough = |found: &[Event]| events(real_names, resource, found).len() >= count;
        let (_, real) = open_watch(self.real, operation, Duration::from_secs(3), &enough);
        let found = events(&self.names[1], resource, &real);
        if wanted == found {
            return None;
        }
        let (wanted, found) = (Value::Array(wanted), Value::Array(found));
        Some(("events".to_owned(), wanted, found))
    }
}
