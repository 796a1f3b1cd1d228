//! Builds the operator's image without Docker: one static program, the certificate authorities, the user's name.

mod contents;
mod elf;
mod oci;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::{progress, workspace};

/// The maximum size of the image in bytes. The target is [`SIZE_GOAL`].
const SIZE_LIMIT: usize = 30_000_000;

/// The target for the size of the image, in bytes.
const SIZE_GOAL: usize = 20_000_000;

const PACKAGE: &str = "flink-operator";
const BINARY: &str = "flink-kubernetes-operator";

#[derive(clap::Args)]
pub struct Options {
    /// Name and tag of the image. A missing registry is completed as Docker does; the default tag is the workspace's version.
    #[arg(long, default_value = BINARY)]
    name: String,
    /// The file for the archive [default: image/flink-kubernetes-operator.tar in the target folder].
    #[arg(long)]
    out: Option<PathBuf>,
    /// A statically linked program for the image, instead of building one.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// The profile to build with.
    #[arg(long, default_value = "release")]
    profile: String,
    /// Writes the files of the image into this folder, and no archive.
    #[arg(long, conflicts_with = "out")]
    rootfs: Option<PathBuf>,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let name = full_name(&options.name)?;
    let path = match &options.binary {
        Some(path) => path.clone(),
        None => build(&options.profile)?,
    };
    let program =
        std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let machine = elf::machine_of_static(&program).with_context(|| path.display().to_string())?;
    let program_size = program.len();
    let entries = contents::entries(program);
    if let Some(folder) = &options.rootfs {
        return contents::write(&entries, folder);
    }

    let image = oci::archive(&name, machine, &entries)?;
    let out = match &options.out {
        Some(out) => out.clone(),
        None => target_folder()?.join("image").join(format!("{BINARY}.tar")),
    };
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
    }
    std::fs::write(&out, &image.archive)
        .with_context(|| format!("failed to write {}", out.display()))?;
    println!("{name} {}", image.digest);
    println!(
        "{}: {} bytes, {program_size} of them the program",
        out.display(),
        image.archive.len()
    );
    check_size(image.archive.len())
}

/// An image of this tree, for a cluster on this machine.
#[derive(Clone, Copy)]
pub enum Local {
    /// The release build, for tests.
    Tested,
    /// A build for the demonstration, which compiles in half of the time.
    Shown,
}

impl Local {
    const fn tag(self) -> &'static str {
        match self {
            Self::Tested => "e2e",
            Self::Shown => "demo",
        }
    }

    const fn profile(self) -> &'static str {
        match self {
            Self::Tested => "release",
            Self::Shown => "demo",
        }
    }

    /// The image as the chart names it.
    pub fn name(self) -> String {
        format!("{BINARY}:{}", self.tag())
    }

    pub fn archive(self) -> anyhow::Result<PathBuf> {
        Ok(target_folder()?.join("image").join(format!("{BINARY}-{}.tar", self.tag())))
    }

    /// Builds the image unless it is up to date, and returns its archive.
    pub fn ensure(self) -> anyhow::Result<PathBuf> {
        let out = self.archive()?;
        run(&Options {
            name: self.name(),
            out: Some(out.clone()),
            binary: None,
            profile: self.profile().to_owned(),
            rootfs: None,
        })?;
        Ok(out)
    }
}

fn check_size(size: usize) -> anyhow::Result<()> {
    if size > SIZE_LIMIT {
        bail!("the image has {size} bytes; the limit is {SIZE_LIMIT}, the target {SIZE_GOAL}");
    }
    if size > SIZE_GOAL {
        println!("the image is {} bytes larger than the target of {SIZE_GOAL}", size - SIZE_GOAL);
    }
    Ok(())
}

/// Builds the program without shared libraries, because the image has none.
///
/// `--target` names this machine's own target, because flags for a named target do not apply to build scripts and procedural
/// macros. Paths of this machine are removed, so that two machines build the same bytes.
fn build(profile: &str) -> anyhow::Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let sources = workspace::root().display();
    let crates = cargo_home()?;
    let crates = crates.display();
    let flags = [
        "-Ctarget-feature=+crt-static".to_owned(),
        format!("--remap-path-prefix={sources}=/source"),
        format!("--remap-path-prefix={crates}=/cargo"),
    ];
    let c_flags = format!("-ffile-prefix-map={crates}=/cargo -ffile-prefix-map={sources}=/source");
    progress::run(
        "the operator's program",
        workspace::cargo()
            .args([
                "build",
                "--locked",
                "--profile",
                profile,
                "--package",
                PACKAGE,
                "--bin",
                BINARY,
            ])
            .args(["--target", &target])
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
            .env(format!("CFLAGS_{}", target.replace('-', "_")), c_flags),
    )?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target_folder()?.join(target).join(folder).join(BINARY))
}

fn cargo_home() -> anyhow::Result<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")))
        .context("neither CARGO_HOME nor HOME is set")
}

fn target_folder() -> anyhow::Result<PathBuf> {
    #[derive(serde::Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let text = workspace::output(workspace::cargo().args([
        "metadata",
        "--format-version=1",
        "--no-deps",
    ]))?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("failed to read cargo's metadata")?;
    Ok(metadata.target_directory)
}

/// The full name, with a registry and a tag, under which containerd and the kubelet find an image.
fn full_name(given: &str) -> anyhow::Result<String> {
    if given.contains('@') {
        bail!("{given:?} has a digest; a new image cannot be named by its digest");
    }
    let (path, tag) = match given.rsplit_once(':') {
        // A colon before a slash belongs to a registry's port.
        Some((path, tag)) if !tag.contains('/') => (path, tag),
        _ => (given, workspace::VERSION),
    };
    if path.is_empty() || tag.is_empty() || path.contains(char::is_whitespace) {
        bail!(
            "{given:?} is no name of an image; expected is NAME, NAME:TAG or REGISTRY/PATH/NAME:TAG"
        );
    }
    let is_registry = |part: &str| part.contains(['.', ':']) || part == "localhost";
    Ok(match path.split_once('/') {
        Some((first, _)) if is_registry(first) => format!("{path}:{tag}"),
        Some(_) => format!("docker.io/{path}:{tag}"),
        None => format!("docker.io/library/{path}:{tag}"),
    })
}

#[cfg(test)]
mod tests;
