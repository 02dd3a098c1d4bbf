//! Shell completions and manual pages, made of the same definitions as the command line itself.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::args::Cli;

/// What completes commands in a shell.
#[must_use]
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "auction-server", &mut script);
    // For bash, clap_complete spells a program's hyphen in one way where it looks at what is typed and in another
    // where it acts on it, so that nothing would be completed behind a command (its issue 6421).
    String::from_utf8_lossy(&script).replace("auction__subcmd__server", "auction__server")
}

/// Writes the manual pages of the program and of each command into a folder, which is made if it is not there.
///
/// # Errors
/// When a file cannot be written.
pub fn write_pages(folder: &Path) -> io::Result<()> {
    let mut program = Cli::command().disable_help_subcommand(true);
    // The pages of commands are named after the whole of what is typed.
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

/// What stands behind the help are examples, whose lines are not to be joined.
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
