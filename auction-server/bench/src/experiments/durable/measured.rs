//! The measurements of durable bids.

use std::io;
use std::time::Duration;

use crate::processes::Worked;
use crate::setup::{Shape, Turn};
use crate::stats::Stats;
use crate::targets::auction::Auction;

/// What is measured beside Redis, and how many times as many bids it should be.
pub(super) const SHAPES: [(Shape, f64); 4] = [
    (ALONE, 1.2),
    (CROWD, 2.5),
    (shape(50, 16), 3.5),
    (shape(50, 64), 8.0),
];
/// The places among them that are measured on a schedule and beside PostgreSQL too, and the aim beside that.
pub(super) const SCHEDULED: [(usize, f64); 2] = [(1, 3.0), (2, 20.0)];
pub(super) const ALONE: Shape = shape(1, 1);
pub(super) const CROWD: Shape = shape(50, 1);
/// The stages of a command in the server's metrics, and what they are.
pub(super) const STAGES: [(&str, &str); 4] = [
    ("queued", "waits for the sequencer"),
    ("decided", "its batch is decided"),
    ("synced", "its batch is written and synced"),
    ("told", "its answer reaches the socket"),
];

pub(super) const fn shape(connections: u32, in_flight: u32) -> Shape {
    Shape {
        connections,
        in_flight,
    }
}

/// What came of all turns: of each shape, those of each round.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) bare: [Vec<f64>; 2],
    pub(super) ours: [Vec<Turn>; 4],
    pub(super) stages: [Vec<Stages>; 4],
    pub(super) ahead: [Vec<Ahead>; 4],
    pub(super) echo: [Vec<Turn>; 4],
    pub(super) redis: [Vec<Turn>; 4],
    pub(super) postgres: Vec<Turn>,
    pub(super) rates: [f64; 2],
    pub(super) ours_scheduled: [Vec<Turn>; 2],
    pub(super) redis_scheduled: [Vec<Turn>; 2],
}

/// What the journal wrote ahead during a turn.
pub(super) struct Ahead {
    pub(super) bytes_a_bid: f64,
    pub(super) bytes_a_second: f64,
    pub(super) micros_a_bid: f64,
}

impl Ahead {
    pub(super) fn of(
        server: &Auction,
        before: Worked,
        turn: &Turn,
        took: Duration,
    ) -> io::Result<Self> {
        let after = server.written_ahead()?;
        let (bytes, bids) = (after.bytes - before.bytes, turn.outcome.answered.max(1));
        let time = after.time - before.time;
        Ok(Self {
            bytes_a_bid: bytes as f64 / bids as f64,
            bytes_a_second: bytes as f64 / took.as_secs_f64(),
            micros_a_bid: time.as_secs_f64() * 1e6 / bids as f64,
        })
    }
}

/// Sums of what the server measures: seconds in each stage, commands, records, batches.
#[derive(Clone, Debug)]
pub(super) struct Stages(pub(super) Vec<f64>);

impl Stages {
    pub(super) fn since(&self, before: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&before.0)
                .map(|(after, before)| after - before)
                .collect(),
        )
    }
}

pub(super) fn rates(turns: &[Turn]) -> Vec<f64> {
    turns.iter().map(|turn| turn.outcome.rate()).collect()
}

pub(super) fn rate(turns: &[Turn]) -> Stats {
    Stats::of(&rates(turns))
}
