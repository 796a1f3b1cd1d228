//! The options by which a resource is judged, and the faults found so far.

use std::collections::BTreeMap;

use flink_operator_api::FlinkConfiguration;

use crate::{
    conf::{ConfigError, ConfigOption, Configuration, OptionType},
    fault::Fault,
};

/// A resource under examination.
pub(super) struct Rules {
    /// The operator's defaults with the resource's options on top; nothing that is derived.
    pub(super) configuration: Configuration,
    /// The resource's options alone.
    own: BTreeMap<String, String>,
    faults: Vec<Fault>,
    notes: Vec<String>,
}

impl Rules {
    pub(super) fn new(configuration: Configuration, own: Option<&FlinkConfiguration>) -> Self {
        Self {
            configuration,
            own: own.map(FlinkConfiguration::flatten).unwrap_or_default(),
            faults: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    pub(super) fn add_all(&mut self, faults: impl IntoIterator<Item = Fault>) {
        faults.into_iter().for_each(|fault| self.add(fault));
    }

    /// Keeps the value, or the fault.
    pub(super) fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.add(fault)).ok()
    }

    /// Something that is no fault, but that the owner of the resource should know.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The faults, or else the notes.
    pub(super) fn finish(self) -> Result<Vec<String>, Vec<Fault>> {
        if self.faults.is_empty() { Ok(self.notes) } else { Err(self.faults) }
    }

    /// Where an option stands: in the resource, or in the operator's own configuration.
    pub(super) fn field(&self, key: &str) -> String {
        let place = if self.own.contains_key(key) || !self.configuration.contains_key(key) {
            "spec.flinkConfiguration"
        } else {
            "operator configuration"
        };
        format!("{place}.{key}")
    }

    pub(super) fn add_option_error(&mut self, error: &ConfigError) {
        let field = self.field(error.key());
        let place = field.strip_suffix(&format!(".{}", error.key())).unwrap_or(&field);
        self.add(Fault::of_option(place, error));
    }

    /// The value of an option, if it is set and can be read.
    pub(super) fn read<T: OptionType>(&mut self, option: &ConfigOption<T>) -> Option<T> {
        match self.configuration.get(option) {
            Ok(value) => value,
            Err(error) => {
                self.add_option_error(&error);
                None
            }
        }
    }

    /// The value of an option or its default; None if it can not be read.
    pub(super) fn read_or_default<T: OptionType>(&mut self, option: &ConfigOption<T>) -> Option<T> {
        match self.configuration.get_or_default(option) {
            Ok(value) => Some(value),
            Err(error) => {
                self.add_option_error(&error);
                None
            }
        }
    }

    /// Whether an option names something.
    pub(super) fn is_present(&mut self, option: &ConfigOption<String>) -> bool {
        self.read(option).is_some_and(|text| !text.trim().is_empty())
    }
}
