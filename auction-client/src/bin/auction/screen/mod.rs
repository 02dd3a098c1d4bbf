//! The screen: what `auction` alone opens at a terminal.
//!
//! [`Model`](model::Model) is its state. [`update`](update::update) takes what happens and says what is to be done,
//! [`draw`](draw::draw) shows how it stands; both are pure, and both look at the market that the library's `Watch`
//! keeps. The [shell](run::run) alone waits, reads keys and asks the market.

mod line_editor;
mod list;
mod bid_history;
mod events;
mod form;
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

/// Whether it is the screen that is asked for: nothing else is, and a person can see it.
pub fn is_asked_for(cli: &Cli) -> bool {
    let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb();
    let Cli { shared, plain, .. } = cli;
    // What is said there would be drawn over.
    let is_told = (shared.verbose || shared.trace_wire) && io::stderr().is_terminal();
    cli.command.is_none() && !plain && !shared.json && !is_told && at_terminal
}

/// Opens the screen, until the person leaves.
pub fn open(cli: &Cli) -> Result<(), Failure> {
    if cli.shared.verbose {
        log_to_standard_error();
    }
    in_runtime(run::run(cli))
}
