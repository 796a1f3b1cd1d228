//! The process: start, run, stop.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use flink_operator_core::reconcile::Platform;
use flink_rest::transport::TlsSource;
use flink_rest::{HttpOptions, Transport};
use futures::future::{join_all, select_all};
use kube::Client;
use kube::client::ClientBuilder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::clock::Environment;
use crate::config::{self, ConfigSources};
use crate::controllers::deployment::{self, Shared};
use crate::controllers::release;
use crate::deadline::DeadlineLayer;
use crate::events::Events;
use crate::flink_api::Reach;
use crate::metrics::Metrics;
use crate::rest_gate;
use crate::server::{self, Health};

/// Runs the operator until it is asked to stop.
///
/// # Errors
///
/// The configuration is bad, the API server is not to be reached at the start, the health port is taken, or a controller
/// has ended by itself.
pub async fn run() -> anyhow::Result<()> {
    let sources = ConfigSources::of_environment();
    let config = config::load(&sources).context("the configuration cannot be used")?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        scopes = ?config.scopes,
        configuration = config::shown(&config.configuration),
        "starting"
    );
    allow_many_connections();
    let client = client().await?;
    let tls = match &sources.tls {
        Some(files) => TlsSource::Files(files.clone()),
        None => TlsSource::None { why: "OPERATOR_TRUSTSTORE_PATH is not set".to_owned() },
    };
    let transport = Transport::http(&HttpOptions { tls, ..HttpOptions::default() })
        .context("no HTTP client for Flink's REST API")?;
    let rest = rest_gate::gated(transport);
    let health = Health::default();
    let metrics = Metrics::new();
    let stop = CancellationToken::new();

    let shared = Shared {
        events: Events::new(client.clone(), std::env::var("POD_NAME").ok()),
        client,
        rest,
        reach: Reach::of_process(),
        environment: Environment::system(),
        platform: Arc::new(
            Platform::new(config.configuration.clone(), config.console_logs.clone())
                .context("an option of the operator has a bad value")?,
        ),
        backoff: config.backoff,
        metrics: metrics.clone(),
        parallelism: config.parallelism,
        label_selector: config.label_selector.clone(),
    };
    let running: Vec<_> = config
        .scopes
        .iter()
        .map(|scope| deployment::run(shared.clone(), scope, stop.clone()))
        .collect();
    let context = release::Context {
        client: shared.client.clone(),
        events: shared.events.clone(),
        environment: shared.environment.clone(),
        backoff: shared.backoff,
        label_selector: shared.label_selector.clone(),
    };
    let releases: Vec<_> = config
        .scopes
        .iter()
        .map(|scope| tokio::spawn(release::run(&context, scope, &stop)))
        .collect();
    let (mut stopped, caches): (Vec<_>, Vec<_>) =
        running.into_iter().map(|running| (tokio::spawn(running.stopped), running.caches)).unzip();
    let ready = health.clone();
    tokio::spawn(async move {
        join_all(caches).await;
        ready.set_ready();
        tracing::info!("every cache is filled");
    });
    let served = config.health_port.map(|port| {
        let address = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
        tokio::spawn(server::serve(address, health.clone(), metrics, stop.clone()))
    });
    let asked = async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        Ok::<(), std::io::Error>(())
    };
    stopped.extend(releases);
    let result = tokio::select! {
        asked = asked => asked.context("signals cannot be received"),
        (ended, _, _) = select_all(&mut stopped) => {
            health.set_broken();
            Err(anyhow::anyhow!("a controller has ended by itself: {ended:?}"))
        }
        served = async { match served { Some(served) => served.await, None => std::future::pending().await } } => {
            match served {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(error).context("health and metrics cannot be served"),
                Err(error) => Err(error).context("the server of health and metrics has ended"),
            }
        }
    };
    tracing::info!("stopping: running passes end first");
    stop.cancel();
    end(stopped, config.termination_timeout).await;
    result
}

/// Waits for the running passes, within a limit. Each of them may be interrupted anywhere; if it ends, the next process has
/// less to do.
async fn end(stopped: Vec<tokio::task::JoinHandle<()>>, limit: Duration) {
    let unfinished = stopped.into_iter().filter(|task| !task.is_finished());
    if tokio::time::timeout(limit, join_all(unfinished)).await.is_err() {
        tracing::warn!("passes were still running when the time to stop was over");
    }
}

/// Raises the limit on open files as far as the node allows. Container runtimes start processes with a soft limit of 1,024, and
/// a connection to a JobManager needs one.
fn allow_many_connections() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "open files"),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the limit on open files cannot be raised"
        ),
    }
}

async fn client() -> anyhow::Result<Client> {
    let mut config = kube::Config::infer()
        .await
        .context("no access to a Kubernetes API server is configured")?;
    // Watches are kept open by the API server for minutes; every other request has a deadline.
    config.connect_timeout = Some(Duration::from_secs(10));
    config.write_timeout = Some(Duration::from_secs(30));
    config.read_timeout = Some(Duration::from_secs(330));
    let client =
        ClientBuilder::try_from(config).context("no client for the Kubernetes API server")?;
    Ok(client.with_layer(&DeadlineLayer).build())
}
