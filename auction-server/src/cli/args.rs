//! The command line: what can be typed, and how it becomes a [`Config`](crate::config::Config).

use std::ffi::OsString;
use std::path::PathBuf;

use auction_core::{Name, NameError, Role, Symbol};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::config::data_dir::DataDir;
use crate::config::{self, ConfigError, Given, Resolved, Setting, SettingsFile};

use super::flags::Flags;

/// All was done.
pub const EXIT_DONE: u8 = 0;
/// Something failed, or is not as it should be.
pub const EXIT_FAILURE: u8 = 1;
/// The command line, the environment or the settings file is wrong.
pub const EXIT_USAGE: u8 = 2;

/// Runs a real-time stock auction. Without a command it starts the server.
#[derive(Debug, Parser)]
#[command(name = "auction-server", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    flags: Flags,
    /// What to do; `None`: run the server.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  auction-server                                   ten random stocks, open for 300 seconds
  auction-server --demo                            a market at work: house traders, every format
  auction-server --lots 3 --open-for 1h --seed 42  the same three stocks each time, for an hour
  auction-server --step banded --listen [::1]:0    steps that grow with the price, on a free port
  auction-server --lots 3 config print             the settings in force, and where each comes from
  auction-server export results --format json      who won what
  auction-server verify                            decide every command of the journal again

Each setting is also a variable of the environment and a key of the settings file: --open-for is
AUCTION_OPEN_FOR and open-for. A flag overrides the environment, the environment the file.";

/// What the program does instead of running the server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes users, bids, results or the public journal to standard output; also beside a running server.
    #[command(after_help = EXPORT_EXAMPLES)]
    Export {
        /// What to write.
        what: What,
        /// The form to write it in: csv with a header, which it is if nothing is said, or json: an array, one object a
        /// line. The journal has a form of its own.
        #[arg(long, value_enum)]
        format: Option<Format>,
    },
    /// Asks the server on this machine, at --ops-listen, whether it is ready for clients: 0 when it is.
    #[command(after_help = "\
Examples:
  auction-server is-ready
  auction-server is-ready --ops-listen 127.0.0.1:9000 && echo open")]
    IsReady,
    /// Reads the whole journal, decides every command again, compares, and prints the digest.
    #[command(after_help = "\
Examples:
  auction-server verify
  auction-server verify --data /srv/market

Exit codes: 0 when all is sound, 1 when something is wrong.")]
    Verify,
    /// Makes accounts, while the server is stopped.
    #[command(
        subcommand,
        after_help = "Example:\n  auction-server user add mia --role trader"
    )]
    User(UserCommand),
    /// Shows or checks the settings.
    #[command(
        subcommand,
        after_help = "\
Examples:
  auction-server config print
  auction-server config check --config new.toml"
    )]
    Config(ConfigCommand),
    /// Prints what completes commands in a shell.
    #[command(after_help = "\
Examples:
  auction-server completions bash > ~/.local/share/bash-completion/completions/auction-server
  auction-server completions fish > ~/.config/fish/completions/auction-server.fish")]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes the manual pages: of the program, and of each command.
    #[command(after_help = "\
Examples:
  auction-server man ~/.local/share/man/man1
  auction-server man man1 && man -l man1/auction-server.1")]
    Man {
        /// The folder they go to; it is made when it is not there.
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}

const EXPORT_EXAMPLES: &str = "\
Examples:
  auction-server export bids > bids.csv
  auction-server export results --format json | jq '.[].winner'
  auction-server export journal > market.auctpub && auction verify market.auctpub

The public journal has one form, and takes no --format.";

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Every account: name, role, symbol. Never a credential.
    Users,
    /// Every accepted bid, in order.
    Bids,
    /// Every lot that has closed: who won, at what price, and why.
    Results,
    /// Everything that everyone may see, in a form of its own that `auction verify` checks without the server.
    Journal,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A header, then a row each.
    Csv,
    /// One array, one object a line.
    Json,
}

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Makes an account. The password comes from AUCTION_PASSWORD, else from standard input.
    #[command(after_help = "\
Examples:
  auction-server user add mia --role trader
  auction-server user add apple --role company --symbol AAPL
  AUCTION_PASSWORD=... auction-server user add tom --role auctioneer")]
    Add(NewUser),
}

/// An account to be made.
#[derive(Debug, Args)]
pub struct NewUser {
    /// The name: 2 to 32 of a-z 0-9 . _ -
    #[arg(value_parser = parse_name)]
    pub name: Name,
    /// What the user may do.
    #[arg(long, value_enum)]
    role: RoleName,
    /// The stock a company publishes for.
    #[arg(long, value_parser = parse_symbol, required_if_eq("role", "company"))]
    symbol: Option<Symbol>,
}

/// What a user may do, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleName {
    /// Bids.
    Trader,
    /// Publishes the profit of one stock.
    Company,
    /// Opens and closes lots.
    Auctioneer,
}

impl NewUser {
    /// What the user may do.
    ///
    /// # Errors
    /// A symbol was given to someone who is no company.
    pub fn role(&self) -> Result<Role, clap::Error> {
        match (self.role, self.symbol) {
            (RoleName::Company, Some(symbol)) => Ok(Role::Company(symbol)),
            (RoleName::Trader, None) => Ok(Role::Trader),
            (RoleName::Auctioneer, None) => Ok(Role::Auctioneer),
            _ => Err(Cli::command().error(
                clap::error::ErrorKind::ArgumentConflict,
                "--symbol goes with --role company, and with no other",
            )),
        }
    }
}

/// What can be done with the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Prints the settings in force as a settings file, with where each was given.
    #[command(after_help = "\
Examples:
  auction-server config print
  auction-server --lots 3 --open-for 1h config print > auction.toml")]
    Print,
    /// Says whether the settings are valid, and the certificate and the files of the data folder too.
    #[command(after_help = "\
Examples:
  auction-server config check
  auction-server --data /srv/market --tls-cert cert.pem --tls-key key.pem config check

Exit codes: 0 when a server would start, 1 when a file is wrong, 2 when a setting is.")]
    Check,
}

/// The command line, read.
#[derive(Debug)]
pub struct Invocation {
    /// What to do; `None`: run the server.
    pub command: Option<Command>,
    given: Vec<Given>,
    file: Option<PathBuf>,
}

impl Invocation {
    /// Reads the command line, and the environment of this process.
    ///
    /// # Errors
    /// What clap says, help and version included: its `exit` prints it.
    pub fn read(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let matches = Cli::command().try_get_matches_from(arguments)?;
        let Cli { flags, command } = Cli::from_arg_matches(&matches)?;
        let given = flags.given(&matches);
        let file = flags.config.filter(|path| !path.as_os_str().is_empty());
        Ok(Self {
            command,
            given,
            file,
        })
    }

    /// The settings, the file's included.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn settings(&self) -> Result<Resolved, Vec<ConfigError>> {
        let file = match &self.file {
            Some(path) => SettingsFile::Named(path.clone()),
            None => {
                let data = config::resolve(self.of(Setting::Data))?.config.data;
                SettingsFile::InDataFolder(data.settings())
            }
        };
        let mut given = file.read()?;
        given.extend(self.given.iter().cloned());
        config::resolve(given)
    }

    /// The data folder alone: export and verify need no more, and a fault elsewhere should not stop them.
    ///
    /// # Errors
    /// All that is wrong with the settings file, if one was named.
    pub fn data(&self) -> Result<DataDir, Vec<ConfigError>> {
        let mut given = match &self.file {
            Some(path) => SettingsFile::Named(path.clone()).read()?,
            None => Vec::new(),
        };
        given.retain(|given| given.setting == Setting::Data);
        given.extend(self.of(Setting::Data));
        Ok(config::resolve(given)?.config.data)
    }

    fn of(&self, setting: Setting) -> Vec<Given> {
        let of = self.given.iter().filter(|given| given.setting == setting);
        of.cloned().collect()
    }
}

// An error of clap's begins with the text it is about; ours goes on after it.
fn parse_name(text: &str) -> Result<Name, String> {
    Name::parse(text).map_err(|error: NameError| format!("it {error}"))
}

fn parse_symbol(text: &str) -> Result<Symbol, String> {
    Symbol::parse(text).map_err(|error: NameError| format!("it {error}"))
}
