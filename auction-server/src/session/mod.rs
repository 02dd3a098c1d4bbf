//! A connection: reads frames, does what they ask, writes what comes of it.
//!
//! One task a connection, over any stream of bytes. While it writes it does not read: a client that does not
//! read its replies is not read from, and is dropped when it does not take a write in time.

mod requests;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use auction_core::{MarketId, RequestId, SessionId, Term, UserId};
use auction_proto::limits::REQUEST_BYTES_MAX;
use auction_proto::{
    Accepted, Body, Code, Done, FrameDecoder, FrameError, Goodbye, HEADER_BYTES, Refused, Text,
    encode_frame,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::committer::Novelty;
use crate::credentials::Credentials;
use crate::follower::Histories;
use crate::hub::{Hub, Published, Snapshot};
use crate::login::Hasher;
use crate::sequencer::{Answer, Inbox};

/// How long a client may take to introduce itself.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to accept what it is sent; then it is dropped.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How many commands of one connection can be under way; while there are as many, it is not read from.
pub const IN_FLIGHT_MAX: usize = 1_024;
/// How long a connection waits, at a shutdown, for what it has under way.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How much is read at a time.
const INPUT_BYTES: usize = 4_096;
/// How much is gathered before it is written.
const OUTPUT_BYTES: usize = 64 * 1_024;
/// Commands that one read can bring beyond those under way.
const FRAMES_PER_READ_MAX: usize = INPUT_BYTES / HEADER_BYTES + 1;

/// What a connection needs of the server.
pub struct Services {
    /// The way to the sequencer.
    pub inbox: Inbox,
    /// The way to the feed.
    pub hub: Hub,
    /// Passwords.
    pub hasher: Hasher,
    /// Accounts and sessions.
    pub credentials: Arc<Credentials>,
    /// The bids of each lot.
    pub histories: Histories,
    /// The market's time.
    pub clock: Arc<dyn Clock>,
    /// The market's identity.
    pub market: MarketId,
    /// Who leads.
    pub term: Term,
    /// Whether the server is ending.
    pub stopping: watch::Receiver<bool>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The client closed it.
    #[error("closed by the client")]
    Closed,
    /// The stream failed.
    #[error(transparent)]
    Stream(#[from] io::Error),
    /// The client took too long to introduce itself.
    #[error("no hello in time")]
    NoHello,
    /// The client did not read what it was sent.
    #[error("the client does not read")]
    TooSlow,
    /// The bytes are no frames.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Client and server speak no version in common.
    #[error("no version in common")]
    Version,
    /// The server is ending.
    #[error("the server is ending")]
    Stopping,
}

/// Serves a connection until it ends, and says why it did.
pub async fn serve<S>(stream: S, services: Arc<Services>) -> Ended
where
    S: AsyncRead + AsyncWrite + Send,
{
    let (reader, writer) = tokio::io::split(stream);
    let (answers, answered) = mpsc::channel(IN_FLIGHT_MAX + FRAMES_PER_READ_MAX);
    let output = Output {
        writer,
        bytes: Vec::new(),
    };
    let mut connection = Connection {
        services,
        output,
        state: State::Greeting,
        feed: None,
        answers,
        in_flight: 0,
    };
    let ended = match connection.run(reader, answered).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    };
    connection.say_goodbye(&ended).await;
    ended
}

struct Connection<S> {
    services: Arc<Services>,
    output: Output<S>,
    state: State,
    feed: Option<Watched>,
    answers: mpsc::Sender<(RequestId, Answer)>,
    in_flight: usize,
}

/// How far a client has come.
enum State {
    Greeting,
    Anonymous,
    LoggedIn(Bound),
}

/// The session that a connection speaks for.
#[derive(Clone, Copy)]
struct Bound {
    session: SessionId,
    user: UserId,
}

/// The feed of a connection, and the number of the request that asked for it.
struct Watched {
    request: RequestId,
    feed: broadcast::Receiver<Arc<Published>>,
}

enum Never {}

impl<S: AsyncRead + AsyncWrite + Send> Connection<S> {
    async fn run(
        &mut self,
        mut reader: ReadHalf<S>,
        mut answered: mpsc::Receiver<(RequestId, Answer)>,
    ) -> Result<Never, Ended> {
        let mut decoder = FrameDecoder::after_preface(REQUEST_BYTES_MAX);
        let mut input = vec![0; INPUT_BYTES];
        let mut stopping = self.services.stopping.clone();
        let no_hello = tokio::time::sleep(HELLO_TIMEOUT);
        tokio::pin!(no_hello);
        loop {
            self.output.flush().await?;
            tokio::select! {
                read = reader.read(&mut input), if self.in_flight < IN_FLIGHT_MAX => {
                    let count = read?;
                    if count == 0 {
                        return Err(Ended::Closed);
                    }
                    let mut rest = &input[..count];
                    while let Some(frame) = decoder.next_frame(&mut rest)? {
                        self.take(frame).await?;
                        self.output.flush_when_full().await?;
                    }
                }
                Some(answer) = answered.recv() => {
                    self.tell(answer);
                    while let Ok(answer) = answered.try_recv() {
                        self.tell(answer);
                    }
                }
                published = next(&mut self.feed) => self.publish(published).await?,
                () = &mut no_hello, if matches!(self.state, State::Greeting) => {
                    return Err(Ended::NoHello);
                }
                () = stopped(&mut stopping) => {
                    self.drain(&mut answered).await;
                    return Err(Ended::Stopping);
                }
            }
        }
    }

    fn tell(&mut self, (request, answer): (RequestId, Answer)) {
        self.in_flight -= 1;
        match answer {
            Answer::Decided(Ok(done)) => {
                let novelty = match done.novelty {
                    Novelty::New => Done::Now,
                    Novelty::Repeated => Done::Before,
                };
                let feed_sequence = done.feed_sequence;
                let accepted = Accepted {
                    feed_sequence,
                    done: novelty,
                    reply: done.reply,
                };
                self.reply(request, &accepted);
            }
            Answer::Decided(Err(reject)) => self.reply(request, &Refused::from(reject)),
            Answer::LastRequest(_) => unreachable!("a connection waits for it in place"),
        }
    }

    /// Writes a batch of the feed and all that follow it already; or everything anew, when the client was too
    /// slow to be given all that was in between.
    async fn publish(&mut self, first: Result<Arc<Published>, RecvError>) -> Result<(), Ended> {
        let mut published = match first {
            Ok(published) => published,
            Err(RecvError::Lagged(_)) => return self.watch_anew().await,
            // The hub ends with the server.
            Err(RecvError::Closed) => {
                self.feed = None;
                return Ok(());
            }
        };
        loop {
            self.output.bytes.extend_from_slice(published.frame());
            self.output.flush_when_full().await?;
            let Some(watched) = &mut self.feed else {
                return Ok(());
            };
            published = match watched.feed.try_recv() {
                Ok(published) => published,
                Err(TryRecvError::Lagged(_)) => return self.watch_anew().await,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(()),
            };
        }
    }

    fn reply<B: Body>(&mut self, request: RequestId, body: &B) {
        encode_frame(request, body, &mut self.output.bytes);
    }

    /// Waits for what is under way, so that its outcome is told.
    async fn drain(&mut self, answered: &mut mpsc::Receiver<(RequestId, Answer)>) {
        let all = async {
            while self.in_flight > 0
                && let Some(answer) = answered.recv().await
            {
                self.tell(answer);
            }
        };
        // Who can't be told by then learns it by asking again.
        let _ = timeout(DRAIN_TIMEOUT, all).await;
    }

    async fn say_goodbye(&mut self, ended: &Ended) {
        let code = match ended {
            Ended::Closed | Ended::Stream(_) | Ended::TooSlow => return,
            Ended::NoHello => Code::TIMED_OUT,
            Ended::Frame(FrameError::TooLong { .. }) => Code::FRAME_TOO_LARGE,
            Ended::Frame(_) => Code::MALFORMED,
            Ended::Version => Code::VERSION_UNSUPPORTED,
            Ended::Stopping => Code::SHUTTING_DOWN,
        };
        self.reply(
            RequestId(0),
            &Goodbye {
                code,
                message: Text::of(ended),
            },
        );
        // Whether it arrives is the client's concern.
        let _ = self.output.flush().await;
        let _ = timeout(WRITE_TIMEOUT, self.output.writer.shutdown()).await;
    }
}

/// What is to be written.
struct Output<S> {
    writer: WriteHalf<S>,
    bytes: Vec<u8>,
}

impl<S: AsyncWrite> Output<S> {
    async fn flush_when_full(&mut self) -> Result<(), Ended> {
        if self.bytes.len() < OUTPUT_BYTES {
            Ok(())
        } else {
            self.flush().await
        }
    }

    async fn snapshot(&mut self, request: RequestId, snapshot: &Snapshot) -> Result<(), Ended> {
        for (head, rest) in snapshot.frames(request) {
            self.bytes.extend_from_slice(&head);
            self.bytes.extend_from_slice(rest);
            self.flush_when_full().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let write = async {
            self.writer.write_all(&self.bytes).await?;
            self.writer.flush().await
        };
        timeout(WRITE_TIMEOUT, write)
            .await
            .map_err(|_| Ended::TooSlow)??;
        self.bytes.clear();
        self.bytes.shrink_to(OUTPUT_BYTES);
        Ok(())
    }
}

/// The next of the feed; never, without one.
async fn next(feed: &mut Option<Watched>) -> Result<Arc<Published>, RecvError> {
    match feed {
        Some(watched) => watched.feed.recv().await,
        None => std::future::pending().await,
    }
}

/// Waits until the server is ending.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error: the server is gone already.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
