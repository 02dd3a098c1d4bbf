//! `auction-bench`: compares the market with common alternatives, in turns within one run, and sends bids to a
//! running market on a fixed schedule.
//!
//! `experiments/` contains the measured questions, one file each; `targets/` the measured systems. All systems
//! receive the same bids from the same [`load`].

mod cli;
mod experiments;
mod setup;
mod machine;
mod report;
mod plot;
mod row;
mod load;
mod targets;
mod sends;
mod fan;
mod outgoing;
mod processes;
mod target;
mod workload;
mod disk;
mod folder;
mod stats;
mod histogram;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("auction-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
