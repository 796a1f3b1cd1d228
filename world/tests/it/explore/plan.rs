//! Tests of `explore::plan`.

use world::explore::plan::of::{OfEdit, OfEvent, OfRequest, OfRest};
use world::explore::plan::{Place, Plan};

#[test]
fn plans_are_read_as_they_are_written() {
    let mut plans = vec![Plan::Undisturbed, Plan::Twins, Plan::LateTwin, Plan::Random(u64::MAX)];
    plans.extend(OfRequest::NAMES.map(|(of, _)| Plan::Request(7, of)));
    plans.extend(OfRest::NAMES.map(|(of, _)| Plan::Rest(0, of)));
    plans.extend(OfEvent::NAMES.map(|(of, _)| Plan::Event(3, of)));
    for place in [Place::Start, Place::Request(5), Place::Rest(0), Place::End] {
        plans.push(Plan::OldLeader(place));
        plans.extend(OfEdit::NAMES.map(|(of, _)| Plan::Edit(place, of)));
    }
    plans.extend([Plan::GitOps, Plan::BusyGitOps]);
    for plan in plans {
        assert_eq!(plan.to_string().parse::<Plan>().unwrap(), plan);
    }
    for bad in
        ["", "request/x/409", "request/1/no", "random", "rest/1", "event/1/hang", "edit/1/label"]
    {
        assert!(bad.parse::<Plan>().is_err(), "{bad}");
    }
}
