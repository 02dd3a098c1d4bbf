//! Bids, many at a time, sent by one thread over non-blocking sockets.
//!
//! The schedule is fixed in advance. The latency of a bid counts from its scheduled time, even if it could not be
//! sent then: a server that stalls does not hide the bids that should have arrived meanwhile (Tene's *coordinated
//! omission*). Without a rate, the maximum number of bids is always in flight, and latency counts from the send.

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

/// Buffer size of a read, in bytes.
const INPUT_BYTES: usize = 64 * 1_024;
/// Time limit for the bids still in flight at the end.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
/// Minimum share of accepted bids.
const ACCEPTED_MIN: f64 = 0.9;
/// Number of the timer among the events.
const TIMER: u64 = u64::MAX;

/// Parameters of a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Number of connections, each with its own trader.
    pub connections: u32,
    /// Maximum number of bids in flight per connection.
    pub in_flight: u32,
    pub pace: Pace,
    /// Unmeasured time at the beginning.
    pub warm_up: Duration,
    /// Measured time.
    pub measured: Duration,
    /// Trader of the first connection; the following connections have the following traders.
    pub first_trader: u32,
    /// Number of traders.
    pub traders: u32,
}

/// Times at which bids are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As soon as the limit in flight permits.
    Saturated,
    /// Bids per second in total, evenly distributed, connection by connection.
    Rate(f64),
}

/// Result of a load.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All answered bids, including the unmeasured ones.
    pub answered: u64,
    pub accepted: u64,
    pub refused: u64,
    pub took: Duration,
    pub times: Times,
}

impl Outcome {
    /// Accepted bids per second.
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.took.as_secs_f64()
    }

    /// Returns true if enough bids were accepted for a valid measurement.
    pub fn is_of_bids(&self) -> bool {
        self.accepted_share() >= ACCEPTED_MIN
    }

    /// Share of accepted bids among the measured ones; 1 without any.
    pub fn accepted_share(&self) -> f64 {
        match self.accepted + self.refused {
            0 => 1.0,
            counted => self.accepted as f64 / counted as f64,
        }
    }
}

/// Opens a new connection of a trader, ready to bid.
pub type Connect<'a> = dyn FnMut(Trader) -> io::Result<(TcpStream, Box<dyn Speaker>)> + 'a;

/// Sends the bids.
///
/// # Errors
/// When a connection fails, or bids in flight at the end are not answered.
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
    /// Scheduled or send times of the bids in flight.
    under_way: VecDeque<Instant>,
    /// Scheduled times of the bids that could not be sent yet.
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
    /// Number of bids of the schedule whose time has come.
    scheduled: u64,
    /// Time to which the timer is set.
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

    /// Scheduled time of the bid with this number.
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

    /// Passes due bids to their connections.
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

    /// Sends as many bids on a connection as its limit permits.
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

    /// Reads the received bytes of a connection.
    fn read(&mut self, place: usize) -> io::Result<()> {
        let client = &mut self.clients[place];
        client.filled += client.socket.receive(&mut client.input[client.filled..])?;
        let now = Instant::now();
        let mut rest = &client.input[..client.filled];
        while let Some(answer) = client.speaker.answer(&mut rest)? {
            let from = client.under_way.pop_front();
            let from = from.ok_or_else(|| unexpected("an answer to nothing"))?;
            self.outcome.answered += 1;
            // With a schedule, every due bid counts, however late its answer.
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
