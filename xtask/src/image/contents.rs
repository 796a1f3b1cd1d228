//! The files of the image: only those that the operator needs to run.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use base64::Engine;

/// User and group of the operator. They are the same as in the Java operator's image, because they own existing volumes.
pub const USER: u32 = 9999;

/// A file or a folder, at a path without a leading slash.
pub struct Entry {
    pub path: &'static str,
    pub mode: u32,
    pub owner: u32,
    /// `None` for a folder.
    pub content: Option<Vec<u8>>,
}

/// All entries, in order: a folder comes before its files.
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
        // The HTTP client cannot be created without a certificate authority.
        file("etc/ssl/certs/ca-certificates.crt", certificate_authorities().into_bytes()),
        folder("opt"),
        folder("opt/flink"),
        // The chart mounts jars and configuration here. Outside Kubernetes the operator writes to the first one directly.
        Entry { path: "opt/flink/artifacts", mode: 0o755, owner: USER, content: None },
        folder("opt/flink/conf"),
    ];
    entries.sort_by_key(|entry| entry.path);
    entries
}

/// Writes the entries below a folder. It does not set owners, because that needs root; whoever copies the folder sets them.
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

/// Mozilla's list, from a crate, so that the image does not depend on the machine that builds it.
fn certificate_authorities() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        let body = base64::engine::general_purpose::STANDARD.encode(certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = body.as_str();
        while !rest.is_empty() {
            // Base64 is ASCII, so every position is a character boundary. Lines of PEM have 64 characters.
            let (line, after) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}
