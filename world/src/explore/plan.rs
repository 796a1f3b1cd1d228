//! A plan: the one thing that goes wrong in a run, and how it is written on a command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use simulated_flink::fault::{RestFault, RestFaultPlan, RestFits};
use simulated_kubernetes::fault::{Effect, FaultPlan, Fits, RequestFault, WatchFault, When};

pub mod of;

pub use of::{OfEdit, OfEvent, OfRequest, OfRest};

/// The operator that plans are about.
pub const OPERATOR: &str = "operator";
/// The second one, where there are two.
pub const OTHER_OPERATOR: &str = "operator-b";

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Plan {
    /// Nothing.
    Undisturbed,
    /// One request to the API server, counted from the start of the run.
    Request(u32, OfRequest),
    /// One REST call to Flink.
    Rest(u32, OfRest),
    /// One event of a watch.
    Event(u32, OfEvent),
    /// Two operators work on the same resources all the time, as an old leader does that does not know it is old.
    Twins,
    /// The same, and every request of the second one arrives late.
    LateTwin,
    /// The operator is frozen here, as a node is that is cut off: a second one takes over and comes to the end of what it
    /// does, and then the old one goes on with what it knew and had asked for.
    OldLeader(Place),
    /// Somebody edits the resource here.
    Edit(Place, OfEdit),
    /// A GitOps tool owns the resource: it applies every change, and applies the same again every few seconds.
    GitOps,
    /// The same, seldom and with an annotation that is another one each time.
    BusyGitOps,
    /// Several faults from a seed: requests, REST calls and events.
    Random(u64),
}

/// A place in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// As soon as the resource is there.
    Start,
    /// After this request of the operator to the API server, counted from the start of the run.
    Request(u32),
    /// After this REST call of the operator.
    Rest(u32),
    /// After the scenario, once the operator rests.
    End,
}

impl Plan {
    /// Whether a second operator runs beside the first.
    pub fn has_two_operators(&self) -> bool {
        matches!(self, Self::Twins | Self::LateTwin)
    }

    /// What goes wrong between the operator and the API server.
    pub fn kubernetes(&self) -> FaultPlan {
        let mut plan = FaultPlan::default();
        match self {
            Self::Request(nth, of) => plan.requests.push(RequestFault {
                fits: Fits::client(OPERATOR),
                when: When::nth(*nth),
                effect: of.effect(),
            }),
            Self::Event(nth, of) => plan.watches.push(WatchFault {
                fits: Fits::client(OPERATOR),
                event: None,
                object: None,
                when: When::nth(*nth),
                effect: of.effect(),
            }),
            Self::LateTwin => plan.requests.push(RequestFault {
                fits: Fits::client(OTHER_OPERATOR),
                when: When::ALWAYS,
                effect: Effect::DelayRequest(Duration::from_secs(7)),
            }),
            Self::Random(seed) => random_requests(*seed, &mut plan),
            Self::Undisturbed
            | Self::Rest(..)
            | Self::Twins
            | Self::OldLeader(_)
            | Self::Edit(..)
            | Self::GitOps
            | Self::BusyGitOps => {}
        }
        plan
    }

    /// What goes wrong between the operator and Flink.
    pub fn rest(&self) -> RestFaultPlan {
        let mut plan = RestFaultPlan::default();
        let fits = || RestFits { client: Some(OPERATOR.to_owned()), ..RestFits::default() };
        match self {
            Self::Rest(nth, of) => plan.requests.push(RestFault {
                fits: fits(),
                when: When::nth(*nth),
                effect: of.effect(),
            }),
            Self::Random(seed) => {
                let mut chance =
                    simulated_kubernetes::chance::Chance::new(*seed).fork("faults of REST calls");
                for _ in 0..chance.below(4) {
                    let of = chance.pick(&OfRest::NAMES).map_or(OfRest::Hang, |(of, _)| *of);
                    let when = When::nth(random_place(&mut chance));
                    plan.requests.push(RestFault { fits: fits(), when, effect: of.effect() });
                }
            }
            Self::Undisturbed
            | Self::Request(..)
            | Self::Event(..)
            | Self::Twins
            | Self::LateTwin
            | Self::OldLeader(_)
            | Self::Edit(..)
            | Self::GitOps
            | Self::BusyGitOps => {}
        }
        plan
    }
}

/// Early requests are the ones that matter most: half of the places are among the first thirty.
fn random_place(chance: &mut simulated_kubernetes::chance::Chance) -> u32 {
    let limit = if chance.percent(50) { 30 } else { 150 };
    u32::try_from(chance.below(limit)).unwrap_or(0)
}

fn random_requests(seed: u64, plan: &mut FaultPlan) {
    let mut chance = simulated_kubernetes::chance::Chance::new(seed).fork("faults of requests");
    for _ in 0..=chance.below(4) {
        let of = chance.pick(&OfRequest::NAMES).map_or(OfRequest::Hang, |(of, _)| *of);
        plan.requests.push(RequestFault {
            fits: Fits::client(OPERATOR),
            when: When::nth(random_place(&mut chance)),
            effect: of.effect(),
        });
    }
    for _ in 0..chance.below(4) {
        let of = chance.pick(&OfEvent::NAMES).map_or(OfEvent::Cut, |(of, _)| *of);
        plan.watches.push(WatchFault {
            fits: Fits::client(OPERATOR),
            event: None,
            object: None,
            when: When::nth(random_place(&mut chance)),
            effect: of.effect(),
        });
    }
}

fn name_of<T: Copy + PartialEq>(names: &[(T, &'static str)], wanted: T) -> &'static str {
    names.iter().find(|(known, _)| *known == wanted).map_or("", |(_, name)| name)
}

fn by_name<T: Copy>(names: &[(T, &'static str)], wanted: &str) -> Result<T, NoSuchPlan> {
    let found = names.iter().find(|(_, name)| *name == wanted).map(|(found, _)| *found);
    found.ok_or_else(|| NoSuchPlan(wanted.to_owned()))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Request(nth) => write!(f, "request/{nth}"),
            Self::Rest(nth) => write!(f, "rest/{nth}"),
            Self::End => f.write_str("end"),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undisturbed => f.write_str("undisturbed"),
            Self::Request(nth, of) => {
                write!(f, "request/{nth}/{}", name_of(&OfRequest::NAMES, *of))
            }
            Self::Rest(nth, of) => write!(f, "rest/{nth}/{}", name_of(&OfRest::NAMES, *of)),
            Self::Event(nth, of) => write!(f, "event/{nth}/{}", name_of(&OfEvent::NAMES, *of)),
            Self::Twins => f.write_str("twins"),
            Self::LateTwin => f.write_str("late-twin"),
            Self::OldLeader(place) => write!(f, "old-leader/{place}"),
            Self::Edit(place, of) => write!(f, "edit/{place}/{}", name_of(&OfEdit::NAMES, *of)),
            Self::GitOps => f.write_str("git-ops"),
            Self::BusyGitOps => f.write_str("busy-git-ops"),
            Self::Random(seed) => write!(f, "random/{seed}"),
        }
    }
}

/// A plan that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no plan {0:?}; they are written as undisturbed, twins, late-twin, git-ops, busy-git-ops, random/SEED, \
     request/N/crash-before, rest/N/lose-answer, event/N/late, old-leader/request/N, edit/rest/N/label and the like"
)]
pub struct NoSuchPlan(String);

fn place_of(parts: &[&str]) -> Option<Place> {
    match parts {
        ["start"] => Some(Place::Start),
        ["request", nth] => nth.parse().ok().map(Place::Request),
        ["rest", nth] => nth.parse().ok().map(Place::Rest),
        ["end"] => Some(Place::End),
        _ => None,
    }
}

impl FromStr for Plan {
    type Err = NoSuchPlan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || NoSuchPlan(text.to_owned());
        let parts: Vec<&str> = text.split('/').collect();
        let number = |digits: &str| digits.parse::<u32>().map_err(|_| unknown());
        match parts.as_slice() {
            ["undisturbed"] => Ok(Self::Undisturbed),
            ["twins"] => Ok(Self::Twins),
            ["late-twin"] => Ok(Self::LateTwin),
            ["git-ops"] => Ok(Self::GitOps),
            ["busy-git-ops"] => Ok(Self::BusyGitOps),
            ["old-leader", place @ ..] => Ok(Self::OldLeader(place_of(place).ok_or_else(unknown)?)),
            ["edit", place @ .., of] => {
                let place = place_of(place).ok_or_else(unknown)?;
                Ok(Self::Edit(place, by_name(&OfEdit::NAMES, of)?))
            }
            ["random", seed] => seed.parse().map(Self::Random).map_err(|_| unknown()),
            ["request", nth, of] => {
                Ok(Self::Request(number(nth)?, by_name(&OfRequest::NAMES, of)?))
            }
            ["rest", nth, of] => Ok(Self::Rest(number(nth)?, by_name(&OfRest::NAMES, of)?)),
            ["event", nth, of] => Ok(Self::Event(number(nth)?, by_name(&OfEvent::NAMES, of)?)),
            _ => Err(unknown()),
        }
    }
}
