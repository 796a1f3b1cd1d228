//! Deliberate faults, and the test that catches each.
//!
//! A test that has never failed may not be able to fail. This inserts one fault at a time into a copy of the work tree. The
//! test that is named for the fault has to fail: not the build, and not another test.

mod of_configuration;
mod of_core;
mod of_shell;
mod of_world;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod trial;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::bail;

use tree::Tree;
use trial::{Program, Verdict};

#[derive(clap::Args)]
pub struct Options {
    /// The names of the faults to try [default: all].
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Prints the table of faults, and tries none of them.
    #[arg(long)]
    list: bool,
    /// Writes the table into docs/testing.md, and tries none of them.
    #[arg(long)]
    write_docs: bool,
}

/// One fault: a text in a file, and its replacement.
#[derive(Clone, Copy, Debug)]
struct Mutation {
    /// In lower case, with hyphens.
    name: &'static str,
    /// What users of an operator with this fault would see.
    effect: &'static str,
    file: &'static str,
    /// The text to replace. It occurs exactly once in the file.
    find: &'static str,
    replace: &'static str,
    /// The test that has to fail.
    test: Test,
}

/// The test that catches a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    /// A test function of `flink-operator-core`.
    Core(&'static str),
    /// A test function of `flink-operator`.
    Shell(&'static str),
    /// A test function of the simulated Kubernetes.
    Kubernetes(&'static str),
    /// A test function of the costs of operations.
    Costs(&'static str),
    /// One scenario of the simulated world: without a fault of the sweep, with a crash at each request, and with two operators.
    Sweep(&'static str),
}

impl Test {
    fn program(self) -> Program {
        match self {
            Self::Core(_) => Program::Core,
            Self::Shell(_) => Program::Shell,
            Self::Kubernetes(_) => Program::Kubernetes,
            Self::Costs(_) => Program::Costs,
            Self::Sweep(_) => Program::Sweep,
        }
    }

    /// The test function, or the scenario with its version of Flink.
    fn name(self) -> &'static str {
        match self {
            Self::Core(name)
            | Self::Shell(name)
            | Self::Kubernetes(name)
            | Self::Costs(name)
            | Self::Sweep(name) => name,
        }
    }
}

/// All faults, grouped by crate, so that less has to be compiled again.
fn all() -> impl Iterator<Item = &'static Mutation> {
    of_core::MUTATIONS
        .iter()
        .chain(of_configuration::MUTATIONS)
        .chain(of_shell::MUTATIONS)
        .chain(of_world::MUTATIONS)
}

/// The result of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Caught,
    /// The test has passed: it does not catch the fault.
    Survived,
    /// There is no result: the fault does not compile, for example, or its test did not end.
    Error(String),
}

struct Tried {
    mutation: &'static Mutation,
    outcome: Outcome,
    seconds: f32,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    if options.list {
        print!("{}", table::markdown());
        return Ok(());
    }
    if options.write_docs {
        return table::write();
    }
    let chosen = chosen(&options.only)?;
    let tree = Tree::prepare()?;
    for mutation in &chosen {
        tree.text_with(mutation)?;
    }
    let began = Instant::now();
    without_faults(&chosen, &tree)?;
    println!("without faults all of their tests pass ({:.0} s)", began.elapsed().as_secs_f32());
    let began = Instant::now();
    let mut tried = Vec::new();
    for mutation in chosen {
        let began = Instant::now();
        let outcome = outcome_of(mutation, &tree)?;
        let one = Tried { mutation, outcome, seconds: began.elapsed().as_secs_f32() };
        println!("{}", line(&one));
        tried.push(one);
    }
    summarise(&tried, began.elapsed().as_secs_f32())
}

fn chosen(only: &[String]) -> anyhow::Result<Vec<&'static Mutation>> {
    if let Some(unknown) = only.iter().find(|name| all().all(|known| known.name != *name)) {
        bail!("there is no fault {unknown}; --list shows them");
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| only == name);
    Ok(all().filter(|mutation| wanted(mutation.name)).collect())
}

/// Checks that the tests pass without faults: a test that always fails catches nothing.
fn without_faults(chosen: &[&'static Mutation], tree: &Tree) -> anyhow::Result<()> {
    let mut tests: Vec<Test> = Vec::new();
    for test in chosen.iter().map(|mutation| mutation.test) {
        if !tests.contains(&test) {
            tests.push(test);
        }
    }
    let mut built: Vec<(Program, PathBuf)> = Vec::new();
    for test in tests {
        let program = test.program();
        let known = built.iter().find(|(known, _)| *known == program).map(|(_, path)| path.clone());
        let executable = match known {
            Some(executable) => executable,
            None => match program.build(tree)? {
                Ok(executable) => executable,
                Err(words) => bail!("the work tree does not compile:\n{words}"),
            },
        };
        built.push((program, executable.clone()));
        match trial::run(test, &executable, tree)? {
            Verdict::Passed => {}
            Verdict::Failed(words) => bail!("{} fails without a fault:\n{words}", test.name()),
            Verdict::Nothing(why) => bail!("{} without a fault: {why}", test.name()),
        }
    }
    Ok(())
}

fn outcome_of(mutation: &Mutation, tree: &Tree) -> anyhow::Result<Outcome> {
    let whole = tree.apply(mutation)?;
    let outcome = tried(mutation.test, tree);
    tree.restore(mutation, &whole)?;
    outcome
}

fn tried(test: Test, tree: &Tree) -> anyhow::Result<Outcome> {
    let executable = match test.program().build(tree)? {
        Ok(executable) => executable,
        Err(words) => return Ok(Outcome::Error(format!("it does not compile:\n{words}"))),
    };
    Ok(match trial::run(test, &executable, tree)? {
        Verdict::Passed => Outcome::Survived,
        Verdict::Failed(_) => Outcome::Caught,
        Verdict::Nothing(why) => Outcome::Error(why),
    })
}

fn line(tried: &Tried) -> String {
    let Tried { mutation, outcome, seconds } = tried;
    let outcome = match outcome {
        Outcome::Caught => "caught",
        Outcome::Survived => "SURVIVED",
        Outcome::Error(why) => why,
    };
    let test = mutation.test;
    let place = test.program().layer();
    format!("{:<48} {outcome:<9} {seconds:>6.1}  {place}: {}", mutation.name, test.name())
}

fn summarise(tried: &[Tried], seconds: f32) -> anyhow::Result<()> {
    let count = |outcome: fn(&Outcome) -> bool| {
        tried.iter().filter(|tried| outcome(&tried.outcome)).count()
    };
    let caught = count(|outcome| *outcome == Outcome::Caught);
    let survived = count(|outcome| *outcome == Outcome::Survived);
    let errors = tried.len() - caught - survived;
    println!(
        "\n{} faults: {caught} caught, {survived} survived, {errors} errors, {seconds:.0} s",
        tried.len()
    );
    if caught < tried.len() {
        let rest = tried.iter().filter(|tried| tried.outcome != Outcome::Caught);
        let names: Vec<&str> = rest.map(|tried| tried.mutation.name).collect();
        bail!("not caught: {}", names.join(", "));
    }
    Ok(())
}
