//! The options that the operator reads or writes, by theme.

pub mod high_availability;
pub mod job;
pub mod kubernetes;
pub mod memory;
pub mod network;
pub mod operator;

#[cfg(test)]
mod tests;
