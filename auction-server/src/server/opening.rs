//! Opening the market of a data folder at a start: journal, keys, accounts and lots.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use auction_core::{Listing, Term, Timestamp};

use super::error::StartError;
use crate::config::Config;
use crate::config::csv::CsvError;
use crate::config::csv::lots::{self, Defaults, PlannedLot};
use crate::config::csv::stocks;
use crate::config::csv::users;
use crate::config::private_files;
use crate::config::reserved_names;
use crate::demo::DemoAccounts;
use crate::gateway::ServerTls;
use crate::journal::{Disk, Durability, RealDisk, missing_archives};
use crate::market::group_commit::GroupCommit;
use crate::market::last_seen;
use crate::market::restore;
use crate::market::startup::{self, OutagePolicy, Repriced, Round};
use crate::platform::clock::{Clock, ClockWarning, Machine, MarketClock};
use crate::platform::progress::Progress;
use crate::projections::console_text::{self, Security};
use crate::projections::signing::{Keys, open_keys};

/// Maximum number of lots that are named individually at a start.
const LOTS_NAMED_MAX: usize = 20;

/// An open market, before the server accepts connections.
pub(super) struct OpenedMarket {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) group_commit: GroupCommit,
    pub(super) keys: Keys,
    pub(super) term: Term,
    pub(super) market_clock: Arc<MarketClock>,
    /// Position of the snapshot from which the market was restored; 0 without one.
    pub(super) snapshot: u64,
    pub(super) begun: Begun,
    clock_warning: Option<ClockWarning>,
}

/// Opens the market of the data folder or a new one, and prepares it for bids.
///
/// # Errors
/// [`StartError`]; a new folder with invalid files stays without a journal.
pub(super) fn open(
    machine: Arc<dyn Machine>,
    config: &Config,
    on_progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<OpenedMarket, StartError> {
    // A mistyped folder must not become a market.
    if !config.data.journal().exists() {
        stocks::read(&config.data.stocks())?;
        if let (Some(file), None) = (config.round_file(), config.demo) {
            read_lots(config, &file)?;
        }
    }

    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let opened = restore::open(disk.clone(), &config.data, config.durability, on_progress)?;
    log_recovery(&opened);
    for (link, target) in missing_archives(&config.data.journal()) {
        tracing::warn!(
            segment = %link.display(),
            archive = %target.display(),
            "an archived segment is not there: receipts, exports and verify need it; connect its disk"
        );
    }
    let last_record = opened.engine.at();
    let clock_warning = ClockWarning::at_start(machine.utc(), last_record);
    if let Some(warning) = &clock_warning {
        tracing::warn!("{warning}");
    }
    let market_clock = Arc::new(MarketClock::continuing(machine, last_record));
    // The journal's lock keeps a second server from creating another.
    let had_key = config.data.market_key().exists();
    let keys = open_keys(&*disk, &config.data)?;
    if !had_key && opened.recovery.last_sequence > 0 {
        tracing::warn!(
            "{} was missing: the market signs with a new key from now on, {}, which clients who kept an older \
             one refuse; restore the file from a copy if there was one",
            config.data.market_key().display(),
            keys.signing.public().fingerprint(),
        );
    }
    for warning in private_files::warnings(config) {
        tracing::warn!("{warning}");
    }
    let term = Term(opened.recovery.term);
    let mut group_commit = GroupCommit::new(opened.engine, Box::new(opened.journal));
    let begun = open_market(config, &mut group_commit, &*market_clock, on_progress)?;
    Ok(OpenedMarket {
        disk,
        group_commit,
        keys,
        term,
        market_clock,
        snapshot: opened.snapshot,
        begun,
        clock_warning,
    })
}

impl OpenedMarket {
    /// Returns the text to print at the start, and warns of a certificate's dates and of relaxed durability. `utc` is the
    /// time of the machine's clock.
    pub(super) fn startup_text(
        &self,
        config: &Config,
        address: SocketAddr,
        tls: Option<&ServerTls>,
        utc: Timestamp,
    ) -> String {
        let security = match tls {
            None => Security::Plain,
            Some(tls) => match &tls.fingerprint {
                Some(fingerprint) => Security::SelfSigned(fingerprint),
                None => Security::Tls(tls.certified(address.ip())),
            },
        };
        let market = self.group_commit.engine().market();
        let mut startup_text =
            console_text::opening(market, address, security, self.market_clock.now());
        startup_text.push_str(&console_text::signs_with(
            self.keys.signing.public().fingerprint(),
        ));
        startup_text.push_str(&self.begun.to_string());
        if let Some(warning) = &self.clock_warning {
            startup_text.push_str(&format!("Beware: {warning}.\n"));
        }
        if let Some(warning) = tls.and_then(|tls| tls.warning(utc)) {
            tracing::warn!("{warning}");
            startup_text.push_str(&format!("Beware: {warning}.\n"));
        }
        if config.durability == Durability::Relaxed {
            startup_text.push_str(console_text::RELAXED);
            tracing::warn!(
                "durability is relaxed: if this machine goes down, the last moments are lost"
            );
        }
        startup_text
    }
}

fn log_recovery(opened: &restore::RestoredMarket) {
    for warning in &opened.warnings {
        tracing::warn!("{warning}");
    }
    let recovery = &opened.recovery;
    if let Some(torn) = recovery.torn.as_ref().filter(|_| recovery.was_relaxed) {
        tracing::warn!(
            file = %torn.file.display(),
            offset = torn.offset,
            "the machine went down while durability was relaxed: the last moments of the market are lost"
        );
    } else if let Some(torn) = &recovery.torn {
        tracing::warn!(
            file = %torn.file.display(),
            offset = torn.offset,
            "the journal's end was torn: an append that was never acknowledged has been wiped out"
        );
    }
    tracing::info!(
        market = %opened.engine.market().id(),
        records = recovery.last_sequence,
        replayed_frames = recovery.frames,
        snapshot = opened.snapshot,
        "journal opened"
    );
}

/// A market that is ready for bids.
pub(super) struct Begun {
    /// The accounts of a demo, if there is one: then the demo opens the lots.
    pub(super) demo_accounts: Option<DemoAccounts>,
    /// Number of lots that became due while the server was down and got more time.
    extended: usize,
    /// True if no lot was open, so that the settings of a round applied.
    is_new_round: bool,
    /// Number of stocks that are new or changed in `stocks.csv`.
    stocks_changed: usize,
    /// True if lots are open and `stocks.csv` could not be read.
    are_stocks_unread: bool,
    /// Lots of an earlier start whose base price is not that of `stocks.csv`.
    repriced: Vec<Repriced>,
}

/// Prints what the settings do not say about the open lots; nothing for a new round.
impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.extended > 0 {
            let (count, s) = (self.extended, if self.extended == 1 { "" } else { "s" });
            writeln!(
                f,
                "{count} lot{s} fell due while the server was down, and got more time by --extend-by, for nobody could bid."
            )?;
        }
        if !self.is_new_round {
            writeln!(
                f,
                "Lots of an earlier start are open, so there is no new round: --open-for, --lots and lots.csv do not \
                 concern them."
            )?;
            if self.are_stocks_unread {
                writeln!(
                    f,
                    "stocks.csv could not be read, and nothing of it is taken: the log says why."
                )?;
            }
            if self.stocks_changed > 0 {
                let (count, s) = (
                    self.stocks_changed,
                    if self.stocks_changed == 1 { "" } else { "s" },
                );
                writeln!(
                    f,
                    "stocks.csv: {count} stock{s} new or changed; that holds for lots that are opened from now on."
                )?;
            }
            for Repriced {
                lot,
                symbol,
                base,
                listed,
            } in self.repriced.iter().take(LOTS_NAMED_MAX)
            {
                writeln!(
                    f,
                    "Lot {lot} ({symbol}) is open and keeps its base price {base}; in stocks.csv it is {listed}."
                )?;
            }
            if let more @ 1.. = self.repriced.len().saturating_sub(LOTS_NAMED_MAX) {
                writeln!(f, "So do {more} more open lots.")?;
            }
        }
        Ok(())
    }
}

/// Prepares the market for bids: accounts, lots that became due, a new round if no lot is open.
fn open_market(
    config: &Config,
    group_commit: &mut GroupCommit,
    clock: &dyn Clock,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Begun, StartError> {
    let now = clock.now();
    // First: days go on from when the market was last seen to run.
    let extended = end_outage(config, group_commit, now)?;
    let demo_accounts = enter_demo(config, group_commit, now)?;
    if let Some(mode) = config.accounts {
        startup::set_accounts(group_commit, now, mode)?.map_err(StartError::Accounts)?;
    }
    let is_new_round = group_commit.engine().market().open_lots() == 0 || demo_accounts.is_some();
    let stocks = match stocks::read(&config.data.stocks()) {
        Ok(stocks) => Some(stocks),
        Err(error) if is_new_round => return Err(error.into()),
        // Open lots need no file, and their bidders wait for this start.
        Err(error) => {
            tracing::warn!("{error}; nothing of the file is taken while lots are open");
            None
        }
    };
    let are_stocks_unread = stocks.is_none();
    let plan = match config.round_file() {
        // Read before anything of the round is journalled.
        Some(file) if is_new_round && demo_accounts.is_none() => {
            let lots = read_lots(config, &file)?;
            Some((file, lots))
        }
        _ => None,
    };
    let mut stocks_changed = 0;
    if let Some(stocks) = &stocks {
        stocks
            .warnings
            .iter()
            .for_each(|warning| tracing::warn!("{warning}"));
        let listed = startup::list_stocks(group_commit, now, &stocks.listings)?;
        for (symbol, reject) in &listed.refused {
            if is_new_round {
                return Err(StartError::Refused(format!("stock {symbol}: {reject}")));
            }
            tracing::warn!(%symbol, "the stock is not listed: {reject}");
        }
        stocks_changed = listed.changed;
    }
    let repriced = match is_new_round {
        true => Vec::new(),
        false => startup::repriced(group_commit.engine().market()),
    };
    let import = users::read(
        &config.data.users(),
        group_commit.engine().market(),
        on_progress,
    )?;
    import
        .warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    let imported = startup::import_accounts(group_commit, clock.now(), import.accounts)?;
    if let Err((line, reject)) = imported {
        let file = config.data.users();
        let file = file.display();
        return Err(StartError::Refused(format!("{file}:{line}: {reject}")));
    }
    match (stocks, plan) {
        _ if demo_accounts.is_some() => {}
        _ if !is_new_round => {}
        (None, _) => {}
        (Some(_), Some((file, lots))) => open_planned(group_commit, clock.now(), &file, &lots)?,
        (Some(stocks), None) => open_random(config, group_commit, clock.now(), &stocks.listings)?,
    }
    // Hashing many accounts takes minutes, and nobody can connect meanwhile.
    let extended = extended + end_outage(config, group_commit, clock.now())?;
    Ok(Begun {
        demo_accounts,
        extended,
        is_new_round,
        stocks_changed,
        are_stocks_unread,
        repriced,
    })
}

fn end_outage(
    config: &Config,
    group_commit: &mut GroupCommit,
    now: Timestamp,
) -> io::Result<usize> {
    let seen = last_seen::read(&config.data.last_seen());
    let extended = startup::end_outage(group_commit, now, seen, outage_policy(config))?;
    if extended > 0 {
        tracing::warn!(
            lots = extended,
            "lots that fell due while the server was down are extended"
        );
    }
    Ok(extended)
}

pub(super) fn outage_policy(config: &Config) -> OutagePolicy {
    OutagePolicy {
        on_outage: config.on_outage,
        extend_by: config.soft_close.extend_by,
    }
}

/// The demo, if it is requested.
fn enter_demo(
    config: &Config,
    group_commit: &mut GroupCommit,
    now: Timestamp,
) -> Result<Option<DemoAccounts>, StartError> {
    let Some(demo) = config.demo else {
        if reserved_names::is_demo(group_commit.engine().market()) {
            tracing::warn!(
                "this is the market of a demo; without --demo no house trader plays in it"
            );
        }
        return Ok(None);
    };
    let seed = config.seed.unwrap_or_else(rand::random);
    let entered = DemoAccounts::enter(group_commit, now, demo, seed)?;
    let demo_accounts = entered.map_err(|why| StartError::Demo {
        journal: config.data.journal(),
        why,
    })?;
    tracing::info!(seed, traders = demo.traders, "the house plays");
    Ok(Some(demo_accounts))
}

fn open_random(
    config: &Config,
    group_commit: &mut GroupCommit,
    now: Timestamp,
    listings: &[Listing],
) -> Result<(), StartError> {
    let seed = config.seed.unwrap_or_else(rand::random);
    let chosen = stocks::choose(listings, seed, config.lots);
    tracing::info!(seed, lots = chosen.len(), "a new round");
    let round = Round {
        chosen: chosen.iter().map(|listing| listing.symbol).collect(),
        open_for: config.open_for,
        steps: config.steps.clone(),
        soft_close: config.soft_close,
    };
    for (symbol, reject) in startup::open_lots(group_commit, now, round.lots(now))? {
        tracing::warn!(%symbol, "no lot is opened: {reject}");
    }
    Ok(())
}

fn read_lots(config: &Config, file: &Path) -> Result<Vec<PlannedLot>, CsvError> {
    let defaults = Defaults {
        open_for: config.open_for,
        steps: config.steps.clone(),
        soft_close: config.soft_close,
        trading_days: config.network.trading_days,
        calendars: config.calendars.clone(),
    };
    lots::read(file, &defaults)
}

/// Opens the lots of a file: all of them, or none when one is invalid.
fn open_planned(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    file: &Path,
    planned: &[PlannedLot],
) -> Result<(), StartError> {
    let opened: Vec<_> = planned.iter().map(|lot| lot.open(now)).collect();
    let refused = startup::refused_lots(group_commit.engine(), now, &opened);
    if let Some((place, reject)) = refused.first() {
        let line = planned[*place].line;
        let file = file.display();
        return Err(StartError::Refused(format!("{file}:{line}: {reject}")));
    }
    tracing::info!(lots = opened.len(), "a new round, by the lots file");
    let refused = startup::open_lots(group_commit, now, opened)?;
    assert!(refused.is_empty(), "these lots were tried before");
    Ok(())
}
