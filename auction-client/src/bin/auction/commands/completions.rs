//! `auction completions`, `auction man`: made of the same definitions as the command line itself.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::out::Out;

/// Prints what completes commands.
pub fn completions(out: Out, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "auction", &mut script);
    out.line(&String::from_utf8_lossy(&script))
}

/// Writes the manual pages.
pub fn man(out: Out, folder: &Path) -> Result<(), Failure> {
    let cannot = |error| Failure::failed(format!("cannot write to {}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(cannot)?;
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), folder)
        .map_err(cannot)?;
    let shown = folder.display();
    out.tell(
        |_| format!("The manual pages are in {shown}; `man -l {shown}/auction.1` shows the first."),
        || json!({ "folder": shown.to_string() }),
    )
}
