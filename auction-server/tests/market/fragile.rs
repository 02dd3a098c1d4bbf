//! A connection that breaks at a random byte in either direction, also in the middle of a message.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Number of bytes read at a time.
const READ_BYTES: usize = 4_096;

/// Breaks connections until it is stopped, determined by a seed.
#[derive(Clone)]
pub struct Breaker(Arc<Shared>);

struct Shared {
    random: Mutex<ChaCha20Rng>,
    bytes_max: u64,
    stopped: AtomicBool,
    broken: AtomicU64,
}

impl Breaker {
    /// Each connection breaks within `bytes_max` bytes.
    pub fn new(seed: u64, bytes_max: u64) -> Self {
        Self(Arc::new(Shared {
            random: Mutex::new(ChaCha20Rng::seed_from_u64(seed)),
            bytes_max,
            stopped: AtomicBool::new(false),
            broken: AtomicU64::new(0),
        }))
    }

    /// Number of connections broken so far.
    pub fn broken(&self) -> u64 {
        self.0.broken.load(Ordering::Relaxed)
    }

    /// Stops breaking connections, including those that were about to break.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }

    /// A connection that will break.
    pub fn fragile(&self, stream: TcpStream) -> Fragile {
        let random = self.0.random.lock().unwrap().next_u64();
        Fragile {
            stream: Some(stream),
            bytes_left: 1 + random % self.0.bytes_max,
            // As if the other side had closed it, or as a failure.
            silently: random.is_multiple_of(2),
            breaker: self.clone(),
        }
    }
}

/// A connection that breaks.
pub struct Fragile {
    stream: Option<TcpStream>,
    bytes_left: u64,
    silently: bool,
    breaker: Breaker,
}

impl Fragile {
    /// Number of bytes that can still pass.
    fn room(&mut self) -> Option<usize> {
        if self.breaker.0.stopped.load(Ordering::Relaxed) {
            self.bytes_left = u64::MAX;
        }
        if self.bytes_left == 0 && self.stream.take().is_some() {
            self.breaker.0.broken.fetch_add(1, Ordering::Relaxed);
        }
        self.stream.as_ref()?;
        Some(usize::try_from(self.bytes_left).unwrap_or(usize::MAX))
    }
}

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for Fragile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(room) = this.room() else {
            let end = if this.silently { Ok(()) } else { Err(broken()) };
            return Poll::Ready(end);
        };
        let mut bytes = [0; READ_BYTES];
        let most = room.min(into.remaining()).min(READ_BYTES);
        let mut part = ReadBuf::new(&mut bytes[..most]);
        let stream = this.stream.as_mut().expect("there is room");
        let polled = Pin::new(stream).poll_read(context, &mut part);
        into.put_slice(part.filled());
        this.bytes_left -= part.filled().len() as u64;
        polled
    }
}

impl AsyncWrite for Fragile {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let Some(room) = this.room() else {
            return Poll::Ready(Err(broken()));
        };
        let stream = this.stream.as_mut().expect("there is room");
        let part = &bytes[..bytes.len().min(room)];
        let polled = Pin::new(stream).poll_write(context, part);
        if let Poll::Ready(Ok(count)) = polled {
            this.bytes_left -= count as u64;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_flush(context),
            None => Poll::Ready(Err(broken())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_shutdown(context),
            None => Poll::Ready(Ok(())),
        }
    }
}
