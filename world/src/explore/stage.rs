//! What a scenario plays on: a world with Flink and an operator, and a user.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flink_operator_api::{
    FlinkDeployment, FlinkDeploymentStatus, FlinkJobStatus, LifecycleState, ReconciliationState,
};
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use simulated_flink::Flink;
use simulated_flink::behaviour::Failure;
use simulated_flink::store::{Kind, Snapshot};
use simulated_kubernetes::World;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::store::Stored;
use simulated_kubernetes::controllers::pod::{Behaviour, Rule};

use super::application::{NAME, NAMESPACE, RESOURCE, merge_patch, merged};
use crate::operator::{Operator, client};

mod objects;

/// How often a scenario looks whether what it waits for has come.
const LOOK: Duration = Duration::from_millis(250);
/// What does not come within this time of the world does not come.
pub(super) const PATIENCE: Duration = Duration::from_mins(45);

/// The stage. Clones are the same one.
#[derive(Clone)]
pub struct Stage {
    pub world: World,
    pub flink: Flink,
    pub operator: Operator,
    user: Client,
    git_ops: Option<GitOps>,
}

/// A GitOps tool, and what it has to apply.
#[derive(Clone)]
struct GitOps {
    client: Client,
    manifest: Arc<tokio::sync::Mutex<Option<Value>>>,
}

impl GitOps {
    async fn apply(&self, manifest: &Value) -> kube::Result<()> {
        let api: Api<FlinkDeployment> = Api::namespaced(self.client.clone(), NAMESPACE);
        let params = PatchParams::apply("gitops").force();
        api.patch(NAME, &params, &Patch::Apply(manifest)).await.map(drop)
    }
}

impl std::fmt::Debug for Stuck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// A scenario that does not go on.
#[derive(thiserror::Error)]
#[error("waited in vain for {what}; the resource is {resource}")]
pub struct Stuck {
    what: String,
    resource: String,
}

impl Stage {
    pub fn new(world: World, flink: Flink, operator: Operator) -> Self {
        let user = client(&world, "user");
        Self { world, flink, operator, user, git_ops: None }
    }

    /// From now on a GitOps tool owns the resource: what the user wants is applied by it, and applied again so often; with
    /// `touches` each time with another annotation.
    pub fn own_by_git_ops(&mut self, every: Duration, touches: bool) {
        let git_ops = GitOps { client: client(&self.world, "gitops"), manifest: Arc::default() };
        self.git_ops = Some(git_ops.clone());
        tokio::spawn(async move {
            for round in 1_u64.. {
                tokio::time::sleep(every).await;
                // Nobody deletes the resource while it is applied: it would be there again afterwards.
                let manifest = git_ops.manifest.lock().await;
                if let Some(manifest) = &*manifest {
                    let touch = json!({"metadata": {"annotations": {"synced": round.to_string()}}});
                    let manifest =
                        if touches { merged(manifest.clone(), &touch) } else { manifest.clone() };
                    drop(git_ops.apply(&manifest).await);
                }
            }
        });
    }

    /// What the GitOps tool has to apply from now on, where there is one; nothing, once somebody deletes the resource.
    async fn commit(&self, change: impl FnOnce(&mut Option<Value>)) -> Option<kube::Result<()>> {
        let git_ops = self.git_ops.as_ref()?;
        let mut manifest = git_ops.manifest.lock().await;
        change(&mut manifest);
        Some(match &*manifest {
            Some(manifest) => git_ops.apply(manifest).await,
            None => Ok(()),
        })
    }

    fn api(&self) -> Api<FlinkDeployment> {
        Api::namespaced(self.user.clone(), NAMESPACE)
    }

    /// Creates the resource.
    pub async fn create(&self, resource: Value) -> Result<(), Stuck> {
        if let Some(done) = self.commit(|manifest| *manifest = Some(resource.clone())).await {
            return done.map_err(|error| self.stuck(&format!("the resource's creation: {error}")));
        }
        let resource: FlinkDeployment = serde_json::from_value(resource)
            .map_err(|error| self.stuck(&format!("a resource that can be read: {error}")))?;
        let created = self.api().create(&PostParams::default(), &resource).await;
        created.map(drop).map_err(|error| self.stuck(&format!("the resource's creation: {error}")))
    }

    /// Changes the resource with a merge patch.
    pub async fn edit(&self, patch: Value) -> Result<(), Stuck> {
        let change = |manifest: &mut Option<Value>| {
            *manifest = manifest.take().map(|manifest| merged(manifest, &patch));
        };
        if let Some(done) = self.commit(change).await {
            return done.map_err(|error| self.stuck(&format!("the user's edit: {error}")));
        }
        let params = PatchParams::default();
        let patched = self.api().patch(NAME, &params, &Patch::Merge(patch)).await;
        patched.map(drop).map_err(|error| self.stuck(&format!("the user's edit: {error}")))
    }

    /// Puts another spec in the place of the resource's.
    pub async fn replace_spec(&self, spec: &Value) -> Result<(), Stuck> {
        let kind = Kinds::known().plural("flinkdeployments");
        let Some(now) = self.world.get(kind, NAMESPACE, NAME) else { return Ok(()) };
        let spec_now = now.get("spec").cloned().unwrap_or_default();
        self.edit(json!({"spec": merge_patch(&spec_now, spec)})).await
    }

    /// Asks for the resource's deletion.
    pub async fn delete(&self) -> Result<(), Stuck> {
        self.commit(|manifest| *manifest = None).await;
        let deleted = self.api().delete(NAME, &DeleteParams::default()).await;
        deleted.map(drop).map_err(|error| self.stuck(&format!("the user's deletion: {error}")))
    }

    /// Applies the resource from the server's side, as GitOps tools do over and over again.
    pub async fn apply(&self, resource: &Value) -> Result<(), Stuck> {
        if let Some(done) = self.commit(|manifest| *manifest = Some(resource.clone())).await {
            return done.map_err(|error| self.stuck(&format!("the resource applied: {error}")));
        }
        let params = PatchParams::apply("gitops").force();
        let applied = self.api().patch(NAME, &params, &Patch::Apply(resource)).await;
        applied.map(drop).map_err(|error| self.stuck(&format!("the resource applied: {error}")))
    }

    /// The process of the JobManager dies.
    pub fn kill_job_manager(&self) {
        for job_manager in self.flink.job_managers(RESOURCE) {
            self.flink.kill_job_manager(&job_manager.pod_uid);
        }
    }

    /// There is a savepoint at this path that another cluster has taken.
    pub fn put_savepoint(&self, path: &str, offset: u64) {
        self.flink.store(|store| {
            store.put(Snapshot {
                path: path.to_owned(),
                resource: "elsewhere/other".to_owned(),
                job_id: "00000000000000000000000000000001".to_owned(),
                id: 3,
                offset,
                kind: Kind::Savepoint,
                at_ms: 0,
                // No sink of this world's ledger belongs to it.
                attempt: usize::MAX,
            });
        });
    }

    /// Nobody can pull this image from now on.
    pub fn image_is_missing(&self, image: &str) {
        self.world.controllers(|controllers| {
            let behaviour = Behaviour { pull_fails: true, ..controllers.pods.default.clone() };
            // Before the rule about what runs in JobManagers' pods.
            let rule = Rule {
                namespace: None,
                name_prefix: String::new(),
                labels: BTreeMap::new(),
                image: Some(image.to_owned()),
                behaviour,
            };
            controllers.pods.rules.insert(0, rule);
        });
    }

    /// Deletes the namespace with all that is in it.
    pub async fn delete_namespace(&self) {
        self.commit(|manifest| *manifest = None).await;
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.user.clone());
        drop(api.delete(NAMESPACE, &DeleteParams::default()).await);
    }

    /// Whether there is an event with this reason.
    pub fn was_told(&self, reason: &str) -> bool {
        let events = self.world.kubernetes(|kubernetes| {
            kubernetes.stored_list(Kinds::known().plural("events"), NAMESPACE)
        });
        events.iter().any(|event| event.object.get("reason").is_some_and(|found| found == reason))
    }

    fn stored(&self) -> Option<Arc<Stored>> {
        let kind = Kinds::known().plural("flinkdeployments");
        self.world.kubernetes(|kubernetes| kubernetes.stored(kind, NAMESPACE, NAME).cloned())
    }

    /// Whether the resource is there.
    pub fn is_there(&self) -> bool {
        self.stored().is_some()
    }

    /// The resource as it is now.
    pub fn resource(&self) -> Option<FlinkDeployment> {
        let kind = Kinds::known().plural("flinkdeployments");
        let object = self.world.get(kind, NAMESPACE, NAME)?;
        serde_json::from_value(object).ok()
    }

    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits until the resource is like this; `None` once it is gone.
    pub async fn until(
        &self,
        what: &str,
        reached: impl Fn(Option<&FlinkDeployment>) -> bool,
    ) -> Result<(), Stuck> {
        let began = tokio::time::Instant::now();
        let (mut stored, mut resource) = (self.stored(), self.resource());
        while began.elapsed() < PATIENCE {
            if reached(resource.as_ref()) {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
            // Reading it anew each time would be half of what a run takes.
            let now = self.stored();
            let is_same = match (&stored, &now) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                (one, other) => one.is_none() && other.is_none(),
            };
            if !is_same {
                (stored, resource) = (now, self.resource());
            }
        }
        Err(self.stuck(what))
    }

    /// Waits until something else in the world is so.
    pub async fn until_seen(&self, what: &str, reached: impl Fn() -> bool) -> Result<(), Stuck> {
        self.until(what, |_| reached()).await
    }

    /// Waits until the status is like this.
    pub async fn until_status(
        &self,
        what: &str,
        reached: impl Fn(&FlinkDeploymentStatus) -> bool,
    ) -> Result<(), Stuck> {
        self.until(what, |resource| {
            resource.and_then(|resource| resource.status.as_ref()).is_some_and(&reached)
        })
        .await
    }

    /// Lets the job fail until Flink gives it up, see [`fragile`](super::application::fragile).
    pub async fn fail_for_good(&self, failure: &Failure) -> Result<(), Stuck> {
        self.until("the job to be given up", |resource| {
            if resource.is_some_and(runs_newest_spec) {
                self.flink.fail_job(RESOURCE, failure);
            }
            resource.is_some_and(is_failed)
        })
        .await
    }

    /// Waits until the job has FAILED.
    pub async fn until_failed(&self) -> Result<(), Stuck> {
        self.until("the job to be FAILED", |resource| resource.is_some_and(is_failed)).await
    }

    /// Waits until the status tells of an error.
    pub async fn until_error(&self) -> Result<(), Stuck> {
        self.until_status("an error to be told", |status| status.error.is_some()).await
    }

    /// Waits until the job has FAILED; or runs as the newest spec says, for somebody else's edit came before what was to
    /// make it fail.
    pub async fn until_failed_or_running(&self) -> Result<(), Stuck> {
        self.until("the job to be FAILED, or to run as the newest spec says", |resource| {
            resource.is_some_and(|resource| is_failed(resource) || runs_newest_spec(resource))
        })
        .await
    }

    /// Waits until the change is held because the job has no state any more; or runs as the newest spec says, for somebody
    /// else's edit has allowed that.
    pub async fn until_held_or_running(&self) -> Result<(), Stuck> {
        self.until("the change to be held, or the job to run as the newest spec says", |resource| {
            resource.is_some_and(|resource| is_held(resource) || runs_newest_spec(resource))
        })
        .await
    }

    /// Waits until the newest spec is deployed and its job runs.
    pub async fn until_running(&self) -> Result<(), Stuck> {
        self.until("the job to run as the newest spec says", |resource| {
            resource.is_some_and(runs_newest_spec)
        })
        .await
    }

    /// Waits until nothing runs, as asked for.
    pub async fn until_suspended(&self) -> Result<(), Stuck> {
        self.until("the job to be suspended", |resource| {
            resource.is_some_and(|resource| {
                status_is(resource, &LifecycleState::Suspended) && is_observed(resource)
            })
        })
        .await
    }

    pub async fn until_gone(&self) -> Result<(), Stuck> {
        self.until("the resource to be gone", |resource| resource.is_none()).await
    }

    /// Waits until the job that runs now has completed so many more checkpoints.
    pub async fn until_checkpoints(&self, more: u64) -> Result<(), Stuck> {
        let count =
            || self.flink.jobs(RESOURCE).iter().map(|job| job.completed_checkpoints).sum::<u64>();
        let before = count();
        self.until_seen("checkpoints to be completed", || count() >= before + more).await
    }

    /// The job may start from another state than its newest from now on: somebody has asked for that.
    pub fn allow_rewind(&self) {
        self.flink.allow_rewind(RESOURCE);
    }

    /// Deletes an object as somebody with a shell does.
    pub async fn delete_object(&self, plural: &str, name: &str) {
        let kind = Kinds::known().plural(plural);
        let resource = kube::core::ApiResource {
            group: kind.group.clone(),
            version: kind.version.clone(),
            api_version: kind.api_version(),
            kind: kind.kind.clone(),
            plural: kind.plural.clone(),
        };
        let api: Api<kube::core::DynamicObject> =
            Api::namespaced_with(self.user.clone(), NAMESPACE, &resource);
        // Whoever deletes what is gone already has what they wanted.
        drop(api.delete(name, &DeleteParams::default()).await);
    }

    pub(super) fn stuck(&self, what: &str) -> Stuck {
        let resource = self.resource().map_or_else(
            || "gone".to_owned(),
            |resource| {
                serde_json::to_string(&resource.status)
                    .unwrap_or_else(|error| format!("not to be shown: {error}"))
            },
        );
        Stuck { what: what.to_owned(), resource }
    }
}

/// Whether the status speaks of the newest generation.
pub fn is_observed(resource: &FlinkDeployment) -> bool {
    let observed = resource.status.as_ref().and_then(|status| status.observed_generation);
    observed == resource.metadata.generation
}

fn status_is(resource: &FlinkDeployment, state: &LifecycleState) -> bool {
    resource.status.as_ref().and_then(|status| status.lifecycle_state.as_ref()) == Some(state)
}

/// Whether the job has FAILED.
pub fn is_failed(resource: &FlinkDeployment) -> bool {
    let state = resource.status.as_ref().and_then(|status| status.job_status.state.as_ref());
    state == Some(&FlinkJobStatus::Failed)
}

/// Whether this is in the resource's error.
pub fn tells(resource: &FlinkDeployment, text: &str) -> bool {
    let error = resource.status.as_ref().and_then(|status| status.error.as_ref());
    error.is_some_and(|error| error.contains(text))
}

/// Whether a change is held because the job's state is not known or lost.
fn is_held(resource: &FlinkDeployment) -> bool {
    let conditions = resource.status.iter().flat_map(|status| &status.conditions);
    let mut reasons = conditions.filter_map(|condition| condition.reason.as_deref());
    reasons.any(|reason| reason == "StatefulChangeHeld")
}

/// Whether the newest spec is deployed and its job runs.
pub fn runs_newest_spec(resource: &FlinkDeployment) -> bool {
    let Some(status) = &resource.status else { return false };
    is_observed(resource)
        && status.reconciliation_status.state == ReconciliationState::Deployed
        && status.job_status.state == Some(FlinkJobStatus::Running)
}
