//! The operators' port: whether the server lives, whether it is ready for clients, and what it measures. It has an
//! address of its own, on this machine alone unless told otherwise, for nobody logs in there.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use auction_core::SessionId;
use hyper::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::config::OpsListen;
use crate::gateway::accepting::Accepting;
use crate::gateway::http::{Request, Response, content, converse, text};
use crate::gateway::session::Services;

/// How many connections operators can have; one more is closed.
pub const CONNECTIONS_MAX: usize = 64;
/// How long each part of the server may take to say that it works.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// How long `is-ready` waits for an answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that `is-ready` reads.
const ANSWER_BYTES_MAX: u64 = 16 * 1_024;
/// The media type of what Prometheus reads.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The operators' port, listening.
pub(crate) struct Ops {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// Listens, if operators are to be heard.
///
/// # Errors
/// When the address cannot be listened on; the usual one that is taken is passed over.
pub(crate) fn open(
    setting: OpsListen,
    listen: impl Fn(SocketAddr) -> io::Result<TcpListener>,
) -> io::Result<Option<Ops>> {
    let Some(address) = setting.address() else {
        return Ok(None);
    };
    match (listen(address), setting) {
        (Ok(listener), _) => {
            let address = listener.local_addr()?;
            Ok(Some(Ops { listener, address }))
        }
        (Err(error), OpsListen::Auto) if error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(%address, "the operators' port is taken: this server has no /readyz and no /metrics");
            Ok(None)
        }
        (Err(error), _) => Err(error),
    }
}

impl Ops {
    /// Answers from the market's opening until it is dropped. It keeps nothing of the server running.
    pub(crate) async fn serve(self, services: Weak<Services>, stopping: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut listener = Accepting::new(self.listener, "operators'");
        loop {
            let (stream, _) = listener.next().await;
            let Ok(permit) = room.clone().try_acquire_owned() else {
                continue;
            };
            let (services, stopping) = (services.clone(), stopping.clone());
            tokio::spawn(async move {
                // Asked during the end too: a connection is answered, not cut.
                let (_never, goes_on) = watch::channel(false);
                let conversation = converse(stream, goes_on, |request| {
                    answer(request, services.clone(), stopping.clone())
                });
                if let Err(error) = conversation.await {
                    tracing::debug!(%error, "an operator's connection failed");
                }
                drop(permit);
            });
        }
    }
}

async fn answer(
    request: Request,
    services: Weak<Services>,
    stopping: watch::Receiver<bool>,
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
            Some(services) => content(StatusCode::OK, PROMETHEUS, services.metrics.text()),
            None => text(StatusCode::SERVICE_UNAVAILABLE, "the server is ending\n"),
        },
        _ => text(
            StatusCode::NOT_FOUND,
            "there are /livez, /readyz and /metrics\n",
        ),
    }
}

/// Whether clients are let in, and the sequencer and the hub answer.
async fn readiness(services: Weak<Services>, is_ending: bool) -> Result<(), &'static str> {
    let services = services.upgrade().filter(|_| !is_ending);
    let services = services.ok_or("the server is ending")?;
    let sequencer = services.sequencer.last_request(SessionId(0));
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
/// In words, when it is not, or cannot be asked.
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
