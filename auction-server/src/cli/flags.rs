//! The settings on the command line and in the environment, as text.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, ValueHint};

use crate::config::{Given, Origin, Setting};

/// The settings as text: clap parses the flags, and [`resolve`](crate::config::resolve) parses the values.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct Flags {
    /// Address of the market; port 0 picks a free port [default: 127.0.0.1:2022]
    #[arg(
        long,
        env = "AUCTION_LISTEN",
        hide_env_values = true,
        value_name = "ADDRESS:PORT"
    )]
    listen: Option<String>,
    /// Folder of stocks.csv, users.csv and the journal [default: data]
    #[arg(
        long,
        env = "AUCTION_DATA",
        hide_env_values = true,
        value_hint = ValueHint::DirPath,
        value_name = "FOLDER",
        global = true
    )]
    data: Option<String>,
    /// Number of random stocks that become lots [default: 10]
    #[arg(
        long,
        env = "AUCTION_LOTS",
        hide_env_values = true,
        value_name = "NUMBER"
    )]
    lots: Option<String>,
    /// File of lots and their formats, used instead of random stocks [default: lots.csv in the folder, if it exists]
    #[arg(
        long,
        env = "AUCTION_LOTS_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath,
        value_name = "FILE"
    )]
    lots_file: Option<String>,
    /// Time for which lots are open [default: 300s]
    #[arg(
        long,
        env = "AUCTION_OPEN_FOR",
        hide_env_values = true,
        value_name = "DURATION"
    )]
    open_for: Option<String>,
    /// A bid this close to the end extends the lot; 0s: no extensions [default: 60s]
    #[arg(
        long,
        env = "AUCTION_EXTEND_WITHIN",
        hide_env_values = true,
        value_name = "DURATION"
    )]
    extend_within: Option<String>,
    /// Length of each extension [default: 60s]
    #[arg(
        long,
        env = "AUCTION_EXTEND_BY",
        hide_env_values = true,
        value_name = "DURATION"
    )]
    extend_by: Option<String>,
    /// Minimum increment of a bid: 0.01, or banded, or bands such as 0:0.05,1:0.25 [default: 0.01]
    #[arg(
        long,
        env = "AUCTION_STEP",
        hide_env_values = true,
        value_name = "STEP"
    )]
    step: Option<String>,
    /// Seed for choosing the stocks: the same number gives the same stocks
    #[arg(
        long,
        env = "AUCTION_SEED",
        hide_env_values = true,
        value_name = "NUMBER"
    )]
    seed: Option<String>,
    /// Handling of lots that became due while the server was down: extend or close [default: extend]
    #[arg(
        long,
        env = "AUCTION_ON_OUTAGE",
        hide_env_values = true,
        value_name = "WAY"
    )]
    on_outage: Option<String>,
    /// Payment of traders, fixed before a market's first lot: credit or funds [default: the market's; at first credit]
    #[arg(
        long,
        env = "AUCTION_ACCOUNTS",
        hide_env_values = true,
        value_name = "MODE"
    )]
    accounts: Option<String>,
    /// Demo market with this many house traders, in a separate folder [default: off; without a number 8]
    #[arg(
        long,
        env = "AUCTION_DEMO",
        hide_env_values = true,
        value_name = "TRADERS",
        num_args = 0..=1,
        default_missing_value = "8"
    )]
    demo: Option<String>,
    /// Acknowledges a bid after its sync to disk (strict) or after its write (relaxed): then the last moments are lost
    /// if the machine, not just the server, goes down [default: strict]
    #[arg(
        long,
        env = "AUCTION_DURABILITY",
        hide_env_values = true,
        value_name = "WAY"
    )]
    durability: Option<String>,
    /// Format of the logs on standard error: human or json [default: human]
    #[arg(long, env = "AUCTION_LOG", hide_env_values = true, value_name = "FORM")]
    log: Option<String>,
    /// Least important entries that are logged: error, warn, info or debug; SIGHUP reads it again [default: info]
    #[arg(
        long,
        env = "AUCTION_LOG_LEVEL",
        hide_env_values = true,
        value_name = "LEVEL"
    )]
    log_level: Option<String>,
    /// File of the logs, opened again at SIGHUP for log rotation [default: standard error]
    #[arg(
        long,
        env = "AUCTION_LOG_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath,
        value_name = "FILE"
    )]
    log_file: Option<String>,
    /// Interval of heartbeats between clients and server; silence of twice that ends a connection [default: 5s]
    #[arg(
        long,
        env = "AUCTION_HEARTBEAT",
        hide_env_values = true,
        value_name = "DURATION"
    )]
    heartbeat: Option<String>,
    /// Certificate chain as PEM; with it the port accepts only TLS
    #[arg(
        long,
        env = "AUCTION_TLS_CERT",
        hide_env_values = true,
        value_hint = ValueHint::FilePath,
        value_name = "FILE"
    )]
    tls_cert: Option<String>,
    /// Private key of the certificate, as PEM
    #[arg(
        long,
        env = "AUCTION_TLS_KEY",
        hide_env_values = true,
        value_hint = ValueHint::FilePath,
        value_name = "FILE"
    )]
    tls_key: Option<String>,
    /// TLS with a self-signed certificate that is kept in the data folder, for development [default: off]
    #[arg(long, env = "AUCTION_TLS_SELF_SIGNED", hide_env_values = true, value_name = "on|off", num_args = 0..=1, default_missing_value = "on", require_equals = true)]
    tls_self_signed: Option<String>,
    /// Names by which browsers reach this server, beside its address and localhost: auction.example.com,...
    #[arg(
        long,
        env = "AUCTION_PUBLIC_HOST",
        hide_env_values = true,
        value_name = "NAMES"
    )]
    public_host: Option<String>,
    /// Path of the page behind a proxy that passes it on, for example /auction [default: /]
    #[arg(
        long,
        env = "AUCTION_BASE_PATH",
        hide_env_values = true,
        value_name = "PATH"
    )]
    base_path: Option<String>,
    /// Addresses or networks of proxies whose X-Forwarded-For names the client: 127.0.0.1,10.0.0.0/8,...
    #[arg(
        long,
        env = "AUCTION_TRUSTED_PROXY",
        hide_env_values = true,
        value_name = "ADDRESSES"
    )]
    trusted_proxy: Option<String>,
    /// Connections from trusted proxies begin with a header of PROXY protocol version 2 [default: off]
    #[arg(long, env = "AUCTION_PROXY_PROTOCOL", hide_env_values = true, value_name = "on|off", num_args = 0..=1, default_missing_value = "on", require_equals = true)]
    proxy_protocol: Option<String>,
    /// Address of /livez, /readyz and /metrics; auto: 127.0.0.1:2023 unless that is taken; off: none [default: auto]
    #[arg(
        long,
        env = "AUCTION_OPS_LISTEN",
        hide_env_values = true,
        value_name = "ADDRESS:PORT",
        global = true
    )]
    ops_listen: Option<String>,
    /// Maximum number of simultaneous connections from one address [default: 10000]
    #[arg(
        long,
        env = "AUCTION_CONNECTIONS_PER_ADDRESS",
        hide_env_values = true,
        value_name = "NUMBER"
    )]
    connections_per_address: Option<String>,
    /// Maximum rate of new connections from one address, for example 600/1m, or off [default: 60000/1m]
    #[arg(
        long,
        env = "AUCTION_RATE_CONNECTIONS",
        hide_env_values = true,
        value_name = "RATE"
    )]
    rate_connections: Option<String>,
    /// Maximum rate of login attempts from one address [default: 600/1m]
    #[arg(
        long,
        env = "AUCTION_RATE_LOGINS",
        hide_env_values = true,
        value_name = "RATE"
    )]
    rate_logins: Option<String>,
    /// Maximum rate of failed logins to one account from one address, or off [default: 20/10m]
    #[arg(
        long,
        env = "AUCTION_RATE_FAILED_LOGINS",
        hide_env_values = true,
        value_name = "RATE"
    )]
    rate_failed_logins: Option<String>,
    /// New accounts over the network: open, or closed: only users.csv and `user add` make them [default: open]
    #[arg(
        long,
        env = "AUCTION_REGISTRATION",
        hide_env_values = true,
        value_name = "WAY"
    )]
    registration: Option<String>,
    /// Maximum rate of new accounts from one address [default: 600/1m]
    #[arg(
        long,
        env = "AUCTION_RATE_REGISTRATIONS",
        hide_env_values = true,
        value_name = "RATE"
    )]
    rate_registrations: Option<String>,
    /// Maximum rate of commands from one user, including bids [default: off]
    #[arg(
        long,
        env = "AUCTION_RATE_COMMANDS",
        hide_env_values = true,
        value_name = "RATE"
    )]
    rate_commands: Option<String>,
    /// Lots of the format `day`, and halts of the whole market: on or off. Clients of version 1 cannot read a market that
    /// has had one, and are closed [default: on]
    #[arg(
        long,
        env = "AUCTION_TRADING_DAYS",
        hide_env_values = true,
        value_name = "ON|OFF"
    )]
    trading_days: Option<String>,
    /// Settings file [default: auction.toml in the data folder, if it exists]
    #[arg(
        long,
        env = "AUCTION_CONFIG",
        hide_env_values = true,
        value_hint = ValueHint::FilePath,
        value_name = "FILE",
        global = true
    )]
    pub(super) config: Option<PathBuf>,
}

impl Flags {
    /// The given values, each with its origin: a flag or the environment.
    pub(super) fn given(&self, matches: &ArgMatches) -> Vec<Given> {
        let texts = [
            (Setting::Listen, "listen", self.listen.as_ref()),
            (Setting::Data, "data", self.data.as_ref()),
            (Setting::Lots, "lots", self.lots.as_ref()),
            (Setting::LotsFile, "lots_file", self.lots_file.as_ref()),
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
            (Setting::Accounts, "accounts", self.accounts.as_ref()),
            (Setting::Durability, "durability", self.durability.as_ref()),
            (Setting::Demo, "demo", self.demo.as_ref()),
            (Setting::Log, "log", self.log.as_ref()),
            (Setting::LogLevel, "log_level", self.log_level.as_ref()),
            (Setting::LogFile, "log_file", self.log_file.as_ref()),
            (Setting::Heartbeat, "heartbeat", self.heartbeat.as_ref()),
            (Setting::TlsCert, "tls_cert", self.tls_cert.as_ref()),
            (Setting::TlsKey, "tls_key", self.tls_key.as_ref()),
            (
                Setting::TlsSelfSigned,
                "tls_self_signed",
                self.tls_self_signed.as_ref(),
            ),
            (
                Setting::PublicHost,
                "public_host",
                self.public_host.as_ref(),
            ),
            (Setting::BasePath, "base_path", self.base_path.as_ref()),
            (
                Setting::TrustedProxy,
                "trusted_proxy",
                self.trusted_proxy.as_ref(),
            ),
            (
                Setting::ProxyProtocol,
                "proxy_protocol",
                self.proxy_protocol.as_ref(),
            ),
            (Setting::OpsListen, "ops_listen", self.ops_listen.as_ref()),
            (
                Setting::ConnectionsPerAddress,
                "connections_per_address",
                self.connections_per_address.as_ref(),
            ),
            (
                Setting::RateConnections,
                "rate_connections",
                self.rate_connections.as_ref(),
            ),
            (
                Setting::RateLogins,
                "rate_logins",
                self.rate_logins.as_ref(),
            ),
            (
                Setting::RateFailedLogins,
                "rate_failed_logins",
                self.rate_failed_logins.as_ref(),
            ),
            (
                Setting::Registration,
                "registration",
                self.registration.as_ref(),
            ),
            (
                Setting::RateRegistrations,
                "rate_registrations",
                self.rate_registrations.as_ref(),
            ),
            (
                Setting::RateCommands,
                "rate_commands",
                self.rate_commands.as_ref(),
            ),
            (
                Setting::TradingDays,
                "trading_days",
                self.trading_days.as_ref(),
            ),
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
    // Shells and containers unset a variable by making it empty.
    let is_none = origin == Origin::Environment && text.is_empty();
    (!is_none).then_some(Given {
        setting,
        text,
        origin,
    })
}
