//! The operators' port: liveness, readiness and metrics. It has its own address, on this machine only by default,
//! because it has no login.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use auction_core::SessionId;
use hyper::header::{HOST, ORIGIN};
use hyper::{StatusCode, Version};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::config::OpsListen;
use crate::gateway::accepting::Accepting;
use crate::gateway::http::origins::AllowedOrigins;
use crate::gateway::http::{Request, Response, content, converse, text};
use crate::gateway::session::Services;
use crate::platform::metrics::machine_text;
use crate::platform::process::{Folder, Process};
use crate::sequencer::queue::SubmitError;

/// Maximum number of operator connections; for one more the oldest is closed, so that a probe always gets through.
pub const CONNECTIONS_MAX: usize = 64;
/// Time limit for each part of the server to show that it works.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before a full queue is tried again.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// Time limit of `is-ready` for an answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum length of the answer that `is-ready` reads, in bytes.
const ANSWER_BYTES_MAX: u64 = 16 * 1_024;
/// Media type of the metrics for Prometheus.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The operators' port, listening.
pub(crate) struct Ops {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    origins: Arc<AllowedOrigins>,
    journal: Arc<Path>,
}

/// Opens the listening socket if the operators' port is on.
///
/// # Errors
/// When it cannot listen on the address. The default address is skipped if it is taken.
pub(crate) fn open(
    setting: OpsListen,
    public_hosts: Vec<String>,
    journal: &Path,
    listen: impl Fn(SocketAddr) -> io::Result<TcpListener>,
) -> io::Result<Option<Ops>> {
    let Some(address) = setting.address() else {
        return Ok(None);
    };
    match (listen(address), setting) {
        (Ok(listener), _) => {
            let address = listener.local_addr()?;
            let origins = Arc::new(AllowedOrigins::new(address, public_hosts));
            Ok(Some(Ops {
                listener,
                address,
                origins,
                journal: journal.into(),
            }))
        }
        (Err(error), OpsListen::Auto) if error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(%address, "the operators' port is taken: this server has no /readyz and no /metrics");
            Ok(None)
        }
        (Err(error), _) => Err(error),
    }
}

impl Ops {
    /// Answers from the market's opening until it is dropped. It does not keep the server running.
    pub(crate) async fn serve(self, services: Weak<Services>, stopping: watch::Receiver<bool>) {
        let mut open: VecDeque<AbortHandle> = VecDeque::new();
        let mut listener = Accepting::new(self.listener, "operators'");
        loop {
            let (stream, _) = listener.next().await;
            open.retain(|connection| !connection.is_finished());
            if open.len() >= CONNECTIONS_MAX
                && let Some(oldest) = open.pop_front()
            {
                oldest.abort();
            }
            let (services, stopping) = (services.clone(), stopping.clone());
            let (origins, journal) = (self.origins.clone(), self.journal.clone());
            let connection = tokio::spawn(async move {
                // During the shutdown too, a connection gets its answer before it closes.
                let (_never, goes_on) = watch::channel(false);
                let conversation = converse(stream, goes_on, |request| {
                    let refusal = refusal(&request, &origins);
                    let (services, stopping) = (services.clone(), stopping.clone());
                    let journal = journal.clone();
                    async move {
                        match refusal {
                            Some(refusal) => refusal,
                            None => answer(request, services, stopping, journal).await,
                        }
                    }
                });
                if let Err(error) = conversation.await {
                    tracing::debug!(%error, "an operator's connection failed");
                }
            });
            open.push_back(connection.abort_handle());
        }
    }
}

/// Refuses what a page of another site could send, which must not read the metrics: it names its own origin, or reaches
/// this port through a foreign name. A program that names no host (HTTP/1.0, as health checks of proxies) is no browser.
fn refusal(request: &Request, origins: &AllowedOrigins) -> Option<Response> {
    let is_named = request.headers().contains_key(HOST) || request.headers().contains_key(ORIGIN);
    let is_program = request.version() == Version::HTTP_10 && !is_named;
    if is_program {
        return None;
    }
    let foreign = origins.check(request, false).err()?;
    Some(foreign.refusal())
}

async fn answer(
    request: Request,
    services: Weak<Services>,
    stopping: watch::Receiver<bool>,
    journal: Arc<Path>,
) -> Response {
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "alive\n"),
        "/readyz" => {
            let is_ending = *stopping.borrow();
            match readiness(services, is_ending).await {
                Ok(()) => text(StatusCode::OK, "ready\n"),
                Err(why) => text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    format!("not ready: {why}\n"),
                ),
            }
        }
        "/metrics" => match services.upgrade() {
            Some(services) => {
                // Reads files of the system and a folder.
                let machine = tokio::task::spawn_blocking(move || {
                    machine_text(&Process::measure(), &Folder::measure(&journal))
                });
                let mut text = services.metrics.text();
                text.push_str(&machine.await.unwrap_or_default());
                content(StatusCode::OK, PROMETHEUS, text)
            }
            None => text(StatusCode::SERVICE_UNAVAILABLE, "the server is ending\n"),
        },
        _ => text(
            StatusCode::NOT_FOUND,
            "there are /livez, /readyz and /metrics\n",
        ),
    }
}

/// Checks that clients are admitted, and that the sequencer and the hub answer.
async fn readiness(services: Weak<Services>, is_ending: bool) -> Result<(), &'static str> {
    let services = services.upgrade().filter(|_| !is_ending);
    let services = services.ok_or("the server is ending")?;
    let sequencer = async {
        loop {
            // A full queue is no failure: it empties while the sequencer works.
            match services.sequencer.last_request(SessionId(0)).await {
                Err(SubmitError::Busy) => sleep(BUSY_PAUSE).await,
                answered => break answered,
            }
        }
    };
    match timeout(ANSWER_TIMEOUT, sequencer).await {
        Ok(Ok(_)) => {}
        _ => return Err("the sequencer does not answer"),
    }
    match timeout(ANSWER_TIMEOUT, services.hub.ping()).await {
        Ok(Ok(())) => Ok(()),
        _ => Err("the hub does not answer"),
    }
}

/// Asks a server whether it is ready.
///
/// # Errors
/// A message, when the server is not ready or does not answer.
pub fn ask_readiness(address: SocketAddr) -> Result<(), String> {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&address, ASK_TIMEOUT)?;
        stream.set_read_timeout(Some(ASK_TIMEOUT))?;
        let request =
            format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
        io::Result::Ok(answer)
    };
    let answer = ask().map_err(|error| format!("{address} cannot be asked: {error}"))?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    let said = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Err(said.trim().to_owned())
}
