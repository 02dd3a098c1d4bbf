//! A stream whose first bytes were looked at, and are read again by whoever comes next.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// How much is read to see what a client speaks. All of it is handed on.
const FIRST_BYTES: usize = 1_024;

/// A stream, and bytes of it that were read already.
pub(super) struct Peeked<S> {
    first: Vec<u8>,
    at: usize,
    io: S,
}

impl<S: AsyncRead + Unpin> Peeked<S> {
    pub(super) fn new(io: S) -> Self {
        Self {
            first: Vec::new(),
            at: 0,
            io,
        }
    }

    /// Waits for the first byte. `None`: the stream ended without one.
    pub(super) async fn first_byte(&mut self) -> io::Result<Option<u8>> {
        let mut bytes = [0; FIRST_BYTES];
        let count = self.io.read(&mut bytes).await?;
        self.first = bytes[..count].to_vec();
        Ok(self.first.first().copied())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Peeked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = &self.first[self.at..];
        if rest.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let count = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..count]);
        self.at += count;
        if self.at == self.first.len() {
            // It is needed once in a connection's life.
            (self.first, self.at) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Peeked<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
