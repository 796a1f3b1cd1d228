//! High availability metadata: other people's deletions, leases, results of jobs that have ended.

use simulated_flink::behaviour::LeaderLost;
use simulated_kubernetes::run;

use super::*;

fn delete_map(world: &World, name: &str) {
    let caller = world.caller("somebody");
    let kind = Kinds::known().plural("configmaps");
    world.kubernetes(|kubernetes| {
        let options = DeleteOptions::default();
        drop(kubernetes.delete(kind, "default", name, &options, &caller).unwrap());
    });
}

fn has_pointer(world: &World) -> bool {
    let map = config_map(world, &format!("app-{JOB}-config-map"));
    let data = map.as_ref().and_then(|map| map["data"].as_object());
    data.is_some_and(|data| data.keys().any(|key| key.starts_with("checkpointID-")))
}

#[test]
fn deleted_metadata_comes_back_as_far_as_the_job_manager_writes_it() {
    run(1, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        pass(16).await;
        assert!(has_pointer(&world));
        delete_map(&world, "app-cluster-config-map");
        delete_map(&world, &format!("app-{JOB}-config-map"));
        pass(1).await;
        let leader = config_map(&world, "app-cluster-config-map").unwrap();
        assert!(leader["data"]["org.apache.flink.k8s.leader.dispatcher"].is_string(), "{leader}");
        assert!(!has_pointer(&world), "the pointers are not written again");
        assert!(job(&flink).runs);
        pass(20).await;
        assert!(has_pointer(&world), "the next checkpoint is");
        assert_no_violations(&flink);
    });
}

#[test]
fn a_job_manager_that_dies_without_its_pointers_starts_from_nothing() {
    run(2, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        pass(16).await;
        delete_map(&world, &format!("app-{JOB}-config-map"));
        pass(1).await;
        let pod = flink.job_managers(RESOURCE)[0].pod_uid.clone();
        flink.kill_job_manager(&pod);
        pass(60).await;
        assert!(
            matches!(flink.violations()[0], Violation::Empty { .. }),
            "{:?}",
            flink.violations()
        );
    });
}

#[test]
fn a_job_manager_may_take_the_loss_of_its_config_map_for_its_end() {
    run(3, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        flink.change(RESOURCE, |behaviour| behaviour.leader_lost = LeaderLost::Ends);
        pass(16).await;
        delete_map(&world, "app-cluster-config-map");
        pass(1).await;
        let status = &pods(&world, "jobmanager")[0]["status"]["containerStatuses"][0];
        let message = "ConfigMap app-cluster-config-map is deleted externally";
        assert_eq!(status["lastState"]["terminated"]["message"], message, "{status}");
        pass(40).await;
        assert!(job(&flink).runs);
        assert_no_violations(&flink);
    });
}

#[test]
fn a_second_job_manager_stands_by_until_the_lease_of_the_first_is_over() {
    run(4, |world| async move {
        let flink = running(&world, &Cluster { replicas: 2, ..Cluster::default() }).await;
        let both = flink.job_managers(RESOURCE);
        assert_eq!(both.iter().filter(|one| one.leads).count(), 1, "{both:?}");
        let leader = both.iter().find(|one| one.leads).unwrap();
        flink.kill_job_manager(&leader.pod_uid);
        pass(4).await;
        let error = client(&flink, "test").jobs_overview().await.unwrap_err();
        assert_eq!(error.answer().unwrap().status, 503, "{error}");
        assert!(client(&flink, "test").config().await.is_ok());
        pass(40).await;
        assert!(job(&flink).runs);
        assert_no_violations(&flink);
    });
}

#[test]
fn without_high_availability_two_job_managers_run_the_job_twice_and_that_is_told() {
    run(5, |world| async move {
        let cluster = Cluster { replicas: 2, ..Cluster::without_high_availability() };
        let flink = Flink::new(&world);
        cluster.create(&world);
        pass(60).await;
        assert!(
            flink.violations().iter().any(|one| matches!(one, Violation::Together { .. })),
            "{:?}",
            flink.violations()
        );
    });
}

#[test]
fn a_job_that_has_ended_is_not_run_again() {
    run(6, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        drop(stop(&flink).await);
        pass(1).await;
        let pod = flink.job_managers(RESOURCE)[0].pod_uid.clone();
        flink.kill_job_manager(&pod);
        pass(40).await;
        assert!(flink.job_managers(RESOURCE)[0].leads);
        assert!(flink.jobs(RESOURCE).is_empty());
        assert_eq!(flink.attempts().len(), 1);
        assert_no_violations(&flink);
    });
}

#[test]
fn a_job_manager_that_is_deleted_leaves_its_metadata_for_the_next_one() {
    run(7, |world| async move {
        let flink = running(&world, &Cluster::default()).await;
        pass(20).await;
        delete(&world).await;
        assert!(has_pointer(&world));
        let leader = config_map(&world, "app-cluster-config-map").unwrap();
        let keys: Vec<&String> = leader["data"].as_object().unwrap().keys().collect();
        assert_eq!(keys, [&format!("executionPlan-{JOB}")], "the leader has resigned");
        let path = Some("KUBERNETES_OPERATOR_LAST_STATE".to_owned());
        Cluster { restore: path, ..Cluster::default() }.create(&world);
        pass(20).await;
        assert!(job(&flink).runs);
        assert!(flink.attempts()[1].restored_path.as_deref().unwrap().contains("/chk-"));
        pass(30).await;
        assert_no_violations(&flink);
    });
}
