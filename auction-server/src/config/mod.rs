//! Configuration of a server: raw texts from flags, environment and file become one valid [`Config`] in one step.
//!
//! A flag overrides the environment, the environment the file, the file the default. All faults are reported together,
//! each with its place, the problem and what would be valid.

pub mod private_files;
pub mod csv;
mod file;
mod network;
pub(crate) mod value;
pub mod calendar;
mod address_range;
mod setting;
pub mod reserved_names;
pub mod data_dir;
mod permissions;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use auction_core::{AccountMode, SoftClose, SoftCloseMode, Span, Steps};
use auction_proto::disturbs_display;

use crate::config::calendar::Calendars;
use crate::config::data_dir::DataDir;
use crate::journal::Durability;

pub use address_range::AddressRange;
pub use file::{Contents, SETTINGS_BYTES_MAX, SettingsFile};
pub use network::{Network, Tls};
pub use setting::{Given, Origin, Setting};
pub use value::{
    HEARTBEAT_MAX, HEARTBEAT_MIN, LOTS_PER_ROUND_MAX, LogFormat, LogLevel, OnOutage, OpsListen,
    Rate, RegistrationMode,
};

/// Configuration of a server. Settings for lots apply to lots opened from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Address of the market; port 0 picks a free port.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: DataDir,
    /// Number of stocks that a round opens as lots, 1 to [`LOTS_PER_ROUND_MAX`], if there is no file of lots.
    pub lots: usize,
    /// The file of a round's lots; `None`: `lots.csv` in the data folder, if it exists.
    pub lots_file: Option<PathBuf>,
    /// Time for which a round's lots are open; never zero.
    pub open_for: Span,
    /// Extension of lots by late bids. Its `extend_by` is also the extension after an outage.
    pub soft_close: SoftClose,
    /// Minimum increment of a bid.
    pub steps: Steps,
    /// Seed for choosing the stocks; `None`: a new random seed each round.
    pub seed: Option<u64>,
    /// Handling of lots that became due while the server was down.
    pub on_outage: OnOutage,
    /// Payment of traders, fixed before a market's first lot; `None`: as the market on disk has it; credit for a new
    /// one.
    pub accounts: Option<AccountMode>,
    /// Demo with house traders, if any; then [`data`](Self::data) is the folder of the demo.
    pub demo: Option<Demo>,
    /// Acknowledgement of a bid: once it is synced, or once it is written.
    pub durability: Durability,
    /// Format of the logs.
    pub log: LogFormat,
    /// Least important entries that are logged.
    pub log_level: LogLevel,
    /// File of the logs; `None`: standard error.
    pub log_file: Option<PathBuf>,
    /// Network addresses and limits.
    pub network: Network,
    /// Calendars of trading days, from the settings file alone.
    pub calendars: Calendars,
}

impl Config {
    /// The file of a round's lots, if there is one.
    #[must_use]
    pub fn round_file(&self) -> Option<PathBuf> {
        let given = self.lots_file.clone();
        given.or_else(|| Some(self.data.lots()).filter(|file| file.exists()))
    }
}

/// Configuration of a demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demo {
    /// Number of house traders, 1 to [`DEMO_TRADERS_MAX`](crate::config::reserved_names::DEMO_TRADERS_MAX).
    pub traders: usize,
    /// Time for which its longest lots are open: [`DEMO_OPEN_FOR`], unless it was given.
    pub open_for: Span,
}

/// Default time for which the longest lots of a demo are open.
pub const DEMO_OPEN_FOR: Span = Span::from_secs(120);

/// One fault of the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is invalid.
    #[error("{given} {:?} {expected}", given.text)]
    Value {
        /// The given value and its origin.
        given: Given,
        /// The problem, and what would be valid.
        expected: String,
    },
    /// The settings file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The settings file is invalid.
    #[error("{}:{line}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The problem, and what would be valid.
        message: String,
    },
}

/// The settings in force: the text and origin of each, and the configuration that results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The resulting configuration.
    pub config: Config,
    /// The value in force of each setting, in the order of [`Setting::ALL`].
    pub in_force: Vec<Given>,
}

/// Builds a configuration from all given values, in any order.
///
/// # Errors
/// All invalid values in force.
pub fn resolve(given: Vec<Given>) -> Result<Resolved, Vec<ConfigError>> {
    let in_force: Vec<Given> = Setting::ALL
        .into_iter()
        .filter_map(|setting| strongest(setting, &given))
        .collect();
    let mut checked = Checked {
        in_force: &in_force,
        faults: Vec::new(),
    };
    let listen = checked.value(Setting::Listen, value::listen);
    let data = checked.value(Setting::Data, value::data);
    let lots = checked.value(Setting::Lots, value::lots);
    let lots_file = checked.value(Setting::LotsFile, value::file);
    let open_for = checked.value(Setting::OpenFor, value::open_for);
    let extend_within = checked.value(Setting::ExtendWithin, value::span);
    let extend_by = checked.value(Setting::ExtendBy, value::span);
    let steps = checked.value(Setting::Step, value::steps);
    let seed = checked.value(Setting::Seed, value::seed);
    let on_outage = checked.value(Setting::OnOutage, value::on_outage);
    let accounts = checked.value(Setting::Accounts, value::accounts);
    let traders = checked.value(Setting::Demo, value::demo);
    let durability = checked.value(Setting::Durability, value::durability);
    let log = checked.value(Setting::Log, value::log);
    let log_level = checked.value(Setting::LogLevel, value::log_level);
    let log_file = checked.value(Setting::LogFile, value::file);
    let network = Network::of(&mut checked);
    if (on_outage, extend_by) == (Some(OnOutage::Extend), Some(Span::ZERO)) {
        checked.fault(
            Setting::ExtendBy,
            "gives lots no time after an outage; expected for example 60s, or set on-outage to close",
        );
    }
    if !checked.faults.is_empty() {
        return Err(checked.faults);
    }
    let is_pace_given = checked.is_chosen(Setting::OpenFor);
    const CHECKED: &str = "a setting with a default has a value, and all values were checked";
    let open_for = open_for.expect(CHECKED);
    let demo = traders.expect(CHECKED).map(|traders| Demo {
        traders,
        open_for: if is_pace_given {
            open_for
        } else {
            DEMO_OPEN_FOR
        },
    });
    let data = data.expect(CHECKED);
    let config = Config {
        listen: listen.expect(CHECKED),
        data: if demo.is_some() { data.demo() } else { data },
        lots: lots.expect(CHECKED),
        lots_file,
        open_for,
        soft_close: SoftClose {
            mode: SoftCloseMode::Add,
            extend_within: extend_within.expect(CHECKED),
            extend_by: extend_by.expect(CHECKED),
            extensions_max: None,
        },
        steps: steps.expect(CHECKED),
        seed,
        on_outage: on_outage.expect(CHECKED),
        accounts,
        demo,
        durability: durability.expect(CHECKED),
        log: log.expect(CHECKED),
        log_level: log_level.expect(CHECKED),
        log_file,
        network: network.expect(CHECKED),
        calendars: Calendars::new(),
    };
    Ok(Resolved { config, in_force })
}

/// The configuration with all defaults.
impl Default for Config {
    fn default() -> Self {
        resolve(Vec::new()).expect("the defaults are valid").config
    }
}

/// Prints a settings file, with the origin of each value.
impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for setting in Setting::ALL {
            let key = setting.key();
            match self.in_force.iter().find(|given| given.setting == setting) {
                Some(given) => {
                    let text = toml_string(&given.text);
                    let origin = match &given.origin {
                        Origin::Default => "default".to_owned(),
                        _ => given.to_string(),
                    };
                    writeln!(f, "{key} = {text} # {origin}")?;
                }
                None => writeln!(f, "# {key}: none")?,
            }
        }
        for (name, calendar) in &self.config.calendars {
            write!(f, "\n[calendar.{}]\n{calendar}", toml_string(name))?;
        }
        Ok(())
    }
}

struct Checked<'a> {
    in_force: &'a [Given],
    faults: Vec<ConfigError>,
}

impl Checked<'_> {
    fn value<T>(
        &mut self,
        setting: Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let given = self
            .in_force
            .iter()
            .find(|given| given.setting == setting)?;
        match parse(&given.text) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.fault(setting, &expected);
                None
            }
        }
    }

    fn is_given(&self, setting: Setting) -> bool {
        self.in_force.iter().any(|given| given.setting == setting)
    }

    /// Returns whether the setting was given explicitly, and not by default.
    fn is_chosen(&self, setting: Setting) -> bool {
        let mut in_force = self.in_force.iter();
        in_force.any(|given| given.setting == setting && given.origin != Origin::Default)
    }

    fn fault(&mut self, setting: Setting, expected: &str) {
        let given = self.in_force.iter().find(|given| given.setting == setting);
        let given = given.expect("only a value can be wrong").clone();
        let expected = expected.to_owned();
        self.faults.push(ConfigError::Value { given, expected });
    }
}

fn strongest(setting: Setting, given: &[Given]) -> Option<Given> {
    let strongest = given
        .iter()
        .filter(|given| given.setting == setting)
        .max_by(|a, b| a.origin.cmp(&b.origin));
    let default = || {
        let text = setting.default_text()?.to_owned();
        Some(Given {
            setting,
            text,
            origin: Origin::Default,
        })
    };
    strongest.cloned().or_else(default)
}

/// A TOML basic string.
fn toml_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if disturbs_display(char) => {
                quoted.push_str(&format!("\\U{:08X}", u32::from(char)));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}
