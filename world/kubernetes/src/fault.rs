//! Faults, as data: what is to go wrong, at which request or at which event of a watch.

use std::time::Duration;

use crate::api_server::refusal::Refusal;
use crate::api_server::request::{Target, Verb};
use crate::api_server::watch::{EventKind, Line};

/// What is to go wrong in a world. Of several faults that fit a request or an event, the first one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultPlan {
    pub requests: Vec<RequestFault>,
    pub watches: Vec<WatchFault>,
}

/// Something that goes wrong with requests.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestFault {
    pub fits: Fits,
    pub when: When,
    pub effect: Effect,
}

/// Which requests or watches a fault is about. What is not said fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fits {
    pub client: Option<String>,
    pub verb: Option<Verb>,
    /// Plural of the kind.
    pub resource: Option<String>,
    pub subresource: Option<String>,
    pub namespace: Option<String>,
    pub name: Option<String>,
}

/// Which of the requests or events that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// So many are let through first.
    pub skip: u32,
    /// So many are hit after that.
    pub times: u32,
    /// Nothing is hit, and nothing is counted, before this time of the world …
    pub from: Duration,
    /// … and from this time on.
    pub until: Duration,
}

impl When {
    /// All of them.
    pub const ALWAYS: Self =
        Self { skip: 0, times: u32::MAX, from: Duration::ZERO, until: Duration::MAX };
    /// The first of them.
    pub const ONCE: Self = Self { times: 1, ..Self::ALWAYS };

    /// The one after so many others.
    pub fn nth(skip: u32) -> Self {
        Self { skip, ..Self::ONCE }
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The connection breaks before the server sees the request.
    FailBefore,
    /// The server does what it is asked for, and the connection breaks before the answer.
    LoseAnswer,
    /// The server says no.
    Refuse(Refused),
    /// The request arrives later: the server sees it after others.
    DelayRequest(Duration),
    /// The answer arrives later: what it says may be old by then.
    DelayAnswer(Duration),
    /// The server never sees the request, and the client waits until it gives up.
    Hang,
    /// The client's process ends: before the server sees the request, or when it has been carried out and not answered.
    Crash { applied: bool },
}

/// How the server says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// 409: somebody else wrote.
    Conflict,
    /// 429: try again after so many seconds.
    TooManyRequests { retry_after_s: u32 },
    /// 500.
    InternalError,
    /// 503.
    Unavailable,
    /// 403.
    Forbidden,
}

impl Refused {
    pub fn refusal(self, target: Option<&Target>) -> Refusal {
        match (self, target) {
            (Self::Conflict, Some(target)) => Refusal::changed(&target.kind, &target.name),
            (Self::Conflict, None) => Refusal::new(409, "Conflict", "somebody else wrote"),
            (Self::TooManyRequests { retry_after_s }, _) => {
                Refusal::too_many_requests(retry_after_s)
            }
            (Self::InternalError, _) => Refusal::internal("the database does not answer"),
            (Self::Unavailable, _) => Refusal::new(
                503,
                "ServiceUnavailable",
                "the server is currently unable to handle the request",
            ),
            (Self::Forbidden, Some(target)) => {
                Refusal::forbidden(&target.kind, &target.name, "the permission was taken away")
            }
            (Self::Forbidden, None) => {
                Refusal::new(403, "Forbidden", "the permission was taken away")
            }
        }
    }
}

/// Something that goes wrong with what watches are told.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchFault {
    /// Which watches; the verb does not count.
    pub fits: Fits,
    /// Which events of them; `None` for all.
    pub event: Option<EventKind>,
    /// Name of the object that the event is about; `None` for all.
    pub object: Option<String>,
    pub when: When,
    pub effect: WatchEffect,
}

/// What happens to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchEffect {
    /// It is not delivered.
    Drop,
    /// It is delivered twice.
    Duplicate,
    /// It, and whatever comes after it on this watch, is delivered later.
    Delay(Duration),
    /// The connection ends before it.
    Cut,
    /// The server ends the watch before it: what came so far is too long ago (410).
    Expire,
}

/// A plan, and how much of it has happened.
#[derive(Debug, Default)]
pub struct Faults {
    plan: FaultPlan,
    /// How many requests and events have fitted each fault.
    requests: Vec<u32>,
    watches: Vec<u32>,
}

impl Faults {
    /// A plan of which nothing has happened yet.
    pub fn new(plan: FaultPlan) -> Self {
        Self { requests: vec![0; plan.requests.len()], watches: vec![0; plan.watches.len()], plan }
    }

    /// What is to happen to a request at this time of the world.
    pub fn on_request(
        &mut self,
        at: Duration,
        client: &str,
        target: Option<&Target>,
    ) -> Option<Effect> {
        let mut effect = None;
        for (fault, count) in self.plan.requests.iter().zip(&mut self.requests) {
            if fault.fits.request(client, target) && fault.when.hits(at, count) {
                effect = effect.or(Some(fault.effect));
            }
        }
        effect
    }

    /// What is to happen to an event at this time of the world.
    pub fn on_event(
        &mut self,
        at: Duration,
        client: &str,
        target: &Target,
        line: &Line,
    ) -> Option<WatchEffect> {
        let mut effect = None;
        let name = line.object.rsplit('/').next().unwrap_or_default();
        for (fault, count) in self.plan.watches.iter().zip(&mut self.watches) {
            let fits = fault.fits.place(client, target)
                && fault.event.is_none_or(|event| event == line.event)
                && fault.object.as_deref().is_none_or(|object| object == name);
            if fits && fault.when.hits(at, count) {
                effect = effect.or(Some(fault.effect));
            }
        }
        effect
    }
}

impl Fits {
    /// Whatever one client asks for.
    pub fn client(name: &str) -> Self {
        Self { client: Some(name.to_owned()), ..Self::default() }
    }

    /// One verb on one resource.
    pub fn verb(verb: Verb, resource: &str) -> Self {
        Self { verb: Some(verb), resource: Some(resource.to_owned()), ..Self::default() }
    }

    fn request(&self, client: &str, target: Option<&Target>) -> bool {
        let anything = Self { client: self.client.clone(), ..Self::default() } == *self;
        match target {
            Some(target) => {
                self.place(client, target) && self.verb.is_none_or(|verb| verb == target.verb)
            }
            None => anything && self.client.as_deref().is_none_or(|name| name == client),
        }
    }

    fn place(&self, client: &str, target: &Target) -> bool {
        let fits = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        fits(&self.client, client)
            && fits(&self.resource, &target.kind.plural)
            && fits(&self.subresource, &target.subresource)
            && fits(&self.namespace, &target.namespace)
            && fits(&self.name, &target.name)
    }
}

impl When {
    /// Counts one that fits, and tells whether it is hit.
    fn hits(&self, at: Duration, count: &mut u32) -> bool {
        if at < self.from || at >= self.until {
            return false;
        }
        let before = *count;
        *count = count.saturating_add(1);
        before >= self.skip && before - self.skip < self.times
    }
}
