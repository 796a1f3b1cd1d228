//! What goes wrong between clients and JobManagers, as data.

use std::time::Duration;

use simulated_kubernetes::fault::When;

/// What is to go wrong with requests to JobManagers. Of several faults that fit, the first one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RestFaultPlan {
    pub requests: Vec<RestFault>,
}

/// Something that goes wrong with requests.
#[derive(Clone, Debug, PartialEq)]
pub struct RestFault {
    pub fits: RestFits,
    pub when: When,
    pub effect: RestEffect,
}

/// Which requests a fault is about. What is not said fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestFits {
    /// Name of the client.
    pub client: Option<String>,
    /// Method and path, with `:id` for a job, `:trigger` for an operation, `:vertex`, `:checkpoint` and `:jar`:
    /// `POST /jobs/:id/stop`. See [`super::SITES`].
    pub site: Option<String>,
    /// `namespace/cluster-id`.
    pub cluster: Option<String>,
}

impl RestFits {
    /// Every request to one place.
    pub fn site(site: &str) -> Self {
        Self { site: Some(site.to_owned()), ..Self::default() }
    }

    fn request(&self, client: &str, site: &str, cluster: &str) -> bool {
        let fits = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        fits(&self.client, client) && fits(&self.site, site) && fits(&self.cluster, cluster)
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestEffect {
    /// No connection: the JobManager never sees the request.
    FailBefore,
    /// The JobManager does what it is asked for, and the connection breaks before the answer.
    LoseAnswer,
    /// The request arrives later.
    DelayRequest(Duration),
    /// The answer arrives later.
    DelayAnswer(Duration),
    /// The JobManager never sees the request, and the client waits until it gives up.
    Hang,
    /// The JobManager does nothing, and says so with this status: 404, 409, 500, 503.
    Answer(u16),
    /// The answer stops in the middle.
    CutBody,
    /// The client's process ends: before the JobManager sees the request, or when it has been carried out and not answered.
    Crash { applied: bool },
}

/// A plan, and how much of it has happened.
#[derive(Debug, Default)]
pub struct RestFaults {
    plan: RestFaultPlan,
    /// How many requests have fitted each fault.
    counts: Vec<u32>,
}

impl RestFaults {
    pub fn new(plan: RestFaultPlan) -> Self {
        Self { counts: vec![0; plan.requests.len()], plan }
    }

    /// What is to happen to a request at this time of the world.
    pub fn on_request(
        &mut self,
        at: Duration,
        client: &str,
        site: &str,
        cluster: &str,
    ) -> Option<RestEffect> {
        let mut effect = None;
        for (fault, count) in self.plan.requests.iter().zip(&mut self.counts) {
            if fault.fits.request(client, site, cluster) && hits(fault.when, at, count) {
                effect = effect.or(Some(fault.effect));
            }
        }
        effect
    }
}

/// Counts one that fits, and tells whether it is hit.
fn hits(when: When, at: Duration, count: &mut u32) -> bool {
    if at < when.from || at >= when.until {
        return false;
    }
    let before = *count;
    *count = count.saturating_add(1);
    before >= when.skip && before - when.skip < when.times
}
