//! Trust settings for a server's TLS: the given options, else those remembered for this server, else the system's root
//! certificates. Given options are remembered once the server has proved to match them.

use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};

use auction_client::{Code, ConnectionError, Fingerprint, TlsError, Trust};
use serde_json::{Value, json};

use crate::args::Shared;
use crate::args::server::{Scheme, ServerAddress};
use crate::output::escape::Escaped;
use crate::output::failure::Failure;
use crate::session::state_dir;

/// Word for the system's root certificates, in place of a file of authorities.
const SYSTEM: &str = "system";
/// Largest file of authorities, in bytes: more than all existing ones together.
const AUTHORITIES_BYTES_MAX: u64 = 4 << 20;

/// Trust settings for one TLS server.
#[derive(Clone, Debug)]
pub struct ServerTrust {
    choice: Choice,
    origin: Origin,
    server: ServerAddress,
    /// File that remembers the settings.
    file: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    System,
    /// Authorities in a file.
    Authorities(PathBuf),
    Pinned(Fingerprint),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Typed,
    Remembered,
    Default,
}

impl ServerTrust {
    /// Determines the settings; `None`: the connection is plain.
    pub fn find(shared: &Shared, state_dir: &Path) -> Result<Option<Self>, Failure> {
        let server = &shared.server;
        let typed = match (&shared.ca, shared.fingerprint) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                let message = "--ca and --fingerprint (or AUCTION_CA and AUCTION_FINGERPRINT) are two ways \
                               to trust a server; give one";
                return Err(Failure::usage(message));
            }
            (Some(ca), None) if ca.as_os_str() == SYSTEM => Some(Choice::System),
            // The next command may run in another folder.
            (Some(ca), None) => Some(Choice::Authorities(
                path::absolute(ca).unwrap_or_else(|_| ca.clone()),
            )),
            (None, Some(fingerprint)) => Some(Choice::Pinned(fingerprint)),
        };
        if server.scheme == Scheme::Plain {
            return match typed {
                None => Ok(None),
                Some(_) => Err(Failure::usage(format!(
                    "--ca and --fingerprint (or AUCTION_CA and AUCTION_FINGERPRINT) go with TLS: --server {}",
                    server.with_scheme(Scheme::Tls)
                ))),
            };
        }
        let name = format!("{}.json", state_dir::file_name(&server.to_string()));
        let file = state_dir.join("servers").join(name);
        let (choice, origin) = match typed {
            Some(choice) => (choice, Origin::Typed),
            None => match load(&file)? {
                Some(choice) => (choice, Origin::Remembered),
                None => (Choice::System, Origin::Default),
            },
        };
        Ok(Some(Self {
            choice,
            origin,
            server: server.clone(),
            file,
        }))
    }

    /// Converts to the library's type.
    pub fn trust(&self) -> Result<Trust, Failure> {
        match &self.choice {
            Choice::System => Ok(Trust::System),
            Choice::Pinned(fingerprint) => Ok(Trust::Pinned(*fingerprint)),
            Choice::Authorities(file) => {
                let read = read(file).map_err(|error| {
                    let remembered = match self.origin {
                        Origin::Remembered => ", as was remembered for this server; --ca and --fingerprint override it",
                        _ => "",
                    };
                    let file = file.display();
                    Failure::usage(format!("the authorities in {file} cannot be read: {error}{remembered}"))
                })?;
                Ok(Trust::Authorities(read))
            }
        }
    }

    /// Remembers given options, now that the server has proved to match them.
    pub fn remember(&self) {
        if self.origin != Origin::Typed {
            return;
        }
        if load(&self.file).is_ok_and(|known| known.as_ref() == Some(&self.choice)) {
            return;
        }
        let value = match &self.choice {
            Choice::System => None,
            Choice::Authorities(file) => Some(json!({ "ca": file.to_string_lossy() })),
            Choice::Pinned(fingerprint) => Some(json!({ "fingerprint": fingerprint.to_string() })),
        };
        let kept = match value {
            Some(value) => state_dir::keep(&self.file, format!("{value}\n").as_bytes()),
            None => state_dir::remove(&self.file),
        };
        // The command works without.
        if let Err(error) = kept {
            tracing::warn!(file = %self.file.display(), %error, "the trust settings are not remembered");
        }
    }

    /// Describes the remedy for an error of TLS.
    fn explain(&self, error: &TlsError) -> String {
        let server = &self.server;
        match error {
            TlsError::NotSpoken(_) => format!(
                "{error}. If it is meant to be a plain server, leave tls:// out: --server {}",
                server.with_scheme(Scheme::Plain)
            ),
            TlsError::OtherCertificate { pinned, found } => {
                let whence = match self.origin {
                    Origin::Remembered => "remembered from an earlier command",
                    _ => "given by --fingerprint or AUCTION_FINGERPRINT",
                };
                format!(
                    "THIS IS NOT THE SERVER THAT WAS PINNED for {server}.\n  \
                     expected  {pinned}\n            ({whence})\n  \
                     found     {found}\n\
                     Someone may be intercepting the connection, or the operator made a new certificate. \
                     Nothing was sent.\nAsk the operator, over another channel than this connection, which fingerprint \
                     is right. If it is the one that was found, give it with --fingerprint."
                )
            }
            TlsError::UnknownAuthority { found } => format!(
                "{error}.\nIf the server made its certificate itself, it printed the certificate's fingerprint when \
                 it started. If that is\n  {found}\nit is the one: give it with --fingerprint. Else name the \
                 authority that has signed it: --ca FILE"
            ),
            TlsError::OtherName { .. } => format!(
                "{error}. Connect by a name that it is for, or pin the certificate with --fingerprint"
            ),
            TlsError::NoAuthorities(_) => format!(
                "{error}; install your system's package of CA certificates, or set the trust with --ca FILE or \
                 --fingerprint"
            ),
            TlsError::Authorities(_) => match &self.choice {
                Choice::Authorities(file) => format!("{}: {error}", file.display()),
                _ => error.to_string(),
            },
            _ => error.to_string(),
        }
    }
}

/// Returns the failure for a connection error, with the remedy.
pub fn not_connected(
    error: ConnectionError,
    server: &ServerAddress,
    server_trust: Option<&ServerTrust>,
) -> Failure {
    let needs_tls = match &error {
        ConnectionError::SpeaksTls => true,
        ConnectionError::Goodbye(goodbye) => goodbye.code == Code::TLS_REQUIRED,
        _ => false,
    };
    if needs_tls {
        let tls = server.with_scheme(Scheme::Tls);
        let message = format!("the server at {server} speaks only TLS: --server {tls}");
        return Failure::not_connected(message).with_code(Code::TLS_REQUIRED.to_string());
    }
    if let ConnectionError::Connect(_) | ConnectionError::TimedOut(_) = error {
        return no_server(&error, server);
    }
    let (ConnectionError::Tls(tls), Some(server_trust)) = (&error, server_trust) else {
        return error.into();
    };
    let (code, found) = match tls {
        TlsError::NotSpoken(_) => ("tls_not_spoken", None),
        TlsError::OtherCertificate { found, .. } => ("certificate_not_pinned", Some(found)),
        TlsError::UnknownAuthority { found } => ("certificate_authority_unknown", Some(found)),
        TlsError::OtherName { .. } => ("certificate_for_other_name", None),
        TlsError::Expired { .. } => ("certificate_expired", None),
        TlsError::NotYetValid { .. } => ("certificate_not_yet_valid", None),
        _ => ("tls_failed", None),
    };
    let failure = Failure::not_connected(server_trust.explain(tls)).with_code(code);
    match found {
        Some(found) => failure.with_remedy("fingerprint_found", json!(found.to_string())),
        None => failure,
    }
}

/// Failure for an address where no server answers, with what to check.
fn no_server(error: &ConnectionError, server: &ServerAddress) -> Failure {
    let error = Escaped(error);
    Failure::not_connected(format!(
        "{error}.\nIs a server running at {server}? `auction-server --demo` starts one on this machine; \
         --server HOST:PORT (or AUCTION_SERVER) names another"
    ))
}

fn load(file: &Path) -> Result<Option<Choice>, Failure> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let message = format!("cannot read {}: {error}", file.display());
            return Err(Failure::failed(message));
        }
    };
    // A damaged file must not be ignored: more servers would be trusted than intended.
    let choice = parse(&text).ok_or_else(|| {
        let file = file.display();
        Failure::failed(format!(
            "{file} is damaged; set the trust again with --fingerprint or --ca"
        ))
    })?;
    Ok(Some(choice))
}

fn parse(text: &str) -> Option<Choice> {
    let value: Value = serde_json::from_str(text).ok()?;
    if let Some(fingerprint) = value.get("fingerprint") {
        return Some(Choice::Pinned(fingerprint.as_str()?.parse().ok()?));
    }
    Some(Choice::Authorities(value.get("ca")?.as_str()?.into()))
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    let most = AUTHORITIES_BYTES_MAX + 1;
    let file = fs::File::open(file)?;
    file.take(most).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == most {
        return Err(io::Error::other(
            "it is too large for a list of certificates",
        ));
    }
    Ok(bytes)
}
