//! `auction completions`, `auction man`: generated from the definitions of the command line.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use crate::args::Cli;
use crate::output::failure::Failure;
use crate::output::out::Out;

/// Prints a completion script.
pub fn completions(out: Out, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "auction", &mut script);
    out.line(&String::from_utf8_lossy(&script))
}

/// Writes the manual pages.
pub fn man(out: Out, folder: &Path) -> Result<(), Failure> {
    let mut program = Cli::command().disable_help_subcommand(true);
    // A command's page is named after the full command.
    program.build();
    let written = fs::create_dir_all(folder).and_then(|()| write_pages(&program, folder));
    written.map_err(|error| {
        let folder = folder.display();
        Failure::failed(format!("cannot write to {folder}: {error}"))
    })?;
    let shown = folder.display();
    out.print(
        |_| format!("The manual pages are in {shown}; `man -l {shown}/auction.1` shows the first."),
        || json!({ "folder": shown.to_string() }),
    )
}

fn write_pages(command: &clap::Command, folder: &Path) -> io::Result<()> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    let page = with_examples(&String::from_utf8_lossy(&page));
    fs::write(folder.join(man.get_filename()), page)?;
    command
        .get_subcommands()
        .try_for_each(|sub| write_pages(sub, folder))
}

/// Keeps the lines of the examples after the help apart.
fn with_examples(page: &str) -> String {
    let Some((before, examples)) = page.split_once(".SH EXTRA\n") else {
        return page.to_owned();
    };
    let (examples, after) = match examples.find("\n.SH ") {
        Some(end) => examples.split_at(end + 1),
        None => (examples, ""),
    };
    let examples = examples.trim_start_matches("Examples:\n");
    let examples = examples.trim_start_matches("Example:\n");
    format!("{before}.SH EXAMPLES\n.nf\n{examples}.fi\n{after}")
}
