//! `user add`: creates an account while the server is stopped.

use std::io;
use std::path::PathBuf;
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
use crate::projections::signing::{KeyError, open_keys};

/// Reason why no account was created.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The journal cannot be opened, for example because a server runs on it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The stock of a company had to be looked up, and `stocks.csv` is invalid.
    #[error(transparent)]
    Sheet(#[from] CsvError),
    /// The market rejects the account.
    #[error("{0}")]
    Rejected(#[from] Reject),
    /// A demo's market begins with the accounts of its house.
    #[error(
        "there is no market in {} yet: start its demo once with `auction-server --demo`, stop it, and add the account then",
        path.display()
    )]
    NoDemo {
        /// The folder.
        path: PathBuf,
    },
    /// The key of a new market cannot be created.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The account could not be made durable.
    #[error("the account could not be written: {0}")]
    Io(#[from] io::Error),
}

/// Creates an account in the market of a data folder, durably; creates the market too if necessary. Lists the stock of
/// a company from `stocks.csv` if the market does not have it yet. Returns a warning about the machine's clock, if
/// there is one: the account's record has its time.
///
/// # Errors
/// [`AddError`]; no account was created.
pub fn add(
    folder: &DataDir,
    name: Name,
    role: Role,
    password: &Password,
) -> Result<Option<ClockWarning>, AddError> {
    if folder.is_future_demo() {
        return Err(AddError::NoDemo {
            path: folder.path().to_owned(),
        });
    }
    let opened = restore::open(Arc::new(RealDisk), folder, Durability::Strict, &mut |_| {})?;
    // A new market gets its key with its journal: the first start would miss it.
    if opened.recovery.last_sequence == 0 {
        open_keys(&RealDisk, folder)?;
    }
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
