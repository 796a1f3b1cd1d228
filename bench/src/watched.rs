//! A watch on a resource, which records when each version arrived.

use anyhow::Context;
use flink_operator_api::FlinkDeployment;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, ListParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Capacity for versions that are not read yet. A run has a dozen.
const QUEUE: usize = 1_000;

/// FlinkDeployments of a namespace as plain JSON, so that unknown fields are kept.
pub fn resources(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<FlinkDeployment>(&());
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// A watch on one resource. It ends when this is dropped.
pub struct Watched {
    versions: mpsc::Receiver<Version>,
    task: JoinHandle<()>,
}

/// One version of the resource.
#[derive(Clone, Debug)]
pub struct Version {
    pub at: Timestamp,
    pub object: Value,
}

impl Watched {
    /// Starts a watch.
    pub async fn start(api: Api<DynamicObject>, name: &str) -> anyhow::Result<Self> {
        let listed = api.list_metadata(&ListParams::default().limit(1)).await?;
        let mut from = listed.metadata.resource_version.context("the list has no version")?;
        let params = WatchParams::default().fields(&format!("metadata.name={name}"));
        let (send, versions) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            // The API server closes watches after some minutes.
            while let Ok(events) = api.watch(&params, &from).await {
                let mut events = events.boxed();
                while let Ok(Some(event)) = events.try_next().await {
                    let at = Timestamp::now();
                    let (WatchEvent::Added(object) | WatchEvent::Modified(object)) = event else {
                        continue;
                    };
                    from = object.metadata.resource_version.clone().unwrap_or(from);
                    let object = serde_json::to_value(&object).unwrap_or_default();
                    if send.send(Version { at, object }).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Self { versions, task })
    }

    /// The next version. `None` if the watch has failed.
    pub async fn next(&mut self) -> Option<Version> {
        self.versions.recv().await
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}
