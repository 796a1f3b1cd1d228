//! Reads the JUnit report of nextest.

use anyhow::Context;
use roxmltree::{Document, Node};

/// A test program: its package, and the program's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) package: String,
    /// Empty for the tests inside a library; `bin/NAME` for those inside a binary.
    pub(super) name: String,
}

/// The results of a program's tests.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Suite {
    pub(super) program: Program,
    pub(super) passed: usize,
    pub(super) failed: usize,
    /// The sum over its tests, which run in parallel.
    pub(super) seconds: f64,
}

/// Reads the report. It does not contain programs of which no test ran.
pub(super) fn read(report: &str) -> anyhow::Result<Vec<Suite>> {
    let document = Document::parse(report).context("the report of the tests is not XML")?;
    let suites = document.descendants().filter(|node| node.has_tag_name("testsuite"));
    suites.map(suite).collect()
}

fn suite(node: Node<'_, '_>) -> anyhow::Result<Suite> {
    let id = node.attribute("name").context("a suite has no name")?;
    let (package, name) = id.split_once("::").unwrap_or((id, ""));
    let program = Program { package: package.to_owned(), name: name.to_owned() };
    let cases: Vec<Node<'_, '_>> =
        node.children().filter(|node| node.has_tag_name("testcase")).collect();
    let is_failed = |case: &&Node<'_, '_>| {
        case.children().any(|node| node.has_tag_name("failure") || node.has_tag_name("error"))
    };
    let failed = cases.iter().filter(is_failed).count();
    let seconds = cases.iter().map(seconds).sum::<anyhow::Result<f64>>()?;
    Ok(Suite { program, passed: cases.len() - failed, failed, seconds })
}

fn seconds(case: &Node<'_, '_>) -> anyhow::Result<f64> {
    let text = case.attribute("time").context("a test has no time")?;
    text.parse().with_context(|| format!("the time of a test is {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_by_program() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" failures="1" errors="0" time="0.030">
    <testsuite name="flink-operator-core" tests="2" disabled="0" errors="0" failures="1">
        <testcase name="a::b" classname="flink-operator-core" time="0.010">
            <failure type="test failure with exit code 101">panicked</failure>
        </testcase>
        <testcase name="a::c" classname="flink-operator-core" time="0.020"/>
    </testsuite>
    <testsuite name="world::sweep" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="d" classname="world::sweep" time="1.5"/>
    </testsuite>
</testsuites>"#;
        let program =
            |package: &str, name: &str| Program { package: package.into(), name: name.into() };
        let core = program("flink-operator-core", "");
        let sweep = program("world", "sweep");
        let suites = read(report).unwrap();
        assert_eq!(
            suites,
            [
                Suite { program: core, passed: 1, failed: 1, seconds: 0.03 },
                Suite { program: sweep, passed: 1, failed: 0, seconds: 1.5 },
            ]
        );
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        assert!(read("").is_err());
        assert!(read("<testsuites><testsuite/></testsuites>").is_err());
    }
}
