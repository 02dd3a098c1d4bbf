//! The program: reads what was asked, and hands it on.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::process::ExitCode;

use auction_server::cli::{
    Command, ConfigCommand, EXIT_DONE, EXIT_FAILURE, EXIT_USAGE, Format, Invocation, What,
};
use auction_server::config::ConfigError;
use auction_server::export::{ExportError, export};
use auction_server::folder::DataFolder;
use auction_server::run;
use auction_server::verify::verify;

fn main() -> ExitCode {
    let invocation = Invocation::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    ExitCode::from(match &invocation.command {
        Some(Command::Config(command)) => show_settings(&invocation, *command),
        Some(Command::Export { what, format }) => {
            in_folder(&invocation, |data| write_export(data, *what, *format))
        }
        Some(Command::Verify) => in_folder(&invocation, verify_journal),
        None => match invocation.settings() {
            Ok(resolved) => run::run(&resolved.config),
            Err(faults) => say(&faults),
        },
        Some(Command::User(_)) => {
            eprintln!("error: this comes with the server's other half");
            EXIT_FAILURE
        }
    })
}

fn show_settings(invocation: &Invocation, command: ConfigCommand) -> u8 {
    match (invocation.settings(), command) {
        (Ok(resolved), ConfigCommand::Print) => print(&resolved.to_string()),
        (Ok(_), ConfigCommand::Check) => print("the settings are valid\n"),
        (Err(faults), _) => say(&faults),
    }
}

fn in_folder(invocation: &Invocation, act: impl FnOnce(&DataFolder) -> u8) -> u8 {
    match invocation.data() {
        Ok(data) => act(&data),
        Err(faults) => say(&faults),
    }
}

fn write_export(data: &DataFolder, what: What, format: Format) -> u8 {
    match export(data, what, format, &mut BufWriter::new(io::stdout().lock())) {
        Ok(()) => EXIT_DONE,
        Err(ExportError::Output(error)) => output_failed(&error),
        Err(error) => fail(&error),
    }
}

fn verify_journal(data: &DataFolder) -> u8 {
    let shows_progress = io::stderr().is_terminal();
    let progress = |sequence: u64| {
        if shows_progress {
            eprint!("\r{sequence} records verified");
        }
    };
    let verified = verify(data, progress);
    if shows_progress {
        eprint!("\r\x1b[K");
    }
    match verified {
        Ok(verified) if verified.is_sound() => print(&verified.to_string()),
        Ok(verified) => print(&verified.to_string()).max(EXIT_FAILURE),
        Err(error) => fail(&error),
    }
}

fn print(text: &str) -> u8 {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => EXIT_DONE,
        Err(error) => output_failed(&error),
    }
}

/// Whoever reads may have seen enough: `auction-server export bids | head`.
fn output_failed(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::BrokenPipe => EXIT_DONE,
        _ => fail(error),
    }
}

fn fail(error: &dyn std::error::Error) -> u8 {
    eprintln!("error: {error}");
    EXIT_FAILURE
}

fn say(faults: &[ConfigError]) -> u8 {
    faults.iter().for_each(|fault| eprintln!("error: {fault}"));
    EXIT_USAGE
}
