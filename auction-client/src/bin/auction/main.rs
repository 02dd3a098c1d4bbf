//! The program `auction`: what a person or a script does at the market, one file a command.

mod server;
mod clean;
mod failure;
mod out;
mod paint;
mod theme;
mod span;
mod table;
mod view;
mod call;
mod words;
#[cfg(test)]
mod fixture;
mod json;
mod news;
mod countdown;
mod choose;
mod moments;
mod terms;
mod auctioneer;
mod trade;
mod signed;
mod through;
mod tools;
mod peers;
mod cli;
mod home;
mod market_key;
mod device_key;
mod proof_file;
mod trust;
mod trace;
mod hidden;
mod password;
mod desk;
mod entry;
mod lines;
mod commands;
mod screen;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::failure::{Form, usage};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error, Form::of_arguments(std::env::args())),
    };
    let form = cli.shared.form();
    let done = if screen::is_asked_for(&cli) {
        screen::open(&cli)
    } else {
        commands::run(cli)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(form),
    }
}
