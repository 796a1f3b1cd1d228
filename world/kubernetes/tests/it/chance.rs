//! Tests of `chance`.

use simulated_kubernetes::chance::Chance;

#[test]
fn same_seed_gives_the_same_and_another_seed_does_not() {
    let names =
        |seed| (0..8).map(|_| 0).scan(Chance::new(seed), |c, _| Some(c.uid())).collect::<Vec<_>>();
    assert_eq!(names(7), names(7));
    assert_ne!(names(7), names(8));
}

#[test]
fn forks_do_not_depend_on_each_other() {
    let base = Chance::new(1);
    let mut one = base.fork("uid");
    one.number();
    assert_eq!(base.fork("name").number(), base.fork("name").number());
    assert_ne!(base.fork("uid").number(), base.fork("name").number());
}

#[test]
fn uid_has_the_form_of_version_4() {
    let uid = Chance::new(3).uid();
    let parts: Vec<&str> = uid.split('-').collect();
    assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert!(parts[2].starts_with('4'), "{uid}");
    assert!(["8", "9", "a", "b"].iter().any(|digit| parts[3].starts_with(digit)), "{uid}");
}

#[test]
fn numbers_stay_below_their_limit() {
    let mut chance = Chance::new(5);
    assert!((0..1000).all(|_| chance.below(7) < 7));
    assert_eq!(chance.below(0), 0);
    assert_eq!(chance.name_suffix(5).len(), 5);
}
