//! How a Deployment's ReplicaSets get their sizes: one at a time, or all in proportion.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::Value;

use super::rollout::{DESIRED, MOST, Rollout, Set, annotation, wanted};
use super::{kind, manager, number, write};
use crate::api_server::{Kubernetes, object};

impl Rollout {
    /// Scales without a rollout. True if something was written.
    pub(super) fn scale(
        &self,
        kubernetes: &mut Kubernetes,
        deployment: &Value,
        new: Option<Set<'_>>,
        old: &[Set<'_>],
        now: Timestamp,
    ) -> bool {
        let all = old.iter().copied().chain(new);
        let mut active: Vec<Set<'_>> = all.filter(|set| size_of(set) > 0).collect();
        match active.as_slice() {
            [] => new
                .or(old.last().copied())
                .is_some_and(|set| self.scale_set(kubernetes, set, self.replicas, now)),
            [only] => self.scale_set(kubernetes, only, self.replicas, now),
            _ if new.is_some_and(|new| self.is_saturated(new)) => {
                self.empty_old(kubernetes, old, now)
            }
            _ if self.recreates => false,
            _ => self.scale_in_proportion(kubernetes, deployment, &mut active, now),
        }
    }

    /// Whether all pods are those of the newest set.
    fn is_saturated(&self, new: Set<'_>) -> bool {
        let desired = annotation(&new.object, DESIRED).and_then(|text| text.parse().ok());
        desired == Some(self.replicas)
            && size_of(new) == self.replicas
            && number(&new.object, "/status/availableReplicas") == self.replicas
    }

    /// Every set gets more or fewer pods by its size; what does not divide goes to the largest one.
    fn scale_in_proportion(
        &self,
        kubernetes: &mut Kubernetes,
        deployment: &Value,
        active: &mut [Set<'_>],
        now: Timestamp,
    ) -> bool {
        let allowed = if self.replicas > 0 { self.most() } else { 0 };
        let more = allowed - wanted(active.iter().copied());
        let age = |set: &Set<'_>| {
            let created = object::text(&set.object, "creationTimestamp").to_owned();
            (created, object::name(&set.object).to_owned())
        };
        // Of sets of one size the newer gets more first, and the older loses first.
        match more {
            1.. => active.sort_by_key(|set| Reverse((size_of(set), age(set)))),
            0 => {}
            ..0 => active.sort_by_key(|set| (Reverse(size_of(set)), age(set))),
        }
        let mut given = 0;
        let mut sizes = Vec::new();
        for set in active.iter() {
            let left = more - given;
            let share = self.share(deployment, set);
            let part = match more {
                1.. => share.min(left),
                0 => 0,
                ..0 => share.max(left),
            };
            given += part;
            sizes.push(size_of(set) + part);
        }
        if let Some(largest) = sizes.first_mut() {
            *largest = (*largest + more - given).max(0);
        }
        let mut written = false;
        for (set, size) in active.iter().zip(sizes) {
            written |= self.write_size(kubernetes, set, size, now);
        }
        written
    }

    /// How much more or less a set would have, had it been made for the Deployment of now.
    fn share(&self, deployment: &Value, set: Set<'_>) -> i64 {
        let size = size_of(set);
        if self.replicas == 0 {
            return -size;
        }
        let before = annotation(&set.object, MOST).and_then(|text| text.parse::<i64>().ok());
        let before = before
            .filter(|most| *most != 0)
            .unwrap_or_else(|| number(deployment, "/status/replicas"));
        if before == 0 { 0 } else { (2 * size * self.most() + before) / (2 * before) - size }
    }

    /// Writes the size of a set, if it is another.
    pub(super) fn scale_set(
        &self,
        kubernetes: &mut Kubernetes,
        set: Set<'_>,
        size: i64,
        now: Timestamp,
    ) -> bool {
        // A set that keeps its size keeps the numbers that it was made with, even if the strategy is another now.
        size != number(&set.object, "/spec/replicas") && self.write_size(kubernetes, set, size, now)
    }

    /// Writes the size of a set and the Deployment's numbers, if one of them is another. True if the size was.
    fn write_size(
        &self,
        kubernetes: &mut Kubernetes,
        set: Set<'_>,
        size: i64,
        now: Timestamp,
    ) -> bool {
        let mut changed = set.object.clone();
        let mut annotations = object::get(&changed, "annotations")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        self.insert_numbers(&mut annotations);
        object::set(&mut changed, "annotations", annotations);
        if let Some(spec) = changed.get_mut("spec") {
            object::set_field(spec, "replicas", size);
        }
        if changed == set.object {
            return false;
        }
        let written = write(kubernetes, kind("replicasets"), "", &changed, &manager(now));
        written && size != number(&set.object, "/spec/replicas")
    }
}

fn size_of(set: Set<'_>) -> i64 {
    number(&set.object, "/spec/replicas")
}
