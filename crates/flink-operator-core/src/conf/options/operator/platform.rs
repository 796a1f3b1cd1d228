//! Options of the operator as a whole. They are never read from a resource.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::conf::{ConfigEnum, ConfigOption};

/// Time between two passes over a resource where nothing happens.
pub const RECONCILE_INTERVAL: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.reconcile.interval")
        .fallback(&["kubernetes.operator.reconciler.reschedule.interval"])
        .default_text("60 s");

/// Resources that are reconciled at the same time; -1 is no limit.
pub const RECONCILE_PARALLELISM: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.reconcile.parallelism")
        .fallback(&["kubernetes.operator.reconciler.max.parallelism"])
        .default_text("50");

/// Delay of the next pass while the REST API is not ready.
pub const REST_READY_DELAY: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.observer.rest-ready.delay").default_text("10 s");

/// Delay of the next pass while something is under way.
pub const PROGRESS_CHECK_INTERVAL: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.observer.progress-check.interval").default_text("10 s");

/// Limit of a REST call to Flink.
pub const FLINK_CLIENT_TIMEOUT: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.flink.client.timeout")
        .fallback(&["kubernetes.operator.observer.flink.client.timeout"])
        .default_text("10 s");

/// Limit of the REST call that cancels a job.
pub const FLINK_CLIENT_CANCEL_TIMEOUT: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.flink.client.cancel.timeout")
        .fallback(&["kubernetes.operator.reconciler.flink.cancel.job.timeout"])
        .default_text("1 min");

/// How long the deletion of a cluster is waited for.
pub const RESOURCE_CLEANUP_TIMEOUT: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.resource.cleanup.timeout")
        .fallback(&["kubernetes.operator.reconciler.flink.cluster.shutdown.timeout"])
        .default_text("5 min");

/// Limit of the REST call that runs a jar.
pub const JOB_SUBMISSION_TIMEOUT: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.job.submission.timeout").default_text("10 min");

/// Folder in the operator for jars of session jobs.
pub const ARTIFACTS_BASE_DIR: ConfigOption<String> =
    ConfigOption::new("kubernetes.operator.user.artifacts.base.dir")
        .default_text("/opt/flink/artifacts");

/// Schemes that the jar of a session job may have.
pub const ARTIFACTS_ALLOWED_SCHEMES: ConfigOption<Vec<String>> =
    ConfigOption::new("kubernetes.operator.user.artifacts.allowed-schemes").default_text("https");

/// Whether jars may not come from local, private or multicast addresses.
pub const ARTIFACTS_DISALLOW_RESTRICTED_HOSTS: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.user.artifacts.disallow-restricted-hosts")
        .default_text("true");

/// Whether the operator's own configuration is read again when it changes.
pub const DYNAMIC_CONFIG_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.dynamic.config.enabled").default_text("true");

/// How often the operator's own configuration is looked at.
pub const DYNAMIC_CONFIG_CHECK_INTERVAL: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.dynamic.config.check.interval").default_text("5 min");

/// How long an unused effective configuration is kept.
pub const CONFIG_CACHE_TIMEOUT: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.config.cache.timeout").default_text("10 min");

/// How many effective configurations are kept.
pub const CONFIG_CACHE_SIZE: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.config.cache.size").default_text("1000");

/// Upper limit of what resources may ask for as `savepoint.history.max.count`.
pub const SAVEPOINT_HISTORY_MAX_COUNT_THRESHOLD: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.savepoint.history.max.count.threshold");

/// Upper limit of what resources may ask for as `savepoint.history.max.age`.
pub const SAVEPOINT_HISTORY_MAX_AGE_THRESHOLD: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.savepoint.history.max.age.threshold");

/// Whether `status.error` has a stack trace.
pub const EXCEPTION_STACKTRACE_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.exception.stacktrace.enabled").default_text("false");

/// Characters of the stack trace in `status.error`.
pub const EXCEPTION_STACKTRACE_MAX_LENGTH: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.exception.stacktrace.max.length").default_text("2048");

/// Characters of every field in `status.error`.
pub const EXCEPTION_FIELD_MAX_LENGTH: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.exception.field.max.length").default_text("2048");

/// Causes in `status.error`.
pub const EXCEPTION_THROWABLE_LIST_MAX_COUNT: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.exception.throwable.list.max.count").default_text("2");

/// Labels for `status.error` by the regular expression that the message must match.
pub const EXCEPTION_LABEL_MAPPER: ConfigOption<BTreeMap<String, String>> =
    ConfigOption::new("kubernetes.operator.exception.label.mapper").default_text("");

/// Lines of the stack trace in the event of a job's exception.
pub const EVENTS_EXCEPTIONS_STACKTRACE_LINES: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.events.exceptions.stacktrace-lines").default_text("5");

/// Events of exceptions in one pass.
pub const EVENTS_EXCEPTIONS_LIMIT: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.events.exceptions.limit-per-reconciliation")
        .default_text("10");

/// Namespaces to watch, separated by commas. The default is the name for all of them.
pub const WATCHED_NAMESPACES: ConfigOption<String> =
    ConfigOption::new("kubernetes.operator.watched.namespaces")
        .default_text("JOSDK_ALL_NAMESPACES");

/// Whether a changed list of namespaces takes effect without a restart.
pub const DYNAMIC_NAMESPACES_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.dynamic.namespaces.enabled").default_text("false");

/// Selector of the resources to watch.
pub const LABEL_SELECTOR: ConfigOption<String> =
    ConfigOption::new("kubernetes.operator.label.selector");

/// Pause before the first retry of a failed pass.
pub const RETRY_INITIAL_INTERVAL: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.retry.initial.interval").default_text("5 s");

/// Longest pause between two retries.
pub const RETRY_MAX_INTERVAL: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.retry.max.interval");

/// Growth of the pause from retry to retry.
pub const RETRY_INTERVAL_MULTIPLIER: ConfigOption<f64> =
    ConfigOption::new("kubernetes.operator.retry.interval.multiplier").default_text("1.5");

/// Number of retries.
pub const RETRY_MAX_ATTEMPTS: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.retry.max.attempts").default_text("15");

/// Period in which a resource may have `rate-limiter.limit` passes.
pub const RATE_LIMITER_REFRESH_PERIOD: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.rate-limiter.refresh-period").default_text("15 s");

/// Passes of a resource in a period; 0 or less is no limit.
pub const RATE_LIMITER_LIMIT: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.rate-limiter.limit").default_text("5");

/// Whether several operators agree on a leader.
pub const LEADER_ELECTION_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.leader-election.enabled").default_text("false");

/// Name of the Lease; needed when leader election is on.
pub const LEADER_ELECTION_LEASE_NAME: ConfigOption<String> =
    ConfigOption::new("kubernetes.operator.leader-election.lease-name");

/// How long a leader may stay silent.
pub const LEADER_ELECTION_LEASE_DURATION: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.leader-election.lease-duration").default_text("15 s");

/// How long a leader tries to renew its lease before it gives up.
pub const LEADER_ELECTION_RENEW_DEADLINE: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.leader-election.renew-deadline").default_text("10 s");

/// Pause between two attempts to become the leader.
pub const LEADER_ELECTION_RETRY_PERIOD: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.leader-election.retry-period").default_text("2 s");

/// Whether the operator answers health probes.
pub const HEALTH_PROBE_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.health.probe.enabled").default_text("true");

/// Port of the health probe.
pub const HEALTH_PROBE_PORT: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.health.probe.port").default_text("8085");

/// How long a canary resource may stay unreconciled.
pub const CANARY_RESOURCE_TIMEOUT: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.health.canary.resource.timeout").default_text("1 min");

/// Whether a failed watch stops the operator at its start.
pub const STOP_ON_INFORMER_ERROR: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.startup.stop-on-informer-error").default_text("true");

/// How long running passes may take when the operator stops.
pub const TERMINATION_TIMEOUT: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.termination.timeout").default_text("10 s");

/// How the deletion of a Deployment reaches what it owns.
pub const RESOURCE_DELETION_PROPAGATION: ConfigOption<DeletionPropagation> =
    ConfigOption::new("kubernetes.operator.resource.deletion.propagation")
        .default_text("FOREGROUND");

/// How often the capacity of the nodes is read; not set is never.
pub const CLUSTER_RESOURCE_VIEW_REFRESH_INTERVAL: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.cluster.resource-view.refresh-interval");

/// Whether the operator writes Ingresses.
pub const INGRESS_MANAGE: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.ingress.manage").default_text("true");

/// Whether there are metrics of the process.
pub const JVM_METRICS_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.jvm.metrics.enabled").default_text("true");

/// Whether there are metrics of the controllers.
pub const JOSDK_METRICS_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.josdk.metrics.enabled").default_text("true");

/// Whether there are metrics of the Kubernetes client.
pub const KUBERNETES_CLIENT_METRICS_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.kubernetes.client.metrics.enabled").default_text("true");

/// Whether answers are counted by class of status code.
pub const KUBERNETES_CLIENT_METRICS_RESPONSE_CODE_GROUPS: ConfigOption<bool> = ConfigOption::new(
    "kubernetes.operator.kubernetes.client.metrics.http.response.code.groups.enabled",
)
.default_text("false");

/// From when on a request counts as slow.
pub const KUBERNETES_CLIENT_METRICS_SLOW_REQUEST_THRESHOLD: ConfigOption<SignedDuration> =
    ConfigOption::new("kubernetes.operator.kubernetes.client.metrics.slow.request.threshold")
        .default_text("5 s");

/// Whether there are metrics of the resources.
pub const RESOURCE_METRICS_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.resource.metrics.enabled").default_text("true");

/// Whether there are metrics of the states of resources.
pub const RESOURCE_LIFECYCLE_METRICS_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.resource.lifecycle.metrics.enabled")
        .default_text("true");

/// Whether the times in states have histograms by namespace.
pub const RESOURCE_LIFECYCLE_NAMESPACE_HISTOGRAMS_ENABLED: ConfigOption<bool> =
    ConfigOption::new("kubernetes.operator.resource.lifecycle.namespace.histograms.enabled")
        .default_text("true");

/// Samples of a histogram.
pub const METRICS_HISTOGRAM_SAMPLE_SIZE: ConfigOption<i32> =
    ConfigOption::new("kubernetes.operator.metrics.histogram.sample.size").default_text("1000");

/// Scope of the metrics of the operator.
pub const METRICS_SCOPE_SYSTEM: ConfigOption<String> =
    ConfigOption::new("kubernetes.operator.metrics.scope.k8soperator.system")
        .fallback(&["metrics.scope.k8soperator"])
        .default_text("<host>.k8soperator.<namespace>.<name>.system");

/// Scope of the metrics of a namespace.
pub const METRICS_SCOPE_RESOURCE_NAMESPACE: ConfigOption<String> =
    ConfigOption::new("kubernetes.operator.metrics.scope.k8soperator.resourcens")
        .fallback(&["metrics.scope.k8soperator.resourcens"])
        .default_text(
            "<host>.k8soperator.<namespace>.<name>.namespace.<resourcens>.<resourcetype>",
        );

/// Scope of the metrics of a resource.
pub const METRICS_SCOPE_RESOURCE: ConfigOption<String> = ConfigOption::new(
    "kubernetes.operator.metrics.scope.k8soperator.resource",
)
.fallback(&["metrics.scope.k8soperator.resource"])
.default_text(
    "<host>.k8soperator.<namespace>.<name>.resource.<resourcens>.<resourcename>.<resourcetype>",
);

/// How the deletion of an object reaches the objects that it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionPropagation {
    Orphan,
    Background,
    Foreground,
}

impl ConfigEnum for DeletionPropagation {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("ORPHAN", Self::Orphan),
        ("BACKGROUND", Self::Background),
        ("FOREGROUND", Self::Foreground),
    ];
}
