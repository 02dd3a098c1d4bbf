//! `user add`: an account made while the server is stopped.

use std::io;
use std::sync::Arc;

use auction_core::{Caller, Command, Market, Name, Registration, Reject, Role, Symbol, Timestamp};

use crate::config::csv::CsvError;
use crate::config::csv::stocks;
use crate::config::data_dir::DataDir;
use crate::journal::{Durability, JournalError, RealDisk};
use crate::market::group_commit::GroupCommit;
use crate::market::restore;
use crate::platform::clock::{Clock as _, ClockWarning, Machine as _, MarketClock, ThisMachine};
use crate::platform::password::Password;

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The journal cannot be opened, as while a server runs on it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The stock of a company had to be looked up, and `stocks.csv` is wrong.
    #[error(transparent)]
    Sheet(#[from] CsvError),
    /// The market says no.
    #[error("{0}")]
    Rejected(#[from] Reject),
    /// The account could not be made durable.
    #[error("the account could not be written: {0}")]
    Io(#[from] io::Error),
}

/// Makes an account in the market of a data folder, durably; the market is made too if there is none yet. The
/// stock of a company that the market does not know yet is listed as `stocks.csv` has it. Returns what is to be said of
/// the machine's clock: the account's record has its time.
///
/// # Errors
/// [`AddError`]; there is no account then.
pub fn add(
    folder: &DataDir,
    name: Name,
    role: Role,
    password: &Password,
) -> Result<Option<ClockWarning>, AddError> {
    let opened = restore::open(Arc::new(RealDisk), folder, Durability::Strict, &mut |_| {})?;
    let last_record = opened.engine.at();
    let warning = ClockWarning::at_start(ThisMachine.utc(), last_record);
    let now = MarketClock::continuing(Arc::new(ThisMachine), last_record).now();
    let mut group_commit = GroupCommit::new(opened.engine, Box::new(opened.journal));
    if let Role::Company(symbol) = role {
        list_stock(&mut group_commit, folder, now, symbol)?;
    }
    let credential = password.hash();
    let registration = Registration {
        name,
        role,
        credential,
    };
    group_commit.decide(
        now,
        Caller::Operator,
        Command::Register(registration.into()),
    )?;
    group_commit.commit()?;
    Ok(warning)
}

fn list_stock(
    group_commit: &mut GroupCommit,
    folder: &DataDir,
    now: Timestamp,
    symbol: Symbol,
) -> Result<(), AddError> {
    let market: &Market = group_commit.engine().market();
    if market.stock(symbol).is_some() {
        return Ok(());
    }
    let stocks = stocks::read(&folder.stocks())?;
    let found = stocks
        .listings
        .into_iter()
        .find(|listing| listing.symbol == symbol);
    let listing = found.ok_or(Reject::UnknownSymbol { symbol })?;
    group_commit.decide(now, Caller::Operator, Command::ListStock(listing))?;
    Ok(())
}
