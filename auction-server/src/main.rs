//! The program: reads what was asked, and hands it on.

use std::process::ExitCode;

use auction_server::cli::{
    Command, ConfigCommand, EXIT_DONE, EXIT_FAILURE, EXIT_USAGE, Invocation,
};
use auction_server::config::ConfigError;
use auction_server::run;

fn main() -> ExitCode {
    let invocation = Invocation::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    ExitCode::from(match &invocation.command {
        Some(Command::Config(command)) => show_settings(&invocation, *command),
        None => match invocation.settings() {
            Ok(resolved) => run::run(&resolved.config),
            Err(faults) => say(&faults),
        },
        Some(Command::Export { .. } | Command::Verify | Command::User(_)) => {
            eprintln!("error: this comes with the server's other half");
            EXIT_FAILURE
        }
    })
}

fn show_settings(invocation: &Invocation, command: ConfigCommand) -> u8 {
    match (invocation.settings(), command) {
        (Ok(resolved), ConfigCommand::Print) => print!("{resolved}"),
        (Ok(_), ConfigCommand::Check) => println!("the settings are valid"),
        (Err(faults), _) => return say(&faults),
    }
    EXIT_DONE
}

fn say(faults: &[ConfigError]) -> u8 {
    faults.iter().for_each(|fault| eprintln!("error: {fault}"));
    EXIT_USAGE
}
