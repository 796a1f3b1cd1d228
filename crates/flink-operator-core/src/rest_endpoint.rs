//! How the REST API of a running cluster is reached: as the cluster was deployed, whatever the newest spec says.

mod tls;

use flink_operator_api::{FlinkDeployment, FlinkDeploymentSpec, ReconciliationState};

pub use self::tls::RestTls;
use crate::conf::Configuration;
use crate::conf::options::network;
use crate::effective::{self, DefaultConfiguration};
use crate::flink_version::FlinkVersion;
use crate::record;

/// Flink's default for `rest.port` and `rest.bind-port`.
const DEFAULT_PORT: u16 = 8081;

/// Port and TLS of the REST API of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestEndpoint {
    /// The port of the Service.
    pub port: u16,
    /// The port on which the JobManager listens in its pod.
    pub bind_port: u16,
    /// `None` for plain HTTP.
    pub tls: Option<RestTls>,
}

impl RestEndpoint {
    /// The endpoint of the cluster that the status records as deployed.
    ///
    /// An edited spec, and a spec with faults, count only when they are deployed. The defaults are those that the operator has
    /// now.
    pub fn deployed(resource: &FlinkDeployment, defaults: &DefaultConfiguration) -> Self {
        let recorded = recorded(resource);
        let spec = recorded.as_ref().unwrap_or(&resource.spec);
        let namespace = resource.metadata.namespace.as_deref().unwrap_or_default();
        let version = effective::version(spec).ok();
        let options = spec.flink_configuration.as_ref();
        Self::read(&effective::base(defaults, namespace, version, options), version)
    }

    fn read(configuration: &Configuration, version: Option<FlinkVersion>) -> Self {
        let port = configuration
            .get_or_default(&network::REST_PORT)
            .ok()
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(DEFAULT_PORT);
        // With port 0 the cluster is built with the default port.
        let bind_port = configuration
            .get_or_default(&network::REST_BIND_PORT)
            .ok()
            .and_then(|port| port.trim().parse().ok())
            .filter(|port| *port != 0)
            .unwrap_or(DEFAULT_PORT);
        let version = version.unwrap_or(FlinkVersion::NEWEST_SUPPORTED);
        Self { port, bind_port, tls: RestTls::read(configuration, version) }
    }
}

/// The spec of the cluster that runs; `None` before the first deployment, or if the record cannot be read. After a rollback
/// the last stable spec runs, and the record has the spec that was given up.
fn recorded(resource: &FlinkDeployment) -> Option<FlinkDeploymentSpec> {
    let status = resource.status.as_ref()?;
    let reconciled = record::last_reconciled(status).ok()??;
    let stable = if status.reconciliation_status.state == ReconciliationState::RolledBack {
        record::last_stable(status).ok().flatten()
    } else {
        None
    };
    Some(stable.unwrap_or(reconciled).spec)
}

#[cfg(test)]
mod tests;
