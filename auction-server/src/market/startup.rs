//! Decisions at a start, before the server accepts connections: accounts to import, lots that fell due while the server
//! was down, and a new round when no lot is open.

use std::collections::BTreeSet;
use std::io;

use auction_core::{
    AccountMode, Caller, Command, Engine, EnglishTerms, Listing, Lot, LotId, OpenLot, Quantity,
    Reject, Reply, SoftClose, Span, Steps, Symbol, Terms, Timestamp,
};

use crate::config::OnOutage;
use crate::config::csv::users::NewAccount;
use crate::market::group_commit::{BATCH_RECORDS_MAX, Done, GroupCommit};

/// A new round of random stocks, as English lots.
#[derive(Clone, Debug)]
pub struct Round {
    /// Which stocks are offered.
    pub chosen: Vec<Symbol>,
    /// How long the lots are open.
    pub open_for: Span,
    /// By how much a bid must rise.
    pub steps: Steps,
    /// How late bids move the close.
    pub soft_close: SoftClose,
}

/// Makes the accounts that are not there yet, with what is paid into them. Existing ones stay as they are.
///
/// # Errors
/// When the journal fails: the process must end. Within is what the market refuses, with the line of the account;
/// then no account is made.
pub fn import_accounts(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    accounts: Vec<NewAccount>,
) -> io::Result<Result<(), (u64, Reject)>> {
    if let Err(refused) = try_accounts(group_commit.engine(), now, &accounts) {
        return Ok(Err(refused));
    }
    for account in accounts {
        // An account and what is paid into it are one frame: a crash leaves both or neither, and so the next start
        // knows by the account whether it was paid.
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

/// Whether the market would take them all; if not, the line of the first that it refuses.
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

/// Says how traders pay, if the market is not so already.
///
/// # Errors
/// When the journal fails: the process must end. The market's refusal is within: it has had lots.
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

/// What happens to lots that fell due while nobody could bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutagePolicy {
    /// Whether they get more time.
    pub on_outage: OnOutage,
    /// How much more, where a lot's terms do not say; at least a second.
    pub extend_by: Span,
}

impl OutagePolicy {
    /// Lots that fell due by `now`, and the close that each gets: for [`Command::ExtendLot`], before
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
            let time_is_out = lot.closes_at <= now || has_ended.contains(&lot.id);
            !lot.is_closed() && lot.halted_since.is_none() && time_is_out
        });
        let extended = overdue.map(|lot| {
            let own = match &lot.terms {
                Terms::English(terms) => terms.soft_close.extend_by,
                Terms::Call(terms) => terms.extend_by,
                Terms::Dutch(_) | Terms::Sealed(_) | Terms::Uniform(_) => Span::ZERO,
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
}

/// Decides about the lots that fell due while nobody could bid. Gives how many were extended.
///
/// # Errors
/// When the journal fails: the process must end.
pub fn end_outage(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    policy: OutagePolicy,
) -> io::Result<usize> {
    let extensions = policy.extensions(group_commit.engine(), now);
    let count = extensions.len();
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

/// Extends one of the lots that [`OutagePolicy::extensions`] gave.
pub fn extend_overdue(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    lot: LotId,
    closes_at: Timestamp,
) {
    let extend = Command::ExtendLot { lot, closes_at };
    if let Err(reject) = group_commit.decide(now, Caller::Operator, extend) {
        // At the end of time there is no later close.
        tracing::warn!(%lot, "a lot that fell due in an outage closes: {reject}");
    }
}

/// Lists the stocks as the file has them now.
///
/// # Errors
/// When the journal fails: the process must end. Refusals come back in the list.
pub fn list_stocks(
    group_commit: &mut GroupCommit,
    now: Timestamp,
    listings: &[Listing],
) -> io::Result<Vec<(Symbol, Reject)>> {
    let mut refused = Vec::new();
    for listing in listings {
        match group_commit.decide(now, Caller::Operator, Command::ListStock(*listing)) {
            Ok(_) | Err(Reject::Unchanged) => {}
            Err(reject) => refused.push((listing.symbol, reject)),
        }
        commit_when_full(group_commit)?;
    }
    group_commit.commit()?;
    Ok(refused)
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

/// The lots that the market would refuse, by their place in the list. Nothing is opened.
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
/// When the journal fails: the process must end. Refusals come back in the list.
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
