//! Flink configuration: both file formats, typed options, the memory model.
//!
//! A [`Configuration`] maps keys to [`Value`]s, as Flink's own configuration object does. It comes
//! out of a file ([`read_flink_conf`], [`read_config_yaml`]) or out of a resource, is asked through
//! typed [`ConfigOption`]s, and goes into a file again ([`write_flink_conf`],
//! [`write_config_yaml`]).

pub mod config_yaml_file;
pub mod configuration;
mod current_key;
pub mod double;
pub mod duration;
pub mod flink_conf_file;
pub mod memory;
pub mod memory_size;
pub mod option;
pub mod options;
mod sensitive;
pub mod shape;
pub mod structured;
pub mod value;
mod yaml;

pub use config_yaml_file::{
    ConfigYamlError, Overlap, OverlapError, YamlStyle, overlaps, read_config_yaml,
    write_config_yaml,
};
pub use configuration::Configuration;
pub use current_key::current_key;
pub use flink_conf_file::{
    FlinkConf, SkippedLine, Unwritable, UnwritableProblem, check_flink_conf, read_flink_conf,
    write_flink_conf,
};
pub use memory_size::MemorySize;
pub use option::{ConfigEnum, ConfigError, ConfigOption, OptionType};
pub use sensitive::is_sensitive;
pub use shape::Shape;
pub use value::{Syntax, Value};
