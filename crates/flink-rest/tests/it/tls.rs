//! TLS as Flink's own client does it: who signed counts, the host name only where the cluster's options say so.

use std::path::PathBuf;
use std::sync::Arc;

use flink_rest::transport::{TlsFiles, TlsIdentity, TlsPolicy, TlsProblem, TlsSource};
use flink_rest::{FlinkRest, HttpOptions, RestError, TlsOptions, Transport};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a host that nobody calls.
fn signed_by(authority: &Authority) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["somewhere.else".to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

/// Serves `/config` over TLS; clients must show a certificate of `clients` if that is given.
async fn serve(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
    clients: Option<&Authority>,
) -> String {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let config = builder.with_single_cert(vec![certificate], private(key)).unwrap();
    serve_with(config).await
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

async fn serve_with(config: ServerConfig) -> String {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await?;
                assert!(buffer[..read].starts_with(b"GET /config HTTP/1.1\r\n"));
                let body = r#"{"flink-version":"2.3.0"}"#;
                let answer =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await?;
                stream.shutdown().await
            });
        }
    });
    address
}

fn trusting(pem: &str, identity: Option<TlsIdentity>) -> FlinkRest {
    let mut tls = TlsOptions::of_stores(pem.as_bytes(), None, "").unwrap();
    tls.identity = identity;
    with(TlsSource::Given(tls))
}

fn with(tls: TlsSource) -> FlinkRest {
    FlinkRest::new(Transport::http(&HttpOptions { tls, ..HttpOptions::default() }).unwrap())
}

async fn version(rest: &FlinkRest, address: &str) -> Result<String, RestError> {
    version_by(rest, address, TlsPolicy::default()).await
}

/// Asks a cluster whose options say this about TLS.
async fn version_by(
    rest: &FlinkRest,
    address: &str,
    policy: TlsPolicy,
) -> Result<String, RestError> {
    let cluster = rest.cluster(&address.parse().unwrap()).unwrap();
    cluster.with_tls(policy).config().await.map(|config| config.flink_version)
}

fn problem(result: &Result<String, RestError>) -> TlsProblem {
    let error = result.as_ref().expect_err("there is no connection");
    error.tls_problem().unwrap_or_else(|| panic!("{error:?}")).clone()
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stores").join(name)
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_accepted_for_any_host() {
    let ours = authority();
    let (certificate, key) = signed_by(&ours);
    let address = serve(certificate.der().clone(), &key, None).await;
    assert_eq!(version(&trusting(&ours.pem(), None), &address).await.unwrap(), "2.3.0");
    // One of several authorities is enough.
    let both = format!("{}{}", authority().pem(), ours.pem());
    assert_eq!(version(&trusting(&both, None), &address).await.unwrap(), "2.3.0");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let (certificate, key) = signed_by(&authority());
    let address = serve(certificate.der().clone(), &key, None).await;
    let refused = version(&trusting(&authority().pem(), None), &address).await;
    assert_eq!(problem(&refused), TlsProblem::UnknownIssuer);
    let error = refused.unwrap_err();
    assert!(error.is_unreachable() && !error.may_have_taken_effect(), "{error}");
}

#[tokio::test]
async fn a_certificate_that_is_itself_trusted_is_accepted_as_in_java() {
    // Made by `openssl req -x509`, such a certificate claims to be an authority.
    let own = authority();
    let address = serve(own.der().clone(), own.key(), None).await;
    assert_eq!(version(&trusting(&own.pem(), None), &address).await.unwrap(), "2.3.0");
    let error = version(&trusting(&authority().pem(), None), &address).await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
}

#[tokio::test]
async fn a_client_proves_who_it_is_where_that_is_wanted() {
    let ours = authority();
    let (certificate, key) = signed_by(&ours);
    let address = serve(certificate.der().clone(), &key, Some(&ours)).await;
    let (client, client_key) = signed_by(&ours);
    let identity = TlsIdentity { chain: vec![client.der().clone()], key: private(&client_key) };
    let required = TlsPolicy { needs_client_certificate: true, ..TlsPolicy::default() };
    let known = trusting(&ours.pem(), Some(identity));
    assert_eq!(version_by(&known, &address, required.clone()).await.unwrap(), "2.3.0");

    // The options of the cluster do not say that it wants one.
    let refused = problem(&version(&known, &address).await);
    assert!(matches!(refused, TlsProblem::ClientCertificateRefused { .. }), "{refused:?}");
    // The operator has none.
    let missing = problem(&version_by(&trusting(&ours.pem(), None), &address, required).await);
    assert!(matches!(missing, TlsProblem::NoClientCertificate { .. }), "{missing:?}");
}

#[tokio::test]
async fn a_client_certificate_of_an_unknown_authority_is_refused_by_the_server() {
    let ours = authority();
    let (certificate, key) = signed_by(&ours);
    let address = serve(certificate.der().clone(), &key, Some(&ours)).await;
    let (client, client_key) = signed_by(&authority());
    let identity = TlsIdentity { chain: vec![client.der().clone()], key: private(&client_key) };
    let required = TlsPolicy { needs_client_certificate: true, ..TlsPolicy::default() };
    let known = trusting(&ours.pem(), Some(identity));
    let refused = problem(&version_by(&known, &address, required).await);
    assert!(matches!(refused, TlsProblem::ClientCertificateRefused { .. }), "{refused:?}");
}

#[tokio::test]
async fn the_host_name_counts_where_the_options_of_the_cluster_say_so() {
    let ours = authority();
    let rest = trusting(&ours.pem(), None);
    let verifies = TlsPolicy { verifies_host_name: true, ..TlsPolicy::default() };
    let (elsewhere, key) = signed_by(&ours);
    let address = serve(elsewhere.der().clone(), &key, None).await;
    let refused = version_by(&rest, &address, verifies.clone()).await;
    assert_eq!(problem(&refused), TlsProblem::WrongHostName);

    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let here = params.signed_by(&key, &ours).unwrap();
    let address = serve(here.der().clone(), &key, None).await;
    assert_eq!(version_by(&rest, &address, verifies).await.unwrap(), "2.3.0");
}

#[tokio::test]
async fn a_fingerprint_counts_instead_of_the_authority() {
    use sha1::Digest;
    let (certificate, key) = signed_by(&authority());
    let address = serve(certificate.der().clone(), &key, None).await;
    let rest = trusting(&authority().pem(), None);
    let digest = sha1::Sha1::digest(certificate.der());
    let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let found = digits.concat();
    let only = |fingerprint: &str| TlsPolicy {
        fingerprints: vec![fingerprint.to_owned()],
        ..TlsPolicy::default()
    };
    assert_eq!(version_by(&rest, &address, only(&found)).await.unwrap(), "2.3.0");
    let refused = version_by(&rest, &address, only("00")).await;
    assert_eq!(problem(&refused), TlsProblem::WrongFingerprint { found });
}

#[tokio::test]
async fn certificates_out_of_their_time_are_told_apart() {
    let ours = authority();
    let rest = trusting(&ours.pem(), None);
    for (from, to, expected) in
        [(2000, 2001, TlsProblem::Expired), (2100, 2101, TlsProblem::NotYetValid)]
    {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        let certificate = params.signed_by(&key, &ours).unwrap();
        let address = serve(certificate.der().clone(), &key, None).await;
        assert_eq!(problem(&version(&rest, &address).await), expected);
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await);
        }
    });
    let asked = version(&trusting(&authority().pem(), None), &address).await;
    assert_eq!(problem(&asked), TlsProblem::NotTls);
}

#[tokio::test]
async fn options_of_a_cluster_that_leave_no_common_cipher_suite_are_told() {
    let weak = TlsPolicy {
        protocols: vec!["TLSv1.2".to_owned()],
        cipher_suites: vec!["TLS_RSA_WITH_AES_128_CBC_SHA".to_owned()],
        ..TlsPolicy::default()
    };
    let rest = trusting(&authority().pem(), None);
    let refused = version_by(&rest, "https://127.0.0.1:1", weak).await;
    assert_eq!(problem(&refused), TlsProblem::NothingInCommon);
    let shown = refused.unwrap_err();
    let reason = std::error::Error::source(&shown).unwrap().to_string();
    assert!(reason.contains("security.ssl.algorithms"), "{reason}");
}

/// The stores were made by Java's keytool and by OpenSSL.
#[tokio::test]
async fn stores_of_java_and_openssl_are_read() {
    for (key_store, trust_store) in [
        ("key.jks", "trust.jks"),
        ("key.p12", "trust.p12"),
        ("key.p12", "trust-openssl.p12"),
        ("key.pem", "trust.p12"),
        ("key.p12", "key.pem"),
    ] {
        let read = |name: &str| std::fs::read(fixture(name)).unwrap();
        let tls =
            TlsOptions::of_stores(&read(trust_store), Some(&read(key_store)), "changeit").unwrap();
        let identity = tls.identity.clone().unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = server
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), identity.key.clone_key())
            .unwrap();
        let address = serve_with(config).await;
        let required = TlsPolicy { needs_client_certificate: true, ..TlsPolicy::default() };
        let asked = version_by(&with(TlsSource::Given(tls)), &address, required).await;
        assert_eq!(asked.unwrap(), "2.3.0", "{key_store} {trust_store}");
    }
}

#[test]
fn stores_that_cannot_be_used_are_told() {
    let read = |name: &str| std::fs::read(fixture(name)).unwrap();
    for (trust_store, key_store, password, expected) in [
        (b"".to_vec(), None, "", "neither JKS nor PKCS12 nor PEM"),
        (b"\xfe\xed\xfe\xed".to_vec(), None, "", "neither JKS nor PKCS12 nor PEM"),
        (read("trust.jks"), None, "another", "password"),
        (read("trust.p12"), None, "another", "password"),
        (read("key.jks"), None, "changeit", "it has no certificate to trust"),
        (read("trust.p12"), Some(read("trust.p12")), "changeit", "it has no private key"),
        (read("trust.jks"), Some(read("trust.jks")), "changeit", "it has no private key"),
    ] {
        let error = TlsOptions::of_stores(&trust_store, key_store.as_deref(), password);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_missing_store_is_named_with_what_to_install() {
    let directory = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        trust_store: directory.path().join("truststore.jks"),
        key_store: None,
        password: "secret".to_owned(),
    };
    assert!(!format!("{files:?}").contains("secret"));
    let missing = problem(&version(&with(TlsSource::Files(files)), "https://127.0.0.1:1").await);
    let text = missing.to_string();
    assert!(text.contains("truststore.jks") && text.contains("tls.create: true"), "{text}");

    let none = TlsSource::None { why: "OPERATOR_TRUSTSTORE_PATH is not set".to_owned() };
    let missing = problem(&version(&with(none), "https://127.0.0.1:1").await).to_string();
    assert!(missing.contains("OPERATOR_TRUSTSTORE_PATH is not set"), "{missing}");
}

#[test]
fn unusable_certificates_are_refused_at_the_start_and_the_key_is_not_shown() {
    let ours = authority();
    let other = KeyPair::generate().unwrap();
    let identity = TlsIdentity { chain: vec![ours.der().clone()], key: private(&other) };
    let mut tls = TlsOptions::of_stores(ours.pem().as_bytes(), None, "").unwrap();
    tls.identity = Some(identity);
    let shown = format!("{tls:?}");
    assert!(!shown.contains("PRIVATE") && shown.len() < 100, "{shown}");
    let options = HttpOptions { tls: TlsSource::Given(tls), ..HttpOptions::default() };
    let error = Transport::http(&options).unwrap_err().to_string();
    assert!(error.contains("client certificate for Flink's REST API cannot be used"), "{error}");
}
