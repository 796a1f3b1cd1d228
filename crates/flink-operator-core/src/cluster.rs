//! A Flink cluster: its JobManager and TaskManagers.

pub(crate) mod failure;
pub(crate) mod state;

pub(crate) mod update_status;

pub(crate) mod create;
pub(crate) mod deploy;
pub(crate) mod plan;
pub(crate) mod recover;
pub(crate) mod replace;
pub(crate) mod teardown;
