//! Trying what reality shows once a year: scenarios from the life of an application, each with every fault that its own
//! undisturbed run has room for.
//!
//! ```text
//! scenario ─► undisturbed run ─► its requests, REST calls and events ─► one plan for each of them and each fault
//!                                                                          │
//!                       the same scenario with that one fault ─► oracles: ledger, invariants, same end, quiet
//! ```
//!
//! Everything follows from the scenario, the seed and the plan, and a failing run is printed as the command that
//! repeats it.

pub mod application;
pub mod count;
pub mod editor;
pub mod end;
pub mod invariants;
pub mod old_leader;
pub mod plan;
pub mod run;
pub mod scenario;
pub mod stage;
pub mod sweep;
