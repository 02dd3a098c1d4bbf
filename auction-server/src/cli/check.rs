//! `config check`: checks whether a server would start with these settings and files, without starting one.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use auction_core::{AccountMode, Caller, Command, Engine, MarketId, Timestamp};

use crate::cli::access::try_access;
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

/// Result of the checks.
#[derive(Debug, Default)]
pub struct Checked {
    /// Items found, one line each.
    pub found: Vec<String>,
    /// Problems that do not prevent a start.
    pub warnings: Vec<String>,
    /// Problems that keep a server from starting, or from opening its next round.
    pub faults: Vec<String>,
}

/// Checks the certificate, the files of the data folder and the ports.
#[must_use]
pub fn check(config: &Config) -> Checked {
    let mut checked = Checked::default();
    checked.descriptors(config);
    checked.tls(config);
    let tried = try_access(config);
    checked.found.extend(tried.found);
    checked.warnings.extend(tried.warnings);
    checked.faults.extend(tried.faults);
    let last_record = checked.last_record(config);
    let warning = ClockWarning::at_start(ThisMachine.utc(), last_record);
    checked
        .warnings
        .extend(warning.map(|warning| warning.to_string()));
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
        checked.took(lots.map(|lots| said(&file, lots, "lot")));
    }
    let users = config.data.users();
    let mut user_warnings = Vec::new();
    if users.exists() {
        let accounts = users::check(&users, engine.market());
        checked.took(accounts.map(|(accounts, warnings)| {
            user_warnings = warnings;
            said(&users, accounts, "account")
        }));
    }
    checked.warnings.extend(user_warnings);
    checked.warnings.extend(private_files::warnings(config));
    let journal = config.data.journal();
    let is_there = if journal.exists() {
        "a market is there, and goes on"
    } else {
        "none yet; the first start makes it"
    };
    checked
        .found
        .push(format!("{}: {is_there}", journal.display()));
    checked
}

impl Checked {
    fn descriptors(&mut self, config: &Config) {
        match ConnectionLimits::with(hard_limit()) {
            Ok(limits) => self.warnings.extend(limits.warning(&config.network)),
            Err(error) => self.faults.push(error.to_string()),
        }
    }

    fn tls(&mut self, config: &Config) {
        match &config.network.tls {
            Tls::Off if !config.listen.ip().is_loopback() => self.warnings.push(format!(
                "others can reach {}, and passwords cross the network unencrypted; turn TLS on with tls-cert and \
                 tls-key",
                config.listen
            )),
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
                let warning = tls.and_then(|tls| tls.warning(ThisMachine.utc()));
                self.warnings.extend(warning.map(|said| said.to_string()));
                self.found
                    .push(format!("{}: a certificate and its key", file.display()));
            }
            Err(error) => self.faults.push(error.to_string()),
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
            self.warnings
                .push(format!("the market's time cannot be read: {error}"));
            Timestamp::default()
        })
    }

    fn stocks(&mut self, path: &Path, engine: &mut Engine, now: Timestamp) {
        let stocks = match stocks::read(path) {
            Ok(stocks) => stocks,
            Err(error) => return self.faults.push(error.to_string()),
        };
        for listing in &stocks.listings {
            let list = Command::ListStock(*listing);
            if let Err(reject) = engine.execute(now, Caller::Operator, list) {
                self.faults
                    .push(format!("stock {}: {reject}", listing.symbol));
            }
        }
        self.found.push(said(path, stocks.listings.len(), "stock"));
        self.warnings.extend(stocks.warnings);
    }

    fn took<E: fmt::Display>(&mut self, found: Result<String, E>) {
        match found {
            Ok(found) => self.found.push(found),
            Err(error) => self.faults.push(error.to_string()),
        }
    }
}

/// Number of lots that a file plans, if the market would open them all.
fn planned(config: &Config, file: &Path, engine: &Engine, now: Timestamp) -> Result<usize, String> {
    let defaults = Defaults {
        open_for: config.open_for,
        steps: config.steps.clone(),
        soft_close: config.soft_close,
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
