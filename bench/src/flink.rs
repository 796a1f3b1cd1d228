//! When a job runs, as Flink reports it.

use std::time::Duration;

use anyhow::Context;
use flink_rest::{FlinkCluster, FlinkRest, HttpOptions, JobStatus, Transport};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};
use tokio::time::sleep;
use url::Url;

/// The pause between two polls. The delay of the status is overstated by at most this.
const PAUSE: Duration = Duration::from_millis(50);

/// A JobManager that is starting may accept a connection without answering.
const DEADLINE: Duration = Duration::from_secs(1);

/// When something was first observed, and the poll before that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// When the last poll that did not show it was sent.
    pub not_before: Timestamp,
    /// When the first answer that showed it was received.
    pub seen: Timestamp,
}

/// When Flink reported its job as running.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// The job was RUNNING, which Flink reports as soon as it schedules the job.
    pub job: Moment,
    /// All its tasks ran.
    pub tasks: Moment,
}

/// Polls the JobManager until all tasks of its job run, without a timeout.
///
/// # Errors
///
/// The HTTP client cannot be made.
pub async fn until_running(client: Client, namespace: &str, name: &str) -> anyhow::Result<Running> {
    let transport = Transport::http(&HttpOptions::default()).context("no HTTP client for Flink")?;
    let rest = FlinkRest::new(transport).with_deadline(DEADLINE);
    let mut not_before = Timestamp::now();
    let services: Api<Service> = Api::namespaced(client, namespace);
    let flink = loop {
        if let Some(flink) = address(&services, &rest, name).await? {
            break flink;
        }
        not_before = Timestamp::now();
        sleep(PAUSE).await;
    };
    let mut job = None;
    loop {
        let asked = Timestamp::now();
        let jobs = flink.jobs_overview().await.unwrap_or_default();
        let moment = Moment { not_before, seen: Timestamp::now() };
        if let Some(first) = jobs.first() {
            if first.status == JobStatus::Running {
                job.get_or_insert(moment);
            }
            if first.effective_status() == JobStatus::Running {
                return Ok(Running { job: job.unwrap_or(moment), tasks: moment });
            }
        }
        not_before = asked;
        sleep(PAUSE).await;
    }
}

/// The REST API at the address of its Service, which the machine of the rig can reach. `None` before the Service exists.
async fn address(
    services: &Api<Service>,
    rest: &FlinkRest,
    name: &str,
) -> anyhow::Result<Option<FlinkCluster>> {
    let service = services.get_opt(&format!("{name}-rest")).await.ok().flatten();
    let spec = service.and_then(|service| service.spec);
    let Some(address) = spec.and_then(|spec| spec.cluster_ip).filter(|ip| ip != "None") else {
        return Ok(None);
    };
    let host = if address.contains(':') { format!("[{address}]") } else { address };
    Ok(Some(rest.cluster(&Url::parse(&format!("http://{host}:8081"))?)?))
}
