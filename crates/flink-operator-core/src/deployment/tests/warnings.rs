//! Warnings about a valid spec.

use super::*;
use crate::reconcile::decision::Event;

fn warnings(decision: &Decision) -> Vec<&Event> {
    let events = decision.actions.iter().filter_map(|action| match action {
        Action::Publish(event) => Some(event),
        _ => None,
    });
    events.filter(|event| event.reason == "SpecWarnings").collect()
}

fn condition(case: &mut Case) -> Option<flink_operator_api::Condition> {
    let conditions = &case.status().conditions;
    conditions.iter().find(|condition| condition.type_ == "SpecWarnings").cloned()
}

const WITHOUT_EFFECT: &str = "kubernetes.pod-template-file.jobmanager";

#[test]
fn warnings_of_a_spec_are_told_once_for_each_generation() {
    let mut case = fresh();
    case.edit(&json!({"flinkConfiguration": {WITHOUT_EFFECT: "/x"}}));
    let decision = case.step();
    let told = warnings(&decision);
    assert_eq!(told.len(), 1, "{decision:?}");
    assert!(told[0].warning && told[0].note.contains(WITHOUT_EFFECT), "{told:?}");
    let shown = condition(&mut case).unwrap();
    assert_eq!((shown.status.as_str(), shown.observed_generation), ("True", Some(2)));

    case.sees(deployment(2)).job_is(FlinkJobStatus::Running);
    case.observed.pods = vec![ready_pod(1_000)];
    for _ in 0..3 {
        let decision = case.step();
        assert_eq!(warnings(&decision), Vec::<&Event>::new());
    }
    assert_eq!(condition(&mut case).as_ref(), Some(&shown));
    check(&case.step(), &[], "UpToDate");

    case.edit(&json!({"job": {"initialSavepointPath": "s3://b/s"}}));
    assert_eq!(warnings(&case.step()).len(), 1);
    assert_eq!(condition(&mut case).unwrap().last_transition_time, shown.last_transition_time);
}

#[test]
fn the_condition_goes_with_the_warnings() {
    let mut case = fresh();
    case.edit(&json!({"flinkConfiguration": {WITHOUT_EFFECT: "/x"}}));
    case.step();
    case.edit(&json!({"flinkConfiguration": null}));
    case.step();
    assert_eq!(condition(&mut case), None);
}

#[test]
fn a_spec_without_warnings_has_no_condition() {
    let mut case = running();
    assert_eq!(condition(&mut case), None);
}
