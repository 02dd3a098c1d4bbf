//! Common parts of all questions: a folder, a server, and turns of equal length.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::load::{self, Load, Outcome, Pace};
use crate::target::Target;
use crate::workload::Workload;

/// Number of traders: the maximum number that bid at once.
pub const TRADERS: u32 = 50;
/// Time limit for a system without requests to become idle.
const REST_WITHIN: Duration = Duration::from_secs(20);
/// Time without processor use after which a system counts as idle.
const REST: Duration = Duration::from_millis(150);

/// Folder, server and durations of the measurements.
#[derive(Debug)]
pub struct Setup {
    pub folder: Folder,
    /// The program `auction-server`.
    pub server: PathBuf,
    /// Number of turns of each system at each question.
    pub rounds: u32,
    /// Unmeasured time at the beginning of a turn.
    pub warm_up: Duration,
    /// Measured time of a turn.
    pub measured: Duration,
    /// Number of lots.
    pub lots: u32,
    pub others: Others,
    pub length: Length,
}

/// Inclusion of measurements that take minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Usual,
    Long,
}

/// Inclusion of other systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    Measured,
    LeftOut,
}

/// Number of connections, and number of bids in flight on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub connections: u32,
    pub in_flight: u32,
}

impl Shape {
    /// Formats the shape: `50 connections, 16 in flight`.
    pub fn said(self) -> String {
        let s = if self.connections == 1 { "" } else { "s" };
        format!(
            "{} connection{s}, {} in flight",
            self.connections, self.in_flight
        )
    }
}

impl Setup {
    /// Prints progress.
    pub fn say(&self, what: &str) {
        let mut err = io::stderr().lock();
        // Standard error may be closed.
        let _ = writeln!(err, "{what}");
    }

    /// Starts another system, if it is installed and other systems are measured; otherwise returns the reason.
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

    /// Combines a system with its own workload.
    pub fn contender<S: Target>(&self, system: S) -> Contender<S> {
        Contender {
            system,
            workload: Workload::new(self.lots),
            turns: 0,
        }
    }
}

/// A system, and the state of the bids on it.
#[derive(Debug)]
pub struct Contender<S> {
    pub system: S,
    workload: Workload,
    turns: u32,
}

/// Result of a turn.
#[derive(Clone, Debug)]
pub struct Turn {
    pub outcome: Outcome,
    /// Processor time per bid, including work that the system did after the turn.
    pub processor_micros: f64,
}

impl<S: Target> Contender<S> {
    /// Bids for one turn, and waits until the system has finished its deferred work, so that it does not disturb the
    /// next system's turn.
    ///
    /// # Errors
    /// When a connection fails, or less than nine bids of ten are accepted: the measurement would be meaningless.
    pub fn turn(&mut self, setup: &Setup, shape: Shape, pace: Pace) -> io::Result<Turn> {
        let load = Load {
            connections: shape.connections,
            in_flight: shape.in_flight,
            pace,
            warm_up: setup.warm_up,
            measured: setup.measured,
            // A lone trader would lead every lot already.
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

    /// Waits until the system is idle. Returns its processor time.
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
