//! TLS at the gateway: only version 1.3, with a configured certificate or a self-signed one.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use auction_core::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use webpki::EndEntityCert;

use super::validity::{Validity, ValidityWarning};
use crate::config::Tls;
use crate::config::data_dir::DataDir;
use crate::projections::console_text::Certified;

/// Maximum size of a file of certificates or keys, in bytes.
const PEM_BYTES_MAX: u64 = 1 << 20;
/// The only protocol within TLS that has an ALPN name.
const ALPN: &[u8] = b"http/1.1";

/// TLS, ready for clients.
pub(crate) struct ServerTls {
    current: RwLock<(TlsAcceptor, Option<Validity>)>,
    cert: PathBuf,
    key: PathBuf,
    /// SHA-256 of a self-signed certificate, for clients to pin: `AB:CD:...`, as `openssl` writes it.
    pub(crate) fingerprint: Option<String>,
    certificate: CertificateDer<'static>,
}

impl ServerTls {
    /// Returns the acceptor for new connections.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.current().0.clone()
    }

    fn current(&self) -> RwLockReadGuard<'_, (TlsAcceptor, Option<Validity>)> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a warning about the dates of the certificate at a time of the machine's clock.
    pub(crate) fn warning(&self, utc: Timestamp) -> Option<ValidityWarning> {
        ValidityWarning::at(utc, &self.cert, self.current().1?)
    }

    /// Returns the name under which clients find the certificate valid when the server listens at this address.
    pub(crate) fn certified(&self, listens: IpAddr) -> Certified<'_> {
        // A certificate that cannot be parsed here may still be valid for clients.
        let Ok(certificate) = EndEntityCert::try_from(&self.certificate) else {
            return Certified::Unknown;
        };
        let address = ServerName::from(listens);
        if certificate
            .verify_is_valid_for_subject_name(&address)
            .is_ok()
        {
            return Certified::Address;
        }
        let mut names = certificate.valid_dns_names();
        let name = names.find(|name| !name.starts_with('*'));
        name.map_or(Certified::Unknown, Certified::Name)
    }
}

/// Handle that reloads the certificate and its key.
#[derive(Clone)]
pub struct CertificateReload(pub(crate) Arc<ServerTls>);

impl CertificateReload {
    /// Replaces certificate and key, both at once, for new connections. Returns the new certificate's SHA-256.
    ///
    /// # Errors
    /// [`TlsError`] names the file; the old pair stays in use.
    pub fn reload(&self) -> Result<String, TlsError> {
        let Self(tls) = self;
        let loaded = load(&tls.cert, &tls.key)?;
        let mut current = tls.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = (loaded.acceptor, loaded.validity);
        Ok(fingerprint(&loaded.certificate))
    }

    /// Returns a warning about the dates of the certificate at a time of the machine's clock.
    pub(crate) fn warning(&self, utc: Timestamp) -> Option<ValidityWarning> {
        self.0.warning(utc)
    }

    /// Returns the dates of the certificate, if they could be parsed.
    pub(crate) fn validity(&self) -> Option<Validity> {
        self.0.current().1
    }
}

/// Reason why TLS is not available.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file does not hold the expected content.
    #[error("{}: {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The expected content, and the fault.
        expected: String,
    },
    /// The certificate and the key do not belong together.
    #[error("{} and {}: {source}", cert.display(), key.display())]
    Pair {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// The reason.
        source: tokio_rustls::rustls::Error,
    },
}

/// Prepares TLS if it is on. A self-signed certificate is valid for `names`, and is kept in the data folder.
///
/// # Errors
/// [`TlsError`] names the file.
pub(crate) fn open(
    tls: &Tls,
    data: &DataDir,
    names: Vec<String>,
) -> Result<Option<ServerTls>, TlsError> {
    let (cert, key, is_own) = match tls {
        Tls::Off => return Ok(None),
        Tls::Files { cert, key } => (cert.clone(), key.clone(), false),
        Tls::SelfSigned => {
            let path = data.self_signed();
            if !path.exists() {
                make(&path, names)?;
            }
            (path.clone(), path, true)
        }
    };
    let loaded = load(&cert, &key)?;
    let fingerprint = is_own.then(|| fingerprint(&loaded.certificate));
    Ok(Some(ServerTls {
        current: RwLock::new((loaded.acceptor, loaded.validity)),
        cert,
        key,
        fingerprint,
        certificate: loaded.certificate,
    }))
}

/// A certificate and its key, ready for clients.
struct Loaded {
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
    validity: Option<Validity>,
}

/// Reads a certificate and its key, and checks that they belong together.
fn load(cert: &Path, key: &Path) -> Result<Loaded, TlsError> {
    let chain = certificates(cert)?;
    let validity = Validity::of(&chain);
    let certificate = chain[0].clone();
    let private =
        PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| TlsError::Content {
            path: key.to_owned(),
            expected: format!("expected a private key as PEM: {error}"),
        })?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("the provider speaks TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, private);
    let mut config = config.map_err(|source| TlsError::Pair {
        cert: cert.to_owned(),
        key: key.to_owned(),
        source,
    })?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Loaded {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        certificate,
        validity,
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let wrong = |why: String| TlsError::Content {
        path: path.to_owned(),
        expected: format!("expected certificates as PEM{why}"),
    };
    let chain = chain.map_err(|error| wrong(format!(": {error}")))?;
    if chain.is_empty() {
        return Err(wrong(", and there is none".to_owned()));
    }
    Ok(chain)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let fault = |source| TlsError::File {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fault)?;
    file.take(PEM_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(fault)?;
    Ok(bytes)
}

/// Creates a key and its certificate in one file that only its owner can read. It is written under another name and
/// renamed, so that it is complete or absent.
fn make(path: &Path, names: Vec<String>) -> Result<(), TlsError> {
    let fault = |source| TlsError::File {
        path: path.to_owned(),
        source,
    };
    let key = KeyPair::generate().map_err(|error| fault(io::Error::other(error)))?;
    let mut params =
        CertificateParams::new(names).map_err(|error| fault(io::Error::other(error)))?;
    params
        .distinguished_name
        .push(DnType::CommonName, "auction-server, self-signed");
    let cert = params
        .self_signed(&key)
        .map_err(|error| fault(io::Error::other(error)))?;
    let folder = path.parent().expect("a file lies in a folder");
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder).map_err(fault)?;
    let aside = path.with_extension("new");
    let write = || {
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&aside)?;
        file.write_all(cert.pem().as_bytes())?;
        file.write_all(key.serialize_pem().as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    write().map_err(fault)
}

fn fingerprint(cert: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(cert);
    let bytes: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}
