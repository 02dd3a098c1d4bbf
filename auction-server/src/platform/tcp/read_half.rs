//! The read half of a stream: read by the connection's own task, or by the sequencer, to which it is handed off.
//!
//! A bid that the task reads wakes two threads on its way to the disk: the one that serves connections, and the
//! sequencer. One that the sequencer reads itself wakes one.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::io::ReadBuf;

/// The side of a stream that is read from.
#[derive(Debug)]
pub struct ReadHalf {
    stream: Arc<TcpStream>,
    reader: Mutex<Reader>,
    /// Whether something came while it was handed off.
    was_read: AtomicBool,
    /// Whether the connection wants it back, or has left.
    is_recalled: AtomicBool,
}

/// Who reads.
#[derive(Debug)]
enum Reader {
    /// The connection's task: first this, which another has read.
    Own(Vec<u8>),
    /// Another, and the task wants to know when it no longer does.
    HandedOff(Option<Waker>),
}

/// Whose turn it is to read, as the connection's task sees it.
pub(super) enum ReadTurn {
    /// Its own.
    Own,
    /// Its own, and it was given what had been read already.
    Returned,
    /// Another's; the task is woken when it is its own.
    HandedOff,
}

/// What is read, in the hands of another than the connection. It is given back when this is dropped.
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

    /// Hands off what comes from now on; `None` when it is handed off already, or was recalled.
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

    /// Whether something came since this was asked last, while it was handed off.
    pub fn take_was_read(&self) -> bool {
        self.was_read.swap(false, SeqCst)
    }

    /// Recalls it for good: it is reclaimed before more is read. Returns whether it was handed off.
    pub fn recall(&self) -> bool {
        self.is_recalled.store(true, SeqCst);
        matches!(*self.lock(), Reader::HandedOff(_))
    }

    /// Whether it is handed off.
    pub fn is_handed_off(&self) -> bool {
        matches!(*self.lock(), Reader::HandedOff(_))
    }

    /// Whose turn it is. What was given back goes to `buf`.
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
    /// Reads what has come; never waits.
    ///
    /// # Errors
    /// As the stream's; [`io::ErrorKind::WouldBlock`] when nothing has come.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&*self.read_half().stream).read(buffer)?;
        self.read_half().was_read.store(true, SeqCst);
        Ok(count)
    }

    /// Whether it is to be given back before more is read.
    #[must_use]
    pub fn is_recalled(&self) -> bool {
        self.read_half().is_recalled.load(SeqCst)
    }

    /// Gives it back, and what was read and not looked at.
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
