//! The command line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::render::{self, Output};
use crate::telemetry::{self, LogFormat};

/// A Kubernetes operator for Apache Flink.
#[derive(Debug, Parser)]
#[command(name = "flink-kubernetes-operator", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator. It reads FLINK_CONF_DIR, CONF_OVERRIDE_DIR and WATCH_NAMESPACES.
    #[command(alias = "operator")]
    Run {
        /// The form of log lines.
        #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
        log_format: LogFormat,
        /// What is logged, for example `info` or `info,flink_operator=debug`.
        #[arg(long, env = "LOG_LEVEL", default_value = "info,kube=warn,kube_runtime=warn")]
        log_level: String,
    },
    /// Print the Kubernetes objects that a FlinkDeployment would be deployed as, without a cluster.
    Render {
        /// The manifest; `-` for standard input.
        #[arg(short, long)]
        file: PathBuf,
        #[arg(short, long, value_enum, default_value_t = Output::Yaml)]
        output: Output,
        /// The namespace of a manifest that names none.
        #[arg(short, long, default_value = "default")]
        namespace: String,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run { log_format, log_level } => run(log_format, &log_level),
        Command::Render { file, output, namespace } => print(&file, output, &namespace),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The chain of causes in one line. If standard error is closed, there is no other place for it.
            drop(writeln!(std::io::stderr(), "flink-kubernetes-operator: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(log_format: LogFormat, log_level: &str) -> anyhow::Result<()> {
    telemetry::start(log_format, log_level)?;
    // Two crypto providers in one process make rustls panic on first use; this names the only one.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed before"))?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(crate::process::run())
}

fn print(file: &std::path::Path, output: Output, namespace: &str) -> anyhow::Result<()> {
    let text = if file == std::path::Path::new("-") {
        std::io::read_to_string(std::io::stdin())?
    } else {
        std::fs::read_to_string(file)
            .map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?
    };
    let rendered = render::render(&text, namespace, output)?;
    for warning in &rendered.warnings {
        writeln!(std::io::stderr(), "warning: {warning}")?;
    }
    std::io::stdout().write_all(rendered.objects.as_bytes())?;
    Ok(())
}
