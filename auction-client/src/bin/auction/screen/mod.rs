//! The screen: `auction` without a command, at a terminal.
//!
//! [`Model`](model::Model) is its state. [`update`](update::update) processes inputs and returns effects,
//! [`draw`](draw::draw) renders the state; both are pure, and both read the market that the library's `Watch`
//! maintains. Only the [shell](run::run) waits, reads keys and sends requests.

mod line_editor;
mod list;
mod bid_history;
mod day;
mod events;
mod form;
mod form_day;
mod keys;
mod model;
mod words;
mod update;
mod draw;
mod connecting;
mod terminal;
mod run;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal as _};

use crate::args::Cli;
use crate::commands::{in_runtime, log_to_standard_error};
use crate::output::colour::is_dumb;
use crate::output::failure::Failure;

/// Returns true if the screen is requested: no other command is given, and a terminal is present.
pub fn is_asked_for(cli: &Cli) -> bool {
    let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb();
    let Cli { shared, plain, .. } = cli;
    // Log lines at the terminal would disturb the screen.
    let is_told = (shared.verbose || shared.trace_wire) && io::stderr().is_terminal();
    cli.command.is_none() && !plain && !shared.json && !is_told && at_terminal
}

/// Opens the screen, until the user quits.
pub fn open(cli: &Cli) -> Result<(), Failure> {
    if cli.shared.verbose {
        log_to_standard_error();
    }
    in_runtime(run::run(cli))
}
