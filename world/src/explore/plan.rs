//! A plan: the one thing that goes wrong in a run, and how it is written on a command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::fault::{Effect, FaultPlan, Fits, Refused, RequestFault, WatchEffect, WatchFault, When};
use crate::flink::fault::{RestEffect, RestFault, RestFaultPlan, RestFits};

/// The operator that plans are about.
pub const OPERATOR: &str = "operator";
/// The second one, where there are two.
pub const OTHER_OPERATOR: &str = "operator-b";

/// How late something is that is late: longer than any deadline of a REST call, shorter than the patience of a client of
/// the API server.
const LATE: Duration = Duration::from_secs(40);

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
    /// Several faults from a seed: requests, REST calls and events.
    Random(u64),
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OfRequest {
    CrashBefore,
    CrashAfter,
    LoseAnswer,
    FailBefore,
    Late,
    LateAnswer,
    Hang,
    Conflict,
    TooMany,
    Internal,
    Forbidden,
}

/// What happens to a REST call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OfRest {
    CrashBefore,
    CrashAfter,
    LoseAnswer,
    FailBefore,
    LateAnswer,
    Hang,
    NotFound,
    Internal,
    Unavailable,
    CutBody,
}

/// What happens to an event of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OfEvent {
    Late,
    Cut,
    Expire,
    Duplicate,
}

impl OfRequest {
    /// What every request of every scenario is tried with.
    pub const CRASHES: [Self; 3] = [Self::CrashBefore, Self::CrashAfter, Self::LoseAnswer];
    /// What else can happen to a request.
    pub const TROUBLES: [Self; 8] = [
        Self::FailBefore,
        Self::Late,
        Self::LateAnswer,
        Self::Hang,
        Self::Conflict,
        Self::TooMany,
        Self::Internal,
        Self::Forbidden,
    ];
    const NAMES: [(Self, &str); 11] = [
        (Self::CrashBefore, "crash-before"),
        (Self::CrashAfter, "crash-after"),
        (Self::LoseAnswer, "lose-answer"),
        (Self::FailBefore, "fail-before"),
        (Self::Late, "late"),
        (Self::LateAnswer, "late-answer"),
        (Self::Hang, "hang"),
        (Self::Conflict, "409"),
        (Self::TooMany, "429"),
        (Self::Internal, "500"),
        (Self::Forbidden, "403"),
    ];

    fn effect(self) -> Effect {
        match self {
            Self::CrashBefore => Effect::Crash { applied: false },
            Self::CrashAfter => Effect::Crash { applied: true },
            Self::LoseAnswer => Effect::LoseAnswer,
            Self::FailBefore => Effect::FailBefore,
            Self::Late => Effect::DelayRequest(LATE),
            Self::LateAnswer => Effect::DelayAnswer(LATE),
            Self::Hang => Effect::Hang,
            Self::Conflict => Effect::Refuse(Refused::Conflict),
            Self::TooMany => Effect::Refuse(Refused::TooManyRequests { retry_after_s: 3 }),
            Self::Internal => Effect::Refuse(Refused::InternalError),
            Self::Forbidden => Effect::Refuse(Refused::Forbidden),
        }
    }
}

impl OfRest {
    pub const CRASHES: [Self; 3] = [Self::CrashBefore, Self::CrashAfter, Self::LoseAnswer];
    pub const TROUBLES: [Self; 7] = [
        Self::FailBefore,
        Self::LateAnswer,
        Self::Hang,
        Self::NotFound,
        Self::Internal,
        Self::Unavailable,
        Self::CutBody,
    ];
    const NAMES: [(Self, &str); 10] = [
        (Self::CrashBefore, "crash-before"),
        (Self::CrashAfter, "crash-after"),
        (Self::LoseAnswer, "lose-answer"),
        (Self::FailBefore, "fail-before"),
        (Self::LateAnswer, "late-answer"),
        (Self::Hang, "hang"),
        (Self::NotFound, "404"),
        (Self::Internal, "500"),
        (Self::Unavailable, "503"),
        (Self::CutBody, "cut-body"),
    ];

    fn effect(self) -> RestEffect {
        match self {
            Self::CrashBefore => RestEffect::Crash { applied: false },
            Self::CrashAfter => RestEffect::Crash { applied: true },
            Self::LoseAnswer => RestEffect::LoseAnswer,
            Self::FailBefore => RestEffect::FailBefore,
            Self::LateAnswer => RestEffect::DelayAnswer(LATE),
            Self::Hang => RestEffect::Hang,
            Self::NotFound => RestEffect::Answer(404),
            Self::Internal => RestEffect::Answer(500),
            Self::Unavailable => RestEffect::Answer(503),
            Self::CutBody => RestEffect::CutBody,
        }
    }
}

impl OfEvent {
    pub const ALL: [Self; 4] = [Self::Late, Self::Cut, Self::Expire, Self::Duplicate];
    const NAMES: [(Self, &str); 4] = [
        (Self::Late, "late"),
        (Self::Cut, "cut"),
        (Self::Expire, "expire"),
        (Self::Duplicate, "duplicate"),
    ];

    fn effect(self) -> WatchEffect {
        match self {
            Self::Late => WatchEffect::Delay(LATE),
            Self::Cut => WatchEffect::Cut,
            Self::Expire => WatchEffect::Expire,
            Self::Duplicate => WatchEffect::Duplicate,
        }
    }
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
            Self::Undisturbed | Self::Rest(..) | Self::Twins => {}
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
                let mut chance = crate::chance::Chance::new(*seed).fork("faults of REST calls");
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
            | Self::LateTwin => {}
        }
        plan
    }
}

/// Early requests are the ones that matter most: half of the places are among the first thirty.
fn random_place(chance: &mut crate::chance::Chance) -> u32 {
    let limit = if chance.percent(50) { 30 } else { 150 };
    u32::try_from(chance.below(limit)).unwrap_or(0)
}

fn random_requests(seed: u64, plan: &mut FaultPlan) {
    let mut chance = crate::chance::Chance::new(seed).fork("faults of requests");
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
            Self::Random(seed) => write!(f, "random/{seed}"),
        }
    }
}

/// A plan that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no plan {0:?}; they are written as undisturbed, twins, late-twin, random/SEED, request/N/crash-before, \
     rest/N/lose-answer, event/N/late and the like"
)]
pub struct NoSuchPlan(String);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read_as_they_are_written() {
        let mut plans =
            vec![Plan::Undisturbed, Plan::Twins, Plan::LateTwin, Plan::Random(u64::MAX)];
        plans.extend(OfRequest::NAMES.map(|(of, _)| Plan::Request(7, of)));
        plans.extend(OfRest::NAMES.map(|(of, _)| Plan::Rest(0, of)));
        plans.extend(OfEvent::NAMES.map(|(of, _)| Plan::Event(3, of)));
        for plan in plans {
            assert_eq!(plan.to_string().parse::<Plan>().unwrap(), plan);
        }
        for bad in ["", "request/x/409", "request/1/no", "random", "rest/1", "event/1/hang"] {
            assert!(bad.parse::<Plan>().is_err(), "{bad}");
        }
    }
}
