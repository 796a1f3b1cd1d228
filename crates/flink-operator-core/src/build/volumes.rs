//! Mounts volumes for artifacts, Secrets and PersistentVolumeClaims.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{error::BuildError, pod::Pod};

/// The name of a volume is a DNS label.
const VOLUME_NAME_LEN_MAX: usize = 63;
/// The name of a claim is a DNS subdomain.
const CLAIM_NAME_LEN_MAX: usize = 253;

/// Mounts an empty volume for the files that the JobManager downloads: the job's jar and artifacts. If the template mounts
/// a volume there, the files go into that one: two mounts with one path are refused.
pub(super) fn mount_user_artifacts(pod: &mut Pod, directory: &str) {
    let without_slash = |path: &str| path.trim_end_matches('/').to_owned();
    let is_there = |mount: &Value| {
        mount
            .get("mountPath")
            .and_then(Value::as_str)
            .is_some_and(|path| without_slash(path) == without_slash(directory))
    };
    if pod.main.volume_mounts.iter().any(is_there) {
        return;
    }
    pod.mount("user-artifacts-volume", ("emptyDir", json!({})), directory);
}

/// Mounts each Secret at its directory.
pub(super) fn mount_secrets(pod: &mut Pod, secrets: &BTreeMap<String, String>) {
    for (secret, directory) in secrets {
        pod.mount(
            &format!("{secret}-volume"),
            ("secret", json!({ "secretName": secret })),
            directory,
        );
    }
}

/// PersistentVolumeClaims, which Flink mounts since version 2.3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct VolumeClaims {
    pub(super) directories: BTreeMap<String, String>,
    pub(super) read_only: bool,
}

impl VolumeClaims {
    /// Mounts every claim. Directories must be absolute and different, and so must the names of the
    /// volumes, which are derived from the names of the claims.
    pub(super) fn mount(&self, pod: &mut Pod) -> Result<(), BuildError> {
        let mut directories = BTreeSet::new();
        for (claim, directory) in &self.directories {
            let refuse = |fault| {
                Err(BuildError::VolumeClaim {
                    claim: claim.clone(),
                    path: directory.clone(),
                    fault,
                })
            };
            if !is_claim_name(claim) {
                return refuse(
                    "a claim's name has at most 253 lower-case letters, digits, '-' and '.', \
                     and starts and ends with a letter or digit",
                );
            }
            if !directory.starts_with('/') {
                return refuse("the path has to start with /");
            }
            if !directories.insert(directory) {
                return refuse("each claim needs a path of its own");
            }
            let volume = claim_volume_name(claim);
            if pod.volumes.iter().any(|other| other.get("name") == Some(&json!(volume))) {
                return refuse("the pod has a volume of that name already");
            }
            self.mount_one(pod, claim, &volume, directory);
        }
        Ok(())
    }

    fn mount_one(&self, pod: &mut Pod, claim: &str, volume: &str, directory: &str) {
        let read_only = self.read_only;
        pod.volumes.push(json!({
            "name": volume,
            "persistentVolumeClaim": { "claimName": claim, "readOnly": read_only },
        }));
        pod.main.volume_mounts.push(json!({
            "name": volume,
            "mountPath": directory,
            "readOnly": read_only,
        }));
    }
}

fn is_claim_name(claim: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    claim.len() <= CLAIM_NAME_LEN_MAX
        && claim.starts_with(alphanumeric)
        && claim.ends_with(alphanumeric)
        && claim.chars().all(|c| alphanumeric(c) || c == '-' || c == '.')
}

/// The name of the volume of a claim. It follows Flink's rule, so that the JobManager's pod is like those
/// that Flink's client makes: dots become hyphens, `-pvc` is appended, and the end of a long name is
/// replaced by a hash.
fn claim_volume_name(claim: &str) -> String {
    const SUFFIX: &str = "-pvc";
    const HASH_DIGITS: usize = 5;
    let name = claim.replace('.', "-");
    if name.len() + SUFFIX.len() <= VOLUME_NAME_LEN_MAX {
        return format!("{name}{SUFFIX}");
    }
    let kept = VOLUME_NAME_LEN_MAX - SUFFIX.len() - HASH_DIGITS - 1;
    let start: String = name.chars().take(kept).collect();
    let hash = java_hash(claim) & 0xF_FFFF;
    format!("{}-{hash:05x}{SUFFIX}", start.trim_end_matches('-'))
}

/// `String.hashCode` of Java.
fn java_hash(text: &str) -> u32 {
    text.encode_utf16()
        .fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

/// The source of a volume: all keys of a ConfigMap.
pub(super) fn whole_config_map(name: &str) -> (&'static str, Value) {
    ("configMap", json!({ "name": name }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(directories: &[(&str, &str)]) -> VolumeClaims {
        let owned = |(claim, path): &(&str, &str)| ((*claim).to_owned(), (*path).to_owned());
        VolumeClaims { directories: directories.iter().map(owned).collect(), read_only: false }
    }

    /// The expected values are those of Flink 2.3.0 for `claim.a:/mnt/a`.
    #[test]
    fn claims_are_mounted_as_by_flink_2_3() {
        let mut pod = Pod::default();
        claims(&[("claim.a", "/mnt/a")]).mount(&mut pod).unwrap();
        assert_eq!(
            pod.volumes,
            [json!({
                "name": "claim-a-pvc",
                "persistentVolumeClaim": { "claimName": "claim.a", "readOnly": false },
            })]
        );
        assert_eq!(
            pod.main.volume_mounts,
            [json!({ "name": "claim-a-pvc", "mountPath": "/mnt/a", "readOnly": false })]
        );
    }

    #[test]
    fn the_error_for_an_invalid_claim_gives_the_reason() {
        let cases = [
            (claims(&[("Claim", "/a")]), "lower-case"),
            (claims(&[("-c", "/a")]), "lower-case"),
            (claims(&[("", "/a")]), "lower-case"),
            (claims(&[("c", "a")]), "start with /"),
            (claims(&[("c", "")]), "start with /"),
            (claims(&[("c", "/a"), ("d", "/a")]), "path of its own"),
            (claims(&[("c.d", "/a"), ("c-d", "/b")]), "volume of that name"),
        ];
        for (claims, fragment) in cases {
            let message = claims.mount(&mut Pod::default()).unwrap_err().to_string();
            assert!(message.contains(fragment), "{message}");
        }
        let mut pod = Pod::default();
        pod.volumes.push(json!({ "name": "c-pvc" }));
        assert!(claims(&[("c", "/a")]).mount(&mut pod).is_err());
    }

    #[test]
    fn the_end_of_a_long_name_is_replaced_by_a_hash() {
        let claim = "a".repeat(60);
        let name = claim_volume_name(&claim);
        assert_eq!(name.len(), VOLUME_NAME_LEN_MAX);
        assert!(name.ends_with("-pvc") && name.starts_with("aaa"), "{name}");
        assert_ne!(name, claim_volume_name(&"a".repeat(61)));
        // "Aa" and "BB" have the same hash code in Java.
        assert_eq!([java_hash("Aa"), java_hash("BB"), java_hash("")], [2112, 2112, 0]);
        assert_eq!(claim_volume_name("a.b"), "a-b-pvc");
        assert_eq!(claim_volume_name(&"a".repeat(59)), format!("{}-pvc", "a".repeat(59)));
    }
}
