//! The real transport.

use std::error::Error as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use tower::Service;

use super::{
    BodyLimit, ERROR_BODY_MAX, HttpOptions, HttpOptionsError, RequestBody, TransportError, tls,
};

#[derive(Clone)]
pub(super) struct HttpService {
    client: reqwest::Client,
    https: bool,
}

impl HttpService {
    pub(super) fn new(options: &HttpOptions) -> Result<Self, HttpOptionsError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(options.tls.as_ref())?)
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
            .map_err(|error| HttpOptionsError::Client { reason: chain(&error) })?;
        Ok(Self { client, https: options.tls.is_some() })
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
        let client = self.client.clone();
        let https = self.https;
        Box::pin(async move {
            if !https && request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
                let reason = "https needs trusted certificates, and none are configured".to_owned();
                return Err(TransportError::Invalid { reason });
            }
            send(&client, request).await
        })
    }
}

async fn send(
    client: &reqwest::Client,
    request: Request<RequestBody>,
) -> Result<Response<Bytes>, TransportError> {
    let limit = request.extensions().get().map_or(usize::MAX, |BodyLimit(limit)| *limit);
    let request = request.map(reqwest::Body::wrap);
    let request = reqwest::Request::try_from(request).map_err(transport_error)?;
    let mut answer = client.execute(request).await.map_err(transport_error)?;

    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = if answer.status().is_success() {
        read_whole(&mut answer, limit).await?
    } else {
        read_beginning(&mut answer, ERROR_BODY_MAX).await?
    };
    Ok(response)
}

async fn read_whole(answer: &mut reqwest::Response, limit: usize) -> Result<Bytes, TransportError> {
    let announced = answer.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(TransportError::TooLarge { limit });
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(transport_error)? {
        if chunk.len() > limit.saturating_sub(body.len()) {
            return Err(TransportError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

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
