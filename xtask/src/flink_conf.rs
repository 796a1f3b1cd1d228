//! Whether Flink's own classes read from a cluster's configuration file what was written: fetches them for each minor
//! version, and runs the test that asks them.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::workspace;

/// The newest release of each minor version that the operator deploys.
const RELEASES: [&str; 6] = ["1.19.3", "1.20.5", "2.0.2", "2.1.3", "2.2.1", "2.3.0"];

/// Programs, and the Debian packages that have them.
const PROGRAMS: [(&str, &str); 2] = [("java", "openjdk-17-jdk-headless"), ("mvn", "maven")];

/// Maven copies these classes, and the ones that they need, into a folder.
const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>flink-conf</groupId>
  <artifactId>flink-conf</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.flink</groupId>
      <artifactId>flink-core</artifactId>
      <version>${release}</version>
    </dependency>
  </dependencies>
</project>
"#;
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

pub fn run() -> anyhow::Result<()> {
    install()?;
    let jars = workspace::cache()?.join("flink-conf");
    std::fs::create_dir_all(&jars)
        .with_context(|| format!("failed to create {}", jars.display()))?;
    for release in RELEASES {
        fetch(&jars, release)?;
    }
    workspace::run(
        workspace::cargo()
            .args(["test", "-p", "flink-operator-core", "--test", "written_values"])
            .args(["--", "--ignored", "--nocapture"])
            .env("FLINK_CONF_JARS", &jars),
    )
}

fn install() -> anyhow::Result<()> {
    let missing: Vec<&str> = PROGRAMS
        .into_iter()
        .filter(|(program, _)| Command::new(program).arg("-version").output().is_err())
        .map(|(_, package)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let apt = |arguments: &[&str]| {
        workspace::run(
            Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    let needs = || format!("this needs the Debian packages {}", missing.join(" and "));
    apt(&["update"]).with_context(needs)?;
    apt(&[&["install", "-y", "--no-install-recommends"], missing.as_slice()].concat())
        .with_context(needs)
}

/// Only a folder with all jars has the name of the release.
fn fetch(jars: &Path, release: &str) -> anyhow::Result<()> {
    let folder = jars.join(release);
    if folder.is_dir() {
        return Ok(());
    }
    // Beside the folder of releases, which holds nothing else.
    let work = jars.with_extension("part");
    if work.exists() {
        std::fs::remove_dir_all(&work)
            .with_context(|| format!("failed to remove {}", work.display()))?;
    }
    std::fs::create_dir_all(&work)
        .with_context(|| format!("failed to create {}", work.display()))?;
    let pom = work.join("pom.xml");
    std::fs::write(&pom, POM).with_context(|| format!("failed to write {}", pom.display()))?;
    let copied = work.join("jars");
    println!("fetching the classes of Flink {release}");
    workspace::run(
        Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(&pom)
            .arg(format!("-Drelease={release}"))
            .args([COPY, "-DincludeScope=runtime"])
            .arg(format!("-DoutputDirectory={}", copied.display())),
    )?;
    std::fs::rename(&copied, &folder)
        .with_context(|| format!("failed to move {}", copied.display()))
}
