//! Flink configuration: both file formats, typed options, the memory model.
