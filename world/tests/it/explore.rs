//! What the sweep is made of.

mod plan;
mod scenario;
mod sites;
