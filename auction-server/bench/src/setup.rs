//! What every question needs: a folder, a server, and turns of equal length.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::load::{self, Load, Outcome, Pace};
use crate::target::Target;
use crate::workload::Workload;

/// How many traders there are: as many as bid at once.
pub const TRADERS: u32 = 50;
/// How long a system that has nothing to do any more may take to come to rest.
const REST_WITHIN: Duration = Duration::from_secs(20);
/// It rests when it was not on a processor for so long.
const REST: Duration = Duration::from_millis(150);

/// Where and how long is measured.
#[derive(Debug)]
pub struct Setup {
    pub folder: Folder,
    /// The program `auction-server`.
    pub server: PathBuf,
    /// How many turns each one has at each question.
    pub rounds: u32,
    /// What is not counted at the beginning of a turn.
    pub warm_up: Duration,
    /// What is counted.
    pub measured: Duration,
    /// How many lots there are.
    pub lots: u32,
    pub others: Others,
    pub length: Length,
}

/// Whether what takes minutes is measured too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Usual,
    Long,
}

/// Whether others are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    Measured,
    LeftOut,
}

/// How many connections bid, and how many bids each has under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub connections: u32,
    pub in_flight: u32,
}

impl Shape {
    /// `50 connections, 16 in flight`.
    pub fn said(self) -> String {
        let s = if self.connections == 1 { "" } else { "s" };
        format!(
            "{} connection{s}, {} in flight",
            self.connections, self.in_flight
        )
    }
}

impl Setup {
    /// Says what goes on.
    pub fn say(&self, what: &str) {
        let mut err = io::stderr().lock();
        // Nobody may be reading it.
        let _ = writeln!(err, "{what}");
    }

    /// One of the others, if it is here and others are measured at all; else why not.
    pub fn other<S: Target>(
        &self,
        folder: &str,
        start: impl FnOnce(&Path) -> io::Result<S>,
    ) -> Result<Contender<S>, String> {
        if self.others == Others::LeftOut {
            return Err("left out".to_owned());
        }
        let started = self.folder.within(folder).and_then(|folder| start(&folder));
        let why = |error: io::Error| {
            error
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let system = started
            .map_err(why)
            .inspect_err(|why| self.say(&format!("{folder}: {why}")))?;
        self.say(&format!("{}: {}", system.name(), system.started_as()));
        Ok(self.contender(system))
    }

    /// Someone with a book of their own.
    pub fn contender<S: Target>(&self, system: S) -> Contender<S> {
        Contender {
            system,
            workload: Workload::new(self.lots),
            turns: 0,
        }
    }
}

/// A system, and what was bid there.
#[derive(Debug)]
pub struct Contender<S> {
    pub system: S,
    workload: Workload,
    turns: u32,
}

/// What came of a turn.
#[derive(Clone, Debug)]
pub struct Turn {
    pub outcome: Outcome,
    /// What it cost on processors in all, what was put off until after it among it, for each bid.
    pub processor_micros: f64,
}

impl<S: Target> Contender<S> {
    /// Bids for a turn, and waits until the system has done all that it put off, so that the next one's turn is its
    /// own.
    ///
    /// # Errors
    /// When a connection fails, or less than nine bids of ten are accepted: it would not be bids that were measured.
    pub fn turn(&mut self, setup: &Setup, shape: Shape, pace: Pace) -> io::Result<Turn> {
        let load = Load {
            connections: shape.connections,
            in_flight: shape.in_flight,
            pace,
            warm_up: setup.warm_up,
            measured: setup.measured,
            // A lone trader would find their own bid everywhere.
            first_trader: self.turns,
            traders: TRADERS.max(shape.connections),
        };
        self.turns = (self.turns + 1) % TRADERS;
        let before = self.system.processor_time()?;
        let system = &mut self.system;
        let outcome = load::run(
            &mut |trader| system.connect(trader),
            &mut self.workload,
            &load,
        )?;
        if !outcome.is_of_bids() {
            let (
                name,
                Outcome {
                    accepted, refused, ..
                },
            ) = (self.system.name(), outcome);
            let text = format!("{name} accepted {accepted} bids and refused {refused}: too many");
            return Err(io::Error::other(text));
        }
        let after = self.rest()?;
        let processor_micros =
            (after - before).as_secs_f64() * 1e6 / outcome.answered.max(1) as f64;
        Ok(Turn {
            outcome,
            processor_micros,
        })
    }

    /// Waits until it rests. Gives its time on processors.
    fn rest(&self) -> io::Result<Duration> {
        let until = Instant::now() + REST_WITHIN;
        let mut last = self.system.processor_time()?;
        while Instant::now() < until {
            sleep(REST);
            let now = self.system.processor_time()?;
            if now == last {
                break;
            }
            last = now;
        }
        Ok(last)
    }
}
