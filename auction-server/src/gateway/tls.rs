//! TLS at the gateway: 1.3 alone, with a certificate from somewhere or one made here.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{CertificateParams, DnType, KeyPair};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use webpki::EndEntityCert;

use crate::config::Tls;
use crate::config::data_dir::DataDir;
use crate::projections::console_text::Certified;

/// The largest file of certificates or keys, in bytes.
const PEM_BYTES_MAX: u64 = 1 << 20;
/// The one protocol within TLS that has a name.
const ALPN: &[u8] = b"http/1.1";

/// TLS, ready for clients.
pub(crate) struct ServerTls {
    acceptor: RwLock<TlsAcceptor>,
    cert: PathBuf,
    key: PathBuf,
    /// The SHA-256 of a certificate made here, for clients to hold to: `AB:CD:...`, as `openssl` writes it.
    pub(crate) fingerprint: Option<String>,
    certificate: CertificateDer<'static>,
}

impl ServerTls {
    /// What new connections are accepted with.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let acceptor = self.acceptor.read();
        acceptor.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// By which name clients come to a server that listens there, so that they find the certificate right.
    pub(crate) fn certified(&self, listens: IpAddr) -> Certified<'_> {
        // One that this cannot read may still be one that clients can.
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

/// Reads the certificate and its key again.
#[derive(Clone)]
pub struct CertificateReload(pub(crate) Arc<ServerTls>);

impl CertificateReload {
    /// Replaces certificate and key, both at once, for connections from now on. Gives the new certificate's SHA-256.
    ///
    /// # Errors
    /// [`TlsError`] names the file; the old ones stay.
    pub fn reload(&self) -> Result<String, TlsError> {
        let Self(door) = self;
        let (acceptor, certificate) = load(&door.cert, &door.key)?;
        *door
            .acceptor
            .write()
            .unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(fingerprint(&certificate))
    }
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{}: {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected, and what was wrong.
        expected: String,
    },
    /// The certificate and the key don't go together.
    #[error("{} and {}: {source}", cert.display(), key.display())]
    Pair {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        source: tokio_rustls::rustls::Error,
    },
}

/// Makes TLS ready, if it is on. A certificate made here is good for `names`, and is kept in the data folder.
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
    let (acceptor, certificate) = load(&cert, &key)?;
    let fingerprint = is_own.then(|| fingerprint(&certificate));
    Ok(Some(ServerTls {
        acceptor: RwLock::new(acceptor),
        cert,
        key,
        fingerprint,
        certificate,
    }))
}

/// Reads a certificate and its key, which must belong to it.
fn load(cert: &Path, key: &Path) -> Result<(TlsAcceptor, CertificateDer<'static>), TlsError> {
    let chain = certificates(cert)?;
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
    Ok((TlsAcceptor::from(Arc::new(config)), certificate))
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

/// Makes a key and a certificate of it in one file that its owner alone can read: aside, then renamed, so that
/// it is there whole or not at all.
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
