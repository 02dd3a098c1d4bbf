//! Order entry: the lines of traders who do nothing but bid. The sequencer reads them itself, so that a bid's way is one
//! thread's: it reads what has come, decides it, writes and syncs, answers. Whatever else comes on such a line goes back
//! to its connection, and the line with it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::time::Duration;

use auction_core::{Command, RequestId, SessionId};
use auction_proto::limits::REQUEST_BYTES_MAX;
use auction_proto::{ClientMessage, Frame};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use crate::platform::metrics::Metrics;
use crate::platform::tcp::HandedOff;
use crate::sequencer::rate_limit::RateLimiter;
use crate::sequencer::reply::ReplyChannel;

/// So many commands in a row make a connection one that does nothing but bid.
pub const FAST_PATH_AFTER: u32 = 8;
/// How many commands of one line can wait for their answers to be written; then it goes back to its connection, which
/// reads no more until they are.
pub const PENDING_REPLIES_MAX: usize = 1_024;
/// How much is read of a line at a time, so that each has its turn.
const INPUT_BYTES: usize = 16 * 1_024;
/// How long the beginning of a command can be kept until the rest comes.
const REST_BYTES_MAX: usize = 256;
/// How many lines are seen ready at a time.
const EVENTS: usize = 1_024;
/// Token of the waker: something was put in the queue.
const QUEUE_MAX: Token = Token(usize::MAX);

/// The lines that the sequencer reads, and what it waits for when there is nothing to do.
#[derive(Debug)]
pub struct DirectReader {
    poll: Poll,
    events: Events,
    connections: Slab<Registered>,
    /// Those with something to read.
    ready: VecDeque<usize>,
    input: Box<[u8]>,
    metrics: Arc<Metrics>,
}

/// A connection that does nothing but bid.
#[derive(Debug)]
pub struct FastPathConnection {
    /// What it is read from.
    pub input: HandedOff,
    /// The session that it bids in.
    pub session: SessionId,
    /// What its user's commands are taken from; `None`: they have no limit.
    pub limit: Option<Arc<RateLimiter>>,
    /// Who is told.
    pub reply: Arc<ReplyChannel>,
}

#[derive(Debug)]
struct Registered {
    connection: FastPathConnection,
    /// The beginning of a command whose rest is to come.
    rest: Vec<u8>,
    /// Whether it is among those that are ready.
    is_ready: bool,
}

/// Why a line goes back, and what was read of it and not taken.
struct Demote<'a>(&'a [u8]);

impl DirectReader {
    /// Without a line.
    ///
    /// # Errors
    /// When the system cannot tell what happens to streams.
    pub fn new(metrics: Arc<Metrics>) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            connections: Slab::new(),
            ready: VecDeque::new(),
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
            metrics,
        })
    }

    /// What ends [`wait`](Self::wait), from any thread.
    ///
    /// # Errors
    /// When the system has none to give.
    pub fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), QUEUE_MAX)
    }

    /// Whether some line has something to read, as far as is known.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes a line in.
    pub fn enter(&mut self, connection: FastPathConnection) {
        let fd = connection.input.as_raw_fd();
        let line = self.connections.vacant_entry();
        let place = line.key();
        let registry = self.poll.registry();
        // Without it the line goes back as it is dropped.
        if registry
            .register(&mut SourceFd(&fd), Token(place), Interest::READABLE)
            .is_ok()
        {
            line.insert(Registered {
                connection,
                rest: Vec::new(),
                is_ready: true,
            });
            self.ready.push_back(place);
            self.metrics.order_entry.add(1);
        }
    }

    /// Sees which lines have something to read, without waiting.
    pub fn look(&mut self) {
        if !self.connections.is_empty() {
            self.wait(Duration::ZERO);
        }
    }

    /// Waits until a line has something to read, the waker is called, or for so long.
    pub fn wait(&mut self, most: Duration) {
        if let Err(error) = self.poll.poll(&mut self.events, Some(most)) {
            // A signal; the caller waits again.
            debug_assert_eq!(error.kind(), io::ErrorKind::Interrupted);
            return;
        }
        for event in &self.events {
            // What has left may have an event on its way still.
            if let Some(line) = self.connections.get_mut(event.token().0)
                && !line.is_ready
            {
                line.is_ready = true;
                self.ready.push_back(event.token().0);
            }
        }
    }

    /// Reads one of the lines that are ready, puts its commands to `commands`, and gives whose they are. `None`: no
    /// line is ready.
    pub fn read(
        &mut self,
        commands: &mut Vec<(RequestId, Command)>,
    ) -> Option<(SessionId, Arc<ReplyChannel>)> {
        let place = self.ready.pop_front()?;
        let line = &mut self.connections[place];
        line.is_ready = false;
        let (session, reply) = (line.connection.session, line.connection.reply.clone());
        match line.read(&mut self.input, commands) {
            Ok(true) => {
                line.is_ready = true;
                self.ready.push_back(place);
            }
            Ok(false) => {}
            Err(Demote(rest)) => {
                let fd = line.connection.input.as_raw_fd();
                // It is open; a failure would leave events that lead nowhere.
                let _ = self.poll.registry().deregister(&mut SourceFd(&fd));
                self.metrics.order_entry.subtract(1);
                self.connections
                    .remove(place)
                    .connection
                    .input
                    .reclaim(rest);
            }
        }
        Some((session, reply))
    }
}

impl Registered {
    /// Reads once. Whether there may be more.
    fn read<'a>(
        &mut self,
        input: &'a mut [u8],
        commands: &mut Vec<(RequestId, Command)>,
    ) -> Result<bool, Demote<'a>> {
        let kept = self.rest.len();
        input[..kept].copy_from_slice(&self.rest);
        let has_room = self.connection.reply.in_flight() < PENDING_REPLIES_MAX;
        let read = if self.connection.input.is_recalled() || !has_room {
            Ok(0)
        } else {
            self.connection.input.read(&mut input[kept..])
        };
        let free = input.len() - kept;
        let count = match read {
            // The connection sees for itself how a stream ends or fails.
            Ok(0) => return Err(Demote(&input[..kept])),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(_) => return Err(Demote(&input[..kept])),
        };
        let mut rest = &input[..kept + count];
        while let Some(command) = self.next(&mut rest)? {
            commands.push(command);
        }
        if rest.len() > REST_BYTES_MAX {
            return Err(Demote(rest));
        }
        self.rest.clear();
        self.rest.extend_from_slice(rest);
        Ok(count == free)
    }

    /// The next command; nothing when it is not whole yet.
    fn next<'a>(&self, rest: &mut &'a [u8]) -> Result<Option<(RequestId, Command)>, Demote<'a>> {
        let from = *rest;
        // What is wrong with it, its connection says.
        match Frame::take(rest, REQUEST_BYTES_MAX) {
            Ok(None) => Ok(None),
            Ok(Some(frame)) => {
                let command = self.command(&frame).ok_or(Demote(from))?;
                Ok(Some((frame.request, command)))
            }
            Err(_) => Err(Demote(from)),
        }
    }

    fn command(&self, frame: &Frame<'_>) -> Option<Command> {
        let message = ClientMessage::decode(frame.kind, frame.body).ok()?;
        if !is_order(&message) {
            return None;
        }
        if let Some(limit) = &self.connection.limit {
            limit.take().ok()?;
        }
        message.into_command(self.connection.session)
    }
}

/// Whether a message is a bid or an order, or changes one: what traders who are in a hurry send.
#[must_use]
pub fn is_order(message: &ClientMessage) -> bool {
    matches!(
        message,
        ClientMessage::Bid(_)
            | ClientMessage::BidMaximum(_)
            | ClientMessage::PlaceOrder(_)
            | ClientMessage::ReplaceOrder(_)
            | ClientMessage::CancelOrder(_)
    )
}
