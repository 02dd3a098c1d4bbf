//! The side of a stream that others write to than the connection's own task, without waking it: the sequencer, which
//! tells what came of commands, and who writes the feed. Each writes whole messages; while one is at it no other begins.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The side of a stream that is written to.
#[derive(Debug)]
pub struct Outlet {
    stream: Arc<TcpStream>,
    pen: Mutex<Pen>,
}

/// Who may write.
#[derive(Debug, Default)]
struct Pen {
    /// The connection is writing, and may have to wait within a message.
    is_held: bool,
    /// How many answers the connection was handed and has not written yet: what comes after them is handed to it too.
    behind: usize,
    /// The rest of what others wrote, when the stream did not take all of it. The connection writes it before anything
    /// else.
    left: Vec<u8>,
}

/// A moment at which nobody is within a message. While this is held, nobody else writes.
#[derive(Debug)]
pub struct Gap<'a> {
    stream: &'a Arc<TcpStream>,
    pen: MutexGuard<'a, Pen>,
}

/// What became of what was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is with the client's system.
    Written,
    /// The stream did not take all of it: the connection is to [go on](Outlet::take_pen).
    InPart,
    /// The connection is to write it, and counts it among those that it was handed.
    NotNow,
}

impl Outlet {
    /// Of a stream that never blocks.
    pub(super) fn new(stream: Arc<TcpStream>) -> Self {
        Self {
            stream,
            pen: Mutex::default(),
        }
    }

    /// Writes what `encode` makes, if nothing stands in between. Never waits for the client. A stream that failed takes
    /// everything: its reader hears of it.
    pub fn send(&self, buffer: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) -> Sent {
        let mut pen = self.lock();
        if pen.is_held || pen.behind > 0 || !pen.left.is_empty() {
            pen.behind += 1;
            return Sent::NotNow;
        }
        buffer.clear();
        encode(buffer);
        let stream = &self.stream;
        Gap { stream, pen }.write(buffer)
    }

    /// For whole messages that no answer need come before, or after; `None`: the connection is writing, or has a rest
    /// to write.
    pub fn between_messages(&self) -> Option<Gap<'_>> {
        let (stream, pen) = (&self.stream, self.lock());
        (!pen.is_held && pen.left.is_empty()).then_some(Gap { stream, pen })
    }

    /// The connection is going to write `bytes`; what is left of others' stands before them from now on.
    pub fn take_pen(&self, bytes: &mut Vec<u8>) {
        let mut pen = self.lock();
        pen.is_held = true;
        if !pen.left.is_empty() {
            bytes.splice(..0, std::mem::take(&mut pen.left));
        }
    }

    /// The connection has written all it had, so many answers among it that it was handed.
    pub fn put_pen_down(&self, answers: usize) {
        let mut pen = self.lock();
        pen.is_held = false;
        pen.behind -= answers;
    }

    fn lock(&self) -> MutexGuard<'_, Pen> {
        self.pen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gap<'_> {
    /// Writes whole messages. Never waits for the client. A stream that failed takes everything: its reader hears of it.
    pub fn write(mut self, bytes: &[u8]) -> Sent {
        let written = match (&**self.stream).write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => bytes.len(),
        };
        if written == bytes.len() {
            return Sent::Written;
        }
        self.pen.left.extend_from_slice(&bytes[written..]);
        Sent::InPart
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::{Outlet, Sent};
    use crate::platform::tcp::Line;

    async fn line() -> (Line, std::sync::Arc<Outlet>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (stream, _) = listener.accept().await.unwrap();
        stream.writable().await.unwrap();
        let (line, sides) = Line::new(stream).unwrap();
        (line, sides.outlet, client.unwrap())
    }

    fn send(outlet: &Outlet, message: &[u8]) -> Sent {
        outlet.send(&mut Vec::new(), |bytes| bytes.extend_from_slice(message))
    }

    #[tokio::test]
    async fn an_answer_goes_straight_to_the_stream_unless_the_connection_is_writing() {
        let (_line, outlet, mut client) = line().await;
        assert_eq!(send(&outlet, b"one "), Sent::Written);
        let mut bytes = b"two ".to_vec();
        outlet.take_pen(&mut bytes);
        assert_eq!(bytes, b"two ");
        assert_eq!(send(&outlet, b"three"), Sent::NotNow);
        outlet.put_pen_down(0);
        assert_eq!(send(&outlet, b"four"), Sent::NotNow, "three is before it");
        outlet.take_pen(&mut bytes);
        outlet.put_pen_down(2);
        assert_eq!(send(&outlet, b"five"), Sent::Written);
        let mut read = [0; 8];
        client.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"one five");
    }

    #[tokio::test]
    async fn what_the_stream_did_not_take_comes_before_all_that_follows() {
        let (mut line, outlet, mut client) = line().await;
        let mut sent = Vec::new();
        let mut number = 0_u64;
        loop {
            let message = number.to_le_bytes().repeat(1_000);
            number += 1;
            sent.extend_from_slice(&message);
            match send(&outlet, &message) {
                Sent::Written => {}
                Sent::InPart => break,
                Sent::NotNow => panic!("nothing was left before"),
            }
        }
        assert_eq!(send(&outlet, b"later"), Sent::NotNow);
        let reading = tokio::spawn(async move {
            let mut read = Vec::new();
            client.read_to_end(&mut read).await.map(|_| read)
        });
        let mut rest = b"next".to_vec();
        outlet.take_pen(&mut rest);
        line.write_all(&rest).await.unwrap();
        outlet.put_pen_down(1);
        line.shutdown().await.unwrap();
        sent.extend_from_slice(b"next");
        assert!(
            reading.await.unwrap().unwrap() == sent,
            "whole, and in order"
        );
    }
}
