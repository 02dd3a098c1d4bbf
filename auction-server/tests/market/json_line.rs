//! A connection that uses lines of JSON, as anyone can type them.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::{Value, json};

use crate::line::PASSWORD;
use crate::test_market::DEADLINE;

/// A connection. Requests are numbered from 1.
pub struct JsonLine {
    stream: BufReader<TcpStream>,
    next_request: u64,
    /// Messages other than answers.
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

    /// Connects, creates an account and logs in; returns the session's token too.
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

    /// Resumes a session whose next request has this number.
    pub fn resume(address: SocketAddr, token: &Value, next_request: u64) -> Self {
        let mut line = Self::open(address);
        let answer = line.ask("resume", json!({ "token": token }));
        assert!(answer["logged_in"].is_object(), "{answer}");
        line.next_request = next_request;
        line
    }

    /// Sends a request and returns its number.
    pub fn send(&mut self, kind: &str, body: &Value) -> u64 {
        let request = self.next_request;
        self.next_request += 1;
        let message = json!({ "request": request.to_string(), kind: body });
        let stream = self.stream.get_mut();
        stream.write_all(format!("{message}\n").as_bytes()).unwrap();
        request
    }

    /// Reads the next message; `None` at the end of the connection.
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

    /// Returns the first answer to a request; keeps the messages before it.
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

    /// Sends a request that must be accepted, and returns the reply.
    pub fn done(&mut self, kind: &str, body: Value) -> Value {
        let answer = self.ask(kind, body);
        assert!(answer["accepted"].is_object(), "{kind}: {answer}");
        answer["accepted"]["reply"].clone()
    }

    /// Sends a request that must be refused, and returns the code.
    pub fn refused(&mut self, kind: &str, body: Value) -> Value {
        let answer = self.ask(kind, body);
        assert!(answer["refused"].is_object(), "{kind}: {answer}");
        answer["refused"]["code"].clone()
    }

    /// Reads unsolicited messages until `found` returns something.
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
