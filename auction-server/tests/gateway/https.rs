//! HTTP over TLS.

use std::sync::Arc;

use auction_server::testing::config::Tls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::market::{Market, within};

const PUBLIC: &str = "auction.test";
const HSTS: &str = "strict-transport-security: max-age=31536000\r\n";

async fn head_over_tls(market: &Market, host: &str) -> String {
    let pem = market.data.path().join("tls/self-signed.pem");
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(pem).unwrap())
        .unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(PUBLIC).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, market.connect().await);
    head(within(stream).await.unwrap(), host).await
}

async fn head(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, host: &str) -> String {
    let request = format!("HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer
}

/// On `localhost` other servers run, which speak no TLS.
#[tokio::test]
async fn browsers_stay_with_tls_on_a_public_name_alone() {
    let public = |config: &mut auction_server::testing::config::Config| {
        config.network.public_hosts = vec![PUBLIC.to_owned()];
    };
    let plain = Market::start_with(public).await;
    assert!(!head(plain.connect().await, PUBLIC).await.contains(HSTS));
    plain.stop().await;
    let market = Market::start_with(|config| {
        public(config);
        config.network.tls = Tls::SelfSigned;
    })
    .await;
    assert!(head_over_tls(&market, PUBLIC).await.contains(HSTS));
    assert!(!head_over_tls(&market, "localhost").await.contains(HSTS));
    market.stop().await;
}
