//! What is asked, one file a question.

mod durable;
mod csv;

use std::io;

use clap::ValueEnum;

use crate::report::Section;
use crate::stage::Stage;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Question {
    /// Durable bids beside Redis, PostgreSQL and the bare disk.
    Durable,
    /// The way the first version did it.
    Csv,
}

impl Question {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 2] = [Self::Durable, Self::Csv];

    /// Measures.
    pub fn ask(self, stage: &Stage) -> io::Result<Section> {
        match self {
            Self::Durable => durable::ask(stage),
            Self::Csv => csv::ask(stage),
        }
    }
}
