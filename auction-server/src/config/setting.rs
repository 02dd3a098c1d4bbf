//! The settings by name, and the origins of values.

use std::fmt;
use std::path::PathBuf;

/// A setting. It has one name in three spellings: `--open-for`, `AUCTION_OPEN_FOR`, and the key `open-for`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// Address of the market.
    Listen,
    /// The data folder.
    Data,
    /// Number of stocks that a round opens as lots.
    Lots,
    /// The file of a round's lots.
    LotsFile,
    /// Time for which a round's lots are open.
    OpenFor,
    /// Time before the close in which a bid extends the lot.
    ExtendWithin,
    /// Length of an extension, by such a bid or after an outage.
    ExtendBy,
    /// Minimum increment of a bid.
    Step,
    /// Seed for choosing the stocks.
    Seed,
    /// Handling of lots that became due while the server was down.
    OnOutage,
    /// Payment of the traders of a market.
    Accounts,
    /// Acknowledgement of a bid.
    Durability,
    /// Number of house traders.
    Demo,
    /// Format of the logs.
    Log,
    /// Least important entries that are logged.
    LogLevel,
    /// File of the logs.
    LogFile,
    /// Interval of heartbeats between clients and server.
    Heartbeat,
    /// The file of the certificates for TLS.
    TlsCert,
    /// The file of the private key for TLS.
    TlsKey,
    /// TLS with a self-signed certificate.
    TlsSelfSigned,
    /// The names by which browsers reach the server.
    PublicHost,
    /// Path of the page behind a proxy.
    BasePath,
    /// Addresses of proxies in front of the server.
    TrustedProxy,
    /// Header of the PROXY protocol on connections of these proxies.
    ProxyProtocol,
    /// Address for operators.
    OpsListen,
    /// Maximum number of simultaneous connections from one address.
    ConnectionsPerAddress,
    /// Maximum rate of new connections from one address.
    RateConnections,
    /// Maximum rate of login attempts from one address.
    RateLogins,
    /// Maximum rate of failed logins to one account from one address.
    RateFailedLogins,
    /// Registration over the network.
    Registration,
    /// Maximum rate of new accounts from one address.
    RateRegistrations,
    /// Maximum rate of commands from one user.
    RateCommands,
    /// Lots of the format `day`.
    TradingDays,
}

impl Setting {
    /// All settings, in display order.
    pub const ALL: [Self; 33] = [
        Self::Listen,
        Self::Data,
        Self::Lots,
        Self::LotsFile,
        Self::OpenFor,
        Self::ExtendWithin,
        Self::ExtendBy,
        Self::Step,
        Self::Seed,
        Self::OnOutage,
        Self::Accounts,
        Self::Durability,
        Self::Demo,
        Self::Log,
        Self::LogLevel,
        Self::LogFile,
        Self::Heartbeat,
        Self::TlsCert,
        Self::TlsKey,
        Self::TlsSelfSigned,
        Self::PublicHost,
        Self::BasePath,
        Self::TrustedProxy,
        Self::ProxyProtocol,
        Self::OpsListen,
        Self::ConnectionsPerAddress,
        Self::RateConnections,
        Self::RateLogins,
        Self::RateFailedLogins,
        Self::Registration,
        Self::RateRegistrations,
        Self::RateCommands,
        Self::TradingDays,
    ];

    /// Its name in a file, and on the command line after `--`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Data => "data",
            Self::Lots => "lots",
            Self::LotsFile => "lots-file",
            Self::OpenFor => "open-for",
            Self::ExtendWithin => "extend-within",
            Self::ExtendBy => "extend-by",
            Self::Step => "step",
            Self::Seed => "seed",
            Self::OnOutage => "on-outage",
            Self::Accounts => "accounts",
            Self::Durability => "durability",
            Self::Demo => "demo",
            Self::Log => "log",
            Self::LogLevel => "log-level",
            Self::LogFile => "log-file",
            Self::Heartbeat => "heartbeat",
            Self::TlsCert => "tls-cert",
            Self::TlsKey => "tls-key",
            Self::TlsSelfSigned => "tls-self-signed",
            Self::PublicHost => "public-host",
            Self::BasePath => "base-path",
            Self::TrustedProxy => "trusted-proxy",
            Self::ProxyProtocol => "proxy-protocol",
            Self::OpsListen => "ops-listen",
            Self::ConnectionsPerAddress => "connections-per-address",
            Self::RateConnections => "rate-connections",
            Self::RateLogins => "rate-logins",
            Self::RateFailedLogins => "rate-failed-logins",
            Self::Registration => "registration",
            Self::RateRegistrations => "rate-registrations",
            Self::RateCommands => "rate-commands",
            Self::TradingDays => "trading-days",
        }
    }

    /// Its name in the environment.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Listen => "AUCTION_LISTEN",
            Self::Data => "AUCTION_DATA",
            Self::Lots => "AUCTION_LOTS",
            Self::LotsFile => "AUCTION_LOTS_FILE",
            Self::OpenFor => "AUCTION_OPEN_FOR",
            Self::ExtendWithin => "AUCTION_EXTEND_WITHIN",
            Self::ExtendBy => "AUCTION_EXTEND_BY",
            Self::Step => "AUCTION_STEP",
            Self::Seed => "AUCTION_SEED",
            Self::OnOutage => "AUCTION_ON_OUTAGE",
            Self::Accounts => "AUCTION_ACCOUNTS",
            Self::Durability => "AUCTION_DURABILITY",
            Self::Demo => "AUCTION_DEMO",
            Self::Log => "AUCTION_LOG",
            Self::LogLevel => "AUCTION_LOG_LEVEL",
            Self::LogFile => "AUCTION_LOG_FILE",
            Self::Heartbeat => "AUCTION_HEARTBEAT",
            Self::TlsCert => "AUCTION_TLS_CERT",
            Self::TlsKey => "AUCTION_TLS_KEY",
            Self::TlsSelfSigned => "AUCTION_TLS_SELF_SIGNED",
            Self::PublicHost => "AUCTION_PUBLIC_HOST",
            Self::BasePath => "AUCTION_BASE_PATH",
            Self::TrustedProxy => "AUCTION_TRUSTED_PROXY",
            Self::ProxyProtocol => "AUCTION_PROXY_PROTOCOL",
            Self::OpsListen => "AUCTION_OPS_LISTEN",
            Self::ConnectionsPerAddress => "AUCTION_CONNECTIONS_PER_ADDRESS",
            Self::RateConnections => "AUCTION_RATE_CONNECTIONS",
            Self::RateLogins => "AUCTION_RATE_LOGINS",
            Self::RateFailedLogins => "AUCTION_RATE_FAILED_LOGINS",
            Self::Registration => "AUCTION_REGISTRATION",
            Self::RateRegistrations => "AUCTION_RATE_REGISTRATIONS",
            Self::RateCommands => "AUCTION_RATE_COMMANDS",
            Self::TradingDays => "AUCTION_TRADING_DAYS",
        }
    }

    /// Default value; `None`: no default.
    #[must_use]
    pub const fn default_text(self) -> Option<&'static str> {
        match self {
            Self::Listen => Some("127.0.0.1:2022"),
            Self::Data => Some("data"),
            Self::Lots => Some("10"),
            Self::LotsFile => None,
            Self::OpenFor => Some("300s"),
            Self::ExtendWithin | Self::ExtendBy => Some("60s"),
            Self::Step => Some("0.01"),
            Self::Seed => None,
            Self::OnOutage => Some("extend"),
            Self::Accounts => None,
            Self::Durability => Some("strict"),
            Self::Demo => Some("off"),
            Self::Log => Some("human"),
            Self::LogLevel => Some("info"),
            Self::LogFile => None,
            Self::Heartbeat => Some("5s"),
            Self::TlsCert => None,
            Self::TlsKey => None,
            Self::TlsSelfSigned => Some("off"),
            Self::PublicHost | Self::TrustedProxy => None,
            Self::BasePath => Some("/"),
            Self::ProxyProtocol => Some("off"),
            Self::OpsListen => Some("auto"),
            Self::ConnectionsPerAddress => Some("10000"),
            Self::RateConnections => Some("60000/1m"),
            Self::RateLogins => Some("600/1m"),
            Self::RateFailedLogins => Some("20/10m"),
            Self::Registration => Some("open"),
            Self::RateRegistrations => Some("600/1m"),
            Self::RateCommands => Some("off"),
            Self::TradingDays => Some("on"),
        }
    }
}

/// Origin of a value, the weakest first: a stronger origin overrides a weaker one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The default.
    Default,
    /// In a settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// In the environment.
    Environment,
    /// On the command line.
    Flag,
}

/// A value as given by the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The setting.
    pub setting: Setting,
    /// The unparsed text.
    pub text: String,
    /// Origin of the value.
    pub origin: Origin,
}

/// Prints the origin as the operator knows it: `--lots`, `AUCTION_LOTS`, `data/auction.toml:3: lots`.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.setting.key();
        match &self.origin {
            Origin::Default => write!(f, "the default of {key}"),
            Origin::File { path, line } => write!(f, "{}:{line}: {key}", path.display()),
            Origin::Environment => f.write_str(self.setting.variable()),
            Origin::Flag => write!(f, "--{key}"),
        }
    }
}
