//! A connection to a server with the protocol's bytes over a plain blocking socket, so that a test controls exactly
//! what is sent and sees exactly what arrives.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::time::Instant;

use auction_core::{LotId, Market, Name, Price, PublicEvent, RequestId, Timestamp};
use auction_proto::{
    Accepted, Bid, Body, ClientMessage, Code, Feed, FrameDecoder, GetSnapshot, Hello, ListSessions,
    ListedSession, LoggedIn, Login, PREFACE, Refused, Register, Resume, Secret, ServerMessage,
    SnapshotAssembler, Text, Token, VERSION, Watch, encode_frame, limits,
};

use crate::test_market::DEADLINE;

/// The password of all users.
pub const PASSWORD: &str = "correct horse battery staple";

/// A connection. Requests are numbered from 1, unless a number is given.
pub struct Line {
    stream: TcpStream,
    decoder: FrameDecoder,
    arrived: VecDeque<(RequestId, ServerMessage)>,
    output: Vec<u8>,
    next_request: u64,
}

impl Line {
    /// Connects and sends nothing.
    pub fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        Self::over(stream)
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self {
            stream,
            decoder: FrameDecoder::new(limits::FRAME_BYTES_MAX),
            arrived: VecDeque::new(),
            output: Vec::new(),
            next_request: 1,
        }
    }

    /// Connects and greets.
    pub fn open(address: SocketAddr) -> Self {
        let mut line = Self::silent(address);
        line.greet();
        line
    }

    pub fn greet(&mut self) {
        self.raw(&PREFACE);
        let answer = self.ask(&hello());
        assert!(matches!(answer, ServerMessage::Welcome(_)), "{answer:?}");
    }

    /// Connects, creates an account and logs in.
    pub fn trader(address: SocketAddr, name: &str) -> Self {
        let mut line = Self::open(address);
        line.register(name).unwrap();
        line.log_in(name, PASSWORD).unwrap();
        line
    }

    /// Address of the server.
    pub fn address(&self) -> SocketAddr {
        self.stream.peer_addr().unwrap()
    }

    pub fn local_port(&self) -> u16 {
        self.stream.local_addr().unwrap().port()
    }

    /// Sets the number of the next request.
    pub fn number_from(&mut self, request: u64) {
        self.next_request = request;
    }

    /// Queues bytes; they are sent with the next [`flush`](Self::flush).
    pub fn raw(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Queues a request and returns its number.
    pub fn send<B: Body>(&mut self, body: &B) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.send_as(request, body);
        request
    }

    pub fn send_as<B: Body>(&mut self, request: RequestId, body: &B) {
        encode_frame(request, body, &mut self.output);
    }

    /// Queues a message of any kind.
    pub fn send_message_as(&mut self, request: RequestId, message: &ClientMessage) {
        message.encode(request, &mut self.output);
    }

    pub fn flush(&mut self) -> io::Result<()> {
        let written = self.stream.write_all(&self.output);
        self.output.clear();
        written
    }

    /// Reads the next message; `None` at the end of the connection.
    pub fn next(&mut self) -> io::Result<Option<(RequestId, ServerMessage)>> {
        let mut bytes = [0; 16 * 1_024];
        while self.arrived.is_empty() {
            let count = match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(None),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let mut rest = &bytes[..count];
            while let Some(frame) = self.decoder.next_frame(&mut rest).unwrap() {
                let message = ServerMessage::decode(frame.kind, frame.body).unwrap();
                self.arrived.push_back((frame.request, message));
            }
        }
        Ok(self.arrived.pop_front())
    }

    /// Returns the answer to a request; skips the messages before it.
    pub fn answer(&mut self, request: RequestId) -> ServerMessage {
        self.flush().unwrap();
        loop {
            match self.next().unwrap() {
                Some((of, message)) if of == request => return message,
                Some(_) => {}
                None => panic!("the server closed the connection"),
            }
        }
    }

    /// Sends a request and waits for the answer.
    pub fn ask<B: Body>(&mut self, body: &B) -> ServerMessage {
        let request = self.send(body);
        self.answer(request)
    }

    /// Returns the code of the server's last message, if any, and checks that the connection then closes.
    pub fn last_words(&mut self) -> Option<Code> {
        let mut last = None;
        loop {
            match self.next() {
                Ok(Some((_, ServerMessage::Goodbye(goodbye)))) => last = Some(goodbye.code),
                Ok(Some(_)) => last = None,
                Ok(None) => return last,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return last,
                Err(error) => panic!("the connection stays open: {error}"),
            }
        }
    }

    /// Sends a command and returns its outcome.
    pub fn command<B: Body>(&mut self, body: &B) -> Result<Accepted, Refused> {
        match self.ask(body) {
            ServerMessage::Accepted(accepted) => Ok(accepted),
            ServerMessage::Refused(refused) => Err(refused),
            other => panic!("{other:?} answers no command"),
        }
    }

    pub fn bid(&mut self, lot: u32, price: &str) -> Result<Accepted, Refused> {
        self.command(&Bid {
            lot: LotId(lot),
            price: Price::parse(price).unwrap(),
        })
    }

    pub fn register(&mut self, name: &str) -> Result<Accepted, Refused> {
        self.command(&registration(name))
    }

    pub fn send_registration(&mut self, name: &str) -> RequestId {
        self.send(&registration(name))
    }

    pub fn log_in(&mut self, name: &str, secret: &str) -> Result<LoggedIn, Refused> {
        let name = Name::parse(name).unwrap();
        let password = password(secret);
        logged_in(self.ask(&Login { name, password }))
    }

    pub fn resume(&mut self, token: &Token) -> Result<LoggedIn, Refused> {
        let token = token.clone();
        logged_in(self.ask(&Resume { token }))
    }

    pub fn sessions(&mut self) -> Vec<ListedSession> {
        match self.ask(&ListSessions {}) {
            ServerMessage::Sessions(sessions) => sessions.sessions.into_vec(),
            other => panic!("{other:?} lists no sessions"),
        }
    }

    /// Requests the current market.
    pub fn snapshot(&mut self) -> Market {
        let request = self.send(&GetSnapshot {});
        self.assemble(request)
    }

    fn assemble(&mut self, request: RequestId) -> Market {
        let mut assembler = SnapshotAssembler::new();
        loop {
            match self.answer(request) {
                ServerMessage::SnapshotPart(part) => {
                    if let Some(market) = assembler.add(part).unwrap() {
                        return market;
                    }
                }
                other => panic!("{other:?} is no part of a snapshot"),
            }
        }
    }
}

pub fn hello() -> Hello {
    Hello {
        version_min: VERSION,
        version_max: VERSION,
        client: Text::of("test"),
    }
}

pub fn password(text: &str) -> Secret {
    Secret::new(text.to_owned()).unwrap()
}

fn registration(name: &str) -> Register {
    Register {
        name: Name::parse(name).unwrap(),
        password: password(PASSWORD),
    }
}

fn logged_in(answer: ServerMessage) -> Result<LoggedIn, Refused> {
    match answer {
        ServerMessage::LoggedIn(logged_in) => Ok(logged_in),
        ServerMessage::Refused(refused) => Err(refused),
        other => panic!("{other:?} answers no login"),
    }
}

/// A watcher of the market, with its own fold of the feed.
pub struct Watcher {
    line: Line,
    market: Market,
    goodbye: Option<Code>,
}

impl Watcher {
    /// Begins with the current market.
    pub fn begin(address: SocketAddr) -> Self {
        let mut line = Line::open(address);
        let request = line.send(&Watch { resume: None });
        let market = line.assemble(request);
        Self {
            line,
            market,
            goodbye: None,
        }
    }

    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Watches until `found` returns something for the market, now or later.
    pub fn until_some<T>(&mut self, mut found: impl FnMut(&Market) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = found(&self.market) {
                return found;
            }
            assert!(begun.elapsed() < DEADLINE, "watched in vain");
            self.next().unwrap().expect("the feed goes on");
        }
    }

    /// Watches until the connection ends, and returns the code of the server's last message.
    pub fn until_goodbye(mut self) -> Option<Code> {
        while self.next().unwrap().is_some() {}
        self.goodbye
    }

    /// Reads the next events: none for an indicative, or for a heartbeat, which must agree with the own fold;
    /// `None` at the end of the connection.
    pub fn next(&mut self) -> io::Result<Option<Vec<(Timestamp, PublicEvent)>>> {
        match self.line.next()? {
            Some((_, ServerMessage::Feed(feed))) => Ok(Some(self.take(feed))),
            Some((_, ServerMessage::Heartbeat(heartbeat))) => {
                assert_eq!(heartbeat.feed_sequence, self.market.feed_sequence());
                assert_eq!(heartbeat.digest, self.market.digest());
                Ok(Some(Vec::new()))
            }
            Some((_, ServerMessage::Indicative(_))) => Ok(Some(Vec::new())),
            Some((_, ServerMessage::Goodbye(goodbye))) => {
                self.goodbye = Some(goodbye.code);
                Ok(None)
            }
            None => Ok(None),
            Some((_, other)) => panic!("{other:?} came in the feed"),
        }
    }

    /// Watches until `done` breaks with something.
    pub fn until<T>(
        &mut self,
        mut done: impl FnMut(&Market, Timestamp, &PublicEvent) -> ControlFlow<T>,
    ) -> T {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < DEADLINE, "watched in vain");
            let events = self.next().unwrap().expect("the feed goes on");
            for (at, event) in &events {
                if let ControlFlow::Break(found) = done(&self.market, *at, event) {
                    return found;
                }
            }
        }
    }

    fn take(&mut self, feed: Feed) -> Vec<(Timestamp, PublicEvent)> {
        feed.apply_to(&mut self.market).unwrap();
        let entries = feed.entries.into_iter();
        entries.map(|entry| (entry.at, entry.event)).collect()
    }
}
