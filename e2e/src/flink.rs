//! Flink's REST API, asked through the API server: that works from outside of any cluster.

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
