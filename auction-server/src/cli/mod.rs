//! The program: its command line and its commands.

pub mod commands;
pub mod run;
mod signals;
pub mod doctor;
pub mod check;
pub mod access;
pub mod findings;
pub mod export;
pub mod export_journal;
pub mod import_stocks;
pub mod verify;
pub mod backup;
pub mod user_add;
pub mod user;
pub mod prompt;
pub mod logging;
pub mod manual;
pub mod args;
mod flags;

use std::process::ExitCode;
use std::sync::Arc;

use args::{Command, Invocation, UserCommand};
use commands::{
    add_user, change_user, doctor, import_list, in_folder, is_ready, move_to_archive,
    print_completions, restore_backup, show_settings, verify_journal, with_settings, write_backup,
    write_export, write_manual,
};
use run::run;

/// Reads the command line and runs the command. Returns the exit code of the process.
#[must_use]
pub fn main() -> ExitCode {
    let invocation = Invocation::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let invocation = Arc::new(invocation);
    ExitCode::from(match &invocation.command {
        None => {
            let again = invocation.clone();
            let read_again = Box::new(move || again.settings());
            with_settings(&invocation, |config| run(config, read_again))
        }
        Some(Command::Export {
            what,
            format,
            every,
            out,
        }) => in_folder(&invocation, |data| {
            write_export(data, *what, *format, *every, out.as_deref())
        }),
        Some(Command::ImportStocks(import)) => {
            in_folder(&invocation, |data| import_list(data, import))
        }
        Some(Command::IsReady) => with_settings(&invocation, is_ready),
        Some(Command::Verify) => in_folder(&invocation, verify_journal),
        Some(Command::Backup { folder }) => {
            in_folder(&invocation, |data| write_backup(data, folder))
        }
        Some(Command::Restore { folder }) => {
            in_folder(&invocation, |data| restore_backup(data, folder))
        }
        Some(Command::Archive { folder }) => {
            in_folder(&invocation, |data| move_to_archive(data, folder))
        }
        Some(Command::User(command)) => in_folder(&invocation, |data| match command {
            UserCommand::Add(new) => add_user(data, new),
            other => change_user(data, other),
        }),
        Some(Command::Doctor { json }) => {
            with_settings(&invocation, |config| doctor(config, *json))
        }
        Some(Command::Config(command)) => show_settings(&invocation, *command),
        Some(Command::Completions { shell }) => print_completions(*shell),
        Some(Command::Man { folder }) => write_manual(folder),
    })
}
