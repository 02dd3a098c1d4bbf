//! `user add`: an account made while the server is stopped.

use std::io;
use std::sync::Arc;

use auction_core::{Caller, Command, Market, Name, Registration, Reject, Role, Symbol, Timestamp};

use crate::clock::{Clock as _, ClockWarning, Machine as _, MarketClock, ThisMachine};
use crate::committer::Committer;
use crate::folder::DataFolder;
use crate::journal::{Durability, JournalError, RealDisk};
use crate::password::Password;
use crate::sheet::SheetError;
use crate::{listing, store};

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The journal cannot be opened, as while a server runs on it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The stock of a company had to be looked up, and `stocks.csv` is wrong.
    #[error(transparent)]
    Sheet(#[from] SheetError),
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
    folder: &DataFolder,
    name: Name,
    role: Role,
    password: &Password,
) -> Result<Option<ClockWarning>, AddError> {
    let opened = store::open(Arc::new(RealDisk), folder, Durability::Strict, &mut |_| {})?;
    let last_record = opened.engine.at();
    let warning = ClockWarning::at_start(ThisMachine.utc(), last_record);
    let now = MarketClock::continuing(Arc::new(ThisMachine), last_record).now();
    let mut committer = Committer::new(opened.engine, Box::new(opened.journal));
    if let Role::Company(symbol) = role {
        list_stock(&mut committer, folder, now, symbol)?;
    }
    let credential = password.hash();
    let registration = Registration {
        name,
        role,
        credential,
    };
    committer.decide(
        now,
        Caller::Operator,
        Command::Register(registration.into()),
    )?;
    committer.commit()?;
    Ok(warning)
}

fn list_stock(
    committer: &mut Committer,
    folder: &DataFolder,
    now: Timestamp,
    symbol: Symbol,
) -> Result<(), AddError> {
    let market: &Market = committer.engine().market();
    if market.stock(symbol).is_some() {
        return Ok(());
    }
    let stocks = listing::read(&folder.stocks())?;
    let found = stocks
        .listings
        .into_iter()
        .find(|listing| listing.symbol == symbol);
    let listing = found.ok_or(Reject::UnknownSymbol { symbol })?;
    committer.decide(now, Caller::Operator, Command::ListStock(listing))?;
    Ok(())
}
