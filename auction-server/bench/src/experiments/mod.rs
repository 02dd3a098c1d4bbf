//! What is asked, one file a question.

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
    /// Durable bids beside Redis, PostgreSQL and the bare disk.
    Durable,
    /// Bids with relaxed durability beside Redis's `everysec`.
    Relaxed,
    /// One to many, beside NATS.
    Fanout,
    /// Connections that do nothing.
    Idle,
    /// How cost grows.
    Growth,
    /// The core and the protocol alone, beside bare loops.
    Core,
    /// The way the first version did it.
    Csv,
}

impl Question {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::Durable,
        Self::Relaxed,
        Self::Fanout,
        Self::Idle,
        Self::Growth,
        Self::Core,
        Self::Csv,
    ];

    /// Measures.
    pub fn ask(self, setup: &Setup) -> io::Result<Section> {
        match self {
            Self::Durable => durable::ask(setup),
            Self::Relaxed => relaxed::ask(setup),
            Self::Fanout => fanout::ask(setup),
            Self::Idle => idle::ask(setup),
            Self::Growth => growth::ask(setup),
            Self::Core => core::ask(setup),
            Self::Csv => csv::ask(setup),
        }
    }
}
