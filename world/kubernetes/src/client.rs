//! The client's side: a tower service under the real `kube::Client`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http_body_util::BodyExt as _;
use kube::client::Body;
use tower::retry::Policy;
use tower::util::BoxService;
use tower::{BoxError, ServiceBuilder, ServiceExt as _};

use crate::api_server::request::Request;
use crate::chance::Chance;
use crate::server::Server;
use crate::stream::AnswerBody;

type HttpRequest = http::Request<Body>;
type HttpResponse = http::Response<AnswerBody>;

/// The way of one client to the server, for a `kube::Client` to be built on.
pub type Connection = BoxService<HttpRequest, HttpResponse, BoxError>;

/// A connection that hands on every answer as it is.
pub(crate) fn bare(server: Arc<Server>, name: &str) -> Connection {
    let name: Arc<str> = name.into();
    let service = tower::service_fn(move |request: HttpRequest| {
        ask(Arc::clone(&server), Arc::clone(&name), request)
    });
    service.boxed()
}

/// A connection with the layer that kube's own builder adds and that matters here: what was refused for now is asked again.
pub(crate) fn repeating(server: Arc<Server>, name: &str, chance: &Chance) -> Connection {
    let name: Arc<str> = name.into();
    let service = tower::service_fn(move |request: HttpRequest| {
        ask(Arc::clone(&server), Arc::clone(&name), request)
    });
    let retry = Retry { chance: chance.fork("pauses between tries"), tries: 0 };
    ServiceBuilder::new().retry(retry).map_err(BoxError::from).service(service).boxed()
}

fn ask(
    server: Arc<Server>,
    client: Arc<str>,
    request: HttpRequest,
) -> BoxFuture<'static, Result<HttpResponse, BoxError>> {
    Box::pin(async move {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let header = |name: http::HeaderName| {
            let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let request = Request {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            content_type: header(http::header::CONTENT_TYPE),
            accept: header(http::header::ACCEPT),
            user_agent: header(http::header::USER_AGENT),
            user: client.to_string(),
            body,
        };
        let gone = || io::Error::new(io::ErrorKind::ConnectionAborted, "the client was cut off");
        Ok(server.ask(&client, request).await.map_err(|_| gone())??)
    })
}

/// Repeats what was refused with 429, 503 or 504, as kube's `RetryPolicy::server_retry` does, but with pauses that come
/// from the seed: kube draws them from the standard library's random state.
#[derive(Clone, Debug)]
struct Retry {
    chance: Chance,
    tries: u32,
}

/// kube tries this often, …
const TRIES_MAX: u32 = 15;
/// … first after this pause …
const PAUSE_FIRST: Duration = Duration::from_millis(5);
/// … and never after a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(1000);

impl Policy<HttpRequest, HttpResponse, BoxError> for Retry {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        _: &mut HttpRequest,
        result: &mut Result<HttpResponse, BoxError>,
    ) -> Option<Self::Future> {
        let response = result.as_ref().ok()?;
        if !matches!(response.status().as_u16(), 429 | 503 | 504) || self.tries >= TRIES_MAX {
            return None;
        }
        let base = PAUSE_FIRST.saturating_mul(1 << self.tries.min(20)).min(PAUSE_MAX);
        // Up to twice as long, so that clients that were refused together do not come back together.
        let extra =
            base.mul_f64(f64::from(u32::try_from(self.chance.below(1000)).unwrap_or(0)) / 1000.0);
        self.tries += 1;
        let asked = response
            .headers()
            .get("Retry-After")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let asked = asked.map(Duration::from_secs).unwrap_or_default();
        Some(tokio::time::sleep((base + extra).min(PAUSE_MAX).max(asked)))
    }

    fn clone_request(&mut self, request: &HttpRequest) -> Option<HttpRequest> {
        let body = request.body().try_clone()?;
        let mut clone =
            http::Request::builder().method(request.method()).uri(request.uri()).body(body).ok()?;
        clone.headers_mut().extend(request.headers().clone());
        Some(clone)
    }
}
