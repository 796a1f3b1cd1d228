//! One of the two servers: how it is asked, and what is known of it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use simulated_kubernetes::World;
use simulated_kubernetes::controllers::pod::Behaviour;
use simulated_kubernetes::settings::Settings;
use tokio::runtime::Runtime;

use crate::operation::{Resource, Uid, Version};

/// A uid that no object has.
const NO_UID: &str = "00000000-0000-4000-8000-000000000000";

/// What a server answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub code: u16,
    pub body: Value,
}

/// An event of a watch: its type and its object.
pub type Event = (String, Value);

/// A server, in one namespace.
pub struct Side {
    runtime: Runtime,
    client: Client,
    /// The simulated one has a world.
    world: Option<World>,
    pub namespace: String,
    /// Every version of each object that was seen, in order.
    seen: BTreeMap<(Resource, String), Vec<Value>>,
    /// The version of the whole at the end of each operation; the first one is that of the beginning.
    pub ends: Vec<u64>,
    /// The token of the last page, and the version of its list.
    pub page: Option<(Resource, String, String)>,
}

impl Side {
    /// The real server that `KUBECONFIG` names.
    pub fn real() -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(async {
            let config = kube::Config::infer().await.expect("KUBECONFIG names a cluster");
            Client::try_from(config).expect("a client for the cluster")
        });
        Self::with(runtime, client, None)
    }

    /// A simulated server. As beside a control plane alone, nobody runs its pods.
    pub fn simulated(seed: u64) -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let mut settings = Settings { bookmark_every: None, ..Settings::default() };
        settings.controllers.nodes = Vec::new();
        settings.controllers.pods =
            Behaviour { schedule_after: Duration::from_hours(100_000), ..Behaviour::default() };
        let (client, world) = runtime.block_on(async {
            let world = World::with(seed, settings);
            (world.bare_client("conformance"), world)
        });
        Self::with(runtime, client, Some(world))
    }

    fn with(runtime: Runtime, client: Client, world: Option<World>) -> Self {
        let seen = BTreeMap::new();
        Self {
            runtime,
            client,
            world,
            namespace: String::new(),
            seen,
            ends: Vec::new(),
            page: None,
        }
    }

    pub fn is_real(&self) -> bool {
        self.world.is_none()
    }

    /// Begins in a namespace of its own, in which nothing is known.
    pub fn begin(&mut self, namespace: &str) {
        self.namespace = namespace.to_owned();
        self.seen.clear();
        self.ends.clear();
        self.page = None;
        let object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        let created = self.call("POST", "/api/v1/namespaces", &[], None, Some(&object));
        assert_eq!(created.code, 201, "{}", created.body);
        if self.is_real() {
            // Others create in it too; what they make has to be there before anything is counted.
            self.wait_for(&format!("/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt"));
            self.wait_for(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/default"));
        } else {
            let object = json!({"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": ""}});
            self.call(
                "POST",
                &format!("/api/v1/namespaces/{namespace}/configmaps"),
                &[],
                None,
                Some(&object),
            );
        }
        self.end_operation();
    }

    fn wait_for(&self, address: &str) {
        for _ in 0..600 {
            if self.call("GET", address, &[], None, None).code == 200 {
                return;
            }
            self.pause(Duration::from_millis(20));
        }
        panic!("{address} did not come");
    }

    /// Lets time pass: real time on the real server, virtual time on the other.
    pub fn pause(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// Lets the controllers of the simulated server finish. A whole sequence takes less time than a rollout may.
    pub fn settle(&self) {
        if !self.is_real() {
            self.pause(Duration::from_secs(2));
        }
    }

    /// Notes the version of the whole.
    pub fn end_operation(&mut self) {
        let address = Resource::ConfigMaps.address(&self.namespace);
        let list = self.call("GET", &address, &[("limit", "1")], None, None);
        let version = list.body.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        self.ends.push(version.and_then(|text| text.parse().ok()).expect("a list has a version"));
    }

    /// One request.
    pub fn call(
        &self,
        method: &str,
        address: &str,
        query: &[(&str, &str)],
        content_type: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        let accept = query
            .iter()
            .find(|(name, _)| *name == "$accept")
            .map_or("application/json", |(_, value)| value);
        let request = request(method, address, query, content_type, accept, body);
        self.runtime.block_on(async {
            let response = self.client.send(request).await.expect("the server answers");
            let code = response.status().as_u16();
            let bytes =
                response.into_body().collect().await.expect("the answer is whole").to_bytes();
            let body = serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
            Answer { code, body }
        })
    }

    /// Reads a watch until `enough` says so, and for a moment longer; or until nothing has come for so long.
    pub fn watch(
        &self,
        address: &str,
        query: &[(&str, &str)],
        patience: Duration,
        enough: &dyn Fn(&[Event]) -> bool,
    ) -> (u16, Vec<Event>) {
        let accept = query
            .iter()
            .find(|(name, _)| *name == "$accept")
            .map_or("application/json", |(_, value)| value);
        let request = request("GET", address, query, None, accept, None);
        self.runtime.block_on(async {
            let response = self.client.send(request).await.expect("the server answers");
            let code = response.status().as_u16();
            let mut stream = response.into_body().into_data_stream();
            let (mut buffer, mut events) = (Vec::new(), Vec::new());
            loop {
                let patience = if enough(&events) { Duration::from_millis(15) } else { patience };
                let Ok(Some(Ok(chunk))) = tokio::time::timeout(patience, stream.next()).await
                else {
                    break;
                };
                buffer.extend_from_slice(&chunk);
                while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = buffer.drain(..=end).collect();
                    let mut line: Value =
                        serde_json::from_slice(&line).expect("a line of a watch is JSON");
                    events.push((
                        line["type"].as_str().unwrap_or_default().to_owned(),
                        line["object"].take(),
                    ));
                }
            }
            if code != 200 {
                let body = serde_json::from_slice(&buffer).unwrap_or_default();
                events.push(("REFUSED".to_owned(), body));
            }
            (code, events)
        })
    }

    /// Remembers the objects in an answer.
    pub fn remember(&mut self, resource: Resource, body: &Value) {
        let items = body
            .get("items")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_else(|| vec![body.clone()]);
        for item in items {
            let kind = item.get("kind").and_then(Value::as_str);
            let is_whole = kind.is_none_or(|kind| kind == resource.kind());
            let text =
                |field: &str| item.pointer(&format!("/metadata/{field}")).and_then(Value::as_str);
            if let (true, Some(name), Some(_)) = (is_whole, text("name"), text("resourceVersion")) {
                let seen = self.seen.entry((resource, name.to_owned())).or_default();
                if seen.last() != Some(&item) {
                    seen.push(item.clone());
                }
            }
        }
    }

    pub fn last_seen(&self, resource: Resource, name: &str) -> Option<&Value> {
        self.seen.get(&(resource, name.to_owned()))?.last()
    }

    /// The version to send.
    pub fn version(&self, resource: Resource, name: &str, version: Version) -> Option<String> {
        let seen = self.seen.get(&(resource, name.to_owned()))?;
        let text = |object: &Value, field: &str| {
            object.pointer(&format!("/metadata/{field}")).and_then(Value::as_str).map(str::to_owned)
        };
        let last = seen.last()?;
        match version {
            Version::None => None,
            Version::Current => text(last, "resourceVersion"),
            Version::Stale => {
                let mut older =
                    seen.iter().rev().filter(|object| text(object, "uid") == text(last, "uid"));
                let older = older.find(|object| {
                    text(object, "resourceVersion") != text(last, "resourceVersion")
                });
                text(older.unwrap_or(last), "resourceVersion")
            }
        }
    }

    /// The uid to send.
    pub fn uid(&self, resource: Resource, name: &str, uid: Uid) -> Option<String> {
        match uid {
            Uid::None => None,
            Uid::Wrong => Some(NO_UID.to_owned()),
            Uid::Current => Some(self.known_uid(resource, name)),
        }
    }

    fn known_uid(&self, resource: Resource, name: &str) -> String {
        let uid = self
            .last_seen(resource, name)
            .and_then(|object| object.pointer("/metadata/uid")?.as_str());
        uid.unwrap_or(NO_UID).to_owned()
    }

    /// Fills in what is named and not written: `$uid:configmaps/a`.
    pub fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                match text.strip_prefix("$uid:").and_then(|rest| rest.split_once('/')) {
                    Some((plural, name)) => {
                        let resource =
                            Resource::ALL.into_iter().find(|resource| resource.plural() == plural);
                        json!(resource.map_or_else(
                            || NO_UID.to_owned(),
                            |resource| self.known_uid(resource, name)
                        ))
                    }
                    None => value.clone(),
                }
            }
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(fields) => Value::Object(
                fields.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// The version at the end of the operation that is so many back.
    pub fn end_of(&self, back: usize) -> String {
        let index = self.ends.len().saturating_sub(1 + back);
        self.ends[index].to_string()
    }

    /// Everything of one kind in the namespace.
    pub fn all(&self, address: &str) -> Vec<Value> {
        let list = self.call("GET", address, &[], None, None);
        list.body.get("items").and_then(Value::as_array).cloned().unwrap_or_default()
    }
}

fn request(
    method: &str,
    address: &str,
    query: &[(&str, &str)],
    content_type: Option<&str>,
    accept: &str,
    body: Option<&Value>,
) -> http::Request<Body> {
    let mut address = address.to_owned();
    let parameters: Vec<&(&str, &str)> =
        query.iter().filter(|(name, value)| !value.is_empty() && !name.starts_with('$')).collect();
    if !parameters.is_empty() {
        let mut encoder = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            encoder.append_pair(name, value);
        }
        address = format!("{address}?{}", encoder.finish());
    }
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    http::Request::builder()
        .method(method)
        .uri(address)
        .header("Accept", accept)
        .header("Content-Type", content_type.unwrap_or("application/json"))
        .body(Body::from(body))
        .expect("the request is well formed")
}
