//! The commands beside running the server: what each prints, and the code it ends with.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};

use crate::cli::{
    ConfigCommand, EXIT_DONE, EXIT_FAILURE, EXIT_USAGE, Format, Invocation, NewUser, What,
};
use crate::config::{Config, ConfigError};
use crate::export::{ExportError, export};
use crate::folder::DataFolder;
use crate::ops::ask_readiness;
use crate::verify::verify;
use crate::{prompt, user};

/// Acts with the settings, if they are valid.
pub fn with_settings(invocation: &Invocation, act: impl FnOnce(&Config) -> u8) -> u8 {
    match invocation.settings() {
        Ok(resolved) => act(&resolved.config),
        Err(faults) => say(&faults),
    }
}

/// Acts in the data folder: what needs no more should not stop at a fault elsewhere.
pub fn in_folder(invocation: &Invocation, act: impl FnOnce(&DataFolder) -> u8) -> u8 {
    match invocation.data() {
        Ok(data) => act(&data),
        Err(faults) => say(&faults),
    }
}

/// `config print`, `config check`.
pub fn show_settings(invocation: &Invocation, command: ConfigCommand) -> u8 {
    match (invocation.settings(), command) {
        (Ok(resolved), ConfigCommand::Print) => print(&resolved.to_string()),
        (Ok(_), ConfigCommand::Check) => print("the settings are valid\n"),
        (Err(faults), _) => say(&faults),
    }
}

/// `is-ready`.
pub fn is_ready(config: &Config) -> u8 {
    let Some(address) = config.network.ops.address() else {
        eprintln!("ops-listen is off: there is nobody to ask");
        return EXIT_USAGE;
    };
    match ask_readiness(address) {
        Ok(()) => print("ready\n"),
        Err(why) => {
            eprintln!("{why}");
            EXIT_FAILURE
        }
    }
}

/// `export`.
pub fn write_export(data: &DataFolder, what: What, format: Format) -> u8 {
    match export(data, what, format, &mut BufWriter::new(io::stdout().lock())) {
        Ok(()) => EXIT_DONE,
        Err(ExportError::Output(error)) => output_failed(&error),
        Err(error) => fail(&error),
    }
}

/// `verify`.
pub fn verify_journal(data: &DataFolder) -> u8 {
    let shows_progress = io::stderr().is_terminal();
    let progress = |sequence: u64| {
        if shows_progress {
            eprint!("\r{sequence} records verified");
        }
    };
    let verified = verify(data, progress);
    if shows_progress {
        // Back to the line's begin, and clear it.
        eprint!("\r\x1b[K");
    }
    match verified {
        Ok(verified) if verified.is_sound() => print(&verified.to_string()),
        Ok(verified) => print(&verified.to_string()).max(EXIT_FAILURE),
        Err(error) => fail(&error),
    }
}

/// `user add`.
pub fn add_user(data: &DataFolder, new: &NewUser) -> u8 {
    let role = match new.role() {
        Ok(role) => role,
        Err(error) => error.exit(),
    };
    let password = match prompt::new_password() {
        Ok(password) => password,
        Err(error) => return fail(&error),
    };
    match user::add(data, new.name, role, &password) {
        Ok(()) => print(&format!("{} can log in when the server runs\n", new.name)),
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
