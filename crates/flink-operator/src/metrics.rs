//! The process's own metrics, in the Prometheus text format. Labels are closed sets: the number of series is known at
//! compile time and does not grow with the number of resources.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flink_operator_core::invariants::BrokenInvariant;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Outcome {
    /// Something was changed.
    Acted,
    /// Everything is as it should be.
    UpToDate,
    /// Something else has to happen first.
    Waited,
    /// A user has to do something.
    Stuck,
    /// The view was old; the pass was dropped and is repeated.
    Conflict,
    /// The pass could not be finished.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PassLabels {
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InvariantLabels {
    /// One of [`BrokenInvariant::name`].
    invariant: &'static str,
}

/// All metrics of the process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    passes: Family<PassLabels, Counter>,
    pass_seconds: Histogram,
    stale_views: Counter,
    broken_invariants: Family<InvariantLabels, Counter>,
    resources: Gauge,
    counts: Counts,
    registry: Arc<Registry>,
}

type Count = Box<dyn Fn() -> usize + Send + Sync>;

/// How many resources each cache has: one for each watched namespace.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<Vec<Count>>>);

impl Counts {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counts")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    pub fn new() -> Self {
        // From a pass over a cached, unchanged resource (tens of microseconds) to one that waits for a slow REST call.
        let bounds = [0.000_1, 0.000_5, 0.002, 0.01, 0.05, 0.2, 1.0, 5.0, 20.0];
        let passes = Family::<PassLabels, Counter>::default();
        let pass_seconds = Histogram::new(bounds);
        let stale_views = Counter::default();
        let broken_invariants = Family::<InvariantLabels, Counter>::default();
        let resources = Gauge::default();
        let mut registry = Registry::with_prefix("flink_operator");
        registry.register("passes", "Passes over FlinkDeployments, by outcome", passes.clone());
        registry.register("pass_seconds", "Duration of a pass in seconds", pass_seconds.clone());
        registry.register(
            "stale_views",
            "Passes that went on from this process's own last write since the watch had not shown it yet",
            stale_views.clone(),
        );
        registry.register(
            "broken_invariants",
            "Decisions that were refused since they break an invariant; each is a fault of the operator",
            broken_invariants.clone(),
        );
        registry.register(
            "flink_deployments",
            "FlinkDeployments in the watched namespaces",
            resources.clone(),
        );
        Self {
            passes,
            pass_seconds,
            stale_views,
            broken_invariants,
            resources,
            counts: Counts::default(),
            registry: Arc::new(registry),
        }
    }

    pub fn pass_ended(&self, outcome: Outcome, took: Duration) {
        self.passes.get_or_create(&PassLabels { outcome }).inc();
        self.pass_seconds.observe(took.as_secs_f64());
    }

    pub fn view_was_stale(&self) {
        self.stale_views.inc();
    }

    pub fn decision_was_refused(&self, broken: &BrokenInvariant) {
        let labels = InvariantLabels { invariant: broken.name() };
        self.broken_invariants.get_or_create(&labels).inc();
    }

    /// Adds a cache of resources, which is counted whenever the metrics are read.
    pub fn count_resources(&self, count: impl Fn() -> usize + Send + Sync + 'static) {
        self.counts.lock().push(Box::new(count));
    }

    /// The text that `/metrics` answers.
    pub fn encode(&self) -> String {
        let known: usize = self.counts.lock().iter().map(|count| count()).sum();
        self.resources.set(i64::try_from(known).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String does not fail");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauge_of_resources_follows_the_caches_of_all_namespaces() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let metrics = Metrics::new();
        let one = Arc::new(AtomicUsize::new(2));
        let cache = Arc::clone(&one);
        metrics.count_resources(move || cache.load(Ordering::Relaxed));
        metrics.count_resources(|| 5);
        assert!(metrics.encode().contains("flink_operator_flink_deployments 7"));
        one.store(3, Ordering::Relaxed);
        assert!(metrics.encode().contains("flink_operator_flink_deployments 8"));
    }

    #[test]
    fn outcomes_are_counted_under_their_names() {
        let metrics = Metrics::new();
        metrics.pass_ended(Outcome::Acted, Duration::from_millis(3));
        metrics.pass_ended(Outcome::Acted, Duration::from_millis(3));
        let text = metrics.encode();
        assert!(text.contains("flink_operator_passes_total{outcome=\"Acted\"} 2"), "{text}");
        assert!(text.contains("flink_operator_pass_seconds_count 2"), "{text}");
    }
}
