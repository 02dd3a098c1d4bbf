//! `auction-bench`: measures the market beside what people would use instead, in turns within one run, and bids at
//! a running market on a fixed schedule.
//!
//! What is measured lies in `sections/`, one file a question; whom it is put to in `systems/`. All are given the same
//! bids by the same [`load`].

mod histogram;
mod spread;
mod folder;
mod disk;
mod book;
mod system;
mod processes;
mod outgoing;
mod fan;
mod sends;
mod systems;
mod load;
mod row;
mod plot;
mod report;
mod machine;
mod stage;
mod sections;
mod cli;

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
