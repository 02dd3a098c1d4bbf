//! The public market: a fold of public events, used by server, clients and pages alike.

pub(crate) mod digest;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::limits::{LOTS_MAX, STOCKS_MAX, USERS_MAX};
use crate::lot::{CallBook, DayBook, Lot, Phase};
use crate::market::digest::{
    Combined, Digest, accounts_item, halt_item, lot_item, stock_item, user_item,
};
use crate::model::command::{AccountMode, Listing, Role};
use crate::model::event::{
    BidAccepted, ExtensionCause, LotOpened, Outcome, PhaseBegan, PublicEvent,
};
use crate::model::listing::{Stock, User};
use crate::{FeedSequence, LotId, MarketId, Name, Price, Symbol, Timestamp, UserId};

/// The public market.
#[derive(Clone, Debug)]
pub struct Market {
    parts: MarketParts,
    names: BTreeMap<Name, UserId>,
    lots_by_symbol: BTreeMap<Symbol, Vec<LotId>>,
    open_lots: usize,
    kept: KeptDigest,
}

/// The parts of a market as values, for snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MarketParts {
    /// The market's identity.
    pub id: MarketId,
    /// Sequence of the last public event.
    pub feed_sequence: FeedSequence,
    /// Time of the last public event.
    pub at: Timestamp,
    /// All users, in the order of their numbers.
    pub users: Vec<User>,
    /// All listed stocks, by symbol.
    pub stocks: BTreeMap<Symbol, Stock>,
    /// All lots, in the order of their numbers.
    pub lots: Vec<Lot>,
    /// Credit, or funds in accounts.
    pub accounts: AccountMode,
    /// Start of the halt, if the whole market is halted.
    pub halted_since: Option<Timestamp>,
}

/// Reason why an event does not follow the ones before it: the feed has a gap, or belongs to another market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// A number is not the next one.
    #[error("the number of a new {what} is {number}, and {expected} was expected")]
    NotNext {
        /// The kind of number.
        what: &'static str,
        /// The number found.
        number: u64,
        /// The next number.
        expected: u64,
    },
    /// An event names a lot that does not exist, or has closed.
    #[error("lot {0} does not exist, or has closed")]
    LotNotOpen(LotId),
    /// An event does not fit the format of its lot, or its current state.
    #[error("the event does not fit lot {0} in its current state")]
    NotForLot(LotId),
    /// An event names a user who does not exist.
    #[error("user {0} is not known")]
    UnknownUser(UserId),
    /// An event names a stock that is not listed.
    #[error("stock {0} is not listed")]
    UnknownSymbol(Symbol),
    /// Two users have the same name.
    #[error("the name {0} is taken")]
    NameTaken(Name),
    /// The public and the hidden part of a lot contradict each other.
    #[error("the public and the hidden part of lot {0} contradict each other")]
    LotContradicted(LotId),
    /// A random end is not the one that was fixed.
    #[error("the random end of lot {0} is not the one that was committed to")]
    EndNotAsCommitted(LotId),
    /// There are more items than a market can hold.
    #[error("the market is full")]
    Full,
    /// An account cannot pay, deliver or release what an event says.
    #[error("the account of user {0} does not cover this event")]
    AccountContradicted(UserId),
    /// The accounts of a snapshot do not balance.
    #[error("the accounts do not balance, or do not belong to this market")]
    AccountsContradicted,
    /// The market is halted already, or is not halted.
    #[error("the market is halted already, or is not halted")]
    MarketHalt,
    /// The account mode was fixed before.
    #[error("how traders pay is fixed before the first lot")]
    AccountsFixed,
}

impl Market {
    /// Creates a market without events.
    #[must_use]
    pub fn new(id: MarketId) -> Self {
        let parts = MarketParts {
            id,
            ..MarketParts::default()
        };
        Self::from_parts(parts).expect("an empty market is consistent")
    }

    /// Creates a market from the parts of a snapshot.
    ///
    /// # Errors
    /// [`FoldError`] when the parts contradict each other.
    pub fn from_parts(parts: MarketParts) -> Result<Self, FoldError> {
        let full = parts.users.len() > USERS_MAX
            || parts.stocks.len() > STOCKS_MAX
            || parts.lots.len() > LOTS_MAX;
        if full {
            return Err(FoldError::Full);
        }
        let mut names = BTreeMap::new();
        for (index, user) in parts.users.iter().enumerate() {
            if names.insert(user.name, UserId::at_index(index)).is_some() {
                return Err(FoldError::NameTaken(user.name));
            }
        }
        for (symbol, stock) in &parts.stocks {
            if stock.listing.symbol != *symbol {
                return Err(FoldError::UnknownSymbol(*symbol));
            }
        }
        let mut lots_by_symbol: BTreeMap<Symbol, Vec<LotId>> = BTreeMap::new();
        for (index, lot) in parts.lots.iter().enumerate() {
            check_next("lot", lot.id.0, LotId::at_index(index).0)?;
            if !parts.stocks.contains_key(&lot.symbol) {
                return Err(FoldError::UnknownSymbol(lot.symbol));
            }
            if let Some(leader) = lot.leader() {
                check_user(&parts.users, leader)?;
            }
            lots_by_symbol.entry(lot.symbol).or_default().push(lot.id);
        }
        let open_lots = parts.lots.iter().filter(|lot| !lot.is_closed()).count();
        let kept = KeptDigest::of(&parts);
        Ok(Self {
            parts,
            names,
            lots_by_symbol,
            open_lots,
            kept,
        })
    }

    /// Returns the parts of the market.
    #[must_use]
    pub fn parts(&self) -> &MarketParts {
        &self.parts
    }

    /// Returns the market's identity.
    #[must_use]
    pub fn id(&self) -> MarketId {
        self.parts.id
    }

    /// Returns the sequence of the last public event.
    #[must_use]
    pub fn feed_sequence(&self) -> FeedSequence {
        self.parts.feed_sequence
    }

    /// Returns all lots, in the order of their numbers.
    #[must_use]
    pub fn lots(&self) -> &[Lot] {
        &self.parts.lots
    }

    /// Returns the number of lots that have not closed, scheduled and halted ones included.
    #[must_use]
    pub fn open_lots(&self) -> usize {
        self.open_lots
    }

    /// Returns the account mode: credit, or funds in accounts.
    #[must_use]
    pub fn accounts(&self) -> AccountMode {
        self.parts.accounts
    }

    /// Returns the start of the halt, if the whole market is halted.
    #[must_use]
    pub fn halted_since(&self) -> Option<Timestamp> {
        self.parts.halted_since
    }

    /// Returns a lot.
    #[must_use]
    pub fn lot(&self, lot: LotId) -> Option<&Lot> {
        self.parts.lots.get(lot.index()?)
    }

    /// Returns the lots of a stock, the oldest first.
    #[must_use]
    pub fn lots_of(&self, symbol: Symbol) -> &[LotId] {
        self.lots_by_symbol.get(&symbol).map_or(&[], Vec::as_slice)
    }

    /// Returns a listed stock.
    #[must_use]
    pub fn stock(&self, symbol: Symbol) -> Option<&Stock> {
        self.parts.stocks.get(&symbol)
    }

    /// Returns all listed stocks, by symbol.
    pub fn stocks(&self) -> impl Iterator<Item = &Stock> {
        self.parts.stocks.values()
    }

    /// Returns a user.
    #[must_use]
    pub fn user(&self, user: UserId) -> Option<&User> {
        self.parts.users.get(user.index()?)
    }

    /// Returns all users, in the order of their numbers.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.parts.users
    }

    /// Returns the user with a name.
    #[must_use]
    pub fn user_named(&self, name: Name) -> Option<UserId> {
        self.names.get(&name).copied()
    }

    /// Returns the digest of the current market. The cost depends on the number of changes since the last call.
    pub fn digest(&mut self) -> Digest {
        self.kept.catch_up(&self.parts);
        self.kept
            .combined
            .digest(self.parts.id, self.parts.feed_sequence, self.parts.at)
    }

    /// Applies the next public event, which happened at `at`.
    ///
    /// # Errors
    /// [`FoldError`] when the event does not follow the ones before it; the market is then unchanged.
    pub fn apply(&mut self, at: Timestamp, event: &PublicEvent) -> Result<(), FoldError> {
        match event {
            PublicEvent::BidAccepted(bid) => self.bid_accepted(at, bid),
            other => {
                self.apply_other(at, other)?;
                self.happened(at);
                Ok(())
            }
        }
    }

    #[inline(always)]
    pub(crate) fn bid_accepted(
        &mut self,
        at: Timestamp,
        bid: &BidAccepted,
    ) -> Result<(), FoldError> {
        check_user(&self.parts.users, bid.bidder)?;
        check_user(&self.parts.users, bid.leader)?;
        let lot = self.lot_in(bid.lot, Lot::accepts_bids)?;
        if !lot.book.bid_accepted(bid) {
            return Err(FoldError::NotForLot(bid.lot));
        }
        self.happened(at);
        Ok(())
    }

    /// Returns a lot, to apply a bid to it that was just decided: call [`bid_taken`](Self::bid_taken) afterwards.
    #[inline(always)]
    pub(crate) fn lot_to_bid_on(&mut self, lot: LotId) -> Option<&mut Lot> {
        self.parts.lots.get_mut(lot.index()?)
    }

    /// Updates the market after a bid was applied to the lot itself, at `at` or later than all earlier events.
    #[inline(always)]
    pub(crate) fn bid_taken(&mut self, at: Timestamp, lot: LotId) {
        self.kept.lot_changed(lot);
        self.parts.at = at;
        self.parts.feed_sequence = self.parts.feed_sequence.next();
    }

    /// Counts one more event.
    #[inline(always)]
    fn happened(&mut self, at: Timestamp) {
        self.parts.at = self.parts.at.max(at);
        self.parts.feed_sequence = self.parts.feed_sequence.next();
    }

    /// Applies any event but a bid; there are millions of bids.
    #[inline(never)]
    fn apply_other(&mut self, at: Timestamp, event: &PublicEvent) -> Result<(), FoldError> {
        match event {
            PublicEvent::BidAccepted(_) => unreachable!("bids are taken above"),
            PublicEvent::StockListed(listing) => self.stock_listed(*listing)?,
            PublicEvent::UserRegistered { user, name, role } => {
                self.user_registered(*user, *name, *role)?;
            }
            PublicEvent::LotOpened(opened) => self.lot_opened(at, opened)?,
            PublicEvent::LotExtended {
                lot,
                closes_at,
                cause,
            } => {
                let id = *lot;
                let lot = self.lot_in(id, Lot::runs)?;
                if !lot.book.extended(*cause) {
                    return Err(FoldError::NotForLot(id));
                }
                lot.closes_at = *closes_at;
                if let ExtensionCause::SoftClose | ExtensionCause::Volatility = cause {
                    lot.extensions = lot.extensions.saturating_add(1);
                }
            }
            PublicEvent::LotClosed { lot, outcome } => self.lot_closed(at, *lot, *outcome)?,
            PublicEvent::LotBegan { lot } => {
                let lot = self.lot_in(*lot, |lot| lot.is_scheduled() && lot.runs())?;
                lot.begin(at);
            }
            PublicEvent::LotHalted { lot } => {
                self.lot_in(*lot, Lot::runs)?.halted_since = Some(at);
            }
            PublicEvent::LotResumed {
                lot,
                opened_at,
                closes_at,
            } => {
                let lot = self.lot_in(*lot, |lot| !lot.runs())?;
                lot.resume(*opened_at, *closes_at);
            }
            PublicEvent::BiddersCounted { lot: id, bidders } => {
                // Cancels on a halted lot are counted too.
                let lot = self.lot_in(*id, |lot| !lot.is_scheduled())?;
                if !lot.book.bidders_counted(*bidders) {
                    return Err(FoldError::NotForLot(*id));
                }
            }
            PublicEvent::BidsOpened { lot, bids } => {
                for bid in bids {
                    check_user(&self.parts.users, bid.bidder)?;
                }
                self.lot_in(*lot, |lot| lot.book.opens_bids())?;
            }
            PublicEvent::ReferenceFixed { lot, reference } => {
                let fixed = Some(*reference).filter(|price| *price > Price::ZERO);
                self.call_in(*lot)?.reference = fixed;
            }
            PublicEvent::EndCommitted { lot, commitment } => match self.day_in(*lot) {
                Some(day) => fits(*lot, day.apply(*lot, event))?,
                None => self.call_in(*lot)?.end = Some(*commitment),
            },
            PublicEvent::EndOpened { lot, end } => {
                let opened = match self.day_in(*lot) {
                    Some(day) => day.apply(*lot, event),
                    None => self.call_in(*lot)?.end.take() == Some(end.commitment(*lot)),
                };
                if !opened {
                    return Err(FoldError::EndNotAsCommitted(*lot));
                }
            }
            PublicEvent::ProfitPublished { symbol, profit } => {
                let stock = self.parts.stocks.get_mut(symbol);
                stock.ok_or(FoldError::UnknownSymbol(*symbol))?.profit = *profit;
                self.kept.stock_changed(*symbol);
            }
            PublicEvent::AccountsSet { mode } => {
                let fixed = self.parts.accounts == AccountMode::Funds;
                if fixed || *mode == AccountMode::Credit || !self.parts.lots.is_empty() {
                    return Err(FoldError::AccountsFixed);
                }
                self.parts.accounts = *mode;
            }
            PublicEvent::PhaseBegan(PhaseBegan { lot, .. })
            | PublicEvent::PhaseExtended { lot, .. }
            | PublicEvent::PhaseMoved { lot, .. }
            | PublicEvent::CallUncrossed { lot, .. }
            | PublicEvent::OrderShown { lot, .. }
            | PublicEvent::OrderReduced { lot, .. }
            | PublicEvent::OrderGone { lot, .. }
            | PublicEvent::Traded { lot, .. }
            | PublicEvent::Interrupted { lot, .. }
            | PublicEvent::DayHalted { lot, .. } => {
                let open = self.lot_in(*lot, |lot| lot.phase == Phase::Open)?;
                fits(*lot, open.day_event(at, event))?;
            }
            PublicEvent::MarketHalted => {
                if self.parts.halted_since.replace(at).is_some() {
                    return Err(FoldError::MarketHalt);
                }
            }
            PublicEvent::MarketResumed => self.market_resumed(at)?,
        }
        Ok(())
    }

    fn user_registered(&mut self, user: UserId, name: Name, role: Role) -> Result<(), FoldError> {
        check_next("user", user.0, UserId::at_index(self.parts.users.len()).0)?;
        if self.names.contains_key(&name) {
            return Err(FoldError::NameTaken(name));
        }
        if self.parts.users.len() >= USERS_MAX {
            return Err(FoldError::Full);
        }
        self.names.insert(name, user);
        self.parts.users.push(User { name, role });
        Ok(())
    }

    fn lot_opened(&mut self, at: Timestamp, opened: &LotOpened) -> Result<(), FoldError> {
        check_next(
            "lot",
            opened.lot.0,
            LotId::at_index(self.parts.lots.len()).0,
        )?;
        if !self.parts.stocks.contains_key(&opened.symbol) {
            return Err(FoldError::UnknownSymbol(opened.symbol));
        }
        if self.parts.lots.len() >= LOTS_MAX {
            return Err(FoldError::Full);
        }
        self.lots_by_symbol
            .entry(opened.symbol)
            .or_default()
            .push(opened.lot);
        self.parts.lots.push(Lot::opened(opened, at));
        self.open_lots += 1;
        self.kept.lot_opened();
        Ok(())
    }

    fn lot_closed(&mut self, at: Timestamp, id: LotId, outcome: Outcome) -> Result<(), FoldError> {
        let lot = self.lot_in(id, |_| true)?;
        let is_for_lot = match outcome {
            Outcome::Crossed { .. } | Outcome::NoCross { .. } => lot.book.call_mut().is_some(),
            Outcome::Day { .. } => lot.book.day_mut().is_some(),
            _ => true,
        };
        if !is_for_lot {
            return Err(FoldError::NotForLot(id));
        }
        if let (Outcome::Day { close, .. }, Some(day)) = (outcome, lot.book.day_mut()) {
            day.closed(close);
        }
        lot.phase = Phase::Closed { at, outcome };
        let symbol = lot.symbol;
        self.open_lots -= 1;
        if let Outcome::Crossed { price, .. }
        | Outcome::Day {
            close: Some(price), ..
        } = outcome
        {
            let stock = self.parts.stocks.get_mut(&symbol);
            stock.ok_or(FoldError::UnknownSymbol(symbol))?.last_uncross = Some(price);
            self.kept.stock_changed(symbol);
        }
        Ok(())
    }

    fn stock_listed(&mut self, listing: Listing) -> Result<(), FoldError> {
        match self.parts.stocks.get_mut(&listing.symbol) {
            Some(stock) => {
                // The profit that the company has published is kept, unless the list has a new one.
                if stock.listing.profit != listing.profit {
                    stock.profit = listing.profit;
                }
                stock.listing = listing;
            }
            None => {
                if self.parts.stocks.len() >= STOCKS_MAX {
                    return Err(FoldError::Full);
                }
                let stock = Stock {
                    listing,
                    profit: listing.profit,
                    last_uncross: None,
                };
                self.parts.stocks.insert(listing.symbol, stock);
            }
        }
        self.kept.stock_changed(listing.symbol);
        Ok(())
    }

    fn market_resumed(&mut self, at: Timestamp) -> Result<(), FoldError> {
        let since = self.parts.halted_since.take();
        let since = since.ok_or(FoldError::MarketHalt)?;
        let halt = at.since(since);
        for lot in &mut self.parts.lots {
            if !lot.is_closed() && lot.runs() {
                lot.shift(since, halt);
                self.kept.lot_changed(lot.id);
            }
        }
        Ok(())
    }

    /// Returns the book of a trading day that has begun and not closed.
    fn day_in(&mut self, id: LotId) -> Option<&mut DayBook> {
        let lot = self.lot_in(id, |lot| lot.phase == Phase::Open).ok()?;
        lot.book.day_mut()
    }

    /// Returns the book of a call auction that has begun and not closed.
    fn call_in(&mut self, id: LotId) -> Result<&mut CallBook, FoldError> {
        let lot = self.lot_in(id, |lot| lot.phase == Phase::Open)?;
        lot.book.call_mut().ok_or(FoldError::NotForLot(id))
    }

    /// Returns a lot that has not closed and meets the condition, to be changed.
    #[inline]
    fn lot_in(
        &mut self,
        id: LotId,
        stands: impl FnOnce(&Lot) -> bool,
    ) -> Result<&mut Lot, FoldError> {
        let lot = id.index().and_then(|index| self.parts.lots.get_mut(index));
        let lot = lot
            .filter(|lot| !lot.is_closed())
            .ok_or(FoldError::LotNotOpen(id))?;
        if !stands(lot) {
            return Err(FoldError::NotForLot(id));
        }
        self.kept.lot_changed(id);
        Ok(lot)
    }
}

/// Two markets are equal when their public data is equal.
impl PartialEq for Market {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Market {}

/// The digest, stored item by item, so that an update costs no more than the changes.
#[derive(Clone, Debug, Default)]
struct KeptDigest {
    combined: Combined,
    /// The account mode included in the digest.
    accounts: AccountMode,
    /// The halt included in the digest.
    halted_since: Option<Timestamp>,
    /// Number of users included; users never change.
    users: usize,
    stocks: BTreeMap<Symbol, [u8; 32]>,
    changed_stocks: BTreeSet<Symbol>,
    /// Item of each lot as it was last combined; lots opened since are not included yet.
    lots: Vec<[u8; 32]>,
    changed_lots: Vec<LotId>,
    /// True for lots among the changed ones: stored beside the items, since every bid checks it.
    lot_is_changed: Vec<bool>,
}

impl KeptDigest {
    fn of(parts: &MarketParts) -> Self {
        let mut kept = Self::default();
        kept.changed_stocks.extend(parts.stocks.keys().copied());
        parts.lots.iter().for_each(|_| kept.lot_opened());
        kept
    }

    fn stock_changed(&mut self, symbol: Symbol) {
        self.changed_stocks.insert(symbol);
    }

    fn lot_opened(&mut self) {
        self.changed_lots
            .push(LotId::at_index(self.lot_is_changed.len()));
        self.lot_is_changed.push(true);
    }

    #[inline(always)]
    fn lot_changed(&mut self, lot: LotId) {
        let index = lot.index().expect("a lot's number has an index");
        if !self.lot_is_changed[index] {
            self.mark_changed(index);
        }
    }

    #[cold]
    fn mark_changed(&mut self, index: usize) {
        self.lot_is_changed[index] = true;
        self.changed_lots.push(LotId::at_index(index));
    }

    fn catch_up(&mut self, parts: &MarketParts) {
        if self.accounts != parts.accounts {
            // A market starts on credit, which has no item.
            self.accounts = parts.accounts;
            self.combined.toggle(&accounts_item(parts.accounts));
        }
        if self.halted_since != parts.halted_since {
            for since in [self.halted_since, parts.halted_since]
                .into_iter()
                .flatten()
            {
                self.combined.toggle(&halt_item(since));
            }
            self.halted_since = parts.halted_since;
        }
        for (index, user) in parts.users.iter().enumerate().skip(self.users) {
            self.combined
                .toggle(&user_item(UserId::at_index(index), user));
        }
        self.users = parts.users.len();
        while let Some(symbol) = self.changed_stocks.pop_first() {
            let item = stock_item(&parts.stocks[&symbol]);
            if let Some(before) = self.stocks.insert(symbol, item) {
                self.combined.toggle(&before);
            }
            self.combined.toggle(&item);
        }
        for id in self.changed_lots.drain(..) {
            let index = id.index().expect("a lot's number has an index");
            let item = lot_item(&parts.lots[index]);
            self.combined.toggle(&item);
            match self.lots.get_mut(index) {
                Some(before) => self.combined.toggle(&core::mem::replace(before, item)),
                // Lots opened since are among the changed ones in the order of their numbers.
                None => self.lots.push(item),
            }
            self.lot_is_changed[index] = false;
        }
    }
}

fn fits(lot: LotId, applied: bool) -> Result<(), FoldError> {
    applied.then_some(()).ok_or(FoldError::NotForLot(lot))
}

fn check_next(what: &'static str, found: u32, expected: u32) -> Result<(), FoldError> {
    if found == expected {
        Ok(())
    } else {
        Err(FoldError::NotNext {
            what,
            number: u64::from(found),
            expected: u64::from(expected),
        })
    }
}

#[inline]
fn check_user(users: &[User], user: UserId) -> Result<(), FoldError> {
    let known = user.index().is_some_and(|index| index < users.len());
    if known {
        Ok(())
    } else {
        Err(FoldError::UnknownUser(user))
    }
}
