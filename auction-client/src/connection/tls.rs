//! TLS 1.3 client side: trust settings, and clear errors when the server is not trusted.
//!
//! ring is the provider, as in the server. The system's root certificates are trusted by default: the owner of the
//! machine adds and removes authorities there, for all programs at once. A compiled-in list could do neither, and would
//! become outdated.

use std::fmt;
use std::io;
use std::sync::Arc;

use auction_core::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError,
    RootCertStore, SignatureScheme,
};

use crate::error::TlsError;
use crate::fingerprint::Fingerprint;

pub use tokio_rustls::client::TlsStream;

/// Rule for accepting a server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A certificate for the server's name, from an authority that this machine trusts.
    System,
    /// A certificate for the server's name, from an authority whose certificate is in this PEM text; or one of these
    /// certificates itself.
    Authorities(Vec<u8>),
    /// Only the certificate with this fingerprint, whatever name and validity period it contains: for self-signed
    /// certificates.
    Pinned(Fingerprint),
}

/// TLS configuration for one host.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// Creates the configuration for `host`: a DNS name or an IP address, without a port.
    ///
    /// # Errors
    /// [`TlsError`] when `host` is neither, or no trust anchor is available.
    pub fn new(host: &str, trust: &Trust) -> Result<Self, TlsError> {
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let name = ServerName::try_from(bare.unwrap_or(host).to_owned());
        let name = name.map_err(|_| TlsError::Host(host.to_owned()))?;
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier::new(trust, provider.clone())?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .expect("the provider speaks TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { connector, name })
    }

    /// Performs the TLS handshake over a stream. A TLS failure is a [`TlsError`] within the error.
    ///
    /// # Errors
    /// [`TlsError`] as the inner error; other errors come from the stream.
    pub async fn wrap<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connected = self.connector.connect(self.name.clone(), stream).await;
        connected.map_err(|error| match of_handshake(&error) {
            Some(tls) => io::Error::new(error.kind(), tls),
            None => error,
        })
    }
}

impl Fingerprint {
    /// Returns the fingerprint of a certificate in DER, as received in a handshake.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

/// Converts the error of a failed handshake; `None` if TLS is not its cause.
fn of_handshake(error: &io::Error) -> Option<TlsError> {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, UnexpectedEof};
    let hung_up = matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | UnexpectedEof
    );
    let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    else {
        return hung_up.then(|| TlsError::NotSpoken("it hung up".to_owned()));
    };
    Some(match tls {
        Error::InvalidCertificate(CertificateError::Other(OtherError(said))) => {
            match said.downcast_ref::<TlsError>() {
                Some(said) => said.clone(),
                None => TlsError::Failed(said.to_string()),
            }
        }
        // Answers of a server without TLS, or without TLS 1.3; the first is the auction server's.
        Error::AlertReceived(
            alert @ (AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion),
        ) => TlsError::NotSpoken(format!("it answered with the alert {alert:?}")),
        Error::InvalidMessage(_) | Error::PeerIncompatible(_) => {
            TlsError::NotSpoken("it answered with something else".to_owned())
        }
        other => TlsError::Failed(other.to_string()),
    })
}

/// Verifies a certificate, and converts rustls' errors into [`TlsError`].
struct Verifier {
    judge: CertificateVerifier,
    provider: Arc<CryptoProvider>,
}

enum CertificateVerifier {
    Authorities {
        judge: Arc<WebPkiServerVerifier>,
        /// The given certificates; empty with those of the system.
        given: Vec<Fingerprint>,
    },
    Pinned(Fingerprint),
}

impl Verifier {
    fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let judge = match trust {
            Trust::Pinned(fingerprint) => CertificateVerifier::Pinned(*fingerprint),
            Trust::System => CertificateVerifier::Authorities {
                judge: judge(system()?, &provider)?,
                given: Vec::new(),
            },
            Trust::Authorities(pem) => {
                let (roots, given) = authorities(pem)?;
                CertificateVerifier::Authorities {
                    judge: judge(roots, &provider)?,
                    given,
                }
            }
        };
        Ok(Self { judge, provider })
    }
}

fn judge(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| TlsError::Authorities(error.to_string()))
}

fn system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some machines hold a malformed certificate; the others can still be used.
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    match (taken, found.errors.first()) {
        (0, Some(error)) => Err(TlsError::NoAuthorities(format!(": {error}"))),
        (0, None) => Err(TlsError::NoAuthorities(String::new())),
        _ => Ok(roots),
    }
}

fn authorities(pem: &[u8]) -> Result<(RootCertStore, Vec<Fingerprint>), TlsError> {
    let wrong = |why: String| TlsError::Authorities(why);
    let mut roots = RootCertStore::empty();
    let mut given = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        given.push(Fingerprint::of(&certificate));
        roots
            .add(certificate)
            .map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("there is none".to_owned()));
    }
    Ok((roots, given))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = Fingerprint::of(end_entity);
        let verified = match &self.judge {
            CertificateVerifier::Pinned(pinned) if *pinned == found => {
                return Ok(ServerCertVerified::assertion());
            }
            CertificateVerifier::Pinned(pinned) => Err(TlsError::OtherCertificate {
                pinned: *pinned,
                found,
            }),
            CertificateVerifier::Authorities { judge, given } => {
                let verified = judge.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                );
                let verified = match verified {
                    // The usual self-signed certificate is an authority too, which rustls refuses as a server's. The
                    // dates were checked before that; the name is checked here.
                    Err(error) if is_authority(&error) && given.contains(&found) => {
                        ParsedCertificate::try_from(end_entity)
                            .and_then(|certificate| verify_server_name(&certificate, server_name))
                            .map(|()| ServerCertVerified::assertion())
                    }
                    verified => verified,
                };
                verified.map_err(|error| of_certificate(error, found))
            }
        };
        verified.map_err(|error| CertificateError::Other(OtherError(Arc::new(error))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Returns whether a certificate was refused because it is an authority's.
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(OtherError(why))) = error else {
        return false;
    };
    let why = why.downcast_ref::<webpki::Error>();
    why == Some(&webpki::Error::CaUsedAsEndEntity)
}

fn of_certificate(error: Error, found: Fingerprint) -> TlsError {
    let time = |time: UnixTime| {
        let micros = time.as_secs().checked_mul(1_000_000);
        micros.and_then(Timestamp::from_micros)
    };
    if is_authority(&error) {
        return TlsError::UnknownAuthority { found };
    }
    let failed = TlsError::Failed(error.to_string());
    let Error::InvalidCertificate(error) = error else {
        return failed;
    };
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            time(not_after).map_or(failed, |since| TlsError::Expired { since })
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            time(not_before).map_or(failed, |from| TlsError::NotYetValid { from })
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => TlsError::OtherName {
            expected: expected.to_str().into_owned(),
            presented,
        },
        // `BadSignature`: an authority of the same name with another key, for example regenerated.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            TlsError::UnknownAuthority { found }
        }
        _ => failed,
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.judge {
            CertificateVerifier::Authorities { .. } => "Verifier(authorities)",
            CertificateVerifier::Pinned(_) => "Verifier(pinned)",
        })
    }
}
