//! Messages to and from a client, over whatever carries them: frames or lines of JSON on a stream of bytes, or
//! the messages of a WebSocket.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use auction_core::RequestId;
use auction_proto::limits::REQUEST_BYTES_MAX;
use auction_proto::{
    Body, BodyError, ClientMessage, Code, Frame, FrameDecoder, FrameError, JsonError, LineDecoder,
    LineError, Refused,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::ended::Ended;
use super::websocket::{Message, WebSocket};
use super::{LINGER_TIMEOUT, WRITE_TIMEOUT};
use crate::encoding::{Encoded, Encoding};
use crate::line::{Lent, Outlet, Sides};

/// How much is read at a time.
pub(super) const INPUT_BYTES: usize = 4_096;
/// How much is gathered before it is written.
const OUTPUT_BYTES: usize = 64 * 1_024;

/// The way to a client and back.
pub struct Channel<S> {
    carrier: Carrier<S>,
    encoding: Encoding,
    output: Output,
    /// Writes that were not counted yet.
    writes: u64,
    /// Where the sequencer reads and writes too.
    sides: Option<Sides>,
    /// Answers of the sequencer among what is to be written.
    answers: usize,
    /// Whether the rest of an answer may be left in the outlet.
    looks_up: bool,
    /// Nobody else writes any more.
    keeps_pen: bool,
}

/// What a client asks: its number, and a message or why it is none.
pub(super) struct Asked {
    pub(super) request: RequestId,
    pub(super) message: Result<ClientMessage, Refused>,
}

enum Carrier<S> {
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
            carrier: Carrier::WebSocket(Box::new(WebSocket::server(io).await)),
            encoding: Encoding::Json,
            output: Output::default(),
            writes: 0,
            sides: None,
            answers: 0,
            looks_up: false,
            keeps_pen: false,
        }
    }

    /// The sequencer may read and write this stream as well, which lies beneath the channel.
    #[must_use]
    pub fn over(mut self, sides: Sides) -> Self {
        self.sides = Some(sides);
        self
    }

    /// What the sequencer needs to write to the stream.
    pub(super) fn outlet(&self) -> Option<(Arc<Outlet>, Encoding)> {
        let sides = self.sides.as_ref()?;
        Some((sides.outlet.clone(), self.encoding))
    }

    /// Lends what comes from now on, if that is frames, and one begins with the next byte.
    pub(super) fn lend_input(&mut self) -> Option<Lent> {
        let sides = self.sides.as_ref()?;
        match &self.carrier {
            Carrier::Stream(stream) if stream.is_between_frames() => sides.inlet.lend(),
            Carrier::Stream(_) | Carrier::WebSocket(_) => None,
        }
    }

    /// Whether another reads.
    pub(super) fn is_lent(&self) -> bool {
        let sides = self.sides.as_ref();
        sides.is_some_and(|sides| sides.inlet.is_lent())
    }

    /// Whether another has read something since this was asked last.
    pub(super) fn take_heard(&self) -> bool {
        let sides = self.sides.as_ref();
        sides.is_some_and(|sides| sides.inlet.take_heard())
    }

    /// Nobody else reads any more.
    pub(super) fn recall_input(&self) {
        if let Some(sides) = &self.sides {
            sides.inlet.recall();
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
            carrier: Carrier::Stream(Box::new(stream)),
            encoding,
            output: Output::default(),
            writes: 0,
            sides: None,
            answers: 0,
            looks_up: false,
            keeps_pen: false,
        }
    }

    /// Waits for something from the client. Whatever came is a sign of life. Can be given up at any time
    /// without loss.
    pub(super) async fn read(&mut self) -> Result<(), Ended> {
        match &mut self.carrier {
            Carrier::Stream(stream) => {
                debug_assert!(stream.unread.is_empty(), "all was looked at");
                match stream.io.read(&mut stream.input).await? {
                    0 => Err(Ended::Closed),
                    count => {
                        stream.unread = 0..count;
                        Ok(())
                    }
                }
            }
            Carrier::WebSocket(socket) => {
                socket.read().await?;
                if let Some(encoding) = socket.encoding() {
                    self.encoding = encoding;
                }
                Ok(())
            }
        }
    }

    /// The next request of what was read.
    pub(super) fn next(&mut self) -> Result<Option<Asked>, Ended> {
        match &mut self.carrier {
            Carrier::Stream(stream) => stream.next(),
            Carrier::WebSocket(socket) => match socket.take() {
                None => Ok(None),
                Some(Message::Text(text)) => Ok(Some(Asked::of_json(text.as_bytes()))),
                Some(Message::Binary(bytes)) => {
                    let mut rest = &bytes[..];
                    match Frame::split_from(&mut rest, REQUEST_BYTES_MAX)? {
                        Some(frame) if rest.is_empty() => Ok(Some(Asked::of_frame(frame))),
                        _ => Err(Ended::NotOneFrame),
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
    pub(super) fn look_up(&mut self) {
        self.looks_up = true;
    }

    fn end_message(&mut self) {
        if let Carrier::WebSocket(_) = self.carrier {
            self.output.ends.push(self.output.bytes.len());
        }
    }

    /// Writes when much has gathered.
    pub(super) async fn flush_when_full(&mut self) -> Result<(), Ended> {
        if self.output.bytes.len() < OUTPUT_BYTES {
            Ok(())
        } else {
            self.flush().await
        }
    }

    /// Writes all there is. A client that does not take it in time is too slow.
    pub(super) async fn flush(&mut self) -> Result<(), Ended> {
        if self.output.bytes.is_empty() && !self.looks_up {
            return Ok(());
        }
        self.looks_up = false;
        if let Some(sides) = &self.sides {
            sides.outlet.take_pen(&mut self.output.bytes);
        }
        let Self {
            carrier,
            output,
            encoding,
            writes,
            ..
        } = self;
        let write = async {
            match carrier {
                Carrier::Stream(stream) => {
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
                Carrier::WebSocket(socket) => {
                    *writes += 1;
                    let bytes = std::mem::take(&mut output.bytes);
                    socket.write(*encoding, bytes, output.ends.drain(..)).await
                }
            }
        };
        let written = timeout(WRITE_TIMEOUT, write).await;
        written.map_err(|_| Ended::TooSlow)??;
        let answers = std::mem::take(&mut self.answers);
        if let Some(sides) = self.sides.as_ref().filter(|_| !self.keeps_pen) {
            sides.outlet.put_pen_down(answers);
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
        self.keeps_pen = true;
        self.recall_input();
        // Whether it arrives is the client's concern.
        if self.flush().await.is_err() {
            return;
        }
        let linger = async {
            match &mut self.carrier {
                Carrier::Stream(stream) => {
                    stream.io.shutdown().await?;
                    while stream.io.read(&mut stream.input).await? > 0 {}
                    io::Result::Ok(())
                }
                Carrier::WebSocket(socket) => socket.close().await,
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

    fn next(&mut self) -> Result<Option<Asked>, Ended> {
        let mut rest = &self.input[self.unread.clone()];
        let asked = match &mut self.decoder {
            Decoder::Frames(decoder) => decoder.next_frame(&mut rest)?.map(Asked::of_frame),
            Decoder::Lines(decoder) => decoder.next_line(&mut rest)?.map(Asked::of_json),
        };
        self.unread.start = self.unread.end - rest.len();
        Ok(asked)
    }
}

impl Asked {
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

impl From<FrameError> for Ended {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TooLong { most, .. } => Self::TooLong { most },
            _ => Self::NotFrames(error),
        }
    }
}

impl From<LineError> for Ended {
    fn from(LineError { most }: LineError) -> Self {
        Self::TooLong { most }
    }
}
