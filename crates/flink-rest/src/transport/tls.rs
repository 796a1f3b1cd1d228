//! TLS to JobManagers, as in Flink's own client.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::HttpOptionsError;

/// Trusted certificates, and the client certificate.
///
/// Host names are not verified: Flink's client does not verify them either, and certificates of JobManagers rarely name the
/// Service. A certificate is accepted if a trusted authority signed it or if it is itself trusted, as with Java's trust
/// stores.
#[derive(Clone)]
pub struct TlsOptions {
    /// One or more trusted certificates, PEM.
    pub authorities_pem: Vec<u8>,
    /// For clusters that require client certificates (`security.ssl.rest.authentication-enabled`).
    pub identity: Option<TlsIdentity>,
}

/// A client certificate.
#[derive(Clone)]
pub struct TlsIdentity {
    /// The certificate and its intermediate certificates, leaf first, PEM.
    pub chain_pem: Vec<u8>,
    /// The unencrypted private key: PKCS#8, PKCS#1 or SEC1, PEM.
    pub key_pem: Vec<u8>,
}

/// Hides the private key.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { authorities_pem, identity } = self;
        f.debug_struct("TlsOptions")
            .field("authorities_pem", &format_args!("{} bytes", authorities_pem.len()))
            .field("identity", &identity.as_ref().map(|_| "…"))
            .finish()
    }
}

/// Makes the configuration of the client. Without options no certificate is trusted.
pub(super) fn client_config(
    options: Option<&TlsOptions>,
) -> Result<ClientConfig, HttpOptionsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = AnyHostName::new(options, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpOptionsError::Client { reason: error.to_string() })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match options.and_then(|options| options.identity.as_ref()) {
        Some(identity) => {
            let (chain, key) = identity.parse()?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| identity_error(error.to_string()))?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

impl TlsIdentity {
    fn parse(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), HttpOptionsError> {
        let chain = certificates(&self.chain_pem).map_err(identity_error)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key_pem)
            .map_err(|error| identity_error(format!("the private key is not PEM: {error}")))?;
        Ok((chain, key))
    }
}

fn identity_error(reason: String) -> HttpOptionsError {
    HttpOptionsError::Identity { reason }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let list: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificates are not PEM: {error}"))?;
    if list.is_empty() { Err("there is no certificate in the PEM".to_owned()) } else { Ok(list) }
}

/// Verifies the signature of a certificate, but not its host name.
#[derive(Debug)]
struct AnyHostName {
    trusted: Vec<CertificateDer<'static>>,
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl AnyHostName {
    fn new(
        options: Option<&TlsOptions>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, HttpOptionsError> {
        let mut verifier = Self {
            trusted: Vec::new(),
            roots: RootCertStore::empty(),
            provider: Arc::clone(provider),
        };
        let Some(options) = options else { return Ok(verifier) };
        verifier.trusted = certificates(&options.authorities_pem)
            .map_err(|reason| HttpOptionsError::Authorities { reason })?;
        for certificate in &verifier.trusted {
            verifier
                .roots
                .add(certificate.clone())
                .map_err(|error| HttpOptionsError::Authorities { reason: error.to_string() })?;
        }
        Ok(verifier)
    }
}

impl ServerCertVerifier for AnyHostName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if !self.trusted.contains(end_entity) {
            verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(end_entity)?,
                &self.roots,
                intermediates,
                now,
                self.provider.signature_verification_algorithms.all,
            )?;
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
