//! The straight way of a plain bid, of which a market decides millions.

use super::Engine;
use crate::command::Actor;
use crate::lot::lead_simply;
use crate::record::Record;
use crate::{LotId, Price, RequestId, SessionId, Timestamp, UserId};

impl Engine {
    /// Decides, applies and writes down a plain bid that takes the lead at its amount and changes nothing else;
    /// `false`: it is another one, or is to be refused, and nothing has changed.
    ///
    /// The long way, to decide and then to apply what was decided, comes to the same, and [`verify`](Self::verify)
    /// goes it. Here the lot is looked up once, and what was just decided is not checked again.
    #[inline(always)]
    pub(super) fn lead_straight(
        &mut self,
        now: Timestamp,
        bidder: UserId,
        request: Option<(SessionId, RequestId)>,
        lot: LotId,
        price: Price,
        record: &mut Record,
    ) -> bool {
        // With funds there is more to ask, and to settle.
        if self.ledger.is_some() || self.require_trader(Actor::User(bidder)).is_err() {
            return false;
        }
        let hidden = lot.index().and_then(|index| self.hidden.get_mut(index));
        let (Some(public), Some(hidden)) = (self.market.lot_to_bid_on(lot), hidden) else {
            return false;
        };
        let Some(bid) = lead_simply(public, hidden, now, bidder, price) else {
            return false;
        };
        let sequence = self.sequence.next();
        if let Some(before) = record.bid_mut() {
            before.write(sequence, now, request, price, bid);
        } else {
            let before = record.become_bid();
            before.write(sequence, now, request, price, bid);
        }
        (self.sequence, self.at) = (sequence, now);
        self.market.bid_taken(now, lot);
        if request.is_some() {
            self.remember(record);
        }
        true
    }
}
