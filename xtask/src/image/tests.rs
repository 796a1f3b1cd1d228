//! Tests that the image is what a container runtime expects.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::Value;

use super::*;

/// A program header table with one entry of the given type, in an otherwise empty x86-64 program.
fn program(segment: u32) -> Vec<u8> {
    let mut bytes = vec![0; 64 + 56];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[0x12] = 62;
    bytes[0x20] = 64;
    bytes[0x36] = 56;
    bytes[0x38] = 1;
    bytes[64..68].copy_from_slice(&segment.to_le_bytes());
    bytes
}

fn unpacked(tar: &[u8]) -> BTreeMap<String, (tar::Header, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert!(
            files.insert(path.clone(), (entry.header().clone(), content)).is_none(),
            "{path} is there twice"
        );
    }
    files
}

fn image() -> oci::Image {
    oci::archive("docker.io/library/op:1", "amd64", &contents::entries(program(1))).unwrap()
}

#[test]
fn a_dynamic_program_is_refused() {
    assert_eq!(elf::machine_of_static(&program(1)).unwrap(), "amd64");
    let error = elf::machine_of_static(&program(3)).unwrap_err().to_string();
    assert!(error.contains("linked dynamically"), "{error}");
}

#[test]
fn a_program_of_a_shared_build_is_refused_and_what_is_no_program_too() {
    // The test program itself is dynamically linked.
    let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(elf::machine_of_static(&this).unwrap_err().to_string().contains("linked dynamically"));
    assert!(elf::machine_of_static(b"#!/bin/sh\n").unwrap_err().to_string().contains("no 64-bit"));
    assert!(elf::machine_of_static(&program(1)[..70]).is_ok());
    assert!(
        elf::machine_of_static(&program(1)[..66]).unwrap_err().to_string().contains("ends before")
    );
}

#[test]
fn names_are_completed_as_the_kubelet_does() {
    let version = workspace::VERSION;
    for (given, full) in [
        (
            "flink-kubernetes-operator",
            format!("docker.io/library/flink-kubernetes-operator:{version}"),
        ),
        ("op:7", "docker.io/library/op:7".to_owned()),
        ("team/op:7", "docker.io/team/op:7".to_owned()),
        ("localhost/op", format!("localhost/op:{version}")),
        ("registry.example:5000/a/op", format!("registry.example:5000/a/op:{version}")),
        ("registry.example:5000/a/op:7", "registry.example:5000/a/op:7".to_owned()),
    ] {
        assert_eq!(full_name(given).unwrap(), full, "{given}");
    }
    for wrong in ["", ":7", "op:", "a b", "op@sha256:00"] {
        assert!(full_name(wrong).is_err(), "{wrong:?} was taken");
    }
}

#[test]
fn every_blob_is_named_by_its_digest_and_reached_from_the_index() {
    let image = image();
    let files = unpacked(&image.archive);
    for (path, (_, content)) in &files {
        if let Some(hex) = path.strip_prefix("blobs/sha256/") {
            assert_eq!(oci::digest(content), format!("sha256:{hex}"));
        }
    }
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap();
        let (_, content) = &files[&format!("blobs/{}", digest.replace(':', "/"))];
        assert_eq!(descriptor["size"], content.len());
        content.clone()
    };
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    let index = json(&files["index.json"].1);
    let manifest = &index["manifests"][0];
    assert_eq!(manifest["digest"], image.digest);
    assert_eq!(manifest["annotations"]["io.containerd.image.name"], "docker.io/library/op:1");
    let manifest = json(&blob(manifest));
    let config = json(&blob(&manifest["config"]));
    let layer = blob(&manifest["layers"][0]);
    assert_eq!(config["rootfs"]["diff_ids"][0], oci::digest(&layer));
    assert_eq!(config["config"]["User"], "9999:9999");
    assert_eq!(config["config"]["Entrypoint"][0], "/flink-kubernetes-operator");
}

#[test]
fn the_layer_has_the_program_its_user_and_the_authorities() {
    let entries = contents::entries(program(1));
    let image = oci::archive("a/b:c", "amd64", &entries).unwrap();
    let files = unpacked(&image.archive);
    let (_, layer) = files.iter().find(|(_, (_, content))| content.len() > 100_000).unwrap().1;
    let layer = unpacked(layer);
    let (header, content) = &layer["flink-kubernetes-operator"];
    assert_eq!((header.mode().unwrap(), content), (0o755, &program(1)));
    let passwd = String::from_utf8(layer["etc/passwd"].1.clone()).unwrap();
    assert!(passwd.lines().any(|line| line.starts_with("flink:x:9999:9999:")), "{passwd}");
    assert_eq!(layer["opt/flink/artifacts"].0.uid().unwrap(), 9999);
    let authorities =
        String::from_utf8(layer["etc/ssl/certs/ca-certificates.crt"].1.clone()).unwrap();
    assert_eq!(
        authorities.matches("-----BEGIN CERTIFICATE-----").count(),
        webpki_root_certs::TLS_SERVER_ROOT_CERTS.len()
    );
    assert!(authorities.lines().all(|line| line.len() <= 64), "a line of PEM is too long");
    // A runtime unpacks in order, so each folder has to come before its files.
    let order: Vec<&str> = entries.iter().map(|entry| entry.path).collect();
    for (index, path) in order.iter().enumerate() {
        if let Some((folder, _)) = path.rsplit_once('/') {
            assert!(order[..index].contains(&folder), "{folder} comes after {path}");
        }
    }
}

#[test]
fn the_same_program_makes_the_same_bytes() {
    assert!(image().archive == image().archive);
    let files = unpacked(&image().archive);
    assert!(
        files.values().all(|(header, _)| header.mtime().unwrap() == 0),
        "a time would change the digest"
    );
}

#[test]
fn an_image_above_the_limit_is_an_error() {
    assert!(check_size(SIZE_LIMIT).is_ok());
    assert!(check_size(SIZE_LIMIT + 1).unwrap_err().to_string().contains("the limit is 30000000"));
}

#[test]
fn the_files_can_be_written_for_another_builder() {
    let folder = tempfile::tempdir().unwrap();
    contents::write(&contents::entries(program(1)), folder.path()).unwrap();
    let written = folder.path().join("flink-kubernetes-operator");
    assert_eq!(std::fs::read(&written).unwrap(), program(1));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&written).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o755);
    assert!(folder.path().join("opt/flink/conf").is_dir());
}
