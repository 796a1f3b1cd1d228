//! How TLS to one cluster differs from TLS to another.

use rustls::crypto::aws_lc_rs;
use rustls::{ProtocolVersion, SupportedCipherSuite};

/// What a cluster's options say about TLS on its REST API.
///
/// The default verifies who signed the certificate and not the host name, as REST clients before Flink 2.3 do, and shows no
/// client certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsPolicy {
    /// The client shows its certificate.
    pub needs_client_certificate: bool,
    /// The certificate has to name the host.
    pub verifies_host_name: bool,
    /// SHA-1 digests of the certificates that are accepted, in lower case and without colons; empty for any that is trusted.
    pub fingerprints: Vec<String>,
    /// Versions of TLS that the server accepts, in Java's notation; empty if it is not known.
    pub protocols: Vec<String>,
    /// Cipher suites that the server accepts, in Java's notation; empty if it is not known.
    pub cipher_suites: Vec<String>,
}

impl TlsPolicy {
    /// Whether client and server have a version of TLS and a cipher suite in common.
    pub fn is_supported(&self) -> bool {
        let accepts = |names: &[String], name: &str| {
            names.is_empty() || names.iter().any(|accepted| accepted.eq_ignore_ascii_case(name))
        };
        aws_lc_rs::ALL_CIPHER_SUITES.iter().any(|suite| {
            accepts(&self.protocols, protocol_name(suite))
                && accepts(&self.cipher_suites, &suite_name(suite))
        })
    }
}

fn protocol_name(suite: &SupportedCipherSuite) -> &'static str {
    if suite.version().version == ProtocolVersion::TLSv1_3 { "TLSv1.3" } else { "TLSv1.2" }
}

/// rustls marks the suites of TLS 1.3 by another prefix than the standard.
fn suite_name(suite: &SupportedCipherSuite) -> String {
    suite.suite().as_str().unwrap_or_default().replacen("TLS13_", "TLS_", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cipher_suites_without_forward_secrecy_and_old_versions_are_not_supported() {
        let supported = |protocols: &[&str], suites: &[&str]| {
            let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let policy = TlsPolicy {
                protocols: texts(protocols),
                cipher_suites: texts(suites),
                ..TlsPolicy::default()
            };
            policy.is_supported()
        };
        assert!(supported(&[], &[]));
        assert!(supported(&["TLSv1.2"], &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]));
        assert!(supported(&["TLSv1.3"], &["TLS_AES_128_GCM_SHA256"]));
        assert!(supported(
            &["TLSv1.1", "TLSv1.2"],
            &["x", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]
        ));
        // The default of Flink 1.19.
        assert!(!supported(&["TLSv1.2"], &["TLS_RSA_WITH_AES_128_CBC_SHA"]));
        assert!(!supported(&["TLSv1.1"], &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]));
        assert!(!supported(&["TLSv1.2"], &["TLS_AES_128_GCM_SHA256"]));
    }
}
