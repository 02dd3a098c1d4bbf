//! Clients that do harm, a thread for each kind.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use auction_core::{Name, RequestId};
use auction_proto::{Login, PREFACE, Secret, Watch, encode_frame};
use rand::{RngExt as _, rng};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use crate::experiments::idle::show_life;
use crate::targets::auction_line::Greeted;

/// Numbers of each kind.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Connections that say hello and then only show that they live.
    pub idle: usize,
    /// Connections that watch the market and never read.
    pub slow_readers: usize,
    /// Connections whose greeting comes byte by byte.
    pub slowloris: usize,
    /// Logins with a wrong password, per second, from [`ADDRESSES`] addresses.
    pub bad_logins: u32,
    /// Connections with random bytes, per second.
    pub garbage: u32,
}

/// Number of addresses from which the attackers of each kind come: limits of one address do not stop them.
pub const ADDRESSES: u32 = 100;
/// Random bytes of a connection.
const GARBAGE_BYTES: usize = 4_096;
/// Interval of the bytes of a slow greeting.
const BYTE_EVERY: Duration = Duration::from_millis(500);
/// Number of parts in which idle connections show that they live, and the interval of the parts.
const PARTS: usize = 150;
const PART_EVERY: Duration = Duration::from_millis(20);
/// Maximum wait of an attacker for anything.
const WAIT_MAX: Duration = Duration::from_millis(200);

/// A server under attack, and how far the attack is.
#[derive(Debug)]
pub struct Attack {
    pub server: SocketAddr,
    /// An account whose password is guessed.
    pub account: Name,
    pub numbers: Numbers,
    pub is_over: AtomicBool,
    /// Attackers that hold a connection, or have lost it and come again.
    pub begun: AtomicU64,
    /// Logins that were sent.
    pub guessed: AtomicU64,
    /// Connections that the server ended or did not accept.
    pub ended: AtomicU64,
}

impl Attack {
    pub fn is_going_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn count_end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Connects as the attacker of this number, whose address it has.
    fn connect(&self, number: u32) -> io::Result<TcpStream> {
        let host = (number % ADDRESSES + 1) as u8;
        let source = SocketAddrV4::new(Ipv4Addr::new(127, 66, 1, host), 0);
        let made = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&made, &SocketAddr::V4(source))?;
        connect(&made, &self.server)?;
        let stream = TcpStream::from(made);
        stream.set_read_timeout(Some(WAIT_MAX))?;
        stream.set_write_timeout(Some(WAIT_MAX))?;
        Ok(stream)
    }

    /// Opens connections and holds them idle.
    pub fn idle(&self) {
        let mut held = Vec::new();
        let mut turn = 0;
        while self.is_going_on() {
            let until = Instant::now() + PART_EVERY;
            while held.len() < self.numbers.idle && Instant::now() < until {
                let greeted = self.connect(held.len() as u32).and_then(Greeted::on);
                match greeted.map(|greeted| greeted.into_parts().0) {
                    Ok(stream) if stream.set_nonblocking(true).is_ok() => {
                        held.push(stream);
                        self.begun.fetch_add(1, Ordering::Relaxed);
                    }
                    _ => {
                        self.count_end();
                        break;
                    }
                }
            }
            sleep(until.saturating_duration_since(Instant::now()));
            // A part of them at a time: thousands of pings at one instant would be a flood.
            let mut part = 0;
            held.retain_mut(|stream| {
                part = (part + 1) % PARTS;
                let is_alive = part != turn || show_life(std::slice::from_mut(stream)).is_ok();
                if !is_alive {
                    self.count_end();
                }
                is_alive
            });
            turn = (turn + 1) % PARTS;
        }
    }

    /// Watches the market over many connections, and reads none. Who is dropped comes again.
    pub fn slow_readers(&self) {
        let mut request = Vec::new();
        encode_frame(RequestId(9), &Watch { resume: None }, &mut request);
        let mut held: Vec<TcpStream> = Vec::new();
        while self.is_going_on() {
            if held.len() < self.numbers.slow_readers {
                let stream = self.connect(held.len() as u32).and_then(|stream| {
                    let (mut stream, _) = Greeted::on(stream)?.into_parts();
                    stream.write_all(&request)?;
                    stream.set_nonblocking(true)?;
                    Ok(stream)
                });
                match stream {
                    Ok(stream) => {
                        held.push(stream);
                        self.begun.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    Err(_) => self.count_end(),
                }
            }
            sleep(WAIT_MAX);
            // What the server sends is left where it is: only the state of the socket is asked for.
            held.retain_mut(|stream| {
                let is_closed = !matches!(stream.take_error(), Ok(None));
                if is_closed {
                    self.count_end();
                }
                !is_closed
            });
        }
    }

    /// Greets byte by byte.
    pub fn slowloris(&self) {
        let mut held: Vec<(TcpStream, usize)> = Vec::new();
        while self.is_going_on() {
            while held.len() < self.numbers.slowloris && self.is_going_on() {
                let Ok(stream) = self.connect(held.len() as u32) else {
                    self.count_end();
                    break;
                };
                if stream.set_nonblocking(true).is_ok() {
                    held.push((stream, 0));
                    self.begun.fetch_add(1, Ordering::Relaxed);
                }
            }
            held.retain_mut(|(stream, sent)| {
                // The rest is the length of a frame that never comes.
                let byte = PREFACE.get(*sent).copied().unwrap_or(0);
                *sent += 1;
                let is_closed = matches!(stream.read(&mut [0; 64]), Ok(0))
                    || *sent > PREFACE.len() + 3
                    || stream.write_all(&[byte]).is_err();
                if is_closed {
                    self.count_end();
                }
                !is_closed
            });
            sleep(BYTE_EVERY);
        }
    }

    /// Guesses the password of an account, from many addresses.
    pub fn bad_logins(&self) {
        let every = Duration::from_secs(1) / self.numbers.bad_logins;
        let mut next = Instant::now();
        let mut held: Vec<Option<TcpStream>> = (0..ADDRESSES).map(|_| None).collect();
        let mut frame = Vec::new();
        for guess in 0_u32.. {
            if !self.is_going_on() {
                return;
            }
            let place = (guess % ADDRESSES) as usize;
            let password = Secret::new(format!("guess number {guess}")).expect("a password");
            frame.clear();
            let name = self.account;
            encode_frame(
                RequestId(u64::from(guess) + 9),
                &Login { name, password },
                &mut frame,
            );
            let stream = held[place].take().map_or_else(
                || {
                    let (stream, _) = Greeted::on(self.connect(guess)?)?.into_parts();
                    stream.set_nonblocking(true)?;
                    Ok(stream)
                },
                io::Result::Ok,
            );
            let sent = stream.and_then(|mut stream| {
                stream.write_all(&frame)?;
                // The answers to guesses before this one.
                match stream.read(&mut [0; 4_096]) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
                    _ => Ok(stream),
                }
            });
            match sent {
                Ok(stream) => {
                    held[place] = Some(stream);
                    self.guessed.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => self.count_end(),
            }
            next += every;
            sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    /// Sends random bytes on new connections.
    pub fn garbage(&self) {
        let every = Duration::from_secs(1) / self.numbers.garbage;
        let mut bytes = [0; GARBAGE_BYTES];
        for number in 0_u32.. {
            if !self.is_going_on() {
                return;
            }
            rng().fill(&mut bytes[..]);
            // Half of them begin as the protocol does.
            if number % 2 == 0 {
                bytes[..PREFACE.len()].copy_from_slice(&PREFACE);
            }
            let sent = self.connect(number).and_then(|mut stream| {
                stream.write_all(&bytes)?;
                stream.read(&mut [0; 512])
            });
            if sent.is_err() {
                self.count_end();
            }
            sleep(every);
        }
    }
}
