//! The real transport.

use std::collections::HashMap;
use std::error::Error as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use tokio::sync::Semaphore;
use tower::Service;

use super::tls::{self, Stamp, TlsOptions, TlsPolicy, TlsProblem, TlsSource};
use super::{
    BodyLimit, ERROR_BODY_MAX, HttpOptions, HttpOptionsError, RequestBody, TransportError,
};

/// How often the files of the stores are looked at, at most. The kubelet needs about a minute to update a mounted Secret.
const STORES_CHECKED_EVERY: Duration = Duration::from_secs(10);

/// Most clusters have the same options of TLS. Each other combination needs a client of its own.
const POLICIES_MAX: usize = 64;

#[derive(Clone)]
pub(super) struct HttpService {
    plain: reqwest::Client,
    secure: Arc<Secure>,
    /// Bytes of long bodies that may be in memory at the same time.
    budget: Arc<Semaphore>,
}

impl HttpService {
    pub(super) fn new(options: &HttpOptions) -> Result<Self, HttpOptionsError> {
        let plain = client(options, None, &TlsPolicy::default())?;
        if let TlsSource::Given(given) = &options.tls {
            let policy = TlsPolicy { needs_client_certificate: true, ..TlsPolicy::default() };
            client(options, Some(given), &policy)?;
        }
        let secure = Secure { options: options.clone(), state: Mutex::default() };
        let budget = Arc::new(Semaphore::new(options.body_bytes_in_flight));
        Ok(Self { plain, secure: Arc::new(secure), budget })
    }
}

fn client(
    options: &HttpOptions,
    tls: Option<&TlsOptions>,
    policy: &TlsPolicy,
) -> Result<reqwest::Client, HttpOptionsError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config(tls, policy)?)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // Only the caller knows whether a request may be repeated.
        .retry(reqwest::retry::never())
        .referer(false)
        // Other crates may turn these features on. A small compressed answer could expand to a large one.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(options.connect_timeout)
        .pool_idle_timeout(options.idle_timeout)
        .pool_max_idle_per_host(options.idle_per_cluster)
        .tcp_keepalive(Duration::from_mins(1))
        .user_agent(concat!("flink-kubernetes-operator/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| HttpOptionsError::Client { reason: chain(&error) })
}

/// The clients for https.
struct Secure {
    options: HttpOptions,
    state: Mutex<Stores>,
}

/// What was read from the stores, and the clients that were made with it.
#[derive(Default)]
struct Stores {
    checked: Option<Instant>,
    stamp: Stamp,
    read: Option<Result<(TlsOptions, Option<String>), String>>,
    clients: HashMap<TlsPolicy, reqwest::Client>,
}

impl Secure {
    /// The client for clusters with these options. It may read the stores: two small files in memory.
    fn client(&self, policy: &TlsPolicy) -> Result<reqwest::Client, TlsProblem> {
        if !policy.is_supported() {
            return Err(TlsProblem::NothingInCommon);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut state);
        if let Some(client) = state.clients.get(policy) {
            return Ok(client.clone());
        }
        let unusable = |why: &str| TlsProblem::NoTrustStore { why: why.to_owned() };
        let (tls, why_no_identity) = match &state.read {
            Some(Ok(read)) => read,
            Some(Err(why)) => return Err(unusable(why)),
            None => return Err(unusable("none is configured")),
        };
        if policy.needs_client_certificate && tls.identity.is_none() {
            let why = why_no_identity.clone().unwrap_or_default();
            return Err(TlsProblem::NoClientCertificate { why });
        }
        let made = client(&self.options, Some(tls), policy);
        let client = made.map_err(|error| unusable(&error.to_string()))?;
        if state.clients.len() >= POLICIES_MAX {
            state.clients.clear();
        }
        state.clients.insert(policy.clone(), client.clone());
        Ok(client)
    }

    /// Reads the stores, unless they are as they were.
    fn refresh(&self, state: &mut Stores) {
        match &self.options.tls {
            TlsSource::None { why } => state.read = Some(Err(why.clone())),
            TlsSource::Given(tls) => {
                if state.read.is_none() {
                    let why = "none is configured".to_owned();
                    state.read = Some(Ok((tls.clone(), Some(why))));
                }
            }
            TlsSource::Files(files) => {
                if state.checked.is_some_and(|at| at.elapsed() < STORES_CHECKED_EVERY) {
                    return;
                }
                state.checked = Some(Instant::now());
                let stamp = files.stamp();
                if state.read.is_some() && state.stamp == stamp {
                    return;
                }
                let read = files.read();
                state.stamp = stamp;
                if let (Err(why), Some(Ok(_))) = (&read, &state.read) {
                    tracing::warn!(
                        why,
                        "the changed stores for TLS cannot be used; the previous ones stay in use"
                    );
                    return;
                }
                state.read = Some(read);
                state.clients.clear();
            }
        }
    }
}

impl Service<Request<RequestBody>> for HttpService {
    type Response = Response<Bytes>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let budget = Arc::clone(&self.budget);
        let client = if request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
            let policy = request.extensions().get::<TlsPolicy>().cloned().unwrap_or_default();
            self.secure.client(&policy)
        } else {
            Ok(self.plain.clone())
        };
        Box::pin(async move {
            let client = client.map_err(|problem| TransportError::Tls { problem })?;
            send(&client, request, &budget).await
        })
    }
}

async fn send(
    client: &reqwest::Client,
    request: Request<RequestBody>,
    budget: &Semaphore,
) -> Result<Response<Bytes>, TransportError> {
    let limit = request.extensions().get().map_or(usize::MAX, |BodyLimit(limit)| *limit);
    let request = request.map(reqwest::Body::wrap);
    let request = reqwest::Request::try_from(request).map_err(transport_error)?;
    let mut answer = client.execute(request).await.map_err(transport_error)?;

    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = if answer.status().is_success() {
        read_whole(&mut answer, limit, budget).await?
    } else {
        read_beginning(&mut answer, ERROR_BODY_MAX).await?
    };
    Ok(response)
}

/// Reads a body. The first bytes of each are free; a longer one waits until it fits into what all clusters together may have
/// in memory, while the JobManager waits for its connection to be read.
async fn read_whole(
    answer: &mut reqwest::Response,
    limit: usize,
    budget: &Semaphore,
) -> Result<Bytes, TransportError> {
    let announced = answer.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(TransportError::TooLarge { limit });
    }
    let mut body = BytesMut::new();
    let mut _reserved = None;
    let mut allowed = FREE.min(limit);
    while let Some(chunk) = answer.chunk().await.map_err(transport_error)? {
        if chunk.len() > limit.saturating_sub(body.len()) {
            return Err(TransportError::TooLarge { limit });
        }
        if chunk.len() > allowed.saturating_sub(body.len()) {
            // All at once: several bodies that each wait for more could wait for each other.
            allowed =
                announced.unwrap_or(limit).max(body.len().saturating_add(chunk.len())).min(limit);
            let bytes = u32::try_from(allowed).unwrap_or(u32::MAX);
            let reserved = budget.acquire_many(bytes).await;
            _reserved = Some(
                reserved
                    .map_err(|error| TransportError::Interrupted { reason: error.to_string() })?,
            );
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Bytes of each body that do not count: nearly all answers are shorter.
const FREE: usize = 64 * 1024;

/// Reads the body of an error. A long one is cut, not refused, since the status is useful without it.
async fn read_beginning(
    answer: &mut reqwest::Response,
    limit: usize,
) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    while body.len() < limit {
        let Some(chunk) = answer.chunk().await.map_err(transport_error)? else { break };
        body.extend_from_slice(chunk.get(..limit.saturating_sub(body.len())).unwrap_or(&chunk));
    }
    Ok(body.freeze())
}

fn transport_error(error: reqwest::Error) -> TransportError {
    // `RestError` names the URL.
    let error = error.without_url();
    if let Some(problem) = TlsProblem::find(&error) {
        return TransportError::Tls { problem };
    }
    let reason = chain(&error);
    if error.is_builder() {
        TransportError::Invalid { reason }
    } else if error.is_connect() {
        TransportError::Connect { reason, timed_out: error.is_timeout() }
    } else {
        TransportError::Interrupted { reason }
    }
}

/// The causes of an error, without the outer layers, whose messages have no information.
fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        let telling = !text.is_empty() && !text.starts_with("client error");
        if telling && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::super::TlsFiles;
    use super::*;

    fn stores(name: &str) -> Vec<u8> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores");
        std::fs::read(folder.join(name)).unwrap()
    }

    /// cert-manager renews certificates while the operator runs.
    #[test]
    fn stores_are_read_again_when_they_change() {
        let directory = tempfile::tempdir().unwrap();
        let trust_store = directory.path().join("truststore.jks");
        let files = TlsFiles {
            trust_store: trust_store.clone(),
            key_store: None,
            password: "changeit".to_owned(),
        };
        let options = HttpOptions { tls: TlsSource::Files(files), ..HttpOptions::default() };
        let secure = Secure { options, state: Mutex::default() };
        let looks_again = || secure.state.lock().unwrap().checked = None;
        let authority = || {
            let state = secure.state.lock().unwrap();
            state.read.as_ref().unwrap().as_ref().ok().map(|(tls, _)| tls.authorities[0].to_vec())
        };
        let policy = TlsPolicy::default();
        let missing = secure.client(&policy).unwrap_err();
        assert!(matches!(missing, TlsProblem::NoTrustStore { .. }), "{missing}");

        std::fs::write(&trust_store, stores("trust.jks")).unwrap();
        assert!(secure.client(&policy).is_err(), "it is not looked at all the time");
        looks_again();
        secure.client(&policy).unwrap();
        let first = authority();

        std::fs::write(&trust_store, b"half of a file").unwrap();
        looks_again();
        secure.client(&policy).unwrap();
        assert_eq!(authority(), first, "the previous one stays in use");

        std::fs::write(&trust_store, stores("trust.p12")).unwrap();
        looks_again();
        secure.client(&policy).unwrap();
        assert!(authority().is_some() && authority() != first);
    }
}
