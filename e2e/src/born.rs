//! Counts how many objects of a cluster were created, with watches.
//!
//! The API server's audit log does not show this if a client is killed during a request: the request may have been executed
//! although the log says that it failed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt, pin_mut};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::namespace::TestNamespace;

type Uids = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// Watches the Deployments, Services and ConfigMaps of one cluster until it is dropped.
pub struct Born {
    uids: Uids,
    tasks: Vec<JoinHandle<()>>,
}

impl Born {
    /// Returns when all three watches have started.
    pub async fn watch(namespace: &TestNamespace, cluster_id: &str) -> anyhow::Result<Self> {
        let mut born = Self { uids: Uids::default(), tasks: Vec::new() };
        born.add::<Deployment>("Deployment", namespace, cluster_id).await?;
        born.add::<Service>("Service", namespace, cluster_id).await?;
        born.add::<ConfigMap>("ConfigMap", namespace, cluster_id).await?;
        Ok(born)
    }

    async fn add<K>(
        &mut self,
        kind: &'static str,
        namespace: &TestNamespace,
        cluster_id: &str,
    ) -> anyhow::Result<()>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + 'static,
    {
        let api: Api<K> = Api::namespaced(namespace.cluster.client.clone(), &namespace.name);
        let config = watcher::Config::default().labels(&format!("app={cluster_id}"));
        let (begun, has_begun) = oneshot::channel();
        let mut begun = Some(begun);
        let uids = Arc::clone(&self.uids);
        self.tasks.push(tokio::spawn(async move {
            let events = watcher::watcher(api, config);
            pin_mut!(events);
            while let Some(event) = events.next().await {
                match event {
                    Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                        let mut uids = uids.lock().unwrap_or_else(PoisonError::into_inner);
                        let name = format!("{kind}/{}", object.name_any());
                        uids.entry(name).or_default().extend(object.uid());
                    }
                    Ok(watcher::Event::InitDone) => {
                        begun.take().map(|begun| begun.send(()));
                    }
                    Ok(watcher::Event::Init | watcher::Event::Delete(_)) => {}
                    Err(error) => println!("watching each {kind}: {error}"),
                }
            }
        }));
        Ok(has_begun.await?)
    }

    /// How often an object of each name, such as `Deployment/a`, was created.
    pub fn count(&self) -> BTreeMap<String, usize> {
        let uids = self.uids.lock().unwrap_or_else(PoisonError::into_inner);
        uids.iter().map(|(name, uids)| (name.clone(), uids.len())).collect()
    }
}

impl Drop for Born {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
