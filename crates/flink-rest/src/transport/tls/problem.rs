//! Why a TLS connection to a JobManager is not possible, and what to set.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError, InvalidMessage};

/// Why a TLS connection to a JobManager is not possible. The message says what to set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    #[error(
        "the cluster uses TLS, and the operator has no usable trust store: {why}. Install the chart with tls.create: true, and \
         put truststore.jks (JKS, PKCS12 or PEM) into the Secret that tls.secretName names"
    )]
    NoTrustStore { why: String },
    #[error(
        "the cluster requires a client certificate (security.ssl.rest.authentication-enabled), and the operator has none: \
         {why}. Put keystore.jks (JKS, PKCS12 or PEM) into the Secret that the chart's value tls.secretName names"
    )]
    NoClientCertificate { why: String },
    #[error(
        "no certificate in the operator's trust store has signed the certificate of the JobManager. Add its authority, or \
         the certificate itself, to the trust store in the Secret that the chart's value tls.secretName names"
    )]
    UnknownIssuer,
    #[error(
        "the certificate of the JobManager or of its authority has expired. Renew it in the key store that \
         security.ssl.rest.keystore names, and restart the cluster"
    )]
    Expired,
    #[error(
        "the certificate of the JobManager or of its authority is not valid yet. Check the clocks, and the certificate in \
         the key store that security.ssl.rest.keystore names"
    )]
    NotYetValid,
    #[error(
        "the certificate of the JobManager does not name the host. Add <name>-rest.<namespace> to its subject alternative \
         names, or set security.ssl.rest.verify-hostname to false"
    )]
    WrongHostName,
    #[error(
        "the certificate of the JobManager has the SHA-1 fingerprint {found}, which is not in \
         security.ssl.rest.cert.fingerprint. Add it there, or install the certificate that is named there"
    )]
    WrongFingerprint { found: String },
    #[error("the certificate of the JobManager cannot be accepted: {reason}")]
    BadCertificate { reason: String },
    #[error(
        "the JobManager refuses the operator's client certificate ({alert}). Its trust store \
         (security.ssl.rest.truststore) has to trust the certificate in the operator's key store; a cluster that requires \
         one needs security.ssl.rest.authentication-enabled: true in its spec"
    )]
    ClientCertificateRefused { alert: String },
    #[error(
        "the JobManager and the operator have no TLS version and cipher suite in common. The operator has TLSv1.2 and \
         TLSv1.3 with forward secrecy: set security.ssl.protocol to TLSv1.2 and security.ssl.algorithms to \
         TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    )]
    NothingInCommon,
    #[error(
        "the JobManager does not use TLS on this port, although its deployed options ask for it"
    )]
    NotTls,
}

/// The certificate is none of those that the cluster's options name.
#[derive(Debug, thiserror::Error)]
#[error("the certificate has another fingerprint")]
pub(super) struct WrongFingerprint {
    pub(super) found: String,
}

impl TlsProblem {
    /// The problem in a chain of errors; `None` if none of them is one of TLS that somebody has to solve.
    pub(crate) fn find(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Self::of(error);
            }
            // An I/O error hides what it was made of from the chain.
            let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = match inner {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }

    fn of(error: &rustls::Error) -> Option<Self> {
        if let rustls::Error::InvalidCertificate(error) = error {
            return Some(Self::of_certificate(error));
        }
        if let rustls::Error::AlertReceived(alert) = error {
            return Self::of_alert(*alert);
        }
        if matches!(error, rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) {
            return Some(Self::NotTls);
        }
        matches!(error, rustls::Error::PeerIncompatible(_)).then_some(Self::NothingInCommon)
    }

    fn of_certificate(error: &CertificateError) -> Self {
        if matches!(error, CertificateError::Expired | CertificateError::ExpiredContext { .. }) {
            return Self::Expired;
        }
        if matches!(
            error,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }
        ) {
            return Self::NotYetValid;
        }
        if matches!(
            error,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        ) {
            return Self::WrongHostName;
        }
        // The second one: an authority of the same name, made anew with another key.
        if matches!(error, CertificateError::UnknownIssuer | CertificateError::BadSignature) {
            return Self::UnknownIssuer;
        }
        if let CertificateError::Other(other) = error
            && let Some(wrong) = other.0.downcast_ref::<WrongFingerprint>()
        {
            return Self::WrongFingerprint { found: wrong.found.clone() };
        }
        Self::BadCertificate { reason: error.to_string() }
    }

    fn of_alert(alert: AlertDescription) -> Option<Self> {
        let about_certificate = [
            AlertDescription::CertificateRequired,
            AlertDescription::BadCertificate,
            AlertDescription::UnsupportedCertificate,
            AlertDescription::CertificateRevoked,
            AlertDescription::CertificateExpired,
            AlertDescription::CertificateUnknown,
            AlertDescription::UnknownCA,
            AlertDescription::AccessDenied,
            AlertDescription::DecryptError,
        ];
        if about_certificate.contains(&alert) {
            return Some(Self::ClientCertificateRefused { alert: format!("{alert:?}") });
        }
        let about_versions = [
            AlertDescription::HandshakeFailure,
            AlertDescription::ProtocolVersion,
            AlertDescription::InsufficientSecurity,
        ];
        about_versions.contains(&alert).then_some(Self::NothingInCommon)
    }
}
