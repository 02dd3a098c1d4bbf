//! The settings on the command line and in the environment, as texts.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};

use crate::config::{Given, Origin, Setting};

/// The settings as texts: clap finds them, and [`resolve`](crate::config::resolve) makes something of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct Flags {
    /// Where the market listens; port 0 takes a free one [default: 127.0.0.1:2022]
    #[arg(
        long,
        env = "AUCTION_LISTEN",
        hide_env_values = true,
        value_name = "ADDRESS:PORT"
    )]
    listen: Option<String>,
    /// The folder of stocks.csv, users.csv and the journal [default: data]
    #[arg(
        long,
        env = "AUCTION_DATA",
        hide_env_values = true,
        value_name = "FOLDER",
        global = true
    )]
    data: Option<String>,
    /// How many random stocks become lots [default: 10]
    #[arg(
        long,
        env = "AUCTION_LOTS",
        hide_env_values = true,
        value_name = "NUMBER"
    )]
    lots: Option<String>,
    /// How long they are open [default: 300s]
    #[arg(
        long,
        env = "AUCTION_OPEN_FOR",
        hide_env_values = true,
        value_name = "DURATION"
    )]
    open_for: Option<String>,
    /// A bid this near the close moves the close; 0s: none does [default: 60s]
    #[arg(
        long,
        env = "AUCTION_EXTEND_WITHIN",
        hide_env_values = true,
        value_name = "DURATION"
    )]
    extend_within: Option<String>,
    /// By so much [default: 60s]
    #[arg(
        long,
        env = "AUCTION_EXTEND_BY",
        hide_env_values = true,
        value_name = "DURATION"
    )]
    extend_by: Option<String>,
    /// By how much a bid must rise: 0.01, or banded, or bands such as 0:0.05,1:0.25 [default: 0.01]
    #[arg(
        long,
        env = "AUCTION_STEP",
        hide_env_values = true,
        value_name = "STEP"
    )]
    step: Option<String>,
    /// Draws the stocks from this number: the same number, the same stocks
    #[arg(
        long,
        env = "AUCTION_SEED",
        hide_env_values = true,
        value_name = "NUMBER"
    )]
    seed: Option<String>,
    /// Lots that fell due while the server was down: extend or close [default: extend]
    #[arg(
        long,
        env = "AUCTION_ON_OUTAGE",
        hide_env_values = true,
        value_name = "WAY"
    )]
    on_outage: Option<String>,
    /// The form of the logs on standard error: human or json [default: human]
    #[arg(long, env = "AUCTION_LOG", hide_env_values = true, value_name = "FORM")]
    log: Option<String>,
    /// The settings file [default: auction.toml in the data folder, if it is there]
    #[arg(
        long,
        env = "AUCTION_CONFIG",
        hide_env_values = true,
        value_name = "FILE",
        global = true
    )]
    pub(super) config: Option<PathBuf>,
}

impl Flags {
    /// What was given, and whether by a flag or by the environment.
    pub(super) fn given(&self, matches: &ArgMatches) -> Vec<Given> {
        let texts = [
            (Setting::Listen, "listen", self.listen.as_ref()),
            (Setting::Data, "data", self.data.as_ref()),
            (Setting::Lots, "lots", self.lots.as_ref()),
            (Setting::OpenFor, "open_for", self.open_for.as_ref()),
            (
                Setting::ExtendWithin,
                "extend_within",
                self.extend_within.as_ref(),
            ),
            (Setting::ExtendBy, "extend_by", self.extend_by.as_ref()),
            (Setting::Step, "step", self.step.as_ref()),
            (Setting::Seed, "seed", self.seed.as_ref()),
            (Setting::OnOutage, "on_outage", self.on_outage.as_ref()),
            (Setting::Log, "log", self.log.as_ref()),
        ];
        texts
            .into_iter()
            .filter_map(|(setting, id, text)| given(matches, setting, id, text?.clone()))
            .collect()
    }
}

fn given(matches: &ArgMatches, setting: Setting, id: &str, text: String) -> Option<Given> {
    let origin = match matches.value_source(id) {
        Some(ValueSource::EnvVariable) => Origin::Environment,
        _ => Origin::Flag,
    };
    // An empty variable is how a shell or a container says that there is none.
    let is_none = origin == Origin::Environment && text.is_empty();
    (!is_none).then_some(Given {
        setting,
        text,
        origin,
    })
}
