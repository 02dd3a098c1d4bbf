//! The measured questions, one file each.

mod attack;
mod csv;
mod core;
mod growth;
mod idle;
mod fanout;
mod relaxed;
mod durable;

use std::io;

use clap::ValueEnum;

use crate::report::Section;
use crate::setup::Setup;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Question {
    /// Durable bids, compared with Redis, PostgreSQL and the bare disk.
    Durable,
    /// Bids with relaxed durability, compared with Redis's `everysec`.
    Relaxed,
    /// Fan-out, compared with NATS.
    Fanout,
    /// Idle connections.
    Idle,
    /// Honest bids while others attack the server.
    Attack,
    /// Growth of cost.
    Growth,
    /// The core and the protocol alone, compared with minimal loops.
    Core,
    /// The method of the first version.
    Csv,
}

impl Question {
    /// All questions, in the order of the report.
    pub const ALL: [Self; 8] = [
        Self::Durable,
        Self::Relaxed,
        Self::Fanout,
        Self::Idle,
        Self::Attack,
        Self::Growth,
        Self::Core,
        Self::Csv,
    ];

    /// Measures the question.
    pub fn ask(self, setup: &Setup) -> io::Result<Section> {
        match self {
            Self::Durable => durable::ask(setup),
            Self::Relaxed => relaxed::ask(setup),
            Self::Fanout => fanout::ask(setup),
            Self::Idle => idle::ask(setup),
            Self::Attack => attack::ask(setup),
            Self::Growth => growth::ask(setup),
            Self::Core => core::ask(setup),
            Self::Csv => csv::ask(setup),
        }
    }
}
