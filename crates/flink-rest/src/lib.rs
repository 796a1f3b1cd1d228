//! A client of Flink's REST API.
