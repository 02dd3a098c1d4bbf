//! The commands other than running the server: the output and exit code of each.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal as _, Write as _};
use std::path::Path;

use clap_complete::Shell;

use crate::cli::args::{
    ConfigCommand, EXIT_DONE, EXIT_FAILURE, EXIT_USAGE, Format, ImportStocks, Invocation,
    NamedUser, NewUser, UserCommand, What,
};
use crate::cli::backup;
use crate::cli::check::check;
use crate::cli::doctor::{self, examine};
use crate::cli::export::{ExportError, export};
use crate::cli::findings::Severity;
use crate::cli::import_stocks::{ImportError, Options, Report, import};
use crate::cli::manual;
use crate::cli::prompt;
use crate::cli::user;
use crate::cli::user_add;
use crate::cli::verify::verify;
use crate::config::data_dir::DataDir;
use crate::config::{Config, ConfigError};
use crate::gateway::http::ops::ask_readiness;
use crate::journal::Copied;
use crate::platform::new_file::NewFile;
use crate::platform::new_password;
use crate::platform::progress::Bar;
use crate::projections::market_data::bar_rows::BarLength;

/// Calls `act` with the settings, if they are valid.
pub fn with_settings(invocation: &Invocation, act: impl FnOnce(&Config) -> u8) -> u8 {
    match invocation.settings() {
        Ok(resolved) => act(&resolved.config),
        Err(faults) => say(&faults),
    }
}

/// Calls `act` with the data folder: a command that needs only the folder should not stop at a fault elsewhere.
pub fn in_folder(invocation: &Invocation, act: impl FnOnce(&DataDir) -> u8) -> u8 {
    match invocation.data() {
        Ok(data) => act(&data),
        Err(faults) => say(&faults),
    }
}

/// `config print`, `config check`.
pub fn show_settings(invocation: &Invocation, command: ConfigCommand) -> u8 {
    match (invocation.settings(), command) {
        (Ok(resolved), ConfigCommand::Print) => print(&resolved.to_string()),
        (Ok(resolved), ConfigCommand::Check) => check_files(&resolved.config),
        (Err(faults), _) => say(&faults),
    }
}

fn check_files(config: &Config) -> u8 {
    let findings = check(config);
    let found = findings.texts(Severity::Ok).join("\n");
    let printed = print(&format!("the settings are valid\n{found}\n"));
    for warning in findings.texts(Severity::Warning) {
        eprintln!("warning: {warning}");
    }
    for fault in findings.texts(Severity::Error) {
        eprintln!("error: {fault}");
    }
    match findings.count(Severity::Error) {
        0 => printed,
        _ => EXIT_FAILURE,
    }
}

/// `doctor`.
pub fn doctor(config: &Config, json: bool) -> u8 {
    let findings = examine(config);
    let printed = print(&match json {
        true => doctor::as_json(&findings),
        false => doctor::lines(&findings),
    });
    match findings.count(Severity::Error) {
        0 => printed,
        _ => EXIT_FAILURE,
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
pub fn write_export(
    data: &DataDir,
    what: What,
    format: Option<Format>,
    every: Option<BarLength>,
    file: Option<&Path>,
) -> u8 {
    if every.is_some() && what != What::Bars {
        eprintln!("error: --every is the length of bars: leave it out, or export bars");
        return EXIT_USAGE;
    }
    let to_terminal = file.is_none() && io::stdout().is_terminal();
    let unfit = if what == What::Journal && format.is_some() {
        Some("the public journal has one form: leave --format out")
    } else if what == What::Journal && to_terminal {
        Some("the public journal is bytes: send it to a file, such as by > market.auctpub")
    } else if format.is_some_and(Format::is_bytes) && to_terminal {
        Some("this format is bytes: send it to a file, such as by --out FILE")
    } else {
        None
    };
    if let Some(unfit) = unfit {
        eprintln!("error: {unfit}");
        return EXIT_USAGE;
    }
    let format = format.unwrap_or(Format::Csv);
    let every = every.unwrap_or(BarLength::MINUTE);
    let mut bar = Bar::beside_output();
    let mut write = |out: &mut dyn io::Write| {
        export(data, what, format, every, out, &mut |progress| {
            bar.show(progress);
        })
    };
    let exported = match file {
        Some(path) => write_file(path, &mut write),
        None => write(&mut BufWriter::new(io::stdout().lock())),
    };
    drop(bar);
    match exported {
        Ok(()) => EXIT_DONE,
        Err(ExportError::Output(error)) => output_failed(&error),
        Err(error) => fail(&error),
    }
}

fn write_file(
    path: &Path,
    write: &mut dyn FnMut(&mut dyn io::Write) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut file = NewFile::create(path)?;
    write(&mut BufWriter::new(&mut file))?;
    Ok(file.finish()?)
}

/// `import-stocks`.
pub fn import_list(data: &DataDir, given: &ImportStocks) -> u8 {
    let out = given.out.clone().unwrap_or_else(|| data.stocks());
    if out.exists() && !given.force {
        let out = out.display();
        eprintln!("error: {out} exists; --force replaces it, and --out FILE names another");
        return EXIT_FAILURE;
    }
    match import_to(&out, given) {
        Ok(report) if report.stocks == 0 => {
            eprint!("{}", report.lines());
            eprintln!("error: the list has no stock to take; nothing is written");
            EXIT_FAILURE
        }
        Ok(report) if given.json => print(&format!("{:#}\n", report.json())),
        Ok(report) => print(&format!("{}: {}", out.display(), report.lines())),
        Err(error) => {
            eprintln!("error: {}: {error}", given.file.display());
            EXIT_FAILURE
        }
    }
}

fn import_to(out: &Path, given: &ImportStocks) -> Result<Report, ImportError> {
    let list = BufReader::new(File::open(&given.file).map_err(ImportError::Input)?);
    let options = Options {
        price: given.price,
        decimal: given.decimal,
    };
    let mut file = NewFile::create(out).map_err(ImportError::Output)?;
    let report = import(list, options, &mut BufWriter::new(&mut file))?;
    if report.stocks > 0 {
        file.finish().map_err(ImportError::Output)?;
    }
    Ok(report)
}

/// `verify`.
pub fn verify_journal(data: &DataDir) -> u8 {
    let mut bar = Bar::new();
    let verified = verify(data, &mut |progress| bar.show(progress));
    drop(bar);
    match verified {
        Ok(verified) if verified.is_sound() => print(&verified.to_string()),
        Ok(verified) => print(&verified.to_string()).max(EXIT_FAILURE),
        Err(error) => fail(&error),
    }
}

/// `backup`.
pub fn write_backup(data: &DataDir, folder: &Path) -> u8 {
    let mut bar = Bar::new();
    let copied = backup::back_up(data, folder, &mut |progress| bar.show(progress));
    drop(bar);
    match copied {
        Ok(copied) => print(&copied_text(&copied, "backed up to", folder)),
        Err(error) => fail(&error),
    }
}

/// `restore`.
pub fn restore_backup(data: &DataDir, folder: &Path) -> u8 {
    let mut bar = Bar::new();
    let restored = backup::restore(data, folder, &mut |progress| bar.show(progress));
    drop(bar);
    match restored {
        Ok(copied) => {
            eprintln!("warning: start only one of this market and its copies");
            print(&copied_text(&copied, "restored to", data.path()))
        }
        Err(error) => fail(&error),
    }
}

fn copied_text(copied: &Copied, how: &str, folder: &Path) -> String {
    format!(
        "{how} {}, to record {}: {} segments, {} of them there already, {} bytes written\n",
        folder.display(),
        copied.last_sequence,
        copied.segments,
        copied.kept,
        copied.bytes
    )
}

/// `archive`.
pub fn move_to_archive(data: &DataDir, folder: &Path) -> u8 {
    let mut bar = Bar::new();
    let archived = backup::archive(data, folder, &mut |progress| bar.show(progress));
    drop(bar);
    match archived {
        Ok(archived) => print(&format!(
            "archived {} segments to {}, {} bytes; {} were archived before\n",
            archived.moved,
            folder.display(),
            archived.bytes,
            archived.before
        )),
        Err(error) => fail(&error),
    }
}

/// `user add`.
pub fn add_user(data: &DataDir, new: &NewUser) -> u8 {
    let role = match new.role() {
        Ok(role) => role,
        Err(error) => error.exit(),
    };
    let password = match prompt::new_password() {
        Ok(password) => password,
        Err(error) => return fail(&error),
    };
    if let Err(weak) = new_password::check(&password, new.name) {
        return fail(&weak);
    }
    match user_add::add(data, new.name, role, &password) {
        Ok(warning) => {
            if let Some(warning) = warning {
                eprintln!("warning: {warning}");
            }
            print(&format!("{} can log in when the server runs\n", new.name))
        }
        Err(error) => fail(&error),
    }
}

/// `user list`, `show`, `passwd`, `lock`, `unlock`, `close`.
pub fn change_user(data: &DataDir, command: &UserCommand) -> u8 {
    let one = |command, user: &NamedUser| user::one(data, command, user.name, None, user.json);
    let done = match command {
        UserCommand::Add(new) => return add_user(data, new),
        UserCommand::List { json } => user::list(data, *json),
        UserCommand::Show(user) => one("show", user),
        UserCommand::Lock(user) => one("lock", user),
        UserCommand::Unlock(user) => one("unlock", user),
        UserCommand::Close(user) => one("close", user),
        UserCommand::Passwd(NamedUser { name, json }) => match prompt::new_password() {
            Ok(password) => {
                password.reveal(|text| user::one(data, "passwd", *name, Some(text), *json))
            }
            Err(error) => return fail(&error),
        },
    };
    match done {
        Ok(text) => print(&text),
        Err(error) => {
            eprintln!("error: {error}");
            EXIT_FAILURE
        }
    }
}

/// `completions`.
pub fn print_completions(shell: Shell) -> u8 {
    print(&manual::completions(shell))
}

/// `man`.
pub fn write_manual(folder: &Path) -> u8 {
    let shown = folder.display();
    match manual::write_pages(folder) {
        Ok(()) => print(&format!(
            "the manual pages are in {shown}; `man -l {shown}/auction-server.1` shows the first\n"
        )),
        Err(error) => {
            eprintln!("error: cannot write to {shown}: {error}");
            EXIT_FAILURE
        }
    }
}

fn print(text: &str) -> u8 {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => EXIT_DONE,
        Err(error) => output_failed(&error),
    }
}

/// The reader may close the pipe early: `auction-server export bids | head`.
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
