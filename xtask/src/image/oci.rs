//! Writes the archive: an OCI image layout in a tar file, with one layer. The same entries always give the same bytes.

use anyhow::Context;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::contents::{Entry, USER};
use crate::workspace;

pub struct Image {
    pub archive: Vec<u8>,
    /// The manifest's digest, for `image.digest` of the chart.
    pub digest: String,
}

pub fn archive(name: &str, machine: &str, entries: &[Entry]) -> anyhow::Result<Image> {
    let layer = layer(entries)?;
    let layer_digest = digest(&layer);
    let config = to_bytes(&json!({
        "architecture": machine,
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": [format!("/{}", super::BINARY)],
            "WorkingDir": "/",
            // The health port, which serves probes and metrics.
            "ExposedPorts": { "8085/tcp": {} },
            "Labels": {
                "org.opencontainers.image.title": super::BINARY,
                "org.opencontainers.image.version": workspace::VERSION,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        // The layer is not compressed, so both of its digests are the same.
        "rootfs": { "type": "layers", "diff_ids": [layer_digest] },
        "history": [{ "created_by": "cargo xtask image" }],
    }))?;
    let manifest = to_bytes(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
    }))?;
    let manifest_digest = digest(&manifest);
    let mut of_manifest = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
    of_manifest["platform"] = json!({ "architecture": machine, "os": "linux" });
    of_manifest["annotations"] = json!({
        // containerd reads the name from the first annotation, other tools read the tag from the second.
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rsplit(':').next(),
    });
    let index = to_bytes(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [of_manifest],
    }))?;

    let mut files = vec![
        ("oci-layout".to_owned(), to_bytes(&json!({ "imageLayoutVersion": "1.0.0" }))?),
        ("index.json".to_owned(), index),
    ];
    for blob in [config, manifest, layer] {
        files.push((format!("blobs/{}", digest(&blob).replace(':', "/")), blob));
    }
    let mut tar = Builder::new(Vec::new());
    for (path, content) in &files {
        append(&mut tar, path, EntryType::Regular, 0o644, 0, content)?;
    }
    let archive = tar.into_inner().context("failed to finish the archive")?;
    Ok(Image { archive, digest: manifest_digest })
}

fn layer(entries: &[Entry]) -> anyhow::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for entry in entries {
        let kind = if entry.content.is_some() { EntryType::Regular } else { EntryType::Directory };
        let content = entry.content.as_deref().unwrap_or_default();
        append(&mut tar, entry.path, kind, entry.mode, entry.owner, content)?;
    }
    tar.into_inner().context("failed to finish the layer")
}

/// Adds one entry with the modification time 0: the current time would change the digest with every build.
fn append(
    tar: &mut Builder<Vec<u8>>,
    path: &str,
    kind: EntryType,
    mode: u32,
    owner: u32,
    content: &[u8],
) -> anyhow::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner.into());
    header.set_gid(owner.into());
    header.set_mtime(0);
    header.set_size(u64::try_from(content.len())?);
    tar.append_data(&mut header, path, content)
        .with_context(|| format!("failed to add {path} to a tar"))
}

fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(blob), "size": blob.len() })
}

fn to_bytes(value: &Value) -> anyhow::Result<Vec<u8>> {
    serde_json::to_vec(value).context("failed to write JSON")
}

pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
