//! What the options of a cluster say about TLS on its REST API.

use crate::conf::Configuration;
use crate::conf::options::network;
use crate::flink_version::FlinkVersion;

/// TLS on the REST API of one cluster, as far as a client has to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RestTls {
    /// Clients have to show a certificate (`security.ssl.rest.authentication-enabled`).
    pub needs_client_certificate: bool,
    /// The certificate has to name the host. Only Flink 2.3 and later have an option for it.
    pub verifies_host_name: bool,
    /// SHA-1 digests of the certificates that are accepted, in lower case and without colons; empty for any certificate
    /// that a trusted authority has signed.
    pub fingerprints: Vec<String>,
    /// TLS versions that the JobManager accepts (`security.ssl.protocol`).
    pub protocols: Vec<String>,
    /// Cipher suites that the JobManager accepts (`security.ssl.algorithms`).
    pub cipher_suites: Vec<String>,
}

impl RestTls {
    /// `None` if the REST API has no TLS. An option with a bad value counts as not set: validation reports it.
    pub(super) fn read(configuration: &Configuration, version: FlinkVersion) -> Option<Self> {
        let flag = |option| configuration.get(option).ok().flatten();
        // Flink 2.0 has removed the option for all endpoints.
        let all_endpoints =
            version < FlinkVersion::V2_0 && flag(&network::SSL_ENABLED).unwrap_or(false);
        if !flag(&network::REST_SSL_ENABLED).unwrap_or(all_endpoints) {
            return None;
        }
        let verifies_host_name = version >= FIRST_WITH_HOST_NAMES
            && flag(&network::REST_SSL_VERIFY_HOSTNAME)
                .or_else(|| flag(&network::SSL_VERIFY_HOSTNAME))
                .unwrap_or(false);
        let list = |option, default: &str| {
            let text = configuration.get(option).ok().flatten();
            let text = text.unwrap_or_else(|| default.to_owned());
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect::<Vec<_>>()
        };
        let suites = if version < FlinkVersion::V1_20 { SUITES_OF_1_19 } else { SUITES };
        let fingerprints = list(&network::REST_SSL_CERT_FINGERPRINT, "");
        Some(Self {
            needs_client_certificate: flag(&network::REST_SSL_AUTHENTICATION_ENABLED)
                .unwrap_or(false),
            verifies_host_name,
            fingerprints: fingerprints
                .iter()
                .map(|digest| digest.replace(':', "").to_ascii_lowercase())
                .collect(),
            protocols: list(&network::SSL_PROTOCOL, "TLSv1.2"),
            cipher_suites: list(&network::SSL_ALGORITHMS, suites),
        })
    }
}

/// Earlier REST clients of Flink never verify the host name, although `security.ssl.verify-hostname` is `true` by default.
const FIRST_WITH_HOST_NAMES: FlinkVersion = FlinkVersion::new(2, 3);

/// Flink's defaults of `security.ssl.algorithms`.
const SUITES: &str = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
const SUITES_OF_1_19: &str = "TLS_RSA_WITH_AES_128_CBC_SHA";
