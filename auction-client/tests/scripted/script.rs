//! A server that sends what a test specifies.

use std::io;
use std::sync::Arc;

use auction_client::Client;
use auction_core::{
    Digest, FeedSequence, Listing, LotId, LotOpened, Market, MarketId, Name, Price, PublicEvent,
    Quantity, RequestId, Role, SessionId, Symbol, Term, Terms, Timestamp, UserId,
};
use auction_proto::{
    ClientMessage, Feed, FeedEntry, FrameDecoder, Heartbeat, LoggedIn, Resume, ServerMessage,
    SnapshotPart, Text, Token, VERSION, Welcome, limits::REQUEST_BYTES_MAX,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;

pub const MARKET: MarketId = MarketId([7; 16]);
pub const HEARTBEAT_MS: u32 = 5_000;
const PIPE_BYTES: usize = 64 * 1024;
const CONNECTIONS_MAX: usize = 16;

/// Accepts the clients' connections.
pub struct Listener(mpsc::Receiver<DuplexStream>);

/// The server's side of a connection. Dropping it closes the connection.
pub struct Line<S = DuplexStream> {
    pub stream: S,
    decoder: FrameDecoder,
    input: Vec<u8>,
}

/// Function that a client connects with. It fails after the listener is dropped.
pub type Connect = Arc<dyn Fn() -> io::Result<DuplexStream> + Send + Sync>;

pub fn listener() -> (Listener, Connect) {
    let (connections, arrived) = mpsc::channel(CONNECTIONS_MAX);
    let connect = Arc::new(move || {
        let (here, there) = tokio::io::duplex(PIPE_BYTES);
        let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
        connections.try_send(there).map_err(refused)?;
        Ok(here)
    });
    (Listener(arrived), connect)
}

/// Returns a client and the server's side of its first connection, both greeted.
pub async fn connected() -> (Client, Listener, Line) {
    let (mut listener, connect) = listener();
    let (client, line) = tokio::join!(client(connect), listener.greeted());
    (client, listener, line)
}

/// Returns a client with a session.
pub async fn logged_in() -> (Client, Listener, Line) {
    let (client, listener, mut line) = connected().await;
    let resume = client.resume(token());
    let answer = async {
        let (number, message) = line.next().await;
        assert_eq!(message, ClientMessage::Resume(Resume { token: token() }));
        line.say(number, session()).await;
    };
    let (logged_in, ()) = tokio::join!(resume, answer);
    assert_eq!(logged_in.unwrap().name, Name::parse("mia").unwrap());
    (client, listener, line)
}

pub async fn client(connect: Connect) -> Client {
    try_client(connect)
        .await
        .expect("the script lets the client in")
}

pub async fn try_client(connect: Connect) -> Result<Client, auction_client::ConnectionError> {
    Client::connect_with(move || std::future::ready(connect())).await
}

impl Listener {
    /// Returns the next connection.
    pub async fn accept(&mut self) -> Line {
        let stream = self.0.recv().await.expect("a client connects");
        Line::new(stream)
    }

    /// Returns the next connection, greeted.
    pub async fn greeted(&mut self) -> Line {
        let mut line = self.accept().await;
        line.greet(welcome()).await;
        line
    }

    /// Returns the next connection, greeted, whose client resumes its session.
    pub async fn resumed(&mut self) -> Line {
        let mut line = self.greeted().await;
        let (number, message) = line.next().await;
        assert_eq!(message, ClientMessage::Resume(Resume { token: token() }));
        line.say(number, session()).await;
        line
    }

    /// Returns true if a connection waits.
    pub fn has_waiting(&mut self) -> bool {
        !self.0.is_empty()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub fn new(stream: S) -> Self {
        let decoder = FrameDecoder::after_preface(REQUEST_BYTES_MAX);
        Self {
            stream,
            decoder,
            input: Vec::new(),
        }
    }

    pub async fn greet(&mut self, welcome: Welcome) {
        let (number, message) = self.next().await;
        assert!(matches!(message, ClientMessage::Hello(_)), "{message:?}");
        self.say(number, welcome).await;
    }

    /// Returns the next message that is not a ping.
    pub async fn next(&mut self) -> (RequestId, ClientMessage) {
        loop {
            let (number, message) = self
                .next_or_ping()
                .await
                .expect("the client says something");
            if !matches!(message, ClientMessage::Ping(_)) {
                return (number, message);
            }
        }
    }

    /// Returns the next message; `None` when the client closed the connection.
    pub async fn next_or_ping(&mut self) -> Option<(RequestId, ClientMessage)> {
        loop {
            let mut rest = &self.input[..];
            let before = rest.len();
            let frame = self
                .decoder
                .next_frame(&mut rest)
                .expect("clients send frames");
            let message = frame.map(|frame| {
                let message = ClientMessage::decode(frame.kind, frame.body);
                (frame.request, message.expect("clients send messages"))
            });
            let taken = before - rest.len();
            self.input.drain(..taken);
            if message.is_some() {
                return message;
            }
            let count = self.stream.read_buf(&mut self.input).await.ok()?;
            if count == 0 {
                return None;
            }
        }
    }

    pub async fn say(&mut self, number: RequestId, message: impl Into<ServerMessage>) {
        self.say_bytes(&frame(number, message)).await;
    }

    pub async fn say_bytes(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .await
            .expect("the client reads");
    }

    /// Answers the client's request to watch with a market's snapshot.
    pub async fn snapshot(&mut self, number: RequestId, market: &Market) {
        for part in SnapshotPart::of_market(market) {
            self.say(number, part).await;
        }
    }
}

pub fn frame(number: RequestId, message: impl Into<ServerMessage>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.into().encode(number, &mut bytes);
    bytes
}

pub fn welcome() -> Welcome {
    Welcome {
        version: VERSION,
        market: MARKET,
        term: Term(1),
        time: Timestamp::from_secs(1_000),
        server: Text::of("script/1"),
        heartbeat_ms: HEARTBEAT_MS,
    }
}

pub fn token() -> Token {
    Token::new([9; 32])
}

pub fn session() -> LoggedIn {
    LoggedIn {
        session: SessionId(3),
        token: None,
        user: UserId(1),
        name: Name::parse("mia").unwrap(),
        role: Role::Trader,
        last_request: RequestId(0),
        expires_at: Timestamp::from_secs(1_000_000),
    }
}

pub fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

/// Returns a market with mia and one open lot, AAPL at 1.00.
pub fn market() -> Market {
    let mut market = Market::new(MARKET);
    for event in opening() {
        market.apply(Timestamp::from_secs(1_000), &event).unwrap();
    }
    market
}

fn opening() -> [PublicEvent; 3] {
    let symbol = Symbol::parse("AAPL").unwrap();
    let listing = Listing {
        symbol,
        security: "01954".parse().unwrap(),
        price: price("1.00"),
        profit: "9800".parse().unwrap(),
    };
    let opened = LotOpened {
        lot: LotId(1),
        symbol,
        quantity: Quantity::ONE,
        base_price: price("1.00"),
        opens_at: None,
        closes_at: Timestamp::from_secs(1_300),
        terms: Terms::English(Default::default()),
        has_reserve: false,
    };
    let (user, name, role) = (UserId(1), Name::parse("mia").unwrap(), Role::Trader);
    [
        PublicEvent::StockListed(listing),
        PublicEvent::UserRegistered { user, name, role },
        PublicEvent::LotOpened(Box::new(opened)),
    ]
}

/// Returns a batch with one bid of mia, at this place of the feed.
pub fn bid_feed(place: u64, price: Price) -> Feed {
    let bid = auction_core::BidAccepted {
        lot: LotId(1),
        bidder: UserId(1),
        amount: Some(price),
        leader: UserId(1),
        price,
        least: price.checked_add(Price::UNIT),
        bidders: 1,
        reserve: auction_core::ReserveStatus::None,
    };
    let entry = FeedEntry {
        at: Timestamp::from_secs(1_000 + place),
        event: PublicEvent::BidAccepted(bid),
    };
    let mut frames = Feed::of_commit(MARKET, Term(1), FeedSequence(place - 1), [entry]);
    frames.remove(0)
}

pub fn heartbeat(place: FeedSequence, digest: Digest) -> Heartbeat {
    Heartbeat {
        time: Timestamp::from_secs(2_000),
        feed_sequence: place,
        digest,
    }
}
