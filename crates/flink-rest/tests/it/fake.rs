//! A transport without a network: it gives one answer and remembers what it was asked.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flink_rest::transport::BodyLimit;
use flink_rest::{FlinkCluster, FlinkRest, Transport};
use http::{HeaderMap, Method, Request, Response, StatusCode};

/// A request that was sent.
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// The URI as sent.
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How much of the answer would be read.
    pub(crate) limit: usize,
}

/// All requests so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Seen>>>);

impl Log {
    /// The one request that was sent.
    pub(crate) fn only(&self) -> Seen {
        let mut seen = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(seen.len(), 1, "every call is one request");
        seen.pop().unwrap()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A cluster that answers every request alike.
pub(crate) fn answering(status: u16, body: impl Into<Bytes>) -> (FlinkCluster, Log) {
    let log = Log::default();
    let body = body.into();
    let status = StatusCode::from_u16(status).unwrap();
    let requests = log.clone();
    let transport = Transport::of_bytes(tower::service_fn(move |request: Request<Bytes>| {
        let (parts, sent) = request.into_parts();
        requests.0.lock().unwrap().push(Seen {
            method: parts.method,
            uri: parts.uri.to_string(),
            headers: parts.headers,
            body: sent,
            limit: parts.extensions.get::<BodyLimit>().unwrap().0,
        });
        let mut response = Response::new(body.clone());
        *response.status_mut() = status;
        std::future::ready(Ok(response))
    }));
    (cluster(transport), log)
}

/// A cluster behind any transport.
pub(crate) fn cluster(transport: Transport) -> FlinkCluster {
    FlinkRest::new(transport).cluster(&"http://my-app-rest.ns:8081".parse().unwrap()).unwrap()
}
