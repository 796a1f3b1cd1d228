//! Which crate may use which: the arrows of the architecture, and what must not be in a crate's tree.

use std::collections::BTreeSet;

use anyhow::Context;
use serde::Deserialize;

use super::Fault;
use crate::workspace;

/// What one crate of the workspace may use.
struct Rule {
    name: &'static str,
    /// Crates of the workspace that it may depend on, in any way.
    ours: Ours,
    /// Crates that must not be in its own manifest.
    not_named: &'static [&'static str],
    /// Crates that must not be in its tree, however they got there.
    not_in_tree: &'static [&'static str],
}

enum Ours {
    /// What is not shipped may use everything.
    All,
    Only(&'static [&'static str]),
}

/// One line for each crate: a new one has to be put in its place here.
const RULES: &[Rule] = &[
    Rule {
        name: "flink-operator-api",
        ours: Ours::Only(&[]),
        not_named: &[],
        not_in_tree: RUNTIME,
    },
    Rule {
        name: "flink-operator-core",
        ours: Ours::Only(&["flink-operator-api", "golden"]),
        // Clients, and sources of randomness: core is a function of its arguments.
        not_named: &["kube", "futures", "rand", "getrandom", "uuid"],
        not_in_tree: RUNTIME,
    },
    Rule {
        name: "flink-rest",
        ours: Ours::Only(&[]),
        not_named: &[],
        not_in_tree: &["kube", "kube-core", "k8s-openapi"],
    },
    Rule {
        name: "flink-operator",
        // The simulated world drives the controllers, so they meet in tests only.
        ours: Ours::Only(&["flink-operator-api", "flink-operator-core", "flink-rest", "world"]),
        not_named: &[],
        // Schemas are for whoever writes definitions: the api crate has them behind a feature.
        not_in_tree: &["schemars"],
    },
    Rule { name: "golden", ours: Ours::Only(&[]), not_named: &[], not_in_tree: RUNTIME },
    Rule {
        name: "simulated-kubernetes",
        // A change in the operator must not compile it anew.
        ours: Ours::Only(&[]),
        not_named: &[],
        not_in_tree: &[],
    },
    Rule {
        name: "simulated-flink",
        // A simulation that shared code with the operator would share its faults. It answers the operator's own client.
        ours: Ours::Only(&["flink-rest", "simulated-kubernetes"]),
        not_named: &[],
        not_in_tree: &[],
    },
    Rule { name: "world", ours: Ours::All, not_named: &[], not_in_tree: &[] },
    Rule { name: "e2e", ours: Ours::All, not_named: &[], not_in_tree: &[] },
    Rule { name: "bench", ours: Ours::All, not_named: &[], not_in_tree: &[] },
    Rule { name: "xtask", ours: Ours::All, not_named: &[], not_in_tree: &[] },
];

/// Crates that wait, or talk to somebody.
const RUNTIME: &[&str] = &["tokio", "reqwest", "hyper", "axum", "tower"];

/// Crates that may not be anywhere: there is one provider of cryptography, and two make a process that panics.
const NOWHERE: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls"];

/// Crates that are not part of what is shipped.
const NOT_SHIPPED: &[&str] =
    &["golden", "simulated-kubernetes", "simulated-flink", "world", "e2e", "bench", "xtask"];

fn is_shipped(name: &str) -> bool {
    !NOT_SHIPPED.contains(&name)
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Nothing for a usual one, otherwise "dev" or "build".
    kind: Option<String>,
}

pub fn faults() -> anyhow::Result<Vec<Fault>> {
    let text = workspace::output(workspace::cargo().args([
        "metadata",
        "--format-version=1",
        "--no-deps",
        "--locked",
    ]))?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("failed to read cargo's metadata")?;
    let mut faults = of_manifests(&metadata.packages);
    for package in &metadata.packages {
        if let Some(rule) = RULES.iter().find(|rule| rule.name == package.name) {
            faults.extend(of_tree(
                rule.name,
                rule.not_in_tree,
                &tree(&["--package", rule.name, "--edges=normal"])?,
            ));
        }
    }
    faults.extend(of_tree(
        "the workspace",
        NOWHERE,
        &tree(&["--workspace", "--edges=normal,build,dev"])?,
    ));
    Ok(faults)
}

fn of_manifests(packages: &[Package]) -> Vec<Fault> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut faults = Vec::new();
    for package in packages {
        let Some(rule) = RULES.iter().find(|rule| rule.name == package.name) else {
            faults.push(Fault::new(
                &package.name,
                "is in no rule of xtask/src/check/edges.rs: add what it may use",
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let is_dev = dependency.kind.as_deref() == Some("dev");
            // A crate may name itself for its own tests, to switch features on.
            if ours.contains(name) && name != rule.name {
                let allowed = match rule.ours {
                    Ours::All => true,
                    Ours::Only(_) if is_shipped(rule.name) && !is_shipped(name) && !is_dev => false,
                    Ours::Only(list) => list.contains(&name),
                };
                if !allowed {
                    faults.push(Fault::new(rule.name, format!("must not depend on {name}")));
                }
            }
            if rule.not_named.contains(&name) && !is_dev {
                faults.push(Fault::new(rule.name, format!("must not name {name} in its manifest")));
            }
        }
    }
    faults
}

fn of_tree(place: &str, unwanted: &[&str], tree: &BTreeSet<String>) -> Vec<Fault> {
    let found = unwanted.iter().filter(|name| tree.contains(**name));
    found
        .map(|name| Fault::new(place, format!("has {name} in its tree: `cargo tree -p {place} -i {name}` says how it got there")))
        .collect()
}

/// The names of all crates in a tree. Asked of `cargo tree`, since the metadata knows features only for the workspace as a whole.
fn tree(selection: &[&str]) -> anyhow::Result<BTreeSet<String>> {
    let text = workspace::output(
        workspace::cargo()
            .args(["tree", "--locked", "--prefix=none", "--format={p}"])
            .args(selection),
    )?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(ToOwned::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependency = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(ToOwned::to_owned),
        };
        Package {
            name: name.to_owned(),
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }

    fn check(packages: &[Package]) -> Vec<String> {
        of_manifests(packages).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrows_point_down_only() {
        let core = |dependencies: &[_]| package("flink-operator-core", dependencies);
        let rest = |dependencies: &[_]| package("flink-rest", dependencies);
        let api = || package("flink-operator-api", &[]);
        assert_eq!(
            check(&[core(&[("flink-operator-api", None), ("serde", None)]), rest(&[]), api()]),
            Vec::<String>::new()
        );
        assert_eq!(
            check(&[core(&[]), rest(&[("flink-operator-core", Some("dev"))]), api()]),
            ["flink-rest: must not depend on flink-operator-core"],
            "not even in tests"
        );
        assert_eq!(
            check(&[core(&[("flink-rest", None)]), rest(&[]), api()]),
            ["flink-operator-core: must not depend on flink-rest"]
        );
    }

    #[test]
    fn what_is_not_shipped_is_used_in_tests_only() {
        let world = || package("world", &[("flink-operator", None)]);
        let operator = |kind| package("flink-operator", &[("world", kind)]);
        assert_eq!(check(&[operator(Some("dev")), world()]), Vec::<String>::new());
        assert_eq!(check(&[operator(None), world()]), ["flink-operator: must not depend on world"]);
        assert_eq!(
            check(&[package("flink-operator", &[("e2e", Some("dev"))]), package("e2e", &[])]),
            ["flink-operator: must not depend on e2e"]
        );
    }

    #[test]
    fn core_names_no_client_and_nothing_random() {
        let core = |kind| package("flink-operator-core", &[("kube", kind), ("rand", kind)]);
        assert_eq!(
            check(&[core(None)]),
            [
                "flink-operator-core: must not name kube in its manifest",
                "flink-operator-core: must not name rand in its manifest"
            ]
        );
        assert_eq!(check(&[core(Some("dev"))]), Vec::<String>::new(), "tests may");
    }

    #[test]
    fn a_new_crate_needs_a_rule() {
        let found = check(&[package("flink-operator-extras", &[])]);
        assert!(found[0].starts_with("flink-operator-extras: is in no rule"), "{found:?}");
    }

    #[test]
    fn an_unwanted_crate_is_found_however_deep() {
        let tree = tree(&["--package", "xtask", "--edges=normal"]).unwrap();
        // xtask depends on the api crate, which depends on kube, which depends on kube-core.
        assert_eq!(of_tree("xtask", &["kube-core", "no-such-crate"], &tree).len(), 1);
    }

    #[test]
    fn the_edges_of_this_workspace_are_in_order() {
        assert_eq!(faults().unwrap(), []);
    }
}
