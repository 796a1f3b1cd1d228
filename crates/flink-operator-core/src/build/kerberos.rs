//! Mounts the files of Kerberos: the keytab from a Secret, `krb5.conf` from a ConfigMap.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::{
    error::BuildError,
    object::{config_map, metadata},
    pod::Pod,
};

const KEYTAB_DIRECTORY: &str = "/opt/kerberos/kerberos-keytab";
const KRB5_CONF: &str = "krb5.conf";

/// A file that an option refers to. Its content is text or bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedFile<C> {
    /// The last segment of the path.
    name: String,
    content: C,
}

impl<C> NamedFile<C> {
    /// `path` is the value of the option `key`. A missing file is an error: pods that mount it would
    /// never start.
    pub(super) fn new(
        key: &'static str,
        path: &str,
        content: Option<C>,
    ) -> Result<Self, BuildError> {
        let name = path.rsplit('/').next().unwrap_or_default();
        match content {
            Some(content) if !name.is_empty() => Ok(Self { name: name.to_owned(), content }),
            Some(_) | None => Err(BuildError::MissingFile { key, path: path.to_owned() }),
        }
    }
}

/// Mounts the keytab. Returns the Secret to create, and the path of the keytab in the pod.
pub(super) fn mount_keytab(pod: &mut Pod, cluster_id: &str, keytab: NamedFile<Vec<u8>>) -> Keytab {
    let secret_name = format!("kerberos-keytab-{cluster_id}");
    pod.mount(
        "kerberos-keytab-volume",
        ("secret", json!({ "secretName": secret_name })),
        KEYTAB_DIRECTORY,
    );
    let path_in_pod = format!("{KEYTAB_DIRECTORY}/{}", keytab.name);
    let data = BTreeMap::from([(keytab.name, BASE64.encode(keytab.content))]);
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(&secret_name, &BTreeMap::new()),
        "data": data,
    });
    Keytab { secret, path_in_pod }
}

/// A mounted keytab.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Keytab {
    /// The Secret to create. Flink's client gives it no labels either.
    pub(super) secret: Value,
    /// The value of `security.kerberos.login.keytab` in the pod.
    pub(super) path_in_pod: String,
}

/// Mounts `krb5.conf` where Kerberos reads it, and returns the ConfigMap to create. Its key is the name
/// of the file: the JobManager uses this key in the TaskManager pods. Flink's client gives the
/// ConfigMap no labels either.
pub(super) fn mount_krb5_conf(pod: &mut Pod, cluster_id: &str, file: NamedFile<String>) -> Value {
    const VOLUME: &str = "kerberos-krb5conf-volume";
    let name = format!("kerberos-krb5conf-{cluster_id}");
    let items = json!([{ "key": file.name, "path": KRB5_CONF }]);
    pod.volumes.push(json!({ "name": VOLUME, "configMap": { "name": name, "items": items } }));
    pod.main.volume_mounts.push(json!({
        "name": VOLUME,
        "mountPath": "/etc/krb5.conf",
        "subPath": KRB5_CONF,
    }));
    config_map(&name, &BTreeMap::new(), &BTreeMap::from([(file.name, file.content)]))
}
