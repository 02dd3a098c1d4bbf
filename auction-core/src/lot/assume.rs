//! Hidden halves that are assumed: for an [audit](crate::audit), which knows only what everyone does and asks what the
//! rules would give.

use alloc::boxed::Box;

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

    /// Assumes with what an English lot is led, and the highest that others have offered.
    pub(crate) fn assume_offers(&mut self, best: Price, second: Option<Price>) {
        if let BookSecret::English(hidden) = &mut self.book {
            hidden.assume(best, second);
        }
    }

    /// Remembers that someone has bid on an English lot.
    pub(crate) fn has_bid(&mut self, bidder: UserId) {
        if let BookSecret::English(hidden) = &mut self.book {
            hidden.has_bid(bidder);
        }
    }

    /// Assumes the live sealed bids to be those of which one trader has these.
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

    /// Assumes the live sealed bids to be those that were opened, in the order of their time.
    pub(crate) fn assume_opened(&mut self, opened: &[OpenedBid]) {
        if let BookSecret::Orders(orders) = &mut self.book {
            **orders = Orders::of_opened(opened);
        }
    }

    /// Assumes the random end of a call auction.
    pub(crate) fn assume_end(&mut self, end: Option<RandomEnd>) {
        if let BookSecret::Call(_) = &self.book {
            self.book = BookSecret::Call(Box::new(CallSecret::with_end(end)));
        }
    }
}
