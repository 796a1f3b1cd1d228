//! The process `flink-kubernetes-operator`.

use std::process::ExitCode;

fn main() -> ExitCode {
    flink_operator::cli::main()
}
