//! Replacing a job: how it is stopped, and what the next one starts from.

pub(crate) mod change;
pub(crate) mod strategy;

pub(crate) mod begin;
pub(crate) mod facts;
pub(crate) mod transition;

pub(crate) mod cancel;
pub(crate) mod stop_with_savepoint;
pub(crate) mod unreachable;

pub(crate) mod rollback;
