//! From a text to a valid value. An error is a sentence that goes on after the text it is about.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use auction_core::{AccountMode, ParseSpanError, ParseStepsError, Span, Steps};

use crate::config::data_dir::DataDir;
use crate::config::reserved_names::DEMO_TRADERS_MAX;
use crate::journal::Durability;

/// Most stocks that a round opens: as many as a market lists.
pub const LOTS_PER_ROUND_MAX: usize = auction_core::limits::STOCKS_MAX;

/// The shortest heartbeat.
pub const HEARTBEAT_MIN: Duration = Duration::from_millis(200);
/// The longest heartbeat.
pub const HEARTBEAT_MAX: Duration = Duration::from_secs(60);
/// How many names browsers can know the server by.
pub const PUBLIC_HOSTS_MAX: usize = 16;

/// What happens to lots that fell due while the server was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOutage {
    /// They get `extend_by` more from the restart, for nobody could bid.
    Extend,
    /// They close with the bids they have.
    Close,
}

/// The form of the logs on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Where operators ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpsListen {
    /// Nowhere.
    Off,
    /// At [`OpsListen::USUAL`], or nowhere when that is taken: a second market on one machine must start.
    Auto,
    /// Here, or the server does not start.
    At(SocketAddr),
}

impl OpsListen {
    /// Where operators look first.
    pub const USUAL: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2023);

    /// The address to ask at.
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
    /// How many.
    pub count: NonZeroU32,
    /// In how long; at least a nanosecond each.
    pub period: Duration,
}

/// The longest period of a rate.
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

/// A span of whole microseconds, at most 366 days.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    text.parse()
        .map_err(|error: ParseSpanError| error.to_string())
}

/// How long lots are open: a span, and not none.
pub(crate) fn open_for(text: &str) -> Result<Span, String> {
    match span(text)? {
        Span::ZERO => Err("leaves no time to bid; expected for example 300s".to_owned()),
        open_for => Ok(open_for),
    }
}

/// `0.01`, `banded`, or `0:0.05,1:0.25`: bands of (from price, step).
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

/// `off`, or how many house traders play.
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

/// `auction.example.com,www.example.com`, without ports: a name is the same at every port.
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

/// `600/1m`, or `off`.
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
