//! Why an action was not carried out.

use crate::flink_api::AskError;

/// Why an action was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// What the decision was made on has changed. The pass is dropped, and the next one observes again.
    #[error("the view of {what} was old")]
    Conflict { what: String },
    /// The API server refuses an object of the cluster: a quota, an admission plugin, a missing permission.
    #[error("{what} was refused: {message}")]
    Refused { what: String, reason: String, message: String },
    /// An object of the previous cluster, or of somebody else, has the name of one of ours.
    #[error("{what} exists and belongs to {owner}")]
    Occupied { what: String, owner: String },
    /// The builder has made an object that the operator does not know how to create.
    #[error("{what} is of a kind that the operator does not create")]
    UnknownKind { what: String },
    /// The running job does not take its new parallelism.
    #[error("failed to rescale the running job")]
    NotRescaled {
        #[source]
        source: AskError,
    },
    /// Flink did not take a request that what follows depends on.
    #[error("failed to {doing}")]
    Flink {
        doing: &'static str,
        #[source]
        source: AskError,
    },
    #[error("failed to {doing}")]
    Kube {
        doing: &'static str,
        #[source]
        source: kube::Error,
    },
}
