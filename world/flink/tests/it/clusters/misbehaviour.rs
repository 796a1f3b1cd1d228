//! Clusters that do not do what they should.

use simulated_flink::behaviour::{
    Failure, Flapping, JobManagerExit, MissingState, SavepointOutcome, StopOutcome,
};
use simulated_kubernetes::run;

use super::*;

fn failure() -> Failure {
    Failure::new("java.lang.IllegalStateException", "it does not work")
}

#[test]
fn a_job_manager_that_never_starts_crashes_again_and_again_with_its_last_words() {
    run(1, |world| async move {
        let flink = Flink::new(&world);
        flink.change(RESOURCE, |behaviour| {
            behaviour.job_manager_exit = Some(JobManagerExit {
                after: Duration::from_secs(1),
                code: 1,
                message: "java.lang.Exception: no main class".to_owned(),
            });
        });
        Cluster::default().create(&world);
        pass(60).await;
        let status = &pods(&world, "jobmanager")[0]["status"]["containerStatuses"][0];
        assert!(status["restartCount"].as_u64().unwrap() >= 2, "{status}");
        assert_eq!(status["state"]["waiting"]["reason"], "CrashLoopBackOff", "{status}");
        let last = &status["lastState"]["terminated"];
        assert_eq!(last["message"], "java.lang.Exception: no main class", "{status}");
        assert_eq!(last["exitCode"], 1);
        flink.change(RESOURCE, |behaviour| behaviour.job_manager_exit = None);
        pass(200).await;
        assert!(job(&flink).runs, "once it is mended it starts");
    });
}

#[test]
fn a_missing_state_may_end_the_job_manager() {
    run(2, |world| async move {
        let flink = Flink::new(&world);
        flink.change(RESOURCE, |behaviour| {
            behaviour.missing_state = MissingState::EndsTheJobManager;
        });
        let path = Some("s3://bucket/nosuch".to_owned());
        Cluster { restore: path, ..Cluster::default() }.create(&world);
        pass(30).await;
        let status = &pods(&world, "jobmanager")[0]["status"]["containerStatuses"][0];
        let message = status["lastState"]["terminated"]["message"].as_str().unwrap();
        assert!(message.contains("'s3://bucket/nosuch' on file system 's3'"), "{message}");
        assert!(status["restartCount"].as_u64().unwrap() >= 1, "{status}");
    });
}

/// Stops the job of a new cluster that behaves so.
fn stopped(outcome: StopOutcome, check: impl AsyncFnOnce(&World, &Flink, AsyncStatus<String>)) {
    run(3, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        pass(14).await;
        flink.next_stop(RESOURCE, outcome);
        let status = stop(&flink).await;
        check(&world, &flink, status).await;
    });
}

#[test]
fn a_savepoint_that_fails_lets_the_job_go_on() {
    stopped(StopOutcome::SavepointFails(failure()), async |_, flink, status| {
        let AsyncStatus::Failed(why) = status else { panic!("{status:?}") };
        assert!(why.summary().contains("it does not work"), "{}", why.summary());
        assert!(job(flink).runs);
        pass(30).await;
        assert_no_violations(flink);
    });
}

#[test]
fn a_stop_that_hangs_fails_when_the_checkpoint_times_out() {
    stopped(StopOutcome::Hangs, async |_, flink, status| {
        assert_eq!(status, AsyncStatus::InProgress);
        assert!(job(flink).runs);
        pass(600).await;
        let status = client(flink, "test").savepoint_status(job_id(), request(1).trigger).await;
        let AsyncStatus::Failed(why) = status.unwrap() else { panic!("it has to fail") };
        assert!(why.summary().contains("expired"), "{}", why.summary());
        pass(30).await;
        assert!(job(flink).runs);
        assert_no_violations(flink);
    });
}

#[test]
fn a_job_may_go_on_after_its_savepoint() {
    stopped(StopOutcome::GoesOn, async |_, flink, status| {
        let AsyncStatus::Completed(path) = status else { panic!("{status:?}") };
        assert!(flink.snapshot(&path).is_some());
        assert!(job(flink).runs);
        pass(30).await;
        assert_no_violations(flink);
    });
}

#[test]
fn a_stop_may_fail_after_its_savepoint_and_tell_the_path() {
    stopped(StopOutcome::FailsAfterwards, async |_, flink, status| {
        let AsyncStatus::Failed(why) = status else { panic!("{status:?}") };
        let path = flink_rest::savepoints::savepoint_despite_failure(&why).unwrap();
        assert!(flink.snapshot(&path).is_some());
        pass(30).await;
        assert!(job(flink).runs);
        assert_no_violations(flink);
    });
}

#[test]
fn a_job_may_be_faster_than_its_stop() {
    stopped(StopOutcome::JobIsFaster, async |_, flink, status| {
        assert!(matches!(status, AsyncStatus::Failed(_)), "{status:?}");
        assert_eq!(job(flink).state, "FINISHED");
        assert_no_violations(flink);
    });
}

#[test]
fn a_job_manager_may_die_with_the_path() {
    run(4, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        pass(14).await;
        flink.next_stop(RESOURCE, StopOutcome::JobManagerDies);
        let api = client(&flink, "test");
        api.stop_with_savepoint(job_id(), &request(1), StopMode::Suspend).await.unwrap();
        pass(1).await;
        assert!(
            api.savepoint_status(job_id(), request(1).trigger).await.unwrap_err().is_unreachable()
        );
        let count =
            flink.store(|store| store.all().filter(|one| one.path.contains("savepoint-")).count());
        assert_eq!(count, 1, "the savepoint is there");
        pass(40).await;
        assert!(job(&flink).runs);
        let status = api.savepoint_status(job_id(), request(1).trigger).await;
        assert!(status.unwrap_err().operation_not_found());
        assert_no_violations(&flink);
    });
}

#[test]
fn a_savepoint_may_vanish() {
    stopped(StopOutcome::Vanishes, async |_, flink, status| {
        let AsyncStatus::Completed(path) = status else { panic!("{status:?}") };
        pass(1).await;
        assert_eq!(flink.snapshot(&path), None);
        assert_eq!(job(flink).state, "FINISHED");
    });
}

#[test]
fn savepoints_fail_hang_and_are_forgotten() {
    run(5, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        let api = client(&flink, "test");
        let status = async |trigger: u8| {
            api.trigger_savepoint(job_id(), &request(trigger)).await.unwrap();
            pass(2).await;
            api.savepoint_status(job_id(), request(trigger).trigger).await
        };
        flink.next_savepoint(RESOURCE, SavepointOutcome::Fails(failure()));
        assert!(matches!(status(1).await.unwrap(), AsyncStatus::Failed(_)));
        flink.next_savepoint(RESOURCE, SavepointOutcome::Hangs);
        assert_eq!(status(2).await.unwrap(), AsyncStatus::InProgress);
        flink
            .change(RESOURCE, |behaviour| behaviour.operations_kept = Some(Duration::from_secs(1)));
        let kept = status(3).await;
        assert!(kept.is_err_and(|error| error.operation_not_found()));
        assert_no_violations(&flink);
    });
}

#[test]
fn a_cancellation_may_be_ignored_for_a_time() {
    run(6, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        flink.change(RESOURCE, |behaviour| behaviour.cancel_ignored = Duration::from_mins(1));
        let api = client(&flink, "test");
        api.cancel(job_id()).await.unwrap();
        pass(10).await;
        assert!(job(&flink).runs);
        pass(60).await;
        let newest = job(&flink).latest_checkpoint.unwrap();
        api.cancel(job_id()).await.unwrap();
        pass(1).await;
        assert_eq!(job(&flink).state, "CANCELED");
        assert!(flink.snapshot(&newest).is_some(), "retained");
        assert_no_violations(&flink);
    });
}

#[test]
fn jobs_are_hidden_flap_fail_and_have_odd_states() {
    run(7, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        flink.change(RESOURCE, |behaviour| {
            behaviour.overview_empty = Duration::from_mins(1);
            behaviour.shown_state = Some("HIBERNATING".to_owned());
        });
        let api = client(&flink, "test");
        assert_eq!(api.jobs_overview().await.unwrap(), []);
        pass(60).await;
        let seen = overview(&flink).await.unwrap();
        assert_eq!(seen.status, flink_rest::JobStatus::Unrecognised);
        flink.change(RESOURCE, |behaviour| {
            behaviour.shown_state = None;
            behaviour.flapping = Some(Flapping {
                runs: Duration::from_secs(5),
                failure: failure(),
                shows_failed: true,
            });
        });
        let mut states = std::collections::BTreeSet::new();
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            states.insert(overview(&flink).await.unwrap().status);
        }
        assert!(states.contains(&flink_rest::JobStatus::Failed), "{states:?}");
        assert!(states.contains(&flink_rest::JobStatus::Restarting), "{states:?}");
        let metrics = api.job_metrics(job_id(), &["numRestarts"]).await.unwrap();
        assert!(metrics["numRestarts"].parse::<u64>().unwrap() >= 3, "{metrics:?}");
        assert_no_violations(&flink);
    });
}

#[test]
fn a_job_may_fail_before_its_tasks_are_made() {
    run(8, |world| async move {
        let flink = Flink::new(&world);
        flink.change(RESOURCE, |behaviour| behaviour.job_fails = Some(failure()));
        Cluster::default().create(&world);
        pass(15).await;
        assert_eq!(job(&flink).state, "FAILED");
        let result = client(&flink, "test").execution_result(job_id()).await.unwrap();
        let flink_rest::jobs::ExecutionResult::Completed(result) = result else {
            panic!("{result:?}")
        };
        assert!(result.failure.unwrap().has_class("IllegalStateException"));
    });
}

#[test]
fn answers_are_slow_or_errors_by_site() {
    run(9, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        flink.change(RESOURCE, |behaviour| {
            behaviour.slow.insert("GET /overview", Duration::from_secs(5));
            behaviour.broken.insert("GET /config", 500);
        });
        let api = client(&flink, "test");
        let began = world.clock().elapsed();
        api.overview().await.unwrap();
        assert_eq!(seconds_since(&world, began), 5);
        assert_eq!(api.config().await.unwrap_err().answer().unwrap().status, 500);
    });
}
