//! The ports of a cluster. Services refer to them, so every option must be a single port number.

use super::error::BuildError;
use crate::conf::{
    ConfigError, ConfigOption, Configuration,
    options::{high_availability, network},
};

/// Defaults of Flink on Kubernetes. Elsewhere the default of these options is any free port.
const BLOB_SERVER: u16 = 6124;
const TASK_MANAGER_RPC: u16 = 6122;
const REST_BIND: u16 = 8081;

/// The fixed ports of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    /// Port of the REST API on its Service.
    pub(super) rest: u16,
    /// Port of the REST API on the JobManager.
    pub(super) rest_bind: u16,
    pub(super) job_manager_rpc: u16,
    pub(super) blob_server: u16,
}

impl Ports {
    /// Parses the ports. Sets those options whose value stands for any free port.
    pub(super) fn fix(configuration: &mut Configuration) -> Result<Self, BuildError> {
        let rest_bind = fix(configuration, &network::REST_BIND_PORT, REST_BIND)?;
        let blob_server = fix(configuration, &network::BLOB_SERVER_PORT, BLOB_SERVER)?;
        fix(configuration, &network::TASK_MANAGER_RPC_PORT, TASK_MANAGER_RPC)?;
        Ok(Self {
            rest: fixed(configuration, &network::REST_PORT)?,
            rest_bind,
            job_manager_rpc: fixed(configuration, &network::JOB_MANAGER_RPC_PORT)?,
            blob_server,
        })
    }

    /// Sets the port on which JobManagers communicate, unless it is set.
    pub(super) fn fix_high_availability(
        self,
        configuration: &mut Configuration,
    ) -> Result<(), BuildError> {
        fix(configuration, &high_availability::JOB_MANAGER_PORT, self.job_manager_rpc).map(drop)
    }
}

/// Parses a port. A value of 0 stands for any free port and is replaced.
fn fix(
    configuration: &mut Configuration,
    option: &ConfigOption<String>,
    replacement: u16,
) -> Result<u16, BuildError> {
    let text = configuration.get_or_default(option)?;
    let port = parse(set_key(configuration, option), &text, 0)?;
    if port == 0 {
        configuration.set(option.key, replacement.to_string());
        return Ok(replacement);
    }
    Ok(port)
}

fn fixed(configuration: &Configuration, option: &ConfigOption<i32>) -> Result<u16, BuildError> {
    let key = set_key(configuration, option);
    match configuration.get_or_default(option) {
        Ok(port) => parse(key, &port.to_string(), 1),
        // A range of ports is not a number. The error is the same as for the other ports.
        Err(ConfigError::Invalid { value, .. }) => parse(key, &value, 1),
        Err(error @ ConfigError::Missing { .. }) => Err(error.into()),
    }
}

/// The key under which the option is set: its current key or an older one.
fn set_key<T>(configuration: &Configuration, option: &ConfigOption<T>) -> &'static str {
    option.all_keys().find(|key| configuration.contains_key(key)).unwrap_or(option.key)
}

fn parse(key: &'static str, text: &str, min: u16) -> Result<u16, BuildError> {
    let port = text.parse().ok().filter(|port| *port >= min);
    port.ok_or_else(|| BuildError::Port { key, value: text.to_owned(), min })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix_all(settings: &[(&str, &str)]) -> (Result<Ports, String>, Configuration) {
        let mut configuration: Configuration =
            settings.iter().map(|(key, value)| (*key, *value)).collect();
        let ports = Ports::fix(&mut configuration).map_err(|error| error.to_string());
        (ports, configuration)
    }

    #[test]
    fn ports_without_a_default_are_set_in_the_configuration() {
        let (ports, configuration) = fix_all(&[]);
        let expected =
            Ports { rest: 8081, rest_bind: 8081, job_manager_rpc: 6123, blob_server: 6124 };
        assert_eq!(ports, Ok(expected));
        assert_eq!(configuration.text("blob.server.port").as_deref(), Some("6124"));
        assert_eq!(configuration.text("taskmanager.rpc.port").as_deref(), Some("6122"));
        assert_eq!(configuration.text("rest.bind-port"), None);
    }

    #[test]
    fn the_rest_port_of_the_job_manager_defaults_to_that_of_the_service() {
        let (ports, configuration) = fix_all(&[("rest.port", "9081")]);
        assert_eq!(ports.map(|ports| (ports.rest, ports.rest_bind)), Ok((9081, 9081)));
        assert_eq!(configuration.text("rest.bind-port"), None);

        let (ports, configuration) = fix_all(&[("rest.port", "80"), ("rest.bind-port", "0")]);
        assert_eq!(ports.map(|ports| (ports.rest, ports.rest_bind)), Ok((80, 8081)));
        assert_eq!(configuration.text("rest.bind-port").as_deref(), Some("8081"));
    }

    #[test]
    fn the_error_for_anything_but_one_port_names_key_value_and_range() {
        let cases = [
            ("blob.server.port", "50100-50200"),
            ("taskmanager.rpc.port", "50300,50301"),
            ("rest.bind-port", "9000-9010"),
            ("rest.bind-port", "65536"),
            ("rest.bind-port", "-1"),
            ("rest.port", "0"),
            ("rest.port", "70000"),
            ("rest.port", "8081-8090"),
            ("web.port", "8081-8090"),
            ("jobmanager.rpc.port", "0"),
            ("jobmanager.rpc.port", "x"),
        ];
        for (key, value) in cases {
            let message = fix_all(&[(key, value)]).0.unwrap_err();
            for fragment in [key, value, "to 65535"] {
                assert!(message.contains(fragment), "{message:?} lacks {fragment:?}");
            }
        }
    }

    #[test]
    fn standby_job_managers_use_the_port_of_the_leader() {
        let (ports, mut configuration) = fix_all(&[("jobmanager.rpc.port", "7123")]);
        ports.unwrap().fix_high_availability(&mut configuration).unwrap();
        assert_eq!(
            configuration.text("high-availability.jobmanager.port").as_deref(),
            Some("7123")
        );
    }
}
