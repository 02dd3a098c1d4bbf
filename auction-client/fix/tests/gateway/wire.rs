//! A client of FIX that sends what a test specifies. It can keep what it sent, to answer resend requests.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auction_core::Timestamp;

/// Time limit of every wait. Generous: it only keeps a broken gateway from blocking the tests for ever.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Stream of bytes, plain or over TLS.
pub trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// A connection.
pub struct Wire {
    tcp: TcpStream,
    stream: Box<dyn Stream>,
    pub begin_string: &'static str,
    pub comp_id: String,
    /// `MsgSeqNum` of the next message.
    pub next: u64,
    input: Vec<u8>,
    /// Messages sent: number, kind and fields.
    history: Vec<(u64, String, String)>,
    /// True if resend requests are answered and not returned.
    answers_resends: bool,
}

/// A message, its fields in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received(pub Vec<(u32, String)>);

impl Received {
    pub fn get(&self, tag: u32) -> &str {
        let found = self.0.iter().find(|(found, _)| *found == tag);
        found.map_or("", |(_, value)| value)
    }

    /// Returns the values of a field, which a group repeats.
    pub fn all(&self, tag: u32) -> Vec<&str> {
        let found = self.0.iter().filter(|(found, _)| *found == tag);
        found.map(|(_, value)| value.as_str()).collect()
    }

    /// `MsgType`, `ExecType` and `OrdStatus` of an execution report, or the `MsgType` alone.
    pub fn kind(&self) -> String {
        match self.get(35) {
            "8" => format!("8 {} {}", self.get(150), self.get(39)),
            other => other.to_owned(),
        }
    }
}

/// The time in the notation of FIX.
pub fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at = Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap()).unwrap();
    let text = at.to_string();
    let (date, time) = text.split_once('T').unwrap();
    format!("{}-{}", date.replace('-', ""), time.trim_end_matches('Z'))
}

/// Frames a body: `|` ends each field.
pub fn frame(begin_string: &str, body: &str) -> Vec<u8> {
    let body = body.replace('|', "\u{1}");
    let message = format!("8={begin_string}\u{1}9={}\u{1}{body}", body.len());
    let sum = message.bytes().map(u32::from).sum::<u32>() % 256;
    format!("{message}10={sum:03}\u{1}").into_bytes()
}

impl Wire {
    pub fn connect(address: SocketAddr, comp_id: &str, begin_string: &'static str) -> Self {
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_nodelay(true).unwrap();
        let stream = Box::new(tcp.try_clone().unwrap());
        Self::over(tcp, stream, comp_id, begin_string)
    }

    /// Speaks over a stream that another layer made of the connection.
    pub fn over(
        tcp: TcpStream,
        stream: Box<dyn Stream>,
        comp_id: &str,
        begin_string: &'static str,
    ) -> Self {
        Self {
            tcp,
            stream,
            begin_string,
            comp_id: comp_id.to_owned(),
            next: 1,
            input: Vec::new(),
            history: Vec::new(),
            answers_resends: false,
        }
    }

    /// Logs on with new sequence numbers.
    pub fn logged_on(address: SocketAddr, comp_id: &str) -> Self {
        let (wire, answer) = Self::answered(address, comp_id, "FIXT.1.1", 1, "141=Y|");
        assert_eq!(answer.get(35), "A");
        wire
    }

    /// Connects and logs on until there is an answer: while an earlier connection ends, the gateway gives no answer.
    pub fn answered(
        address: SocketAddr,
        comp_id: &str,
        begin_string: &'static str,
        next: u64,
        logon: &str,
    ) -> (Self, Received) {
        let begun = Instant::now();
        loop {
            let mut wire = Self::connect(address, comp_id, begin_string);
            wire.next = next;
            wire.log_on(logon);
            if let Some(answer) = wire.try_read() {
                return (wire, answer);
            }
            assert!(begun.elapsed() < DEADLINE, "no logon as {comp_id}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn log_on(&mut self, more: &str) {
        let version = if self.begin_string == "FIXT.1.1" {
            "1137=9|"
        } else {
            ""
        };
        self.send("A", &format!("98=0|108=30|{version}554={PASSWORD}|{more}"));
    }

    /// Connects again, as a client whose store is whole.
    pub fn again(self, address: SocketAddr) -> Self {
        // Ignore errors: the gateway may be gone.
        let _ = self.tcp.shutdown(Shutdown::Both);
        let (mut wire, answer) =
            Self::answered(address, &self.comp_id, self.begin_string, self.next, "");
        assert_eq!(answer.get(35), "A");
        let logon = wire.history.pop().unwrap();
        wire.history = self.history;
        wire.history.push(logon);
        wire.answers_resends = true;
        wire
    }

    /// Sends messages again: those of the session layer as gaps.
    fn resend(&mut self, from: u64) {
        for (number, kind, fields) in self.history.clone() {
            if number < from {
                continue;
            }
            let header = format!("43=Y|122={}|", now());
            match kind.as_str() {
                "A" | "0" | "1" | "2" | "3" | "4" | "5" => {
                    let fill = format!("123=Y|36={}|", number + 1);
                    self.send_as(number, "4", &header, &fill);
                }
                kind => self.send_as(number, kind, &header, &fields),
            }
        }
    }

    /// Sends a message with the next number.
    pub fn send(&mut self, kind: &str, fields: &str) {
        let number = self.next;
        self.next += 1;
        self.history
            .push((number, kind.to_owned(), fields.to_owned()));
        self.send_as(number, kind, "", fields);
    }

    pub fn send_as(&mut self, number: u64, kind: &str, header: &str, fields: &str) {
        let comp_id = &self.comp_id;
        let body = format!(
            "35={kind}|49={comp_id}|56=AUCTION|34={number}|52={}|{header}{fields}",
            now()
        );
        self.send_bytes(&frame(self.begin_string, &body));
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends bytes that the gateway may stop reading.
    pub fn try_send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends with a time limit from now on: the gateway may stop reading.
    pub fn stop_reading(&mut self) {
        let limit = Some(Duration::from_secs(2));
        self.tcp.set_write_timeout(limit).unwrap();
    }

    /// Returns the next message.
    pub fn read(&mut self) -> Received {
        self.try_read().expect("the gateway closed the connection")
    }

    /// Returns the next message, which must be of a kind.
    pub fn read_kind(&mut self, kind: &str) -> Received {
        let received = self.read();
        assert_eq!(received.kind(), kind, "{received:?}");
        received
    }

    /// Returns the next message; `None`: the connection is closed.
    pub fn try_read(&mut self) -> Option<Received> {
        let begun = Instant::now();
        loop {
            if let Some(received) = self.take() {
                if received.get(35) == "0" && received.get(112).is_empty() {
                    continue;
                }
                if received.get(35) == "2" && self.answers_resends {
                    self.resend(received.get(7).parse().unwrap());
                    continue;
                }
                return Some(received);
            }
            let left = DEADLINE
                .checked_sub(begun.elapsed())
                .expect("the gateway stays silent");
            self.tcp.set_read_timeout(Some(left)).unwrap();
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(read) => self.input.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("the gateway stays silent: {error}"),
            }
        }
    }

    /// Returns true once the connection is closed, whatever comes before.
    pub fn closes(&mut self) -> bool {
        self.tcp.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }

    fn take(&mut self) -> Option<Received> {
        let end = self
            .input
            .windows(4)
            .position(|bytes| bytes == b"\x0110=")?
            + 8;
        if self.input.len() < end {
            return None;
        }
        let message: Vec<u8> = self.input.drain(..end).collect();
        let text = String::from_utf8(message).unwrap();
        let sum = text.find("\u{1}10=").unwrap() + 1;
        let expected = text[..sum].bytes().map(u32::from).sum::<u32>() % 256;
        assert_eq!(
            text[sum + 3..sum + 6].parse(),
            Ok(expected),
            "checksum of {text}"
        );
        let fields = text.split_terminator('\u{1}').map(|field| {
            let (tag, value) = field.split_once('=').unwrap();
            assert!(!value.is_empty(), "{text}");
            (tag.parse().unwrap(), value.to_owned())
        });
        Some(Received(fields.collect()))
    }

    /// Sends a new order; `more` ends with `|`.
    pub fn order(&mut self, id: &str, symbol: &str, side: &str, quantity: u64, more: &str) {
        let fields = format!(
            "11={id}|55={symbol}|54={side}|60={}|38={quantity}|{more}",
            now()
        );
        self.send("D", &fields);
    }

    pub fn cancel(&mut self, id: &str, orig: &str, symbol: &str) {
        self.send(
            "F",
            &format!("11={id}|41={orig}|55={symbol}|54=1|60={}|", now()),
        );
    }
}

pub const PASSWORD: &str = "correct horse";
