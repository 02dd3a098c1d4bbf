//! A TCP stream that a connection's task and the sequencer share: both [write](WriteHalf) to it, and the task can
//! [hand off](ReadHalf::hand_off) the reading to the sequencer.

mod read_half;
mod write_half;

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::net::{Shutdown, shutdown};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

pub use read_half::{HandedOff, ReadHalf};
pub use write_half::{Sent, WriteHalf};

use read_half::ReadTurn;

/// The stream as its connection reads and writes it.
#[derive(Debug)]
pub struct SharedStream {
    halves: Halves,
    /// `None` only while it changes.
    events: Option<AsyncFd<Arc<TcpStream>>>,
    /// What the events are of.
    interest: Interest,
}

/// The two sides of a stream.
#[derive(Clone, Debug)]
pub struct Halves {
    /// What is read from.
    pub read_half: Arc<ReadHalf>,
    /// What is written to.
    pub write_half: Arc<WriteHalf>,
}

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

impl SharedStream {
    /// A stream, and its sides. Must be called within a tokio runtime, whose events it waits for.
    ///
    /// # Errors
    /// When the system cannot tell of its events.
    pub fn new(stream: tokio::net::TcpStream) -> io::Result<(Self, Halves)> {
        let stream = Arc::new(stream.into_std()?);
        let halves = Halves {
            read_half: Arc::new(ReadHalf::new(stream.clone())),
            write_half: Arc::new(WriteHalf::new(stream.clone())),
        };
        let stream = Self {
            halves: halves.clone(),
            events: Some(events_of(stream, BOTH)?),
            interest: BOTH,
        };
        Ok((stream, halves))
    }

    /// Waits for these events from now on, and no others: who is told of what comes although another reads it is woken
    /// in vain each time.
    fn wait_for(&mut self, interest: Interest) -> io::Result<()> {
        if self.interest != interest {
            let stream = self.events.take().expect(PRESENT).into_inner();
            self.events = Some(events_of(stream, interest)?);
            self.interest = interest;
        }
        Ok(())
    }
}

#[expect(
    deprecated,
    reason = "what comes in its place is unsafe, since a type may tell another descriptor each time; this one does not"
)]
fn events_of(stream: Arc<TcpStream>, interest: Interest) -> io::Result<AsyncFd<Arc<TcpStream>>> {
    AsyncFd::with_interest(stream, interest)
}

const PRESENT: &str = "it is put back at once, or the stream has failed";

impl AsyncRead for SharedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.halves.read_half.read_turn(cx.waker(), buf) {
            ReadTurn::HandedOff => {
                self.wait_for(Interest::WRITABLE)?;
                return Poll::Pending;
            }
            ReadTurn::Returned => return Poll::Ready(Ok(())),
            ReadTurn::Own => self.wait_for(BOTH)?,
        }
        let events = self.events.as_ref().expect(PRESENT);
        loop {
            let mut ready = ready!(events.poll_read_ready(cx))?;
            let free = buf.initialize_unfilled();
            match (&**events.get_ref()).read(free) {
                Ok(count) => {
                    if (1..free.len()).contains(&count) {
                        // That was all there is.
                        ready.clear_ready();
                    }
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let events = self.events.as_ref().expect(PRESENT);
        loop {
            let mut ready = ready!(events.poll_write_ready(cx))?;
            match (&**events.get_ref()).write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.events.as_ref().expect(PRESENT);
        let ended = shutdown(stream.get_ref(), Shutdown::Write);
        Poll::Ready(ended.map_err(io::Error::from))
    }
}

impl Drop for SharedStream {
    fn drop(&mut self) {
        // The sequencer, if it reads, holds the stream open and so learns that the connection is gone.
        if self.halves.read_half.recall() {
            let _ = shutdown(&*self.halves.read_half, Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{Duration, timeout};

    use super::*;

    async fn stream() -> (SharedStream, Halves, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (stream, _) = listener.accept().await.unwrap();
        let (stream, halves) = SharedStream::new(stream).unwrap();
        (stream, halves, client.unwrap())
    }

    /// Reads what has come on a stream that is handed off.
    async fn read_lent(handed_off: &HandedOff) -> Vec<u8> {
        let mut bytes = [0; 64];
        loop {
            match handed_off.read(&mut bytes) {
                Ok(count) => return bytes[..count].to_vec(),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_is_lent_is_read_by_one_alone_and_goes_on_where_it_is_given_back() {
        let (mut stream, halves, mut client) = stream().await;
        client.write_all(b"one").await.unwrap();
        let mut bytes = [0; 64];
        assert_eq!(stream.read(&mut bytes).await.unwrap(), 3);

        let handed_off = halves.read_half.hand_off().unwrap();
        assert!(
            halves.read_half.hand_off().is_none(),
            "it is with one already"
        );
        client.write_all(b"two").await.unwrap();
        assert_eq!(read_lent(&handed_off).await, b"two");
        assert!(halves.read_half.take_was_read());
        client.write_all(b"three").await.unwrap();
        let waits = timeout(Duration::from_millis(1), stream.read(&mut bytes)).await;
        assert!(waits.is_err(), "another reads");

        let mut reading = tokio::spawn(async move {
            let mut all = [0; 10];
            stream.read_exact(&mut all).await.unwrap();
            (stream, all)
        });
        assert!(
            timeout(Duration::from_millis(1), &mut reading)
                .await
                .is_err()
        );
        handed_off.reclaim(b"again");
        let (mut stream, all) = reading.await.unwrap();
        assert_eq!(&all, b"againthree");

        drop(halves.read_half.hand_off().unwrap());
        client.write_all(b"four").await.unwrap();
        drop(client);
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"four");
    }

    #[tokio::test]
    async fn who_has_lent_and_leaves_ends_the_stream_for_both() {
        let (stream, halves, mut client) = stream().await;
        let handed_off = halves.read_half.hand_off().unwrap();
        assert!(!handed_off.is_recalled());
        drop(stream);
        assert!(handed_off.is_recalled());
        assert_eq!(read_lent(&handed_off).await, b"");
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    }
}
