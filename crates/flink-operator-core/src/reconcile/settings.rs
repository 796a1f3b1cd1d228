//! What the operator's own options say about one resource.

use std::time::Duration;

use jiff::SignedDuration;

use crate::conf::options::operator::platform as operator;
use crate::conf::{ConfigError, ConfigOption, Configuration};

/// Intervals and limits for one resource: the operator's configuration with the defaults for its namespace and Flink
/// version. A resource cannot set them itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time between two looks at a running job (`kubernetes.operator.reconcile.interval`).
    pub reconcile_interval: Duration,
    /// Time between two looks at something that is under way, where no watch tells of its progress
    /// (`kubernetes.operator.observer.progress-check.interval`).
    pub progress_interval: Duration,
    /// Deadline of a REST call (`kubernetes.operator.flink.client.timeout`).
    pub rest_timeout: Duration,
    /// How long a deletion waits for the job to end after its cancellation
    /// (`kubernetes.operator.flink.client.cancel.timeout`).
    pub cancel_timeout: Duration,
    /// How long a deletion waits for the end of a cluster's pods (`kubernetes.operator.resource.cleanup.timeout`).
    pub cleanup_timeout: Duration,
    /// The most that resources may ask for as `kubernetes.operator.savepoint.history.max.count`.
    pub savepoint_count_limit: Option<usize>,
    /// The most that resources may ask for as `kubernetes.operator.savepoint.history.max.age`.
    pub savepoint_age_limit: Option<Duration>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// An option has a value that cannot be read.
    pub fn read(configuration: &Configuration) -> Result<Self, ConfigError> {
        Ok(Self {
            reconcile_interval: duration(configuration, &operator::RECONCILE_INTERVAL)?,
            progress_interval: duration(configuration, &operator::PROGRESS_CHECK_INTERVAL)?,
            rest_timeout: duration(configuration, &operator::FLINK_CLIENT_TIMEOUT)?,
            cancel_timeout: duration(configuration, &operator::FLINK_CLIENT_CANCEL_TIMEOUT)?,
            cleanup_timeout: duration(configuration, &operator::RESOURCE_CLEANUP_TIMEOUT)?,
            savepoint_count_limit: configuration
                .get(&operator::SAVEPOINT_HISTORY_MAX_COUNT_THRESHOLD)?
                .and_then(|count| usize::try_from(count).ok()),
            savepoint_age_limit: configuration
                .get(&operator::SAVEPOINT_HISTORY_MAX_AGE_THRESHOLD)?
                .and_then(|age| Duration::try_from(age).ok()),
        })
    }
}

/// An interval of a second at least: less would keep a processor busy for nothing.
fn duration(
    configuration: &Configuration,
    option: &ConfigOption<SignedDuration>,
) -> Result<Duration, ConfigError> {
    const SHORTEST: Duration = Duration::from_secs(1);
    let duration = configuration.get_or_default(option)?;
    Ok(Duration::try_from(duration).unwrap_or(SHORTEST).max(SHORTEST))
}

impl Default for Settings {
    fn default() -> Self {
        Self::read(&Configuration::new()).expect("the defaults can be read")
    }
}
