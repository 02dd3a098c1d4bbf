//! The binary protocol, as clients of our server use it.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use auction_core::{LotId, Market, Name, Price, RequestId};
use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{
    self as proto, Body, Frame, Hello, Kind, LoggedIn, Login, PREFACE, Register, Resume, Secret,
    ServerMessage, SnapshotAssembler, Text, Token, VERSION, Watch, encode_frame,
};

use crate::target::{Answer, Speaker, unexpected};
use crate::workload::{Bid, Trader};

/// Traders of a server.
#[derive(Debug)]
pub struct Accounts {
    address: SocketAddr,
    /// Prefix of the traders' names.
    prefix: String,
    /// Password of all of them, known to nobody else: the market may be a real one.
    password: Secret,
    tokens: Vec<Token>,
}

impl Accounts {
    /// Registers this number of traders and logs them in.
    pub fn make(address: SocketAddr, prefix: &str, traders: u32) -> io::Result<Self> {
        let mut accounts = Self {
            address,
            prefix: prefix.to_owned(),
            password: Secret::new(format!("{:032x}", rand::random::<u128>())).expect("a password"),
            tokens: Vec::new(),
        };
        for trader in 0..traders {
            let token = accounts.log_in(trader)?;
            accounts.tokens.push(token);
        }
        Ok(accounts)
    }

    /// Address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the server's new address.
    pub fn moved_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Name of a trader.
    pub fn name(&self, trader: Trader) -> Name {
        Name::parse(&format!("{}-{trader}", self.prefix)).expect("a short name")
    }

    /// Opens a new connection that resumes a trader's session.
    pub fn connect(&self, trader: Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)> {
        let mut greeted = Greeted::new(self.address)?;
        let token = self.tokens[trader as usize].clone();
        let LoggedIn { last_request, .. } = greeted.log_in(&Resume { token })?;
        let next = RequestId(last_request.0.max(greeted.request.0) + 1);
        Ok((greeted.stream, speaker(next)))
    }

    fn log_in(&self, trader: Trader) -> io::Result<Token> {
        let mut greeted = Greeted::new(self.address)?;
        let name = self.name(trader);
        let password = self.password.clone();
        match greeted.ask(&Register {
            name,
            password: password.clone(),
        })? {
            ServerMessage::Accepted(_) => {}
            other => return Err(unexpected(format!("no account was made: {other:?}"))),
        }
        let logged_in = greeted.log_in(&Login { name, password })?;
        logged_in
            .token
            .ok_or_else(|| unexpected("a login without a token"))
    }
}

/// A connection after `hello`, which sends one request at a time.
#[derive(Debug)]
pub struct Greeted {
    stream: TcpStream,
    request: RequestId,
    input: Vec<u8>,
}

impl Greeted {
    pub fn new(address: SocketAddr) -> io::Result<Self> {
        Self::on(TcpStream::connect(address)?)
    }

    /// Sends `hello` on an open connection.
    pub fn on(mut stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.write_all(&PREFACE)?;
        let (request, input) = (RequestId(0), Vec::new());
        let mut greeted = Self {
            stream,
            request,
            input,
        };
        let hello = Hello {
            version_min: VERSION,
            version_max: VERSION,
            client: Text::of("auction-bench"),
        };
        match greeted.ask(&hello)? {
            ServerMessage::Welcome(_) => Ok(greeted),
            other => Err(unexpected(format!("no welcome: {other:?}"))),
        }
    }

    fn log_in<B: Body>(&mut self, body: &B) -> io::Result<LoggedIn> {
        match self.ask(body)? {
            ServerMessage::LoggedIn(logged_in) => Ok(logged_in),
            other => Err(unexpected(format!("no login: {other:?}"))),
        }
    }

    /// Sends a request, and waits for the answer.
    pub fn ask<B: Body>(&mut self, body: &B) -> io::Result<ServerMessage> {
        self.request = RequestId(self.request.0 + 1);
        let mut out = Vec::new();
        encode_frame(self.request, body, &mut out);
        self.stream.write_all(&out)?;
        loop {
            let (request, message) = self.next()?;
            // Other messages arrive without a request.
            if request == self.request {
                return Ok(message);
            }
        }
    }

    /// Returns the next message, whether it is an answer or not.
    pub fn next(&mut self) -> io::Result<(RequestId, ServerMessage)> {
        loop {
            let mut rest = &self.input[..];
            let frame = Frame::split_from(&mut rest, FRAME_BYTES_MAX)
                .map_err(|e| unexpected(e.to_string()))?;
            if let Some(frame) = frame {
                let message = ServerMessage::decode(frame.kind, frame.body);
                let (request, taken) = (frame.request, self.input.len() - rest.len());
                self.input.drain(..taken);
                return Ok((request, message.map_err(|e| unexpected(e.to_string()))?));
            }
            let mut bytes = [0; 4_096];
            match self.stream.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.input.extend_from_slice(&bytes[..count]),
            }
        }
    }

    /// Returns the connection, and the bytes that were read but not decoded yet.
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.input)
    }
}

/// Creates one end of a connection that bids, with requests numbered from `next`.
pub fn speaker(next: RequestId) -> Box<dyn Speaker> {
    let expected = next;
    Box::new(Connection { next, expected })
}

struct Connection {
    next: RequestId,
    expected: RequestId,
}

impl Speaker for Connection {
    fn bid(&mut self, bid: Bid, out: &mut Vec<u8>) {
        let price = Price::from_units(bid.cents * 100).expect("bids rise by a cent at a time");
        let lot = LotId(bid.lot);
        encode_frame(self.next, &proto::Bid { lot, price }, out);
        self.next.0 += 1;
    }

    fn answer(&mut self, input: &mut &[u8]) -> io::Result<Option<Answer>> {
        loop {
            let frame =
                Frame::split_from(input, FRAME_BYTES_MAX).map_err(|e| unexpected(e.to_string()))?;
            let Some(frame) = frame else { return Ok(None) };
            let answer = match frame.kind {
                // A message that only shows that the connection is alive, or another message without a request.
                _ if frame.request == RequestId(0) && frame.kind != Kind::GOODBYE => continue,
                Kind::ACCEPTED => Answer::Accepted,
                Kind::REFUSED => Answer::Refused,
                _ => {
                    let said = ServerMessage::decode(frame.kind, frame.body);
                    return Err(unexpected(format!("the server said {said:?}")));
                }
            };
            if frame.request != self.expected {
                return Err(unexpected("answers are out of order"));
            }
            self.expected.0 += 1;
            return Ok(Some(answer));
        }
    }
}

/// Returns the current state of the market.
pub fn market_at(address: SocketAddr) -> io::Result<Market> {
    let mut greeted = Greeted::new(address)?;
    let mut message = greeted.ask(&Watch { resume: None })?;
    let mut assembler = SnapshotAssembler::new();
    loop {
        if let ServerMessage::SnapshotPart(part) = message {
            let market = assembler.add(part);
            if let Some(market) = market.map_err(|error| unexpected(error.to_string()))? {
                return Ok(market);
            }
        }
        (_, message) = greeted.next()?;
    }
}
