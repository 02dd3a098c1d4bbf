//! The read half of a stream: read by the connection's own task, or by the sequencer, to which it is handed off.
//!
//! A bid that the task reads wakes two threads before it reaches the disk: the one that serves connections, and the
//! sequencer. A bid that the sequencer reads itself wakes one.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::io::ReadBuf;

/// The half of a stream to read from.
#[derive(Debug)]
pub struct ReadHalf {
    stream: Arc<TcpStream>,
    reader: Mutex<Reader>,
    /// True if data was read while it was handed off.
    was_read: AtomicBool,
    /// True if the connection wants it back, or is closed.
    is_recalled: AtomicBool,
}

/// The current reader.
#[derive(Debug)]
enum Reader {
    /// The connection's task: first these bytes, which the other reader has read.
    Own(Vec<u8>),
    /// The sequencer, with the waker of the task for the moment when it is reclaimed.
    HandedOff(Option<Waker>),
}

/// Turn to read, as the connection's task sees it.
pub(super) enum ReadTurn {
    /// The task reads.
    Own,
    /// The task reads, and received the bytes that had been read already.
    Returned,
    /// The sequencer reads; the task is woken when it is its turn.
    HandedOff,
}

/// The read half in the hands of the sequencer. It is returned to the connection when this is dropped.
#[derive(Debug)]
pub struct HandedOff {
    /// `None` once it was reclaimed: from then on it may be handed off again.
    read_half: Option<Arc<ReadHalf>>,
}

impl ReadHalf {
    pub(super) fn new(stream: Arc<TcpStream>) -> Self {
        Self {
            stream,
            reader: Mutex::new(Reader::Own(Vec::new())),
            was_read: AtomicBool::new(false),
            is_recalled: AtomicBool::new(false),
        }
    }

    /// Hands off the reading from now on; `None` when it is handed off already, or was recalled.
    pub fn hand_off(self: &Arc<Self>) -> Option<HandedOff> {
        let mut reader = self.lock();
        match &*reader {
            Reader::Own(rest) if rest.is_empty() && !self.is_recalled.load(SeqCst) => {
                *reader = Reader::HandedOff(None);
                Some(HandedOff {
                    read_half: Some(self.clone()),
                })
            }
            Reader::Own(_) | Reader::HandedOff(_) => None,
        }
    }

    /// Returns whether data was read since the last call, while it was handed off.
    pub fn take_was_read(&self) -> bool {
        self.was_read.swap(false, SeqCst)
    }

    /// Recalls it for good: it is reclaimed before more is read. Returns whether it was handed off.
    pub fn recall(&self) -> bool {
        self.is_recalled.store(true, SeqCst);
        matches!(*self.lock(), Reader::HandedOff(_))
    }

    /// Returns whether it is handed off.
    pub fn is_handed_off(&self) -> bool {
        matches!(*self.lock(), Reader::HandedOff(_))
    }

    /// Returns whose turn it is. Returned bytes go to `buf`.
    pub(super) fn read_turn(&self, waker: &Waker, buf: &mut ReadBuf<'_>) -> ReadTurn {
        match &mut *self.lock() {
            Reader::Own(rest) if rest.is_empty() => ReadTurn::Own,
            Reader::Own(rest) => {
                let count = rest.len().min(buf.remaining());
                buf.put_slice(&rest[..count]);
                rest.drain(..count);
                ReadTurn::Returned
            }
            Reader::HandedOff(waiting) => {
                *waiting = Some(waker.clone());
                ReadTurn::HandedOff
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for ReadHalf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl HandedOff {
    /// Reads the available bytes; never waits.
    ///
    /// # Errors
    /// Those of the stream; [`io::ErrorKind::WouldBlock`] when no bytes are available.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&*self.read_half().stream).read(buffer)?;
        self.read_half().was_read.store(true, SeqCst);
        Ok(count)
    }

    /// Returns whether it must be returned before more is read.
    #[must_use]
    pub fn is_recalled(&self) -> bool {
        self.read_half().is_recalled.load(SeqCst)
    }

    /// Returns it to the connection, with the bytes that were read but not parsed.
    pub fn reclaim(mut self, rest: &[u8]) {
        self.return_with(rest);
    }

    fn return_with(&mut self, rest: &[u8]) {
        let Some(read_half) = self.read_half.take() else {
            return;
        };
        let mut reader = read_half.lock();
        if let Reader::HandedOff(waiting) = &mut *reader {
            let waiting = waiting.take();
            *reader = Reader::Own(rest.to_vec());
            drop(reader);
            if let Some(waiting) = waiting {
                waiting.wake();
            }
        }
    }

    fn read_half(&self) -> &ReadHalf {
        self.read_half.as_deref().expect("it was not given back")
    }
}

impl AsRawFd for HandedOff {
    fn as_raw_fd(&self) -> RawFd {
        self.read_half().stream.as_raw_fd()
    }
}

impl Drop for HandedOff {
    fn drop(&mut self) {
        self.return_with(&[]);
    }
}
