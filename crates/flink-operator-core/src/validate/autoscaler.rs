//! Rules on the autoscaler's options, which apply only if the autoscaler is enabled; and what an autoscaler has set.

use flink_operator_api::{FlinkDeployment, FlinkDeploymentSpec};
use jiff::SignedDuration;

use super::rules::Rules;
use crate::{
    conf::{
        ConfigOption,
        options::{job, operator::platform},
    },
    effective::{self, DefaultConfiguration},
    excluded_periods::{self, ExcludedPeriod},
    fault::Fault,
    record,
};

/// The prefix of the options that memory tuning sets.
const TUNED_MEMORY: &str = "taskmanager.memory.";

/// The spec with what an autoscaler has set: the parallelism of vertices and, until the next edit, tuned memory.
///
/// The Java operator's autoscaler changes the spec in memory only, and that spec is recorded
/// (`KubernetesScalingRealizer`). Without this, the record of a scaled job differs from its unchanged resource, and the job
/// would be restarted with its old parallelism. A user's own value stays. `None` if there is nothing to add.
pub(super) fn with_recorded_scaling(
    resource: &FlinkDeployment,
    defaults: &DefaultConfiguration,
) -> Option<FlinkDeploymentSpec> {
    let spec = &resource.spec;
    let status = resource.status.as_ref()?;
    let recorded = record::last_reconciled(status).ok().flatten()?.spec;
    let options = recorded.flink_configuration.as_ref()?.flatten();
    let overrides = options.get(job::PARALLELISM_OVERRIDES.key);
    let namespace = resource.metadata.namespace.as_deref().unwrap_or("default");
    let own = spec.flink_configuration.as_ref();
    let configuration = effective::base(defaults, namespace, effective::version(spec).ok(), own);
    if !configuration.get_or_default(&ENABLED).unwrap_or(false) {
        return None;
    }
    let own = own.map(flink_operator_api::FlinkConfiguration::flatten).unwrap_or_default();
    let mut scaled = spec.clone();
    let mut changed = false;
    if let Some(overrides) = overrides
        && !own.contains_key(job::PARALLELISM_OVERRIDES.key)
    {
        let members = scaled.flink_configuration.get_or_insert_default().members_mut();
        members.insert(job::PARALLELISM_OVERRIDES.key.to_owned(), overrides.clone().into());
        changed = true;
    }
    let edited = status.observed_generation != resource.metadata.generation;
    if !edited && configuration.get_or_default(&MEMORY_TUNING).unwrap_or(false) {
        let members = scaled.flink_configuration.get_or_insert_default().members_mut();
        for (key, value) in options.iter().filter(|(key, _)| key.starts_with(TUNED_MEMORY)) {
            members.insert(key.clone(), value.clone().into());
        }
        let removed = own.keys().filter(|key| key.starts_with(TUNED_MEMORY));
        for key in removed.filter(|key| !options.contains_key(*key)) {
            members.remove(key);
        }
        scaled.task_manager.clone_from(&recorded.task_manager);
        changed = true;
    }
    changed.then_some(scaled)
}

/// An option of the autoscaler, with the older spelling of its key.
macro_rules! autoscaler_option {
    ($value_type:ty, $key:literal) => {
        ConfigOption::<$value_type>::new(concat!("job.autoscaler.", $key))
            .fallback(&[concat!("kubernetes.operator.job.autoscaler.", $key)])
    };
}

const ENABLED: ConfigOption<bool> = autoscaler_option!(bool, "enabled").default_text("false");
const OBSERVED_SCALABILITY: ConfigOption<bool> =
    autoscaler_option!(bool, "observed-scalability.enabled").default_text("false");
const EFFECTIVENESS_DETECTION: ConfigOption<bool> =
    autoscaler_option!(bool, "scaling.effectiveness.detection.enabled").default_text("false");
const MEMORY_TUNING: ConfigOption<bool> =
    autoscaler_option!(bool, "memory.tuning.enabled").default_text("false");

const METRICS_WINDOW: ConfigOption<SignedDuration> =
    autoscaler_option!(SignedDuration, "metrics.window").default_text("15 min");
const EXCLUDED_PERIODS: ConfigOption<Vec<String>> =
    autoscaler_option!(Vec<String>, "excluded.periods");

const UTILIZATION_TARGET: ConfigOption<f64> =
    ConfigOption::new("job.autoscaler.utilization.target")
        .fallback(&[
            "job.autoscaler.target.utilization",
            "kubernetes.operator.job.autoscaler.utilization.target",
            "kubernetes.operator.job.autoscaler.target.utilization",
        ])
        .default_text("0.7");
const UTILIZATION_MAX: ConfigOption<f64> = autoscaler_option!(f64, "utilization.max");
const UTILIZATION_MIN: ConfigOption<f64> = autoscaler_option!(f64, "utilization.min");

/// Numeric options with their minimum and maximum.
const NUMBERS: [(ConfigOption<f64>, f64, f64); 5] = [
    (autoscaler_option!(f64, "scale-down.max-factor"), 0.0, f64::INFINITY),
    (autoscaler_option!(f64, "scale-up.max-factor"), 0.0, f64::INFINITY),
    (autoscaler_option!(f64, "target.utilization.boundary"), 0.0, f64::INFINITY),
    (autoscaler_option!(f64, "memory.gc-pressure.threshold"), 0.0, 1.0),
    (autoscaler_option!(f64, "memory.heap-usage.threshold"), 0.0, 1.0),
];

/// Numeric options that apply only if a feature is enabled: the option of the feature, then the
/// numeric option with its minimum and maximum.
const NUMBERS_OF_FEATURES: [(ConfigOption<bool>, ConfigOption<f64>, f64, f64); 3] = [
    (
        OBSERVED_SCALABILITY,
        autoscaler_option!(f64, "observed-scalability.coefficient-min"),
        0.01,
        1.0,
    ),
    (EFFECTIVENESS_DETECTION, autoscaler_option!(f64, "scaling.effectiveness.threshold"), 0.0, 1.0),
    (MEMORY_TUNING, autoscaler_option!(f64, "memory.tuning.overhead"), 0.0, 1.0),
];

/// Checks the options of the autoscaler.
pub(super) fn check(rules: &mut Rules) {
    if rules.read_or_default(&ENABLED) != Some(true) {
        return;
    }
    for (option, min, max) in &NUMBERS {
        check_range(rules, option, *min, *max);
    }
    check_range(rules, &UTILIZATION_TARGET, 0.0, 1.0);
    if let Some(target) = rules.read_or_default(&UTILIZATION_TARGET) {
        check_range(rules, &UTILIZATION_MAX, target, 1.0);
        check_range(rules, &UTILIZATION_MIN, 0.0, target);
    }
    for (feature, option, min, max) in &NUMBERS_OF_FEATURES {
        if rules.read_or_default(feature) == Some(true) {
            check_range(rules, option, *min, *max);
        }
    }
    check_excluded_periods(rules);
    check_window(rules);
}

/// Checks an option only if it is set: every default is in its range.
fn check_range(rules: &mut Rules, option: &ConfigOption<f64>, min: f64, max: f64) {
    let Some(number) = rules.read(option) else { return };
    if number >= min && number <= max {
        return;
    }
    let allowed = if max.is_finite() {
        format!("write a number from {min} to {max}")
    } else {
        format!("write a number of {min} or more")
    };
    let fault = Fault::new(rules.field(set_key(rules, option)), "it is out of range", allowed);
    rules.add(fault.with_value(number));
}

/// The key under which an option is set: its current key or an older one.
fn set_key<T>(rules: &Rules, option: &ConfigOption<T>) -> &'static str {
    option.all_keys().find(|key| rules.configuration.contains_key(key)).unwrap_or(option.key)
}

fn check_excluded_periods(rules: &mut Rules) {
    for text in rules.read(&EXCLUDED_PERIODS).unwrap_or_default() {
        if let Err(error) = ExcludedPeriod::parse(&text) {
            let fault = Fault::new(
                rules.field(set_key(rules, &EXCLUDED_PERIODS)),
                error.to_string(),
                format!("write {}", excluded_periods::ALLOWED),
            );
            rules.add(fault.with_value(text));
        }
    }
}

/// The autoscaler takes one measurement per reconciliation and needs two in its window.
fn check_window(rules: &mut Rules) {
    let interval = rules.read_or_default(&platform::RECONCILE_INTERVAL);
    let window = rules.read_or_default(&METRICS_WINDOW);
    if let (Some(interval), Some(window)) = (interval, window)
        && window < interval
    {
        let fault = Fault::new(
            rules.field(set_key(rules, &METRICS_WINDOW)),
            "it is shorter than the time between two measurements, so the job would never be scaled",
            format!(
                "write at least {}, which is {}",
                crate::conf::duration::format(interval),
                platform::RECONCILE_INTERVAL.key
            ),
        );
        rules.add(fault.with_value(crate::conf::duration::format(window)));
    }
}
