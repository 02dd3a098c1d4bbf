//! Messages to and from a client, over whatever carries them: frames or lines of JSON on a stream of bytes, or
//! the messages of a WebSocket.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use auction_core::RequestId;
use auction_proto::limits::REQUEST_BYTES_MAX;
use auction_proto::{
    Body, BodyError, ClientMessage, Code, Frame, FrameDecoder, FrameError, JsonError, LineDecoder,
    LineError, Refused,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::close_reason::CloseReason;
use super::websocket::{Message, WebSocket};
use crate::market::group_commit::Decision;
use crate::platform::encoding::{Encoded, Encoding};
use crate::platform::metrics::Metrics;
use crate::platform::tcp::{Halves, HandedOff, WriteHalf};
use crate::sequencer::reply::append_reply;

/// How long a client may take to accept what it is sent; then it is dropped.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the end of a connection waits for the client to hear of it.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// How much is read at a time.
pub(super) const INPUT_BYTES: usize = 4_096;
/// How much is gathered before it is written.
const OUTPUT_BYTES: usize = 64 * 1_024;

/// The way to a client and back.
pub struct Channel<S> {
    transport: Transport<S>,
    encoding: Encoding,
    output: Output,
    /// Writes that were not counted yet.
    writes: u64,
    /// Where the sequencer reads and writes too.
    halves: Option<Halves>,
    /// Answers of the sequencer among what is to be written.
    answers: usize,
    /// Whether the rest of an answer may be left in the write half.
    is_woken: bool,
    /// Nobody else writes any more.
    keeps_write_lock: bool,
}

/// What a client asks: its number, and a message or why it is none.
pub(super) struct Request {
    pub(super) request: RequestId,
    pub(super) message: Result<ClientMessage, Refused>,
}

enum Transport<S> {
    Stream(Box<Stream<S>>),
    WebSocket(Box<WebSocket<S>>),
}

/// A stream of bytes, and what was read and not looked at yet.
struct Stream<S> {
    io: S,
    decoder: Decoder,
    input: [u8; INPUT_BYTES],
    unread: Range<usize>,
}

enum Decoder {
    Frames(FrameDecoder),
    Lines(LineDecoder),
}

/// What is to be written, and where each message ends when each is carried by itself.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Channel<S> {
    /// The binary protocol; the preface is still to come.
    pub fn frames(io: S) -> Self {
        let decoder = FrameDecoder::after_preface(REQUEST_BYTES_MAX);
        Self::stream(io, Decoder::Frames(decoder), Encoding::Binary)
    }

    /// Lines of JSON.
    pub fn lines(io: S) -> Self {
        let decoder = LineDecoder::new(REQUEST_BYTES_MAX);
        Self::stream(io, Decoder::Lines(decoder), Encoding::Json)
    }

    /// A WebSocket whose handshake is done: the first message tells the encoding.
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

    /// The sequencer may read and write this stream as well, which lies beneath the channel.
    #[must_use]
    pub fn over(mut self, halves: Halves) -> Self {
        self.halves = Some(halves);
        self
    }

    /// What the sequencer needs to write to the stream.
    pub(super) fn write_half(&self) -> Option<(Arc<WriteHalf>, Encoding)> {
        let halves = self.halves.as_ref()?;
        Some((halves.write_half.clone(), self.encoding))
    }

    /// Lends what comes from now on, if that is frames, and one begins with the next byte.
    pub(super) fn hand_off_input(&mut self) -> Option<HandedOff> {
        let halves = self.halves.as_ref()?;
        match &self.transport {
            Transport::Stream(stream) if stream.is_between_frames() => halves.read_half.hand_off(),
            Transport::Stream(_) | Transport::WebSocket(_) => None,
        }
    }

    /// Whether another reads.
    pub(super) fn is_handed_off(&self) -> bool {
        let halves = self.halves.as_ref();
        halves.is_some_and(|halves| halves.read_half.is_handed_off())
    }

    /// Whether another has read something since this was asked last.
    pub(super) fn take_was_read(&self) -> bool {
        let halves = self.halves.as_ref();
        halves.is_some_and(|halves| halves.read_half.take_was_read())
    }

    /// Nobody else reads any more.
    pub(super) fn recall_input(&self) {
        if let Some(halves) = &self.halves {
            halves.read_half.recall();
        }
    }

    fn stream(io: S, decoder: Decoder, encoding: Encoding) -> Self {
        let stream = Stream {
            io,
            decoder,
            input: [0; INPUT_BYTES],
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

    /// Waits for something from the client. Whatever came is a sign of life. Can be given up at any time
    /// without loss.
    pub(super) async fn read(&mut self) -> Result<(), CloseReason> {
        match &mut self.transport {
            Transport::Stream(stream) => {
                debug_assert!(stream.unread.is_empty(), "all was looked at");
                match stream.io.read(&mut stream.input).await? {
                    0 => Err(CloseReason::Closed),
                    count => {
                        stream.unread = 0..count;
                        Ok(())
                    }
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

    /// The next request of what was read.
    pub(super) fn next(&mut self) -> Result<Option<Request>, CloseReason> {
        match &mut self.transport {
            Transport::Stream(stream) => stream.next(),
            Transport::WebSocket(socket) => match socket.take() {
                None => Ok(None),
                Some(Message::Text(text)) => Ok(Some(Request::of_json(text.as_bytes()))),
                Some(Message::Binary(bytes)) => {
                    let mut rest = &bytes[..];
                    match Frame::take(&mut rest, REQUEST_BYTES_MAX)? {
                        Some(frame) if rest.is_empty() => Ok(Some(Request::of_frame(frame))),
                        _ => Err(CloseReason::NotOneFrame),
                    }
                }
            },
        }
    }

    /// Puts a message with what is to be written.
    pub(super) fn push<B: Body>(&mut self, request: RequestId, body: &B) {
        self.encoding.append(request, body, &mut self.output.bytes);
        self.end_message();
    }

    /// Puts the reply to a command with what is to be written.
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

    /// Puts a message that is encoded once for many with what is to be written.
    pub(super) fn push_shared(&mut self, request: RequestId, message: &Encoded) {
        message.append(self.encoding, request, &mut self.output.bytes);
        self.end_message();
    }

    /// What was put last is an answer that the sequencer handed over.
    pub(super) fn end_answer(&mut self) {
        self.answers += 1;
    }

    /// The sequencer may have left the rest of an answer.
    pub(super) fn wake(&mut self) {
        self.is_woken = true;
    }

    fn end_message(&mut self) {
        if let Transport::WebSocket(_) = self.transport {
            self.output.ends.push(self.output.bytes.len());
        }
    }

    /// Writes when much has gathered.
    pub(super) async fn flush_when_full(&mut self) -> Result<(), CloseReason> {
        if self.output.bytes.len() < OUTPUT_BYTES {
            Ok(())
        } else {
            self.flush().await
        }
    }

    /// Writes all there is. A client that does not take it in time is too slow.
    pub(super) async fn flush(&mut self) -> Result<(), CloseReason> {
        if self.output.bytes.is_empty() && !self.is_woken {
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

    /// How often was written since this was asked last.
    pub(super) fn take_writes(&mut self) -> u64 {
        std::mem::take(&mut self.writes)
    }

    /// Writes what is left and ends the stream. Then what still comes is read and thrown away for a moment: bytes
    /// that nobody has read would make the system take back what was written last.
    pub(super) async fn close(&mut self) {
        self.keeps_write_lock = true;
        self.recall_input();
        // Whether it arrives is the client's concern.
        if self.flush().await.is_err() {
            return;
        }
        let linger = async {
            match &mut self.transport {
                Transport::Stream(stream) => {
                    stream.io.shutdown().await?;
                    while stream.io.read(&mut stream.input).await? > 0 {}
                    io::Result::Ok(())
                }
                Transport::WebSocket(socket) => socket.close().await,
            }
        };
        let _ = timeout(LINGER_TIMEOUT, linger).await;
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
