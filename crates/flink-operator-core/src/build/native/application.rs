//! What only an application cluster needs: a job in its configuration.

use crate::{
    build::error::BuildError,
    conf::{ConfigError, Configuration, Value, options::job},
    flink_version::FlinkVersion,
};

const TARGET: &str = "kubernetes-application";

/// Main classes that run a Python program.
const PYTHON_DRIVERS: [&str; 2] = [
    "org.apache.flink.client.python.PythonDriver",
    "org.apache.flink.client.python.PythonGatewayServer",
];

/// Arguments that name a Python program.
const PYTHON_ARGUMENTS: [&str; 4] = ["-py", "--python", "-pym", "--pyModule"];

/// Checks the job, and completes its configuration.
pub(super) fn complete(
    configuration: &mut Configuration,
    version: FlinkVersion,
) -> Result<(), BuildError> {
    let target = configuration.get(&job::TARGET)?.unwrap_or_default();
    if target != TARGET {
        return Err(BuildError::ExecutionTarget { value: target, allowed: TARGET });
    }
    // A client of Flink 1.x writes the list of arguments even where it is empty.
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

/// A Python program is not in a jar.
fn is_python(configuration: &Configuration) -> Result<bool, ConfigError> {
    let class = configuration.get(&job::APPLICATION_MAIN)?.unwrap_or_default();
    let arguments = configuration.get(&job::APPLICATION_ARGS)?.unwrap_or_default();
    Ok(PYTHON_DRIVERS.contains(&class.as_str())
        || arguments.iter().any(|argument| PYTHON_ARGUMENTS.contains(&argument.as_str())))
}
