//! Calls Flink's REST API through the API server's proxy, which works from outside of the cluster.

use anyhow::Context;
use http::Request;
use serde_json::Value;

use crate::namespace::TestNamespace;

/// The REST API of one cluster.
pub struct Flink<'a> {
    namespace: &'a TestNamespace,
    cluster_id: &'a str,
}

impl<'a> Flink<'a> {
    pub const fn of(namespace: &'a TestNamespace, cluster_id: &'a str) -> Self {
        Self { namespace, cluster_id }
    }

    /// GETs a path such as `/jobs/overview`.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let uri = format!(
            "/api/v1/namespaces/{}/services/{}-rest:rest/proxy{path}",
            self.namespace.name, self.cluster_id
        );
        let request = Request::get(uri).body(Vec::new())?;
        Ok(self.namespace.cluster.client.request(request).await?)
    }

    /// The states of all jobs, by id.
    pub async fn jobs(&self) -> anyhow::Result<Vec<(String, String)>> {
        let answer = self.get("/jobs/overview").await?;
        let jobs = answer.get("jobs").and_then(Value::as_array).context("no list of jobs")?;
        let text = |job: &Value, key: &str| {
            job.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Ok(jobs.iter().map(|job| (text(job, "jid"), text(job, "state"))).collect())
    }

    /// How many checkpoints the job has completed.
    pub async fn completed_checkpoints(&self, job: &str) -> anyhow::Result<u64> {
        let answer = self.get(&format!("/jobs/{job}/checkpoints")).await?;
        answer
            .pointer("/counts/completed")
            .and_then(Value::as_u64)
            .context("no count of checkpoints")
    }
}

/// The counters of the test job. See rig/README.md.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Elements since the first start, including all restarts.
    pub processed: i64,
    pub last: i64,
    pub gaps: i64,
    pub duplicates: i64,
    /// Elements whose count was older or newer than the rest of the state.
    pub foreign_counts: i64,
    /// The id of the checkpoint or savepoint that this attempt was restored from; -1 without one.
    pub restored_checkpoint_id: i64,
    /// `processed` in that state.
    pub restored_processed: i64,
}

impl Counted {
    /// Whether no element was lost or counted twice.
    pub const fn is_exactly_once(&self) -> bool {
        self.gaps == 0 && self.duplicates == 0 && self.foreign_counts == 0
    }
}

impl Flink<'_> {
    /// Reads the counters from the accumulators. They arrive with the TaskManagers' heartbeats, so they are a second or two old.
    pub async fn counted(&self, job: &str) -> anyhow::Result<Counted> {
        let answer = self.get(&format!("/jobs/{job}/accumulators")).await?;
        let all = answer
            .get("user-task-accumulators")
            .and_then(Value::as_array)
            .context("the job has no accumulators")?;
        let value = |name: &str| -> anyhow::Result<i64> {
            all.iter()
                .find(|one| one.get("name").and_then(Value::as_str) == Some(name))
                .and_then(|one| one.get("value"))
                .and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()))
                .with_context(|| format!("the job has no accumulator {name}: {answer}"))
        };
        Ok(Counted {
            processed: value("processed")?,
            last: value("last")?,
            gaps: value("gaps")?,
            duplicates: value("duplicates")?,
            foreign_counts: value("foreignCounts")?,
            restored_checkpoint_id: value("restoredCheckpointId")?,
            restored_processed: value("restoredProcessed")?,
        })
    }
}
