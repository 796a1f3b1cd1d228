//! What can go wrong with a request, a call or an event, and what else can be done meanwhile.

use std::time::Duration;

use simulated_flink::fault::RestEffect;
use simulated_kubernetes::fault::{Effect, Refused, WatchEffect};

/// How late something is that is late: longer than any deadline of a REST call, shorter than the patience of a client of
/// the API server.
const LATE: Duration = Duration::from_secs(40);

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
    pub const NAMES: [(Self, &str); 11] = [
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

    pub(super) fn effect(self) -> Effect {
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
    pub const NAMES: [(Self, &str); 10] = [
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

    pub(super) fn effect(self) -> RestEffect {
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
    pub const NAMES: [(Self, &str); 4] = [
        (Self::Late, "late"),
        (Self::Cut, "cut"),
        (Self::Expire, "expire"),
        (Self::Duplicate, "duplicate"),
    ];

    pub(super) fn effect(self) -> WatchEffect {
        match self {
            Self::Late => WatchEffect::Delay(LATE),
            Self::Cut => WatchEffect::Cut,
            Self::Expire => WatchEffect::Expire,
            Self::Duplicate => WatchEffect::Duplicate,
        }
    }
}

/// What somebody does with the resource, besides what the scenario does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OfEdit {
    /// A user gives it a label and an annotation: its version is another one, and nothing else.
    Label,
    /// A user makes one more change that needs another cluster.
    SecondChange,
    /// An autoscaler sets the parallelism of a vertex.
    Overrides,
    /// An autoscaler sets the parallelism of the job.
    Parallelism,
    /// A user puts the spec of the generation before back in place, and leaves it at that.
    Revert,
    /// A user suspends the job, resumes it, and leaves it at that.
    SuspendAndResume,
    /// A user deletes it.
    Delete,
}

impl OfEdit {
    pub const ALL: [Self; 7] = [
        Self::Label,
        Self::SecondChange,
        Self::Overrides,
        Self::Parallelism,
        Self::Revert,
        Self::SuspendAndResume,
        Self::Delete,
    ];
    pub const NAMES: [(Self, &str); 7] = [
        (Self::Label, "label"),
        (Self::SecondChange, "second-change"),
        (Self::Overrides, "overrides"),
        (Self::Parallelism, "parallelism"),
        (Self::Revert, "revert"),
        (Self::SuspendAndResume, "suspend-and-resume"),
        (Self::Delete, "delete"),
    ];

    /// Whether the scenario goes on afterwards. After any other edit what it still has to do, and waits for, is not what
    /// the user wants any more.
    pub fn scenario_goes_on(self) -> bool {
        match self {
            Self::Label | Self::SecondChange | Self::Overrides | Self::Parallelism => true,
            Self::Revert | Self::SuspendAndResume | Self::Delete => false,
        }
    }
}
