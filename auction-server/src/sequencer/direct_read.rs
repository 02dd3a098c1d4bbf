//! Order entry: direct reads of connections that send nothing but bids. The sequencer reads them itself, so that one
//! thread does all the work for a bid: read the input, decide, write and sync, reply. When any other message comes, the
//! connection and the message are returned to the connection's task.

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

/// Number of orders in a row after which the sequencer reads a connection itself.
pub const FAST_PATH_AFTER: u32 = 8;
/// Maximum number of commands of one connection whose replies are not written yet. At the maximum it is returned to its
/// task, which reads no more until they are.
pub const PENDING_REPLIES_MAX: usize = 1_024;
/// Maximum number of bytes read from one connection at a time, so that each gets its turn.
const INPUT_BYTES: usize = 16 * 1_024;
/// Maximum number of bytes of an incomplete command that are kept until the rest comes.
const REST_BYTES_MAX: usize = 256;
/// Maximum number of readiness events per poll.
const EVENTS: usize = 1_024;
/// Token of the waker: the queue has a new submission.
const QUEUE_MAX: Token = Token(usize::MAX);

/// The connections that the sequencer reads, and the poll that it waits on when idle.
#[derive(Debug)]
pub struct DirectReader {
    poll: Poll,
    events: Events,
    connections: Slab<Registered>,
    /// Connections with input to read.
    ready: VecDeque<usize>,
    input: Box<[u8]>,
    metrics: Arc<Metrics>,
}

/// A connection that sends nothing but bids.
#[derive(Debug)]
pub struct FastPathConnection {
    /// Input of the connection.
    pub input: HandedOff,
    /// Session of the bids.
    pub session: SessionId,
    /// Rate limiter of the user's commands; `None`: unlimited.
    pub limit: Option<Arc<RateLimiter>>,
    /// Channel for the replies.
    pub reply: Arc<ReplyChannel>,
}

#[derive(Debug)]
struct Registered {
    connection: FastPathConnection,
    /// The beginning of a command whose rest has not come yet.
    rest: Vec<u8>,
    /// True while it is in the list of ready connections.
    is_ready: bool,
}

/// Signal to return a connection to its task, with the input that was read and not parsed.
struct Demote<'a>(&'a [u8]);

impl DirectReader {
    /// Creates a reader without connections.
    ///
    /// # Errors
    /// When the system has no poll for streams.
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

    /// Returns a waker that ends [`wait`](Self::wait) from any thread.
    ///
    /// # Errors
    /// When the system has none left.
    pub fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), QUEUE_MAX)
    }

    /// Returns whether a connection is known to have input.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Adds a connection.
    pub fn enter(&mut self, connection: FastPathConnection) {
        let fd = connection.input.as_raw_fd();
        let line = self.connections.vacant_entry();
        let place = line.key();
        let registry = self.poll.registry();
        // If this fails, the drop returns the connection to its task.
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

    /// Checks which connections have input, without waiting.
    pub fn look(&mut self) {
        if !self.connections.is_empty() {
            self.wait(Duration::ZERO);
        }
    }

    /// Waits until a connection has input, the waker is called, or `most` has passed.
    pub fn wait(&mut self, most: Duration) {
        if let Err(error) = self.poll.poll(&mut self.events, Some(most)) {
            // A signal; the caller waits again.
            debug_assert_eq!(error.kind(), io::ErrorKind::Interrupted);
            return;
        }
        for event in &self.events {
            // An event may come after its connection was removed.
            if let Some(line) = self.connections.get_mut(event.token().0)
                && !line.is_ready
            {
                line.is_ready = true;
                self.ready.push_back(event.token().0);
            }
        }
    }

    /// Reads one of the ready connections, appends its commands to `commands`, and returns their session and reply
    /// channel; `None` if no connection is ready.
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
                // The descriptor is open; a failure would only leave events without a connection.
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
    /// Reads once. Returns whether there may be more.
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
            // The connection's task handles the end or the failure of a stream.
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

    /// Returns the next command; `None` when it is incomplete.
    fn next<'a>(&self, rest: &mut &'a [u8]) -> Result<Option<(RequestId, Command)>, Demote<'a>> {
        let from = *rest;
        // The connection's task reports the fault.
        match Frame::split_from(rest, REQUEST_BYTES_MAX) {
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
        if !is_order(&message) || frame.request == RequestId(0) {
            return None;
        }
        if let Some(limit) = &self.connection.limit {
            limit.take().ok()?;
        }
        message.into_command(self.connection.session)
    }
}

/// Returns whether a message places or changes a bid or an order: the messages of traders in a hurry.
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
