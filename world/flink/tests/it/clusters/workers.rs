//! TaskManagers, jobs with an end, and clusters that go by themselves.

use simulated_flink::behaviour::Failure;
use simulated_kubernetes::controllers::pod::Exit;
use simulated_kubernetes::run;

use super::*;

#[test]
fn a_job_waits_for_the_slots_that_it_needs() {
    run(1, |world| async move {
        let flink = running(&world, &Cluster { parallelism: 5, ..Cluster::default() }).await;
        let workers = pods(&world, "taskmanager");
        let names: Vec<&str> = workers.iter().map(object::name).collect();
        assert_eq!(names, ["app-taskmanager-1-1", "app-taskmanager-1-2", "app-taskmanager-1-3"]);
        assert_eq!(workers[0]["metadata"]["ownerReferences"][0]["kind"], "Deployment");
        let seen = client(&flink, "test").overview().await.unwrap();
        assert_eq!((seen.task_managers, seen.slots_total, seen.slots_available), (3, 6, 1));
    });
}

#[test]
fn a_task_manager_that_dies_is_replaced_and_the_job_goes_on_from_its_checkpoint() {
    run(2, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        pass(14).await;
        let uid = object::uid(&pods(&world, "taskmanager")[0]).to_owned();
        world.exit_pod(&uid, Exit { code: 137, reason: "OOMKilled".to_owned() });
        pass(1).await;
        assert!(!job(&flink).runs);
        pass(20).await;
        let after = job(&flink);
        assert!(after.runs, "{after:?}");
        assert_eq!(after.restarts, 1);
        let workers = pods(&world, "taskmanager");
        assert_eq!(object::name(&workers[0]), "app-taskmanager-1-2");
        pass(30).await;
        assert_no_violations(&flink);
    });
}

#[test]
fn a_bounded_job_finishes_and_has_committed_everything() {
    run(3, |world| async move {
        let flink = Flink::new(&world);
        flink.change(RESOURCE, |behaviour| behaviour.records = Some(45_678));
        Cluster::default().create(&world);
        pass(80).await;
        assert_eq!((job(&flink).state.as_str(), job(&flink).offset), ("FINISHED", 45_678));
        let committed = flink.ledger(|ledger| ledger.committed(RESOURCE));
        assert_eq!(committed, [(0, 45_678)]);
        let left = flink.store(|store| store.all().count());
        assert_eq!(left, 0, "checkpoints of a job that has finished are deleted");
        pass(60).await;
        assert_eq!(pods(&world, "taskmanager").len(), 0, "idle TaskManagers go");
        assert_no_violations(&flink);
    });
}

#[test]
fn a_job_without_restarts_fails_for_good() {
    run(4, |world| async move {
        let cluster = Cluster { more: "restart-strategy.type: none", ..Cluster::default() };
        let flink = running(&world, &cluster).await;
        flink.fail_job(RESOURCE, &Failure::new("java.lang.RuntimeException", "broken"));
        pass(1).await;
        assert_eq!(job(&flink).state, "FAILED");
        let entries = client(&flink, "test").exceptions(job_id(), 10).await.unwrap().entries;
        assert_eq!(entries[0].class, "java.lang.RuntimeException");
    });
}

#[test]
fn a_cluster_goes_with_its_job_once_the_result_has_been_read() {
    run(5, |world| async move {
        let cluster = Cluster {
            more: "execution.shutdown-on-application-finish: true",
            ..Cluster::default()
        };
        let flink = running(&world, &cluster).await;
        let api = client(&flink, "test");
        api.stop_with_savepoint(job_id(), &request(1), StopMode::Suspend).await.unwrap();
        pass(60).await;
        assert_eq!(pods(&world, "jobmanager").len(), 1, "it waits");
        api.savepoint_status(job_id(), request(1).trigger).await.unwrap();
        pass(5).await;
        assert_eq!(pods(&world, "jobmanager").len(), 0);
    });
}

#[test]
fn a_job_without_slots_fails_after_a_time_and_goes_on_trying() {
    run(6, |world| async move {
        world.controllers(|controllers| {
            let labels = [("component".to_owned(), "taskmanager".to_owned())];
            controllers.pods.rules.push(simulated_kubernetes::controllers::pod::Rule {
                namespace: None,
                image: None,
                name_prefix: String::new(),
                labels: labels.into(),
                behaviour: simulated_kubernetes::controllers::pod::Behaviour {
                    unschedulable: Some("0/1 nodes are available".to_owned()),
                    ..Default::default()
                },
            });
        });
        let flink = Flink::new(&world);
        Cluster::default().create(&world);
        pass(60).await;
        assert_eq!(
            overview(&flink).await.unwrap().effective_status(),
            flink_rest::JobStatus::Created
        );
        pass(300).await;
        assert_eq!(job(&flink).restarts, 1);
        let entries = client(&flink, "test").exceptions(job_id(), 10).await.unwrap().entries;
        assert!(entries[0].class.ends_with("NoResourceAvailableException"), "{entries:?}");
    });
}

#[test]
fn a_cancelled_job_leaves_its_retained_checkpoint_to_go_on_from() {
    run(7, |world| async move {
        let flink = running(&world, &Cluster::without_high_availability()).await;
        pass(35).await;
        client(&flink, "test").cancel(job_id()).await.unwrap();
        pass(1).await;
        let path = job(&flink).latest_checkpoint.unwrap();
        delete(&world).await;
        Cluster {
            restore: Some(path.clone()),
            job_id: "ffffffffffffffffffffffffffffff01",
            more: "execution.savepoint-restore-mode: CLAIM",
            ..Cluster::without_high_availability()
        }
        .create(&world);
        pass(60).await;
        assert_eq!(flink.attempts()[1].restored_path.as_deref(), Some(path.as_str()));
        assert_no_violations(&flink);
        assert_eq!(flink.snapshot(&path), None, "the job that claimed it has deleted it");
    });
}
