//! High availability metadata in ConfigMaps, as Flink 1 and Flink 2 lay it out.
//!
//! `<cluster>-cluster-config-map` says who leads and which jobs there are, `<cluster>-<job>-config-map` where the completed
//! checkpoints of a job are. What real JobManagers write there are serialised objects; here they are JSON, in base64 too.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use simulated_kubernetes::api_server::kind::Kinds;
use simulated_kubernetes::api_server::request::{Target, Verb};
use simulated_kubernetes::api_server::verbs::DeleteOptions;
use simulated_kubernetes::api_server::{Caller, object};

use super::around::{Around, timestamp};
use crate::version::Version;

/// The annotation that holds the lease.
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";
/// What keys that name a leader begin with.
const LEADER_KEY: &str = "org.apache.flink.k8s.leader.";
/// How often a leader renews its lease, in milliseconds: `high-availability.kubernetes.leader-election.retry-period`.
/// Nothing is written for it here.
const RENEWAL_MS: i64 = 5000;

/// Who leads a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    /// Number of the process.
    pub(super) holder: u64,
    pub(super) acquired: i64,
    /// When the holder ended, and whether it gave the lease back.
    pub(super) ended: Option<(i64, bool)>,
    pub(super) transitions: u32,
}

impl Lease {
    /// When somebody else can have it; `None` while its holder lives.
    pub(super) fn free_at(&self, lease_ms: i64) -> Option<i64> {
        let (ended, released) = self.ended?;
        if released {
            return Some(ended);
        }
        let last = self.acquired + (ended - self.acquired) / RENEWAL_MS * RENEWAL_MS;
        Some(last + lease_ms)
    }
}

/// The metadata of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) namespace: String,
    pub(super) cluster_id: String,
    pub(super) version: Version,
}

/// A pointer to a completed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) id: i64,
    pub(super) path: String,
    /// The job may delete what it points to.
    pub(super) owned: bool,
}

/// What is kept of a job so that a new JobManager can run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) parallelism: u32,
    pub(super) restore_path: Option<String>,
    /// What a job of a session cluster was configured with.
    pub(super) configuration: BTreeMap<String, String>,
}

impl Metadata {
    fn cluster_map(&self) -> String {
        format!("{}-cluster-config-map", self.cluster_id)
    }

    fn job_map(&self, job_id: &str) -> String {
        format!("{}-{job_id}-config-map", self.cluster_id)
    }

    /// Whether this is the name of the ConfigMap in which the leader is.
    pub(super) fn is_cluster_map(&self, name: &str) -> bool {
        name == self.cluster_map()
    }

    pub(super) fn is_job_map(&self, name: &str, job_id: &str) -> bool {
        name == self.job_map(job_id)
    }

    pub(super) fn has_cluster_map(&self, around: &Around) -> bool {
        self.read(around, &self.cluster_map()).is_some()
    }

    fn plan_key(&self, job_id: &str) -> String {
        let prefix = if self.version < Version::V2_0 { "jobGraph" } else { "executionPlan" };
        format!("{prefix}-{job_id}")
    }

    fn labels(&self) -> Value {
        let mut labels = json!({"app": self.cluster_id, "type": "flink-native-kubernetes"});
        if self.version < Version::V2_0 {
            object::set_field(&mut labels, "configmap-type", "high-availability");
        }
        labels
    }

    fn read(&self, around: &Around, name: &str) -> Option<Value> {
        let kind = Kinds::known().plural("configmaps");
        around.world.kubernetes(|kubernetes| {
            kubernetes.stored(kind, &self.namespace, name).map(|stored| stored.object.clone())
        })
    }

    fn data(&self, around: &Around, name: &str) -> Map<String, Value> {
        let map = self.read(around, name);
        map.as_ref().and_then(|map| map.get("data")?.as_object()).cloned().unwrap_or_default()
    }

    /// Changes a ConfigMap, or makes it. What the API server refuses is not written; the next write tries again.
    fn edit(&self, around: &Around, name: &str, change: impl FnOnce(&mut Value)) {
        let kind = Kinds::known().plural("configmaps");
        let caller = Caller::component("flink", timestamp(around.now));
        let labels = self.labels();
        around.world.kubernetes(|kubernetes| {
            let existing = kubernetes.stored(kind, &self.namespace, name);
            let (mut map, exists) = match existing {
                Some(stored) => (stored.object.clone(), true),
                None => (
                    json!({
                        "apiVersion": "v1", "kind": "ConfigMap",
                        "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
                    }),
                    false,
                ),
            };
            change(&mut map);
            if exists {
                let target = Target {
                    kind: std::sync::Arc::clone(kind),
                    namespace: self.namespace.clone(),
                    name: name.to_owned(),
                    subresource: String::new(),
                    verb: Verb::Update,
                };
                drop(kubernetes.update(&target, map, &caller));
            } else {
                drop(kubernetes.create(kind, &self.namespace, map, &caller));
            }
        });
    }

    /// Writes down who leads: `holder` is the identity in the lease, `session` that of the leadership.
    pub(super) fn lead(&self, around: &Around, lease: &Lease, ids: (&str, &str), ip: &str) {
        let (holder, session) = ids;
        let time = timestamp(around.now).to_string();
        let old = self.version < Version::V2_0;
        let duration = if old { json!(15.0) } else { json!("PT15S") };
        let annotation = json!({
            "holderIdentity": holder, "leaseDuration": duration, "acquireTime": time,
            "renewTime": time, "leaderTransitions": lease.transitions,
        });
        self.edit(around, &self.cluster_map(), |map| {
            let mut annotations =
                object::get(map, "annotations").cloned().unwrap_or_else(|| json!({}));
            object::set_field(&mut annotations, LEADER, annotation.to_string());
            object::set(map, "annotations", annotations);
            let rpc = |name: &str| format!("{session},pekko.tcp://flink@{ip}:6123/user/rpc/{name}");
            set_data(
                map,
                &format!("{LEADER_KEY}restserver"),
                &format!("{session},http://{ip}:8081"),
            );
            set_data(map, &format!("{LEADER_KEY}dispatcher"), &rpc("dispatcher_1"));
            set_data(map, &format!("{LEADER_KEY}resourcemanager"), &rpc("resourcemanager_0"));
        });
    }

    /// Takes the leader's addresses out: a JobManager that is asked to end does so.
    pub(super) fn resign(&self, around: &Around) {
        if !self.has_cluster_map(around) {
            return;
        }
        self.edit(around, &self.cluster_map(), |map| {
            if let Some(data) = map.get_mut("data").and_then(Value::as_object_mut) {
                data.retain(|key, _| !key.starts_with(LEADER_KEY));
            }
        });
    }

    /// Writes down that there is a job, and who runs it.
    pub(super) fn add_job(&self, around: &Around, job_id: &str, plan: &Plan, leader: (&str, &str)) {
        let (session, ip) = leader;
        let kept = json!({
            "name": plan.name, "parallelism": plan.parallelism, "path": plan.restore_path,
            "configuration": plan.configuration,
        });
        self.edit(around, &self.cluster_map(), |map| {
            set_data(map, &self.plan_key(job_id), &STANDARD.encode(kept.to_string()));
            let address = format!("{session},pekko.tcp://flink@{ip}:6123/user/rpc/jobmanager_2");
            set_data(map, &format!("{LEADER_KEY}job-{job_id}"), &address);
        });
        if self.read(around, &self.job_map(job_id)).is_none() {
            self.edit(around, &self.job_map(job_id), |_| {});
        }
    }

    /// The job as it was when it was submitted, if that is kept.
    pub(super) fn plan(&self, around: &Around, job_id: &str) -> Option<Plan> {
        let data = self.data(around, &self.cluster_map());
        let kept = decoded(data.get(&self.plan_key(job_id))?)?;
        Some(Plan {
            name: kept.get("name")?.as_str()?.to_owned(),
            parallelism: u32::try_from(kept.get("parallelism")?.as_u64()?).ok()?,
            restore_path: kept.get("path")?.as_str().map(str::to_owned),
            configuration: serde_json::from_value(kept.get("configuration")?.clone()).ok()?,
        })
    }

    /// The ids of the jobs that are kept.
    pub(super) fn job_ids(&self, around: &Around) -> Vec<String> {
        let prefix = self.plan_key("");
        let data = self.data(around, &self.cluster_map());
        data.keys().filter_map(|key| key.strip_prefix(&prefix)).map(str::to_owned).collect()
    }

    /// Writes down which checkpoints are complete, and the number of the next one.
    pub(super) fn point(&self, around: &Around, job_id: &str, next: i64, pointers: &[Pointer]) {
        self.edit(around, &self.job_map(job_id), |map| {
            if let Some(data) = map.get_mut("data").and_then(Value::as_object_mut) {
                data.retain(|key, _| !key.starts_with("checkpointID-"));
            }
            set_data(map, "counter", &next.to_string());
            for pointer in pointers {
                let kept = json!({"id": pointer.id, "path": pointer.path, "owned": pointer.owned});
                let key = format!("checkpointID-{:019}", pointer.id);
                set_data(map, &key, &STANDARD.encode(kept.to_string()));
            }
        });
    }

    /// The completed checkpoints of a job, oldest first, and the number of the next one.
    pub(super) fn pointers(&self, around: &Around, job_id: &str) -> (Vec<Pointer>, i64) {
        let data = self.data(around, &self.job_map(job_id));
        let mut all: Vec<Pointer> = data
            .iter()
            .filter(|(key, _)| key.starts_with("checkpointID-"))
            .filter_map(|(_, value)| {
                let kept = decoded(value)?;
                Some(Pointer {
                    id: kept.get("id")?.as_i64()?,
                    path: kept.get("path")?.as_str()?.to_owned(),
                    owned: kept.get("owned")?.as_bool()?,
                })
            })
            .collect();
        all.sort_by_key(|pointer| pointer.id);
        let counter =
            data.get("counter").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let next = all.last().map_or(1, |pointer| pointer.id + 1);
        (all, counter.unwrap_or(next).max(next))
    }

    /// Forgets a job that has ended for good.
    pub(super) fn remove_job(&self, around: &Around, job_id: &str) {
        if self.has_cluster_map(around) {
            self.edit(around, &self.cluster_map(), |map| {
                if let Some(data) = map.get_mut("data").and_then(Value::as_object_mut) {
                    data.shift_remove(&self.plan_key(job_id));
                    data.shift_remove(&format!("{LEADER_KEY}job-{job_id}"));
                }
            });
        }
        let kind = Kinds::known().plural("configmaps");
        let caller = Caller::component("flink", timestamp(around.now));
        let name = self.job_map(job_id);
        around.world.kubernetes(|kubernetes| {
            // It may have been deleted by somebody else.
            drop(kubernetes.delete(
                kind,
                &self.namespace,
                &name,
                &DeleteOptions::default(),
                &caller,
            ));
        });
    }
}

fn decoded(value: &Value) -> Option<Value> {
    serde_json::from_slice(&STANDARD.decode(value.as_str()?).ok()?).ok()
}

fn set_data(map: &mut Value, key: &str, text: &str) {
    if !map.get("data").is_some_and(Value::is_object) {
        object::set_field(map, "data", json!({}));
    }
    if let Some(data) = map.get_mut("data") {
        object::set_field(data, key, text);
    }
}
