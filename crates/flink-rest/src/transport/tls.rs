//! TLS to JobManagers, as in Flink's own client.

mod files;
mod policy;
mod problem;
mod store;

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use sha1::{Digest, Sha1};

pub(super) use files::Stamp;
pub use files::TlsFiles;
pub use policy::TlsPolicy;
pub use problem::TlsProblem;
pub use store::StoreError;

use super::HttpOptionsError;
use problem::WrongFingerprint;

/// Where the trusted certificates come from.
#[derive(Clone, Debug)]
pub enum TlsSource {
    /// Nowhere: https is refused, and the text says why.
    None { why: String },
    /// They never change.
    Given(TlsOptions),
    /// They are read when they are needed, and again when they change.
    Files(TlsFiles),
}

/// Trusted certificates, and the client certificate.
///
/// A certificate is accepted if a trusted authority signed it or if it is itself trusted, as with Java's trust stores.
#[derive(Clone)]
pub struct TlsOptions {
    pub authorities: Vec<CertificateDer<'static>>,
    /// For clusters that require client certificates (`security.ssl.rest.authentication-enabled`).
    pub identity: Option<TlsIdentity>,
}

/// A client certificate.
pub struct TlsIdentity {
    /// The certificate and its intermediate certificates, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

impl Clone for TlsIdentity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

impl TlsOptions {
    /// Reads a trust store, and a key store if there is one. Each may be JKS, PKCS12 or PEM: the content tells.
    ///
    /// # Errors
    ///
    /// A store cannot be read, has a different password, or has no certificate or private key.
    pub fn of_stores(
        trust_store: &[u8],
        key_store: Option<&[u8]>,
        password: &str,
    ) -> Result<Self, StoreError> {
        let authorities = store::trusted(trust_store, password)?;
        let identity = key_store.map(|bytes| store::identity(bytes, password)).transpose()?;
        Ok(Self { authorities, identity })
    }
}

/// Hides the private key.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { authorities, identity } = self;
        f.debug_struct("TlsOptions")
            .field("authorities", &authorities.len())
            .field("identity", &identity.as_ref().map(|_| "…"))
            .finish()
    }
}

/// Makes the configuration of a client. Without options no certificate is trusted.
pub(super) fn client_config(
    options: Option<&TlsOptions>,
    policy: &TlsPolicy,
) -> Result<ClientConfig, HttpOptionsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new(options, policy, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpOptionsError::Client { reason: error.to_string() })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let identity = options.and_then(|options| options.identity.as_ref());
    let mut config = match identity.filter(|_| policy.needs_client_certificate) {
        Some(identity) => {
            let TlsIdentity { chain, key } = identity.clone();
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| HttpOptionsError::Identity { reason: error.to_string() })?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Verifies certificates as a cluster's options say.
#[derive(Debug)]
struct Verifier {
    trusted: Vec<CertificateDer<'static>>,
    roots: RootCertStore,
    policy: TlsPolicy,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(
        options: Option<&TlsOptions>,
        policy: &TlsPolicy,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, HttpOptionsError> {
        let trusted = options.map(|options| options.authorities.clone()).unwrap_or_default();
        let mut roots = RootCertStore::empty();
        for certificate in &trusted {
            roots
                .add(certificate.clone())
                .map_err(|error| HttpOptionsError::Authorities { reason: error.to_string() })?;
        }
        Ok(Self { trusted, roots, policy: policy.clone(), provider: Arc::clone(provider) })
    }

    fn verify_trust(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        // Flink's client compares the fingerprint instead of asking who signed the certificate.
        if !self.policy.fingerprints.is_empty() {
            let found = fingerprint(end_entity);
            if self.policy.fingerprints.contains(&found) {
                return Ok(());
            }
            let wrong = OtherError(Arc::new(WrongFingerprint { found }));
            return Err(CertificateError::Other(wrong).into());
        }
        if self.trusted.contains(end_entity) {
            return Ok(());
        }
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )
    }
}

/// The SHA-1 digest in lower-case hexadecimal digits.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let mut text = String::with_capacity(40);
    for byte in Sha1::digest(certificate) {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verify_trust(end_entity, intermediates, now)?;
        if self.policy.verifies_host_name {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
