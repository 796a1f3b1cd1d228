//! Trust stores and key stores: JKS, PKCS12 and PEM, told apart by their content.

use p12_keystore::{KeyStoreEntry, Pkcs12Archive, Pkcs12ImportPolicy};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::TlsIdentity;

/// The first bytes of a JKS file.
const JKS: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];

/// Why a store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("it is neither JKS nor PKCS12 nor PEM, or its password is another one ({reason})")]
    Unreadable { reason: String },
    #[error("it has no certificate to trust")]
    NoCertificate,
    #[error("it has no private key with a certificate")]
    NoPrivateKey,
}

fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable { reason: error.to_string() }
}

/// The certificates to trust.
pub(super) fn trusted(
    bytes: &[u8],
    password: &str,
) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let found = if bytes.starts_with(&JKS) {
        let store = read_jks(bytes, password)?;
        store
            .aliases()
            .iter()
            .filter_map(|alias| store.get_trusted_certificate_entry(alias).ok())
            .map(|entry| CertificateDer::from(entry.certificate.content))
            .collect()
    } else if is_pem(bytes) {
        read_certificates(bytes)?
    } else {
        let archive = Pkcs12Archive::from_pkcs12(bytes, password).map_err(unreadable)?;
        // Java marks the certificates to trust. Other programs mark none, and then all count.
        let marks = archive.certs.iter().any(|bag| bag.trusted);
        let counts = archive.certs.iter().filter(|bag| bag.trusted || !marks);
        counts.map(|bag| CertificateDer::from(bag.cert.as_der().to_vec())).collect()
    };
    if found.is_empty() { Err(StoreError::NoCertificate) } else { Ok(found) }
}

/// The first private key with its certificates.
pub(super) fn identity(bytes: &[u8], password: &str) -> Result<TlsIdentity, StoreError> {
    let (chain, key) = if bytes.starts_with(&JKS) {
        let store = read_jks(bytes, password)?;
        let mut aliases = store.aliases();
        aliases.sort();
        let alias = aliases.iter().find(|alias| store.is_private_key_entry(alias));
        let alias = alias.ok_or(StoreError::NoPrivateKey)?;
        let entry = store.get_private_key_entry(alias, password.as_bytes()).map_err(unreadable)?;
        let chain = entry.certificate_chain.into_iter().map(|found| found.content).collect();
        (chain, pkcs8(entry.private_key))
    } else if is_pem(bytes) {
        let chain = read_certificates(bytes)?.iter().map(|found| found.to_vec()).collect();
        (chain, PrivateKeyDer::from_pem_slice(bytes).map_err(|_| StoreError::NoPrivateKey)?)
    } else {
        let store =
            p12_keystore::KeyStore::from_pkcs12(bytes, password, Pkcs12ImportPolicy::Strict)
                .map_err(unreadable)?;
        let found = store.entries().find_map(|(_, entry)| match entry {
            KeyStoreEntry::PrivateKeyChain(found) => Some(found),
            KeyStoreEntry::Certificate(_) | KeyStoreEntry::Secret(_) => None,
        });
        let found = found.ok_or(StoreError::NoPrivateKey)?;
        let chain = found.certs().iter().map(|found| found.as_der().to_vec()).collect();
        (chain, pkcs8(found.key().as_der().to_vec()))
    };
    let chain: Vec<Vec<u8>> = chain;
    if chain.is_empty() {
        return Err(StoreError::NoPrivateKey);
    }
    Ok(TlsIdentity { chain: chain.into_iter().map(CertificateDer::from).collect(), key })
}

fn pkcs8(der: Vec<u8>) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der))
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).take(4096).any(|window| window == b"-----BEGIN ")
}

fn read_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(unreadable)
}

fn read_jks(bytes: &[u8], password: &str) -> Result<jks::KeyStore, StoreError> {
    let mut store = jks::KeyStore::new();
    store.load(bytes, password.as_bytes()).map_err(unreadable)?;
    Ok(store)
}
