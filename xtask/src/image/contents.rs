//! What is in the image: the fewest files with which the operator runs on an otherwise empty root.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use base64::Engine;

/// User and group that the operator runs as: those of the Java operator's image, since volumes belong to them.
pub const USER: u32 = 9999;

/// A file or a folder, at a path without a leading slash.
pub struct Entry {
    pub path: &'static str,
    pub mode: u32,
    pub owner: u32,
    /// Nothing for a folder.
    pub content: Option<Vec<u8>>,
}

/// All entries, in order: a folder comes before what is in it.
pub fn entries(program: Vec<u8>) -> Vec<Entry> {
    let folder = |path| Entry { path, mode: 0o755, owner: 0, content: None };
    let file = |path, content| Entry { path, mode: 0o644, owner: 0, content: Some(content) };
    let mut entries = vec![
        Entry { path: super::BINARY, mode: 0o755, owner: 0, content: Some(program) },
        folder("etc"),
        file("etc/group", format!("root:x:0:\nflink:x:{USER}:\n").into_bytes()),
        file(
            "etc/passwd",
            format!(
                "root:x:0:0:root:/:/nologin\nflink:x:{USER}:{USER}:flink:/opt/flink:/nologin\n"
            )
            .into_bytes(),
        ),
        folder("etc/ssl"),
        folder("etc/ssl/certs"),
        // Without a single authority the HTTP client cannot even be made.
        file("etc/ssl/certs/ca-certificates.crt", certificate_authorities().into_bytes()),
        folder("opt"),
        folder("opt/flink"),
        // Where the chart mounts jars and configuration; outside Kubernetes the first is written to directly.
        Entry { path: "opt/flink/artifacts", mode: 0o755, owner: USER, content: None },
        folder("opt/flink/conf"),
    ];
    entries.sort_by_key(|entry| entry.path);
    entries
}

/// Writes the entries below a folder. Owners are left out, for that takes root; who copies the folder sets them.
pub fn write(entries: &[Entry], folder: &Path) -> anyhow::Result<()> {
    for entry in entries {
        let path = folder.join(entry.path);
        match &entry.content {
            None => std::fs::create_dir_all(&path),
            Some(content) => path
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| std::fs::write(&path, content))
                .and_then(|()| {
                    std::fs::set_permissions(&path, PermissionsExt::from_mode(entry.mode))
                }),
        }
        .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// Mozilla's list, from a crate and not from this machine, so that the image does not depend on where it is made.
fn certificate_authorities() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        let body = base64::engine::general_purpose::STANDARD.encode(certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = body.as_str();
        while !rest.is_empty() {
            // Base64 is ASCII, so every position is a boundary; lines of PEM have 64 characters.
            let (line, after) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}
