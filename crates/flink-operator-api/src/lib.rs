//! The four kinds: types, schemas, status format.
