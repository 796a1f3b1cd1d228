//! The kinds as others see them: what clusters hold, the definitions, and the rules in them.

#![cfg(test)]

mod wire;

mod schema;

mod rules;
