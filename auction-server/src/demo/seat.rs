//! A seat at the market: a connection in memory, served by the same code as any other, and the market as seen from it.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use auction_core::{LotId, Market, RequestId, Timestamp};
use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{
    BodyError, ClientMessage, FeedError, FrameDecoder, FrameError, Hello, PREFACE, Ping, Refused,
    Resume, ServerMessage, SnapshotAssembler, SnapshotError, Text, Token, VERSION, VERSION_OLDEST,
    Watch,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout_at};

/// How much is read at a time.
const INPUT_BYTES: usize = 16 * 1_024;
/// What the house calls itself.
const CLIENT: &str = concat!("auction-house/", env!("CARGO_PKG_VERSION"));

/// A connection of one of the house, and the market as it has seen it.
pub(super) struct Seat {
    io: DuplexStream,
    decoder: FrameDecoder,
    input: Vec<u8>,
    unread: std::ops::Range<usize>,
    last_request: u64,
    speak_every: Duration,
    speak_at: Instant,
    assembler: SnapshotAssembler,
    market: Option<Market>,
    /// When each lot last changed, of those that have since this seat was taken.
    changed_at: BTreeMap<LotId, Timestamp>,
}

/// Why a seat is given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum SeatError {
    /// The connection has ended.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server ended it, and said why.
    #[error("{0}")]
    Goodbye(String),
    /// What came is no protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// What came is no message.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The snapshot contradicts itself.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The feed contradicts what was seen.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The session is no longer taken.
    #[error("{0}")]
    Refused(String),
}

impl Seat {
    /// Says hello, goes on with a session, and waits until the market has been seen.
    pub(super) async fn take(io: DuplexStream, token: &Token) -> Result<Self, SeatError> {
        let mut seat = Self {
            io,
            decoder: FrameDecoder::new(FRAME_BYTES_MAX),
            input: vec![0; INPUT_BYTES],
            unread: 0..0,
            last_request: 0,
            // Until the server tells how often it wants to hear something.
            speak_every: Duration::from_secs(1),
            speak_at: Instant::now(),
            assembler: SnapshotAssembler::new(),
            market: None,
            changed_at: BTreeMap::new(),
        };
        seat.io.write_all(&PREFACE).await?;
        let hello = Hello {
            version_min: VERSION_OLDEST,
            version_max: VERSION,
            client: Text::of(CLIENT),
        };
        let welcome = seat.ask(hello).await?;
        if let ServerMessage::Welcome(welcome) = welcome {
            seat.speak_every = Duration::from_millis(u64::from(welcome.heartbeat_ms));
        }
        let token = token.clone();
        match seat.ask(Resume { token }).await? {
            ServerMessage::LoggedIn(session) => {
                seat.last_request = seat.last_request.max(session.last_request.0);
            }
            other => return Err(SeatError::Refused(format!("{other:?}"))),
        }
        seat.send(Watch { resume: None }).await?;
        while seat.market.is_none() {
            seat.hear().await?;
        }
        Ok(seat)
    }

    /// The market as it has been seen.
    pub(super) fn market(&self) -> &Market {
        self.market
            .as_ref()
            .expect("a seat that was taken has seen it")
    }

    /// When a lot last changed; when it opened, if this seat has seen no change.
    pub(super) fn changed_at(&self, lot: LotId) -> Timestamp {
        let opened = || self.market().lot(lot).map(|lot| lot.opened_at);
        let changed = self.changed_at.get(&lot).copied();
        changed.or_else(opened).unwrap_or_default()
    }

    /// Waits for something from the server until then, and takes it; meanwhile shows that the seat is not empty. Can be
    /// given up at any time without loss.
    pub(super) async fn listen_until(&mut self, until: Option<Instant>) -> Result<(), SeatError> {
        let wake = until.map_or(self.speak_at, |until| until.min(self.speak_at));
        match timeout_at(wake, self.hear()).await {
            Ok(heard) => heard.map(drop)?,
            Err(_) if self.speak_at <= Instant::now() => {
                let client_time = Timestamp::default();
                self.send(Ping { client_time }).await?;
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Asks for something and waits for the answer. What happens meanwhile is taken.
    pub(super) async fn ask(
        &mut self,
        message: impl Into<ClientMessage>,
    ) -> Result<ServerMessage, SeatError> {
        let request = self.send(message).await?;
        loop {
            if let Some((to, answer)) = self.hear().await?
                && to == request
            {
                return Ok(answer);
            }
        }
    }

    /// The same for a command: whether it was accepted. What came of it has been seen then.
    pub(super) async fn command(
        &mut self,
        message: impl Into<ClientMessage>,
    ) -> Result<Result<auction_core::Reply, Refused>, SeatError> {
        match self.ask(message).await? {
            ServerMessage::Accepted(accepted) => {
                // The answer may overtake the feed: who decided again without it would do all twice.
                while self.market().feed_sequence() < accepted.feed_sequence {
                    self.hear().await?;
                }
                Ok(Ok(accepted.reply))
            }
            ServerMessage::Refused(refused) => Ok(Err(refused)),
            other => Err(SeatError::Refused(format!("{other:?}"))),
        }
    }

    async fn send(&mut self, message: impl Into<ClientMessage>) -> Result<RequestId, SeatError> {
        self.last_request += 1;
        let request = RequestId(self.last_request);
        let mut bytes = Vec::new();
        message.into().encode(request, &mut bytes);
        self.io.write_all(&bytes).await?;
        // Half of what the server would take as silence.
        self.speak_at = Instant::now() + self.speak_every;
        Ok(request)
    }

    /// Waits for a message. What tells of the market is taken; an answer to a request is given back.
    async fn hear(&mut self) -> Result<Option<(RequestId, ServerMessage)>, SeatError> {
        let (request, message) = self.next().await?;
        match message {
            ServerMessage::SnapshotPart(part) => {
                if let Some(market) = self.assembler.add(part)? {
                    self.market = Some(market);
                }
            }
            ServerMessage::Feed(feed) => {
                if let Some(market) = &mut self.market {
                    feed.apply_to(market)?;
                    for entry in &feed.entries {
                        if let Some(lot) = entry.event.lot() {
                            self.changed_at.insert(lot, entry.at);
                        }
                    }
                    let market = &*market;
                    self.changed_at
                        .retain(|lot, _| market.lot(*lot).is_some_and(|lot| !lot.is_closed()));
                }
            }
            ServerMessage::Resync(_) => self.assembler = SnapshotAssembler::new(),
            ServerMessage::Goodbye(goodbye) => {
                return Err(SeatError::Goodbye(goodbye.message.to_string()));
            }
            ServerMessage::Heartbeat(_) | ServerMessage::Pong(_) => {}
            answer => return Ok(Some((request, answer))),
        }
        Ok(None)
    }

    async fn next(&mut self) -> Result<(RequestId, ServerMessage), SeatError> {
        loop {
            let mut rest = &self.input[self.unread.clone()];
            let frame = self.decoder.next_frame(&mut rest)?;
            let message = frame.map(|frame| {
                let message = ServerMessage::decode(frame.kind, frame.body);
                message.map(|message| (frame.request, message))
            });
            self.unread.start = self.unread.end - rest.len();
            if let Some(message) = message {
                return Ok(message?);
            }
            let count = self.io.read(&mut self.input).await?;
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            self.unread = 0..count;
        }
    }
}
