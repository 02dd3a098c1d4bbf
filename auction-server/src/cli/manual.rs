//! Shell completions and manual pages, generated from the definitions of the command line.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::args::Cli;

/// The completion script for a shell.
#[must_use]
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "auction-server", &mut script);
    // clap_complete's bash script spells a program's hyphen in two ways: one where it looks at the typed text and
    // another where it acts on it, so that nothing would be completed after a command (its issue 6421).
    String::from_utf8_lossy(&script).replace("auction__subcmd__server", "auction__server")
}

/// Writes the manual pages of the program and of each command into a folder, which is created if it does not exist.
///
/// # Errors
/// A file cannot be written.
pub fn write_pages(folder: &Path) -> io::Result<()> {
    let mut program = Cli::command().disable_help_subcommand(true);
    // The pages of commands are named after all typed words.
    program.build();
    fs::create_dir_all(folder)?;
    write_page(&program, folder)
}

fn write_page(command: &Command, folder: &Path) -> io::Result<()> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    let page = with_examples(&String::from_utf8_lossy(&page));
    fs::write(folder.join(man.get_filename()), page)?;
    command
        .get_subcommands()
        .try_for_each(|sub| write_page(sub, folder))
}

/// Keeps the lines of the examples after the help text from being joined.
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
