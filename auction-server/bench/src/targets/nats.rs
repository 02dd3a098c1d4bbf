//! NATS: every message of a subject goes to all who subscribed, without being stored.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fan::{Feed, Sockets};
use crate::processes::{Program, connect_when_ready, find, free_port, here, typed};
use crate::target::unexpected;

/// Where the README's command puts the program.
const FOLDER: &str = "target/nats/bin";
const SUBJECT: &str = "bids";
/// After so many messages the stream of bytes is the same again.
const PERIOD: u64 = 4_096;
/// The digits that tell one message from another.
const DIGITS: usize = 8;
const PING: &[u8] = b"PING\r\n";
const PONG: &[u8] = b"PONG\r\n";

/// A NATS server of its own.
#[derive(Debug)]
pub struct Nats {
    _program: Program,
    started_as: String,
    version: String,
    port: u16,
    payload_bytes: usize,
    /// What a publisher writes, and what each listener must read, for a period.
    published: Vec<u8>,
    delivered: Vec<u8>,
    sent: u64,
    listeners: Vec<Listener>,
}

#[derive(Clone, Debug, Default)]
struct Listener {
    /// How many bytes of messages it has.
    taken: u64,
    /// The beginning of what is no message.
    control: Vec<u8>,
}

impl Nats {
    /// Starts it for messages of so many bytes.
    pub fn start(folder: &Path, payload_bytes: usize) -> io::Result<Self> {
        let file = find(
            "nats-server",
            [PathBuf::from(FOLDER).canonicalize().unwrap_or_default()],
        )?;
        let port = free_port()?;
        let mut command = Command::new(file);
        command.current_dir(folder);
        command.args(["--addr", "127.0.0.1", "--port", &port.to_string()]);
        let started_as = typed(&command);
        let mut program = Program::start(&mut command, folder)?;
        drop(connect_when_ready(&mut program, port)?);
        let payload_bytes = payload_bytes.max(DIGITS);
        let (mut published, mut delivered) = (Vec::new(), Vec::new());
        for number in 0..PERIOD {
            let payload = format!("{number:0DIGITS$}{}", "x".repeat(payload_bytes - DIGITS));
            published.extend_from_slice(
                format!("PUB {SUBJECT} {payload_bytes}\r\n{payload}\r\n").as_bytes(),
            );
            delivered.extend_from_slice(
                format!("MSG {SUBJECT} 1 {payload_bytes}\r\n{payload}\r\n").as_bytes(),
            );
        }
        let mut nats = Self {
            _program: program,
            started_as,
            version: String::new(),
            port,
            payload_bytes,
            published,
            delivered,
            sent: 0,
            listeners: Vec::new(),
        };
        let (_, info) = nats.connect("")?;
        let version = info
            .split_once("\"version\":\"")
            .and_then(|(_, rest)| Some(rest.split_once('"')?.0));
        nats.version = version.unwrap_or("of unknown version").to_owned();
        Ok(nats)
    }

    /// A connection that has asked for something, and what the server said of itself.
    fn connect(&self, ask: &str) -> io::Result<(TcpStream, String)> {
        let mut stream = TcpStream::connect(here(self.port))?;
        stream.set_nodelay(true)?;
        stream.write_all(format!("CONNECT {{\"verbose\":false}}\r\n{ask}PING\r\n").as_bytes())?;
        let mut said = Vec::new();
        // It answers in order: with this, all that was asked is done.
        while !said.ends_with(PONG) {
            let mut bytes = [0; 4_096];
            match stream.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => said.extend_from_slice(&bytes[..count]),
            }
        }
        let said = String::from_utf8_lossy(&said).into_owned();
        if said.contains("-ERR") {
            return Err(unexpected(said));
        }
        Ok((stream, said))
    }

    fn message_bytes(&self) -> u64 {
        self.delivered.len() as u64 / PERIOD
    }
}

impl Feed for Nats {
    fn name(&self) -> String {
        format!(
            "NATS {}, messages of {} bytes",
            self.version, self.payload_bytes
        )
    }

    fn started_as(&self) -> String {
        self.started_as.clone()
    }

    fn begin(&mut self, listeners: usize) -> io::Result<Sockets> {
        self.sent = 0;
        self.listeners = vec![Listener::default(); listeners];
        let subscribe = format!("SUB {SUBJECT} 1\r\n");
        let listeners: io::Result<Vec<TcpStream>> = (0..listeners)
            .map(|_| Ok(self.connect(&subscribe)?.0))
            .collect();
        Ok(Sockets {
            listeners: listeners?,
            publishers: vec![self.connect("")?.0],
        })
    }

    fn publish(&mut self, _: usize, room: u64, out: &mut Vec<u8>) -> io::Result<u64> {
        let message = self.published.len() / PERIOD as usize;
        // To the end of the period, and the rest the next time.
        let from = (self.sent % PERIOD) as usize;
        let count = room.min(PERIOD - self.sent % PERIOD);
        out.extend_from_slice(&self.published[from * message..][..count as usize * message]);
        self.sent += count;
        Ok(count)
    }

    fn answered(&mut self, _: usize, bytes: &[u8], reply: &mut Vec<u8>) -> io::Result<()> {
        match bytes {
            PING => reply.extend_from_slice(PONG),
            other => return Err(unexpected(String::from_utf8_lossy(other))),
        }
        Ok(())
    }

    fn deliver(&mut self, listener: usize, bytes: &[u8], reply: &mut Vec<u8>) -> io::Result<u64> {
        let message = self.message_bytes();
        let listener = &mut self.listeners[listener];
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = (listener.taken % self.delivered.len() as u64) as usize;
            let expected = &self.delivered[at..];
            let count = expected.len().min(rest.len());
            if listener.control.is_empty() && rest[..count] == expected[..count] {
                listener.taken += count as u64;
                rest = &rest[count..];
                continue;
            }
            // Between two messages it may ask whether one is alive.
            let same = match listener.control.is_empty() {
                true => rest
                    .iter()
                    .zip(expected)
                    .take_while(|(a, b)| a == b)
                    .count(),
                false => 0,
            };
            listener.taken += same as u64;
            rest = &rest[same..];
            let count = (PING.len() - listener.control.len()).min(rest.len());
            listener.control.extend_from_slice(&rest[..count]);
            rest = &rest[count..];
            let is_ping = PING.starts_with(&listener.control);
            if !is_ping || !listener.taken.is_multiple_of(message) {
                return Err(unexpected(
                    "a message is missing, or other than the one sent",
                ));
            }
            if listener.control.len() == PING.len() {
                reply.extend_from_slice(PONG);
                listener.control.clear();
            }
        }
        Ok(listener.taken / message)
    }
}
