//! A deadline for requests to the API server.
//!
//! A connection whose other end is gone answers nothing, and says nothing either. A client gives up reading after longer
//! than a watch may be silent, and a pass after longer than all of its requests may take together.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::TryFutureExt as _;
use futures::future::{Either, MapErr};
use tower::timeout::Timeout;
use tower::timeout::future::ResponseFuture;
use tower::{BoxError, Layer, Service};

/// The API server gives most requests less than a second, and an admission webhook at most 30 s. What takes longer may have
/// been carried out all the same, as with any answer that is lost.
pub const REQUEST: Duration = Duration::from_secs(30);

/// Gives every request but watches so long.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadlineLayer;

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner }
    }
}

/// See [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
}

impl<S, B> Service<http::Request<B>> for Deadline<S>
where
    S: Service<http::Request<B>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<MapErr<S::Future, fn(S::Error) -> BoxError>, ResponseFuture<S::Future>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let query = request.uri().query().unwrap_or_default();
        if query.split('&').any(|part| part == "watch=true") {
            return Either::Left(self.inner.call(request).map_err(Into::into));
        }
        Either::Right(Timeout::new(&mut self.inner, REQUEST).call(request))
    }
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt as _;

    use super::*;

    async fn asked(uri: &str, takes: Duration) -> Result<(), BoxError> {
        let slow = tower::service_fn(move |_: http::Request<()>| async move {
            tokio::time::sleep(takes).await;
            Ok::<_, std::convert::Infallible>(())
        });
        let request = http::Request::builder().uri(uri).body(()).unwrap();
        DeadlineLayer.layer(slow).oneshot(request).await
    }

    #[tokio::test(start_paused = true)]
    async fn request_that_hangs_is_given_up_and_a_watch_is_not() {
        let began = tokio::time::Instant::now();
        let error = asked("/api/v1/pods?limit=500", Duration::from_hours(1)).await.unwrap_err();
        assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
        assert_eq!(began.elapsed(), REQUEST);
        asked("/api/v1/pods?limit=500", Duration::from_secs(29)).await.unwrap();
        asked("/api/v1/pods?&watch=true&timeoutSeconds=290", Duration::from_secs(290))
            .await
            .unwrap();
        // A name is no question.
        assert!(asked("/api/v1/pods/watch=true", Duration::from_secs(31)).await.is_err());
    }
}
