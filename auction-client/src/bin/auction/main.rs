//! The program `auction`: commands for people and scripts, one file per command.
//!
//! Modules are listed bottom-up, here and in every `mod.rs`: a module uses only the modules listed before it.

#[cfg(test)]
mod fixture;
mod output;
mod args;
mod session;
mod commands;
mod screen;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::output::failure::{OutputFormat, usage};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error, OutputFormat::of_arguments(std::env::args())),
    };
    let format = cli.shared.format();
    let done = if screen::is_asked_for(&cli) {
        screen::open(&cli)
    } else {
        commands::run(cli)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(format),
    }
}
