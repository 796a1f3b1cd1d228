//! The client: turns a typed call into one HTTP request, and the response into a typed value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;
use url::{Url, form_urlencoded};

use crate::error::{CallSite, HttpAnswer, RestError, Subject, shorten};
use crate::transport::{BodyLimit, RequestBody, TlsPolicy, Transport, TransportError};

/// Limit in bytes for answers that hold a few ids and numbers.
pub(crate) const SMALL: usize = 64 * 1024;

/// The longest path with query that is sent, in bytes. Flink's HTTP codec limits the request line to 4,096 bytes, which
/// also holds the method and the HTTP version.
const TARGET_MAX: usize = 4_000;

/// A client for any number of clusters. Clones are cheap.
#[derive(Debug, Clone)]
pub struct FlinkRest {
    transport: Transport,
    deadline: Duration,
    body_limit: usize,
}

impl FlinkRest {
    /// The default deadline of a call, as in `kubernetes.operator.flink.client.timeout`.
    pub const DEADLINE: Duration = Duration::from_secs(10);

    /// The default limit on an answer, in bytes. The details of a job with hundreds of vertices take about 1 MiB. A
    /// JobManager runs code of its users, so its answers are not trusted.
    pub const BODY_LIMIT: usize = 8 * 1024 * 1024;

    /// Makes a client with [`Self::DEADLINE`] and [`Self::BODY_LIMIT`].
    pub fn new(transport: Transport) -> Self {
        Self { transport, deadline: Self::DEADLINE, body_limit: Self::BODY_LIMIT }
    }

    /// Sets how long a call may take, from connecting to the last byte.
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Sets the longest answer that is read, in bytes. Calls with short answers have a smaller limit of their own.
    pub fn with_body_limit(self, body_limit: usize) -> Self {
        Self { body_limit, ..self }
    }

    /// A handle for the cluster whose REST API is at `base`, e.g. `http://my-app-rest.my-namespace:8081`.
    ///
    /// # Errors
    ///
    /// The URL must be http or https, without credentials, query and fragment.
    pub fn cluster(&self, base: &Url) -> Result<FlinkCluster, BaseUrlError> {
        let refuse = |reason| Err(BaseUrlError { url: shorten(base.as_str(), 200), reason });
        if !matches!(base.scheme(), "http" | "https") {
            return refuse("the scheme must be http or https");
        }
        if !base.username().is_empty() || base.password().is_some() {
            // The message leaves the credentials out, since it goes to logs and statuses.
            let url = base.host_str().unwrap_or_default().to_owned();
            return Err(BaseUrlError { url, reason: "it must not contain credentials" });
        }
        if base.query().is_some() || base.fragment().is_some() {
            return refuse("it must have neither query nor fragment");
        }
        let name = base.as_str().trim_end_matches('/').to_owned();
        let base = Base { url: base.clone(), name, tls: None };
        Ok(FlinkCluster { rest: self.clone(), base: Arc::new(base) })
    }
}

/// Why a URL cannot be the base of a cluster's REST API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} cannot be the address of a Flink REST API: {reason}")]
pub struct BaseUrlError {
    url: String,
    reason: &'static str,
}

/// The REST API of one cluster. Clones are cheap.
///
/// Each call sends exactly one request and never repeats it.
#[derive(Clone)]
pub struct FlinkCluster {
    rest: FlinkRest,
    base: Arc<Base>,
}

struct Base {
    url: Url,
    /// The URL for messages.
    name: String,
    tls: Option<TlsPolicy>,
}

impl FlinkCluster {
    /// The same cluster with another deadline, e.g. `cluster.within(cancel_timeout).cancel(job)`.
    pub fn within(&self, deadline: Duration) -> Self {
        Self { rest: self.rest.clone().with_deadline(deadline), base: Arc::clone(&self.base) }
    }

    /// The same cluster with what its options say about TLS. It counts for an https address only.
    pub fn with_tls(&self, policy: TlsPolicy) -> Self {
        let Base { url, name, tls: _ } = self.base.as_ref();
        let base = Base { url: url.clone(), name: name.clone(), tls: Some(policy) };
        Self { rest: self.rest.clone(), base: Arc::new(base) }
    }

    pub(crate) fn call(&self, doing: &'static str, method: Method, segments: &[&str]) -> Call {
        let mut url = self.base.url.clone();
        // An http URL always has a path, but the type of the method allows for none.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Call { doing, method, url, subject: Subject::Other, body: None, limit: usize::MAX }
    }

    /// Sends a call and reads its answer.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, RestError> {
        let (site, body) = self.send(call).await?;
        serde_json::from_slice(&body).map_err(|error| {
            // The message may quote long texts of the answer.
            RestError::Malformed { site: Box::new(site), what: shorten(&error.to_string(), 300) }
        })
    }

    /// Sends a call whose answer has no content besides its status.
    pub(crate) async fn done(&self, call: Call) -> Result<(), RestError> {
        self.send(call).await.map(|_| ())
    }

    async fn send(&self, call: Call) -> Result<(CallSite, Bytes), RestError> {
        let limit = call.limit.min(self.rest.body_limit);
        let site = self.site(&call);
        let mut request = match call.into_request(limit) {
            Ok(request) => request,
            Err(what) => return Err(RestError::Invalid { site: Box::new(site), what }),
        };
        if let Some(policy) = &self.base.tls {
            request.extensions_mut().insert(policy.clone());
        }
        let deadline = self.rest.deadline;
        // Boxed, since the future of the transport may be large.
        let answer = Box::pin(self.rest.transport.clone().oneshot(request));
        let outcome = match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(response)) => {
                tracing::trace!(
                    doing = site.doing,
                    cluster = site.cluster,
                    status = response.status().as_u16(),
                    bytes = response.body().len(),
                    "answer from Flink"
                );
                judge(site, response, limit)
            }
            Ok(Err(error)) => Err(RestError::of_transport(site, error)),
            Err(_) => Err(RestError::TimedOut { site: Box::new(site), after: deadline }),
        };
        outcome.inspect_err(|error| tracing::trace!(%error, "no good answer from Flink"))
    }

    fn site(&self, call: &Call) -> CallSite {
        CallSite {
            doing: call.doing,
            cluster: self.base.name.clone(),
            method: call.method.clone(),
            path: shorten(
                call.target()
                    .strip_prefix(self.base.url.path().trim_end_matches('/'))
                    .unwrap_or_else(|| call.target()),
                200,
            ),
            subject: call.subject,
        }
    }
}

impl fmt::Debug for FlinkCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlinkCluster({})", self.base.name)
    }
}

/// Returns the answer if its status is a success, else an error.
fn judge(
    site: CallSite,
    response: Response<Bytes>,
    limit: usize,
) -> Result<(CallSite, Bytes), RestError> {
    let status = response.status();
    if !status.is_success() {
        let location =
            response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let answer = HttpAnswer::read(status, location, response.body());
        return Err(RestError::Http { site: Box::new(site), answer: Box::new(answer) });
    }
    // A transport may ignore the limit.
    if response.body().len() > limit {
        return Err(RestError::TooLarge { site: Box::new(site), limit });
    }
    Ok((site, response.into_body()))
}

impl RestError {
    fn of_transport(site: CallSite, source: TransportError) -> Self {
        let site = Box::new(site);
        match source {
            TransportError::Connect { .. } | TransportError::Tls { .. } => {
                Self::Unreachable { site, source }
            }
            TransportError::Interrupted { .. } => Self::Interrupted { site, source },
            TransportError::TooLarge { limit } => Self::TooLarge { site, limit },
            TransportError::Invalid { reason } => Self::Invalid { site, what: reason },
        }
    }
}

/// One request to be sent.
pub(crate) struct Call {
    doing: &'static str,
    method: Method,
    url: Url,
    subject: Subject,
    /// The body and its content type.
    body: Option<Result<(RequestBody, HeaderValue), String>>,
    limit: usize,
}

impl Call {
    /// Sets what is missing if the answer is 404.
    pub(crate) fn about(self, subject: Subject) -> Self {
        Self { subject, ..self }
    }

    /// Lowers the limit on the answer, in bytes.
    pub(crate) fn at_most(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Adds `name=a,b,c` to the query; nothing if there are no values.
    pub(crate) fn query<'a>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let values: Vec<String> = values
            .into_iter()
            .map(|value| form_urlencoded::byte_serialize(value.as_bytes()).collect())
            .collect();
        if !values.is_empty() {
            // Flink splits at commas after it has decoded the query, so commas need no encoding.
            let added = format!("{name}={}", values.join(","));
            let query = match self.url.query() {
                Some(query) => format!("{query}&{added}"),
                None => added,
            };
            self.url.set_query(Some(&query));
        }
        self
    }

    pub(crate) fn json<T: Serialize>(mut self, body: &T) -> Self {
        let bytes = serde_json::to_vec(body).map_err(|error| error.to_string());
        self.body = Some(bytes.map(|bytes| {
            (RequestBody::from(Bytes::from(bytes)), HeaderValue::from_static("application/json"))
        }));
        self
    }

    pub(crate) fn body(mut self, body: RequestBody, content_type: HeaderValue) -> Self {
        self.body = Some(Ok((body, content_type)));
        self
    }

    /// Makes the call fail with [`RestError::Invalid`] before anything is sent.
    pub(crate) fn invalid(mut self, what: String) -> Self {
        self.body = Some(Err(what));
        self
    }

    /// Path and query.
    fn target(&self) -> &str {
        &self.url[url::Position::BeforePath..]
    }

    fn into_request(self, limit: usize) -> Result<Request<RequestBody>, String> {
        let length = self.target().len();
        if length > TARGET_MAX {
            return Err(format!(
                "its path and query have {length} bytes, and Flink reads {TARGET_MAX} at most"
            ));
        }
        let (body, content_type) = match self.body {
            Some(body) => body.map(|(body, content_type)| (body, Some(content_type)))?,
            None => (RequestBody::from(Bytes::new()), None),
        };
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.url.as_str())
            .header(header::ACCEPT, "application/json")
            .extension(BodyLimit(limit))
            .body(body)
            .map_err(|error| error.to_string())?;
        if let Some(content_type) = content_type {
            request.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        Ok(request)
    }
}
