//! Our own server, as it ships.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use auction_core::{LotId, Name, Price, RequestId};
use auction_proto::limits::FRAME_BYTES_MAX;
use auction_proto::{
    self as proto, Body, Frame, Hello, Kind, LoggedIn, Login, PREFACE, Register, Resume, Secret,
    ServerMessage, Text, Token, VERSION, encode_frame,
};

use crate::book::{Bid, Trader};
use crate::processes::{Program, Worked, free_port, here, processor_time, typed, worked};
use crate::system::{Answer, Speaker, System, unexpected};

/// Longer than anything that is measured.
const OPEN_FOR: &str = "6h";
const PASSWORD: &str = "bench-password";
/// The server's thread that writes the journal's segments ahead.
const PREPARES: &str = "journal-prepare";
/// What the server says first, before its address.
const LISTENS: &str = "The market listens on ";

/// A server of its own, with a market of its own, and traders that have logged in once.
#[derive(Debug)]
pub struct Auction {
    program: Program,
    command: Command,
    folder: PathBuf,
    started_as: String,
    started_in: Duration,
    ops: u16,
    durability: Durability,
    accounts: Accounts,
}

/// Traders at a server.
#[derive(Debug)]
pub struct Accounts {
    address: SocketAddr,
    /// Begins each trader's name.
    prefix: String,
    tokens: Vec<Token>,
}

/// When the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When what it did is synced: as it ships.
    Strict,
    /// When it is written.
    Relaxed,
}

impl Auction {
    /// Starts `server` on `lots` lots and logs `traders` in.
    pub fn start(
        server: &Path,
        folder: &Path,
        lots: u32,
        traders: u32,
        durability: Durability,
    ) -> io::Result<Self> {
        Self::start_with(server, folder, lots, traders, durability, &[])
    }

    /// The same with more flags.
    pub fn start_with(
        server: &Path,
        folder: &Path,
        lots: u32,
        traders: u32,
        durability: Durability,
        flags: &[&str],
    ) -> io::Result<Self> {
        let mut stocks = String::from("Security,Symbol,Price,Profit\n");
        for n in 1..=lots {
            stocks.push_str(&format!("{n:05},S{n},0.00,0\n"));
        }
        fs::write(folder.join("stocks.csv"), stocks)?;
        let ops = free_port()?;
        let mut command = Command::new(server);
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--ops-listen",
            &here(ops).to_string(),
        ]);
        command.args(["--lots", &lots.to_string(), "--open-for", OPEN_FOR]);
        if durability == Durability::Relaxed {
            command.args(["--durability", "relaxed"]);
        }
        command.args(flags).arg("--data").arg(folder);
        let started_as = typed(&command);
        let begun = Instant::now();
        let (program, address) = started(&mut command, folder)?;
        let started_in = begun.elapsed();
        let accounts = Accounts::make(address, "trader", traders)?;
        Ok(Self {
            program,
            command,
            folder: folder.to_owned(),
            started_as,
            started_in,
            ops,
            durability,
            accounts,
        })
    }

    /// How long it took to listen.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Kills it and starts it again. Gives how long it then took to listen.
    pub fn crash(&mut self) -> io::Result<Duration> {
        self.program.kill()?;
        let begun = Instant::now();
        let (program, address) = started(&mut self.command, &self.folder)?;
        let started_in = begun.elapsed();
        self.program = program;
        self.accounts.address = address;
        Ok(started_in)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.accounts.address
    }

    /// Its number among the processes.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// What it did to write the journal's segments before they are needed.
    pub fn written_ahead(&self) -> io::Result<Worked> {
        worked(self.pid(), PREPARES)
    }

    /// A value that it measures, as operators see it: the first line that begins so.
    pub fn metric(&self, name: &str) -> io::Result<f64> {
        let mut stream = TcpStream::connect(here(self.ops))?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.ok_or_else(|| unexpected(format!("the server measures no {name}")))
    }
}

/// Starts a server, and waits until it listens.
fn started(command: &mut Command, folder: &Path) -> io::Result<(Program, SocketAddr)> {
    let mut program = Program::start(command, folder)?;
    let address = program.wait_for(|said| {
        let (_, said) = said.split_once(LISTENS)?;
        said.split_once(".\n")?.0.parse().ok()
    })?;
    Ok((program, address))
}

impl System for Auction {
    fn name(&self) -> String {
        match self.durability {
            Durability::Strict => "auction-server".to_owned(),
            Durability::Relaxed => "auction-server, relaxed".to_owned(),
        }
    }

    fn started_as(&self) -> String {
        self.started_as.clone()
    }

    fn connect(&mut self, trader: Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)> {
        self.accounts.connect(trader)
    }

    fn processor_time(&self) -> io::Result<Duration> {
        processor_time(self.program.pid())
    }
}

impl Accounts {
    /// Registers so many traders and logs them in.
    pub fn make(address: SocketAddr, prefix: &str, traders: u32) -> io::Result<Self> {
        let mut accounts = Self {
            address,
            prefix: prefix.to_owned(),
            tokens: Vec::new(),
        };
        for trader in 0..traders {
            let token = accounts.log_in(trader)?;
            accounts.tokens.push(token);
        }
        Ok(accounts)
    }

    /// A new connection that goes on with a trader's session.
    pub fn connect(&self, trader: Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)> {
        let mut greeted = Greeted::new(self.address)?;
        let token = self.tokens[trader as usize].clone();
        let LoggedIn { last_request, .. } = greeted.log_in(&Resume { token })?;
        let next = RequestId(last_request.0.max(greeted.request.0) + 1);
        let connection = Connection {
            next,
            expected: next,
        };
        Ok((greeted.stream, Box::new(connection)))
    }

    fn log_in(&self, trader: Trader) -> io::Result<Token> {
        let mut greeted = Greeted::new(self.address)?;
        let name = Name::parse(&format!("{}-{trader}", self.prefix)).expect("a short name");
        let password = Secret::new(PASSWORD.to_owned()).expect("a password");
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

/// A connection that has introduced itself, and asks one thing at a time.
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

    /// Introduces itself on a connection that is open.
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

    /// Asks, and waits for the answer.
    pub fn ask<B: Body>(&mut self, body: &B) -> io::Result<ServerMessage> {
        self.request = RequestId(self.request.0 + 1);
        let mut out = Vec::new();
        encode_frame(self.request, body, &mut out);
        self.stream.write_all(&out)?;
        loop {
            let (request, message) = self.next()?;
            // Else it comes unasked.
            if request == self.request {
                return Ok(message);
            }
        }
    }

    /// What comes next, asked for or not.
    pub fn next(&mut self) -> io::Result<(RequestId, ServerMessage)> {
        loop {
            let mut rest = &self.input[..];
            let frame =
                Frame::take(&mut rest, FRAME_BYTES_MAX).map_err(|e| unexpected(e.to_string()))?;
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

    /// The connection, and what was read of it and not looked at yet.
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.input)
    }
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
                Frame::take(input, FRAME_BYTES_MAX).map_err(|e| unexpected(e.to_string()))?;
            let Some(frame) = frame else { return Ok(None) };
            let answer = match frame.kind {
                // A sign of life.
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
