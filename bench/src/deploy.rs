//! The benchmark: applications are created, run and deleted, alternating with the bare client.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use e2e::audit::{self, Request};
use e2e::cluster::Cluster;
use e2e::namespace::TestNamespace;
use e2e::wait::eventually;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams, PostParams};
use kube::core::Request as Path;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::bare::{self, Identity};
use crate::local::Local;
use crate::outcome::{Ours, Outcome, Run, Side, Writes};
use crate::script::{Found, KINDS, Kind, Script};
use crate::watched::{self, Version, Watched};
use crate::writes::{self, Subject, seconds};
use crate::{conditions, flink, manifest};

/// Timeout for the start of an application. On two cores it takes 10 to 45 s, on a busy machine longer.
const START: Duration = Duration::from_mins(4);

/// Timeout for a deletion: Flink shuts down, and Kubernetes collects the objects.
const END: Duration = Duration::from_mins(2);

/// Timeout for requests to appear in the audit log, which usually has them when they are answered.
const LOG: Duration = Duration::from_secs(10);

/// A pause before each application, so that the deletion of the previous one does not slow it down.
const SETTLE: Duration = Duration::from_secs(2);

/// Options of a benchmark.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of measured applications, without the warm-up.
    pub runs: u32,
    /// The operator's account.
    pub account: String,
    /// An operator to start instead of using the installed one.
    pub local: Option<PathBuf>,
}

/// Measures, and deletes what it has created, also after a failure and on ctrl-c.
///
/// # Errors
///
/// There is no cluster or no operator, or an application did not start or end in time.
pub async fn run(options: &Options) -> anyhow::Result<Outcome> {
    let cluster = Cluster::connect().await?;
    // Checked before anything is created: requests cannot be counted without a log.
    drop(audit::mark(&cluster).context("the audit log, which AUDIT_LOG names, cannot be read")?);
    if options.local.is_none() {
        drop(conditions::installed(&cluster, &options.account).await?);
    }
    let ours = TestNamespace::create(&cluster, "bench-ours").await?;
    let bare = TestNamespace::create(&cluster, "bench-bare").await?;
    let local = match &options.local {
        Some(binary) => conditions::nobody_else(&cluster, &ours.name)
            .await
            .and_then(|()| Local::start(&cluster, &ours.name, binary))
            .map(Some),
        None => Ok(None),
    };
    let outcome = match local {
        Ok(local) => {
            let mut benchmark = Benchmark {
                account: local.as_ref().map_or_else(|| options.account.clone(), Local::account),
                cluster,
                ours: ours.clone(),
                bare: bare.clone(),
                local,
            };
            let outcome = tokio::select! {
                outcome = Box::pin(benchmark.run(options)) => outcome,
                _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
            };
            // While the operator still runs, since it has to remove its finalizers.
            Box::pin(clear(&ours)).await?;
            outcome
        }
        Err(error) => Err(error),
    };
    Box::pin(clear(&bare)).await?;
    ours.remove().await?;
    bare.remove().await?;
    outcome
}

/// Deletes all resources of a namespace, and removes finalizers that no operator removes.
async fn clear(namespace: &TestNamespace) -> anyhow::Result<()> {
    let client = &namespace.cluster.client;
    let resources = watched::resources(client, &namespace.name);
    for resource in resources.list_metadata(&ListParams::default()).await? {
        let name = resource.name_any();
        if namespace.delete_and_await(&name, Duration::from_secs(30)).await.is_err() {
            drop(bare::release(client, &namespace.name, &name).await);
        }
    }
    Ok(())
}

struct Benchmark {
    cluster: Cluster,
    ours: TestNamespace,
    bare: TestNamespace,
    account: String,
    local: Option<Local>,
}

/// What the bare client repeats: the writes for the operator's first application.
struct Part {
    script: Script,
    original: Identity,
}

impl Benchmark {
    async fn run(&mut self, options: &Options) -> anyhow::Result<Outcome> {
        let operator = match &options.local {
            Some(binary) => conditions::local(binary),
            None => conditions::installed(&self.cluster, &self.account).await?,
        };
        let mut conditions = conditions::of(&self.cluster, operator).await?;
        say("warm-up");
        let part = self.warm_up().await?;
        conditions.left_out.clone_from(&part.script.left_out);
        let mut runs = Vec::new();
        for number in 1..=options.runs {
            let first = if number % 2 == 0 { Side::Operator } else { Side::Bare };
            let load = conditions::load()?;
            let (ours, bare) = match first {
                Side::Operator => {
                    let ours = self.operator(number).await?;
                    (ours, self.bare(&part, number).await?)
                }
                Side::Bare => {
                    let bare = self.bare(&part, number).await?;
                    (self.operator(number).await?, bare)
                }
            };
            say(&format!(
                "run {number} of {}: Deployment after {:.1} ms, bare client's after {:.1} ms; running after {:.1} s, \
                 seen {:.2} s late; deleted in {:.1} s; load {load}",
                options.runs,
                ours.writes.deployment_s * 1e3,
                bare.deployment_s * 1e3,
                ours.tasks_running_s,
                ours.late_s,
                ours.deleted_s,
            ));
            runs.push(Run { number, first, load, ours, bare });
        }
        Ok(Outcome { conditions, runs })
    }

    /// Deploys the application that warms caches and connections. Its writes become the script; its times are not counted.
    async fn warm_up(&mut self) -> anyhow::Result<Part> {
        let name = application("ours", 0);
        let deployed = self.deploy(&name).await?;
        let objects = self.objects().await?;
        let uid = |object: Option<&Value>| {
            let uid = object.and_then(|object| object.pointer("/metadata/uid")?.as_str());
            uid.map(ToOwned::to_owned).context("an object has no uid")
        };
        let versions: Vec<Value> =
            deployed.versions.iter().map(|version| version.object.clone()).collect();
        let deployment = objects.iter().find(|(kind, _)| kind.plural == "deployments");
        let original = Identity {
            namespace: self.ours.name.clone(),
            name: name.clone(),
            uid: uid(versions.first())?,
            deployment_uid: uid(deployment.map(|(_, object)| object))?,
        };
        let found = Found { versions: &versions, objects: &objects };
        let subject = subject(&self.ours, &name, Some(&self.account));
        let script = Script::of(&writes::all(&deployed.requests, &subject)?, &found)?;
        self.ours.delete_and_await(&name, END).await?;
        let part = Part { script, original };
        let measured = self.bare(&part, 0).await?;
        let (found, expected) = (measured.count, part.script.writes_to_deployment());
        anyhow::ensure!(
            found == expected,
            "the bare client made {found} writes and not {expected}"
        );
        Ok(part)
    }

    /// One application under the operator, from its creation to its end.
    async fn operator(&mut self, number: u32) -> anyhow::Result<Ours> {
        let name = application("ours", number);
        let deployed = self.deploy(&name).await?;
        let Deployed { requests, created, stable, flink, .. } = &deployed;
        let subject = subject(&self.ours, &name, Some(&self.account));
        let writes = writes::measure(requests, &subject)?;
        let counted = |requests: &[Request], from, to| {
            writes::counted(requests, &self.ours.name, &self.account, from, to)
        };
        let up_to_stable = counted(requests, *created, *stable)?;

        let mark = audit::mark(&self.cluster)?;
        let began = Timestamp::now();
        self.ours.delete_and_await(&name, END).await?;
        let ended = Timestamp::now();
        let for_deletion = counted(&mark.requests(&self.account)?, began, ended)?;
        Ok(Ours {
            writes,
            job_running_s: seconds(*created, flink.job.seen),
            tasks_running_s: seconds(*created, flink.tasks.seen),
            stable_s: seconds(*created, *stable),
            late_s: seconds(flink.tasks.not_before, *stable),
            late_since_state_s: seconds(flink.job.not_before, *stable),
            requests: up_to_stable,
            deleted_s: seconds(began, ended),
            delete_requests: for_deletion,
        })
    }

    /// Creates an application and waits until its status says that it runs.
    async fn deploy(&mut self, name: &str) -> anyhow::Result<Deployed> {
        sleep(SETTLE).await;
        let client = &self.cluster.client;
        let resources = watched::resources(client, &self.ours.name);
        let mark = audit::mark(&self.cluster)?;
        let mut watch = Watched::start(resources.clone(), name).await?;
        let looks = tokio::spawn({
            let (client, namespace, name) =
                (client.clone(), self.ours.name.clone(), name.to_owned());
            async move { flink::until_running(client, &namespace, &name).await }
        });
        let looks = AbortOnDrop(looks);
        let resource: DynamicObject = serde_json::from_value(manifest::application(name))?;
        drop(resources.create(&PostParams::default(), &resource).await?);
        let mut versions = Vec::new();
        let seen = timeout(START, until_stable(&mut watch, &mut versions)).await;
        if !matches!(seen, Ok(true)) {
            let status = versions.last().and_then(|version| version.object.get("status"));
            let operator = match &mut self.local {
                Some(local) => format!("; the operator {}", local.last_words()?),
                None => String::new(),
            };
            return Err(anyhow!(
                "{name} was not RUNNING and STABLE within {START:?}; its last status is {}{operator}",
                status.unwrap_or(&Value::Null)
            ));
        }
        let stable = versions.last().map(|version| version.at).context("no version was seen")?;
        let flink = timeout(START, looks.joined()).await.with_context(|| {
            format!("the status of {name} is RUNNING, but Flink does not report that its tasks run")
        })??;
        let subject = subject(&self.ours, name, Some(&self.account));
        let requests = self.logged(&mark, &subject).await?;
        let created = writes::creation(&requests, &subject)?.answered;
        Ok(Deployed { requests, created, stable, flink, versions })
    }

    /// One application of the bare client. Its deletion is not measured.
    async fn bare(&self, part: &Part, number: u32) -> anyhow::Result<Writes> {
        sleep(SETTLE).await;
        let (client, namespace) = (&self.cluster.client, &self.bare.name);
        let name = application("bare", number);
        let mark = audit::mark(&self.cluster)?;
        bare::run(client, &part.script, &part.original, namespace, &name)
            .await
            .context("the bare client")?;
        let subject = subject(&self.bare, &name, None);
        let requests = self.logged(&mark, &subject).await?;
        let measured = writes::measure(&requests, &subject)?;
        bare::release(client, namespace, &name).await?;
        self.bare.delete_and_await(&name, END).await?;
        Ok(measured)
    }

    /// All requests since the mark, once they include the measured ones.
    async fn logged(
        &self,
        mark: &audit::Mark,
        subject: &Subject<'_>,
    ) -> anyhow::Result<Vec<Request>> {
        // Requests are logged in the order of their answers.
        sleep(Duration::from_millis(300)).await;
        eventually("the requests in the audit log", LOG, || async {
            let requests = mark.requests("")?;
            writes::measure(&requests, subject)?;
            Ok(Some(requests))
        })
        .await
    }

    /// The objects in the operator's namespace, of all kinds that the bare client can create.
    async fn objects(&self) -> anyhow::Result<Vec<(&'static Kind, Value)>> {
        let mut objects = Vec::new();
        for kind in KINDS {
            let request = Path::new(kind.path(&self.ours.name)).list(&ListParams::default())?;
            let mut list: Value = self.cluster.client.request(request).await?;
            if let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) {
                objects.extend(items.into_iter().map(|item| (kind, item)));
            }
        }
        Ok(objects)
    }
}

/// An application whose status is RUNNING and STABLE.
struct Deployed {
    requests: Vec<Request>,
    /// When the creation of the resource was answered, by the API server's clock.
    created: Timestamp,
    stable: Timestamp,
    flink: flink::Running,
    /// Up to the first version with this status.
    versions: Vec<Version>,
}

/// Reads versions until the status is RUNNING and STABLE. False if the watch ends before.
async fn until_stable(watch: &mut Watched, versions: &mut Vec<Version>) -> bool {
    while let Some(version) = watch.next().await {
        let is = |pointer: &str, value: &str| {
            version.object.pointer(pointer).and_then(Value::as_str) == Some(value)
        };
        let stable =
            is("/status/lifecycleState", "STABLE") && is("/status/jobStatus/state", "RUNNING");
        versions.push(version);
        if stable {
            return true;
        }
    }
    false
}

/// A task that is aborted when this is dropped.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> AbortOnDrop<anyhow::Result<T>> {
    async fn joined(mut self) -> anyhow::Result<T> {
        (&mut self.0).await?
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn subject<'a>(
    namespace: &'a TestNamespace,
    name: &'a str,
    account: Option<&'a str>,
) -> Subject<'a> {
    Subject { namespace: &namespace.name, name, account }
}

/// Names of the same length, so that objects have the same size. Each application has its own name, so that nothing that
/// the operator has cached for another one applies to it.
fn application(side: &str, number: u32) -> String {
    format!("app-{side}-{number:04}")
}

#[expect(
    clippy::print_stderr,
    reason = "progress goes to the standard error, the result to the standard output"
)]
fn say(text: &str) {
    eprintln!("==> {text}");
}
