//! A spec and what it is deployed as.

use flink_operator_api::{FlinkDeploymentSpec, JobState, TaskManagerInfo, UpgradeMode};

use crate::build::native::{self, BuildError, ClusterMode, ClusterObjects};
use crate::conf::Unwritable;
use crate::conf::options::{job, memory};
use crate::effective::{self, DeployKeys, EffectiveCluster, JobKeys, Owner};
use crate::fault::Fault;
use crate::flink_version::FlinkVersion;
use crate::job::lifecycle;
use crate::job::restore::RestoreFrom;
use crate::names::{ClusterName, JobId};
use crate::observed::Observed;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::pass::Pass;
use crate::record::{self, Deployed};

/// A spec that can be deployed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) spec: FlinkDeploymentSpec,
    /// `metadata.generation` of the spec.
    pub(crate) generation: i64,
    effective: EffectiveCluster,
    version: FlinkVersion,
    /// The user does not ask for the job's state to be kept.
    may_start_empty: bool,
}

impl Plan {
    /// Derives the effective configuration of a spec.
    ///
    /// # Errors
    ///
    /// A spec that was recorded by another version of the operator and cannot be deployed by this one: every fault.
    pub(crate) fn new(
        inputs: &Inputs<'_>,
        spec: FlinkDeploymentSpec,
        generation: i64,
    ) -> Result<Self, Vec<Fault>> {
        let platform = inputs.platform;
        let mut wanted = spec.clone();
        if let (Some(job), Some(user)) = (&mut wanted.job, &inputs.resource.spec.job) {
            // The mode of `spec` says how this start goes on. Options follow from what the user wants.
            job.upgrade_mode.clone_from(&user.upgrade_mode);
        }
        let effective = effective::deploy(
            &platform.defaults,
            inputs.namespace(),
            inputs.name(),
            generation,
            &wanted,
        )?;
        let version = spec
            .flink_version
            .as_ref()
            .and_then(|version| version.as_str().parse().ok())
            .ok_or_else(|| {
                vec![Fault::new(
                    "spec.flinkVersion",
                    "it is no version of Flink",
                    "write one such as v2_2",
                )]
            })?;
        let may_start_empty = inputs.may_start_empty();
        Ok(Self { spec, generation, effective, version, may_start_empty })
    }

    pub(crate) fn upgrade_mode(&self) -> Option<UpgradeMode> {
        self.spec.job.as_ref().and_then(|job| job.upgrade_mode.clone())
    }

    /// The id that the user fixed with `$internal.pipeline.job-id`.
    pub(crate) fn fixed_job_id(&self) -> Option<JobId> {
        effective::configured_job_id(&self.effective.configuration).ok().flatten()
    }

    /// Records that the spec is about to be deployed.
    pub(crate) fn record_intent(&self, pass: &mut Pass<'_>) {
        let deployed = self.deployed(pass, false);
        pass.record.before_deploy(&mut pass.status, &deployed);
    }

    /// Records that the spec is deployed, or suspended as it asks for.
    pub(crate) fn record_success(&self, pass: &mut Pass<'_>) {
        let running =
            self.spec.job.as_ref().is_some_and(|job| job.state != Some(JobState::Suspended));
        let deployed = self.deployed(pass, running);
        pass.record.after_deploy(&mut pass.status, &deployed);
    }

    fn deployed(&self, pass: &Pass<'_>, running: bool) -> Deployed<'_, FlinkDeploymentSpec> {
        Deployed {
            spec: &self.spec,
            upgrade_mode: self.upgrade_mode(),
            generation: self.generation,
            now: pass.inputs.now,
            task_managers: running.then(|| self.task_managers(pass.inputs)).flatten(),
        }
    }

    /// The TaskManagers that the scale subresource shows.
    fn task_managers(&self, inputs: &Inputs<'_>) -> Option<TaskManagerInfo> {
        self.spec.job.as_ref()?;
        let name: ClusterName = inputs.name().parse().ok()?;
        let configuration = &self.effective.configuration;
        let parallelism = configuration.get_or_default(&job::PARALLELISM).ok()?;
        let slots = configuration.get_or_default(&memory::TASK_MANAGER_SLOTS).ok()?;
        Some(record::task_managers(&name, parallelism, slots))
    }

    /// The objects of the cluster, with what is known only now: whose it is, the job's id, where the job starts from.
    ///
    /// # Errors
    ///
    /// What the native builder refuses. Validation has built the same spec, so this happens to recorded specs only.
    pub(crate) fn objects(&self, pass: &Pass<'_>) -> Result<ClusterObjects, Vec<Fault>> {
        let inputs = pass.inputs;
        let job_id = lifecycle::id(&pass.status.job_status);
        let keys = DeployKeys {
            owner: Owner {
                name: inputs.name().to_owned(),
                uid: inputs.resource.metadata.uid.clone().unwrap_or_default(),
            },
            job: self.spec.job.as_ref().map(|_| JobKeys {
                job_id: job_id.unwrap_or(inputs.ids.job_id),
                restore: self.restore(pass.observed, pass.known_state()),
                job_result_store_id: inputs.ids.job_result_store.clone(),
            }),
        };
        let mode =
            if self.spec.job.is_some() { ClusterMode::Application } else { ClusterMode::Session };
        let input = effective::native_input(
            &self.effective,
            self.version,
            mode,
            &keys,
            &inputs.platform.console_logs,
        );
        let unwritable = input.unwritable();
        if !unwritable.is_empty() {
            return Err(unwritable.iter().map(of_unwritable).collect());
        }
        native::build(input).map_err(|error| vec![of_build(&error)])
    }

    /// The same for a job that goes on from its last state and has no checkpoint yet: there is nothing that it could miss.
    pub(crate) fn without_checkpoint(mut self) -> Self {
        self.may_start_empty = true;
        self
    }

    /// What the job starts from, where the status knows `known`.
    pub(crate) fn restore(&self, observed: &Observed, known: RestoreFrom) -> RestoreFrom {
        let from = RestoreFrom::of_record(self.upgrade_mode().as_ref(), known);
        let data = observed.ha_data.present();
        let has_checkpoint = data.map_or(!self.may_start_empty, |data| data.has_checkpoint);
        match from {
            // The job graph in the data decides.
            RestoreFrom::HaMetadata if !has_checkpoint => RestoreFrom::NoState,
            RestoreFrom::Empty
            | RestoreFrom::NoState
            | RestoreFrom::Path(_)
            | RestoreFrom::HaMetadata
            | RestoreFrom::Unknown => from,
        }
    }
}

fn of_unwritable(entry: &Unwritable) -> Fault {
    Fault::new(
        "spec",
        format!("{}: {}", entry.key, entry.problem),
        "correct it and apply the resource again",
    )
}

fn of_build(error: &BuildError) -> Fault {
    Fault::new("spec", error.to_string(), "correct it and apply the resource again")
}
