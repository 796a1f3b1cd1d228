//! Session clusters and their jobs.

use flink_rest::jars::{ClaimMode, JarContent, RunRequest};
use flink_rest::{FlinkRelease, JarId, JarName};
use simulated_kubernetes::run;

use super::*;

const RELEASE: FlinkRelease = FlinkRelease::new(2, 2);
const LINEAGE: &str = "default/app/counter";

fn session(high_availability: bool) -> Cluster {
    let more = "# kubernetes-session\nexecution.target: kubernetes-session";
    Cluster { high_availability, more, ..Cluster::default() }
}

fn request_of(job: JobId, path: Option<String>) -> RunRequest {
    let configuration = [("pipeline.name", "counter"), ("execution.checkpointing.interval", "5 s")];
    RunRequest {
        job_id: Some(job),
        parallelism: Some(1),
        savepoint_path: path,
        claim_mode: Some(ClaimMode::NoClaim),
        flink_configuration: configuration
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..RunRequest::default()
    }
}

async fn upload(api: &FlinkCluster) -> JarId {
    let content = JarContent::Bytes(Bytes::from_static(b"PK"));
    api.upload_jar(&JarName::from_file_name("job.jar"), content).await.unwrap()
}

#[test]
fn a_session_cluster_has_a_job_manager_and_no_jobs() {
    run(6, |world| async move {
        let flink = Flink::new(&world);
        session(true).create(&world);
        pass(15).await;
        let api = client(&flink, "test");
        assert_eq!(api.jobs_overview().await.unwrap(), []);
        assert_eq!(api.overview().await.unwrap().task_managers, 0);
        assert!(flink.attempts().is_empty());
        assert_eq!(raw(&flink, "DELETE", "/cluster", Value::Null).await.0, 200);
        pass(5).await;
        assert_eq!(pods(&world, "jobmanager").len(), 0);
    });
}

#[test]
fn jobs_run_from_jars_beside_each_other_and_go_on_from_savepoints() {
    run(1, |world| async move {
        let flink = Flink::new(&world);
        session(false).create(&world);
        pass(10).await;
        let api = client(&flink, "test");
        let jar = upload(&api).await;
        let started = api.run_jar(RELEASE, &jar, &request_of(job_id(), None)).await.unwrap();
        assert_eq!(started, job_id());
        let again = api.run_jar(RELEASE, &jar, &request_of(job_id(), None)).await;
        assert!(again.unwrap_err().already_submitted());
        let other = JobId::from_bytes([7; 16]);
        let other_request = RunRequest {
            flink_configuration: [("pipeline.name".to_owned(), "other".to_owned())].into(),
            parallelism: Some(3),
            ..request_of(other, None)
        };
        api.run_jar(RELEASE, &jar, &other_request).await.unwrap();
        pass(20).await;
        let jobs = flink.jobs(RESOURCE);
        assert!(jobs.iter().all(|job| job.runs), "{jobs:?}");
        assert_eq!(pods(&world, "taskmanager").len(), 2, "four slots");
        assert!(jobs[0].completed_checkpoints >= 2, "its own interval counts: {jobs:?}");
        let AsyncStatus::Completed(path) = stop(&flink).await else { panic!("no savepoint") };
        let next = JobId::from_bytes([8; 16]);
        api.run_jar(RELEASE, &jar, &request_of(next, Some(path))).await.unwrap();
        pass(20).await;
        assert_no_violations(&flink);
        let attempts = flink.attempts();
        let of_job = attempts.iter().filter(|attempt| attempt.resource == LINEAGE);
        assert_eq!(of_job.count(), 2, "{attempts:#?}");
        api.delete_jar(&jar).await.unwrap();
        assert_eq!(api.delete_jar(&jar).await.unwrap_err().answer().unwrap().status, 400);
    });
}

#[test]
fn the_next_job_manager_runs_the_jobs_that_the_metadata_knows() {
    run(2, |world| async move {
        let flink = Flink::new(&world);
        session(true).create(&world);
        pass(10).await;
        let api = client(&flink, "test");
        let jar = upload(&api).await;
        api.run_jar(RELEASE, &jar, &request_of(job_id(), None)).await.unwrap();
        pass(20).await;
        let pod = flink.job_managers(RESOURCE)[0].pod_uid.clone();
        flink.kill_job_manager(&pod);
        pass(40).await;
        assert!(job(&flink).runs, "{:?}", job(&flink));
        pass(20).await;
        assert_no_violations(&flink);
        assert_eq!(flink.attempts().len(), 2);
    });
}
