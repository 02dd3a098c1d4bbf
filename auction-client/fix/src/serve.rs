//! Commands: serving, and checking a sessions file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use auction_client::Trust;
use ironfix_store::SyncPolicy;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::TLS13;

use crate::account::Target;
use crate::args::Serve;
use crate::config::{self, SessionConfig, SessionKind};
use crate::engine::Engine;
use crate::market::MarketFeed;
use crate::order_log::OrderLog;
use crate::session::{self, Shared};

pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;
pub const NOT_CONNECTED: u8 = 4;

/// Reason why a command failed, with its exit code.
#[derive(Debug)]
pub struct Failure {
    kind: &'static str,
    message: String,
    exit_code: u8,
}

impl Failure {
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new("failed", message, FAILED)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", message, USAGE)
    }

    fn not_connected(message: impl Into<String>) -> Self {
        Self::new("not_connected", message, NOT_CONNECTED)
    }

    fn new(kind: &'static str, message: impl Into<String>, exit_code: u8) -> Self {
        let message = message.into();
        Self {
            kind,
            message,
            exit_code,
        }
    }

    /// Reports the failure on standard error, and returns the exit code.
    pub fn report(&self, json: bool) -> ExitCode {
        let Self {
            kind,
            message,
            exit_code,
        } = self;
        let text = match json {
            true => {
                json!({ "error": { "kind": kind, "message": message, "exit_code": exit_code } })
                    .to_string()
            }
            false => format!("auction-fix: {message}"),
        };
        // Ignore write errors: the exit code remains.
        let _ = writeln!(io::stderr(), "{text}");
        ExitCode::from(*exit_code)
    }
}

/// Checks a sessions file and prints its sessions.
pub fn check(path: &Path, json: bool) -> Result<(), Failure> {
    let sessions = config::read(path).map_err(Failure::usage)?;
    let mut out = io::stdout().lock();
    let written = match json {
        true => {
            let sessions: Vec<_> = sessions.iter().map(as_json).collect();
            writeln!(out, "{}", json!({ "sessions": sessions }))
        }
        false => sessions.iter().try_for_each(|session| {
            let purpose = match session.kind {
                SessionKind::Trading => "trading",
                SessionKind::DropCopy => "drop copy",
            };
            let password = match session.password {
                Some(_) => "configured",
                None => "with the logon",
            };
            let (comp_id, user, version) = (&session.comp_id, session.user, session.version.name());
            writeln!(
                out,
                "{comp_id}: account {user}, {version}, {purpose}, password {password}"
            )
        }),
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(error.to_string()))
        }
        _ => Ok(()),
    }
}

fn as_json(session: &SessionConfig) -> serde_json::Value {
    json!({
        "comp_id": session.comp_id,
        "user": session.user.as_str(),
        "version": session.version.name(),
        "drop_copy": session.kind == SessionKind::DropCopy,
        "has_password": session.password.is_some(),
        "cancel_on_disconnect_ms": session.cancel_on_disconnect.map(|grace| grace.as_millis() as u64),
    })
}

/// Serves until a signal ends it.
pub fn serve(args: Serve, json: bool) -> Result<(), Failure> {
    log(json);
    let path = args.sessions.as_deref().expect("the parser requires it");
    let sessions = config::read(path).map_err(Failure::usage)?;
    let target = target(&args)?;
    let tls = tls(&args)?;
    state_folder(&args.state)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::failed(error.to_string()))?;
    runtime.block_on(run(args, sessions, target, tls, json))
}

async fn run(
    args: Serve,
    sessions: Vec<SessionConfig>,
    target: Target,
    tls: Option<Arc<ServerConfig>>,
    json: bool,
) -> Result<(), Failure> {
    let (log, mut orders) =
        OrderLog::open(&args.state).map_err(|error| Failure::failed(error.to_string()))?;
    let market = &args.market;
    let unreachable = |error: auction_client::ConnectionError| {
        Failure::not_connected(format!("the market at {market}: {error}"))
    };
    let client = target.connect().await.map_err(unreachable)?;
    let feed = MarketFeed::follow(&client).await.map_err(unreachable)?;
    let shared = Shared {
        target: target.clone(),
        feed,
        log,
    };
    let mut handles = BTreeMap::new();
    for config in sessions {
        let own = orders.remove(&config.comp_id).unwrap_or_default();
        let comp_id = config.comp_id.clone();
        handles.insert(
            comp_id,
            session::start(config, &args.state, shared.clone(), own),
        );
    }
    let sync = match args.sync {
        true => SyncPolicy::EveryWrite,
        false => SyncPolicy::Never,
    };
    let engine = Engine::open(&args.state, handles, target, sync, tls)
        .await
        .map_err(Failure::failed)?;
    let listen = args.listen;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| Failure::failed(format!("{listen}: {error}")))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::failed(error.to_string()))?;
    let ready = match json {
        true => json!({ "listening": address.to_string(), "market": market }).to_string(),
        false => format!("Speaking FIX for the market at {market}. Clients connect to {address}"),
    };
    let _ = writeln!(io::stdout(), "{ready}");
    let ended = ended()?;
    tokio::select! {
        error = engine.serve(listener) => Err(Failure::failed(error.to_string())),
        () = ended => {
            engine.log_out().await;
            Ok(())
        }
    }
}

/// Returns a future that ends with SIGINT or SIGTERM.
fn ended() -> Result<impl Future<Output = ()>, Failure> {
    #[cfg(unix)]
    let mut terminated = signal::unix::signal(signal::unix::SignalKind::terminate())
        .map_err(|error| Failure::failed(error.to_string()))?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = signal::ctrl_c().await;
    })
}

fn target(args: &Serve) -> Result<Target, Failure> {
    let trust = match (&args.ca, args.fingerprint) {
        (Some(path), _) => {
            let read = fs::read(path);
            Trust::Authorities(
                read.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?,
            )
        }
        (None, Some(fingerprint)) => Trust::Pinned(fingerprint),
        (None, None) => Trust::System,
    };
    if !args.market.starts_with("tls://") && trust != Trust::System {
        let market = &args.market;
        return Err(Failure::usage(format!(
            "--ca and --fingerprint go with TLS: --market tls://{market}"
        )));
    }
    Target::new(&args.market, &trust).map_err(Failure::usage)
}

fn tls(args: &Serve) -> Result<Option<Arc<ServerConfig>>, Failure> {
    let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else {
        return Ok(None);
    };
    let wrong = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::usage(format!("{}: {error}", path.display()))
    };
    let chain =
        CertificateDer::pem_file_iter(certificate).map_err(|error| wrong(certificate, &error))?;
    let chain: Vec<_> = chain
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(certificate, &error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &tokio_rustls::rustls::version::TLS12])
        .expect("the provider speaks both")
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| wrong(certificate, &error))?;
    Ok(Some(Arc::new(config)))
}

/// Creates the state folder, which only its owner can read: it holds hidden prices and sessions of the market.
fn state_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}

fn log(json: bool) {
    let level = std::env::var("AUCTION_LOG")
        .ok()
        .and_then(|text| text.parse().ok());
    let level = level.unwrap_or(tracing::Level::INFO);
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_target(false);
    match json {
        true => log.json().init(),
        false => log.with_ansi(false).init(),
    }
}
