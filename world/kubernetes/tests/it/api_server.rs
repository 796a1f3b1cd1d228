//! The rules of the API server, one by one.

mod kind;
mod permission;
mod refusal;
mod representation;
mod request;
mod selector;

mod decode;
mod defaults;
mod events;
mod names;
mod quantity;
mod rules;
mod schema;
mod table;

mod json_patch;
mod ownership;
mod store;
