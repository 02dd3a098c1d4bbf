//! Fan-out: messages are published at one end, and every listener must receive each of them, in order.
//!
//! One thread runs both ends. The window limits the messages in flight: publishers wait for the slowest listener, so
//! that no system has a reason to drop messages. Deliveries are counted as every message at every listener, from the
//! first send until the last listener has the last message.

use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventFlags};
use rustix::time::Timespec;

use crate::outgoing::Outgoing;

/// Buffer size of a read, in bytes.
const INPUT_BYTES: usize = 256 * 1_024;
/// Maximum silence while messages are in flight.
const SILENCE_MAX: Timespec = Timespec {
    tv_sec: 20,
    tv_nsec: 0,
};

/// A system that delivers each message to all listeners. It runs until it is dropped.
pub trait Feed {
    /// Name in the report.
    fn name(&self) -> String;

    /// Flags that are not the default, for the report.
    fn started_as(&self) -> String;

    /// Starts the given number of listeners, and prepares the publishers.
    fn begin(&mut self, listeners: usize) -> io::Result<Sockets>;

    /// Appends as many messages as this publisher may have in flight, `room` at most; returns their number.
    fn publish(&mut self, publisher: usize, room: u64, out: &mut Vec<u8>) -> io::Result<u64>;

    /// Handles the bytes received by a publisher.
    ///
    /// # Errors
    /// When a message was not accepted.
    fn answered(&mut self, publisher: usize, bytes: &[u8], reply: &mut Vec<u8>) -> io::Result<()>;

    /// Handles the bytes received by a listener; returns how many messages of this turn it has in total.
    ///
    /// # Errors
    /// When a message is missing, out of order, or different from the published one.
    fn deliver(&mut self, listener: usize, bytes: &[u8], reply: &mut Vec<u8>) -> io::Result<u64>;
}

/// Connections of a turn.
#[derive(Debug)]
pub struct Sockets {
    pub listeners: Vec<TcpStream>,
    pub publishers: Vec<TcpStream>,
}

/// Amount of messages in a turn.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    pub listeners: usize,
    /// Number of messages.
    pub messages: u64,
    /// Maximum number of messages by which the slowest listener may be behind.
    pub window: u64,
}

/// Sends the messages to all listeners. Returns the time from the first send to the last delivery.
pub fn run(feed: &mut dyn Feed, amount: Amount) -> io::Result<Duration> {
    let Sockets {
        listeners,
        publishers,
    } = feed.begin(amount.listeners)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut ends = Vec::new();
    for stream in listeners.into_iter().chain(publishers) {
        ends.push(Outgoing::new(stream, &epoll, ends.len())?);
    }
    let mut run = Run {
        epoll,
        ends,
        received: vec![0; amount.listeners],
        sent: 0,
        amount,
    };
    let begun = Instant::now();
    run.run(feed)?;
    Ok(begun.elapsed())
}

struct Run {
    epoll: OwnedFd,
    /// The listeners, then the publishers.
    ends: Vec<Outgoing>,
    received: Vec<u64>,
    sent: u64,
    amount: Amount,
}

impl Run {
    fn run(&mut self, feed: &mut dyn Feed) -> io::Result<()> {
        let mut input = vec![0; INPUT_BYTES];
        let mut events = Vec::with_capacity(self.ends.len());
        loop {
            let slowest = self.received.iter().copied().min().unwrap_or_default();
            if slowest >= self.amount.messages {
                return Ok(());
            }
            self.publish(feed, slowest)?;
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&SILENCE_MAX))?;
            if events.is_empty() {
                let text = format!(
                    "{}: of {} messages, {slowest} reached everyone, and no more come",
                    feed.name(),
                    self.sent
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            for event in events.drain(..) {
                let place = event.data.u64() as usize;
                let flags = event.flags;
                if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                    self.read(feed, place, &mut input)?;
                }
                self.ends[place].send(&self.epoll)?;
            }
        }
    }

    fn publish(&mut self, feed: &mut dyn Feed, slowest: u64) -> io::Result<()> {
        let publishers = self.ends.len() - self.amount.listeners;
        // Publishers take turns in being the first.
        let first = self.sent as usize;
        for number in (0..publishers).map(|n| (first + n) % publishers) {
            let place = self.amount.listeners + number;
            let in_all = self
                .amount
                .messages
                .min(slowest.saturating_add(self.amount.window));
            let room = in_all.saturating_sub(self.sent);
            let end = &mut self.ends[place];
            if room > 0 && !end.is_stuck() {
                self.sent += feed.publish(number, room, &mut end.bytes)?;
                end.send(&self.epoll)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, feed: &mut dyn Feed, place: usize, input: &mut [u8]) -> io::Result<()> {
        let end = &mut self.ends[place];
        let count = end.receive(input)?;
        if count == 0 {
            return Ok(());
        }
        match self.received.get_mut(place) {
            Some(received) => {
                *received = feed.deliver(place, &input[..count], &mut end.bytes)?;
            }
            None => {
                let publisher = place - self.amount.listeners;
                feed.answered(publisher, &input[..count], &mut end.bytes)?;
            }
        }
        Ok(())
    }
}
