//! The command line.

mod load;
mod compare;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::compare::Compare;
use self::load::Load;

/// Measures the market: beside what people would use instead, or one that runs already.
#[derive(Debug, Parser)]
#[command(name = "auction-bench", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures all there is to compare, in turns, and writes a report with pictures.
    Compare(Compare),
    /// Bids at a server that runs already, on a fixed schedule, and tells how long bids take.
    Load(Load),
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self.command {
            Command::Compare(compare) => compare.run().map(|()| ExitCode::SUCCESS),
            Command::Load(load) => load.run(),
        }
    }
}
