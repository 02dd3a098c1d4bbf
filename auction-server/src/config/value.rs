//! Parsers from text to valid values. An error message continues after the text it is about.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use auction_core::{AccountMode, ParseSpanError, ParseStepsError, Span, Steps};

use super::AddressRange;
use crate::config::data_dir::DataDir;
use crate::config::reserved_names::DEMO_TRADERS_MAX;
use crate::journal::Durability;

/// Maximum number of stocks that a round opens: as many as a market lists.
pub const LOTS_PER_ROUND_MAX: usize = auction_core::limits::STOCKS_MAX;

/// Minimum heartbeat interval.
pub const HEARTBEAT_MIN: Duration = Duration::from_millis(200);
/// Maximum heartbeat interval.
pub const HEARTBEAT_MAX: Duration = Duration::from_secs(60);
/// Maximum number of names by which browsers reach the server.
pub const PUBLIC_HOSTS_MAX: usize = 16;

/// Maximum number of addresses and networks of trusted proxies.
pub const TRUSTED_PROXIES_MAX: usize = 64;
/// Maximum length of a base path, in bytes.
pub const BASE_PATH_BYTES_MAX: usize = 128;

/// Handling of lots that became due while the server was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOutage {
    /// They stay open for `extend_by` after the restart, because nobody could bid.
    Extend,
    /// They close with the bids they have.
    Close,
}

/// Registration over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Anyone can make an account of a trader.
    Open,
    /// Accounts come from `users.csv` and `user add`.
    Closed,
}

/// Format of the logs on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object per line.
    Json,
}

/// Least important entries that are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// Also what an operator should look at.
    Warn,
    /// Also what happens.
    Info,
    /// Also each connection.
    Debug,
}

/// Address for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpsListen {
    /// None.
    Off,
    /// [`OpsListen::USUAL`], or none if that is taken: a second market on one machine must start.
    Auto,
    /// This address; the server does not start without it.
    At(SocketAddr),
}

impl OpsListen {
    /// The default address for operators.
    pub const USUAL: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2023);

    /// The address to try first.
    #[must_use]
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::Auto => Some(Self::USUAL),
            Self::At(address) => Some(address),
        }
    }
}

/// Token bucket: `count` burst, refilled evenly over `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Number of events.
    pub count: NonZeroU32,
    /// The period; at least one nanosecond per event.
    pub period: Duration,
}

/// Maximum period of a rate.
const RATE_PERIOD_MAX: Duration = Duration::from_secs(60 * 60);

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "is not an address; expected a number and a port, for example 127.0.0.1:2022 or [::1]:2022"
            .to_owned()
    })
}

pub(super) fn data(text: &str) -> Result<DataDir, String> {
    if text.is_empty() {
        return Err("is no folder; expected a path, for example data".to_owned());
    }
    Ok(DataDir::new(text))
}

pub(super) fn lots(text: &str) -> Result<usize, String> {
    let lots = text
        .parse()
        .ok()
        .filter(|lots| (1..=LOTS_PER_ROUND_MAX).contains(lots));
    lots.ok_or_else(|| {
        format!("is not a number of lots; expected 1 to {LOTS_PER_ROUND_MAX}, for example 10")
    })
}

pub(super) fn seed(text: &str) -> Result<u64, String> {
    let expected = || format!("is not a seed; expected 0 to {}, for example 42", u64::MAX);
    text.parse().map_err(|_| expected())
}

/// Parses a span of whole microseconds, at most 366 days.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    text.parse()
        .map_err(|error: ParseSpanError| error.to_string())
}

/// Parses the time for which lots are open: a span that is not zero.
pub(crate) fn open_for(text: &str) -> Result<Span, String> {
    match span(text)? {
        Span::ZERO => Err("leaves no time to bid; expected for example 300s".to_owned()),
        open_for => Ok(open_for),
    }
}

/// Parses `0.01`, `banded`, or `0:0.05,1:0.25`: bands of (from price, step).
pub(crate) fn steps(text: &str) -> Result<Steps, String> {
    text.parse()
        .map_err(|error: ParseStepsError| error.to_string())
}

pub(super) fn on_outage(text: &str) -> Result<OnOutage, String> {
    match text {
        "extend" => Ok(OnOutage::Extend),
        "close" => Ok(OnOutage::Close),
        _ => Err("is unknown; expected extend (more time after the restart) or close".to_owned()),
    }
}

pub(super) fn accounts(text: &str) -> Result<AccountMode, String> {
    match text {
        "credit" => Ok(AccountMode::Credit),
        "funds" => Ok(AccountMode::Funds),
        _ => Err(
            "is unknown; expected credit (bids without limit) or funds (cash and shares)"
                .to_owned(),
        ),
    }
}

/// Parses `off`, or a number of house traders.
pub(super) fn demo(text: &str) -> Result<Option<usize>, String> {
    if text == "off" {
        return Ok(None);
    }
    let traders = text.parse().ok();
    let traders = traders.filter(|traders| (1..=DEMO_TRADERS_MAX).contains(traders));
    traders.map(Some).ok_or_else(|| {
        format!(
            "is no number of house traders; expected 1 to {DEMO_TRADERS_MAX}, for example 8, or off; before a \
             command write --demo=8"
        )
    })
}

pub(super) fn durability(text: &str) -> Result<Durability, String> {
    match text {
        "strict" => Ok(Durability::Strict),
        "relaxed" => Ok(Durability::Relaxed),
        _ => Err(
            "is unknown; expected strict (a bid is acknowledged when it is on disk) or relaxed (when it is written: if \
             the machine goes down, the last moments are lost)"
                .to_owned(),
        ),
    }
}

pub(super) fn log(text: &str) -> Result<LogFormat, String> {
    match text {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err("is unknown; expected human or json".to_owned()),
    }
}

pub(super) fn log_level(text: &str) -> Result<LogLevel, String> {
    match text {
        "error" => Ok(LogLevel::Error),
        "warn" => Ok(LogLevel::Warn),
        "info" => Ok(LogLevel::Info),
        "debug" => Ok(LogLevel::Debug),
        _ => Err("is unknown; expected error, warn, info or debug".to_owned()),
    }
}

pub(super) fn registration(text: &str) -> Result<RegistrationMode, String> {
    match text {
        "open" => Ok(RegistrationMode::Open),
        "closed" => Ok(RegistrationMode::Closed),
        _ => Err("is unknown; expected open or closed".to_owned()),
    }
}

pub(super) fn heartbeat(text: &str) -> Result<Duration, String> {
    let heartbeat = Duration::from_micros(span(text)?.micros());
    if (HEARTBEAT_MIN..=HEARTBEAT_MAX).contains(&heartbeat) {
        return Ok(heartbeat);
    }
    let (least, most) = (HEARTBEAT_MIN.as_millis(), HEARTBEAT_MAX.as_secs());
    Err(format!(
        "is no heartbeat; expected {least}ms to {most}s, for example 5s"
    ))
}

pub(super) fn file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("is no file; expected a path".to_owned());
    }
    Ok(PathBuf::from(text))
}

pub(crate) fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("is unknown; expected on or off".to_owned()),
    }
}

/// Parses `/` or `/auction`, and returns it without a `/` at its end.
pub(super) fn base_path(text: &str) -> Result<String, String> {
    let path = text.strip_suffix('/').unwrap_or(text);
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        !name.is_empty()
            && !matches!(name, "." | "..")
            && bytes.all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    };
    let mut names = path.split('/');
    let begins = names.next() == Some("") && text.starts_with('/');
    if begins && names.all(is_name) && path.len() <= BASE_PATH_BYTES_MAX {
        return Ok(path.to_owned());
    }
    Err(format!(
        "is no base path; expected / and names of letters, digits and -._~, at most {BASE_PATH_BYTES_MAX} bytes, for \
         example /auction"
    ))
}

/// Parses `127.0.0.1,10.0.0.0/8`.
pub(super) fn trusted_proxies(text: &str) -> Result<Vec<AddressRange>, String> {
    let ranges: Result<Vec<AddressRange>, _> =
        text.split(',').map(|range| range.trim().parse()).collect();
    match ranges {
        Ok(ranges) if ranges.len() <= TRUSTED_PROXIES_MAX => Ok(ranges),
        Ok(_) => Err(format!(
            "is too long; at most {TRUSTED_PROXIES_MAX} addresses and networks"
        )),
        Err(error) => Err(format!(
            "is no list of proxies; {error}, separated by commas"
        )),
    }
}

/// Parses `auction.example.com,www.example.com`, without ports: a name is valid at every port.
pub(super) fn public_hosts(text: &str) -> Result<Vec<String>, String> {
    let host = |host: &str| {
        let host = host.trim().to_ascii_lowercase();
        let is_name = !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
        is_name.then_some(host)
    };
    let hosts: Option<Vec<_>> = text.split(',').map(host).collect();
    hosts
        .filter(|hosts| hosts.len() <= PUBLIC_HOSTS_MAX)
        .ok_or_else(|| {
            format!(
                "is no list of names; expected at most {PUBLIC_HOSTS_MAX} without ports, for example \
                 auction.example.com"
            )
        })
}

pub(super) fn ops_listen(text: &str) -> Result<OpsListen, String> {
    match text {
        "off" => Ok(OpsListen::Off),
        "auto" => Ok(OpsListen::Auto),
        _ => listen(text).map(OpsListen::At).map_err(|_| {
            "is not an address; expected a number and a port, for example 127.0.0.1:2023, or off"
                .to_owned()
        }),
    }
}

pub(super) fn count(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .map_err(|_| "is no number; expected 1 or more, for example 100".to_owned())
}

/// Parses `600/1m`, or `off`.
pub(super) fn rate(text: &str) -> Result<Option<Rate>, String> {
    if text == "off" {
        return Ok(None);
    }
    let rate = || {
        let (count, period) = text.split_once('/')?;
        let count: NonZeroU32 = count.trim().parse().ok()?;
        let period = period.parse::<Span>().ok()?;
        let period = Duration::from_micros(period.micros());
        let is_slow_enough = period.checked_div(count.get())? > Duration::ZERO;
        (is_slow_enough && period <= RATE_PERIOD_MAX).then_some(Rate { count, period })
    };
    rate().map(Some).ok_or_else(|| {
        "is no rate; expected a number and a duration of at most 1h, for example 600/1m, or off"
            .to_owned()
    })
}
