//! TLS over connections in memory: trusted servers, and the errors for others.

use std::sync::Arc;

use auction_client::{Client, ConnectionError, Fingerprint, Tls, TlsError, Trust};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::script::{Connect, Line, Listener, listener, welcome};

const HOST: &str = "market.example";

/// A certificate and its key, and the authority that signed it.
struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    /// The authority's certificate, as PEM.
    authority: Vec<u8>,
}

impl Identity {
    /// Creates a certificate signed by a new authority.
    fn vouched_for(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap().pem().into_bytes();
        let issuer = Issuer::new(params, key);

        let mut params = CertificateParams::new([HOST.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        Self {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
            authority,
        }
    }

    fn self_signed(name: &str) -> Self {
        Self::signed_by_itself(name, |_| {})
    }

    /// Creates a certificate as `openssl req -x509` does: its own authority.
    fn own_authority(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::signed_by_itself(name, |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            change(params);
        })
    }

    fn signed_by_itself(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
            authority: certificate.pem().into_bytes(),
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    fn trusted(&self) -> Trust {
        Trust::Authorities(self.authority.clone())
    }

    fn acceptor(&self) -> TlsAcceptor {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key());
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }
}

impl Listener {
    async fn accept_tls(&mut self, identity: &Identity) -> Option<Line<TlsStream<DuplexStream>>> {
        let stream = self.accept().await.stream;
        identity.acceptor().accept(stream).await.ok().map(Line::new)
    }
}

async fn client_of(connect: Connect, host: &str, trust: &Trust) -> Result<Client, ConnectionError> {
    let tls = Tls::new(host, trust)?;
    Client::connect_with(move || {
        let (tls, stream) = (tls.clone(), connect());
        async move { tls.wrap(stream?).await }
    })
    .await
}

/// Connects a client to a server with this identity.
async fn at(identity: &Identity, trust: &Trust) -> Result<Client, ConnectionError> {
    let (mut listener, connect) = listener();
    let serve = async {
        let line = listener.accept_tls(identity).await;
        if let Some(mut line) = line {
            line.greet(welcome()).await;
            return Some(line);
        }
        None
    };
    let (client, _line) = tokio::join!(client_of(connect, HOST, trust), serve);
    client
}

async fn refused(identity: &Identity, trust: &Trust) -> TlsError {
    match at(identity, trust).await.err() {
        Some(ConnectionError::Tls(error)) => error,
        other => panic!("expected an error of TLS: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_is_let_in_by_its_authority_or_by_its_fingerprint() {
    let vouched = Identity::vouched_for(|_| {});
    let own = Identity::self_signed(HOST);
    let pinned = |identity: &Identity| Trust::Pinned(identity.fingerprint());
    for (identity, trust) in [
        (&vouched, vouched.trusted()),
        (&vouched, pinned(&vouched)),
        (&own, own.trusted()),
        (&own, pinned(&own)),
    ] {
        let client = at(identity, &trust).await;
        assert_eq!(client.unwrap().welcome().server, welcome().server);
    }
    // The content of a pinned certificate does not matter.
    let other = Identity::vouched_for(|params| {
        params.subject_alt_names.clear();
        params.not_after = date_time_ymd(2001, 1, 1);
    });
    assert!(at(&other, &pinned(&other)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn untrusted_servers_are_reported_with_the_reason() {
    let identity = Identity::vouched_for(|_| {});
    let other = Identity::vouched_for(|_| {});
    let (found, pinned) = (identity.fingerprint(), other.fingerprint());
    let unknown = TlsError::UnknownAuthority { found };
    assert_eq!(refused(&identity, &other.trusted()).await, unknown);
    let mismatch = TlsError::OtherCertificate { pinned, found };
    assert_eq!(refused(&identity, &Trust::Pinned(pinned)).await, mismatch);
    let said = mismatch.to_string();
    assert!(said.contains(&found.to_string()), "{said}");
    assert!(said.contains(&pinned.to_string()), "{said}");

    let elsewhere = Identity::vouched_for(|params| {
        *params = CertificateParams::new(["elsewhere.example".to_owned()]).unwrap();
    });
    let error = refused(&elsewhere, &elsewhere.trusted()).await;
    let TlsError::OtherName {
        expected,
        presented,
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(expected, HOST);
    assert!(presented.concat().contains("elsewhere.example"));

    let expired = Identity::vouched_for(|params| params.not_after = date_time_ymd(2001, 2, 3));
    let error = refused(&expired, &expired.trusted()).await;
    assert!(
        error.to_string().contains("expired at 2001-02-03"),
        "{error}"
    );
    let early = Identity::vouched_for(|params| params.not_before = date_time_ymd(2999, 2, 3));
    let error = refused(&early, &early.trusted()).await;
    assert!(
        error.to_string().contains("good from 2999-02-03"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_self_signed_authority_is_trusted_for_its_name_and_dates() {
    let own = Identity::own_authority(HOST, |_| {});
    let trust = own.trusted();
    assert!(at(&own, &trust).await.is_ok());

    let found = own.fingerprint();
    let unknown = TlsError::UnknownAuthority { found };
    let other = Identity::own_authority(HOST, |_| {});
    assert_eq!(refused(&own, &other.trusted()).await, unknown);

    let elsewhere = Identity::own_authority("elsewhere.example", |_| {});
    let error = refused(&elsewhere, &elsewhere.trusted()).await;
    assert!(matches!(error, TlsError::OtherName { .. }), "{error}");
    let expired = Identity::own_authority(HOST, |params| {
        params.not_after = date_time_ymd(2001, 2, 3);
    });
    let error = refused(&expired, &expired.trusted()).await;
    assert!(matches!(error, TlsError::Expired { .. }), "{error}");
    let early = Identity::own_authority(HOST, |params| {
        params.not_before = date_time_ymd(2999, 2, 3);
    });
    let error = refused(&early, &early.trusted()).await;
    assert!(matches!(error, TlsError::NotYetValid { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_tls_is_reported_as_one() {
    let answers: [&[u8]; 4] = [
        // The answer of an auction server without TLS.
        &[0x15, 3, 1, 0, 2, 2, 0x28],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        &[0; 64],
        b"",
    ];
    for answer in answers {
        let (mut listener, connect) = listener();
        let speak = async {
            let mut line = listener.accept().await;
            let mut hello = [0; 64];
            line.stream.read_exact(&mut hello).await.unwrap();
            assert_eq!(hello[0], 0x16);
            line.stream.write_all(answer).await.unwrap();
            line.stream.shutdown().await.unwrap();
            line
        };
        let trust = pin();
        let (client, _line) = tokio::join!(client_of(connect, HOST, &trust), speak);
        let error = client.err().unwrap();
        let is_told = matches!(error, ConnectionError::Tls(TlsError::NotSpoken(_)));
        assert!(is_told, "{answer:?}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_client_recognises_an_answer_in_tls() {
    let identity = Identity::self_signed(HOST);
    let (mut listener, connect) = listener();
    let client = Client::connect_with(move || std::future::ready(connect()));
    let (client, line) = tokio::join!(client, listener.accept_tls(&identity));
    assert!(line.is_none());
    let error = client.err().unwrap();
    assert!(matches!(error, ConnectionError::SpeaksTls), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_end_without_close_notify_makes_the_client_reconnect() {
    let identity = Identity::self_signed(HOST);
    let (mut listener, connect) = listener();
    let trust = identity.trusted();
    let serve = async {
        let mut line = listener.accept_tls(&identity).await.unwrap();
        line.greet(welcome()).await;
        line
    };
    let (client, line) = tokio::join!(client_of(connect, HOST, &trust), serve);
    let client = client.unwrap();
    // The underlying stream is dropped: TLS sends no close_notify.
    drop(line);
    let serve = async {
        let mut line = listener.accept_tls(&identity).await.unwrap();
        line.greet(welcome()).await;
        let (number, _) = line.next().await;
        line.snapshot(number, &crate::script::market()).await;
        line
    };
    let (market, _line) = tokio::join!(client.snapshot(), serve);
    assert_eq!(market.unwrap().lots().len(), 1);
}

#[test]
fn invalid_trust_settings_are_reported_before_connecting() {
    for pem in [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n"] {
        let error = Tls::new(HOST, &Trust::Authorities(pem.to_vec())).err();
        assert!(matches!(error, Some(TlsError::Authorities(_))), "{error:?}");
    }
    for host in ["", "a b", "-", "host:1"] {
        let error = Tls::new(host, &pin()).err();
        assert!(
            matches!(error, Some(TlsError::Host(_))),
            "{host}: {error:?}"
        );
    }
    for host in ["market.example", "127.0.0.1", "::1", "[::1]"] {
        assert!(Tls::new(host, &pin()).is_ok(), "{host}");
    }
}

fn pin() -> Trust {
    Trust::Pinned(Fingerprint([7; 32]))
}
