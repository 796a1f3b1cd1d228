//! Sends requests to JobManagers. It is a tower service, so that tests can replace the network by a simulated Flink.

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
pub use tls::{StoreError, TlsFiles, TlsIdentity, TlsOptions, TlsPolicy, TlsProblem, TlsSource};

/// Sends requests to any cluster. Clones are cheap and share everything, connections included.
///
/// It is a tower service itself. [`Transport::new`] takes it back with layers around it, such as metrics or faults.
#[derive(Clone)]
pub struct Transport {
    service: BoxCloneSyncService<Request<RequestBody>, Response<Bytes>, TransportError>,
}

impl Transport {
    /// Real HTTP/1.1 over one shared pool of connections.
    ///
    /// It follows no redirects, ignores proxies of the environment, and repeats no request.
    ///
    /// # Errors
    ///
    /// The TLS options may be unusable, see [`TlsOptions`].
    pub fn http(options: &HttpOptions) -> Result<Self, HttpOptionsError> {
        http1::HttpService::new(options).map(Self::new)
    }

    /// Takes any service. It gets absolute URIs, and the limit on the answer as the extension [`BodyLimit`].
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

    /// Takes a service that needs whole bodies, such as a simulated Flink. Uploads from files are read into memory first.
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

/// How many bytes of an error's body are read. The rest is dropped.
pub const ERROR_BODY_MAX: usize = 256 * 1024;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The connection could not be made, so nothing was sent: refused, unknown host, handshake failed, timed out.
    #[error("{reason}")]
    Connect { reason: String, timed_out: bool },
    /// There is no TLS connection, so nothing was sent.
    #[error("{problem}")]
    Tls { problem: TlsProblem },
    /// The connection was lost after the request was sent completely or in part.
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
            Self::Tls { .. }
            | Self::Interrupted { .. }
            | Self::TooLarge { .. }
            | Self::Invalid { .. } => false,
        }
    }
}

/// How the real transport connects.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Timeout for name resolution, connecting and the TLS handshake together. The deadline of the call also applies.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// How many idle connections are kept per cluster.
    pub idle_per_cluster: usize,
    /// What to trust over https.
    pub tls: TlsSource,
    /// How many bytes of bodies longer than 64 KiB may be in memory at the same time, of all clusters together. One body
    /// needs less than that.
    pub body_bytes_in_flight: usize,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            // Long enough for the calls of one pass, and for those while a job starts. A connection that stays open until the
            // next pass over a running job would cost a file descriptor for each cluster of the fleet.
            idle_timeout: Duration::from_secs(5),
            // One for the observation of a pass, one for an action at the same time.
            idle_per_cluster: 2,
            tls: TlsSource::None { why: "none is configured".to_owned() },
            body_bytes_in_flight: 24 * 1024 * 1024,
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
