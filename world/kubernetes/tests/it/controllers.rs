//! What becomes of Deployments, pods, owners and namespaces by itself.

use std::time::Duration;

use serde_json::{Value, json};
use simulated_kubernetes::api_server::object;
use simulated_kubernetes::api_server::verbs::{DeleteOptions, Propagation};
use simulated_kubernetes::controllers::pod::{Behaviour, Exit, Ready, Run};
use simulated_kubernetes::controllers::{kind, number, write};
use simulated_kubernetes::{World, run};

mod circles;

fn deployment(replicas: u32, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "d"}},
            "template": {
                "metadata": {"labels": {"app": "d"}},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    })
}

fn config_map(name: &str, owners: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "ownerReferences": owners},
    })
}

fn owner(object: &Value, blocks: bool) -> Value {
    json!({
        "apiVersion": object["apiVersion"], "kind": object["kind"], "name": object["metadata"]["name"],
        "uid": object["metadata"]["uid"], "blockOwnerDeletion": blocks,
    })
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn status(world: &World) -> Value {
    world
        .get(kind("deployments"), "default", "d")
        .map_or(Value::Null, |object| object["status"].clone())
}

fn names(world: &World, plural: &str) -> Vec<String> {
    let all = world.kubernetes(|kubernetes| kubernetes.stored_list(kind(plural), "default"));
    all.iter().map(|stored| object::name(&stored.object).to_owned()).collect()
}

fn first_pod(world: &World) -> Value {
    let all = world.kubernetes(|kubernetes| kubernetes.stored_list(kind("pods"), "default"));
    all.first().map_or(Value::Null, |stored| stored.full())
}

fn condition<'a>(status: &'a Value, ty: &str) -> &'a Value {
    status["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|condition| condition["type"] == ty)
        .unwrap()
}

fn set_behaviour(world: &World, behaviour: Behaviour) {
    world.controllers(|controllers| controllers.pods.default = behaviour);
}

fn delete(world: &World, plural: &str, name: &str, propagation: Propagation) {
    let options = DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() };
    let caller = world.caller("test");
    world
        .kubernetes(|kubernetes| {
            kubernetes.delete(kind(plural), "default", name, &options, &caller)
        })
        .unwrap();
}

fn update(world: &World, object: &Value) {
    let caller = world.caller("test");
    assert!(world.kubernetes(|kubernetes| write(
        kubernetes,
        kind("deployments"),
        "",
        object,
        &caller
    )));
}

#[test]
fn deployment_gets_pods_that_become_ready() {
    run(1, |world| async move {
        world.create(deployment(2, "flink:1"));
        pass(1).await;
        assert_eq!(status(&world)["unavailableReplicas"], 2);
        assert_eq!(first_pod(&world)["status"]["phase"], "Pending");
        pass(10).await;
        let status = status(&world);
        assert_eq!(
            (
                &status["replicas"],
                &status["readyReplicas"],
                &status["availableReplicas"],
                &status["updatedReplicas"]
            ),
            (&json!(2), &json!(2), &json!(2), &json!(2))
        );
        assert_eq!(condition(&status, "Available")["status"], "True");
        assert_eq!(condition(&status, "Progressing")["reason"], "NewReplicaSetAvailable");
        let pod = first_pod(&world);
        assert_eq!(pod["status"]["phase"], "Running");
        assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true);
        assert!(pod["status"]["podIP"].is_string() && pod["spec"]["nodeName"].is_string());
        assert_eq!(names(&world, "replicasets").len(), 1);
    });
}

#[test]
fn new_template_replaces_pods_one_by_one_or_all_at_once() {
    let check = |strategy: Value| {
        run(1, move |world| async move {
            let mut object = deployment(4, "flink:1");
            object["spec"]["strategy"] = strategy.clone();
            world.create(object);
            pass(20).await;
            let mut object = world.get(kind("deployments"), "default", "d").unwrap();
            object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("flink:2");
            update(&world, &object);
            let mut least = 4;
            for _ in 0..600 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                least = least.min(number(&status(&world), "/availableReplicas"));
            }
            let status = status(&world);
            assert_eq!(
                (&status["updatedReplicas"], &status["availableReplicas"]),
                (&json!(4), &json!(4)),
                "{strategy}"
            );
            assert_eq!(names(&world, "replicasets").len(), 2, "the old one is kept without pods");
            let pods =
                world.kubernetes(|kubernetes| kubernetes.stored_list(kind("pods"), "default"));
            assert!(
                pods.iter().all(|pod| pod.object["spec"]["containers"][0]["image"] == "flink:2")
            );
            least
        })
    };
    assert_eq!(check(json!({"type": "RollingUpdate"})), 3, "a quarter may be missing");
    assert_eq!(check(json!({"type": "Recreate"})), 0);
}

#[test]
fn image_that_is_not_there_is_told_and_tried_again() {
    run(1, |world| async move {
        set_behaviour(&world, Behaviour { pull_fails: true, ..Behaviour::default() });
        world.create(deployment(1, "nowhere:1"));
        pass(2).await;
        let reason = |world: &World| {
            first_pod(world)["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].clone()
        };
        assert_eq!(reason(&world), "ErrImagePull");
        pass(60).await;
        assert_eq!(reason(&world), "ImagePullBackOff");
        assert_eq!(condition(&status(&world), "Available")["status"], "False");
        pass(600).await;
        assert_eq!(condition(&status(&world), "Progressing")["reason"], "ProgressDeadlineExceeded");
        set_behaviour(&world, Behaviour::default());
        pass(120).await;
        assert_eq!(status(&world)["availableReplicas"], 1, "it starts once the image is there");
    });
}

#[test]
fn container_that_ends_is_started_again_after_longer_and_longer_pauses() {
    run(1, |world| async move {
        let run = Run::Ends { after: Duration::from_secs(5), exit_code: 1 };
        set_behaviour(&world, Behaviour { run, ..Behaviour::default() });
        world.create(deployment(1, "flink:1"));
        pass(60).await;
        let container = first_pod(&world)["status"]["containerStatuses"][0].clone();
        assert_eq!(container["state"]["waiting"]["reason"], "CrashLoopBackOff", "{container}");
        assert_eq!(container["lastState"]["terminated"]["exitCode"], 1);
        let restarts = container["restartCount"].as_i64().unwrap();
        assert!((2..=4).contains(&restarts), "{restarts}");
        assert_eq!(names(&world, "pods").len(), 1, "it stays the same pod");
    });
}

#[test]
fn pod_without_a_node_waits_and_goes_at_once_when_deleted() {
    run(1, |world| async move {
        let why = Some("0/1 nodes are available".to_owned());
        set_behaviour(&world, Behaviour { unschedulable: why, ..Behaviour::default() });
        world.create(deployment(1, "flink:1"));
        pass(5).await;
        let pod = first_pod(&world);
        assert_eq!(condition(&pod["status"], "PodScheduled")["reason"], "Unschedulable");
        delete(&world, "deployments", "d", Propagation::Foreground);
        pass(2).await;
        assert_eq!(names(&world, "deployments").len() + names(&world, "pods").len(), 0);
    });
}

#[test]
fn readiness_and_end_can_be_decided_by_hand() {
    run(1, |world| async move {
        set_behaviour(&world, Behaviour { ready: Ready::ByHand, ..Behaviour::default() });
        world.create(deployment(1, "flink:1"));
        pass(30).await;
        assert_eq!(status(&world)["readyReplicas"], Value::Null);
        let uid = first_pod(&world)["metadata"]["uid"].as_str().unwrap().to_owned();
        world.set_pod_ready(&uid, true);
        pass(1).await;
        assert_eq!(status(&world)["readyReplicas"], 1);
        world.exit_pod(&uid, Exit { code: 137, reason: "OOMKilled".to_owned() });
        pass(5).await;
        let container = first_pod(&world)["status"]["containerStatuses"][0].clone();
        assert_eq!((&container["restartCount"], &container["ready"]), (&json!(1), &json!(false)));
        assert_eq!(container["lastState"]["terminated"]["reason"], "OOMKilled");
    });
}

#[test]
fn dependents_go_after_or_before_their_owner_or_stay() {
    run(1, |world| async move {
        for (name, propagation) in [
            ("back", Propagation::Background),
            ("fore", Propagation::Foreground),
            ("orphan", Propagation::Orphan),
        ] {
            let parent = world.create(config_map(name, json!([])));
            let child = format!("{name}-child");
            let mut object = config_map(&child, json!([owner(&parent, true)]));
            object["metadata"]["finalizers"] = json!(["example.com/hold"]);
            world.create(object);
            delete(&world, "configmaps", name, propagation);
            pass(5).await;
            let (parent, child) = (
                world.get(kind("configmaps"), "default", name),
                world.get(kind("configmaps"), "default", &child).unwrap(),
            );
            let is_deleting = object::is_deleting(&child);
            match propagation {
                Propagation::Background => assert!(parent.is_none() && is_deleting),
                Propagation::Foreground => {
                    assert!(
                        is_deleting && object::has_finalizer(&parent.unwrap(), object::FOREGROUND)
                    );
                }
                Propagation::Orphan => {
                    assert!(parent.is_none() && !is_deleting);
                    assert!(object::owner_references(&child).is_empty());
                }
            }
        }
    });
}

#[test]
fn object_goes_when_its_last_owner_is_missing() {
    run(1, |world| async move {
        let one = world.create(config_map("one", json!([])));
        let gone =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "never", "uid": "no-such-uid"});
        world.create(config_map("dangling", json!([gone])));
        world.create(config_map("half", json!([gone, owner(&one, false)])));
        pass(2).await;
        assert_eq!(names(&world, "configmaps"), ["half", "one"]);
        let half = world.get(kind("configmaps"), "default", "half").unwrap();
        assert_eq!(
            object::owner_references(&half).len(),
            1,
            "the reference to what is missing is removed"
        );
    });
}

#[test]
fn namespace_takes_everything_with_it() {
    run(1, |world| async move {
        world.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}));
        let mut object = deployment(1, "flink:1");
        object["metadata"]["namespace"] = json!("n");
        world.create(object);
        pass(10).await;
        let caller = world.caller("test");
        let options = DeleteOptions::default();
        world
            .kubernetes(|kubernetes| {
                kubernetes.delete(kind("namespaces"), "", "n", &options, &caller)
            })
            .unwrap();
        let refused = world.kubernetes(|kubernetes| {
            kubernetes.create(
                kind("configmaps"),
                "n",
                json!({"metadata": {"name": "late"}}),
                &caller,
            )
        });
        assert_eq!(refused.unwrap_err().code, 403);
        pass(60).await;
        assert!(world.get(kind("namespaces"), "", "n").is_none());
        assert!(
            world.kubernetes(|kubernetes| kubernetes.stored_list(kind("pods"), "n")).is_empty()
        );
    });
}

#[test]
fn quota_keeps_pods_away_until_there_is_room() {
    run(1, |world| async move {
        let quota = json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "default"},
            "spec": {"hard": {"pods": "1"}},
        });
        world.create(quota);
        world.create(deployment(2, "flink:1"));
        pass(20).await;
        assert_eq!(names(&world, "pods").len(), 1);
        let failure = condition(&status(&world), "ReplicaFailure").clone();
        assert_eq!(failure["reason"], "FailedCreate");
        assert!(failure["message"].as_str().unwrap().contains("exceeded quota: q"), "{failure}");
        let caller = world.caller("test");
        let options = DeleteOptions::default();
        world
            .kubernetes(|k| k.delete(kind("resourcequotas"), "default", "q", &options, &caller))
            .unwrap();
        pass(20).await;
        assert_eq!(status(&world)["availableReplicas"], 2);
    });
}

fn set_numbers(world: &World) -> Vec<(Value, Value)> {
    let sets = world.kubernetes(|k| k.stored_list(kind("replicasets"), "default"));
    let annotation = |set: &Value, name: &str| {
        set["metadata"]["annotations"][format!("deployment.kubernetes.io/{name}")].clone()
    };
    let mut numbers: Vec<(Value, Value)> = sets
        .iter()
        .map(|set| {
            (set.object["spec"]["replicas"].clone(), annotation(&set.object, "max-replicas"))
        })
        .collect();
    numbers.sort_by_key(|(replicas, _)| replicas.as_i64());
    numbers
}

#[test]
fn set_that_keeps_its_size_keeps_its_numbers() {
    run(1, |world| async move {
        world.create(deployment(0, "flink:1"));
        pass(5).await;
        assert_eq!(set_numbers(&world), [(json!(0), json!("0"))], "a quarter of nothing");
        let mut object = world.get(kind("deployments"), "default", "d").unwrap();
        object["spec"]["strategy"] =
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
        update(&world, &object);
        pass(5).await;
        assert_eq!(set_numbers(&world), [(json!(0), json!("0"))]);
        let mut object = world.get(kind("deployments"), "default", "d").unwrap();
        object["spec"]["replicas"] = json!(2);
        update(&world, &object);
        pass(5).await;
        assert_eq!(set_numbers(&world), [(json!(2), json!("3"))]);
    });
}

#[test]
fn sets_are_scaled_in_proportion_while_a_rollout_hangs() {
    run(1, |world| async move {
        world.create(deployment(4, "flink:1"));
        pass(20).await;
        set_behaviour(&world, Behaviour { pull_fails: true, ..Behaviour::default() });
        let mut object = world.get(kind("deployments"), "default", "d").unwrap();
        object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nowhere:1");
        update(&world, &object);
        pass(20).await;
        assert_eq!(set_numbers(&world), [(json!(2), json!("5")), (json!(3), json!("5"))]);
        let mut object = world.get(kind("deployments"), "default", "d").unwrap();
        object["spec"]["replicas"] = json!(8);
        update(&world, &object);
        pass(5).await;
        assert_eq!(set_numbers(&world), [(json!(4), json!("10")), (json!(6), json!("10"))]);
    });
}
