//! Metrics of jobs, vertices, TaskManagers and the JobManager.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;

use crate::client::{Call, FlinkCluster};
use crate::error::RestError;
use crate::ids::{JobId, VertexId};
use crate::wire;

/// The most metrics that one answer may have. A task has a few hundred; sources with many partitions thousands.
const METRICS_MAX: usize = 100_000;

impl FlinkCluster {
    /// Values of a job's own metrics, e.g. `numRestarts`. The answer leaves out metrics that the job does not have.
    pub async fn job_metrics(&self, job: JobId, names: &[&str]) -> Result<MetricValues, RestError> {
        let call = self.job_call("read metrics of the job", Method::GET, job, &["metrics"]);
        self.values(call, names).await
    }

    /// Values of the JobManager's metrics.
    pub async fn job_manager_metrics(&self, names: &[&str]) -> Result<MetricValues, RestError> {
        let call =
            self.call("read metrics of the JobManager", Method::GET, &["jobmanager", "metrics"]);
        self.values(call, names).await
    }

    /// Values aggregated over all TaskManagers.
    pub async fn task_manager_metrics(
        &self,
        names: &[&str],
        aggregations: &[Aggregation],
    ) -> Result<AggregatedMetrics, RestError> {
        let call = self.call(
            "read metrics of the TaskManagers",
            Method::GET,
            &["taskmanagers", "metrics"],
        );
        self.aggregated(call, names, aggregations).await
    }

    /// The names of the metrics that the subtasks of a vertex have.
    pub async fn vertex_metric_names(
        &self,
        job: JobId,
        vertex: VertexId,
    ) -> Result<Vec<String>, RestError> {
        let answer: Names =
            self.fetch(self.vertex_call("list metrics of the vertex", job, vertex)).await?;
        Ok(answer.0.into_iter().map(|metric| metric.id).collect())
    }

    /// Values aggregated over all subtasks of a vertex. The answer leaves out metrics that no subtask has.
    ///
    /// # Errors
    ///
    /// Flink before 1.20 answers 400 to [`Aggregation::Skew`]. If the names are too long for Flink (about 4,000 bytes in
    /// all), the error is [`RestError::Invalid`] and nothing is sent.
    pub async fn vertex_metrics(
        &self,
        job: JobId,
        vertex: VertexId,
        names: &[&str],
        aggregations: &[Aggregation],
    ) -> Result<AggregatedMetrics, RestError> {
        let call = self.vertex_call("read metrics of the vertex", job, vertex);
        self.aggregated(call, names, aggregations).await
    }

    fn vertex_call(&self, doing: &'static str, job: JobId, vertex: VertexId) -> Call {
        let vertex = vertex.to_string();
        let path = ["vertices", vertex.as_str(), "subtasks", "metrics"];
        self.job_call(doing, Method::GET, job, &path).about(crate::error::Subject::Other)
    }

    async fn values(&self, call: Call, names: &[&str]) -> Result<MetricValues, RestError> {
        let answer: Values = self.fetch(named(call, names)).await?;
        Ok(answer.0.into_iter().filter_map(|metric| Some((metric.id, metric.value?))).collect())
    }

    async fn aggregated(
        &self,
        call: Call,
        names: &[&str],
        aggregations: &[Aggregation],
    ) -> Result<AggregatedMetrics, RestError> {
        let call = named(call, names).query("agg", aggregations.iter().map(|one| one.as_str()));
        let answer: Aggregates = self.fetch(call).await?;
        Ok(answer.0.into_iter().map(|metric| (metric.id, metric.value)).collect())
    }
}

/// Adds the names. Without names Flink would list the metrics instead of their values.
fn named(call: Call, names: &[&str]) -> Call {
    if names.is_empty() {
        call.invalid("no metric is asked for".to_owned())
    } else {
        call.query("get", names.iter().copied())
    }
}

/// Values by name, as text, since some metrics are not numbers.
pub type MetricValues = BTreeMap<String, String>;

/// Aggregated values by name.
pub type AggregatedMetrics = BTreeMap<String, AggregatedMetric>;

/// One aggregated metric. Only the aggregations of the request are set, or all if it had none. Values may be NaN.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
pub struct AggregatedMetric {
    /// The smallest value.
    #[serde(default, deserialize_with = "wire::float")]
    pub min: Option<f64>,
    /// The largest value.
    #[serde(default, deserialize_with = "wire::float")]
    pub max: Option<f64>,
    /// The arithmetic mean.
    #[serde(default, deserialize_with = "wire::float")]
    pub avg: Option<f64>,
    /// The total.
    #[serde(default, deserialize_with = "wire::float")]
    pub sum: Option<f64>,
    /// Percent; 0 if all have the same value.
    #[serde(default, deserialize_with = "wire::float")]
    pub skew: Option<f64>,
}

/// How values are aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregation {
    Min,
    Max,
    Avg,
    Sum,
    Skew,
}

impl Aggregation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Avg => "avg",
            Self::Sum => "sum",
            Self::Skew => "skew",
        }
    }
}

#[derive(Deserialize)]
struct Names(#[serde(deserialize_with = "wire::list::<_, _, METRICS_MAX>")] Vec<Name>);

#[derive(Deserialize)]
struct Name {
    id: String,
}

#[derive(Deserialize)]
struct Values(#[serde(deserialize_with = "wire::list::<_, _, METRICS_MAX>")] Vec<Value>);

#[derive(Deserialize)]
struct Value {
    id: String,
    value: Option<String>,
}

#[derive(Deserialize)]
struct Aggregates(#[serde(deserialize_with = "wire::list::<_, _, METRICS_MAX>")] Vec<Aggregate>);

#[derive(Deserialize)]
struct Aggregate {
    id: String,
    #[serde(flatten)]
    value: AggregatedMetric,
}
