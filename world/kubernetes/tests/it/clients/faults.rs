//! Faults, permissions and what clients make of them.

use std::time::Duration;

use futures::TryStreamExt as _;
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use serde_json::json;
use simulated_kubernetes::api_server::permission::Rule;
use simulated_kubernetes::api_server::request::Verb;
use simulated_kubernetes::fault::{
    Effect, FaultPlan, Fits, Refused, RequestFault, WatchEffect, WatchFault, When,
};
use simulated_kubernetes::{World, run};

use super::*;

fn plan(world: &World, verb: Verb, when: When, effect: Effect) {
    let fits = Fits::verb(verb, "configmaps");
    world.plan(FaultPlan {
        requests: vec![RequestFault { fits, when, effect }],
        watches: Vec::new(),
    });
}

async fn create(world: &World, name: &str) -> Result<ConfigMap, kube::Error> {
    config_maps(&world.client("me"))
        .create(&PostParams::default(), &config_map(name, json!({})))
        .await
}

#[test]
fn request_can_fail_before_or_after_it_is_carried_out() {
    run(1, |world| async move {
        let exists = |name: &'static str| {
            let world = world.clone();
            async move { config_maps(&world.client("me")).get_opt(name).await.unwrap().is_some() }
        };
        plan(&world, Verb::Create, When::ONCE, Effect::FailBefore);
        assert!(create(&world, "a").await.is_err());
        assert!(!exists("a").await);
        plan(&world, Verb::Create, When::ONCE, Effect::LoseAnswer);
        assert!(create(&world, "a").await.is_err());
        assert!(exists("a").await);
    });
}

#[test]
fn client_can_die_in_the_middle_of_a_request() {
    for applied in [false, true] {
        run(1, |world| async move {
            plan(&world, Verb::Create, When::ONCE, Effect::Crash { applied });
            let crashes = world.crashes();
            tokio::select! {
                answer = create(&world, "a") => panic!("the dead are not answered: {answer:?}"),
                () = crashes.of("me") => {}
            }
            world.disconnect("me");
            let exists = config_maps(&world.client("other")).get_opt("a").await.unwrap().is_some();
            assert_eq!(exists, applied);
        });
    }
}

#[test]
fn refused_requests_are_repeated_where_kube_repeats_them() {
    run(1, |world| async move {
        let when = When { times: 2, ..When::ALWAYS };
        plan(
            &world,
            Verb::Create,
            when,
            Effect::Refuse(Refused::TooManyRequests { retry_after_s: 3 }),
        );
        create(&world, "a").await.unwrap();
        assert!(
            world.clock().elapsed() >= Duration::from_secs(6),
            "the client waited as it was told"
        );
        for (refused_with, code) in
            [(Refused::Conflict, 409), (Refused::InternalError, 500), (Refused::Forbidden, 403)]
        {
            plan(&world, Verb::Create, When::ONCE, Effect::Refuse(refused_with));
            assert_eq!(refused(create(&world, "b").await).code, code);
        }
        let when = When { until: world.clock().elapsed() + Duration::from_secs(1), ..When::ALWAYS };
        plan(&world, Verb::Create, when, Effect::Refuse(Refused::Unavailable));
        create(&world, "b").await.unwrap();
    });
}

#[test]
fn delayed_request_sees_a_later_state_and_delayed_answer_an_earlier_one() {
    run(1, |world| async move {
        create(&world, "a").await.unwrap();
        for (effect, expected) in [
            (Effect::DelayRequest(Duration::from_secs(10)), Some("yes")),
            (Effect::DelayAnswer(Duration::from_secs(10)), None),
        ] {
            plan(&world, Verb::Get, When::ONCE, effect);
            let api = config_maps(&world.client("me"));
            let patch =
                |value: Value| Patch::Merge(json!({"metadata": {"labels": {"changed": value}}}));
            api.patch("a", &PatchParams::default(), &patch(Value::Null)).await.unwrap();
            let slow = tokio::spawn({
                let api = config_maps(&world.client("slow"));
                async move { api.get("a").await.unwrap() }
            });
            tokio::time::sleep(Duration::from_secs(1)).await;
            api.patch("a", &PatchParams::default(), &patch(json!("yes"))).await.unwrap();
            assert_eq!(slow.await.unwrap().labels().get("changed").map(String::as_str), expected);
        }
    });
}

#[test]
fn hanging_request_ends_when_the_client_has_no_more_patience() {
    run(1, |world| async move {
        plan(&world, Verb::Create, When::ONCE, Effect::Hang);
        assert!(create(&world, "a").await.is_err());
        assert!(world.clock().elapsed() >= Duration::from_mins(5));
    });
}

#[test]
fn events_are_dropped_doubled_delayed_and_cut() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let check = async |effect: WatchEffect, expected: &[&str]| {
            let name = format!("{effect:?}").to_lowercase().replace(['(', ')', '.'], "");
            let fault = WatchFault {
                fits: Fits { resource: Some("configmaps".to_owned()), ..Fits::default() },
                event: None,
                object: Some(format!("{name}-2")),
                when: When::ONCE,
                effect,
            };
            world.plan(FaultPlan { requests: Vec::new(), watches: vec![fault] });
            let version =
                api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
            let watch = api.watch(&WatchParams::default().timeout(5), &version).await.unwrap();
            for number in 1..=3 {
                api.create(
                    &PostParams::default(),
                    &config_map(&format!("{name}-{number}"), json!({})),
                )
                .await
                .unwrap();
            }
            let events: Vec<WatchEvent<ConfigMap>> = watch.try_collect().await.unwrap();
            let numbers: Vec<String> = events
                .iter()
                .map(|event| match event {
                    WatchEvent::Added(object) => {
                        object.name_any().rsplit('-').next().unwrap().to_owned()
                    }
                    WatchEvent::Error(status) => status.code.to_string(),
                    WatchEvent::Modified(_) | WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => {
                        panic!("{event:?}")
                    }
                })
                .collect();
            assert_eq!(numbers, expected, "{effect:?}");
        };
        check(WatchEffect::Drop, &["1", "3"]).await;
        check(WatchEffect::Duplicate, &["1", "2", "2", "3"]).await;
        check(WatchEffect::Delay(Duration::from_secs(2)), &["1", "2", "3"]).await;
        check(WatchEffect::Delay(Duration::from_secs(9)), &["1"]).await;
        check(WatchEffect::Cut, &["1"]).await;
        check(WatchEffect::Expire, &["1", "410"]).await;
    });
}

#[test]
fn what_a_role_does_not_allow_is_forbidden() {
    run(1, |world| async move {
        world.kubernetes(|kubernetes| {
            let rule = Rule::new(&[""], &["configmaps"], &["get", "patch"]).within(&["default"]);
            kubernetes.permissions.restrict("me", vec![rule]);
        });
        assert_eq!(refused(create(&world, "a").await).code, 403);
        let api = config_maps(&world.client("me"));
        let apply = Patch::Apply(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}),
        );
        let refused = refused(api.patch("a", &PatchParams::apply("me"), &apply).await);
        assert_eq!(refused.code, 403, "an apply that creates asks for the right to create");
        world.kubernetes(|kubernetes| kubernetes.permissions.lift("me"));
        create(&world, "a").await.unwrap();
    });
}

#[test]
fn client_that_is_cut_off_gets_no_answer_and_can_come_back() {
    run(1, |world| async move {
        let api = config_maps(&world.client("me"));
        let asked = tokio::spawn({
            let api = api.clone();
            async move { api.create(&PostParams::default(), &config_map("a", json!({}))).await }
        });
        tokio::time::sleep(Duration::from_millis(1)).await;
        world.disconnect("me");
        assert!(asked.await.unwrap().is_err());
        assert!(api.get_opt("a").await.unwrap().is_none(), "it was never carried out");
        create(&world, "a").await.unwrap();
    });
}
