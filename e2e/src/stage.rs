//! An application with state in its own namespace, and the operator that manages it.
//!
//! The operator is the installed one. If `OPERATOR_BESIDE` is set, it is a process of this tree for each namespace.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use flink_operator_api::FlinkDeployment;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::audit::{self, Mark, Request};
use crate::cluster::Cluster;
use crate::flink::{Counted, Flink};
use crate::golden;
use crate::manifests::Application;
use crate::namespace::TestNamespace;
use crate::operator::{self, Operator};
use crate::status::restore_path;
use crate::wait::eventually;

/// The time limit for a start. A JobManager and a TaskManager start in 10 to 45 s on two cores.
pub const START: Duration = Duration::from_secs(240);

/// The service account of the installed operator, in any namespace.
pub const INSTALLED: &str = ":flink-operator";

pub struct Stage {
    pub namespace: TestNamespace,
    pub name: &'static str,
    /// The operator's service account, or a part of its name.
    user: String,
    _operator: Option<Operator>,
}

impl Stage {
    /// Creates the namespace, and applies the application with `spec` merged into its own.
    pub async fn set(test: &str, application: &Application, spec: &Value) -> anyhow::Result<Self> {
        let cluster = Cluster::connect().await?;
        let namespace = TestNamespace::create(&cluster, test).await?;
        if std::env::var_os("OPERATOR_BESIDE").is_none() {
            return Self::within(namespace, INSTALLED.to_owned(), None, application, spec);
        }
        let settings = operator::settings(&cluster, &namespace.name, operator::free_port()?)?;
        let operator = settings.start()?;
        Self::within(namespace, settings.user(), Some(operator), application, spec)
    }

    /// The same in an existing namespace, with an operator whose service account is `user`.
    pub fn within(
        namespace: TestNamespace,
        user: String,
        operator: Option<Operator>,
        application: &Application,
        spec: &Value,
    ) -> anyhow::Result<Self> {
        let stage = Self { namespace, name: application.name, user, _operator: operator };
        if application.high_availability {
            stage.namespace.apply(&application.claim())?;
        }
        stage.apply(application, spec)?;
        Ok(stage)
    }

    /// Applies the application with `spec` merged into its own.
    pub fn apply(&self, application: &Application, spec: &Value) -> anyhow::Result<()> {
        let mut resource = application.resource();
        merge(&mut resource["spec"], spec);
        self.namespace.apply(&resource).map(drop)
    }

    pub fn flink(&self) -> Flink<'_> {
        Flink::of(&self.namespace, self.name)
    }

    pub async fn resource(&self) -> anyhow::Result<FlinkDeployment> {
        self.namespace.resource(self.name).await
    }

    pub async fn until(
        &self,
        what: &str,
        reached: impl Fn(&FlinkDeployment) -> bool,
    ) -> anyhow::Result<FlinkDeployment> {
        self.namespace.until(self.name, what, START, reached).await
    }

    /// Merges a patch into the spec.
    pub async fn patch(&self, spec: &Value) -> anyhow::Result<()> {
        drop(self.namespace.patch(self.name, &json!({"spec": spec})).await?);
        Ok(())
    }

    /// Waits until the job has counted more than `than`, and has completed a checkpoint.
    pub async fn counted_more(&self, job: &str, than: i64) -> anyhow::Result<Counted> {
        let flink = self.flink();
        let counted = eventually("more counts and a checkpoint", START, || async {
            let counted = flink.counted(job).await?;
            let checkpoints = flink.completed_checkpoints(job).await?;
            Ok((counted.processed > than && checkpoints > 0).then_some(counted))
        })
        .await?;
        assert!(counted.is_exactly_once(), "nothing lost, nothing twice: {counted:?}");
        Ok(counted)
    }

    /// The counters of the job after it was restored from state with at least `at_least` counted elements.
    pub async fn went_on(&self, job: &str, at_least: i64) -> anyhow::Result<Counted> {
        let flink = self.flink();
        let counted = eventually("the job's own word on its restore", START, || async {
            let counted = flink.counted(job).await?;
            Ok((counted.restored_checkpoint_id > 0
                && counted.processed > counted.restored_processed)
                .then_some(counted))
        })
        .await?;
        assert!(counted.is_exactly_once(), "nothing lost, nothing twice: {counted:?}");
        assert!(
            counted.restored_processed >= at_least,
            "{counted:?} goes on from {at_least} at least"
        );
        Ok(counted)
    }

    /// Deletes the resource, and returns the last restore path of its status.
    pub async fn delete_and_read_the_last_path(&self) -> anyhow::Result<String> {
        self.namespace.delete(self.name).await?;
        let last = Mutex::new(String::new());
        eventually("the resource's end", START, || async {
            let Some(seen) = self.namespace.resources().get_opt(self.name).await? else {
                return Ok(Some(()));
            };
            *last.lock().unwrap_or_else(PoisonError::into_inner) = restore_path(&seen);
            Ok(None)
        })
        .await?;
        Ok(last.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many events of a reason were published.
    pub async fn events(&self, reason: &str) -> anyhow::Result<i32> {
        let client = self.namespace.cluster.client.clone();
        let api: Api<Event> = Api::namespaced(client, &self.namespace.name);
        let all = api.list(&ListParams::default()).await?;
        Ok(all
            .iter()
            .filter(|event| event.reason.as_deref() == Some(reason))
            .map(|event| event.series.as_ref().map_or(1, |series| series.count))
            .sum())
    }

    /// A position from which requests are counted; `None` on a cluster whose audit log cannot be read.
    pub fn mark(&self) -> anyhow::Result<Option<Mark>> {
        let cluster = &self.namespace.cluster;
        cluster.audit_log.is_some().then(|| audit::mark(cluster)).transpose()
    }

    /// The operator's requests in this namespace since the position.
    pub fn requests(&self, since: &Mark) -> anyhow::Result<Vec<Request>> {
        let mut requests = since.requests(&self.user)?;
        requests.retain(|request| request.namespace == self.namespace.name);
        Ok(requests)
    }

    /// Compares the requests since the position with the maximum of the operation.
    ///
    /// # Errors
    ///
    /// There were more requests.
    pub fn check_cost(&self, operation: &str, since: Option<&Mark>) -> anyhow::Result<()> {
        let Some(mark) = since else { return Ok(()) };
        let counted = golden::counted(&self.requests(mark)?);
        println!("{}: requests of {operation}: {}", self.namespace.name, json!(counted));
        golden::compare(operation, &counted, &golden::of_operation(operation)?, mark.age())
    }

    /// Deletes the resource, and fails if anything of it is left.
    pub async fn end(self) -> anyhow::Result<()> {
        self.namespace.delete_and_await(self.name, Duration::from_secs(120)).await?;
        self.namespace.remove().await
    }
}

fn merge(target: &mut Value, patch: &Value) {
    if let (Value::Object(target), Value::Object(patch)) = (&mut *target, patch) {
        for (key, value) in patch {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    } else {
        *target = patch.clone();
    }
}
