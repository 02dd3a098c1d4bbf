//! `auction-bench`: measures the market beside what people would use instead, in turns within one run, and bids at
//! a running market on a fixed schedule.
//!
//! What is measured lies in `experiments/`, one file a question; whom it is put to in `targets/`. All are given the same
//! bids by the same [`load`].

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
