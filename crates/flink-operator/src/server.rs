//! Health and metrics over HTTP: `/healthz`, `/readyz`, `/metrics`, and upstream's probe path `/`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// What the probes report. The process is alive as long as it answers; it is ready once every watch cache was filled.
#[derive(Clone, Debug, Default)]
pub struct Health {
    ready: Arc<AtomicBool>,
    broken: Arc<AtomicBool>,
}

impl Health {
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// A controller has ended although nobody asked it to: only a restart helps.
    pub fn set_broken(&self) {
        self.broken.store(true, Ordering::Release);
    }

    fn alive(&self) -> bool {
        !self.broken.load(Ordering::Acquire)
    }

    fn is_ready(&self) -> bool {
        self.alive() && self.ready.load(Ordering::Acquire)
    }
}

#[derive(Clone)]
struct Served {
    health: Health,
    metrics: Metrics,
}

/// Serves until `stop` is cancelled.
///
/// # Errors
///
/// The address is taken or may not be used.
pub async fn serve(
    address: SocketAddr,
    health: Health,
    metrics: Metrics,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    axum::serve(listener, router(health, metrics))
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

fn router(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/metrics", get(metrics_text))
        .route("/readyz", get(ready))
        .route("/healthz", get(alive))
        // Upstream's health server answers on any path; its chart probes `/`.
        .fallback(get(alive))
        .with_state(Served { health, metrics })
}

async fn alive(State(served): State<Served>) -> impl IntoResponse {
    answer(served.health.alive())
}

async fn ready(State(served): State<Served>) -> impl IntoResponse {
    answer(served.health.is_ready())
}

fn answer(good: bool) -> (StatusCode, &'static str) {
    if good { (StatusCode::OK, "OK") } else { (StatusCode::INTERNAL_SERVER_ERROR, "ERROR") }
}

async fn metrics_text(State(served): State<Served>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
        served.metrics.encode(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    async fn status(health: &Health, path: &str) -> StatusCode {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router(health.clone(), Metrics::new()).oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn ready_follows_the_caches_and_alive_the_controllers() {
        let health = Health::default();
        assert_eq!(status(&health, "/readyz").await, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(status(&health, "/healthz").await, StatusCode::OK);
        assert_eq!(status(&health, "/").await, StatusCode::OK);
        health.set_ready();
        assert_eq!(status(&health, "/readyz").await, StatusCode::OK);
        health.set_broken();
        assert_eq!(status(&health, "/healthz").await, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(status(&health, "/readyz").await, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(status(&health, "/metrics").await, StatusCode::OK);
    }
}
