//! The command line.

mod load;
mod compare;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::compare::Compare;
use self::load::Load;

/// Compares the market with its alternatives, or measures the load that a running market sustains.
#[derive(Debug, Parser)]
#[command(name = "auction-bench", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compares the market with its alternatives, measured in turns, and writes a report with pictures.
    Compare(Compare),
    /// Sends bids to a running server on a fixed schedule, and prints their latency.
    Load(Load),
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self.command {
            Command::Compare(compare) => compare.run().map(|()| ExitCode::SUCCESS),
            Command::Load(load) => load.run(),
        }
    }
}
