//! What a scenario sees of the cluster's objects, and does to them.

use std::sync::Arc;

use serde_json::Value;
use simulated_flink::store::Snapshot;
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::object;
use simulated_kubernetes::api_server::request::{Target, Verb};
use simulated_kubernetes::api_server::verbs::DeleteOptions;
use simulated_kubernetes::controllers::pod;

use super::Stage;
use crate::explore::application::{NAME, NAMESPACE, RESOURCE};

impl Stage {
    /// The uid of an object of the scenario's namespace.
    pub fn uid(&self, plural: &str, name: &str) -> Option<String> {
        let object = self.world.get(Kinds::known().plural(plural), NAMESPACE, name)?;
        Some(object::uid(&object).to_owned())
    }

    /// Whether there is such an object.
    pub fn has(&self, plural: &str, name: &str) -> bool {
        self.uid(plural, name).is_some()
    }

    /// The ConfigMaps with high availability data.
    pub fn ha_data(&self) -> Vec<String> {
        let found = self.world.kubernetes(|kubernetes| {
            kubernetes.stored_list(Kinds::known().plural("configmaps"), NAMESPACE)
        });
        let names = found.iter().map(|stored| object::name(&stored.object));
        names.filter(|name| name.ends_with("-config-map")).map(str::to_owned).collect()
    }

    /// An object goes, at once.
    pub fn remove(&self, plural: &str, name: &str) {
        let kind = Kinds::known().plural(plural);
        let caller = self.world.caller("somebody");
        let options = DeleteOptions::default();
        // Whoever deletes what is gone already has what they wanted.
        drop(
            self.world.kubernetes(|kubernetes| {
                kubernetes.delete(kind, NAMESPACE, name, &options, &caller)
            }),
        );
    }

    /// The Deployment that stands in the resource's way goes, if somebody has made one by hand.
    pub fn make_way(&self) {
        let kind = Kinds::known().plural("deployments");
        let found = self.world.get(kind, NAMESPACE, NAME);
        let maker = found.as_ref().and_then(|found| found.pointer("/metadata/labels/made-by"));
        if maker.is_some_and(|maker| maker == "hand") {
            self.remove("deployments", NAME);
        }
    }

    /// The generation of the resource.
    pub fn generation(&self) -> Option<i64> {
        self.resource()?.metadata.generation
    }

    /// Its node ends the JobManager's pod: it has failed, and stays so until somebody deletes it.
    pub fn evict_job_manager(&self, why: &str) {
        for job_manager in self.flink.job_managers(RESOURCE) {
            let now = self.world.clock().now();
            self.world.kubernetes(|kubernetes| {
                pod::evict(kubernetes, NAMESPACE, &job_manager.pod, why, now);
            });
        }
    }

    /// What the resource's `flinkConfiguration` says for a key.
    pub fn flink_option(&self, key: &str) -> Option<String> {
        let configuration = serde_json::to_value(self.resource()?.spec.flink_configuration).ok()?;
        configuration.get(key)?.as_str().map(str::to_owned)
    }

    /// What the operator has made for the application and nobody else writes to, with its content.
    pub fn children(&self) -> Vec<(String, Value)> {
        let mut children = Vec::new();
        for plural in ["deployments", "services", "configmaps"] {
            let found = self.world.kubernetes(|kubernetes| {
                kubernetes.stored_list(Kinds::known().plural(plural), NAMESPACE)
            });
            for stored in found {
                let mut object = stored.full();
                let name = object::name(&object).to_owned();
                if name.ends_with("-config-map") {
                    continue;
                }
                // What the cluster says of it, and who has said so.
                if let Some(fields) = object.as_object_mut() {
                    fields.shift_remove("status");
                }
                for of_the_server in ["managedFields", "resourceVersion"] {
                    if let Some(fields) = object.get_mut("metadata").and_then(Value::as_object_mut)
                    {
                        fields.shift_remove(of_the_server);
                    }
                }
                children.push((format!("{plural}/{name}"), object));
            }
        }
        children
    }

    /// Somebody else writes the resource's status.
    pub fn rewrite_status(&self, change: impl FnOnce(&mut Value)) {
        let kind = Kinds::known().plural("flinkdeployments");
        let Some(mut resource) = self.world.get(kind, NAMESPACE, NAME) else { return };
        if let Some(status) = resource.get_mut("status") {
            change(status);
        }
        let target = Target {
            kind: Arc::clone(kind),
            namespace: NAMESPACE.to_owned(),
            name: NAME.to_owned(),
            subresource: "status".to_owned(),
            verb: Verb::Update,
        };
        let caller = self.world.caller("java-operator");
        let written =
            self.world.kubernetes(|kubernetes| kubernetes.update(&target, resource, &caller));
        written.unwrap_or_else(|refusal| unreachable!("refused: {}", refusal.message));
    }

    /// Copies the newest snapshot of the application to another path.
    pub fn copy_newest_state(&self, path: &str) {
        self.flink.store(|store| {
            let of_ours = store.all().filter(|snapshot| snapshot.resource == RESOURCE);
            let newest = of_ours.max_by_key(|snapshot| (snapshot.at_ms, snapshot.id)).cloned();
            if let Some(newest) = newest {
                store.put(Snapshot { path: path.to_owned(), ..newest });
            }
        });
    }
}
