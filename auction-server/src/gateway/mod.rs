//! The gateway, one port for all protocols: the first byte of a connection selects the protocol, and the same session
//! code serves all of them.
//!
//! | first byte | protocol |
//! |---|---|
//! | `16` | TLS; the protocol inside is detected in the same way |
//! | `a5` | the binary protocol |
//! | `{` | lines of JSON |
//! | a letter | HTTP, and WebSocket from there |
//!
//! A gateway with TLS accepts nothing else. It refuses a client without TLS in that client's protocol.

mod certificate_watch;
mod tls;
mod validity;
mod peeked;
mod proxy_header;
pub mod connection_limits;
pub mod http;
pub mod operator;
pub(crate) mod accepting;
pub mod session;
mod trusted_proxies;
pub mod login_failures;
pub mod admission;

use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use auction_core::RequestId;
use auction_proto::{Code, Goodbye, Text};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::platform::encoding::Encoding;
use crate::platform::metrics::Held;
use crate::platform::shutdown::stopped;
use crate::platform::tcp::{Halves, SharedStream};
use admission::{AdmissionError, Admitted};
use connection_limits::ConnectionLimits;
use peeked::Peeked;
use session::{Channel, CloseReason, HELLO_TIMEOUT, LINGER_TIMEOUT, Services};

pub(crate) use certificate_watch::watch_certificate;
pub(crate) use http::market::Site;
pub use tls::{CertificateReload, TlsError};
pub(crate) use tls::{ServerTls, open as open_tls};

/// The first byte of TLS: a handshake record.
const TLS_HANDSHAKE: u8 = 0x16;
/// A fatal alert, `handshake_failure`, which a TLS client understands.
const TLS_ALERT: [u8; 7] = [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28];
/// Time limit for writing the refusal to a client.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// The gateway: serves the connections of a port.
pub(crate) struct Gateway {
    pub(crate) services: Arc<Services>,
    site: Site,
    tls: Option<Arc<ServerTls>>,
    connections_max: usize,
    refusing: Arc<Semaphore>,
}

/// Protocol of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Tls,
    Binary,
    Lines,
    Http,
}

impl Protocol {
    /// Returns the protocol for a first byte. An unknown byte counts as binary; the refusal says what was expected.
    fn of(first: u8) -> Self {
        match first {
            TLS_HANDSHAKE => Self::Tls,
            b'{' => Self::Lines,
            b'A'..=b'Z' | b'a'..=b'z' => Self::Http,
            _ => Self::Binary,
        }
    }
}

impl Gateway {
    pub(crate) fn new(
        services: Arc<Services>,
        site: Site,
        tls: Option<ServerTls>,
        limits: ConnectionLimits,
    ) -> Self {
        Self {
            services,
            site,
            tls: tls.map(Arc::new),
            connections_max: limits.connections,
            refusing: Arc::new(Semaphore::new(limits.refusing)),
        }
    }

    /// Returns the handle that reloads the certificate; `None` without TLS.
    pub(crate) fn certificate(&self) -> Option<CertificateReload> {
        self.tls.clone().map(CertificateReload)
    }

    /// Admits a connection beside the `open` ones if there is room for it.
    pub(crate) fn enter(&self, peer: SocketAddr, open: usize) -> Result<Admitted, AdmissionError> {
        if open >= self.connections_max {
            return Err(AdmissionError::Full);
        }
        self.admit(peer.ip())
    }

    /// Admits a connection from this address; a trusted proxy is not counted before its client is known.
    fn admit(&self, address: IpAddr) -> Result<Admitted, AdmissionError> {
        if self.site.proxies.trusts(address) {
            return Ok(Admitted::of_proxy(address));
        }
        self.services.admission.enter(address)
    }

    /// Sends a connection the reason for its refusal, unless too many refusals are being sent already.
    pub(crate) fn refuse(&self, mut stream: TcpStream, why: AdmissionError) {
        self.services.metrics.turned_away.add_one();
        let Ok(permit) = self.refusing.clone().try_acquire_owned() else {
            return;
        };
        tokio::spawn(async move {
            // The client's protocol is not known yet, and there is no wait for it.
            let goodbye = goodbye(Encoding::Binary, why.code(), why);
            refuse_and_close(&mut stream, &goodbye).await;
            drop(permit);
        });
    }

    /// Serves a connection until it ends.
    pub(crate) async fn serve(&self, stream: TcpStream, admitted: Admitted) -> CloseReason {
        let ended = self.accept(stream, admitted).await;
        match ended {
            CloseReason::TooSlow => self.services.metrics.too_slow.add_one(),
            CloseReason::Silent => self.services.metrics.silent.add_one(),
            _ => {}
        }
        ended
    }

    async fn accept(&self, stream: TcpStream, admitted: Admitted) -> CloseReason {
        let other = self.services.metrics.connections_other.held();
        let hello_by = Instant::now() + HELLO_TIMEOUT;
        // Replies are small, and clients wait for them.
        if let Err(error) = stream.set_nodelay(true) {
            return error.into();
        }
        let (mut line, halves) = match SharedStream::new(stream) {
            Ok(line) => line,
            Err(error) => return error.into(),
        };
        let admitted = match self.client_of_proxy(&mut line, admitted, hello_by).await {
            Ok(admitted) => admitted,
            Err(ended) => return ended,
        };
        let mut stream = Peeked::new(line);
        let protocol = match self.first_protocol(&mut stream, hello_by).await {
            Ok(protocol) => protocol,
            Err(ended) => {
                if let (Some(code), None) = (ended.code(), &self.tls) {
                    // The client's protocol is not known.
                    refuse_and_close(&mut stream, &goodbye(Encoding::Binary, code, &ended)).await;
                }
                return ended;
            }
        };
        match (protocol, &self.tls) {
            // Each in an allocation of its own: a connection takes the memory of what it does, not of the largest it could do.
            (Protocol::Tls, Some(tls)) => {
                Box::pin(self.serve_tls(tls, stream, hello_by, admitted, other)).await
            }
            (protocol, Some(_)) => refuse_and_close(&mut stream, &tls_required(protocol)).await,
            (Protocol::Tls, None) => refuse_and_close(&mut stream, &TLS_ALERT).await,
            (protocol, None) => {
                drop(other);
                let stream = (stream, Some(halves));
                Box::pin(self.serve_protocol(protocol, stream, hello_by, admitted)).await
            }
        }
    }

    async fn serve_tls(
        &self,
        tls: &ServerTls,
        stream: Peeked<SharedStream>,
        hello_by: Instant,
        admitted: Admitted,
        other: Held<'_>,
    ) -> CloseReason {
        let accepted = timeout_at(hello_by, tls.acceptor().accept(stream)).await;
        let mut stream = match accepted {
            Ok(Ok(stream)) => Peeked::new(stream),
            Ok(Err(error)) => return error.into(),
            Err(_) => return CloseReason::NoHello,
        };
        match self.first_protocol(&mut stream, hello_by).await {
            Ok(protocol) => {
                drop(other);
                Box::pin(self.serve_protocol(protocol, (stream, None), hello_by, admitted)).await
            }
            Err(ended) => ended,
        }
    }

    /// Reads the header of the PROXY protocol if this connection begins with one, and admits the client that it names.
    async fn client_of_proxy(
        &self,
        line: &mut SharedStream,
        admitted: Admitted,
        hello_by: Instant,
    ) -> Result<Admitted, CloseReason> {
        if admitted.proxy().is_none() || !self.site.proxies.sends_header() {
            return Ok(admitted);
        }
        let mut stopping = self.services.stopping.clone();
        let read = tokio::select! {
            read = timeout_at(hello_by, proxy_header::read(line)) => read,
            () = stopped(&mut stopping) => return Err(CloseReason::Stopping),
        };
        match read.map_err(|_| CloseReason::NoHello)? {
            Ok(Some(client)) => match self.admit(client) {
                Ok(client) => Ok(client),
                Err(why) => {
                    self.services.metrics.turned_away.add_one();
                    let goodbye = goodbye(Encoding::Binary, why.code(), why);
                    Err(refuse_and_close(line, &goodbye).await)
                }
            },
            Ok(None) => Ok(admitted),
            Err(error) => {
                let goodbye = goodbye(Encoding::Binary, Code::MALFORMED, &error);
                refuse_and_close(line, &goodbye).await;
                Err(CloseReason::Stream(io::Error::other(error)))
            }
        }
    }

    /// Waits for the client's first byte and returns the protocol that it selects.
    async fn first_protocol<S>(
        &self,
        stream: &mut Peeked<S>,
        hello_by: Instant,
    ) -> Result<Protocol, CloseReason>
    where
        S: AsyncRead + Unpin,
    {
        let mut stopping = self.services.stopping.clone();
        tokio::select! {
            first = timeout_at(hello_by, stream.first_byte()) => {
                match first.map_err(|_| CloseReason::NoHello)?? {
                    Some(first) => Ok(Protocol::of(first)),
                    None => Err(CloseReason::Closed),
                }
            }
            () = stopped(&mut stopping) => Err(CloseReason::Stopping),
        }
    }

    async fn serve_protocol<S>(
        &self,
        protocol: Protocol,
        (stream, halves): (Peeked<S>, Option<Halves>),
        hello_by: Instant,
        admitted: Admitted,
    ) -> CloseReason
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let services = self.services.clone();
        let metrics = &self.services.metrics;
        if protocol == Protocol::Http {
            let reached = http::market::Reached {
                site: &self.site,
                is_tls: halves.is_none(),
            };
            return Box::pin(http::market::serve(stream, services, reached, admitted)).await;
        }
        // In these protocols a proxy cannot name its client: it counts itself.
        let admitted = match admitted
            .proxy()
            .map(|proxy| services.admission.enter(proxy))
        {
            None => admitted,
            Some(Ok(admitted)) => admitted,
            Some(Err(why)) => {
                metrics.turned_away.add_one();
                let encoding = match protocol {
                    Protocol::Lines => Encoding::Json,
                    _ => Encoding::Binary,
                };
                let mut stream = stream;
                let goodbye = goodbye(encoding, why.code(), why);
                return refuse_and_close(&mut stream, &goodbye).await;
            }
        };
        let client_address = admitted.client_address().clone();
        match protocol {
            Protocol::Lines => {
                let _open = metrics.connections_json.held();
                let channel = with_halves(halves, Channel::lines(stream));
                Box::pin(session::serve(channel, hello_by, client_address, services)).await
            }
            // TLS within TLS is not supported, and HTTP was served above.
            Protocol::Binary | Protocol::Tls | Protocol::Http => {
                let _open = metrics.connections_binary.held();
                let channel = with_halves(halves, Channel::frames(stream));
                Box::pin(session::serve(channel, hello_by, client_address, services)).await
            }
        }
    }
}

/// Gives the sequencer direct access to the stream. Not possible with a layer in between, such as TLS.
fn with_halves<S>(halves: Option<Halves>, channel: Channel<S>) -> Channel<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match halves {
        Some(halves) => channel.over(halves),
        None => channel,
    }
}

/// Encodes, in the client's own protocol, the message that this port requires TLS.
fn tls_required(protocol: Protocol) -> Vec<u8> {
    let why = "this port speaks TLS, and nothing plain: connect with TLS";
    match protocol {
        Protocol::Binary => goodbye(Encoding::Binary, Code::TLS_REQUIRED, why),
        Protocol::Lines => goodbye(Encoding::Json, Code::TLS_REQUIRED, why),
        Protocol::Http | Protocol::Tls => format!(
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

/// Writes, closes, and then reads for a moment: if input stays unread, the system discards the output.
async fn refuse_and_close<S>(stream: &mut S, bytes: &[u8]) -> CloseReason
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
        // A client that does not close in time is dropped.
        let _ = timeout(LINGER_TIMEOUT, listen).await;
    }
    CloseReason::SentAway
}
