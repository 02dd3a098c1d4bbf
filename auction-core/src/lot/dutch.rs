//! The Dutch auction: the price falls, and the first trader to take the lot wins at the price at that time.

use super::format::{FormatRules, Offer, ReservationChange};
use super::{Lot, WinningThreshold};
use crate::account::ledger::Reservation;
use crate::clearing::dutch::{PriceClock, PriceClockError};
use crate::model::command::DutchTerms;
use crate::model::event::{
    BidAccepted, Event, Events, Outcome, PublicEvent, ReserveStatus, SoldBy, UnsoldBecause,
};
use crate::{Price, Reject, Span, TermsError, Timestamp, UserId};

/// Public state of a Dutch lot, in addition to its falling price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DutchBook {
    /// The taker and the price, once the lot is taken.
    pub taken: Option<Taken>,
}

/// A Dutch lot that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Taken {
    /// Trader who took it.
    pub bidder: UserId,
    /// Price of each share.
    pub price: Price,
}

pub(super) fn check_terms(
    terms: &DutchTerms,
    greatest: Price,
    reserve: Option<Price>,
) -> Result<(), TermsError> {
    clock(terms)?;
    if reserve.is_some() {
        return Err(TermsError::NoReserve);
    }
    if terms.start > greatest {
        return Err(TermsError::Start { greatest });
    }
    Ok(())
}

/// Returns the price at a given time; `None` when the terms are invalid.
pub(super) fn price_at(terms: &DutchTerms, lot: &Lot, now: Timestamp) -> Option<Price> {
    let clock = clock(terms).ok()?;
    Some(clock.price(lot.open_for(now)))
}

fn clock(terms: &DutchTerms) -> Result<PriceClock, PriceClockError> {
    PriceClock::new(terms.start, terms.step, terms.floor, terms.interval)
}

/// Input of a decision.
pub(super) struct State<'a> {
    pub(super) lot: &'a Lot,
    pub(super) terms: &'a DutchTerms,
    pub(super) book: &'a DutchBook,
}

impl FormatRules for State<'_> {
    fn lot(&self) -> &Lot {
        self.lot
    }

    fn decide_offer(
        &self,
        now: Timestamp,
        bidder: UserId,
        offer: Offer,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let lot = self.lot.id;
        let Offer::Plain(highest) = offer else {
            return Err(Reject::TakesBids { lot });
        };
        let greatest = self.lot.greatest_price();
        if highest > greatest {
            return Err(Reject::PriceTooHigh { greatest });
        }
        let price = self.price(self.lot.open_for(now));
        if price > highest {
            return Err(Reject::PriceStillAbove { price });
        }
        events.push(Event::Public(PublicEvent::BidAccepted(BidAccepted {
            lot,
            bidder,
            amount: Some(price),
            leader: bidder,
            price,
            least: None,
            bidders: 1,
            reserve: ReserveStatus::None,
        })));
        let outcome = Outcome::Sold {
            winner: bidder,
            price,
            by: SoldBy::FirstTake,
            runner_up: None,
        };
        events.push(Event::Public(PublicEvent::LotClosed { lot, outcome }));
        Ok(())
    }

    fn decide_close(&self, _events: &mut Events) -> Outcome {
        Outcome::Unsold {
            because: UnsoldBecause::NoBids,
            highest: None,
        }
    }

    /// For other traders than the taker: the price at which they would have had to take the lot before the taker. For
    /// the taker, and on a lot that nobody took: the last price before the close.
    fn winning_threshold(&self, trader: UserId, closed_at: Timestamp) -> WinningThreshold {
        let closes_at = self.lot.closes_at;
        let end = match self.book.taken {
            Some(taken) if taken.bidder == trader => closes_at,
            Some(_) => closed_at,
            None => closed_at.min(closes_at),
        };
        let end = self.lot.halted_since.map_or(end, |since| since.min(end));
        let last = end.micros().checked_sub(1).and_then(Timestamp::from_micros);
        match last.filter(|last| *last >= self.lot.opened_at) {
            Some(last) => WinningThreshold::Bid(self.price(last.since(self.lot.opened_at))),
            // The lot was taken, closed or halted at its very opening.
            None => WinningThreshold::Nothing,
        }
    }

    /// The price of the take.
    fn demand(&self, _trader: UserId, events: &Events) -> Reservation {
        let price = events.iter().find_map(|event| match event {
            Event::Public(PublicEvent::BidAccepted(bid)) => Some(bid.price),
            _ => None,
        });
        let price = price.expect("a take names its price");
        Reservation::to_pay(price, self.lot.quantity)
    }

    /// A take is settled at once, so it reserves nothing.
    fn each_reservation_change(&self, _event: &Event, _each: &mut dyn FnMut(ReservationChange)) {}

    fn each_reservation(&self, _each: &mut dyn FnMut(UserId, Reservation)) {}
}

impl State<'_> {
    fn price(&self, open_for: Span) -> Price {
        let clock = clock(self.terms).expect("terms were checked when the lot opened");
        clock.price(open_for)
    }
}
