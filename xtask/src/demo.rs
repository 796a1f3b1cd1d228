//! The demonstration: installs the operator, runs a Flink job, and prints each step with its time.

mod account;
mod elsewhere;
mod job;
mod plan;
mod provider;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;

use self::account::Account;
use self::job::Job;
use crate::cluster::{Cluster, OPERATOR_NAMESPACE, Rig};
use crate::image::Local;
use crate::workspace;

/// The Flink version of the demonstration. Images of other versions are not built for it.
const FLINK: &str = "2.2.1";

#[derive(clap::Args)]
pub struct Options {
    /// The cluster to use. Without it, a Kubernetes is built and started on this machine.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
    /// An image of the operator that the nodes of this cluster can pull. Without it, an image is built and loaded.
    #[arg(long, requires = "kubeconfig")]
    image: Option<String>,
}

pub fn up(options: &Options) -> anyhow::Result<()> {
    match &options.kubeconfig {
        Some(kubeconfig) => elsewhere::up(kubeconfig, options.image.as_deref()),
        None => on_this_machine(),
    }
}

pub fn down(options: &Options) -> anyhow::Result<()> {
    if let Some(kubeconfig) = &options.kubeconfig {
        return elsewhere::down(kubeconfig);
    }
    Rig::full().down(true)?;
    println!(
        "the demonstration is removed; the build results stay in {}",
        workspace::cache()?.display()
    );
    Ok(())
}

fn on_this_machine() -> anyhow::Result<()> {
    let rig = Rig::with_flink(FLINK);
    let mut account = Account::new();
    plan::print(&rig.missing("full")?, Local::Shown.archive()?.is_file());

    let began = Instant::now();
    let archive = build(&rig)?;
    account.step("build what was missing", image_size(&archive)?, began);

    let began = Instant::now();
    let cluster = rig.up("full")?;
    rig.load(&archive)?;
    account.step(
        "start Kubernetes",
        format!("API server, scheduler, kubelet, DNS, volumes; Flink {FLINK}"),
        began,
    );

    let began = Instant::now();
    cluster.apply_definitions()?;
    cluster.install_operator(
        OPERATOR_NAMESPACE,
        &Local::Shown.name(),
        &["watchNamespaces[0]=default"],
    )?;
    account.step("install the operator with its chart", INSTALLED.to_owned(), began);

    let job = Job { cluster: &cluster, namespace: "default", name: "counter" };
    job.run(&workspace::root().join("examples/demo.yaml"), &mut account)?;
    account.print();
    job.show()?;
    print_what_to_try_next(&cluster, &job)
}

const INSTALLED: &str = "4 CRDs, Deployment, ConfigMap, roles, accounts";

/// Builds the operator's image and Kubernetes at the same time, because each build leaves a processor idle at times.
fn build(rig: &Rig) -> anyhow::Result<PathBuf> {
    std::thread::scope(|scope| {
        let image = scope.spawn(|| Local::Shown.ensure());
        let installed = rig.install("full");
        let image = image.join().ok().context("the build of the image has panicked")?;
        installed.and(image)
    })
}

fn image_size(archive: &std::path::Path) -> anyhow::Result<String> {
    let bytes = std::fs::metadata(archive).with_context(|| archive.display().to_string())?.len();
    Ok(format!(
        "{}: {:.1} MB, one static program, with fewer optimizations than the release",
        Local::Shown.name(),
        bytes as f64 / 1e6
    ))
}

fn print_what_to_try_next(cluster: &Cluster, job: &Job<'_>) -> anyhow::Result<()> {
    let name = job.name;
    let service = format!("{name}-rest");
    let address = job.kubectl(&["get", "service", &service, "-o", "jsonpath={.spec.clusterIP}"])?;
    let rig = "rig/rig kubectl";
    println!(
        "
Flink's web UI    http://{address}:8081 (from this machine)
kubeconfig        export KUBECONFIG={kubeconfig}

What to try next:
  {rig} describe flinkdep {name}                 its state and events
  {rig} explain flinkdep.spec.job                what each field means
  {rig} patch flinkdep {name} --type merge -p '{{\"spec\":{{\"job\":{{\"parallelism\":2}}}}}}'
                                                        an upgrade: the job is stopped and restored
  {rig} delete pod -l app={name},component=jobmanager
                                                        a failure: the job is restored from its last checkpoint
  {rig} logs -n {OPERATOR_NAMESPACE} deploy/flink-kubernetes-operator
  {rig} delete flinkdep {name}                   deletes the cluster, in the right order
  make demo-down                                        removes the demonstration",
        kubeconfig = cluster.kubeconfig.display(),
    );
    Ok(())
}
