//! Messages to and from a client over any transport: frames or lines of JSON on a byte stream, or the messages of a
//! WebSocket.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use auction_core::RequestId;
use auction_proto::limits::REQUEST_BYTES_MAX;
use auction_proto::{
    Body, BodyError, ClientMessage, Code, Frame, FrameDecoder, FrameError, JsonError, LineDecoder,
    LineError, Refused,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::close_reason::CloseReason;
use super::websocket::{Message, WebSocket};
use crate::market::group_commit::Decision;
use crate::platform::encoding::{Encoded, Encoding};
use crate::platform::metrics::Metrics;
use crate::platform::tcp::{Halves, HandedOff, WriteHalf};
use crate::sequencer::reply::append_reply;

/// Time limit for a client to accept output; after that it is dropped.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for a client to read the last message before the connection closes.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum number of bytes of one read.
pub(super) const INPUT_BYTES: usize = 4_096;
/// Number of bytes that an idle connection keeps for its input.
const IDLE_INPUT_BYTES: usize = 256;
/// Number of output bytes that are collected before a write.
const OUTPUT_BYTES: usize = 64 * 1_024;

/// The channel to a client, in both directions.
pub struct Channel<S> {
    transport: Transport<S>,
    encoding: Encoding,
    output: Output,
    /// Number of writes that were not counted in the metrics yet.
    writes: u64,
    /// The halves of the stream that are shared with the sequencer.
    halves: Option<Halves>,
    /// Number of the sequencer's answers in the output.
    answers: usize,
    /// True when the write half may hold the rest of an answer.
    is_woken: bool,
    /// True when this task is the only writer from now on.
    keeps_write_lock: bool,
}

/// A client's request: its number, and the message or the reason why it is invalid.
pub(super) struct Request {
    pub(super) request: RequestId,
    pub(super) message: Result<ClientMessage, Refused>,
}

enum Transport<S> {
    Stream(Box<Stream<S>>),
    WebSocket(Box<WebSocket<S>>),
}

/// A stream of bytes, and the input that was read and not parsed yet.
struct Stream<S> {
    io: S,
    decoder: Decoder,
    input: Vec<u8>,
    unread: Range<usize>,
}

enum Decoder {
    Frames(FrameDecoder),
    Lines(LineDecoder),
}

/// The output, and the end of each message for transports that carry messages one by one.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Channel<S> {
    /// Creates a channel of the binary protocol, before its preface.
    pub fn frames(io: S) -> Self {
        let decoder = FrameDecoder::after_preface(REQUEST_BYTES_MAX);
        Self::stream(io, Decoder::Frames(decoder), Encoding::Binary)
    }

    /// Creates a channel of JSON lines.
    pub fn lines(io: S) -> Self {
        let decoder = LineDecoder::new(REQUEST_BYTES_MAX);
        Self::stream(io, Decoder::Lines(decoder), Encoding::Json)
    }

    /// Creates a channel over a WebSocket after its handshake: the first message selects the encoding.
    pub async fn websocket(io: S) -> Self {
        Self {
            transport: Transport::WebSocket(Box::new(WebSocket::server(io).await)),
            encoding: Encoding::Json,
            output: Output::default(),
            writes: 0,
            halves: None,
            answers: 0,
            is_woken: false,
            keeps_write_lock: false,
        }
    }

    /// Lets the sequencer read and write this stream too, which lies beneath the channel.
    #[must_use]
    pub fn over(mut self, halves: Halves) -> Self {
        self.halves = Some(halves);
        self
    }

    /// Returns the write half for the sequencer, and the encoding.
    pub(super) fn write_half(&self) -> Option<(Arc<WriteHalf>, Encoding)> {
        let halves = self.halves.as_ref()?;
        Some((halves.write_half.clone(), self.encoding))
    }

    /// Hands off the input to the sequencer if it consists of frames, and a frame begins with the next byte.
    pub(super) fn hand_off_input(&mut self) -> Option<HandedOff> {
        let halves = self.halves.as_ref()?;
        match &self.transport {
            Transport::Stream(stream) if stream.is_between_frames() => halves.read_half.hand_off(),
            Transport::Stream(_) | Transport::WebSocket(_) => None,
        }
    }

    /// Returns whether the input is handed off.
    pub(super) fn is_handed_off(&self) -> bool {
        let halves = self.halves.as_ref();
        halves.is_some_and(|halves| halves.read_half.is_handed_off())
    }

    /// Returns whether the sequencer has read something since the last call.
    pub(super) fn take_was_read(&self) -> bool {
        let halves = self.halves.as_ref();
        halves.is_some_and(|halves| halves.read_half.take_was_read())
    }

    /// Ends the hand-off of the input.
    pub(super) fn recall_input(&self) {
        if let Some(halves) = &self.halves {
            halves.read_half.recall();
        }
    }

    fn stream(io: S, decoder: Decoder, encoding: Encoding) -> Self {
        let stream = Stream {
            io,
            decoder,
            input: Vec::new(),
            unread: 0..0,
        };
        Self {
            transport: Transport::Stream(Box::new(stream)),
            encoding,
            output: Output::default(),
            writes: 0,
            halves: None,
            answers: 0,
            is_woken: false,
            keeps_write_lock: false,
        }
    }

    /// Waits for input from the client. Any input is a sign of life. Cancel safe.
    pub(super) async fn read(&mut self) -> Result<(), CloseReason> {
        match &mut self.transport {
            Transport::Stream(stream) => {
                debug_assert!(stream.unread.is_empty(), "all was looked at");
                poll_fn(|cx| stream.poll_input(cx)).await?;
                match stream.unread.is_empty() {
                    true => Err(CloseReason::Closed),
                    false => Ok(()),
                }
            }
            Transport::WebSocket(socket) => {
                socket.read().await?;
                if let Some(encoding) = socket.encoding() {
                    self.encoding = encoding;
                }
                Ok(())
            }
        }
    }

    /// Returns the next request of the input.
    pub(super) fn next(&mut self) -> Result<Option<Request>, CloseReason> {
        match &mut self.transport {
            Transport::Stream(stream) => stream.next(),
            Transport::WebSocket(socket) => match socket.take() {
                None => Ok(None),
                Some(Message::Text(text)) => Ok(Some(Request::of_json(text.as_bytes()))),
                Some(Message::Binary(bytes)) => {
                    let mut rest = &bytes[..];
                    match Frame::split_from(&mut rest, REQUEST_BYTES_MAX)? {
                        Some(frame) if rest.is_empty() => Ok(Some(Request::of_frame(frame))),
                        _ => Err(CloseReason::NotOneFrame),
                    }
                }
            },
        }
    }

    /// Appends a message to the output.
    pub(super) fn push<B: Body>(&mut self, request: RequestId, body: &B) {
        self.encoding.append(request, body, &mut self.output.bytes);
        self.end_message();
    }

    /// Appends the reply to a command to the output.
    pub(super) fn push_reply(
        &mut self,
        request: RequestId,
        decision: &Decision,
        metrics: &Metrics,
    ) {
        let bytes = &mut self.output.bytes;
        append_reply(request, decision, self.encoding, metrics, bytes);
        self.end_message();
    }

    /// Appends a message that is encoded once for many clients to the output.
    pub(super) fn push_shared(&mut self, request: RequestId, message: &Encoded) {
        message.append(self.encoding, request, &mut self.output.bytes);
        self.end_message();
    }

    /// Marks the last message as an answer from the sequencer.
    pub(super) fn end_answer(&mut self) {
        self.answers += 1;
    }

    /// Notes that the sequencer may have left the rest of an answer.
    pub(super) fn wake(&mut self) {
        self.is_woken = true;
    }

    fn end_message(&mut self) {
        if let Transport::WebSocket(_) = self.transport {
            self.output.ends.push(self.output.bytes.len());
        }
    }

    /// Writes the output if it is large.
    pub(super) async fn flush_when_full(&mut self) -> Result<(), CloseReason> {
        if self.output.bytes.len() < OUTPUT_BYTES {
            Ok(())
        } else {
            self.flush().await
        }
    }

    /// Writes the whole output. A client that does not take it in time is too slow.
    pub(super) async fn flush(&mut self) -> Result<(), CloseReason> {
        if self.output.bytes.is_empty() && !self.is_woken && !self.owes_pong() {
            return Ok(());
        }
        self.is_woken = false;
        if let Some(halves) = &self.halves {
            halves.write_half.lock_for_write(&mut self.output.bytes);
        }
        let Self {
            transport,
            output,
            encoding,
            writes,
            ..
        } = self;
        let write = async {
            match transport {
                Transport::Stream(stream) => {
                    let mut rest = &output.bytes[..];
                    while !rest.is_empty() {
                        let count = stream.io.write(rest).await?;
                        if count == 0 {
                            return Err(io::Error::from(io::ErrorKind::WriteZero).into());
                        }
                        *writes += 1;
                        rest = &rest[count..];
                    }
                    stream.io.flush().await?;
                    output.bytes.clear();
                    output.bytes.shrink_to(OUTPUT_BYTES);
                    Ok(())
                }
                Transport::WebSocket(socket) => {
                    *writes += 1;
                    let bytes = std::mem::take(&mut output.bytes);
                    socket.write(*encoding, bytes, output.ends.drain(..)).await
                }
            }
        };
        let written = timeout(WRITE_TIMEOUT, write).await;
        written.map_err(|_| CloseReason::TooSlow)??;
        let answers = std::mem::take(&mut self.answers);
        if let Some(halves) = self.halves.as_ref().filter(|_| !self.keeps_write_lock) {
            halves.write_half.release_write(answers);
        }
        Ok(())
    }

    fn owes_pong(&self) -> bool {
        matches!(&self.transport, Transport::WebSocket(socket) if socket.owes_pong())
    }

    /// Returns the number of writes since the last call.
    pub(super) fn take_writes(&mut self) -> u64 {
        std::mem::take(&mut self.writes)
    }

    /// Writes the rest of the output and ends the stream. Then it reads and discards input for a moment: if input stays
    /// unread, the system discards the last output.
    pub(super) async fn close(&mut self) {
        self.keeps_write_lock = true;
        self.recall_input();
        // It is the client's concern if this does not arrive.
        if self.flush().await.is_err() {
            return;
        }
        let linger = async {
            match &mut self.transport {
                Transport::Stream(stream) => {
                    stream.io.shutdown().await?;
                    let mut bytes = [0; 256];
                    while stream.io.read(&mut bytes).await? > 0 {}
                    io::Result::Ok(())
                }
                Transport::WebSocket(socket) => socket.close().await,
            }
        };
        let _ = timeout(LINGER_TIMEOUT, linger).await;
    }
}

impl<S: AsyncRead + Unpin> Stream<S> {
    /// Reads into a buffer on the stack: a connection that waits keeps almost nothing. Nothing is read at the end.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [MaybeUninit::uninit(); INPUT_BYTES];
        let mut read = ReadBuf::uninit(&mut bytes);
        self.input.clear();
        match Pin::new(&mut self.io).poll_read(cx, &mut read) {
            Poll::Ready(result) => {
                self.input.extend_from_slice(read.filled());
                self.unread = 0..self.input.len();
                Poll::Ready(result)
            }
            Poll::Pending => {
                self.input.shrink_to(IDLE_INPUT_BYTES);
                Poll::Pending
            }
        }
    }
}

impl<S> Stream<S> {
    fn is_between_frames(&self) -> bool {
        match &self.decoder {
            Decoder::Frames(decoder) => self.unread.is_empty() && !decoder.is_inside_frame(),
            Decoder::Lines(_) => false,
        }
    }

    fn next(&mut self) -> Result<Option<Request>, CloseReason> {
        let mut rest = &self.input[self.unread.clone()];
        let asked = match &mut self.decoder {
            Decoder::Frames(decoder) => decoder.next_frame(&mut rest)?.map(Request::of_frame),
            Decoder::Lines(decoder) => decoder.next_line(&mut rest)?.map(Request::of_json),
        };
        self.unread.start = self.unread.end - rest.len();
        Ok(asked)
    }
}

impl Request {
    fn of_frame(frame: Frame<'_>) -> Self {
        let message = ClientMessage::decode(frame.kind, frame.body).map_err(|error| match error {
            BodyError::UnknownKind(kind) => {
                Refused::new(Code::UNKNOWN_KIND, error).with_number(kind.0)
            }
            BodyError::Malformed(_) => Refused::new(Code::MALFORMED, error),
        });
        Self {
            request: frame.request,
            message,
        }
    }

    fn of_json(text: &[u8]) -> Self {
        match ClientMessage::decode_json(text) {
            Ok((request, message)) => Self {
                request,
                message: Ok(message),
            },
            Err(error) => Self {
                request: error.request(),
                message: Err(Refused::new(JsonError::code(&error), error)),
            },
        }
    }
}

impl From<FrameError> for CloseReason {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TooLong { most, .. } => Self::TooLong { most },
            _ => Self::NotFrames(error),
        }
    }
}

impl From<LineError> for CloseReason {
    fn from(LineError { most }: LineError) -> Self {
        Self::TooLong { most }
    }
}
