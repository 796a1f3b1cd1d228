//! A Flink job, wherever it runs: what it starts from, how it is watched, changed and kept.

pub(crate) mod options;

pub(crate) mod lifecycle;
pub(crate) mod restore;
pub(crate) mod state_kept;

pub(crate) mod exceptions;
pub(crate) mod ha_recovery;
pub(crate) mod health;
pub(crate) mod update_status;

pub(crate) mod ended;
pub(crate) mod rescale;
pub(crate) mod snapshots;
pub(crate) mod upgrade;
