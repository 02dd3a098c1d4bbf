//! The side of a stream that others write to than the connection's own task, without waking it: the sequencer, which
//! tells what came of commands, and who writes the feed. Each writes whole messages; while one is at it no other begins.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The side of a stream that is written to.
#[derive(Debug)]
pub struct WriteHalf {
    stream: Arc<TcpStream>,
    state: Mutex<WriteState>,
}

/// Who may write.
#[derive(Debug, Default)]
struct WriteState {
    /// The connection is writing, and may have to wait within a message.
    is_locked: bool,
    /// How many answers the connection was handed and has not written yet: what comes after them is handed to it too.
    deferred: usize,
    /// The rest of what others wrote, when the stream did not take all of it. The connection writes it before anything
    /// else.
    unwritten: Vec<u8>,
}

/// A moment at which nobody is within a message. While this is held, nobody else writes.
#[derive(Debug)]
pub struct WriteGuard<'a> {
    stream: &'a Arc<TcpStream>,
    state: MutexGuard<'a, WriteState>,
}

/// What became of what was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is with the client's system.
    Written,
    /// The stream did not take all of it: the connection is to [go on](WriteHalf::lock_for_write).
    Partial,
    /// The connection is to write it, and counts it among those that it was handed.
    Deferred,
}

impl WriteHalf {
    /// Of a stream that never blocks.
    pub(super) fn new(stream: Arc<TcpStream>) -> Self {
        Self {
            stream,
            state: Mutex::default(),
        }
    }

    /// Writes what `encode` makes, if nothing stands in between. Never waits for the client. A stream that failed takes
    /// everything: its reader hears of it.
    pub fn send(&self, buffer: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) -> Sent {
        let mut state = self.lock();
        if state.is_locked || state.deferred > 0 || !state.unwritten.is_empty() {
            state.deferred += 1;
            return Sent::Deferred;
        }
        buffer.clear();
        encode(buffer);
        let stream = &self.stream;
        WriteGuard { stream, state }.write(buffer)
    }

    /// For whole messages that no answer need come before, or after; `None`: the connection is writing, or has a rest
    /// to write.
    pub fn between_messages(&self) -> Option<WriteGuard<'_>> {
        let (stream, state) = (&self.stream, self.lock());
        (!state.is_locked && state.unwritten.is_empty()).then_some(WriteGuard { stream, state })
    }

    /// The connection is going to write `bytes`; what is left of others' stands before them from now on.
    pub fn lock_for_write(&self, bytes: &mut Vec<u8>) {
        let mut state = self.lock();
        state.is_locked = true;
        if !state.unwritten.is_empty() {
            bytes.splice(..0, std::mem::take(&mut state.unwritten));
        }
    }

    /// The connection has written all it had, so many answers among it that it was handed.
    pub fn release_write(&self, answers: usize) {
        let mut state = self.lock();
        state.is_locked = false;
        state.deferred -= answers;
    }

    fn lock(&self) -> MutexGuard<'_, WriteState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteGuard<'_> {
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
        self.state.unwritten.extend_from_slice(&bytes[written..]);
        Sent::Partial
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::{Sent, WriteHalf};
    use crate::platform::tcp::SharedStream;

    async fn stream() -> (SharedStream, std::sync::Arc<WriteHalf>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (stream, _) = listener.accept().await.unwrap();
        stream.writable().await.unwrap();
        let (stream, halves) = SharedStream::new(stream).unwrap();
        (stream, halves.write_half, client.unwrap())
    }

    fn send(write_half: &WriteHalf, message: &[u8]) -> Sent {
        write_half.send(&mut Vec::new(), |bytes| bytes.extend_from_slice(message))
    }

    #[tokio::test]
    async fn an_answer_goes_straight_to_the_stream_unless_the_connection_is_writing() {
        let (_line, write_half, mut client) = stream().await;
        assert_eq!(send(&write_half, b"one "), Sent::Written);
        let mut bytes = b"two ".to_vec();
        write_half.lock_for_write(&mut bytes);
        assert_eq!(bytes, b"two ");
        assert_eq!(send(&write_half, b"three"), Sent::Deferred);
        write_half.release_write(0);
        assert_eq!(
            send(&write_half, b"four"),
            Sent::Deferred,
            "three is before it"
        );
        write_half.lock_for_write(&mut bytes);
        write_half.release_write(2);
        assert_eq!(send(&write_half, b"five"), Sent::Written);
        let mut read = [0; 8];
        client.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"one five");
    }

    #[tokio::test]
    async fn what_the_stream_did_not_take_comes_before_all_that_follows() {
        let (mut stream, write_half, mut client) = stream().await;
        let mut sent = Vec::new();
        let mut number = 0_u64;
        loop {
            let message = number.to_le_bytes().repeat(1_000);
            number += 1;
            sent.extend_from_slice(&message);
            match send(&write_half, &message) {
                Sent::Written => {}
                Sent::Partial => break,
                Sent::Deferred => panic!("nothing was left before"),
            }
        }
        assert_eq!(send(&write_half, b"later"), Sent::Deferred);
        let reading = tokio::spawn(async move {
            let mut read = Vec::new();
            client.read_to_end(&mut read).await.map(|_| read)
        });
        let mut rest = b"next".to_vec();
        write_half.lock_for_write(&mut rest);
        stream.write_all(&rest).await.unwrap();
        write_half.release_write(1);
        stream.shutdown().await.unwrap();
        sent.extend_from_slice(b"next");
        assert!(
            reading.await.unwrap().unwrap() == sent,
            "whole, and in order"
        );
    }
}
