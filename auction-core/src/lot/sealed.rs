//! Sealed bids for the whole lot: first-price and second-price (Vickrey). One bid per trader, hidden until the close;
//! others see the number of bidders.

use super::format::{FormatRules, OrderChange, ReservationChange};
use super::orders::{Orders, Sealed, open, own_orders, reserves};
use super::{Lot, OwnOrder, WinningThreshold};
use alloc::vec::Vec;

use crate::account::ledger::Reservation;
use crate::clearing::sealed::{self, SealedBids, SealedOutcome, SealedRule};
use crate::model::command::SealedTerms;
use crate::model::event::{Event, Events, OpenedBid, Outcome, SoldBy, UnsoldBecause};
use crate::{Price, Reject, TermsError, Timestamp, UserId};

/// Maximum number of live bids of a trader.
const BIDS_EACH: u32 = 1;

/// Public state of a sealed lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedBook {
    /// Number of traders with a live bid.
    pub bidders: u32,
    /// True if there is a reserve; its price is hidden.
    pub has_reserve: bool,
}

pub(super) fn check_terms(
    base_price: Price,
    greatest: Price,
    reserve: Option<Price>,
) -> Result<(), TermsError> {
    let least = base_price.max(Price::UNIT);
    if least > greatest {
        return Err(TermsError::BasePrice);
    }
    if reserve.is_some_and(|reserve| reserve < least || reserve > greatest) {
        return Err(TermsError::Reserve { least, greatest });
    }
    Ok(())
}

/// Input of a decision.
pub(super) struct State<'a> {
    pub(super) lot: &'a Lot,
    pub(super) terms: &'a SealedTerms,
    pub(super) reserve: Option<Price>,
    pub(super) orders: &'a Orders,
}

impl FormatRules for State<'_> {
    fn lot(&self) -> &Lot {
        self.lot
    }

    fn decide_order(
        &self,
        _now: Timestamp,
        trader: UserId,
        change: OrderChange,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let sealed = Sealed {
            lot: self.lot.id,
            orders: self.orders,
            each_max: BIDS_EACH,
        };
        let check = |quantity, price| {
            let (whole, greatest) = (self.lot.quantity, self.lot.greatest_price());
            let least = self.rules().minimum();
            if quantity != whole {
                return Err(Reject::WholeLotOnly { quantity: whole });
            }
            if price > greatest {
                return Err(Reject::PriceTooHigh { greatest });
            }
            if price < least {
                return Err(Reject::BidTooLow { least });
            }
            Ok(())
        };
        sealed.decide(trader, change, check, events)
    }

    fn decide_close(&self, events: &mut Events) -> Outcome {
        let outcome = match self.bids().outcome(&self.rules()) {
            SealedOutcome::Sold(sale) => Outcome::Sold {
                winner: sale.winner,
                price: sale.price,
                by: match sale.decided_by {
                    SealedRule::OwnBid => SoldBy::HighestBid,
                    SealedRule::SecondHighest => SoldBy::SecondHighestBid,
                    SealedRule::Reserve => SoldBy::Reserve,
                    SealedRule::Minimum => SoldBy::LeastBid,
                },
                runner_up: sale.runner_up,
            },
            SealedOutcome::NoBids => Outcome::Unsold {
                because: UnsoldBecause::NoBids,
                highest: None,
            },
            SealedOutcome::ReserveNotMet { highest } => Outcome::Unsold {
                because: UnsoldBecause::ReserveNotMet,
                highest: Some(highest),
            },
        };
        let opened = self.orders.by_time().into_iter().map(|(bidder, order)| {
            let pays = match outcome {
                Outcome::Sold { winner, price, .. } if winner == bidder => Some(price),
                _ => None,
            };
            OpenedBid {
                bidder,
                order: order.id,
                price: order.limit.expect("sealed bids have a limit"),
                quantity: order.quantity,
                filled: pays.map_or(0, |_| order.quantity.get()),
                pays,
            }
        });
        open(self.lot.id, opened, events);
        outcome
    }

    fn orders_of(&self, trader: UserId) -> Vec<OwnOrder> {
        own_orders(self.lot, self.orders.of(trader), |order| {
            match self.lot.outcome() {
                Some(Outcome::Sold { winner, price, .. }) if winner == trader => {
                    (order.quantity.get(), Some(price))
                }
                _ => (0, None),
            }
        })
    }

    fn winning_threshold(&self, trader: UserId, _closed_at: Timestamp) -> WinningThreshold {
        let least = self.bids().winning_threshold(&self.rules(), trader);
        let least = least.filter(|least| *least <= self.lot.greatest_price());
        least.map_or(WinningThreshold::Nothing, WinningThreshold::Bid)
    }

    fn each_reservation_change(&self, event: &Event, each: &mut dyn FnMut(ReservationChange)) {
        self.orders.each_reservation_change(event, reserves, each);
    }

    fn each_reservation(&self, each: &mut dyn FnMut(UserId, Reservation)) {
        self.orders.each_reservation(reserves, each);
    }
}

impl State<'_> {
    fn rules(&self) -> sealed::SealedTerms {
        sealed::SealedTerms {
            pricing: self.terms.pricing,
            base_price: self.lot.base_price,
            reserve: self.reserve,
        }
    }

    fn bids(&self) -> SealedBids {
        let mut bids = SealedBids::default();
        for (bidder, order) in self.orders.by_time() {
            let price = order.limit.expect("sealed bids have a limit");
            let placed = bids.place(&self.rules(), bidder, price);
            placed.expect("bids were checked when they were placed");
        }
        bids
    }
}
