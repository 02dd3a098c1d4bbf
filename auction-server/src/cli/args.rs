//! The command line: its commands and flags, and the conversion into a [`Config`](crate::config::Config).

use std::ffi::OsString;
use std::path::PathBuf;

use auction_core::{MoneyError, Name, NameError, Price, Role, Symbol};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::config::data_dir::DataDir;
use crate::config::{self, ConfigError, Given, Resolved, Setting, SettingsFile};

use super::flags::Flags;
use crate::projections::market_data::bar_rows::BarLength;

/// The command succeeded.
pub const EXIT_DONE: u8 = 0;
/// The command failed, or found something wrong.
pub const EXIT_FAILURE: u8 = 1;
/// The command line, the environment or the settings file is wrong.
pub const EXIT_USAGE: u8 = 2;

/// Runs a real-time stock auction. Without a command it starts the server.
#[derive(Debug, Parser)]
#[command(name = "auction-server", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    flags: Flags,
    /// Command to run; `None`: run the server.
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

/// Commands other than running the server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes users, bids, results, trades, bars, orders or the public journal to standard output; also works beside a running
    /// server.
    #[command(after_help = EXPORT_EXAMPLES)]
    Export {
        /// Data to export.
        what: What,
        /// Output format: csv with a header (the default), or json: an array, one object per line. The journal has its
        /// own format.
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Length of a bar, which divides a day evenly; bars are counted from midnight UTC [default: 1m].
        #[arg(long, value_name = "LENGTH")]
        every: Option<BarLength>,
        /// File to write: complete or absent, and replaced if it exists [default: standard output].
        #[arg(long, value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
    },
    /// Makes the stocks.csv of a market from a list of stocks: Nasdaq's and NYSE's symbol directories, or a spreadsheet's CSV.
    /// Says what it left out, and why.
    #[command(after_help = IMPORT_EXAMPLES)]
    ImportStocks(ImportStocks),
    /// Asks the server on this machine, at --ops-listen, whether it is ready for clients; exits with 0 if it is.
    #[command(after_help = "\
Examples:
  auction-server is-ready
  auction-server is-ready --ops-listen 127.0.0.1:9000 && echo open")]
    IsReady,
    /// Reads the whole journal, decides every command again, compares the results, and prints the digest.
    #[command(after_help = "\
Examples:
  auction-server verify
  auction-server verify --data /srv/market

Exit codes: 0 when all is sound, 1 when something is wrong.")]
    Verify,
    /// Copies the market into a folder, also beside the running server. The next backup into the same folder copies only
    /// what is new.
    #[command(after_help = "\
Examples:
  auction-server backup /mnt/backup
  auction-server verify --data /mnt/backup

The folder has the form of a data folder. It holds the market's key and all secrets: keep it as safe as the market.")]
    Backup {
        /// Folder of the backup; it is created if it does not exist.
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// Verifies a backup and copies it into the data folder, which must have no market.
    #[command(after_help = "\
Example:
  auction-server restore /mnt/backup --data /srv/market

Start only one of a market and its copies: clients would see two histories of one market.")]
    Restore {
        /// Folder of the backup.
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// Moves the journal's sealed segments to another folder and leaves links to them, also beside the running server.
    #[command(after_help = "\
Example:
  auction-server archive /mnt/archive

Everything that reads the journal follows the links; while the folder is away, it says where the segments are.")]
    Archive {
        /// Folder of the archive; it is created if it does not exist.
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// Creates accounts, while the server is stopped; lists, locks and closes them while it runs.
    #[command(
        subcommand,
        after_help = "Examples:\n  auction-server user add mia --role trader\n  auction-server user list"
    )]
    User(UserCommand),
    /// Looks at everything around a server: clock, disk, open files, permissions, certificate, proxies, versions.
    #[command(after_help = "\
Examples:
  auction-server doctor
  auction-server --data /srv/market doctor --json | jq '.findings[] | select(.state != \"ok\")'

Exit codes: 0 without an error, 1 with one, 2 when a setting is wrong.")]
    Doctor {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows or checks the settings.
    #[command(
        subcommand,
        after_help = "\
Examples:
  auction-server config print
  auction-server config check --config new.toml"
    )]
    Config(ConfigCommand),
    /// Prints the completion script for a shell.
    #[command(after_help = "\
Examples:
  auction-server completions bash > ~/.local/share/bash-completion/completions/auction-server
  auction-server completions fish > ~/.config/fish/completions/auction-server.fish")]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes the manual pages of the program and of each command.
    #[command(after_help = "\
Examples:
  auction-server man ~/.local/share/man/man1
  auction-server man man1 && man -l man1/auction-server.1")]
    Man {
        /// Folder for the pages; it is created if it does not exist.
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}

const EXPORT_EXAMPLES: &str = "\
Examples:
  auction-server export bids > bids.csv
  auction-server export results --format json | jq '.[].winner'
  auction-server export bars --every 5m > bars.csv
  auction-server export settlement > settlement.csv
  auction-server export journal > market.auctpub && auction verify market.auctpub

The public journal has one form, and takes no --format.";

const IMPORT_EXAMPLES: &str = "\
Examples:
  auction-server import-stocks nasdaqlisted.txt --price 10 --data /srv/market
  auction-server import-stocks otherlisted.txt --out nyse.csv --json | jq '.left_out[] | {reason, count}'
  auction-server import-stocks prices.csv --decimal comma --force

The header names the columns: Symbol (or NASDAQ Symbol, CQS Symbol, Ticker, Code), and, if they are there, Price (Last Price,
Close), Security (ISIN) and Profit. Stocks without a security code get one that is the same at each import.

Exit codes: 0 when stocks were written, also if rows were left out; 1 when nothing was written; 2 when the command line is wrong.";

/// Import of a list of stocks.
#[derive(Debug, Args)]
pub struct ImportStocks {
    /// The list.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// File to write [default: stocks.csv in the data folder].
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Replaces the file if it exists.
    #[arg(long)]
    pub force: bool,
    /// Base price of stocks for which the list has none.
    #[arg(long, value_parser = parse_price)]
    pub price: Option<Price>,
    /// Decimal sign of the list, where a number such as 1.234 could be read in two ways.
    #[arg(long, value_enum)]
    pub decimal: Option<DecimalSign>,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// Sign before the decimals of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DecimalSign {
    /// As in 1,234.50
    Point,
    /// As in 1.234,50
    Comma,
}

/// Data that can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Every account: name, role, symbol. Never a credential.
    Users,
    /// Every accepted bid, in order.
    Bids,
    /// Every lot that has closed: winner, price and reason.
    Results,
    /// Each trader's shares bought and sold, and money owed and due, by lot; not public.
    Settlement,
    /// The same, summed over all lots.
    SettlementTotals,
    /// Every trade of every format, in order.
    Trades,
    /// Open, high, low, close, volume and value of the trades of each lot, by intervals; none without a trade.
    Bars,
    /// Every order of a trading day that was shown, when its life is over; never whose it was.
    Orders,
    /// All public data, in a separate format that `auction verify` checks without the server.
    Journal,
}

/// Format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A header, then one row per item.
    Csv,
    /// One array, one object per line.
    Json,
    /// Parquet: decimals, 64-bit integers and times UTC.
    #[cfg(feature = "columns")]
    Parquet,
    /// Arrow (IPC file), of the same types.
    #[cfg(feature = "columns")]
    Arrow,
}

impl Format {
    /// True if the output is not text.
    #[must_use]
    pub fn is_bytes(self) -> bool {
        !matches!(self, Self::Csv | Self::Json)
    }
}

/// Commands for accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Creates an account. The password comes from AUCTION_PASSWORD, else from standard input.
    #[command(after_help = "\
Examples:
  auction-server user add mia --role trader
  auction-server user add apple --role company --symbol AAPL
  AUCTION_PASSWORD=... auction-server user add tom --role auctioneer")]
    Add(NewUser),
    /// Lists the accounts of the running server.
    #[command(after_help = "\
Examples:
  auction-server user list
  auction-server user list --json | jq -r '.[] | select(.access != \"open\") | .name'")]
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows an account of the running server.
    #[command(after_help = "Example:\n  auction-server user show mia")]
    Show(NamedUser),
    /// Sets another password; all sessions and devices of the account end. It comes from AUCTION_PASSWORD, else from
    /// standard input.
    #[command(after_help = "\
Examples:
  auction-server user passwd mia
  AUCTION_PASSWORD=... auction-server user passwd mia")]
    Passwd(NamedUser),
    /// Locks an account: nobody can log in, and its sessions and devices end. Its bids stay binding.
    #[command(after_help = "Example:\n  auction-server user lock mia")]
    Lock(NamedUser),
    /// Unlocks an account.
    #[command(after_help = "Example:\n  auction-server user unlock mia")]
    Unlock(NamedUser),
    /// Closes an account for good: its sessions and devices end, its bids stay binding, its name stays taken.
    #[command(after_help = "Example:\n  auction-server user close mia")]
    Close(NamedUser),
}

/// An account of the running server.
#[derive(Debug, Args)]
pub struct NamedUser {
    /// The name of the account.
    #[arg(value_parser = parse_name)]
    pub name: Name,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// An account to create.
#[derive(Debug, Args)]
pub struct NewUser {
    /// The name: 2 to 32 of a-z 0-9 . _ -
    #[arg(value_parser = parse_name)]
    pub name: Name,
    /// The user's role.
    #[arg(long, value_enum)]
    role: RoleName,
    /// The stock for which a company publishes profits.
    #[arg(long, value_parser = parse_symbol, required_if_eq("role", "company"))]
    symbol: Option<Symbol>,
}

/// Role of a user, as typed.
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
    /// Role of the user.
    ///
    /// # Errors
    /// A symbol was given for a user who is not a company.
    pub fn role(&self) -> Result<Role, clap::Error> {
        match (self.role, self.symbol) {
            (RoleName::Company, Some(symbol)) => Ok(Role::Company(symbol)),
            (RoleName::Trader, None) => Ok(Role::Trader),
            (RoleName::Auctioneer, None) => Ok(Role::Auctioneer),
            _ => Err(Cli::command().error(
                ErrorKind::ArgumentConflict,
                "--symbol goes with --role company, and with no other",
            )),
        }
    }
}

/// Commands for the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Prints the settings in force as a settings file, with the origin of each value.
    #[command(after_help = "\
Examples:
  auction-server config print
  auction-server --lots 3 --open-for 1h config print > auction.toml")]
    Print,
    /// Checks the settings, the certificate, the files of the data folder, the permissions and the ports.
    #[command(after_help = "\
Examples:
  auction-server config check
  auction-server --data /srv/market --tls-cert cert.pem --tls-key key.pem config check

Exit codes: 0 when a server would start, 1 when a file is wrong, 2 when a setting is.")]
    Check,
}

/// The parsed command line.
#[derive(Debug)]
pub struct Invocation {
    /// Command to run; `None`: run the server.
    pub command: Option<Command>,
    given: Vec<Given>,
    file: Option<PathBuf>,
}

/// Replaces the error for a command behind `--demo`, which took the command's name as its number of traders.
fn with_demo_explained(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let is_command = |name: &OsString| {
        let command = Cli::command();
        command.find_subcommand(name).is_some()
    };
    let mut pairs = arguments.windows(2);
    let demo = pairs.find(|pair| pair[0] == "--demo" && is_command(&pair[1]));
    match (error.kind(), demo) {
        (ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument, Some([_, command])) => {
            let command = command.display();
            Cli::command().error(
                ErrorKind::ArgumentConflict,
                format!(
                    "--demo starts a server, and goes with no command; for the demo's market say the folder: \
                     auction-server {command} ... --data data/demo"
                ),
            )
        }
        _ => error,
    }
}

impl Invocation {
    /// Reads the command line, and the environment of this process.
    ///
    /// # Errors
    /// The error of clap, which also carries help and version output: its `exit` prints it.
    pub fn read(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let matches = Cli::command().try_get_matches_from(arguments.clone());
        let matches = matches.map_err(|error| with_demo_explained(error, &arguments))?;
        let Cli { flags, command } = Cli::from_arg_matches(&matches)?;
        let given = flags.given(&matches);
        let file = flags.config.filter(|path| !path.as_os_str().is_empty());
        Ok(Self {
            command,
            given,
            file,
        })
    }

    /// The settings, including those of the file.
    ///
    /// # Errors
    /// All invalid settings.
    pub fn settings(&self) -> Result<Resolved, Vec<ConfigError>> {
        let file = match &self.file {
            Some(path) => SettingsFile::Named(path.clone()),
            None => {
                let data = config::resolve(self.of(Setting::Data))?.config.data;
                SettingsFile::InDataFolder(data.settings())
            }
        };
        let config::Contents {
            mut given,
            calendars,
        } = file.read()?;
        given.extend(self.given.iter().cloned());
        let mut resolved = config::resolve(given)?;
        resolved.config.calendars = calendars;
        Ok(resolved)
    }

    /// The data folder alone: export and verify need nothing else, and a fault elsewhere should not stop them.
    ///
    /// # Errors
    /// All faults of the settings file, if one was named.
    pub fn data(&self) -> Result<DataDir, Vec<ConfigError>> {
        let mut given = match &self.file {
            Some(path) => SettingsFile::Named(path.clone()).read()?.given,
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

// clap prints the invalid text first and then this message.
fn parse_name(text: &str) -> Result<Name, String> {
    Name::parse(text).map_err(|error: NameError| format!("it {error}"))
}

fn parse_symbol(text: &str) -> Result<Symbol, String> {
    Symbol::parse(text).map_err(|error: NameError| format!("it {error}"))
}

fn parse_price(text: &str) -> Result<Price, String> {
    Price::parse(text).map_err(|error: MoneyError| format!("it {error}"))
}
