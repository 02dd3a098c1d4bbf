//! Bids, many at a time, by one thread over sockets that never block.
//!
//! The schedule is fixed ahead. A bid's time is taken from the moment it was due, whether or not there was room to
//! send it then: a server that stalls does not hide the bids that should have come meanwhile (Tene's *coordinated
//! omission*). Without a rate there is as much in flight as may be at every moment, and time is taken from the send.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::histogram::Times;
use crate::outgoing::Outgoing;
use crate::target::{Answer, Speaker, unexpected};
use crate::workload::{Trader, Workload};

/// How much is read at a time.
const INPUT_BYTES: usize = 64 * 1_024;
/// How long what is under way at the end may take.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
/// How many of the bids must be accepted at least.
const ACCEPTED_MIN: f64 = 0.9;
/// The timer's place among the events.
const TIMER: u64 = u64::MAX;

/// How bids come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// How many connections bid, each for a trader of its own.
    pub connections: u32,
    /// How many bids of each are under way at most.
    pub in_flight: u32,
    pub pace: Pace,
    /// What is not counted at the beginning.
    pub warm_up: Duration,
    /// What is counted.
    pub measured: Duration,
    /// The trader of the first connection. The next connection's is the next.
    pub first_trader: u32,
    /// How many traders there are.
    pub traders: u32,
}

/// When bids are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As soon as there is room in flight.
    Saturated,
    /// So many a second in all, evenly, connection by connection.
    Rate(f64),
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All that were answered, also while nothing was counted.
    pub answered: u64,
    pub accepted: u64,
    pub refused: u64,
    pub took: Duration,
    pub times: Times,
}

impl Outcome {
    /// Accepted bids a second.
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.took.as_secs_f64()
    }

    /// Whether enough were accepted that it was bids that were measured.
    pub fn is_of_bids(&self) -> bool {
        self.accepted_share() >= ACCEPTED_MIN
    }

    /// How many of those that count were accepted; all when there are none.
    pub fn accepted_share(&self) -> f64 {
        match self.accepted + self.refused {
            0 => 1.0,
            counted => self.accepted as f64 / counted as f64,
        }
    }
}

/// A new connection for a trader, ready to bid.
pub type Connect<'a> = dyn FnMut(Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)> + 'a;

/// Bids.
///
/// # Errors
/// When a connection fails, or what is under way at the end is not answered.
pub fn run(connect: &mut Connect<'_>, workload: &mut Workload, load: &Load) -> io::Result<Outcome> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut clients = Vec::new();
    for number in 0..load.connections {
        let trader = (load.first_trader + number) % load.traders;
        let (stream, speaker) = connect(trader)?;
        let socket = Outgoing::new(stream, &epoll, clients.len())?;
        clients.push(Client::new(socket, speaker, trader));
    }
    workload.begin(load.connections);
    Run::new(load, workload, epoll, clients)?.run()
}

struct Client {
    socket: Outgoing,
    speaker: Box<dyn Speaker>,
    trader: u32,
    input: Vec<u8>,
    filled: usize,
    /// When those under way were due, or sent.
    under_way: VecDeque<Instant>,
    /// When those were due for which there was no room.
    due: VecDeque<Instant>,
}

struct Run<'a> {
    load: &'a Load,
    workload: &'a mut Workload,
    clients: Vec<Client>,
    epoll: OwnedFd,
    timer: OwnedFd,
    begun: Instant,
    counts_from: Instant,
    ends: Instant,
    /// How many bids of the schedule have been due.
    scheduled: u64,
    /// What the timer is set to.
    wakes_at: Option<Instant>,
    outcome: Outcome,
}

impl<'a> Run<'a> {
    fn new(
        load: &'a Load,
        workload: &'a mut Workload,
        epoll: OwnedFd,
        clients: Vec<Client>,
    ) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
        let begun = Instant::now();
        let counts_from = begun + load.warm_up;
        Ok(Self {
            load,
            workload,
            clients,
            epoll,
            timer,
            begun,
            counts_from,
            ends: counts_from + load.measured,
            scheduled: 0,
            wakes_at: None,
            outcome: Outcome {
                answered: 0,
                accepted: 0,
                refused: 0,
                took: load.measured,
                times: Times::new(),
            },
        })
    }

    fn run(mut self) -> io::Result<Outcome> {
        let mut events = Vec::with_capacity(self.clients.len() + 1);
        self.send_all()?;
        loop {
            let now = Instant::now();
            if now >= self.ends {
                if self.clients.iter().all(Client::is_done) {
                    return Ok(self.outcome);
                }
                if now >= self.ends + DRAIN_WITHIN {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            let next = match self.load.pace {
                Pace::Rate(rate) if now < self.ends => self.due_at(rate, self.scheduled),
                _ if now < self.ends => self.ends,
                _ => self.ends + DRAIN_WITHIN,
            };
            if self.wakes_at != Some(next) {
                self.wake_at(next, now)?;
            }
            epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
            for event in events.drain(..) {
                let place = event.data.u64();
                if place == TIMER {
                    self.wakes_at = None;
                    continue;
                }
                let place = place as usize;
                let flags = event.flags;
                if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                    self.read(place)?;
                }
                self.send(place)?;
            }
            if let Pace::Rate(rate) = self.load.pace {
                self.send_due(rate)?;
            }
        }
    }

    /// When the bid of this number is due.
    fn due_at(&self, rate: f64, number: u64) -> Instant {
        self.begun + Duration::from_secs_f64(number as f64 / rate)
    }

    fn wake_at(&mut self, at: Instant, now: Instant) -> io::Result<()> {
        let wait = at
            .saturating_duration_since(now)
            .max(Duration::from_nanos(1));
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let it_value = Timespec {
            tv_sec: wait.as_secs() as i64,
            tv_nsec: wait.subsec_nanos().into(),
        };
        let once = Itimerspec {
            it_interval: zero,
            it_value,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        self.wakes_at = Some(at);
        Ok(())
    }

    /// Hands what has become due to its connections.
    fn send_due(&mut self, rate: f64) -> io::Result<()> {
        let now = Instant::now();
        let first = self.scheduled;
        loop {
            let due = self.due_at(rate, self.scheduled);
            if due > now || due >= self.ends {
                break;
            }
            let place = (self.scheduled % self.clients.len() as u64) as usize;
            self.clients[place].due.push_back(due);
            self.scheduled += 1;
        }
        let count = (self.scheduled - first).min(self.clients.len() as u64);
        (0..count)
            .try_for_each(|step| self.send(((first + step) % self.clients.len() as u64) as usize))
    }

    fn send_all(&mut self) -> io::Result<()> {
        (0..self.clients.len()).try_for_each(|place| self.send(place))
    }

    /// Sends what may be sent on a connection.
    fn send(&mut self, place: usize) -> io::Result<()> {
        let client = &mut self.clients[place];
        while client.under_way.len() < self.load.in_flight as usize {
            let from = match self.load.pace {
                Pace::Saturated => {
                    let now = Instant::now();
                    if now >= self.ends {
                        break;
                    }
                    now
                }
                Pace::Rate(_) => match client.due.pop_front() {
                    Some(due) => due,
                    None => break,
                },
            };
            let bid = self.workload.bid(place, client.trader);
            let bid = bid.map_err(|error| io::Error::other(error.to_string()))?;
            client.speaker.bid(bid, &mut client.socket.bytes);
            client.under_way.push_back(from);
        }
        client.socket.send(&self.epoll)
    }

    /// Reads what has come on a connection.
    fn read(&mut self, place: usize) -> io::Result<()> {
        let client = &mut self.clients[place];
        client.filled += client.socket.receive(&mut client.input[client.filled..])?;
        let now = Instant::now();
        let mut rest = &client.input[..client.filled];
        while let Some(answer) = client.speaker.answer(&mut rest)? {
            let from = client.under_way.pop_front();
            let from = from.ok_or_else(|| unexpected("an answer to nothing"))?;
            self.outcome.answered += 1;
            // Of a schedule every bid counts that was due, however late it was answered.
            let at = match self.load.pace {
                Pace::Saturated => now,
                Pace::Rate(_) => from,
            };
            if at < self.counts_from || at >= self.ends {
                continue;
            }
            match answer {
                Answer::Accepted => {
                    self.outcome.accepted += 1;
                    self.outcome.times.add(now - from);
                }
                Answer::Refused => self.outcome.refused += 1,
            }
        }
        let taken = client.filled - rest.len();
        client.input.copy_within(taken..client.filled, 0);
        client.filled -= taken;
        Ok(())
    }
}

impl Client {
    fn new(socket: Outgoing, speaker: Box<dyn Speaker>, trader: u32) -> Self {
        Self {
            socket,
            speaker,
            trader,
            input: vec![0; INPUT_BYTES],
            filled: 0,
            under_way: VecDeque::new(),
            due: VecDeque::new(),
        }
    }

    fn is_done(&self) -> bool {
        self.under_way.is_empty() && self.due.is_empty()
    }
}
