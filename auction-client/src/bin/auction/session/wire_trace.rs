//! `--trace-wire`: shows every frame on standard error, without passwords and tokens.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{SystemTime, UNIX_EPOCH};

use auction_core::Timestamp;
use auction_proto::explain::{Unexplained, explain_body, hides};
use auction_proto::{Frame, FrameDecoder, limits};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::output::escape::Escaped;
use crate::output::failure::OutputFormat;

/// Maximum number of characters of a body on a line for people: a snapshot would fill screens. JSON shows all of them.
const BODY_CHARS_SHOWN: usize = 2_000;
/// Maximum number of bytes shown of data that is no frame.
const STRANGE_BYTES_SHOWN: usize = 64;

/// Prints the frames of a program's connections.
#[derive(Clone, Debug)]
pub struct WireTrace {
    format: OutputFormat,
    connections: Arc<AtomicU32>,
}

/// A stream whose frames are shown.
pub struct TracedStream<S> {
    stream: S,
    sent: Listener,
    received: Listener,
}

impl WireTrace {
    pub fn new(format: OutputFormat) -> Self {
        let connections = Arc::default();
        Self {
            format,
            connections,
        }
    }

    /// Shows the frames of a stream that is about to be opened.
    pub async fn follow<S>(
        self,
        stream: impl Future<Output = io::Result<S>>,
    ) -> io::Result<TracedStream<S>> {
        let stream = stream.await?;
        let connection = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let listener = |way, decoder| Listener {
            format: self.format,
            connection,
            way,
            decoder: Some(decoder),
        };
        Ok(TracedStream {
            stream,
            sent: listener(
                Way::Sent,
                FrameDecoder::after_preface(limits::REQUEST_BYTES_MAX),
            ),
            received: listener(Way::Received, FrameDecoder::new(limits::FRAME_BYTES_MAX)),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Sent,
    Received,
}

/// One direction of a connection.
struct Listener {
    format: OutputFormat,
    connection: u32,
    way: Way,
    /// `None`: the data is not made of frames.
    decoder: Option<FrameDecoder>,
}

impl Listener {
    fn hear(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        loop {
            let Some(decoder) = &mut self.decoder else {
                return;
            };
            let before = rest;
            let taken = match decoder.next_frame(&mut rest) {
                Ok(None) => return,
                Ok(Some(frame)) => Ok(Event::of(frame)),
                Err(error) => Err(error),
            };
            match taken {
                Ok(heard) => self.print(&heard),
                Err(error) => {
                    self.decoder = None;
                    let bytes = &before[..before.len().min(STRANGE_BYTES_SHOWN)];
                    self.print(&Event {
                        what: format!("no frame: {error}"),
                        request: None,
                        body: Err(hex(bytes)),
                    });
                }
            }
        }
    }

    fn end(&mut self) {
        if self.decoder.take().is_some() {
            let (what, body) = ("end".to_owned(), Err(String::new()));
            let request = None;
            self.print(&Event {
                what,
                request,
                body,
            });
        }
    }

    fn print(&self, heard: &Event) {
        let at = now();
        let line = match self.format {
            OutputFormat::Text => heard.text(&at, self.connection, self.way),
            OutputFormat::Json => heard.json(&at, self.connection, self.way).to_string(),
        };
        // Ignore write errors: the trace may have no reader.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// A frame, or invalid data in place of one.
struct Event {
    /// Kind of the frame.
    what: String,
    request: Option<u64>,
    /// The body as JSON; else its bytes, and the fault in them.
    body: Result<String, String>,
}

impl Event {
    fn of(frame: Frame<'_>) -> Self {
        let bytes = || match hides(frame.kind) {
            true => format!("{} bytes, not shown", frame.body.len()),
            false => hex(frame.body),
        };
        let body = explain_body(frame.kind, frame.body);
        let body = body.map_err(|why| match why {
            Unexplained::UnknownKind(_) => bytes(),
            wrong => format!("{wrong}: {}", bytes()),
        });
        Self {
            what: frame.kind.to_string(),
            request: Some(frame.request.0),
            body,
        }
    }

    fn text(&self, at: &str, connection: u32, way: Way) -> String {
        let arrow = match way {
            Way::Sent => "->",
            Way::Received => "<-",
        };
        let request = self.request.map(|request| format!(" {request}"));
        let (Ok(body) | Err(body)) = &self.body;
        let (shown, more) = match body.char_indices().nth(BODY_CHARS_SHOWN) {
            Some((end, _)) => (&body[..end], format!("... of {} bytes", body.len())),
            None => (body.as_str(), String::new()),
        };
        let line = format!(
            "{} #{connection} {arrow} {}{} {shown}{more}",
            &at[11..26],
            self.what,
            request.unwrap_or_default()
        );
        Escaped(line.trim_end()).to_string()
    }

    fn json(&self, at: &str, connection: u32, way: Way) -> Value {
        let parsed = |body: &String| serde_json::from_str::<Value>(body).unwrap_or_default();
        json!({ "wire": {
            "time": at,
            "connection": connection,
            "way": match way { Way::Sent => "sent", Way::Received => "received" },
            "kind": self.what,
            "request": self.request.map(|request| request.to_string()),
            "body": self.body.as_ref().ok().map(parsed),
            "bytes": self.body.as_ref().err(),
        }})
    }
}

/// Returns the local machine's time: the server's time is not known at this level.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    let at = u64::try_from(micros).ok().and_then(Timestamp::from_micros);
    at.unwrap_or_default().to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl<S: AsyncRead + Unpin> AsyncRead for TracedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, into));
        match &into.filled()[before..] {
            [] if into.remaining() > 0 => self.received.end(),
            bytes => self.received.hear(bytes),
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TracedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        if let Ok(count) = written {
            self.sent.hear(&bytes[..count]);
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
