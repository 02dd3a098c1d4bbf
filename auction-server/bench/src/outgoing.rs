//! One end of a connection that never blocks: what is to be sent waits here until the socket takes it.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};

/// A socket among those that are waited for, and what is yet to be sent on it.
#[derive(Debug)]
pub struct Outgoing {
    stream: TcpStream,
    /// What is to be sent; whoever adds to it calls [`Self::send`].
    pub bytes: Vec<u8>,
    sent: usize,
    /// Its number among the events.
    place: u64,
    is_stuck: bool,
}

impl Outgoing {
    /// Waits from now on for what comes on `stream`, as number `place`.
    pub fn new(stream: TcpStream, epoll: &OwnedFd, place: usize) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let place = place as u64;
        epoll::add(epoll, &stream, EventData::new_u64(place), EventFlags::IN)?;
        Ok(Self {
            stream,
            bytes: Vec::new(),
            sent: 0,
            place,
            is_stuck: false,
        })
    }

    /// Whether the socket takes no more at the moment.
    pub fn is_stuck(&self) -> bool {
        self.is_stuck
    }

    /// Sends as much as the socket takes. If it does not take all, it is waited for until it does.
    pub fn send(&mut self, epoll: &OwnedFd) -> io::Result<()> {
        while self.sent < self.bytes.len() {
            match self.stream.write(&self.bytes[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let is_stuck = self.sent < self.bytes.len();
        if !is_stuck {
            self.bytes.clear();
            self.sent = 0;
        }
        if is_stuck != self.is_stuck {
            self.is_stuck = is_stuck;
            let flags = match is_stuck {
                true => EventFlags::IN | EventFlags::OUT,
                false => EventFlags::IN,
            };
            epoll::modify(epoll, &self.stream, EventData::new_u64(self.place), flags)?;
        }
        Ok(())
    }

    /// Reads what has come into `input`; 0 when nothing has.
    ///
    /// # Errors
    /// Also when the other end has closed.
    pub fn receive(&mut self, input: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(input) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }
}
