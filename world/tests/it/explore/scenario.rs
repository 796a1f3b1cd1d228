//! Tests of `explore::scenario`.

use world::explore::scenario::all;

#[test]
fn names_are_unique() {
    let mut names: Vec<&str> = all().map(|scenario| scenario.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 20, "{count} scenarios");
}
