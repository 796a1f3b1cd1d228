//! What goes wrong on the way.

use simulated_flink::fault::{RestEffect, RestFault, RestFaultPlan, RestFits};
use simulated_flink::log::RestOutcome;
use simulated_kubernetes::fault::When;
use simulated_kubernetes::run;

use super::*;

fn plan(flink: &Flink, site: &str, effect: RestEffect) {
    let fits = RestFits { client: Some("test".to_owned()), ..RestFits::site(site) };
    flink.plan(RestFaultPlan { requests: vec![RestFault { fits, when: When::ONCE, effect }] });
}

fn last(flink: &Flink, site: &str) -> RestOutcome {
    let log = flink.log();
    log.iter().rev().find(|entry| entry.site == site).unwrap().outcome
}

const OVERVIEW: &str = "GET /jobs/overview";
const STOP: &str = "POST /jobs/:id/stop";

#[test]
fn reads_fail_in_every_way() {
    run(1, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        let api = client(&flink, "test");

        plan(&flink, OVERVIEW, RestEffect::FailBefore);
        assert!(api.jobs_overview().await.unwrap_err().is_unreachable());
        assert_eq!(last(&flink, OVERVIEW), RestOutcome::Broken);
        assert!(api.jobs_overview().await.is_ok(), "only one is hit");

        plan(&flink, OVERVIEW, RestEffect::CutBody);
        let error = api.jobs_overview().await.unwrap_err();
        assert!(matches!(error, RestError::Interrupted { .. }), "{error}");
        assert_eq!(last(&flink, OVERVIEW), RestOutcome::Lost(200));

        plan(&flink, OVERVIEW, RestEffect::Hang);
        let began = world.clock().elapsed();
        assert!(api.jobs_overview().await.unwrap_err().is_timeout());
        assert_eq!(seconds_since(&world, began), 10);

        plan(&flink, OVERVIEW, RestEffect::DelayAnswer(Duration::from_secs(3)));
        let began = world.clock().elapsed();
        assert!(api.jobs_overview().await.is_ok());
        assert_eq!(seconds_since(&world, began), 3);

        plan(&flink, OVERVIEW, RestEffect::DelayRequest(Duration::from_secs(4)));
        let began = world.clock().elapsed();
        assert!(api.jobs_overview().await.is_ok());
        assert_eq!(seconds_since(&world, began), 4);

        for status in [404, 409, 500, 503] {
            plan(&flink, OVERVIEW, RestEffect::Answer(status));
            let error = api.jobs_overview().await.unwrap_err();
            let answer = error.answer().unwrap();
            assert_eq!(answer.status.as_u16(), status);
            assert!(answer.is_of_flink(), "{answer:?}");
        }
    });
}

#[test]
fn a_lost_answer_to_a_stop_is_carried_out_and_repeating_it_is_harmless() {
    run(2, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        let api = client(&flink, "test");
        plan(&flink, STOP, RestEffect::LoseAnswer);
        let asked = api.stop_with_savepoint(job_id(), &request(1), StopMode::Suspend).await;
        assert!(asked.unwrap_err().may_have_taken_effect());
        let again = api.stop_with_savepoint(job_id(), &request(1), StopMode::Suspend).await;
        assert_eq!(again.unwrap(), request(1).trigger);
        pass(3).await;
        let status = api.savepoint_status(job_id(), request(1).trigger).await.unwrap();
        assert!(matches!(status, AsyncStatus::Completed(_)), "{status:?}");
        let savepoints =
            flink.store(|store| store.all().filter(|one| one.path.contains("savepoint-")).count());
        assert_eq!(savepoints, 1, "the second request started no second one");
    });
}

#[test]
fn a_crash_strikes_the_client_before_or_after_the_request() {
    for applied in [false, true] {
        run(3, move |world| async move {
            let flink = running(&world, &Cluster::default()).await;
            plan(&flink, STOP, RestEffect::Crash { applied });
            let api = client(&flink, "test");
            let asked = request(1);
            let never = api.stop_with_savepoint(job_id(), &asked, StopMode::Suspend);
            let crashes = world.crashes();
            tokio::select! {
                answer = never => panic!("nobody answers a process that has died: {answer:?}"),
                () = crashes.of("test") => {}
            }
            pass(3).await;
            let status = overview(&flink).await.unwrap().status;
            assert_eq!(status == flink_rest::JobStatus::Finished, applied);
        });
    }
}

#[test]
fn what_no_job_manager_hears_has_no_answer() {
    run(4, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        let ask = |base: &str| {
            let url = Url::parse(base).unwrap();
            let api = FlinkRest::new(flink.transport("test")).cluster(&url).unwrap();
            async move { api.config().await }
        };
        let ip = pods(&world, "jobmanager")[0]["status"]["podIP"].as_str().unwrap().to_owned();
        assert!(ask(&format!("http://{ip}:8081")).await.is_ok());
        for base in [
            "http://other-rest.default:8081",
            "http://app-rest.elsewhere:8081",
            "http://app-rest.default:9999",
            "http://10.9.9.9:8081",
        ] {
            assert!(ask(base).await.unwrap_err().is_unreachable(), "{base}");
        }
    });
}

#[test]
fn requests_that_arrive_together_are_answered_by_what_they_say() {
    let order = |first: &'static str, second: &'static str| {
        run(5, move |world| async move {
            let flink = running(&world, &Cluster::default()).await;
            let (one, two) = (client(&flink, first), client(&flink, second));
            let (_, _) = futures::join!(one.jobs_overview(), two.jobs_overview());
            let log = flink.log();
            log.iter().rev().take(2).map(|entry| entry.client.clone()).collect::<Vec<_>>()
        })
    };
    assert_eq!(order("a", "b"), order("b", "a"));
}

#[test]
fn a_client_that_is_cut_off_has_asked_for_nothing() {
    run(6, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        let api = client(&flink, "test");
        let before = flink.log().len();
        let asked = tokio::spawn(async move { api.cancel(job_id()).await });
        tokio::task::yield_now().await;
        flink.disconnect("test");
        assert!(asked.await.unwrap().is_err());
        pass(1).await;
        assert_eq!(flink.log().len(), before);
        assert!(job(&flink).runs);
    });
}
