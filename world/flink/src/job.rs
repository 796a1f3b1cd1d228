//! One job in one JobManager: from INITIALIZING to its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::around::{Around, timestamp};
use super::behaviour::{Behaviour, Failure, millis};
use super::checkpoints::{Checkpoints, Owner, Pace};
use super::ha::{Metadata, Plan};
use super::ledger::{Attempt, Cause};
use super::settings::Settings;

mod ends;
mod restore;
mod tasks;

/// The two vertices that every job has: ids as the recorded job has them.
pub(super) const VERTICES: [(&str, &str); 2] = [
    ("f362c87ffabe89c8a91fa7d0a523ba6c", "Source: numbers"),
    ("b71731f1c0df9c3076c4a455334d0ad6", "count -> sink: Writer"),
];

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Initializing {
        until: i64,
    },
    Created {
        until: i64,
    },
    /// It waits for slots, until then.
    Waiting {
        until: i64,
    },
    Deploying {
        until: i64,
    },
    Running,
    /// Its tasks finish: the savepoint is there, or the input is at its end.
    Finishing {
        until: i64,
    },
    Restarting {
        until: i64,
    },
    Cancelling {
        until: i64,
    },
    Ended,
}

/// What a job has of its own, whatever JobManager it runs in.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) settings: Arc<Settings>,
    /// Whose records it processes: the cluster's, or on a session cluster those of its name.
    pub(super) lineage: Arc<str>,
}

/// What a job is, and where it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The cluster.
    pub(super) resource: &'a str,
    pub(super) lineage: &'a str,
    pub(super) pod_uid: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) behaviour: &'a Behaviour,
    /// `None` without high availability.
    pub(super) metadata: Option<&'a Metadata>,
    /// Slots that are there and not another job's.
    pub(super) slots: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) parallelism: u32,
    /// The bounds of each vertex, for the adaptive scheduler.
    pub(super) bounds: BTreeMap<String, (u32, u32)>,
    pub(super) state: &'static str,
    /// When it last came into each state.
    pub(super) stamps: BTreeMap<&'static str, i64>,
    pub(super) started: i64,
    pub(super) ended: Option<i64>,
    pub(super) stage: Stage,
    restore_path: Option<String>,
    /// What it counts from: an offset, and since when; `None`: it stands still.
    offset: u64,
    since: Option<i64>,
    /// The number in the ledger, while tasks run.
    attempt: Option<usize>,
    last_attempt: Option<usize>,
    pub(super) running_since: Option<i64>,
    pub(super) checkpoints: Checkpoints,
    pub(super) restarts: u64,
    /// Newest last.
    pub(super) failures: Vec<(i64, Failure)>,
    /// Why it FAILED for good.
    pub(super) failure: Option<(String, String)>,
    cause: Cause,
    restored_path: Option<String>,
    /// An earlier JobManager had it.
    pub(super) is_recovered: bool,
    /// The JobManager is to end, with this code and message.
    pub(super) fatal: Option<(i32, String)>,
    is_cleaned: bool,
    home: Home,
}

impl Job {
    pub(super) fn new(id: &str, plan: &Plan, home: Home, now: i64, behaviour: &Behaviour) -> Self {
        let of_vertex = |id: &str| {
            let overrides = &home.settings.parallelism_overrides;
            overrides.get(id).copied().unwrap_or(plan.parallelism)
        };
        let bounds: BTreeMap<String, (u32, u32)> =
            VERTICES.iter().map(|(id, _)| ((*id).to_owned(), (1, of_vertex(id)))).collect();
        let parallelism =
            bounds.values().map(|(_, upper)| *upper).max().unwrap_or(plan.parallelism);
        let until = now + millis(behaviour.job_initialisation);
        let mut job = Self {
            id: id.to_owned(),
            name: plan.name.clone(),
            parallelism,
            bounds,
            state: "INITIALIZING",
            stamps: BTreeMap::new(),
            started: now,
            ended: None,
            stage: Stage::Initializing { until },
            restore_path: plan.restore_path.clone(),
            offset: 0,
            since: None,
            attempt: None,
            last_attempt: None,
            running_since: None,
            checkpoints: Checkpoints::new(),
            restarts: 0,
            failures: Vec::new(),
            failure: None,
            cause: Cause::Start,
            restored_path: None,
            is_recovered: false,
            fatal: None,
            is_cleaned: false,
            home,
        };
        job.enter("INITIALIZING", now);
        job
    }

    pub(super) fn home(&self) -> Home {
        self.home.clone()
    }

    fn enter(&mut self, state: &'static str, at: i64) {
        self.state = state;
        self.stamps.insert(state, at);
    }

    /// The record that is next at this time.
    pub(super) fn offset_at(&self, now: i64, behaviour: &Behaviour) -> u64 {
        self.pace(behaviour).map_or(self.offset, |pace| pace.at(now))
    }

    fn pace(&self, behaviour: &Behaviour) -> Option<Pace> {
        Some(Pace {
            offset: self.offset,
            since: self.since?,
            per_second: behaviour.records_per_second,
            end: behaviour.records,
        })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// The attempt that runs, or ran last.
    pub(super) fn attempt(&self) -> Option<usize> {
        self.attempt.or(self.last_attempt)
    }

    /// Whether all its tasks run and process records.
    pub(super) fn runs(&self) -> bool {
        self.stage == Stage::Running
    }

    fn owner<'a>(&'a self, place: &Place<'a>) -> Option<Owner<'a>> {
        Some(Owner {
            lineage: place.lineage,
            job_id: &self.id,
            settings: place.settings,
            attempt: self.attempt?,
            takes: millis(place.behaviour.checkpoint_takes),
            fails: place.behaviour.checkpoints_fail,
        })
    }

    /// Works out the checkpoints until now.
    pub(super) fn catch_up(&mut self, now: i64, place: &Place<'_>, around: &mut Around) {
        let Some(speed) = self.pace(place.behaviour) else { return };
        let mut checkpoints = std::mem::replace(&mut self.checkpoints, Checkpoints::new());
        if let Some(owner) = self.owner(place) {
            checkpoints.catch_up(now, &speed, owner, around);
        }
        self.checkpoints = checkpoints;
    }

    /// Does what is due.
    pub(super) fn advance(&mut self, now: i64, place: &Place<'_>, around: &mut Around) {
        loop {
            let before = self.stage;
            self.advance_once(now, place, around);
            if self.stage == before || self.fatal.is_some() {
                break;
            }
        }
        self.clean(place, around);
    }

    fn advance_once(&mut self, now: i64, place: &Place<'_>, around: &mut Around) {
        match self.stage {
            Stage::Initializing { until } if until <= now => self.initialise(until, place, around),
            Stage::Created { until } if until <= now => {
                if !place.settings.is_adaptive() {
                    self.enter("RUNNING", until);
                }
                self.stage = Stage::Waiting { until: until + place.settings.slot_timeout_ms };
            }
            Stage::Waiting { .. } if place.slots >= self.parallelism => {
                if self.state != "RUNNING" {
                    self.enter("RUNNING", now);
                }
                self.stage = Stage::Deploying { until: now + millis(place.behaviour.tasks_start) };
            }
            Stage::Waiting { until } if until <= now => {
                let failure = Failure::new(
                    "org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException",
                    "Could not acquire the minimum required resources.",
                );
                self.fail(&failure, until, place, around);
            }
            Stage::Deploying { until } if until <= now => self.run(until, place, around),
            Stage::Running => self.go_on(now, place, around),
            Stage::Finishing { until } if until <= now => {
                self.end("FINISHED", until, place, around);
            }
            Stage::Restarting { until } if until <= now => self.restore_again(until, place, around),
            Stage::Cancelling { until } if until <= now => {
                self.end("CANCELED", until, place, around);
            }
            Stage::Initializing { .. }
            | Stage::Created { .. }
            | Stage::Waiting { .. }
            | Stage::Deploying { .. }
            | Stage::Finishing { .. }
            | Stage::Restarting { .. }
            | Stage::Cancelling { .. }
            | Stage::Ended => {}
        }
    }

    /// The tasks run.
    fn run(&mut self, at: i64, place: &Place<'_>, around: &mut Around) {
        let attempt = around.ledger.begin(Attempt {
            resource: place.lineage.to_owned(),
            job_id: self.id.clone(),
            pod_uid: place.pod_uid.to_owned(),
            cause: self.cause,
            restored_path: self.restored_path.clone(),
            restored_offset: self.offset,
            started: timestamp(at),
            ended: None,
            end: None,
            committed: self.offset,
        });
        self.attempt = Some(attempt);
        self.running_since = Some(at);
        self.since = Some(at);
        self.checkpoints.schedule(at, place.settings);
        self.stage = Stage::Running;
    }

    fn go_on(&mut self, now: i64, place: &Place<'_>, around: &mut Around) {
        let ends = self.pace(place.behaviour).and_then(|pace| pace.ends_at());
        if let Some(ends) = ends.filter(|ends| *ends <= now) {
            self.catch_up(ends, place, around);
            self.stand_still(ends, place.behaviour);
            self.checkpoints.suspend(ends);
            self.commit_all(around);
            self.stage = Stage::Finishing { until: ends };
            return;
        }
        self.catch_up(now, place, around);
        self.write_if_due(now, place, around);
        if let (Some(flapping), Some(since)) = (&place.behaviour.flapping, self.running_since)
            && since + millis(flapping.runs) <= now
        {
            let failure = flapping.failure.clone();
            self.fail(&failure, since + millis(flapping.runs), place, around);
            return;
        }
        let wanted = self.wanted_parallelism();
        if place.settings.is_adaptive() && wanted != self.parallelism && place.slots >= wanted {
            self.parallelism = wanted;
            self.leave(now, "RESTARTING", place, around);
            self.enter("RESTARTING", now);
            self.stage = Stage::Restarting { until: now + 500 };
        }
    }

    /// The job counts no further.
    pub(super) fn stand_still(&mut self, now: i64, behaviour: &Behaviour) {
        self.offset = self.offset_at(now, behaviour);
        self.since = None;
    }

    /// The job counts again, and takes checkpoints.
    pub(super) fn count_on(&mut self, now: i64, settings: &Settings) {
        if self.stage == Stage::Running {
            self.since = Some(now);
            self.checkpoints.schedule(now, settings);
        }
    }

    /// The sink commits everything that was processed.
    pub(super) fn commit_all(&mut self, around: &mut Around) {
        if let Some(attempt) = self.attempt {
            around.ledger.commit(attempt, self.offset);
            around.ledger.complete(attempt, self.offset);
        }
    }

    /// When something happens by itself.
    pub(super) fn next(&self, now: i64, place: &Place<'_>) -> Option<i64> {
        match self.stage {
            Stage::Initializing { until }
            | Stage::Created { until }
            | Stage::Waiting { until }
            | Stage::Deploying { until }
            | Stage::Finishing { until }
            | Stage::Restarting { until }
            | Stage::Cancelling { until } => Some(until),
            Stage::Ended => None,
            Stage::Running => {
                let speed = self.pace(place.behaviour);
                let ends = speed.and_then(|speed| speed.ends_at());
                let flaps = place
                    .behaviour
                    .flapping
                    .as_ref()
                    .and_then(|flapping| Some(self.running_since? + millis(flapping.runs)));
                let takes = millis(place.behaviour.checkpoint_takes);
                let written = place.metadata.and(speed).and_then(|_| {
                    let completes = self.checkpoints.next_completion(takes)?;
                    let (_, last) = self.checkpoints.written;
                    Some(completes.max(last + millis(place.behaviour.metadata_pause)))
                });
                let due = [ends, flaps, written].into_iter().flatten().filter(|due| *due > now);
                due.min()
            }
        }
    }

    /// Completes a checkpoint that was asked for.
    pub(super) fn complete_asked(
        &mut self,
        asked: (i64, i64, u64),
        done: i64,
        place: &Place<'_>,
        around: &mut Around,
    ) {
        let mut checkpoints = std::mem::replace(&mut self.checkpoints, Checkpoints::new());
        if let Some(owner) = self.owner(place) {
            checkpoints.complete_asked(asked, done, owner, around);
        }
        self.checkpoints = checkpoints;
        self.write(done, place, around);
    }
}
