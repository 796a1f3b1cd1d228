//! A simulated Kubernetes: an API server with controllers, and the clients that talk to it, on virtual time. Everything
//! that happens in it follows from one seed.
//!
//! # What is simulated, and for whom
//!
//! The operator creates, reads, lists, watches and deletes objects, and sends merge patches to them and to their status:
//! `world/tests/golden/costs.json` has each kind of its requests. The rest of the API server is there for others, who change
//! the same objects at the same time:
//!
//! - Server-side apply and the owners of fields ([`api_server::ownership`]): scenarios have a GitOps tool that applies its
//!   manifest again and again. What it takes away, keeps or conflicts with depends on who owns each field, and every writer,
//!   the operator included, becomes an owner.
//! - Updates, and deletions that orphan or wait for dependents: the [`controllers`] send them, and users do.
//! - JSON patches, answers with metadata alone, and deletions of collections: the conformance test compares them with a real
//!   API server, and the code behind them is that of the verbs above. It sends no dry runs, and does not list kinds.
//!
//! The subresource `scale` is not served. Its schema is read, because the API server checks the numbers that it names.

pub mod world;

pub mod api_server;
pub mod controllers;

pub mod client;
mod server;
pub mod settings;
pub mod stream;

pub mod crash;
pub mod fault;
pub mod marks;

pub mod log;

pub mod chance;
pub mod clock;
pub mod timers;

pub use world::{World, run, run_with};
