//! Checks that the list of faults matches the tree. Trying all faults takes too long for each run.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::workspace;

#[test]
fn every_fault_finds_its_place_once() {
    let faults: Vec<String> = all()
        .filter_map(|mutation| tree::texts(workspace::root(), mutation).err())
        .map(|error| format!("{error:#}"))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn names_are_unique_and_there_are_enough() {
    let names: BTreeSet<&str> = all().map(|mutation| mutation.name).collect();
    assert_eq!(names.len(), all().count());
    assert!(names.len() >= 32, "{} faults", names.len());
    for name in names {
        let fits = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(fits, "{name} is not made of words with hyphens");
    }
    let of = |crate_: &str| all().filter(|fault| fault.file.starts_with(crate_)).count();
    assert!(of("crates/flink-operator-core/") >= 20);
    assert!(of("crates/flink-operator/") >= 5);
    let by_the_world = all().filter(|fault| fault.test.program().layer() == "sweep").count();
    assert!(by_the_world >= 4, "{by_the_world} that only the world sees");
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut texts: Vec<(String, String)> = Vec::new();
    for file in workspace::files().unwrap() {
        if file.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(workspace::root().join(&file)).unwrap();
            texts.push((file.display().to_string(), text));
        }
    }
    let has = |folder: &str, words: &str| {
        texts.iter().any(|(file, text)| Path::new(file).starts_with(folder) && text.contains(words))
    };
    for mutation in all() {
        let (folder, name) = (mutation.test.program().folder(), mutation.test.name());
        let words = match mutation.test {
            Test::Sweep(_) => format!("\"{}\"", name.split('@').next().unwrap_or_default()),
            Test::Core(_) | Test::Shell(_) | Test::Kubernetes(_) | Test::Costs(_) => {
                format!("fn {name}(")
            }
        };
        assert!(has(folder, &words), "{}: {folder} has no {words}", mutation.name);
    }
}

#[test]
fn documentation_has_the_table_of_now() {
    let document = std::fs::read_to_string(workspace::root().join(table::DOCUMENT)).unwrap();
    let wanted = table::with_table(&document).unwrap();
    assert!(document == wanted, "run cargo xtask mutations --write-docs");
}

#[test]
fn effects_are_sentences() {
    for mutation in all() {
        let effect = mutation.effect;
        assert!(effect.ends_with('.') && !effect.contains(['|', '\n']), "{effect}");
    }
}

#[test]
fn fault_that_is_not_caught_fails_the_run() {
    let mutation = all().next().unwrap();
    let tried = |outcome| [Tried { mutation, outcome, seconds: 0.0 }];
    assert!(summarise(&tried(Outcome::Caught), 0.0).is_ok());
    assert!(summarise(&tried(Outcome::Survived), 0.0).is_err());
    assert!(summarise(&tried(Outcome::Error("it does not compile".to_owned())), 0.0).is_err());
}

#[test]
fn text_that_is_not_there_once_is_refused_with_the_name_of_the_fault() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.rs"), "one two two").unwrap();
    let fault = |find, replace| Mutation {
        name: "n",
        file: "a.rs",
        find,
        replace,
        ..*all().next().unwrap()
    };
    let (whole, faulty) = tree::texts(folder.path(), &fault("one", "three")).unwrap();
    assert_eq!((whole.as_str(), faulty.as_str()), ("one two two", "three two two"));
    for (find, replace) in [("two", "three"), ("four", ""), ("one", "one")] {
        let error = tree::texts(folder.path(), &fault(find, replace)).unwrap_err();
        assert!(error.to_string().starts_with("n: "), "{error}");
    }
}
