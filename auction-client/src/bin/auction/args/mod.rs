//! The command line: commands and options.

pub mod server;
pub mod target;
pub mod time;
pub mod terms;
pub mod day;
pub mod auctioneer;
pub mod trade;
pub mod signed;
pub mod peers;
pub mod relay;
pub mod tools;

use std::path::PathBuf;

use auction_client::Fingerprint;
use auction_core::{LotId, Name, Price, Profit, SecurityCode, SessionId, Span, Symbol};
use clap::{Args, Parser, Subcommand, ValueHint};

use crate::args::auctioneer::AuctioneerCommand;
use crate::args::day::TradesShown;
use crate::args::peers::PeerArgs;
use crate::args::relay::{DeviceAction, RelayArgs};
use crate::args::server::ServerAddress;
use crate::args::signed::SignedCommand;
use crate::args::target::{Target, lot_number};
use crate::args::time::some_span;
use crate::args::tools::ToolCommand;
use crate::args::trade::{PriceCheck, TradeCommand};
use crate::output::failure::OutputFormat;
use crate::output::theme::ThemeName;

/// Bid at a stock auction, and watch it.
///
/// Without a command, at a terminal, it opens a screen: the open lots, updated live, each with its chart and its bids,
/// and a key to bid. With --plain, or without a terminal, it asks what to do, line by line.
#[derive(Debug, Parser)]
#[command(name = "auction", version, after_help = EXAMPLES, after_long_help = LONG_HELP, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub shared: Shared,
    /// Without a command: ask line by line instead of opening the screen, for pipes and screen readers.
    #[arg(long)]
    pub plain: bool,
    /// Colours of the screen. NO_COLOR turns them off.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "NAME",
        env = "AUCTION_THEME"
    )]
    pub theme: ThemeName,
    #[command(subcommand)]
    pub command: Option<Command>,
}

macro_rules! examples {
    () => {
        "\
Examples:
  auction register mia          create an account; asks for a password
  auction login mia             the session is remembered between commands
  auction lots                  list the open lots
  auction bid AAPL 1.40         bid 1.40 a share
  auction watch AAPL MSFT       show events until both have closed
  auction results               show the results of closed lots
"
    };
}

const EXAMPLES: &str = concat!(
    examples!(),
    "\n`auction COMMAND --help` explains each command."
);

const LONG_HELP: &str = concat!(
    examples!(),
    "
Exit codes:
  0  done
  1  it failed, or no answer came and the outcome is unknown
  2  wrong usage
  3  the market refused; also unknown symbols and wrong passwords
  4  could not connect; nothing was done
  5  not logged in

Passwords come from AUCTION_PASSWORD, else from standard input if that is no
terminal (its first line), else from a prompt; never from an argument.

With --json a result is JSON on standard output: one document, or for `watch` one
a line. An error is JSON on standard error:
  {\"error\": {\"kind\", \"code\", \"message\", \"exit_code\", ...}}
Prices are strings, times RFC 3339 in UTC. Fields may be added, never removed."
);

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Shared {
    /// Address of the market's server; with tls:// in front when it speaks TLS.
    #[arg(
        long,
        global = true,
        env = "AUCTION_SERVER",
        default_value = "127.0.0.1:2022",
        value_name = "[tls://]HOST:PORT"
    )]
    pub server: ServerAddress,
    /// With tls://: trust certificates signed by these authorities (a PEM file); system: the system's root
    /// certificates. Remembered for the server.
    #[arg(
        long,
        global = true,
        env = "AUCTION_CA",
        value_name = "FILE|system",
        value_hint = ValueHint::FilePath,
        hide_env_values = true
    )]
    pub ca: Option<PathBuf>,
    /// With tls://: trust only the certificate with this fingerprint, as the server prints it. Remembered for the
    /// server.
    #[arg(
        long,
        global = true,
        env = "AUCTION_FINGERPRINT",
        value_name = "SHA256",
        hide_env_values = true
    )]
    pub fingerprint: Option<Fingerprint>,
    /// Folder for the session and other state [default: $XDG_STATE_HOME/auction, or ~/.local/state/auction].
    #[arg(
        long,
        global = true,
        env = "AUCTION_HOME",
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        hide_env_values = true
    )]
    pub home: Option<PathBuf>,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log what the program does on standard error.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// Show each frame sent and received on standard error; never a password or a token.
    #[arg(long, global = true)]
    pub trace_wire: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create an account.
    #[command(after_help = "\
Examples:
  auction register mia
  AUCTION_PASSWORD=... auction register mia
  pass show market/mia | auction register mia")]
    Register {
        /// Name of 2 to 32 characters of a-z 0-9 . _ -
        name: Name,
    },
    /// Log in; the session is remembered for later commands.
    #[command(after_help = "\
Examples:
  auction login mia
  AUCTION_PASSWORD=... auction --server market.example:2022 login mia")]
    Login {
        /// The name you registered with.
        name: Name,
    },
    /// Log out: close the session for good.
    #[command(after_help = "Example:\n  auction logout")]
    Logout,
    /// Change your password; your other sessions and all your devices are logged out.
    #[command(after_help = "\
Examples:
  auction passwd
  AUCTION_PASSWORD=... AUCTION_NEW_PASSWORD=... auction passwd
  cat old-then-new.txt | auction passwd

The present password comes from AUCTION_PASSWORD and the new one from AUCTION_NEW_PASSWORD, else both from the first two
lines of standard input if that is no terminal, else from prompts.")]
    Passwd,
    /// List your sessions, or log out of one.
    #[command(
        after_help = "\
Examples:
  auction sessions
  auction sessions revoke 12",
        args_conflicts_with_subcommands = true
    )]
    Sessions {
        #[command(subcommand)]
        action: Option<SessionsAction>,
    },
    /// List the open lots, and how each is auctioned.
    #[command(after_help = "\
Examples:
  auction lots
  auction lots AAPL             with its terms in words
  auction lots --all --json | jq -r '.lots[] | [.symbol, .price] | @tsv'")]
    Lots {
        /// Symbols, or #N for lots [default: all].
        #[arg(value_name = "SYMBOL|#N")]
        targets: Vec<Target>,
        /// Closed lots too.
        #[arg(long)]
        all: bool,
    },
    /// Bid on a lot.
    #[command(after_help = "\
Examples:
  auction bid AAPL 1.40         bid 1.40 a share
  auction bid AAPL 2 --max      a hidden maximum: the market bids for you, up to 2
  auction bid '#7' 1.40         the lot with this number
  auction bid AAPL 1.40 --lot 7
  auction bid AAPL 14 --yes     far above the least bid: without --yes it asks first
  auction bid AAPL 1.40 --through /ip4/192.0.2.7/tcp/4001    sealed, through a peer

On a Dutch lot PRICE is the highest price you accept; on a sealed lot it is a hidden bid for all of its shares.
For lots that are sold in parts, and for call auctions, use `auction order`.")]
    Bid {
        /// The stock's symbol, or #N for the lot with this number.
        #[arg(value_name = "SYMBOL|#N")]
        target: Target,
        /// Price per share that you offer.
        #[arg(allow_hyphen_values = true)]
        price: Price,
        /// Offer it as a hidden maximum: the market bids for you, no more than needed.
        #[arg(long)]
        max: bool,
        /// Number of the lot, when the symbol has several open.
        #[arg(long, value_name = "N", value_parser = lot_number)]
        lot: Option<LotId>,
        #[command(flatten)]
        check: PriceCheck,
        #[command(flatten)]
        through: RelayArgs,
    },
    /// List the devices of your account, which can bid through relays.
    #[command(
        after_help = "\
Examples:
  auction device
  auction device add --name laptop
  auction device remove laptop

A device has its own key, created on its machine and kept there. Anyone can relay the requests that it has signed and
sealed: `auction bid SYMBOL PRICE --through ADDRESS`.",
        args_conflicts_with_subcommands = true
    )]
    Device {
        #[command(subcommand)]
        action: Option<DeviceAction>,
    },
    #[command(flatten)]
    Trade(TradeCommand),
    /// Show events as they happen, until the lots have closed.
    #[command(after_help = "\
Examples:
  auction watch
  auction watch AAPL MSFT '#7'
  auction watch --forever --dead-man 30s    your orders are cancelled if this program dies
  auction watch --p2p           through other watchers, at no cost to the server
  auction watch --p2p --offer   the same, and others can watch through you
  auction watch --p2p --relay   the same, and others can bid through you
  auction watch --json | jq -r 'select(.event == \"bid\") | [.symbol, .price, .leader] | @tsv'")]
    Watch {
        /// Symbols, or #N for lots [default: all].
        #[arg(value_name = "SYMBOL|#N")]
        targets: Vec<Target>,
        /// Continue when all lots have closed.
        #[arg(long)]
        forever: bool,
        /// Show events without asking for the market's signature: some tens of milliseconds sooner.
        #[arg(long)]
        unsigned: bool,
        /// For traders: the market cancels all your open orders when this program has been gone, or disconnected, for
        /// this long.
        ///
        /// This is the dead-man switch of your session. Ctrl-C and the normal end of this command clear it, and your
        /// orders stay; any other end does not clear it. Bids and maxima stay in any case.
        #[arg(long, value_name = "DURATION", value_parser = some_span)]
        dead_man: Option<Span>,
        #[command(flatten)]
        peers: PeerArgs,
    },
    /// Show the bids of a lot, or the trades of a trading day, the newest last.
    #[command(after_help = "\
Examples:
  auction history AAPL
  auction history '#7' --limit 1000 --json")]
    History {
        /// Symbol of the stock, or #N for the lot with this number. Without an open lot, the newest closed one is
        /// shown.
        #[arg(value_name = "SYMBOL|#N")]
        target: Target,
        /// Number of the lot, when the symbol has had several.
        #[arg(long, value_name = "N", value_parser = lot_number)]
        lot: Option<LotId>,
        /// Maximum number of bids, or of trades.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1024))]
        limit: u32,
    },
    /// Show the trades of a trading day, the newest last.
    #[command(after_help = "\
Examples:
  auction trades AAPL
  auction trades AAPL --last 1000 --csv > trades.csv
  auction trades '#7' --from 2026-11-22T14:00:00Z --to 2026-11-22T15:00:00Z --json")]
    Trades(TradesShown),
    /// Show the results of closed lots.
    #[command(after_help = "\
Examples:
  auction results
  auction results --json | jq -r '.lots[] | [.symbol, .outcome.winner] | @tsv'")]
    Results,
    /// Publish your company's profit.
    #[command(after_help = "\
Examples:
  auction profit AAPL 01954 9800
  auction profit AAPL 01954 -12.5")]
    Profit {
        /// Symbol of your stock.
        symbol: Symbol,
        /// Security code of your stock, as a check of the symbol.
        security: SecurityCode,
        /// The profit; a loss if below zero.
        #[arg(allow_hyphen_values = true)]
        profit: Profit,
    },
    /// Show the market, the server and its clock, and your login.
    #[command(
        visible_alias = "market",
        after_help = "\
Examples:
  auction status
  auction status --server tls://market.example --trace-wire"
    )]
    Status,
    #[command(flatten)]
    Auctioneer(AuctioneerCommand),
    #[command(flatten)]
    Signed(SignedCommand),
    #[command(flatten)]
    Tool(ToolCommand),
}

#[derive(Debug, Subcommand)]
pub enum SessionsAction {
    /// Close one of your sessions.
    #[command(after_help = "Example:\n  auction sessions revoke 12")]
    Revoke {
        /// Number of the session, as listed by `auction sessions`.
        #[arg(value_parser = session)]
        session: SessionId,
    },
}

impl Shared {
    pub fn format(&self) -> OutputFormat {
        if self.json {
            OutputFormat::Json
        } else {
            OutputFormat::Text
        }
    }
}

fn session(text: &str) -> Result<SessionId, String> {
    let number = text.parse().map(SessionId);
    number.map_err(|_| "is not a session's number; expected for example 12".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definitions_fit_together() {
        Cli::command().debug_assert();
    }

    /// Extracts the commands from the lines of an example, without pipes to other programs.
    fn commands(help: &str) -> Vec<Vec<String>> {
        let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
        let commands = lines.flat_map(|line| {
            // A description follows the command.
            let line = line.trim().split("  ").next().unwrap_or_default();
            line.split(['|', '&', '>'])
        });
        let commands = commands.filter_map(|command| {
            let at = command.find("auction ")?;
            (at == 0 || command[..at].ends_with(' ')).then(|| words(&command[at..]))
        });
        commands.collect()
    }

    /// Splits a command at spaces outside of quotes, as a shell does.
    fn words(command: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for char in command.trim().chars() {
            let last = words.last_mut().expect("there is a word");
            match (char, quote) {
                (char, Some(open)) if char == open => quote = None,
                ('\'' | '"', None) => quote = Some(char),
                (' ', None) if last.is_empty() => {}
                (' ', None) => words.push(String::new()),
                (char, _) => last.push(char),
            }
        }
        words
    }

    #[test]
    fn every_command_shows_examples_and_they_parse() {
        fn walk(command: &clap::Command, path: &str) {
            let help = command.get_after_help().map(ToString::to_string);
            let examples = commands(&help.unwrap_or_default());
            let own = format!("{path} ");
            let is_shown = |example: &Vec<String>| format!("{} ", example.join(" ")).contains(&own);
            let is_program = !path.contains(' ');
            assert!(
                is_program || examples.iter().any(is_shown),
                "{path} has no example of its own"
            );
            for example in examples {
                Cli::try_parse_from(&example)
                    .unwrap_or_else(|error| panic!("{example:?}: {error}"));
            }
            for sub in command.get_subcommands() {
                walk(sub, &format!("{path} {}", sub.get_name()));
            }
        }
        walk(&Cli::command(), "auction");
    }

    #[test]
    fn documented_commands_parse() {
        for line in [
            "auction register mia",
            "auction login mia --server market.example:2022",
            "auction lots --server tls://market.example --ca system",
            "auction --json logout",
            "auction sessions",
            "auction sessions --json",
            "auction sessions revoke 12",
            "auction sessions revoke 12 --json",
            "auction lots --all --json",
            "auction bid AAPL 1.40",
            "auction bid aapl 2 --max",
            "auction bid #7 1.40",
            "auction bid AAPL 1.40 --lot 7",
            "auction bid AAPL 90000 --yes",
            "auction bid AAPL 90 -y",
            "auction bid AAPL 90 --within 5",
            "auction order AAPL buy 1 100 --yes",
            "auction replace AAPL 1 500 12.75 --within 50",
            "auction bid AAPL 1.40 --through /ip4/192.0.2.7/tcp/4001 --through market.example:2022",
            "auction bid AAPL 2 --max --through 127.0.0.1:2022 --request 12",
            "auction device",
            "auction device --json",
            "auction device add",
            "auction device add --name laptop",
            "auction device remove 12",
            "auction watch",
            "auction watch AAPL #7 --forever",
            "auction watch --dead-man 30s",
            "auction watch --p2p",
            "auction watch --p2p --relay",
            "auction watch AAPL --p2p --offer --listen /ip4/127.0.0.1/tcp/4001",
            "auction watch --p2p --peer /ip4/127.0.0.1/tcp/4001 --peer /ip4/127.0.0.1/tcp/4002 --market-key 8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6",
            "auction watch --unsigned",
            "auction history BRK.B --limit 5",
            "auction trades AAPL",
            "auction trades #7 --from 2026-11-22T14:00:00Z --to 2026-11-22T15:00:00Z --last 5 --csv",
            "auction results",
            "auction profit AAPL 01954 9800",
            "auction profit AAPL 01954 -12.5",
            "auction lots AAPL #7",
            "auction take AAPL --at-most 70",
            "auction order AAPL buy 1 100",
            "auction order AAPL sell 500 --market --lot 7",
            "auction replace AAPL 1 500 12.75",
            "auction replace #7 1 500 --market",
            "auction cancel AAPL 1",
            "auction orders",
            "auction orders AAPL --lot 7 --json",
            "auction orders #7",
            "auction orders --lot 7",
            "auction would-have-won AAPL --lot #7",
            "auction open AAPL --format english --reserve 2",
            "auction open AAPL --format english --step banded --buy-now 9 --extend-within 30s --extend-by 30s --extend-mode reset --extensions-max 3",
            "auction open AAPL --format dutch --start 100 --step 1 --interval 10s --floor 50",
            "auction open AAPL --format sealed-first --opens-in 10m --open-for 1h",
            "auction open AAPL --format vickrey --closes-at 2026-11-22T14:00:00Z",
            "auction open AAPL --format uniform --quantity 1000000 --priority pro-rata",
            "auction open AAPL --format pay-as-bid --bids-max 3 --opens-at 2026-11-22T14:00:00Z --closes-in 2d",
            "auction extend AAPL --by 5m",
            "auction extend #7 --closes-at 2026-11-22T14:00:00Z --json",
            "auction close AAPL",
            "auction cancel-lot #7",
            "auction halt AAPL",
            "auction resume AAPL --lot 7",
            "auction suspend tom",
            "auction reinstate tom",
            "auction market",
            "auction status -v",
            "auction status --trace-wire",
            "auction key",
            "auction key forget --json",
            "auction receipt",
            "auction receipt AAPL --lot 7",
            "auction receipt #7 --out mine.json",
            "auction receipt --request 4",
            "auction receipt --record 12 --json",
            "auction receipt check receipt-12.json",
            "auction receipt check receipt-12.json --key 8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6",
            "auction checkpoint --since checkpoint-1.json --out -",
            "auction fraud check fraud-1.json",
            "auction verify market.auctpub --user mia --receipt a.json --receipt b.json --checkpoint c.json",
            "auction decode a5554354 0d00",
            "auction decode",
            "auction completions bash",
            "auction man man1",
            "auction",
        ] {
            parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn wrong_input_is_refused_with_the_expected_form() {
        for (line, says) in [
            (
                "auction bid AAPL 1.4x",
                "is not a decimal; expected for example 12.50",
            ),
            ("auction bid AAPL -1", "is not a decimal"),
            ("auction bid AAPL 99999999999999999999", "is too large"),
            ("auction bid AA$PL 1", "is not a symbol"),
            ("auction bid #x 1", "is not a lot"),
            ("auction bid AAPL 1 --lot x", "is not a lot's number"),
            ("auction register M!", "is not a name"),
            ("auction profit AAPL 01954 1e9", "is not a decimal"),
            ("auction sessions revoke x", "is not a session's number"),
            ("auction receipt --record x", "is not a record's number"),
            (
                "auction receipt check a --key 1",
                "is not the fingerprint of a market's key",
            ),
            ("auction lots --server host:port", "is no address"),
            (
                "auction watch --p2p --peer 127.0.0.1:4001",
                "expected for example /ip4/127.0.0.1/tcp/4001",
            ),
            (
                "auction watch --p2p --market-key 8935",
                "is not the fingerprint of a market's key",
            ),
            (
                "auction lots --fingerprint AB:CD",
                "is no SHA-256 fingerprint",
            ),
            ("auction history AAPL --limit 0", "0 is not in 1..=1024"),
            ("auction trades AAPL --last 0", "0 is not in 1..=100000"),
            ("auction trades AAPL --from noon", "is not a moment"),
            ("auction order AAPL buy 0 1", "expected 1 to 1000000000000"),
            (
                "auction order AAPL buy -10 1",
                "'-10' for '<QUANTITY>': is no number of shares",
            ),
            ("auction order AAPL buy 1,5 1", "is no number of shares"),
            ("auction order AAPL buy 12,50 1", "is no number of shares"),
            ("auction order AAPL buy 10 -1", "is not a decimal"),
            (
                "auction replace AAPL 1 -500 12.75",
                "is no number of shares",
            ),
            (
                "auction replace AAPL -1 500 12.75",
                "is not an order's number",
            ),
            ("auction take AAPL --at-most -70", "is not a decimal"),
            ("auction deposit mia -5", "is not a decimal"),
            (
                "auction withdraw mia --shares -5 --of AAPL",
                "is no number of shares",
            ),
            ("auction cancel AAPL -1", "is not an order's number"),
            ("auction bid AAPL 1 --within 1,5", "invalid digit"),
            ("auction cancel AAPL x", "is not an order's number"),
            ("auction extend AAPL --by 5", "a number and a unit"),
            (
                "auction open AAPL --format dutch --interval soon",
                "is not a duration",
            ),
            (
                "auction open AAPL --format english --closes-at noon",
                "expected for example 2026-11-22T14:00:00Z",
            ),
        ] {
            let error = parse(line).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ValueValidation, "{line}: {error}");
            assert!(error.to_string().contains(says), "{line}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
