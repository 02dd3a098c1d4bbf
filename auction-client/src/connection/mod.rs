//! One connection: sends and receives frames over any byte stream, and performs the greeting.

pub(crate) mod clock;
pub(crate) mod backoff;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub(crate) mod keepalive;
pub(crate) mod feed_connection;

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use auction_core::RequestId;
use auction_proto::{
    Body, ClientMessage, FrameDecoder, Hello, Kind, PREFACE, ServerMessage, Text, VERSION,
    VERSION_OLDEST, Welcome, encode_frame,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};

use crate::connection::clock::ServerClock;
use crate::error::ConnectionError;
use crate::limits::{CONNECT_TIMEOUT, READ_BYTES};

/// Function that opens a byte stream to the server; called for each connection.
pub(crate) type Connector =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = io::Result<BoxedStream>> + Send>> + Send + Sync>;

/// A byte stream over any transport.
pub(crate) type BoxedStream = Box<dyn Stream>;

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Request id of the greeting. Ids of other requests are far above.
const HELLO: RequestId = RequestId(1);

/// First bytes of a TLS alert, of any version: the answer of a TLS server to a plain client.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// A connection. All its operations are cancel-safe.
pub(crate) struct Connection {
    stream: BoxedStream,
    decoder: FrameDecoder,
    input: Box<[u8]>,
    unread: Range<usize>,
    /// True once anything was received.
    begun: bool,
    output: Vec<u8>,
    written: usize,
}

/// A message, and the id of the request that it answers, or 0.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) request: RequestId,
    pub(crate) message: ServerMessage,
}

/// A connection after the greeting of both sides.
pub(crate) struct Greeted {
    pub(crate) connection: Connection,
    pub(crate) welcome: Welcome,
    pub(crate) clock: ServerClock,
}

/// Connects and greets, within the time limit.
pub(crate) async fn greet(
    connector: &Connector,
    program: &str,
) -> Result<Greeted, ConnectionError> {
    let greeting = async {
        let stream = connector().await;
        let stream = stream.map_err(ConnectionError::connecting)?;
        let mut connection = Connection::new(stream);
        let hello = Hello {
            version_min: VERSION_OLDEST,
            version_max: VERSION,
            client: Text::of(program),
        };
        connection.queue(HELLO, &hello);
        let sent = Instant::now();
        let welcome = match connection.next().await?.message {
            ServerMessage::Welcome(welcome) => welcome,
            message => return Err(refusal(message)),
        };
        if !(VERSION_OLDEST..=VERSION).contains(&welcome.version) {
            return Err(ConnectionError::Version(welcome.version));
        }
        let clock = ServerClock::of_round_trip(sent, Instant::now(), welcome.time);
        tracing::debug!(market = %welcome.market, server = %welcome.server, "connected");
        Ok(Greeted {
            connection,
            welcome,
            clock,
        })
    };
    let greeted = timeout(CONNECT_TIMEOUT, greeting).await;
    greeted.unwrap_or(Err(ConnectionError::TimedOut(CONNECT_TIMEOUT)))
}

/// Returns the error for a message that came instead of an answer.
pub(crate) fn refusal(message: ServerMessage) -> ConnectionError {
    match message {
        ServerMessage::Refused(refused) => ConnectionError::Refused(Box::new(refused)),
        ServerMessage::Goodbye(goodbye) => ConnectionError::Goodbye(Box::new(goodbye)),
        other => ConnectionError::Unexpected(other.kind()),
    }
}

impl Connection {
    fn new(stream: BoxedStream) -> Self {
        Self {
            stream,
            decoder: FrameDecoder::new(auction_proto::limits::FRAME_BYTES_MAX),
            input: vec![0; READ_BYTES].into_boxed_slice(),
            unread: 0..0,
            begun: false,
            output: PREFACE.to_vec(),
            written: 0,
        }
    }

    /// Queues a message; [`next`](Self::next) sends it.
    pub(crate) fn queue<B: Body>(&mut self, request: RequestId, body: &B) {
        encode_frame(request, body, &mut self.output);
    }

    /// Queues a message of any kind.
    pub(crate) fn queue_message(&mut self, request: RequestId, message: &ClientMessage) {
        message.encode(request, &mut self.output);
    }

    /// Sends what is queued and returns the next message. Cancel-safe: nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Received, ConnectionError> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Received, ConnectionError>> {
        self.write(context)?;
        loop {
            if let Some(received) = self.take()? {
                return Poll::Ready(Ok(received));
            }
            let mut into = ReadBuf::new(&mut self.input);
            match Pin::new(&mut self.stream).poll_read(context, &mut into) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(failed(error))),
                Poll::Ready(Ok(())) => self.unread = 0..into.filled().len(),
            }
            if self.unread.is_empty() {
                return Poll::Ready(Err(ConnectionError::Ended));
            }
            // Read as a frame length, these bytes exceed any welcome or farewell.
            if !self.begun && self.input[self.unread.clone()].starts_with(&TLS_ALERT) {
                return Poll::Ready(Err(ConnectionError::SpeaksTls));
            }
            self.begun = true;
        }
    }

    /// Writes as much as the stream accepts; the context is woken when it accepts more.
    fn write(&mut self, context: &mut Context<'_>) -> Result<(), ConnectionError> {
        while self.written < self.output.len() {
            let rest = &self.output[self.written..];
            match Pin::new(&mut self.stream).poll_write(context, rest) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(ConnectionError::Ended),
                Poll::Ready(Ok(bytes)) => self.written += bytes,
                // The server's last message is still to be read, and gives the reason.
                Poll::Ready(Err(error)) if is_closed(&error) => self.written = self.output.len(),
                Poll::Ready(Err(error)) => return Err(failed(error)),
            }
        }
        if !self.output.is_empty() {
            self.output.clear();
            self.written = 0;
        }
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(Err(error)) if !is_closed(&error) => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// Takes the next message from the input buffer.
    fn take(&mut self) -> Result<Option<Received>, ConnectionError> {
        loop {
            let mut rest = &self.input[self.unread.clone()];
            let Some(frame) = self.decoder.next_frame(&mut rest)? else {
                self.unread = 0..0;
                return Ok(None);
            };
            let request = frame.request;
            let message = ServerMessage::decode(frame.kind, frame.body);
            let kind = frame.kind;
            self.unread.start = self.unread.end - rest.len();
            match message {
                Ok(message) => return Ok(Some(Received { request, message })),
                // A newer server may send unsolicited messages that this client does not know.
                Err(auction_proto::BodyError::UnknownKind(_)) if is_news(request, kind) => {
                    tracing::debug!(%kind, "skipped a message of a kind that is not known");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn is_news(request: RequestId, kind: Kind) -> bool {
    request == RequestId(0) && kind.sender() != auction_proto::Sender::Client
}

fn failed(error: io::Error) -> ConnectionError {
    // TLS reports this for an end without close_notify; frames have lengths, so truncation is noticed anyway.
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return ConnectionError::Ended;
    }
    ConnectionError::Io(Arc::new(error))
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected
    )
}
