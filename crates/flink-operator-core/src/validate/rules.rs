//! What every check needs: the options of a resource, and the faults found so far.

use std::collections::BTreeSet;

use flink_operator_api::FlinkConfiguration;

use crate::{
    conf::{ConfigError, ConfigOption, Configuration, OptionType},
    fault::Fault,
};

/// The options, faults and notes of one resource that is being checked.
pub(super) struct Rules {
    /// The operator's defaults, overridden by the resource's options. Derived options are not in it.
    pub(super) configuration: Configuration,
    /// The keys of the resource's options.
    own: BTreeSet<String>,
    faults: Vec<Fault>,
    notes: Vec<String>,
}

impl Rules {
    pub(super) fn new(configuration: Configuration, own: Option<&FlinkConfiguration>) -> Self {
        Self {
            configuration,
            own: own.map(FlinkConfiguration::leaves).unwrap_or_default().into_keys().collect(),
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

    /// Returns the value, or adds the fault.
    pub(super) fn ok_or_add<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.add(fault)).ok()
    }

    /// Adds a warning: a setting that is allowed but does not do what the user may expect.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(super) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Returns the notes if there are no faults.
    pub(super) fn finish(self) -> Result<Vec<String>, Vec<Fault>> {
        if self.faults.is_empty() { Ok(self.notes) } else { Err(self.faults) }
    }

    /// The path of an option: in the resource, or in the operator's own configuration.
    pub(super) fn field(&self, key: &str) -> String {
        let place = if self.own.contains(key) || !self.configuration.contains_key(key) {
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

    /// Parses an option. Returns `None` if it is not set, or if it is invalid and a fault was added.
    pub(super) fn read<T: OptionType>(&mut self, option: &ConfigOption<T>) -> Option<T> {
        match self.configuration.get(option) {
            Ok(value) => value,
            Err(error) => {
                self.add_option_error(&error);
                None
            }
        }
    }

    /// Like [`Self::read`], but returns the default if the option is not set.
    pub(super) fn read_or_default<T: OptionType>(&mut self, option: &ConfigOption<T>) -> Option<T> {
        match self.configuration.get_or_default(option) {
            Ok(value) => Some(value),
            Err(error) => {
                self.add_option_error(&error);
                None
            }
        }
    }

    /// Whether an option is set to a text that is not blank.
    pub(super) fn is_present(&mut self, option: &ConfigOption<String>) -> bool {
        self.read(option).is_some_and(|text| !text.trim().is_empty())
    }
}
