//! The controllers: one for each kind.

pub mod deployment;
