//! Checks and completes the options for the job of an application cluster.

use super::cluster_mode::ClusterMode;
use crate::{
    build::error::BuildError,
    conf::{ConfigError, Configuration, Value, options::job},
    flink_version::FlinkVersion,
};

/// Main classes that run a Python program.
const PYTHON_DRIVERS: [&str; 2] = [
    "org.apache.flink.client.python.PythonDriver",
    "org.apache.flink.client.python.PythonGatewayServer",
];

/// Arguments that select a Python program.
const PYTHON_ARGUMENTS: [&str; 4] = ["-py", "--python", "-pym", "--pyModule"];

/// Checks the options for the job, and adds those that are derived from them.
pub(super) fn complete(
    configuration: &mut Configuration,
    version: FlinkVersion,
) -> Result<(), BuildError> {
    let allowed = ClusterMode::Application.target();
    let target = configuration.get(&job::TARGET)?.unwrap_or_default();
    if target != allowed {
        return Err(BuildError::ExecutionTarget { value: target, allowed });
    }
    // The client of Flink 1.x sets the list of arguments even if it is empty.
    if version < FlinkVersion::V2_0 {
        configuration.set_if_absent(&job::APPLICATION_ARGS, Value::List(Vec::new()));
    }
    if is_python(configuration)? {
        return Ok(());
    }
    let count = configuration.get(&job::PIPELINE_JARS)?.unwrap_or_default().len();
    let (fits, allowed) = if version < FlinkVersion::V2_0 {
        (count == 1, "exactly one")
    } else {
        (count <= 1, "at most one")
    };
    if fits { Ok(()) } else { Err(BuildError::Jars { count, version, allowed }) }
}

/// Whether the job is a Python program, which needs no jar.
fn is_python(configuration: &Configuration) -> Result<bool, ConfigError> {
    let class = configuration.get(&job::APPLICATION_MAIN)?.unwrap_or_default();
    let arguments = configuration.get(&job::APPLICATION_ARGS)?.unwrap_or_default();
    Ok(PYTHON_DRIVERS.contains(&class.as_str())
        || arguments.iter().any(|argument| PYTHON_ARGUMENTS.contains(&argument.as_str())))
}
