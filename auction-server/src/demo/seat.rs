//! A seat: a connection in memory, served by the same code as any other, and the market state from its feed.

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

/// Number of bytes per read.
const INPUT_BYTES: usize = 16 * 1_024;
/// Client name of the demo in its hello.
const CLIENT: &str = concat!("auction-house/", env!("CARGO_PKG_VERSION"));

/// The connection of a demo account, and the market state from its feed.
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
    /// Time of the last change of each lot that has changed since the connection began.
    changed_at: BTreeMap<LotId, Timestamp>,
}

/// Reason why a seat is given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum SeatError {
    /// The connection has ended.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server ended it with this reason.
    #[error("{0}")]
    Goodbye(String),
    /// The bytes are not valid frames.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame is not a valid message.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The snapshot contradicts itself.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The feed contradicts the state before it.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The session is no longer accepted.
    #[error("{0}")]
    Refused(String),
}

impl Seat {
    /// Sends the hello, resumes a session, and waits for the snapshot of the market.
    pub(super) async fn take(io: DuplexStream, token: &Token) -> Result<Self, SeatError> {
        let mut seat = Self {
            io,
            decoder: FrameDecoder::new(FRAME_BYTES_MAX),
            input: vec![0; INPUT_BYTES],
            unread: 0..0,
            last_request: 0,
            // Until the server's welcome says how often it expects input.
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

    /// Returns the current state of the market.
    pub(super) fn market(&self) -> &Market {
        self.market
            .as_ref()
            .expect("a seat that was taken has seen it")
    }

    /// Returns the time of a lot's last change; its opening, if there was no change since the connection began.
    pub(super) fn changed_at(&self, lot: LotId) -> Timestamp {
        let opened = || self.market().lot(lot).map(|lot| lot.opened_at);
        let changed = self.changed_at.get(&lot).copied();
        changed.or_else(opened).unwrap_or_default()
    }

    /// Waits for a message from the server until this time, and applies it; sends a ping when one is due. Cancel safe.
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

    /// Sends a request and waits for its answer. Applies feed messages meanwhile.
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

    /// Sends a command; returns its reply or refusal. The market state then includes its effect.
    pub(super) async fn command(
        &mut self,
        message: impl Into<ClientMessage>,
    ) -> Result<Result<auction_core::Reply, Refused>, SeatError> {
        match self.ask(message).await? {
            ServerMessage::Accepted(accepted) => {
                // The answer may arrive before the feed: without its events the next decision could repeat the command.
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
        // Half of the time after which the server would drop a silent client.
        self.speak_at = Instant::now() + self.speak_every;
        Ok(request)
    }

    /// Waits for a message. Feed messages are applied; an answer to a request is returned.
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
