//! `config check`: checks whether a server would start with these settings and files, without starting one.

use std::path::Path;
use std::sync::Arc;

use auction_core::{AccountMode, Caller, Command, Engine, MarketId, Timestamp};

use crate::cli::access::try_access;
use crate::cli::findings::Findings;
use crate::config::csv::lots;
use crate::config::csv::lots::Defaults;
use crate::config::csv::stocks;
use crate::config::csv::users;
use crate::config::private_files;
use crate::config::{Config, Tls};
use crate::gateway;
use crate::gateway::connection_limits::{ConnectionLimits, hard_limit};
use crate::journal::RealDisk;
use crate::market::restore;
use crate::market::startup::refused_lots;
use crate::platform::clock::{Clock as _, ClockWarning, Machine as _, MarketClock, ThisMachine};

/// Checks the certificate, the files of the data folder and the ports.
#[must_use]
pub fn check(config: &Config) -> Findings {
    let mut findings = Findings::default();
    let mut checked = Checked(&mut findings);
    checked.descriptors(config);
    checked.tls(config);
    try_access(config, checked.0);
    let last_record = checked.last_record(config);
    if let Some(warning) = ClockWarning::at_start(ThisMachine.utc(), last_record) {
        checked.0.warn("clock", warning);
    }
    let now = MarketClock::continuing(Arc::new(ThisMachine), last_record).now();
    // A temporary market, which refuses what the real one would refuse.
    let mut engine = Engine::new(MarketId::default());
    // The journal of an existing market says how it pays. A new market uses credit by default.
    let is_new = !config.data.journal().exists();
    if config.accounts == Some(AccountMode::Funds) || (config.accounts.is_none() && !is_new) {
        let mode = AccountMode::Funds;
        let set = engine.execute(now, Caller::Operator, Command::SetAccounts { mode });
        set.expect("a market without lots can run on funds");
    }
    checked.stocks(&config.data.stocks(), &mut engine, now);
    if let Some(file) = config.round_file() {
        let lots = planned(config, &file, &engine, now);
        let found = lots.map(|lots| said(&file, lots, "lot"));
        checked.0.take(INPUTS, found);
    }
    let users = config.data.users();
    if users.exists() {
        match users::check(&users, engine.market()) {
            Ok((accounts, warnings)) => {
                checked.0.found(INPUTS, said(&users, accounts, "account"));
                for warning in warnings {
                    checked.0.warn(INPUTS, warning);
                }
            }
            Err(error) => checked.0.fail(INPUTS, error),
        }
    }
    for warning in private_files::warnings(config) {
        checked.0.warn("secrets", warning);
    }
    let journal = config.data.journal();
    let is_there = if journal.exists() {
        "a market is there, and goes on"
    } else {
        "none yet; the first start makes it"
    };
    findings.found("journal", format!("{}: {is_there}", journal.display()));
    findings
}

const INPUTS: &str = "inputs";
const TLS: &str = "TLS";
const DESCRIPTORS: &str = "descriptors";

struct Checked<'a>(&'a mut Findings);

impl Checked<'_> {
    fn descriptors(&mut self, config: &Config) {
        match ConnectionLimits::with(hard_limit()) {
            Ok(limits) => match limits.warning(&config.network) {
                Some(warning) => self.0.warn(DESCRIPTORS, warning),
                None => self.0.found(
                    DESCRIPTORS,
                    format!("open files: enough for {} connections", limits.connections),
                ),
            },
            Err(error) => self.0.fail(DESCRIPTORS, error),
        }
    }

    fn tls(&mut self, config: &Config) {
        match &config.network.tls {
            Tls::Off if !config.listen.ip().is_loopback() => {
                let text = format!(
                    "others can reach {}, and passwords cross the network unencrypted; turn TLS on with tls-cert and \
                     tls-key",
                    config.listen
                );
                self.0.warn(TLS, text);
            }
            Tls::Off => {}
            Tls::SelfSigned => {
                let file = config.data.self_signed();
                // The first start creates it.
                if file.exists() {
                    self.certificate(config, &file);
                }
            }
            Tls::Files { cert, .. } => self.certificate(config, cert),
        }
    }

    fn certificate(&mut self, config: &Config, file: &Path) {
        match gateway::open_tls(&config.network.tls, &config.data, Vec::new()) {
            Ok(tls) => {
                if let Some(warning) = tls.and_then(|tls| tls.warning(ThisMachine.utc())) {
                    self.0.warn(TLS, warning);
                }
                let text = format!("{}: a certificate and its key", file.display());
                self.0.found(TLS, text);
            }
            Err(error) => self.0.fail(TLS, error),
        }
    }

    /// The time of the journal's last record; [`Timestamp::default`] without records.
    fn last_record(&mut self, config: &Config) -> Timestamp {
        let journal = config.data.journal();
        if !journal.exists() {
            return Timestamp::default();
        }
        let last = restore::last_record_at(Arc::new(RealDisk), &journal);
        last.unwrap_or_else(|error| {
            let text = format!("the market's time cannot be read: {error}");
            self.0.warn("clock", text);
            Timestamp::default()
        })
    }

    fn stocks(&mut self, path: &Path, engine: &mut Engine, now: Timestamp) {
        let stocks = match stocks::read(path) {
            Ok(stocks) => stocks,
            Err(error) => return self.0.fail(INPUTS, error),
        };
        for listing in &stocks.listings {
            let list = Command::ListStock(*listing);
            if let Err(reject) = engine.execute(now, Caller::Operator, list) {
                let text = format!("stock {}: {reject}", listing.symbol);
                self.0.fail(INPUTS, text);
            }
        }
        let text = said(path, stocks.listings.len(), "stock");
        self.0.found(INPUTS, text);
        for warning in stocks.warnings {
            self.0.warn(INPUTS, warning);
        }
    }
}

/// Number of lots that a file plans, if the market would open them all.
fn planned(config: &Config, file: &Path, engine: &Engine, now: Timestamp) -> Result<usize, String> {
    let defaults = Defaults {
        open_for: config.open_for,
        steps: config.steps.clone(),
        soft_close: config.soft_close,
        trading_days: config.network.trading_days,
        calendars: config.calendars.clone(),
    };
    let lots = lots::read(file, &defaults).map_err(|error| error.to_string())?;
    let open: Vec<_> = lots.iter().map(|lot| lot.open(now)).collect();
    match refused_lots(engine, now, &open).first() {
        None => Ok(lots.len()),
        Some((place, reject)) => {
            let (file, line) = (file.display(), lots[*place].line);
            Err(format!("{file}:{line}: {reject}"))
        }
    }
}

fn said(path: &Path, count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{}: {count} {what}{s}", path.display())
}
