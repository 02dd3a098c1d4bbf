//! The program: reads what was asked, and hands it on.

use std::process::ExitCode;

use auction_server::cli::commands::{
    add_user, in_folder, is_ready, print_completions, show_settings, verify_journal, with_settings,
    write_export, write_manual,
};
use auction_server::cli::run::run;
use auction_server::cli::{Command, Invocation, UserCommand};

fn main() -> ExitCode {
    let invocation = Invocation::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    ExitCode::from(match &invocation.command {
        None => with_settings(&invocation, run),
        Some(Command::Export { what, format }) => {
            in_folder(&invocation, |data| write_export(data, *what, *format))
        }
        Some(Command::IsReady) => with_settings(&invocation, is_ready),
        Some(Command::Verify) => in_folder(&invocation, verify_journal),
        Some(Command::User(UserCommand::Add(new))) => {
            in_folder(&invocation, |data| add_user(data, new))
        }
        Some(Command::Config(command)) => show_settings(&invocation, *command),
        Some(Command::Completions { shell }) => print_completions(*shell),
        Some(Command::Man { folder }) => write_manual(folder),
    })
}
