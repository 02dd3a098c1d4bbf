//! The commands, one file each.

mod register;
mod login;
mod logout;
mod sessions;
mod lots;
mod bid;
mod watch;
mod history;
mod results;
mod profit;
mod status;
mod walk;

use std::io::{self, IsTerminal as _};

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use crate::desk::Desk;
use crate::failure::Failure;

/// Does what was asked.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let Cli { shared, command } = cli;
    if shared.verbose {
        log_to_standard_error();
    }
    let Some(command) = command else {
        let person = io::stdin().is_terminal() && io::stdout().is_terminal() && !shared.json;
        return if person {
            in_runtime(walk::run(&shared))
        } else {
            help()
        };
    };
    in_runtime(async {
        let desk = Desk::connect(&shared).await?;
        match command {
            Command::Register { name } => register::run(&desk, name).await,
            Command::Login { name } => login::run(&desk, name).await,
            Command::Logout => logout::run(&desk).await,
            Command::Sessions { action } => sessions::run(&desk, action).await,
            Command::Lots { all } => lots::run(&desk, all).await,
            Command::Bid {
                target,
                price,
                max,
                lot,
            } => bid::run(&desk, target, lot, bid::Offer::new(price, max)).await,
            Command::Watch { targets, forever } => watch::run(&desk, &targets, forever).await,
            Command::History { target, lot, limit } => {
                history::run(&desk, target, lot, limit).await
            }
            Command::Results => results::run(&desk).await,
            Command::Profit {
                symbol,
                security,
                profit,
            } => profit::run(&desk, symbol, security, profit).await,
            Command::Status => status::run(&desk).await,
        }
    })
}

fn in_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    let done = runtime.block_on(work);
    // A prompt that nobody answers must not hold the end up.
    runtime.shutdown_background();
    done
}

/// Nobody is at the terminal: the help is all there is to say.
fn help() -> Result<(), Failure> {
    let help = Cli::command().render_help();
    Err(Failure::usage(format!("no command was given\n\n{help}")))
}

fn log_to_standard_error() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
}
