//! A connection that speaks lines of JSON: what anyone can type.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::{Value, json};

use crate::house::DEADLINE;
use crate::line::PASSWORD;

/// A connection. Requests are numbered from 1.
pub struct JsonLine {
    stream: BufReader<TcpStream>,
    next_request: u64,
    /// What came beside the answers.
    beside: VecDeque<Value>,
}

impl JsonLine {
    /// Connects and greets.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut line = Self {
            stream: BufReader::new(stream),
            next_request: 1,
            beside: VecDeque::new(),
        };
        let hello = json!({ "version_min": 1, "version_max": 1, "client": "test" });
        let answer = line.ask("hello", hello);
        assert!(answer["welcome"].is_object(), "{answer}");
        line
    }

    /// Connects, makes an account and logs in; gives the session's token too.
    pub fn trader(address: SocketAddr, name: &str) -> (Self, Value) {
        let mut line = Self::open(address);
        line.done("register", json!({ "name": name, "password": PASSWORD }));
        let token = line.log_in(name);
        (line, token)
    }

    pub fn log_in(&mut self, name: &str) -> Value {
        let answer = self.ask("login", json!({ "name": name, "password": PASSWORD }));
        answer["logged_in"]["token"].clone()
    }

    /// Goes on with a session whose next request has this number.
    pub fn resume(address: SocketAddr, token: &Value, next_request: u64) -> Self {
        let mut line = Self::open(address);
        let answer = line.ask("resume", json!({ "token": token }));
        assert!(answer["logged_in"].is_object(), "{answer}");
        line.next_request = next_request;
        line
    }

    /// Sends a request and gives its number.
    pub fn send(&mut self, kind: &str, body: &Value) -> u64 {
        let request = self.next_request;
        self.next_request += 1;
        let message = json!({ "request": request.to_string(), kind: body });
        let stream = self.stream.get_mut();
        stream.write_all(format!("{message}\n").as_bytes()).unwrap();
        request
    }

    /// The next that comes; `None` at the end of the connection.
    pub fn read(&mut self) -> Option<Value> {
        let mut text = String::new();
        match self.stream.read_line(&mut text) {
            Ok(0) => None,
            Ok(_) if text.ends_with('\n') => Some(serde_json::from_str(&text).unwrap()),
            Ok(_) => None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The first answer to a request; what comes before it is kept.
    pub fn answer(&mut self, request: u64) -> Value {
        let request = json!(request.to_string());
        loop {
            let told = self.read().expect("the server answers");
            if told["request"] == request {
                return told;
            }
            self.beside.push_back(told);
        }
    }

    pub fn ask(&mut self, kind: &str, body: Value) -> Value {
        let request = self.send(kind, &body);
        self.answer(request)
    }

    /// Asks for something that must be accepted, and gives the reply.
    pub fn done(&mut self, kind: &str, body: Value) -> Value {
        let answer = self.ask(kind, body);
        assert!(answer["accepted"].is_object(), "{kind}: {answer}");
        answer["accepted"]["reply"].clone()
    }

    /// Asks for something that must be refused, and gives the code.
    pub fn refused(&mut self, kind: &str, body: Value) -> Value {
        let answer = self.ask(kind, body);
        assert!(answer["refused"].is_object(), "{kind}: {answer}");
        answer["refused"]["code"].clone()
    }

    /// Reads what comes of its own accord until something is found in it.
    pub fn until<T>(&mut self, what: &str, mut found: impl FnMut(&Value) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < DEADLINE, "in vain: {what}");
            let told = match self.beside.pop_front() {
                Some(told) => told,
                None => self.read().expect("the server goes on"),
            };
            if let Some(found) = found(&told) {
                return found;
            }
        }
    }
}
