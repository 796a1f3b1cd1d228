//! The layers: their tests, and the cluster that they need.

use super::junit::Program;

/// A set of test programs with one line in the totals.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) name: &'static str,
    pub(super) place: Place,
    sets: &'static [Set],
}

/// The cluster that a layer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// None.
    InProcess,
    /// An API server with the controller manager, without a node.
    ControlPlane,
    /// A full Kubernetes with the operator installed.
    Node,
}

/// Test programs of a package.
#[derive(Debug)]
struct Set {
    package: &'static str,
    programs: Programs,
}

#[derive(Debug)]
enum Programs {
    All,
    Only(&'static [&'static str]),
    /// All programs except the library's tests and these.
    Others(&'static [&'static str]),
}

/// The programs of `e2e` that need no running pods.
const WITHOUT_PODS: &[&str] = &["crds", "api_server"];

pub(super) const ALL: &[Layer] = &[
    in_process("api", &[all("flink-operator-api")]),
    in_process("core", &[all("flink-operator-core"), all("golden")]),
    in_process("rest", &[all("flink-rest")]),
    in_process("shell", &[all("flink-operator")]),
    // First the simulated Kubernetes and the simulated Flink alone; then the operator with them.
    in_process(
        "world",
        &[
            Set { package: "simulated-kubernetes", programs: Programs::Others(&["conformance"]) },
            all("simulated-flink"),
        ],
    ),
    in_process("sweep", &[all("world")]),
    in_process("xtask", &[all("xtask")]),
    in_process("bench", &[all("bench")]),
    Layer {
        name: "api-server",
        place: Place::ControlPlane,
        sets: &[Set { package: "e2e", programs: Programs::Only(WITHOUT_PODS) }],
    },
    Layer {
        name: "conformance",
        place: Place::ControlPlane,
        sets: &[Set {
            package: "simulated-kubernetes",
            programs: Programs::Only(&["conformance"]),
        }],
    },
    Layer {
        name: "e2e",
        place: Place::Node,
        sets: &[Set { package: "e2e", programs: Programs::Others(WITHOUT_PODS) }],
    },
];

const fn in_process(name: &'static str, sets: &'static [Set]) -> Layer {
    Layer { name, place: Place::InProcess, sets }
}

const fn all(package: &'static str) -> Set {
    Set { package, programs: Programs::All }
}

impl Layer {
    /// The layer of a program. A program without a layer fails the run.
    pub(super) fn of(program: &Program) -> Option<&'static Self> {
        ALL.iter().find(|layer| layer.sets.iter().any(|set| set.has(program)))
    }

    /// The layer as a filter expression of nextest.
    pub(super) fn filter(&self) -> String {
        self.sets.iter().map(Set::filter).collect::<Vec<_>>().join(" | ")
    }
}

impl Set {
    fn has(&self, program: &Program) -> bool {
        let name = program.name.as_str();
        self.package == program.package
            && match self.programs {
                Programs::All => true,
                Programs::Only(names) => names.contains(&name),
                Programs::Others(names) => !name.is_empty() && !names.contains(&name),
            }
    }

    fn filter(&self) -> String {
        let package = self.package;
        let any = |names: &[&str]| {
            let sets: Vec<String> = names.iter().map(|name| format!("binary(={name})")).collect();
            sets.join(" | ")
        };
        match self.programs {
            Programs::All => format!("package(={package})"),
            Programs::Only(names) => format!("(package(={package}) & ({}))", any(names)),
            Programs::Others(names) => {
                format!("(package(={package}) - kind(lib) - ({}))", any(names))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(package: &str, name: &str) -> Option<&'static str> {
        let program = Program { package: package.to_owned(), name: name.to_owned() };
        Layer::of(&program).map(|layer| layer.name)
    }

    #[test]
    fn every_program_has_its_layer() {
        assert_eq!(layer("flink-operator-core", ""), Some("core"));
        assert_eq!(layer("flink-operator-core", "vectors"), Some("core"));
        assert_eq!(layer("golden", ""), Some("core"));
        assert_eq!(layer("simulated-kubernetes", "it"), Some("world"));
        assert_eq!(layer("simulated-flink", "it"), Some("world"));
        assert_eq!(layer("world", "it"), Some("sweep"));
        assert_eq!(layer("simulated-kubernetes", "conformance"), Some("conformance"));
        assert_eq!(layer("e2e", "api_server"), Some("api-server"));
        assert_eq!(layer("e2e", "flink"), Some("e2e"));
        assert_eq!(layer("unheard-of", ""), None);
    }

    #[test]
    fn filters_name_packages_and_programs() {
        let filter = |name: &str| ALL.iter().find(|layer| layer.name == name).map(Layer::filter);
        assert_eq!(filter("rest").unwrap(), "package(=flink-rest)");
        assert_eq!(
            filter("world").unwrap(),
            "(package(=simulated-kubernetes) - kind(lib) - (binary(=conformance))) | package(=simulated-flink)"
        );
        assert_eq!(
            filter("api-server").unwrap(),
            "(package(=e2e) & (binary(=crds) | binary(=api_server)))"
        );
        assert_eq!(
            filter("e2e").unwrap(),
            "(package(=e2e) - kind(lib) - (binary(=crds) | binary(=api_server)))"
        );
    }
}
