//! TLS as Flink's own client does it: who signed counts, the host name does not.

use std::sync::Arc;

use flink_rest::transport::TlsIdentity;
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
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder.with_single_cert(vec![certificate], key).unwrap();
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
    let tls = TlsOptions { authorities_pem: pem.as_bytes().to_vec(), identity };
    FlinkRest::new(
        Transport::http(&HttpOptions { tls: Some(tls), ..HttpOptions::default() }).unwrap(),
    )
}

async fn version(rest: &FlinkRest, address: &str) -> Result<String, RestError> {
    let cluster = rest.cluster(&address.parse().unwrap()).unwrap();
    cluster.config().await.map(|config| config.flink_version)
}

/// The reason why there is no connection.
fn reason(error: &RestError) -> String {
    assert!(
        !error.may_have_taken_effect() || matches!(error, RestError::Interrupted { .. }),
        "{error}"
    );
    std::error::Error::source(error).unwrap().to_string()
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
    let error = version(&trusting(&authority().pem(), None), &address).await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    assert!(reason(&error).contains("invalid peer certificate"), "{}", reason(&error));
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
    let identity = TlsIdentity {
        chain_pem: client.pem().into_bytes(),
        key_pem: client_key.serialize_pem().into_bytes(),
    };
    assert_eq!(version(&trusting(&ours.pem(), Some(identity)), &address).await.unwrap(), "2.3.0");

    let error = version(&trusting(&ours.pem(), None), &address).await.unwrap_err();
    assert!(reason(&error).contains("CertificateRequired"), "{}", reason(&error));
}

#[test]
fn unusable_options_are_told_and_the_key_is_not_shown() {
    let ours = authority();
    let good = ours.pem().into_bytes();
    let key = KeyPair::generate().unwrap().serialize_pem().into_bytes();
    let identity = |chain: &[u8], key: &[u8]| {
        Some(TlsIdentity { chain_pem: chain.to_vec(), key_pem: key.to_vec() })
    };
    for (authorities, identity, expected) in [
        (
            &b""[..],
            None,
            "certificate authorities for Flink's REST API cannot be used: there is no certificate",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            None,
            "the certificates are not PEM",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            None,
            "certificate authorities",
        ),
        (
            &good,
            identity(b"", &key),
            "client certificate for Flink's REST API cannot be used: there is no",
        ),
        (&good, identity(&good, b"nothing"), "the private key is not PEM"),
        (&good, identity(&good, &key), "client certificate for Flink's REST API cannot be used"),
    ] {
        let tls = TlsOptions { authorities_pem: authorities.to_vec(), identity };
        let shown = format!("{tls:?}");
        assert!(!shown.contains("PRIVATE") && shown.len() < 100, "{shown}");
        let options = HttpOptions { tls: Some(tls), ..HttpOptions::default() };
        let error = Transport::http(&options).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
