//! The operator's socket: commands about accounts for the running server, from programs of the same user of the machine.
//!
//! A Unix socket in the data folder. Its file is the owner's alone, and each connection's user is compared too: the mode
//! of a file can be changed. A connection carries one line of JSON each way.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use auction_core::{Access, Caller, Command, CredentialChange, Name, Role};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::session::Services;
use crate::market::credentials::Account;
use crate::platform::new_password;
use crate::platform::password::Password;
use crate::sequencer::queue::SubmitError;

/// Maximum number of connections at the same time; further ones wait.
const CONNECTIONS_MAX: usize = 8;
/// Maximum length of a request, in bytes.
const REQUEST_BYTES_MAX: u64 = 4_096;
/// Maximum number of accounts in an answer: the sequencer waits while they are copied.
const ACCOUNTS_MAX: usize = 1_024;
/// Time limit of a request to arrive, and of its password to be hashed. A change that is under way has none: the answer and
/// the log tell what was done.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Pause after an error of the system, such as too many open files.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// The operator's socket, listening. Its file is removed when it is dropped.
pub(crate) struct OperatorSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl OperatorSocket {
    /// Listens. A file that a killed server left is replaced: the caller holds the lock of the data folder.
    ///
    /// # Errors
    /// The system cannot create the socket, for example because its path is longer than about 100 bytes.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers until it is dropped.
    pub(crate) async fn serve(self, services: Weak<Services>) {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            let room = room.clone().acquire_owned().await;
            let room = room.expect("the semaphore is never closed");
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let services = services.clone();
                    connections.spawn(async move {
                        let _room = room;
                        if let Err(error) = talk(stream, services).await {
                            tracing::debug!(%error, "an operator's connection failed");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the operator's socket cannot accept a connection");
                    sleep(ERROR_PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }
}

impl Drop for OperatorSocket {
    fn drop(&mut self) {
        // It may be gone with its folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn talk(mut stream: UnixStream, services: Weak<Services>) -> io::Result<()> {
    let user = stream.peer_cred()?.uid();
    let own = rustix::process::geteuid().as_raw();
    let answer = if user == own || user == 0 {
        let mut line = zeroize::Zeroizing::new(String::new());
        let mut input = BufReader::new((&mut stream).take(REQUEST_BYTES_MAX));
        timeout(ANSWER_WITHIN, input.read_line(&mut line)).await??;
        match services.upgrade() {
            Some(services) => answer(&line, &services).await,
            None => Err("the server is ending".into()),
        }
    } else {
        Err("only the user who runs the server may do this".into())
    };
    let answer = match answer {
        Ok(done) => json!({ "done": done }),
        Err(error) => json!({ "error": error }),
    };
    stream.write_all(format!("{answer}\n").as_bytes()).await
}

async fn answer(line: &str, services: &Services) -> Result<Value, String> {
    let request: Value =
        serde_json::from_str(line).map_err(|error| format!("the request is no JSON: {error}"))?;
    let text = |field: &str| request[field].as_str();
    let command = text("command").ok_or("the request names no command")?;
    if command == "list" {
        let after = request["after"].as_u64().unwrap_or(0);
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let accounts = services.credentials.accounts(after, ACCOUNTS_MAX);
        let shown = accounts.iter().map(|account| shown(account, services));
        return Ok(shown.collect());
    }
    let name = text("name").ok_or("the request names no account")?;
    let name = Name::parse(name).map_err(|error| format!("the name {error}"))?;
    let account = services.credentials.account(name);
    let account = account.ok_or_else(|| format!("there is no account {name}; see `user list`"))?;
    let user = account.user;
    match command {
        "show" => return Ok(shown(&account, services)),
        "passwd" => {
            let password = text("password").ok_or("the request has no password")?;
            let password = Password::new(password.into()).map_err(|error| error.to_string())?;
            new_password::check(&password, name).map_err(|error| error.to_string())?;
            let hashed = timeout(ANSWER_WITHIN, services.password_pool.hash(password)).await;
            let credential = hashed.ok().and_then(Result::ok);
            let credential = credential.ok_or("the server is busy; try again")?;
            let change = CredentialChange {
                user,
                credential,
                keep: None,
            };
            decide(services, change.into()).await?;
        }
        "lock" | "unlock" | "close" => {
            let access = match command {
                "lock" => Access::Locked,
                "close" => Access::Closed,
                _ => Access::Open,
            };
            if account.access == access {
                return Err(format!("the account {name} is {} already", word(access)));
            }
            decide(services, Command::SetAccess { user, access }).await?;
        }
        other => return Err(format!("there is no command {other}")),
    }
    tracing::info!(%name, command, "the operator changed an account");
    let account = services.credentials.account(name).unwrap_or(account);
    Ok(shown(&account, services))
}

async fn decide(services: &Services, command: Command) -> Result<(), String> {
    match services.sequencer.command(Caller::Operator, command).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(reject)) => Err(reject.to_string()),
        Err(SubmitError::Busy) => Err("the server is busy; try again".into()),
        Err(_) => Err("the server is ending".into()),
    }
}

/// An account as the operator sees it: never its credential.
fn shown(account: &Account, services: &Services) -> Value {
    let (role, symbol) = match account.role {
        Role::Trader => ("trader", None),
        Role::Company(symbol) => ("company", Some(symbol.to_string())),
        Role::Auctioneer => ("auctioneer", None),
    };
    json!({
        "user": account.user.0,
        "name": account.name.as_str(),
        "role": role,
        "symbol": symbol,
        "access": word(account.access),
        "sessions": services.credentials.sessions_of(account.user).len(),
        "devices": services.credentials.devices_of(account.user).len(),
    })
}

fn word(access: Access) -> &'static str {
    match access {
        Access::Open => "open",
        Access::Locked => "locked",
        Access::Closed => "closed",
    }
}

/// Sends a request to the server that runs on a data folder, and returns its answer.
///
/// # Errors
/// A message, when no server runs there, or when it refuses.
pub fn ask(path: &Path, request: &Value) -> Result<Value, String> {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    let folder = path.parent().unwrap_or(path).display();
    let mut stream = UnixStream::connect(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
            "no server runs on {folder}: start it first, or name its folder with --data; accounts are changed through \
             the running server"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("{}: only the user who runs the server may do this", path.display())
        }
        _ => format!("{} cannot be asked: {error}", path.display()),
    })?;
    let talk = || {
        // Twice the server's own limit: the server answers first.
        stream.set_read_timeout(Some(2 * ANSWER_WITHIN))?;
        let line = zeroize::Zeroizing::new(format!("{request}\n"));
        stream.write_all(line.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        io::Result::Ok(answer)
    };
    let answer = { talk }().map_err(|error| format!("the server did not answer: {error}"))?;
    let mut answer: Value = serde_json::from_str(&answer)
        .map_err(|_| "the server did not answer in time: it may still do it; `user show NAME` tells, and so does its log".to_owned())?;
    match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer["done"].take()),
    }
}
