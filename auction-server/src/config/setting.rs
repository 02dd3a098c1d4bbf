//! The settings by name, and where a value of one was given.

use std::fmt;
use std::path::PathBuf;

/// A setting. It has one name in three spellings: `--open-for`, `AUCTION_OPEN_FOR`, and the key `open-for`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// Where the market listens.
    Listen,
    /// The data folder.
    Data,
    /// How many stocks a round opens as lots.
    Lots,
    /// The file of a round's lots.
    LotsFile,
    /// How long a round's lots are open.
    OpenFor,
    /// How near the close a bid moves it.
    ExtendWithin,
    /// By how much such a bid moves the close, and an outage too.
    ExtendBy,
    /// By how much a bid must rise.
    Step,
    /// What the choice of stocks is drawn from.
    Seed,
    /// What happens to lots that fell due while the server was down.
    OnOutage,
    /// How the traders of a market pay.
    Accounts,
    /// When a bid is acknowledged.
    Durability,
    /// How many house traders play.
    Demo,
    /// The form of the logs.
    Log,
    /// How often clients and server show each other that they live.
    Heartbeat,
    /// The file of the certificates for TLS.
    TlsCert,
    /// The file of the private key for TLS.
    TlsKey,
    /// Whether TLS has a certificate made here.
    TlsSelfSigned,
    /// The names by which browsers reach the server.
    PublicHost,
    /// Where operators ask.
    OpsListen,
    /// How many connections one address can have.
    ConnectionsPerAddress,
    /// How fast one address can connect.
    RateConnections,
    /// How fast one address can try to log in.
    RateLogins,
    /// How fast one address can make accounts.
    RateRegistrations,
    /// How fast one user can give commands.
    RateCommands,
}

impl Setting {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 25] = [
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
        Self::Heartbeat,
        Self::TlsCert,
        Self::TlsKey,
        Self::TlsSelfSigned,
        Self::PublicHost,
        Self::OpsListen,
        Self::ConnectionsPerAddress,
        Self::RateConnections,
        Self::RateLogins,
        Self::RateRegistrations,
        Self::RateCommands,
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
            Self::Heartbeat => "heartbeat",
            Self::TlsCert => "tls-cert",
            Self::TlsKey => "tls-key",
            Self::TlsSelfSigned => "tls-self-signed",
            Self::PublicHost => "public-host",
            Self::OpsListen => "ops-listen",
            Self::ConnectionsPerAddress => "connections-per-address",
            Self::RateConnections => "rate-connections",
            Self::RateLogins => "rate-logins",
            Self::RateRegistrations => "rate-registrations",
            Self::RateCommands => "rate-commands",
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
            Self::Heartbeat => "AUCTION_HEARTBEAT",
            Self::TlsCert => "AUCTION_TLS_CERT",
            Self::TlsKey => "AUCTION_TLS_KEY",
            Self::TlsSelfSigned => "AUCTION_TLS_SELF_SIGNED",
            Self::PublicHost => "AUCTION_PUBLIC_HOST",
            Self::OpsListen => "AUCTION_OPS_LISTEN",
            Self::ConnectionsPerAddress => "AUCTION_CONNECTIONS_PER_ADDRESS",
            Self::RateConnections => "AUCTION_RATE_CONNECTIONS",
            Self::RateLogins => "AUCTION_RATE_LOGINS",
            Self::RateRegistrations => "AUCTION_RATE_REGISTRATIONS",
            Self::RateCommands => "AUCTION_RATE_COMMANDS",
        }
    }

    /// What is in force when nobody says otherwise; `None`: nothing is.
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
            Self::Heartbeat => Some("5s"),
            Self::TlsCert => None,
            Self::TlsKey => None,
            Self::TlsSelfSigned => Some("off"),
            Self::PublicHost => None,
            Self::OpsListen => Some("auto"),
            Self::ConnectionsPerAddress => Some("10000"),
            Self::RateConnections => Some("60000/1m"),
            Self::RateLogins => Some("600/1m"),
            Self::RateRegistrations => Some("600/1m"),
            Self::RateCommands => Some("off"),
        }
    }
}

/// Where a value was given, the weakest first: a stronger origin overrides a weaker one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nowhere.
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

/// A value as someone wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Of which setting.
    pub setting: Setting,
    /// The text, not looked at yet.
    pub text: String,
    /// Where it was written.
    pub origin: Origin,
}

/// The place, as the one who wrote it knows it: `--lots`, `AUCTION_LOTS`, `data/auction.toml:3: lots`.
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
