//! The one door: the first byte of a connection tells what its client speaks, and one session code serves all.
//!
//! | first byte | the client speaks |
//! |---|---|
//! | `16` | TLS; what is inside begins anew |
//! | `a5` | the binary protocol |
//! | `{` | lines of JSON |
//! | a letter | HTTP, and WebSocket from there |
//!
//! A door with TLS takes nothing else, and says so in the language of who comes without.

mod prefixed;
mod hosts;
mod tls;
mod pages;
mod web;

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auction_core::RequestId;
use auction_proto::{Code, Goodbye, Text};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::descriptors::ConnectionLimits;
use crate::encoding::Encoding;
use crate::line::{Line, Sides};
use crate::session::{self, Channel, Ended, HELLO_TIMEOUT, LINGER_TIMEOUT, Services};
use crate::visitors::{TurnedAway, Visit};
use prefixed::Prefixed;

pub use hosts::Hosts;
pub use tls::{CertificateReload, TlsError};
pub(crate) use tls::{TlsDoor, open as open_tls};

/// The first byte of TLS: a handshake record.
const TLS_HANDSHAKE: u8 = 0x16;
/// A fatal alert, `handshake_failure`: what a client that speaks TLS understands.
const TLS_ALERT: [u8; 7] = [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28];
/// What is written to a client that is sent away.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// How many connections can be open; one more is told so and closed.
pub const CONNECTIONS_MAX: usize = 20_000;
/// How many connections at a time are told why they are turned away; one more is closed without a word.
pub const TURNED_AWAY_MAX: usize = 256;

/// What stands behind the door.
pub(crate) struct Door {
    pub(crate) services: Arc<Services>,
    hosts: Hosts,
    tls: Option<Arc<TlsDoor>>,
    connections_max: usize,
    turning_away: Arc<Semaphore>,
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Tls,
    Binary,
    Lines,
    Http,
}

impl Language {
    /// What begins with no byte that is known is held to be binary: it is told what was expected.
    fn of(first: u8) -> Self {
        match first {
            TLS_HANDSHAKE => Self::Tls,
            b'{' => Self::Lines,
            b'A'..=b'Z' | b'a'..=b'z' => Self::Http,
            _ => Self::Binary,
        }
    }
}

impl Door {
    pub(crate) fn new(
        services: Arc<Services>,
        hosts: Hosts,
        tls: Option<TlsDoor>,
        limits: ConnectionLimits,
    ) -> Self {
        Self {
            services,
            hosts,
            tls: tls.map(Arc::new),
            connections_max: limits.connections,
            turning_away: Arc::new(Semaphore::new(limits.refusing)),
        }
    }

    /// What reads the certificate again; `None` without TLS.
    pub(crate) fn certificate(&self) -> Option<CertificateReload> {
        self.tls.clone().map(CertificateReload)
    }

    /// Lets a connection in beside those that are open, if there is room for it.
    pub(crate) fn enter(&self, peer: SocketAddr, open: usize) -> Result<Visit, TurnedAway> {
        if open >= self.connections_max {
            return Err(TurnedAway::Full);
        }
        self.services.visitors.enter(peer.ip())
    }

    /// Tells a connection why it is not let in, unless too many are told already.
    pub(crate) fn turn_away(&self, mut stream: TcpStream, why: TurnedAway) {
        self.services.metrics.turned_away.add_one();
        let Ok(permit) = self.turning_away.clone().try_acquire_owned() else {
            return;
        };
        let code = match why {
            TurnedAway::TooFast { .. } => Code::SLOW_DOWN,
            _ => Code::TOO_MANY_CONNECTIONS,
        };
        tokio::spawn(async move {
            // What it speaks is not known yet, and it is not waited for.
            send_away(&mut stream, &goodbye(Encoding::Binary, code, why)).await;
            drop(permit);
        });
    }

    /// Serves a connection until it ends.
    pub(crate) async fn serve(&self, stream: TcpStream, visit: &Visit) -> Ended {
        let ended = self.receive(stream, visit).await;
        match ended {
            Ended::TooSlow => self.services.metrics.too_slow.add_one(),
            Ended::Silent => self.services.metrics.silent.add_one(),
            _ => {}
        }
        ended
    }

    async fn receive(&self, stream: TcpStream, visit: &Visit) -> Ended {
        let other = self.services.metrics.connections_other.held();
        let hello_by = Instant::now() + HELLO_TIMEOUT;
        // Replies are small and waited for.
        if let Err(error) = stream.set_nodelay(true) {
            return error.into();
        }
        let (line, sides) = match Line::new(stream) {
            Ok(line) => line,
            Err(error) => return error.into(),
        };
        let mut stream = Prefixed::new(line);
        let language = match self.listen(&mut stream, hello_by).await {
            Ok(language) => language,
            Err(ended) => {
                if let (Some(code), None) = (ended.code(), &self.tls) {
                    // What it would have spoken is not known.
                    send_away(&mut stream, &goodbye(Encoding::Binary, code, &ended)).await;
                }
                return ended;
            }
        };
        match (language, &self.tls) {
            (Language::Tls, Some(tls)) => {
                let accepted = timeout_at(hello_by, tls.acceptor().accept(stream)).await;
                let mut stream = match accepted {
                    Ok(Ok(stream)) => Prefixed::new(stream),
                    Ok(Err(error)) => return error.into(),
                    Err(_) => return Ended::NoHello,
                };
                match self.listen(&mut stream, hello_by).await {
                    Ok(language) => {
                        drop(other);
                        self.speak(language, (stream, None), hello_by, visit).await
                    }
                    Err(ended) => ended,
                }
            }
            (language, Some(_)) => send_away(&mut stream, &needs_tls(language)).await,
            (Language::Tls, None) => send_away(&mut stream, &TLS_ALERT).await,
            (language, None) => {
                drop(other);
                self.speak(language, (stream, Some(sides)), hello_by, visit)
                    .await
            }
        }
    }

    /// Waits until a client begins to speak.
    async fn listen<S>(
        &self,
        stream: &mut Prefixed<S>,
        hello_by: Instant,
    ) -> Result<Language, Ended>
    where
        S: AsyncRead + Unpin,
    {
        let mut stopping = self.services.stopping.clone();
        tokio::select! {
            first = timeout_at(hello_by, stream.first_byte()) => {
                match first.map_err(|_| Ended::NoHello)?? {
                    Some(first) => Ok(Language::of(first)),
                    None => Err(Ended::Closed),
                }
            }
            () = session::stopped(&mut stopping) => Err(Ended::Stopping),
        }
    }

    async fn speak<S>(
        &self,
        language: Language,
        (stream, sides): (Prefixed<S>, Option<Sides>),
        hello_by: Instant,
        visit: &Visit,
    ) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let services = self.services.clone();
        let (metrics, visitor) = (&self.services.metrics, visit.visitor().clone());
        match language {
            Language::Http => web::serve(stream, self, visitor).await,
            Language::Lines => {
                let _open = metrics.connections_json.held();
                let channel = with(sides, Channel::lines(stream));
                session::serve(channel, hello_by, visitor, services).await
            }
            // TLS within TLS is nothing that is known.
            Language::Binary | Language::Tls => {
                let _open = metrics.connections_binary.held();
                let channel = with(sides, Channel::frames(stream));
                session::serve(channel, hello_by, visitor, services).await
            }
        }
    }
}

/// With what the sequencer reads and writes: not where something, such as TLS, lies in between.
fn with<S>(sides: Option<Sides>, channel: Channel<S>) -> Channel<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match sides {
        Some(sides) => channel.over(sides),
        None => channel,
    }
}

/// Tells a client in its own language that this door speaks TLS.
fn needs_tls(language: Language) -> Vec<u8> {
    let why = "this port speaks TLS, and nothing plain: connect with TLS";
    match language {
        Language::Binary => goodbye(Encoding::Binary, Code::TLS_REQUIRED, why),
        Language::Lines => goodbye(Encoding::Json, Code::TLS_REQUIRED, why),
        Language::Http | Language::Tls => format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{why}, as https:// or wss://\n",
            why.len() + ", as https:// or wss://\n".len()
        )
        .into_bytes(),
    }
}

fn goodbye(encoding: Encoding, code: Code, why: impl Display) -> Vec<u8> {
    let mut bytes = Vec::new();
    let message = Text::of(why);
    encoding.append(RequestId(0), &Goodbye { code, message }, &mut bytes);
    bytes
}

/// Writes, ends, and reads what still comes for a moment: bytes that nobody has read would make the system take
/// back what was written.
async fn send_away<S>(stream: &mut S, bytes: &[u8]) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let say = async {
        stream.write_all(bytes).await?;
        stream.shutdown().await
    };
    if let Ok(Ok(())) = timeout(WRITE_TIMEOUT, say).await {
        let listen = async {
            let mut rest = [0; 1_024];
            while stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        // Who does not end is left.
        let _ = timeout(LINGER_TIMEOUT, listen).await;
    }
    Ended::SentAway
}
