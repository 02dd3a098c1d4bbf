//! Expiry of sessions, to the microsecond, with a clock that the test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use auction_core::{
    AccountEvent, Caller, Command, LotId, NewSession, Price, Reply, RequestId, SessionId, Span,
    Timestamp, UserId,
};
use auction_proto::{
    AccountEntry, BidMaximum, Body, ClientMessage, Code, FrameDecoder, Hello, PREFACE, Ping,
    Resume, ServerMessage, Text, Token, VERSION, WatchAccount, encode_frame, limits,
};
use auction_server::testing::platform::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use crate::stage::Stage;

/// Maximum number of pings that wait for events.
const PINGS_MAX: usize = 10_000;

/// Longer than any step of these tests takes.
const PATIENCE: Duration = Duration::from_secs(60);
const MIA: UserId = UserId(1);
/// Lifetime of a session: all of them together are shorter than a lot is open.
const LASTS: Span = Span::from_secs(3_600);

/// One of each request that needs a session.
const NEED_A_SESSION: &[&str] = &[
    r#"{"list_sessions":{}}"#,
    r#"{"list_devices":{}}"#,
    r#"{"watch_account":{}}"#,
    r#"{"get_balance":{}}"#,
    r#"{"get_orders":{"lot":1}}"#,
    r#"{"get_least_winning":{"lot":1}}"#,
    r#"{"bid":{"lot":1,"price":"1.40"}}"#,
    r#"{"bid_maximum":{"lot":1,"maximum":"1.40"}}"#,
    r#"{"set_dead_man":{"grace":"3600000000"}}"#,
    r#"{"logout":{}}"#,
];

/// A clock that moves only when the test sets it.
struct Wound(AtomicU64);

impl Wound {
    fn set(&self, to: Timestamp) {
        self.0.store(to.micros(), SeqCst);
    }
}

impl Clock for Wound {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(SeqCst)).unwrap()
    }
}

/// A client whose connection is within this process.
struct Client {
    stream: DuplexStream,
    frames: FrameDecoder,
    /// Received entries of its account.
    told: Vec<AccountEntry>,
    next: u64,
}

impl Client {
    async fn greet(stage: &Stage) -> Self {
        let (stream, server) = duplex(1 << 16);
        tokio::spawn(stage.serve(server));
        let mut client = Self {
            stream,
            frames: FrameDecoder::new(limits::FRAME_BYTES_MAX),
            told: Vec::new(),
            next: 0,
        };
        client.stream.write_all(&PREFACE).await.unwrap();
        let hello = Hello {
            version_min: VERSION,
            version_max: VERSION,
            client: Text::of("test"),
        };
        let welcome = client.ask(&hello).await;
        assert!(matches!(welcome, ServerMessage::Welcome(_)), "{welcome:?}");
        client
    }

    async fn resumed(stage: &Stage, token: &Token) -> Self {
        let mut client = Self::greet(stage).await;
        let resumed = client.resume(token).await;
        let is_resumed = matches!(resumed, ServerMessage::LoggedIn(_));
        assert!(is_resumed, "{resumed:?}");
        client
    }

    async fn resume(&mut self, token: &Token) -> ServerMessage {
        let token = token.clone();
        self.ask(&Resume { token }).await
    }

    async fn ask<B: Body>(&mut self, body: &B) -> ServerMessage {
        let mut bytes = Vec::new();
        let request = self.number();
        encode_frame(request, body, &mut bytes);
        self.stream.write_all(&bytes).await.unwrap();
        self.answer(request).await
    }

    /// Pings until so many events of the account have come: they may follow the answer to a ping.
    async fn ping_until_told(&mut self, events: usize) {
        for _ in 0..PINGS_MAX {
            if self.told.len() >= events {
                return;
            }
            let client_time = Timestamp::default();
            self.ask(&Ping { client_time }).await;
        }
    }

    async fn ask_json(&mut self, text: &str) -> ServerMessage {
        let request = self.send_json(text).await;
        self.answer(request).await
    }

    async fn send_json(&mut self, text: &str) -> RequestId {
        let request = self.number();
        let numbered = text.replacen('{', r#"{"request":"1","#, 1);
        let (_, message) = ClientMessage::decode_json(numbered.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        message.encode(request, &mut bytes);
        self.stream.write_all(&bytes).await.unwrap();
        request
    }

    fn number(&mut self) -> RequestId {
        self.next += 1;
        RequestId(self.next)
    }

    async fn answer(&mut self, request: RequestId) -> ServerMessage {
        loop {
            let (of, message) = self.message().await;
            match message {
                ServerMessage::AccountFeed(feed) => self.told.extend(feed.entries.iter().cloned()),
                message if of == request => return message,
                _ => {}
            }
        }
    }

    async fn message(&mut self) -> (RequestId, ServerMessage) {
        let mut header = vec![0; 4];
        timeout(PATIENCE, self.stream.read_exact(&mut header))
            .await
            .unwrap()
            .unwrap();
        let length = u32::from_le_bytes(header[..].try_into().unwrap());
        header.resize(4 + length as usize, 0);
        self.stream.read_exact(&mut header[4..]).await.unwrap();
        let mut rest = &header[..];
        let frame = self.frames.next_frame(&mut rest).unwrap().unwrap();
        let message = ServerMessage::decode(frame.kind, frame.body).unwrap();
        (frame.request, message)
    }
}

/// A session of mia's, and the time of its expiry.
struct Opened {
    session: SessionId,
    token: Token,
    expires_at: Timestamp,
}

/// A market, its clock, and the number of opened sessions.
struct Market {
    stage: Stage,
    clock: Arc<Wound>,
    opened: u8,
}

impl Market {
    async fn new() -> Self {
        let begin = Timestamp::from_secs(1_800_000_000).micros();
        let clock = Arc::new(Wound(AtomicU64::new(begin)));
        let (wound, beat) = (clock.clone(), Duration::from_millis(100));
        // The stage has a runtime of its own.
        let stage = tokio::task::spawn_blocking(move || Stage::with_clock(1, 1, beat, wound));
        Self {
            stage: stage.await.unwrap(),
            clock,
            opened: 0,
        }
    }

    async fn open(&mut self) -> Opened {
        self.opened += 1;
        let token = Token::new([100 + self.opened; 32]);
        let expires_at = self.clock.now().saturating_add(LASTS);
        let new = NewSession {
            user: MIA,
            token_hash: token.hash(),
            expires_at,
        };
        let open = Command::OpenSession(Box::new(new));
        let opened = self
            .stage
            .services
            .sequencer
            .command(Caller::Operator, open)
            .await;
        let Ok(Ok(done)) = opened else {
            panic!("{opened:?}");
        };
        let Reply::SessionOpened(session) = done.reply else {
            panic!("{done:?}");
        };
        Opened {
            session,
            token,
            expires_at,
        }
    }

    /// Returns a client of a session, one microsecond before it expires.
    async fn at_the_last_moment(&self, of: &Opened) -> Client {
        let last = Timestamp::from_micros(of.expires_at.micros() - 1).unwrap();
        self.clock.set(last);
        let mut client = Client::resumed(&self.stage, &of.token).await;
        let sessions = client.ask_json(NEED_A_SESSION[0]).await;
        let is_told = matches!(sessions, ServerMessage::Sessions(_));
        assert!(is_told, "{sessions:?}");
        client
    }

    async fn end(self) {
        let end = tokio::task::spawn_blocking(move || drop(self.stage));
        end.await.unwrap();
    }
}

fn assert_expired(answer: &ServerMessage, of: &Opened, what: &str) {
    let ServerMessage::Refused(refused) = answer else {
        panic!("{what}: {answer:?}");
    };
    let expected = (
        Code::SESSION_EXPIRED,
        Some(of.session.0),
        Some(of.expires_at),
    );
    let told = (refused.code, refused.number, refused.at);
    assert_eq!(told, expected, "{what}");
}

#[tokio::test]
async fn a_session_reads_its_account_until_its_expiry_and_not_after() {
    let mut market = Market::new().await;
    for text in NEED_A_SESSION {
        let session = market.open().await;
        let mut client = market.at_the_last_moment(&session).await;
        market.clock.set(session.expires_at);
        for _ in 0..2 {
            let answer = client.ask_json(text).await;
            assert_expired(&answer, &session, text);
        }
        // Ready again: a live session is resumed, and an expired one is refused.
        let refused = client.resume(&session.token).await;
        assert_expired(&refused, &session, "resume");
        let next = market.open().await;
        let resumed = client.resume(&next.token).await;
        let is_resumed = matches!(resumed, ServerMessage::LoggedIn(_));
        assert!(is_resumed, "{resumed:?}");
        let sessions = client.ask_json(NEED_A_SESSION[0]).await;
        let is_told = matches!(sessions, ServerMessage::Sessions(_));
        assert!(is_told, "{sessions:?}");
    }
    market.end().await;
}

#[tokio::test]
async fn an_account_feed_ends_with_a_message_when_the_session_expires() {
    let mut market = Market::new().await;
    let session = market.open().await;
    let mut watching = market.at_the_last_moment(&session).await;
    let stands = watching.ask(&WatchAccount {}).await;
    assert!(matches!(stands, ServerMessage::Account(_)), "{stands:?}");
    // This session lives longer.
    let others = market.open().await;
    let mut owner = Client::resumed(&market.stage, &others.token).await;
    watching.ping_until_told(1).await;
    market.clock.set(session.expires_at);
    let (lot, maximum) = (LotId(1), Price::parse("9").unwrap());
    let hidden = owner.ask(&BidMaximum { lot, maximum }).await;
    assert!(matches!(hidden, ServerMessage::Accepted(_)), "{hidden:?}");
    market.stage.services.hub.ping().await.unwrap();
    watching.ping_until_told(2).await;
    let opened = AccountEvent::SessionOpened {
        session: others.session,
    };
    let ended = AccountEvent::SessionClosed {
        session: session.session,
    };
    let told: Vec<_> = watching.told.iter().map(|entry| entry.event).collect();
    assert_eq!(told, [opened, ended]);
    assert_eq!(watching.told[1].at, session.expires_at);
    market.end().await;
}

#[tokio::test]
async fn a_receipt_is_refused_when_the_session_expires_meanwhile() {
    let mut market = Market::new().await;
    let session = market.open().await;
    let mut client = market.at_the_last_moment(&session).await;
    let accepted = client.ask_json(r#"{"bid":{"lot":1,"price":"1.40"}}"#).await;
    assert!(matches!(accepted, ServerMessage::Accepted(_)));
    let of = client.next;
    // This market keeps no journal, so it takes some time to find that there is no receipt.
    let receipt = format!(r#"{{"get_receipt":{{"of":{{"request":"{of}"}}}}}}"#);
    let receipt = client.send_json(&receipt).await;
    let client_time = Timestamp::default();
    client.ask(&Ping { client_time }).await;
    market.clock.set(session.expires_at);
    let answer = loop {
        match client.message().await {
            (of, answer) if of == receipt => break answer,
            (_, ServerMessage::Heartbeat(_)) => {
                client.send_json(r#"{"ping":{"client_time":"0"}}"#).await;
            }
            _ => {}
        }
    };
    assert_expired(&answer, &session, "the receipt");
    market.end().await;
}
