//! The scenarios: what users do with applications, and what happens to these.

mod change;
mod ends;
mod misbehaviour;
mod neighbours;
mod objects;
mod recovery;
mod snapshots;
mod start;
mod steps;
mod takeover;
mod trouble;

use futures::future::BoxFuture;

use super::application::Version;
use super::stage::{Stage, Stuck};

/// Something that a user does, or that happens to an application, from its creation on.
#[derive(Debug)]
pub struct Scenario {
    /// Words with hyphens: part of the command that repeats a run.
    pub name: &'static str,
    pub play: Play,
    /// Lines for the operator's configuration.
    pub operator_configuration: &'static str,
    /// The versions of Flink that it is played with.
    pub versions: &'static [Version],
}

/// Plays a scenario up to a state that should last.
pub type Play = for<'a> fn(&'a Stage, Version) -> BoxFuture<'a, Result<(), Stuck>>;

/// A scenario is found by name, and by name only is it known.
impl PartialEq for Scenario {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [
        start::SCENARIOS,
        change::SCENARIOS,
        snapshots::SCENARIOS,
        trouble::SCENARIOS,
        misbehaviour::SCENARIOS,
        ends::SCENARIOS,
        objects::SCENARIOS,
        neighbours::SCENARIOS,
        recovery::SCENARIOS,
        takeover::SCENARIOS,
    ]
    .into_iter()
    .flatten()
}

/// The scenario of this name.
pub fn named(name: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.name == name)
}

/// A scenario for both lines of Flink.
const fn both(name: &'static str, play: Play) -> Scenario {
    Scenario { name, play, operator_configuration: "", versions: &Version::ALL }
}

/// A scenario in which the version of Flink matters little: it is played with the newer line.
const fn once(name: &'static str, play: Play) -> Scenario {
    Scenario { name, play, operator_configuration: "", versions: &[Version::V2_2] }
}
