//! Accepted bids for readers, with names instead of numbers: open ones at their acceptance, sealed ones at their
//! opening.

use auction_core::{
    BidAccepted, FeedSequence, LotId, Name, OpenedBid, Price, PublicEvent, Sequence, Symbol,
    Timestamp, UserId,
};
use auction_proto::PublicRecord;

use crate::journal::VisitError;

/// An accepted bid, as it is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedBid {
    /// Position of its record in the journal.
    pub sequence: Sequence,
    /// Position in the feed.
    pub feed_sequence: FeedSequence,
    /// Time of its acceptance, or of its opening: the time at which a sealed bid was placed stays hidden.
    pub at: Timestamp,
    /// The bidder.
    pub user: Name,
    /// Stock of the lot.
    pub symbol: Symbol,
    /// The lot.
    pub lot: LotId,
    /// The public part of the bid.
    pub shown: Shown,
}

/// The public part of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An open bid, and the state of the lot after it.
    Open(BidAccepted),
    /// A sealed bid, and its outcome.
    Opened(OpenedBid),
}

impl NamedBid {
    /// Returns the amount of the bid. For a hidden maximum this is the lot's price after it, and no more is revealed.
    #[must_use]
    pub fn price(&self) -> Price {
        match self.shown {
            Shown::Open(bid) => bid.amount.unwrap_or(bid.price),
            Shown::Opened(bid) => bid.price,
        }
    }
}

/// Finds the bids among the records of a journal. It keeps the names of all users and lots.
#[derive(Clone, Debug, Default)]
pub struct BidFinder {
    users: Vec<Name>,
    lots: Vec<Symbol>,
    /// Position of the last public event.
    feed_sequence: FeedSequence,
}

impl BidFinder {
    /// Takes the next record, and passes its bids to `found`.
    ///
    /// # Errors
    /// When the record has an unknown number or one out of order: an earlier record is missing.
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
                | PublicEvent::EndOpened { .. }
                | PublicEvent::PhaseBegan(_)
                | PublicEvent::PhaseExtended { .. }
                | PublicEvent::PhaseMoved { .. }
                | PublicEvent::CallUncrossed { .. }
                | PublicEvent::OrderShown { .. }
                | PublicEvent::OrderReduced { .. }
                | PublicEvent::OrderGone { .. }
                | PublicEvent::Traded { .. }
                | PublicEvent::Interrupted { .. }
                | PublicEvent::DayHalted { .. }
                | PublicEvent::MarketHalted
                | PublicEvent::MarketResumed => {}
            }
        }
        Ok(())
    }

    /// Returns the number of lots: they are numbered from 1.
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
