//! Small crates, and the circles in them.

use std::collections::BTreeMap;

use super::*;

/// The circles in a crate with these files.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let files: BTreeMap<PathBuf, &str> =
        files.iter().map(|(path, text)| (path.into(), *text)).collect();
    let read = |file: &Path| Ok(files.get(file).map(|text| (*text).to_owned()));
    let faults = of_crate(Path::new("lib.rs"), &read).unwrap();
    faults.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(found(files), expected);
}

#[test]
fn modules_that_rest_on_each_other_in_one_direction_are_no_circle() {
    check(
        &[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B;\nuse crate::c::{self, C};\nfn f() { c::g() }"),
            ("b.rs", "use super::c::C;\npub struct B(C);"),
            ("c.rs", "pub struct C; pub fn g() {}"),
        ],
        &[],
    );
}

#[test]
fn two_modules_that_import_each_other_are_a_circle() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B;\n\npub struct A;"),
            ("b.rs", "pub struct B;\n\nfn f() -> Option<super::a::A> { None }"),
        ],
        &["a.rs: a circle of imports: a.rs:1 imports b.rs; b.rs:3 imports a.rs"],
    );
}

#[test]
fn longer_circle_is_shown_as_a_path() {
    check(
        &[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b;\npub fn f() { b::f() }"),
            ("b.rs", "pub fn f() { assert!(crate::c::holds(), \"{}\", 1) }"),
            ("c.rs", "use crate::a as first;\npub fn holds() -> bool { first::f(); true }"),
        ],
        &[
            "a.rs: a circle of imports: a.rs:2 imports b.rs; b.rs:1 imports c.rs; c.rs:2 imports a.rs",
        ],
    );
}

#[test]
fn child_that_imports_from_a_parent_that_imports_from_it_is_a_circle() {
    check(
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b;\npub struct A;\nfn f() { b::g() }"),
            ("a/b.rs", "use super::A;\npub fn g() {}"),
        ],
        &["a.rs: a circle of imports: a.rs:3 imports a/b.rs; a/b.rs:1 imports a.rs"],
    );
}

#[test]
fn circle_may_lead_through_what_a_parent_passes_on() {
    check(
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; mod c;\npub use b::B;\npub use c::*;"),
            ("a/b.rs", "use super::C;\npub struct B;"),
            ("a/c.rs", "use super::B;\npub struct C;"),
        ],
        &["a/b.rs: a circle of imports: a/b.rs:1 imports a/c.rs; a/c.rs:1 imports a/b.rs"],
    );
}

#[test]
fn parent_that_declares_and_passes_on_imports_nothing() {
    check(
        &[
            ("lib.rs", "pub mod a;\npub use a::{A, B};"),
            ("a.rs", "mod b;\npub use b::B;\npub struct A;"),
            ("a/b.rs", "use super::A;\npub struct B(pub(in crate::a) A);"),
        ],
        &[],
    );
}

#[test]
fn parent_that_uses_what_it_passes_on_imports_it() {
    check(
        &[
            ("lib.rs", "pub mod a;"),
            ("a.rs", "mod b;\npub use b::B;\npub struct A(B);"),
            ("a/b.rs", "use super::A;\npub struct B(A);"),
        ],
        &["a.rs: a circle of imports: a.rs:3 imports a/b.rs; a/b.rs:1 imports a.rs"],
    );
}

#[test]
fn inline_modules_belong_to_their_file() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "pub mod inner { use super::outer;\npub fn f() { outer() } }\npub fn outer() {}",
            ),
            ("b.rs", "use crate::a::inner::f;\npub fn g() { f() }"),
        ],
        &[],
    );
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub mod inner { use crate::b::g;\npub fn f() { g() } }"),
            ("b.rs", "use crate::a::inner::f;\npub fn g() { f() }"),
        ],
        &["a.rs: a circle of imports: a.rs:1 imports b.rs; b.rs:1 imports a.rs"],
    );
}

#[test]
fn tests_may_import_what_they_want() {
    check(
        &[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "pub struct A;\n#[cfg(test)]\nmod tests { use crate::b::B; }\n#[cfg(test)]\nmod more;",
            ),
            ("a/more.rs", "use crate::b::B;\nfn f() { super::A }"),
            ("b.rs", "use crate::a::A;\npub struct B;"),
        ],
        &[],
    );
}

#[test]
fn checked_crates_of_this_workspace_have_no_circle() {
    assert_eq!(faults().unwrap(), []);
}
