//! Assumed hidden state of lots: for an [audit](crate::audit), which knows only public data and asks the engine for the
//! decisions of the rules.

use super::call::CallSecret;
use super::orders::Orders;
use super::secret::{BookSecret, LotSecret};
use crate::model::event::OpenedBid;
use crate::{OrderId, Price, RandomEnd, UserId};

impl LotSecret {
    /// Assumes a reserve.
    pub(crate) fn assume_reserve(&mut self, reserve: Option<Price>) {
        self.reserve = reserve;
    }

    /// Assumes the leader's offer on an English lot, and the highest offer of the others.
    pub(crate) fn assume_offers(&mut self, best: Price, second: Option<Price>) {
        if let BookSecret::English(hidden) = &mut self.book {
            hidden.assume(best, second);
        }
    }

    /// Remembers that a user has bid on an English lot.
    pub(crate) fn has_bid(&mut self, bidder: UserId) {
        if let BookSecret::English(hidden) = &mut self.book {
            hidden.has_bid(bidder);
        }
    }

    /// Assumes that the live sealed bids are those in which one trader has these.
    pub(crate) fn assume_orders(
        &mut self,
        bidders: u32,
        trader: UserId,
        numbers: u32,
        live: &[OrderId],
    ) {
        if let BookSecret::Orders(orders) = &mut self.book {
            **orders = Orders::assumed(bidders, trader, numbers, live);
        }
    }

    /// Assumes that the live sealed bids are those that were opened, in the order of their time.
    pub(crate) fn assume_opened(&mut self, opened: &[OpenedBid]) {
        if let BookSecret::Orders(orders) = &mut self.book {
            **orders = Orders::of_opened(opened);
        }
    }

    /// Assumes the random end of a call auction, or of the running call of a trading day.
    pub(crate) fn assume_end(&mut self, end: Option<RandomEnd>) {
        match &mut self.book {
            BookSecret::Call(call) => **call = CallSecret::with_end(end),
            BookSecret::Day(day) => day.end = end,
            _ => {}
        }
    }
}
