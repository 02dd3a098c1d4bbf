//! Accepted bids as people read them, with names in place of numbers: open ones as they were accepted, sealed ones as
//! they were opened.

use auction_core::{
    BidAccepted, FeedSequence, LotId, Name, OpenedBid, Price, PublicEvent, Sequence, Symbol,
    Timestamp, UserId,
};
use auction_proto::PublicRecord;

use crate::journal::VisitError;

/// An accepted bid that everyone may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedBid {
    /// The place of its record in the journal.
    pub sequence: Sequence,
    /// Its place in the feed.
    pub feed_sequence: FeedSequence,
    /// When it was accepted, or opened: when a sealed bid was placed stays hidden.
    pub at: Timestamp,
    /// Who bid.
    pub user: Name,
    /// On which stock.
    pub symbol: Symbol,
    /// On which lot.
    pub lot: LotId,
    /// The bid itself.
    pub shown: Shown,
}

/// What is seen of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An open bid, and how the lot stood after it.
    Open(BidAccepted),
    /// A sealed bid, and what came of it.
    Opened(OpenedBid),
}

impl NamedBid {
    /// What was bid. Of a hidden maximum nobody is told more than the price at which the lot then stood.
    #[must_use]
    pub fn price(&self) -> Price {
        match self.shown {
            Shown::Open(bid) => bid.amount.unwrap_or(bid.price),
            Shown::Opened(bid) => bid.price,
        }
    }
}

/// Finds the bids among the records of a journal. It keeps the name of every user and lot.
#[derive(Clone, Debug, Default)]
pub struct BidFinder {
    users: Vec<Name>,
    lots: Vec<Symbol>,
    /// The place of the last public event: they are counted.
    feed_sequence: FeedSequence,
}

impl BidFinder {
    /// Takes the next record, and gives its bids to `found`.
    ///
    /// # Errors
    /// A number in it is not known, or not the next one: a record before it is missing.
    pub fn take(
        &mut self,
        record: &PublicRecord,
        mut found: impl FnMut(NamedBid),
    ) -> Result<(), VisitError> {
        for event in record.events.iter().flatten() {
            self.feed_sequence = self.feed_sequence.next();
            match event {
                PublicEvent::UserRegistered { user, name, .. } => {
                    self.users.push(*name);
                    check_next(user.0, self.users.len())?;
                }
                PublicEvent::LotOpened(opened) => {
                    self.lots.push(opened.symbol);
                    check_next(opened.lot.0, self.lots.len())?;
                }
                PublicEvent::BidAccepted(bid) => {
                    found(self.named(record, bid.lot, bid.bidder, Shown::Open(*bid))?);
                }
                PublicEvent::BidsOpened { lot, bids } => {
                    for bid in bids {
                        found(self.named(record, *lot, bid.bidder, Shown::Opened(*bid))?);
                    }
                }
                PublicEvent::StockListed(_)
                | PublicEvent::LotExtended { .. }
                | PublicEvent::LotClosed { .. }
                | PublicEvent::ProfitPublished { .. }
                | PublicEvent::LotBegan { .. }
                | PublicEvent::LotHalted { .. }
                | PublicEvent::LotResumed { .. }
                | PublicEvent::BiddersCounted { .. }
                | PublicEvent::AccountsSet { .. }
                | PublicEvent::ReferenceFixed { .. }
                | PublicEvent::EndCommitted { .. }
                | PublicEvent::EndOpened { .. } => {}
            }
        }
        Ok(())
    }

    /// How many lots there are: they are numbered from 1.
    #[must_use]
    pub fn lots(&self) -> usize {
        self.lots.len()
    }

    fn named(
        &self,
        record: &PublicRecord,
        lot: LotId,
        bidder: UserId,
        shown: Shown,
    ) -> Result<NamedBid, VisitError> {
        Ok(NamedBid {
            sequence: record.sequence,
            feed_sequence: self.feed_sequence,
            at: record.at,
            user: self.name(bidder)?,
            symbol: self.symbol(lot)?,
            lot,
            shown,
        })
    }

    fn name(&self, user: UserId) -> Result<Name, VisitError> {
        let name = (user.0 as usize)
            .checked_sub(1)
            .and_then(|at| self.users.get(at));
        Ok(*name.ok_or_else(|| format!("user {user} is not known"))?)
    }

    fn symbol(&self, lot: LotId) -> Result<Symbol, VisitError> {
        let symbol = (lot.0 as usize)
            .checked_sub(1)
            .and_then(|at| self.lots.get(at));
        Ok(*symbol.ok_or_else(|| format!("lot {lot} is not known"))?)
    }
}

fn check_next(number: u32, expected: usize) -> Result<(), VisitError> {
    if number as usize == expected {
        Ok(())
    } else {
        Err(format!("number {number} was given where {expected} was expected").into())
    }
}
