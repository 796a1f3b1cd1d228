//! Clusters that live as they should, and JobManagers that die.

use simulated_kubernetes::run;

use super::*;

#[test]
fn a_job_starts_counts_and_takes_checkpoints_into_the_metadata() {
    run(1, |world| async move {
        let flink = Flink::new(&world);
        Cluster::default().create(&world);
        pass(2).await;
        assert!(flink.jobs(RESOURCE).is_empty(), "the JobManager starts");
        pass(13).await;
        let first = job(&flink);
        assert_eq!((first.state.as_str(), first.runs), ("RUNNING", true));
        assert_eq!((first.id.as_str(), first.name.as_str()), (JOB, "counter"));
        let seen = overview(&flink).await.unwrap();
        assert_eq!(seen.effective_status(), flink_rest::JobStatus::Running);
        assert_eq!(pods(&world, "taskmanager").len(), 1, "two slots are enough");
        pass(60).await;
        let later = job(&flink);
        assert!(later.offset >= first.offset + 60_000, "{first:?} {later:?}");
        assert!((5..=7).contains(&later.completed_checkpoints), "{later:?}");
        let map = config_map(&world, &format!("app-{JOB}-config-map")).unwrap();
        let keys: Vec<&String> = map["data"].as_object().unwrap().keys().collect();
        assert!(
            keys.iter().any(|key| key.starts_with("checkpointID-00000000000000000")),
            "{keys:?}"
        );
        let labels = json!({"app": "app", "type": "flink-native-kubernetes"});
        assert_eq!(map["metadata"]["labels"], labels);
        let leader = config_map(&world, "app-cluster-config-map").unwrap();
        assert!(leader["data"][format!("executionPlan-{JOB}")].is_string(), "{leader}");
        assert_no_violations(&flink);
    });
}

#[test]
fn flink_1_has_its_own_layout() {
    run(1, |world| async move {
        let flink = running(&world, &Cluster { image: "flink:1.20", ..Cluster::default() }).await;
        let leader = config_map(&world, "app-cluster-config-map").unwrap();
        assert!(leader["data"][format!("jobGraph-{JOB}")].is_string(), "{leader}");
        assert_eq!(leader["metadata"]["labels"]["configmap-type"], "high-availability");
        assert_eq!(client(&flink, "test").config().await.unwrap().flink_version, "1.20.5");
    });
}

#[test]
fn a_killed_job_manager_resumes_from_the_newest_checkpoint() {
    run(2, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        pass(35).await;
        let pod = flink.job_managers(RESOURCE)[0].pod.clone();
        assert!(flink.kill_job_manager(&pod));
        assert!(!flink.kill_job_manager(&pod), "it is dead");
        pass(1).await;
        assert!(overview(&flink).await.unwrap_err().is_unreachable());
        pass(40).await;
        assert!(job(&flink).runs, "{:?}", job(&flink));
        let attempts = flink.attempts();
        assert_eq!(attempts.len(), 2, "{attempts:#?}");
        assert!(attempts[1].restored_path.as_deref().unwrap().contains("/chk-"), "{attempts:#?}");
        assert!(attempts[1].restored_offset > 0);
        pass(30).await;
        assert_no_violations(&flink);
    });
}

#[test]
fn without_high_availability_a_killed_job_manager_starts_over_and_that_is_told() {
    run(3, |world| async move {
        let flink = running(&world, &Cluster::without_high_availability()).await;
        pass(35).await;
        let pod = flink.job_managers(RESOURCE)[0].pod_uid.clone();
        flink.kill_job_manager(&pod);
        pass(60).await;
        let violations = flink.violations();
        assert!(
            matches!(violations.first(), Some(Violation::Empty { newest, .. }) if *newest > 20_000),
            "{violations:?}"
        );
        let doubled: u64 = violations
            .iter()
            .filter(|one| matches!(one, Violation::Doubled { .. }))
            .map(Violation::records)
            .sum();
        assert!(doubled > 20_000, "{violations:?}");
        assert!(violations[0].to_string().contains("began without state"), "{}", violations[0]);
    });
}

#[test]
fn a_stop_with_a_savepoint_loses_and_doubles_nothing() {
    run(4, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        pass(17).await;
        let AsyncStatus::Completed(path) = stop(&flink).await else { panic!("no savepoint") };
        assert!(path.starts_with("s3://bucket/savepoints/savepoint-012345-"), "{path}");
        let snapshot = flink.snapshot(&path).unwrap();
        pass(1).await;
        assert_eq!(overview(&flink).await.unwrap().status, flink_rest::JobStatus::Finished);
        let map = config_map(&world, &format!("app-{JOB}-config-map"));
        assert_eq!(map, None, "a job that has ended leaves no metadata");
        delete(&world).await;
        Cluster {
            restore: Some(path.clone()),
            job_id: "ffffffffffffffffffffffffffffff01",
            ..Cluster::default()
        }
        .create(&world);
        pass(40).await;
        let attempts = flink.attempts();
        assert_eq!(attempts.len(), 2, "{attempts:#?}");
        assert_eq!(attempts[1].restored_path.as_deref(), Some(path.as_str()));
        assert_eq!(attempts[1].restored_offset, snapshot.offset);
        assert_no_violations(&flink);
        let committed = flink.ledger(|ledger| ledger.committed(RESOURCE));
        assert_eq!(committed.len(), 1, "{committed:?}");
        assert!(committed[0].1 > snapshot.offset);
    });
}

#[test]
fn a_start_from_an_older_state_is_a_violation_unless_it_is_allowed() {
    run(5, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        let api = client(&flink, "test");
        api.trigger_savepoint(job_id(), &request(7)).await.unwrap();
        pass(2).await;
        let status = api.savepoint_status(job_id(), request(7).trigger).await.unwrap();
        let AsyncStatus::Completed(path) = status else { panic!("{status:?}") };
        pass(40).await;
        delete(&world).await;
        let older = Cluster {
            restore: Some(path),
            job_id: "ffffffffffffffffffffffffffffff01",
            ..Cluster::default()
        };
        older.create(&world);
        pass(40).await;
        assert!(matches!(flink.violations()[0], Violation::Older { .. }));
        let before = flink.violations().len();
        delete(&world).await;
        flink.allow_rewind(RESOURCE);
        Cluster { job_id: "ffffffffffffffffffffffffffffff02", ..older }.create(&world);
        pass(40).await;
        assert_eq!(flink.violations().len(), before, "{:?}", flink.violations());
        assert_eq!(flink.attempts().len(), 3);
    });
}

#[test]
fn the_same_seed_gives_the_same_digest_and_another_one_another() {
    let digest = |seed| {
        run(seed, |world| async move {
            let flink = running(&world, &Cluster::default()).await;
            let (one, two) = (client(&flink, "one"), client(&flink, "two"));
            let (_, _, _) = futures::join!(one.jobs_overview(), two.jobs_overview(), one.config());
            drop(stop(&flink).await);
            (flink.digest(), world.digest())
        })
    };
    assert_eq!(digest(9), digest(9));
    assert_ne!(digest(9).0, digest(10).0);
}

#[test]
fn a_quiet_hour_is_cheap() {
    let hour = |cluster: Cluster| {
        run(6, |world| async move {
            let flink = running(&world, &cluster).await;
            let before = job(&flink).completed_checkpoints;
            let version = world.kubernetes(|kubernetes| kubernetes.version());
            let began = std::time::Instant::now();
            pass(3600).await;
            let took = began.elapsed();
            let writes = world.kubernetes(|kubernetes| kubernetes.version()) - version;
            assert_eq!(job(&flink).completed_checkpoints, before + 360);
            assert_no_violations(&flink);
            (took, writes)
        })
    };
    let (took, writes) = hour(Cluster::default());
    println!(
        "one quiet hour with metadata, a checkpoint every ten seconds: {took:?}, {writes} writes"
    );
    assert!(writes <= 60, "{writes}");
    let (took, writes) = hour(Cluster::without_high_availability());
    println!("the same without metadata: {took:?}, {writes} writes");
    assert_eq!(writes, 0);
}

/// FLINK-40467: the second JobManager believes that its application has ended, as the first one has not come to the end of
/// the clean-up.
#[test]
fn an_application_of_2_3_that_finds_the_result_of_an_earlier_one_runs_no_job() {
    const ONE: &str = "application-result-store.storage-path: s3://b/one";
    const TWO: &str = "application-result-store.storage-path: s3://b/two";
    let jobs_after = |earlier: &'static str, later: &'static str, clean_up: u64| {
        run(3, move |world| async move {
            let cluster = Cluster { image: "flink:2.3", more: earlier, ..Cluster::default() };
            let flink = running(&world, &cluster).await;
            stop(&flink).await;
            pass(clean_up).await;
            let kind = Kinds::known().plural("deployments");
            let options = DeleteOptions::default();
            let caller = world.caller("somebody");
            let deleted = world.kubernetes(|kubernetes| {
                kubernetes.delete(kind, "default", "app", &options, &caller)
            });
            assert!(deleted.is_ok());
            pass(40).await;
            let next = "0000000000000000000000000000000b";
            Cluster { more: later, job_id: next, ..cluster }.create(&world);
            pass(20).await;
            flink.jobs(RESOURCE).len()
        })
    };
    assert_eq!(jobs_after(ONE, ONE, 0), 0, "the same folder");
    assert_eq!(jobs_after(ONE, TWO, 0), 1, "a folder of its own");
    assert_eq!(jobs_after(ONE, ONE, 5), 1, "the clean-up was over");
}
