//! One to many: messages go in at one end, and everyone who listens must have each of them, in order.
//!
//! One thread holds both ends. So many messages are under way as the window lets: who publishes waits for the slowest
//! of those who listen, so that nobody has a reason to leave anything out. What is counted is every message at every
//! listener, from the first that is sent until the last has the last.

use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventFlags};
use rustix::time::Timespec;

use crate::outgoing::Outgoing;

/// How much is read at a time.
const INPUT_BYTES: usize = 256 * 1_024;
/// How long nothing may come while something is under way.
const SILENCE_MAX: Timespec = Timespec {
    tv_sec: 20,
    tv_nsec: 0,
};

/// Something that hands each message to everyone who listens. It runs until it is dropped.
pub trait Feed {
    /// What it is called in the report.
    fn name(&self) -> String;

    /// How it was started: its flags that are not the default.
    fn started_as(&self) -> String;

    /// So many begin to listen, and those who publish are ready to.
    fn begin(&mut self, listeners: usize) -> io::Result<Sockets>;

    /// Appends as many messages as this publisher may have under way, `room` at most; gives how many.
    fn publish(&mut self, publisher: usize, room: u64, out: &mut Vec<u8>) -> io::Result<u64>;

    /// Takes what came to a publisher.
    ///
    /// # Errors
    /// When a message was not taken.
    fn answered(&mut self, publisher: usize, bytes: &[u8], reply: &mut Vec<u8>) -> io::Result<()>;

    /// Takes what came to a listener; gives how many messages of this turn it has.
    ///
    /// # Errors
    /// When something is missing, out of order, or other than what was published.
    fn deliver(&mut self, listener: usize, bytes: &[u8], reply: &mut Vec<u8>) -> io::Result<u64>;
}

/// The ends of a turn.
#[derive(Debug)]
pub struct Sockets {
    pub listeners: Vec<TcpStream>,
    pub publishers: Vec<TcpStream>,
}

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    pub listeners: usize,
    /// How many messages.
    pub messages: u64,
    /// How many of them the slowest listener may lack.
    pub window: u64,
}

/// Sends so many to so many. Gives the time from the first send to the last delivery.
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
        // Each is the first in its turn.
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
