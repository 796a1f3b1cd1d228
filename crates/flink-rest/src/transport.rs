//! The way to a JobManager: a tower service, so that a simulated Flink can take the place of the network.

pub(crate) mod body;
mod http1;
mod tls;

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

pub use body::RequestBody;
pub use tls::{TlsIdentity, TlsOptions};

/// Sends requests to any cluster. Clones are cheap and share everything, connections included.
///
/// It is a tower service itself, so layers (metrics, faults) can be put around it and the result given to
/// [`Transport::new`].
#[derive(Clone)]
pub struct Transport {
    service: BoxCloneSyncService<Request<RequestBody>, Response<Bytes>, TransportError>,
}

impl Transport {
    /// Real HTTP/1.1 over one shared pool of connections.
    ///
    /// No redirect is followed, no proxy of the environment is used, nothing is sent twice.
    ///
    /// # Errors
    ///
    /// The TLS options may be unusable, see [`TlsOptions`].
    pub fn http(options: &HttpOptions) -> Result<Self, HttpOptionsError> {
        http1::HttpService::new(options).map(Self::new)
    }

    /// Takes any service, which gets absolute URIs. [`BodyLimit`] among the extensions of the request says how much of the
    /// answer will be accepted.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<Bytes>, Error = TransportError>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Self { service: BoxCloneSyncService::new(service) }
    }

    /// Takes a service that wants whole bodies, as a simulated Flink does. Uploads from files are read into memory first.
    pub fn of_bytes<S>(service: S) -> Self
    where
        S: Service<Request<Bytes>, Response = Response<Bytes>, Error = TransportError>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Self::new(tower::service_fn(move |request: Request<RequestBody>| {
            let service = service.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body
                    .into_bytes()
                    .await
                    .map_err(|error| TransportError::Interrupted { reason: error.to_string() })?;
                service.oneshot(Request::from_parts(parts, body)).await
            }
        }))
    }
}

impl Service<Request<RequestBody>> for Transport {
    type Response = Response<Bytes>;
    type Error = TransportError;
    type Future =
        <BoxCloneSyncService<Request<RequestBody>, Response<Bytes>, TransportError> as Service<
            Request<RequestBody>,
        >>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        self.service.call(request)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

/// How many bytes of an answer are accepted. A transport need not read more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

/// How much of the body of an answer that reports an error is read; the rest is left out.
pub const ERROR_BODY_MAX: usize = 256 * 1024;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection came about, so nothing was sent: refused, unknown host, handshake failed, timed out.
    #[error("{reason}")]
    Connect { reason: String, timed_out: bool },
    /// The connection was lost after the request had been sent, at least in part.
    #[error("{reason}")]
    Interrupted { reason: String },
    /// The answer is longer than its [`BodyLimit`].
    #[error("the answer is longer than {limit} bytes")]
    TooLarge { limit: usize },
    /// The request cannot be sent as it is.
    #[error("{reason}")]
    Invalid { reason: String },
}

impl TransportError {
    pub(crate) fn is_timeout(&self) -> bool {
        match self {
            Self::Connect { timed_out, .. } => *timed_out,
            Self::Interrupted { .. } | Self::TooLarge { .. } | Self::Invalid { .. } => false,
        }
    }
}

/// How the real transport connects.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The longest time for resolving the name, connecting and the TLS handshake. It ends with the deadline of the call at
    /// the latest.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// How many idle connections are kept per cluster.
    pub idle_per_cluster: usize,
    /// What to trust over https; without it, https is refused.
    pub tls: Option<TlsOptions>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            // Flink closes idle connections after 5 min (`rest.idleness-timeout`); being earlier avoids a race in which
            // a request is sent over a connection that is just being closed.
            idle_timeout: Duration::from_mins(4),
            // One observation at a time uses one; the second is for an action meanwhile.
            idle_per_cluster: 2,
            tls: None,
        }
    }
}

/// Why a transport cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpOptionsError {
    #[error("the certificate authorities for Flink's REST API cannot be used: {reason}")]
    Authorities { reason: String },
    #[error("the client certificate for Flink's REST API cannot be used: {reason}")]
    Identity { reason: String },
    #[error("the HTTP client for Flink's REST API cannot be made: {reason}")]
    Client { reason: String },
}
