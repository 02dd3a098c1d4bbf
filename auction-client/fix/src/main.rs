//! The program `auction-fix`: a FIX gateway of the real-time stock auction.
//!
//! A process of its own between trading systems and the market, built on the client library. Modules are listed bottom-up:
//! a module uses only the modules listed before it.

mod limits;
mod dictionary;
mod value;
mod reader;
mod request;
mod orders;
mod order_log;
mod config;
mod account;
mod market;
mod market_data;
mod session;
mod engine;
mod args;
mod serve;
#[cfg(test)]
mod documentation;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Cli, Command, SESSIONS_EXAMPLE};
use crate::serve::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            ) =>
        {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let as_json = std::env::args().any(|argument| argument == "--json");
            if !as_json {
                let _ = error.print();
                return ExitCode::from(serve::USAGE);
            }
            return Failure::usage(error.to_string().trim_end()).report(true);
        }
    };
    let json = cli.json;
    let done = match cli.command {
        None => serve::serve(cli.serve, json),
        Some(Command::Check { sessions }) => serve::check(&sessions, json),
        Some(Command::Example) => print(SESSIONS_EXAMPLE),
        Some(Command::Dictionary { version }) => {
            print(&dictionary::data_dictionary(version.into()))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(error.to_string()))
        }
        _ => Ok(()),
    }
}
