//! The fast path of a plain bid, of which a market decides millions.

use super::Engine;
use crate::lot::{Lot, LotSecret, lead_simply};
use crate::market::Market;
use crate::model::command::{Caller, Role};
use crate::model::record::Record;
use crate::{LotId, Price, RequestId, Sequence, SessionId, Timestamp, UserId};

impl Engine {
    /// Decides, applies and records a plain bid that takes the lead at its amount and changes nothing else;
    /// `false`: it is not such a bid, or is to be refused, or `record` is not a bid's record to overwrite, and
    /// nothing has changed.
    ///
    /// The slow path, which decides and then applies the decision, gives the same result, and [`verify`](Self::verify)
    /// uses it. Here the lot is looked up once, and the decision is not checked again. Only for markets on credit: with
    /// funds there is more to check and to settle.
    #[inline(always)]
    pub(super) fn bid_fast(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        lot: LotId,
        price: Price,
        record: &mut Record,
    ) -> bool {
        match *caller {
            Caller::User(user) => self.bid_of_user(now, user, lot, price, record),
            Caller::Session { session, request } => {
                self.bid_of_session(now, (session, request), lot, price, record)
            }
            Caller::Operator => false,
        }
    }

    /// Same as `bid_fast`, where the record may be of any kind.
    #[inline(never)]
    pub(super) fn bid_fast_over_another(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        lot: LotId,
        price: Price,
        record: &mut Record,
    ) -> bool {
        let least = self.market.lot(lot).and_then(Lot::least_bid);
        if record.bid_mut().is_some() || least.is_none_or(|least| price < least) {
            return false;
        }
        record.become_bid();
        self.bid_fast(now, caller, lot, price, record)
    }

    #[inline(never)]
    fn bid_of_user(
        &mut self,
        now: Timestamp,
        bidder: UserId,
        lot: LotId,
        price: Price,
        record: &mut Record,
    ) -> bool {
        if self.sessions.is_suspended(bidder) {
            return false;
        }
        let bid = PlainBid {
            now,
            bidder,
            request: None,
            lot,
            price,
        };
        let has_led = bid.lead(
            &mut self.market,
            &mut self.hidden,
            &mut self.sequence,
            record,
        );
        if has_led {
            self.at = now;
        }
        has_led
    }

    #[inline(never)]
    fn bid_of_session(
        &mut self,
        now: Timestamp,
        request: (SessionId, RequestId),
        lot: LotId,
        price: Price,
        record: &mut Record,
    ) -> bool {
        let Some(asking) = self.sessions.session_for_new_request(now, request) else {
            return false;
        };
        let bid = PlainBid {
            now,
            bidder: asking.user,
            request: Some(request),
            lot,
            price,
        };
        let has_led = bid.lead(
            &mut self.market,
            &mut self.hidden,
            &mut self.sequence,
            record,
        );
        if has_led {
            self.at = now;
            asking.remember_lead(request.1, self.sequence, lot, price);
        }
        has_led
    }
}

/// A plain bid of a user who is not suspended, in a market on credit.
struct PlainBid {
    now: Timestamp,
    bidder: UserId,
    request: Option<(SessionId, RequestId)>,
    lot: LotId,
    price: Price,
}

impl PlainBid {
    #[inline(always)]
    fn lead(
        self,
        market: &mut Market,
        hidden: &mut [LotSecret],
        sequence: &mut Sequence,
        record: &mut Record,
    ) -> bool {
        let Some(into) = record.bid_mut() else {
            return false;
        };
        let user = market.user(self.bidder);
        if user.is_none_or(|user| user.role != Role::Trader) {
            return false;
        }
        let hidden = self.lot.index().and_then(|index| hidden.get_mut(index));
        let (Some(public), Some(hidden)) = (market.lot_to_bid_on(self.lot), hidden) else {
            return false;
        };
        let Some(bid) = lead_simply(self.lot, public, hidden, self.now, self.bidder, self.price)
        else {
            return false;
        };
        *sequence = sequence.next();
        into.write(*sequence, self.now, self.request, self.price, bid);
        market.bid_taken(self.now, self.lot);
        true
    }
}
