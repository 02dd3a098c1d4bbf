//! One end of a non-blocking connection, with a buffer for bytes that the socket does not accept yet.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};

/// A socket registered for events, and the bytes that are still to be sent on it.
#[derive(Debug)]
pub struct Outgoing {
    stream: TcpStream,
    /// Bytes to be sent; after appending, call [`Self::send`].
    pub bytes: Vec<u8>,
    sent: usize,
    /// Number of the socket among the events.
    place: u64,
    is_stuck: bool,
}

impl Outgoing {
    /// Registers `stream` for events, as number `place`.
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

    /// Returns true while the socket accepts no more bytes.
    pub fn is_stuck(&self) -> bool {
        self.is_stuck
    }

    /// Sends as many bytes as the socket accepts. If some are left, an event reports when it accepts more.
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

    /// Reads the received bytes into `input`; returns 0 if there are none.
    ///
    /// # Errors
    /// Also when the other end has closed the connection.
    pub fn receive(&mut self, input: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(input) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }
}
