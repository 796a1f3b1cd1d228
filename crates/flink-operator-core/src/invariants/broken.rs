//! The invariants, each with what a decision that breaks it would do.

/// The invariant that a decision breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenInvariant {
    #[error(
        "a pass takes at most one action that cannot be undone; this one takes two, and {action} is the second"
    )]
    SecondIrreversibleAction { action: &'static str },
    #[error(
        "an action that cannot be undone follows the record of its intent; there is no record of {action}"
    )]
    IntentNotRecorded { action: &'static str },
    #[error("what is not known is not acted upon; {action} needs to know: {unknown}")]
    ActedOnUnknown { action: &'static str, unknown: String },
    #[error(
        "a Deployment is changed under the uid that was seen; no Deployment with uid {uid} was seen"
    )]
    UidNotSeen { uid: String },
    #[error("what belongs to somebody else is left alone; the Deployment's owner is {owner}")]
    NotOurs { owner: String },
    #[error("a cluster is created where no other one stands; there is {found}")]
    SecondCluster { found: String },
    #[error("high availability data are deleted only if nothing restores from them")]
    HaDataInUse,
    #[error("a job whose state is kept does not start empty; {state} was seen")]
    StateDropped { state: &'static str },
    #[error("the path that a job restores from is in the status before {action}")]
    RestorePathNotRecorded { action: &'static str },
    #[error("a request to a job names the job of this resource; {job_id} is not it")]
    UnknownJob { job_id: String },
    #[error(
        "the id of a savepoint or checkpoint is in the status before it is requested; {trigger_id} is not"
    )]
    RequestNotRecorded { trigger_id: String },
    #[error("a job is asked for one savepoint or stop at a time; this pass asks for two")]
    SecondRequest,
    #[error("the finalizer is removed last, and only from a resource that is being deleted: {why}")]
    FinalizerTooEarly { why: &'static str },
    #[error("the status says only what was seen; it was not seen that {claim}")]
    ClaimNotSeen { claim: &'static str },
    #[error("a job is recorded as suspended when nothing of it runs; its Deployment stands")]
    SuspendedWhileRunning,
    #[error("the status keeps the record of what was deployed; this one drops it")]
    RecordDropped,
}

impl BrokenInvariant {
    /// The label of the metric: a closed set.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SecondIrreversibleAction { .. } => "SecondIrreversibleAction",
            Self::IntentNotRecorded { .. } => "IntentNotRecorded",
            Self::ActedOnUnknown { .. } => "ActedOnUnknown",
            Self::UidNotSeen { .. } => "UidNotSeen",
            Self::NotOurs { .. } => "NotOurs",
            Self::SecondCluster { .. } => "SecondCluster",
            Self::HaDataInUse => "HaDataInUse",
            Self::StateDropped { .. } => "StateDropped",
            Self::RestorePathNotRecorded { .. } => "RestorePathNotRecorded",
            Self::UnknownJob { .. } => "UnknownJob",
            Self::RequestNotRecorded { .. } => "RequestNotRecorded",
            Self::SecondRequest => "SecondRequest",
            Self::FinalizerTooEarly { .. } => "FinalizerTooEarly",
            Self::ClaimNotSeen { .. } => "ClaimNotSeen",
            Self::SuspendedWhileRunning => "SuspendedWhileRunning",
            Self::RecordDropped => "RecordDropped",
        }
    }
}
