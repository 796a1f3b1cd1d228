//! Random walks through the life of a job whose state is to be kept, in a small world that remembers how far the job has
//! come: no start ever goes back behind the newest checkpoint or savepoint.

use super::stateful::stateful;
use super::*;
use crate::observed::{Checkpoints, ClusterView, Operation, RestorePoint, is_globally_terminal};

/// Numbers that are the same at each run of the test.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A job as Flink runs it. How far it has come is a number.
#[derive(Clone, Debug)]
struct Job {
    id: String,
    state: FlinkJobStatus,
    /// Its newest checkpoint.
    checkpoint: Option<u64>,
    /// What it says of its checkpoints; while it is INITIALIZING it has not come to that.
    restored: bool,
}

#[allow(clippy::struct_excessive_bools, reason = "what can go wrong, each by itself")]
struct World {
    case: Case,
    job: Option<Job>,
    deployment: Option<JobManagerDeployment>,
    /// What the high availability data know, by the job's id: a job, and perhaps a checkpoint of it.
    ha_data: Option<(String, Option<u64>)>,
    /// The savepoint that was asked for: its id, and the outcome.
    savepoint: Option<(String, Operation)>,
    /// The newest checkpoint or savepoint of all.
    newest: u64,
    high_availability: bool,
    /// When the job was started, as its JobManager counts.
    started: i64,
    silent: bool,
    blind: bool,
    /// Nothing goes wrong, so that many changes follow each other.
    calm: bool,
    story: Vec<String>,
}

const FIRST: &str = "0123456789abcdef0123456789abcdef";

impl World {
    fn new(mode: &str, high_availability: bool) -> Self {
        let mut case = stateful(mode, high_availability);
        case.status().job_status.job_id = Some(FIRST.to_owned());
        case.status().job_status.upgrade_savepoint_path = None;
        let job = Job {
            id: FIRST.to_owned(),
            state: FlinkJobStatus::Running,
            checkpoint: None,
            restored: true,
        };
        Self {
            case,
            job: Some(job),
            deployment: Some(deployment(1)),
            ha_data: high_availability.then(|| (FIRST.to_owned(), None)),
            savepoint: None,
            newest: 0,
            high_availability,
            started: 5,
            silent: false,
            blind: false,
            calm: false,
            story: Vec::new(),
        }
    }

    /// Something happens that the operator has no part in.
    fn happens(&mut self, chance: &mut Chance) {
        let what = match chance.below(20) {
            6..=9 | 14 | 17 | 19 if self.calm => self.job_goes_on(),
            0..=5 | 16 => self.job_goes_on(),
            17 => self.job_ends(FlinkJobStatus::Failed),
            6 => self.job_ends(FlinkJobStatus::Canceled),
            7 => {
                self.deployment = None;
                self.job = None;
                "somebody deletes the Deployment"
            }
            8 => {
                self.silent = chance.below(3) == 0;
                "REST falls silent, or answers again"
            }
            9 => {
                self.blind = chance.below(3) == 0;
                "high availability data cannot be listed, or can again"
            }
            10..=12 => {
                let parallelism = chance.below(5) + 1;
                self.case.edit(&json!({"job": {"parallelism": parallelism}}));
                "the parallelism is edited"
            }
            13 => {
                let state = if chance.below(3) == 0 { "suspended" } else { "running" };
                self.case.edit(&json!({"job": {"state": state}}));
                state
            }
            14 => {
                let memory = if chance.below(4) == 0 { "lots" } else { "1g" };
                self.case.edit(&json!({"taskManager": {"resource": {"memory": memory}}}));
                memory
            }
            15 => {
                let mode = if chance.below(2) == 0 { "savepoint" } else { "last-state" };
                self.case.edit(&json!({"job": {"upgradeMode": mode}}));
                mode
            }
            18 => self.job_manager_restarts(),
            19 => match &self.job {
                Some(job) if !job.restored => self.job_ends(FlinkJobStatus::Failed),
                Some(_) | None => "nothing",
            },
            _ => "nothing",
        };
        self.case.now += i64::try_from(chance.below(120)).unwrap();
        self.story.push(what.to_owned());
    }

    fn job_goes_on(&mut self) -> &'static str {
        let Some(job) = &mut self.job else { return "no job" };
        if is_globally_terminal(&job.state) {
            return "the job has ended";
        }
        if job.state == FlinkJobStatus::Cancelling {
            return self.job_ends(FlinkJobStatus::Canceled);
        }
        if let Some((_, outcome @ Operation::InProgress)) = &mut self.savepoint {
            self.newest += 1;
            *outcome = Operation::Completed { location: format!("s3://b/s/{}", self.newest) };
            return self.job_ends(FlinkJobStatus::Finished);
        }
        job.state = FlinkJobStatus::Running;
        if !job.restored {
            job.restored = true;
            return "the job is restored";
        }
        self.newest += 1;
        job.checkpoint = Some(self.newest);
        if self.high_availability {
            self.ha_data = Some((job.id.clone(), job.checkpoint));
        }
        "a checkpoint"
    }

    /// The next JobManager brings the job back, if there is high availability data of it.
    fn job_manager_restarts(&mut self) -> &'static str {
        match &mut self.job {
            Some(job) if self.ha_data.is_some() && !is_globally_terminal(&job.state) => {
                job.state = FlinkJobStatus::Initializing;
                job.restored = false;
                self.started += 1_000;
                self.savepoint = None;
                "the JobManager starts anew"
            }
            Some(_) | None => "no job to bring back",
        }
    }

    /// Flink removes the data of a job that has ended.
    fn job_ends(&mut self, state: FlinkJobStatus) -> &'static str {
        match &mut self.job {
            Some(job) if !is_globally_terminal(&job.state) => {
                job.state = state;
                self.ha_data = None;
                "the job ends"
            }
            _ => "no job to end",
        }
    }

    /// A pass asks until it knows enough, and is carried out up to a point where the process may die.
    fn pass(&mut self, chance: &mut Chance) {
        let fresh = chance.below(u64::MAX).to_be_bytes();
        self.case.ids.job_id = JobId::from_bytes([fresh, fresh].concat().try_into().unwrap());
        self.case.ids.trigger_id = self.case.ids.job_id.to_string();
        let mut observed = Observed::nothing();
        observed.job_manager = self.deployment.clone().map_or(Seen::Absent, Seen::Present);
        if let Some(found) = &self.deployment
            && (found.replicas != Replicas::Ended || self.job.is_some())
        {
            observed.pods = vec![ready_pod(1_000)];
        }
        self.case.observed = observed;
        for _ in 0..6 {
            let questions = self.case.questions();
            self.answer(questions);
        }
        let decision = self.case.decide();
        self.story.push(format!("{:?} {}", short(&decision), decision.because.reason()));
        let survives = if chance.below(4) == 0 { chance.below(4) } else { u64::MAX };
        for (done, action) in (0..).zip(decision.actions) {
            if done == survives {
                self.story.push("the operator dies".to_owned());
                break;
            }
            self.act(action, chance);
        }
        self.case.now += 1;
        if chance.below(2) == 0 {
            self.old_cluster_ends();
        }
    }

    /// One step of what Kubernetes does with a Deployment that is scaled to zero, or deleted.
    fn old_cluster_ends(&mut self) {
        match &mut self.deployment {
            Some(found) if found.deleting => {
                self.deployment = None;
                self.job = None;
            }
            Some(found) if found.replicas == Replicas::Ending => found.replicas = Replicas::Ended,
            // The pod ends, and the JobManager in it leaves everything as it is.
            Some(found) if found.replicas == Replicas::Ended => self.job = None,
            Some(_) | None => {}
        }
    }

    fn answer(&mut self, questions: Questions) {
        let observed = &mut self.case.observed;
        let job = self.job.as_ref().filter(|_| !self.silent);
        let known = |job: &Job| job.checkpoint.filter(|_| job.restored);
        let path = |job: &Job| known(job).map(|number| format!("s3://b/c/chk-{number}"));
        if questions.cluster {
            observed.cluster = job.map_or_else(
                || Asked::unanswered("timed out"),
                |_| {
                    Asked::present_is(ClusterView {
                        flink_version: "2.2.0".to_owned(),
                        flink_revision: "a".to_owned(),
                        task_managers: 1,
                    })
                },
            );
        }
        if questions.jobs {
            observed.jobs = job.map_or_else(
                || Asked::unanswered("timed out"),
                |job| {
                    Asked::present_is(vec![JobView {
                        id: job.id.clone(),
                        name: "j".to_owned(),
                        state: job.state.clone(),
                        start_time_ms: self.started,
                        changed_at_ms: None,
                    }])
                },
            );
        }
        if questions.job_end {
            observed.last_checkpoint = match (job, &self.savepoint) {
                (None, _) => Asked::unanswered("timed out"),
                (Some(_), Some((_, Operation::Completed { location }))) => {
                    Asked::present_is(location.clone())
                }
                (Some(job), _) => path(job).map_or_else(Asked::absent, Asked::present_is),
            };
        }
        if questions.checkpoints {
            observed.checkpoints = job.map_or_else(
                || Asked::unanswered("timed out"),
                |job| {
                    Asked::present_is(Checkpoints {
                        newest: known(job).map(|number| RestorePoint {
                            id: i64::try_from(number).unwrap(),
                            path: path(job),
                            is_savepoint: false,
                            at: None,
                        }),
                        in_progress_since: None,
                    })
                },
            );
        }
        if questions.savepoint {
            let id = self.case.resource.status.as_ref().unwrap();
            let id = id.job_status.savepoint_info.trigger_id.clone();
            observed.savepoint = match (job, &self.savepoint) {
                (None, _) => Asked::unanswered("timed out"),
                (Some(_), Some((asked, outcome))) if Some(asked) == id.as_ref() => {
                    Asked::present_is(outcome.clone())
                }
                (Some(_), _) => Asked::absent(),
            };
        }
        if questions.exceptions.is_some() {
            observed.exceptions = Asked::present_is(Vec::new());
        }
        if questions.confirm_absence {
            observed.job_manager_source = Source::ApiServer;
        }
        if questions.pod_warnings {
            observed.pod_warnings = Asked::absent();
        }
        if questions.ha_data {
            observed.ha_data = match &self.ha_data {
                _ if self.blind => Asked::unanswered("timed out"),
                None => Asked::absent(),
                Some((id, checkpoint)) => Asked::present_is(HaData {
                    config_maps: vec![format!("a-{id}-config-map")],
                    job_metadata: true,
                    has_checkpoint: checkpoint.is_some(),
                    newest_checkpoint: checkpoint.and_then(|number| i64::try_from(number).ok()),
                    has_job_graph: true,
                }),
            };
        }
    }

    fn act(&mut self, action: Action, chance: &mut Chance) {
        match action {
            Action::Record(status) => self.case.resource.status = Some(*status),
            Action::CreateCluster { objects, existing: None } => {
                self.starts(&format!("{objects:?}"));
            }
            Action::StopJobManager { uid } => {
                if let Some(found) = self.deployment.as_mut().filter(|found| found.uid == uid) {
                    found.replicas = Replicas::Ending;
                    found.available = false;
                }
            }
            Action::DeleteJobManager { uid } => {
                if let Some(found) = self.deployment.as_mut().filter(|found| found.uid == uid) {
                    found.deleting = true;
                    found.available = false;
                    // Its TaskManagers go first. Flink may take that for the end of the job.
                    if chance.below(2) == 0 {
                        self.job_ends(FlinkJobStatus::Failed);
                    }
                    self.job = None;
                    self.savepoint = None;
                }
            }
            Action::DeleteHaData => self.ha_data = None,
            Action::CancelJob { .. } if !self.silent => {
                if let Some(job) = &mut self.job
                    && !is_globally_terminal(&job.state)
                {
                    job.state = FlinkJobStatus::Cancelling;
                }
            }
            Action::StopWithSavepoint { savepoint, .. } if !self.silent => {
                let known =
                    self.savepoint.as_ref().is_some_and(|(id, _)| *id == savepoint.trigger_id);
                let runs =
                    self.job.as_ref().is_some_and(|job| job.state == FlinkJobStatus::Running);
                if !known && runs {
                    let failed = Operation::Failed {
                        class: "a.B".to_owned(),
                        message: "no".to_owned(),
                        savepoint: None,
                    };
                    let fails = chance.below(5) == 0;
                    let outcome = if fails { failed } else { Operation::InProgress };
                    self.savepoint = Some((savepoint.trigger_id, outcome));
                }
            }
            _ => {}
        }
    }

    /// A cluster is created: its job starts from what it finds.
    fn starts(&mut self, objects: &str) {
        assert!(self.job.is_none(), "two jobs: {:#?}", self.story);
        let status = self.case.resource.status.clone().unwrap();
        let id = status.job_status.job_id.unwrap();
        let recovered =
            self.ha_data.clone().filter(|(of, _)| *of == id).and_then(|(_, found)| found);
        let written = |prefix: &str| {
            let (_, rest) = objects.split_once(prefix)?;
            rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse::<u64>().ok()
        };
        let fails = recovered.is_none() && objects.contains("path: KUBERNETES_OPERATOR_LAST_STATE");
        let path = written("path: s3://b/s/").or_else(|| written("path: s3://b/c/chk-"));
        let from = recovered.or(path).unwrap_or(0);
        self.story.push(format!("starts from {from}, the newest is {}", self.newest));
        assert!(fails || from == self.newest, "{:#?}", self.story);
        let state = if fails { FlinkJobStatus::Failed } else { FlinkJobStatus::Initializing };
        if self.high_availability && !fails {
            self.ha_data = Some((id.clone(), (from > 0).then_some(from)));
        }
        self.started += 1_000;
        self.job = Some(Job { id, state, checkpoint: (from > 0).then_some(from), restored: false });
        self.savepoint = None;
        let generation = status.observed_generation.unwrap();
        self.deployment = Some(JobManagerDeployment {
            uid: format!("u{}", self.case.now),
            ..deployment(generation)
        });
    }
}

#[test]
fn no_walk_goes_back_behind_the_newest_state_or_runs_the_job_twice() {
    let mut starts = 0;
    for seed in 0..70 {
        let mut chance = Chance(seed * 7_919 + 1);
        let mode = if chance.below(2) == 0 { "savepoint" } else { "last-state" };
        let mut world = World::new(mode, chance.below(2) == 0);
        world.calm = seed >= 60;
        world.story.push(format!("seed {seed}, {mode}"));
        for _ in 0..if world.calm { 240 } else { 80 } {
            if chance.below(3) == 0 {
                world.happens(&mut chance);
            } else {
                world.pass(&mut chance);
            }
        }
        starts += world.story.iter().filter(|line| line.starts_with("starts from")).count();
    }
    assert!(starts > 100, "only {starts}: the walk does not come far");
}
