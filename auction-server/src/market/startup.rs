//! Decisions at a start, before the server accepts connections: accounts to import, lots that became due while the
//! server was down, and a new round when no lot is open.

use std::collections::BTreeSet;
use std::io;

use auction_core::{
    AccountMode, Book, Caller, Command, Engine, EnglishTerms, Listing, Lot, LotId, Market, OpenLot,
    Phase, Price, Quantity, Reject, Reply, SoftClose, Span, Steps, Symbol, Terms, Timestamp,
};

use crate::config::OnOutage;
use crate::config::csv::users::NewAccount;
use crate::market::group_commit::{BATCH_RECORDS_MAX, Done, GroupCommit};

/// A new round of random stocks, as English lots.
#[derive(Clone, Debug)]
pub struct Round {
    /// The stocks to offer.
    pub chosen: Vec<Symbol>,
    /// Time for which the lots are open.
    pub open_for: Span,
    /// Minimum increment of a bid.
    pub steps: Steps,
    /// Extension of lots by late bids.
    pub soft_close: SoftClose,
}

/// Creates the accounts that do not exist yet, with their initial deposits. Existing ones stay unchanged.
///
/// # Errors
/// The outer error: the journal fails, and the process must end. The inner one: the market refuses an account, given
/// with its line; then no account is created.
pub fn import_accounts(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    accounts: Vec<NewAccount>,
) -> io::Result<Result<(), (u64, Reject)>> {
    if let Err(refused) = try_accounts(group_commit.engine(), now, &accounts) {
        return Ok(Err(refused));
    }
    for account in accounts {
        // An account and its initial deposits are one frame: a crash leaves both or neither, and an existing account
        // tells the next start that they were paid.
        let records = 1 + u32::try_from(account.deposits.len()).unwrap_or(u32::MAX);
        if group_commit.is_full() || records > BATCH_RECORDS_MAX - group_commit.pending() {
            group_commit.commit()?;
        }
        let register = Command::Register(Box::new(account.registration));
        let Ok(Done {
            reply: Reply::Registered(user),
            ..
        }) = group_commit.decide(now, Caller::Operator, register)
        else {
            unreachable!("this account was tried before");
        };
        for asset in account.deposits {
            let deposit = Command::Deposit { user, asset };
            group_commit
                .decide(now, Caller::Operator, deposit)
                .expect("this deposit was tried before");
        }
    }
    group_commit.commit()?;
    Ok(Ok(()))
}

/// Tries whether the market would accept them all; if not, returns the line of the first that it refuses.
fn try_accounts(
    engine: &Engine,
    now: Timestamp,
    accounts: &[NewAccount],
) -> Result<(), (u64, Reject)> {
    if accounts.is_empty() {
        return Ok(());
    }
    let mut tried = engine.clone();
    for account in accounts {
        let refused = |reject| (account.line, reject);
        let register = Command::Register(Box::new(account.registration.clone()));
        let registered = tried.execute(now, Caller::Operator, register);
        let Reply::Registered(user) = registered.map_err(refused)?.reply() else {
            unreachable!("who registers is told their number");
        };
        for asset in account.deposits.iter().copied() {
            let deposit = Command::Deposit { user, asset };
            tried
                .execute(now, Caller::Operator, deposit)
                .map_err(refused)?;
        }
    }
    Ok(())
}

/// Sets the payment mode of traders, if the market does not have it already.
///
/// # Errors
/// The outer error: the journal fails, and the process must end. The inner one: the market refuses, because it has had
/// lots.
pub fn set_accounts(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    mode: AccountMode,
) -> io::Result<Result<(), Reject>> {
    if group_commit.engine().market().accounts() == mode {
        return Ok(Ok(()));
    }
    let set = group_commit.decide(now, Caller::Operator, Command::SetAccounts { mode });
    group_commit.commit()?;
    Ok(set.map(|_| ()))
}

/// An open lot, and the price of its stock that lots opened from now on begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repriced {
    /// The lot.
    pub lot: LotId,
    /// Its stock.
    pub symbol: Symbol,
    /// The base price with which the lot opened.
    pub base: Price,
    /// The price of the stock now.
    pub listed: Price,
}

/// Handling of lots that became due while nobody could bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutagePolicy {
    /// The choice between more time and an immediate close.
    pub on_outage: OnOutage,
    /// The extension, for lots whose terms have none; at least a second.
    pub extend_by: Span,
}

impl OutagePolicy {
    /// Lots that became due by `now`, and the new close of each: for [`Command::ExtendLot`], before
    /// [`Engine::advance`] closes them.
    #[must_use]
    pub fn extensions(self, engine: &Engine, now: Timestamp) -> Vec<(LotId, Timestamp)> {
        if self.on_outage == OnOutage::Close {
            return Vec::new();
        }
        let market = engine.market();
        // The random end of a call auction may have passed before its close.
        let has_ended: BTreeSet<LotId> = engine
            .due(now)
            .filter(|lot| market.lot(*lot).is_some_and(Lot::has_fixed_end))
            .collect();
        let overdue = market.lots().iter().filter(|lot| {
            if matches!(lot.terms, Terms::Day(_)) {
                return false;
            }
            let time_is_out = lot.closes_at <= now || has_ended.contains(&lot.id);
            !lot.is_closed() && lot.halted_since.is_none() && time_is_out
        });
        let extended = overdue.map(|lot| {
            let own = match &lot.terms {
                Terms::English(terms) => terms.soft_close.extend_by,
                Terms::Call(terms) => terms.extend_by,
                Terms::Day(_) | Terms::Dutch(_) | Terms::Sealed(_) | Terms::Uniform(_) => {
                    Span::ZERO
                }
            };
            let by = if own == Span::ZERO {
                self.extend_by
            } else {
                own
            };
            let after = lot.closes_at.max(now);
            (lot.id, after.saturating_add(by.max(Span::from_secs(1))))
        });
        extended.collect()
    }

    /// Trading days in which a phase ended by `now`, or that were to begin: for [`halt_day`], before
    /// [`Engine::advance`] ends the phases. A day has no single close to extend: it goes on where it was.
    #[must_use]
    pub fn halts(self, engine: &Engine, now: Timestamp) -> Vec<LotId> {
        let market = engine.market();
        if self.on_outage == OnOutage::Close || market.halted_since().is_some() {
            return Vec::new();
        }
        let due: BTreeSet<LotId> = engine.due(now).collect();
        let missed = market.lots().iter().filter(|lot| {
            let Book::Day(day) = &lot.book else {
                return false;
            };
            let has_ended = match lot.phase {
                Phase::Scheduled => lot.opened_at <= now,
                // A random end may have passed before the phase's end.
                Phase::Open => {
                    day.phase_ends_at <= now || (day.end.is_some() && due.contains(&lot.id))
                }
                Phase::Closed { .. } => false,
            };
            has_ended && lot.halted_since.is_none()
        });
        missed.map(|lot| lot.id).collect()
    }
}

/// Halts one of the days that [`OutagePolicy::halts`] returned at the last time at which the market was seen to run.
/// Resume them all in the same frame, so that a crash leaves none halted.
pub fn halt_day(group_commit: &mut GroupCommit, since: Timestamp, lot: LotId) {
    run_day(group_commit, since, Command::HaltLot { lot });
}

/// Resumes a day that was halted so: no time has passed for it meanwhile. Continuous trading goes on through a call.
pub fn resume_day(group_commit: &mut GroupCommit, now: Timestamp, lot: LotId) {
    run_day(group_commit, now, Command::ResumeLot { lot });
}

fn run_day(group_commit: &mut GroupCommit, at: Timestamp, command: Command) {
    if let Err(reject) = group_commit.decide(at, Caller::Operator, command) {
        tracing::warn!("a trading day does not go on where it was before an outage: {reject}");
    }
}

/// Decides about the lots that became due while nobody could bid. Returns the number of lots with more time. The outage
/// began when the market was last `seen` to run, or at the last record.
///
/// # Errors
/// The journal fails: the process must end.
pub fn end_outage(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    seen: Option<Timestamp>,
    policy: OutagePolicy,
) -> io::Result<usize> {
    let extensions = policy.extensions(group_commit.engine(), now);
    let days = policy.halts(group_commit.engine(), now);
    let count = extensions.len() + days.len();
    let engine = group_commit.engine();
    let last_record = engine.at();
    // What was due by then would have been decided before a command of that time.
    let seen = seen.filter(|seen| *seen <= now && engine.due(*seen).next().is_none());
    let since = seen.map_or(last_record, |seen| seen.max(last_record));
    for lot in &days {
        halt_day(group_commit, since, *lot);
        commit_when_full(group_commit)?;
    }
    for lot in days {
        resume_day(group_commit, now, lot);
        commit_when_full(group_commit)?;
    }
    for (lot, closes_at) in extensions {
        extend_overdue(group_commit, now, lot, closes_at);
        commit_when_full(group_commit)?;
    }
    loop {
        group_commit.advance(now);
        if group_commit.pending() == 0 {
            return Ok(count);
        }
        group_commit.commit()?;
    }
}

/// Extends one of the lots that [`OutagePolicy::extensions`] returned.
pub fn extend_overdue(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    lot: LotId,
    closes_at: Timestamp,
) {
    let extend = Command::ExtendLot { lot, closes_at };
    if let Err(reject) = group_commit.decide(now, Caller::Operator, extend) {
        // There is no close later than the end of time.
        tracing::warn!(%lot, "a lot that fell due in an outage closes: {reject}");
    }
}

/// Result of listing stocks.
#[derive(Debug, Default)]
pub struct Listed {
    /// Number of stocks that are new, or have other values than before.
    pub changed: usize,
    /// Stocks that the market refused.
    pub refused: Vec<(Symbol, Reject)>,
}

/// Lists the stocks with the current values of the file. Open lots keep the base price that they opened with.
///
/// # Errors
/// The journal fails: the process must end.
pub fn list_stocks(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    listings: &[Listing],
) -> io::Result<Listed> {
    let mut listed = Listed::default();
    for listing in listings {
        match group_commit.decide(now, Caller::Operator, Command::ListStock(*listing)) {
            Ok(_) => listed.changed += 1,
            Err(Reject::Unchanged) => {}
            Err(reject) => listed.refused.push((listing.symbol, reject)),
        }
        commit_when_full(group_commit)?;
    }
    group_commit.commit()?;
    Ok(listed)
}

/// Open lots whose base price is not that of their stock, which was listed again since, by lot.
#[must_use]
pub fn repriced(market: &Market) -> Vec<Repriced> {
    let open = market.lots().iter().filter(|lot| !lot.is_closed());
    let repriced = open.filter_map(|lot| {
        let listed = market.stock(lot.symbol)?.listing.price;
        (listed != lot.base_price).then_some(Repriced {
            lot: lot.id,
            symbol: lot.symbol,
            base: lot.base_price,
            listed,
        })
    });
    repriced.collect()
}

impl Round {
    /// The lots of a round that begins now.
    #[must_use]
    pub fn lots(&self, now: Timestamp) -> Vec<OpenLot> {
        let open = |symbol: &Symbol| OpenLot {
            symbol: *symbol,
            quantity: Quantity::ONE,
            opens_at: None,
            closes_at: now.saturating_add(self.open_for),
            terms: Terms::English(EnglishTerms {
                steps: self.steps.clone(),
                buy_now: None,
                soft_close: self.soft_close,
            }),
            reserve: None,
        };
        self.chosen.iter().map(open).collect()
    }
}

/// The lots that the market would refuse, by their index in the list. Opens nothing.
#[must_use]
pub fn refused_lots(engine: &Engine, now: Timestamp, lots: &[OpenLot]) -> Vec<(usize, Reject)> {
    let mut tried = engine.clone();
    let mut refused = Vec::new();
    for (place, open) in lots.iter().enumerate() {
        let command = Command::OpenLot(Box::new(open.clone()));
        if let Err(reject) = tried.execute(now, Caller::Operator, command) {
            refused.push((place, reject));
        }
    }
    refused
}

/// Opens the lots of a new round.
///
/// # Errors
/// The journal fails: the process must end. The returned list contains the refusals.
pub fn open_lots(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    lots: Vec<OpenLot>,
) -> io::Result<Vec<(Symbol, Reject)>> {
    let mut refused = Vec::new();
    for open in lots {
        let symbol = open.symbol;
        let command = Command::OpenLot(Box::new(open));
        if let Err(reject) = group_commit.decide(now, Caller::Operator, command) {
            refused.push((symbol, reject));
        }
        commit_when_full(group_commit)?;
    }
    group_commit.commit()?;
    Ok(refused)
}

fn commit_when_full(group_commit: &mut GroupCommit) -> io::Result<()> {
    if group_commit.is_full() {
        group_commit.commit()?;
    }
    Ok(())
}
