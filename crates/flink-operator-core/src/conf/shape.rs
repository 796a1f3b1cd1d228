//! Which options Flink reads as lists or maps.

use std::collections::BTreeMap;

use super::{
    option::{OptionType, Problem},
    value::{Syntax, Value},
};

/// What a text of an option stands for, where that is more than the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    List,
    Map,
    /// A list of maps.
    Maps,
}

/// Options of Flink 1.19 to 2.3 and of the operator, older spellings among them, in order.
const LISTS: [&str; 33] = [
    "$internal.application.program-args",
    "classloader.parent-first-patterns",
    "classloader.parent-first-patterns.additional",
    "classloader.parent-first-patterns.default",
    "execution.job-listeners",
    "execution.job-status-changed-listeners",
    "execution.program-config.wildcards",
    "external-resources",
    "job.autoscaler.excluded.periods",
    "job.autoscaler.vertex.exclude.ids",
    "kubernetes.container.image.pull-secrets",
    "kubernetes.operator.user.artifacts.allowed-schemes",
    "metrics.job.status.enable",
    "pipeline.cached-files",
    "pipeline.classpaths",
    "pipeline.default-kryo-serializers",
    "pipeline.jars",
    "pipeline.registered-kryo-types",
    "pipeline.registered-pojo-types",
    "pipeline.serialization-config",
    "plugin.classloader.parent-first-patterns.additional",
    "plugin.classloader.parent-first-patterns.default",
    "security.context.factory.classes",
    "security.kerberos.access.hadoopFileSystems",
    "security.module.factory.classes",
    "state.backend.forst.compression.per.level",
    "state.backend.rocksdb.compression.per.level",
    "user.artifacts.artifact-list",
    "yarn.provided.lib.dirs",
    "yarn.security.appmaster.delegation.token.services",
    "yarn.security.kerberos.additionalFileSystems",
    "yarn.ship-archives",
    "yarn.ship-files",
];

const MAPS: [&str; 19] = [
    "high-availability.zookeeper.client.authorization",
    "kubernetes.internal-service.annotations",
    "kubernetes.internal-service.labels",
    "kubernetes.jobmanager.annotations",
    "kubernetes.jobmanager.labels",
    "kubernetes.jobmanager.node-selector",
    "kubernetes.operator.exception.label.mapper",
    "kubernetes.operator.user.artifacts.http.header",
    "kubernetes.persistent-volume-claims",
    "kubernetes.rest-service.annotations",
    "kubernetes.rest-service.labels",
    "kubernetes.secrets",
    "kubernetes.taskmanager.annotations",
    "kubernetes.taskmanager.labels",
    "kubernetes.taskmanager.node-selector",
    "pipeline.global-job-parameters",
    "pipeline.jobvertex-parallelism-overrides",
    "taskmanager.memory.managed.consumer-weights",
    "user.artifacts.http-headers",
];

const LISTS_OF_MAPS: [&str; 4] = [
    "kubernetes.env.secretKeyRef",
    "kubernetes.jobmanager.owner.reference",
    "kubernetes.jobmanager.tolerations",
    "kubernetes.taskmanager.tolerations",
];

/// Where options of reporters stand: `metrics.reporter.NAME.filter.includes`.
const REPORTERS: [&str; 3] = ["metrics.reporter.", "traces.reporter.", "events.reporter."];
const LISTS_OF_REPORTERS: [&str; 2] = [".filter.includes", ".filter.excludes"];
const MAPS_OF_REPORTERS: [&str; 1] = [".scope.variables.additional"];

impl Shape {
    /// The shape of an option; `None` if its text is all there is to it, or if nobody knows.
    pub fn of(key: &str) -> Option<Self> {
        let is_one_of = |keys: &[&str]| keys.binary_search(&key).is_ok();
        if is_one_of(&LISTS) {
            return Some(Self::List);
        }
        if is_one_of(&MAPS) {
            return Some(Self::Map);
        }
        if is_one_of(&LISTS_OF_MAPS) {
            return Some(Self::Maps);
        }
        let of_reporter = REPORTERS.iter().any(|prefix| key.starts_with(prefix));
        let ends = |endings: &[&str]| endings.iter().any(|ending| key.ends_with(ending));
        if of_reporter && ends(&LISTS_OF_REPORTERS) {
            Some(Self::List)
        } else if of_reporter && ends(&MAPS_OF_REPORTERS) {
            Some(Self::Map)
        } else {
            None
        }
    }

    /// The value that a text stands for; `None` for a text that Flink could not read either.
    pub fn read(self, text: &str, syntax: Syntax) -> Option<Value> {
        let text = Value::from(text);
        let read: Result<Value, Problem> = match self {
            Self::List => Vec::<String>::read(&text, syntax).map(Value::List),
            Self::Map => BTreeMap::<String, String>::read(&text, syntax).map(Value::Map),
            Self::Maps => Vec::<BTreeMap<String, String>>::read(&text, syntax).map(Value::Maps),
        };
        read.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_order_and_have_one_shape() {
        assert!(LISTS.is_sorted() && MAPS.is_sorted() && LISTS_OF_MAPS.is_sorted());
        assert_eq!(Shape::of("pipeline.jars"), Some(Shape::List));
        assert_eq!(Shape::of("kubernetes.secrets"), Some(Shape::Map));
        assert_eq!(Shape::of("kubernetes.taskmanager.tolerations"), Some(Shape::Maps));
        assert_eq!(Shape::of("metrics.reporter.p.filter.includes"), Some(Shape::List));
        assert_eq!(Shape::of("metrics.reporter.p.scope.variables.additional"), Some(Shape::Map));
        assert_eq!(Shape::of("mine.filter.includes"), None);
        assert_eq!(Shape::of("metrics.reporter.p.class"), None);
    }
}
