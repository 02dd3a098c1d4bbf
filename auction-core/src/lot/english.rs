//! The English auction: ascending and open, with plain bids, hidden maxima, a hidden reserve, a buy-now price
//! and a soft close.
//!
//! A plain bid that takes the lead sets the price to its amount. With a maximum the market bids for its trader: the
//! price is one step above the others' offers, as far as the highest maximum allows.

use super::bidders::Bidders;
use super::format::{FormatRules, Offer, ReservationChange};
use super::{Lot, WinningThreshold, reserve_status};
use crate::account::ledger::Reservation;
use crate::model::command::EnglishTerms;
use crate::model::event::{
    BidAccepted, Event, Events, ExtensionCause, Outcome, PrivateEvent, PublicEvent, ReserveStatus,
    SoldBy, UnsoldBecause,
};
use crate::{LotId, Price, Reject, Terms, TermsError, Timestamp, UserId};

/// Public state of an English lot's bids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EnglishBook {
    /// The price, once there is a bid.
    pub price: Option<Price>,
    /// The leader, once there is a bid.
    pub leader: Option<UserId>,
    /// The smallest bid that would be accepted now; `None`: no higher bid is possible.
    pub least: Option<Price>,
    /// Number of public bids.
    pub bids: u32,
    /// Number of traders who have bid.
    pub bidders: u32,
    /// Status of the hidden reserve.
    pub reserve: ReserveStatus,
}

impl EnglishBook {
    pub(super) fn opened(
        terms: &EnglishTerms,
        base_price: Price,
        greatest: Price,
        has_reserve: bool,
    ) -> Self {
        let first_least = terms
            .steps
            .next(base_price)
            .filter(|least| *least <= greatest);
        Self {
            price: None,
            leader: None,
            least: lower(first_least, terms.buy_now),
            bids: 0,
            bidders: 0,
            reserve: reserve_status(has_reserve),
        }
    }

    #[inline(always)]
    pub(super) fn bid_accepted(&mut self, bid: &BidAccepted) {
        self.price = Some(bid.price);
        self.leader = Some(bid.leader);
        self.least = bid.least;
        self.bids = self.bids.saturating_add(1);
        self.bidders = bid.bidders;
        self.reserve = bid.reserve;
    }
}

/// Hidden state of an English lot's bids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct EnglishSecret {
    bidders: Bidders,
    /// The highest offer, that of the leader, who reached it first: a maximum, or a plain bid, which counts as one.
    /// Zero without a leader.
    best: Price,
    /// The highest offer of all other traders.
    second: Option<Price>,
    /// The smallest offer with which the leader would lead as well; zero without a leader.
    needed: Price,
    /// Before this time a plain bid that takes the lead changes nothing else: it moves no close, meets no reserve and
    /// buys nothing.
    plain_until: Timestamp,
    /// Up to this price the distance from the price to the least bid is the same as now; zero if no bid is plain.
    plain_to: Price,
}

impl EnglishSecret {
    /// Returns the leader's highest offer.
    pub(super) fn best(&self) -> Price {
        self.best
    }

    /// Assumes the offers of the leader and of the others; the set of bidders stays.
    pub(super) fn assume(&mut self, best: Price, second: Option<Price>) {
        (self.best, self.second) = (best, second);
    }

    /// Prepares the fast path for the current state of the lot, after any event but a bid, so that bids need not check
    /// it.
    pub(super) fn look_ahead(&mut self, lot: &Lot, terms: &EnglishTerms, reserve: Option<Price>) {
        let is_plain = lot.accepts_bids() && reserve.is_none() && terms.buy_now.is_none();
        self.plain_until = match is_plain {
            true => lot.closes_at.saturating_sub(terms.soft_close.extend_within),
            false => Timestamp::default(),
        };
        self.plain_to = Price::ZERO;
        if self.is_plain() {
            self.look_up(lot, lot.price().unwrap_or(lot.base_price));
        }
    }

    /// Returns true if there is a time before which plain bids change nothing else.
    #[inline(always)]
    fn is_plain(&self) -> bool {
        self.plain_until > Timestamp::default()
    }

    /// Updates the fast path where the step at the new price differs from that at the old one, or no step is left.
    #[cold]
    fn look_up(&mut self, lot: &Lot, price: Price) {
        if let Terms::English(terms) = &lot.terms {
            self.plain_to = terms.steps.unchanged_to(price).min(lot.greatest_price());
        }
    }

    /// Remembers that a trader has bid.
    pub(super) fn has_bid(&mut self, bidder: UserId) {
        self.bidders.insert(bidder);
    }

    pub(super) fn belongs_to(&self, book: &EnglishBook) -> bool {
        book.leader.is_some() == (self.best > Price::ZERO)
    }

    /// Applies an open bid, before the public part of the lot does.
    #[inline(always)]
    pub(super) fn bid_accepted(&mut self, lot: &Lot, bid: &BidAccepted) {
        if let Some(amount) = bid.amount {
            self.offered(lot, bid.bidder, amount, bid.leader == bid.bidder);
        }
        if self.is_plain() && bid.least.is_none_or(|least| least > self.plain_to) {
            self.look_up(lot, bid.price);
        }
    }

    /// Applies an offer, before the public part of the lot does.
    #[inline]
    pub(super) fn offered(&mut self, lot: &Lot, bidder: UserId, amount: Price, leads: bool) {
        self.bidders.insert(bidder);
        if leads {
            if lot.leader() != Some(bidder) {
                let beaten = lot.leader().map(|_| self.best);
                let above = beaten.and_then(|best| best.checked_add(Price::UNIT));
                self.needed = next_step(lot).max(above.unwrap_or(Price::ZERO));
                self.second = beaten;
            }
            self.best = amount;
        } else {
            // Of equal offers the leader's was earlier.
            self.second = self.second.max(Some(amount));
            self.needed = self.needed.max(amount);
        }
    }

    /// Decides and applies, to both parts of the lot, a plain bid that takes the lead at its amount and changes nothing
    /// else, as nearly all do; `None`: it is another kind, or is to be refused, and nothing has changed.
    /// [`State::decide`] decides the same for such bids, and decides all others.
    #[inline(always)]
    pub(super) fn lead_simply(
        &mut self,
        lot: LotId,
        book: &mut EnglishBook,
        now: Timestamp,
        bidder: UserId,
        amount: Price,
    ) -> Option<BidAccepted> {
        let (leader, price, least) = (book.leader.as_mut()?, book.price?, book.least?);
        // Without a buy-now price, the least bid is one step above the price.
        let next = amount.add_up_to(least.above(price), self.plain_to)?;
        let is_simple =
            now < self.plain_until && amount >= least && amount > self.best && *leader != bidder;
        if !is_simple {
            return None;
        }
        self.needed = least.max(self.best.checked_add(Price::UNIT)?);
        self.second = Some(self.best);
        self.best = amount;
        *leader = bidder;
        book.price = Some(amount);
        book.least = Some(next);
        book.bids = book.bids.saturating_add(1);
        book.bidders += u32::from(self.bidders.insert(bidder));
        Some(BidAccepted {
            lot,
            bidder,
            amount: Some(amount),
            leader: bidder,
            price: amount,
            least: Some(next),
            bidders: book.bidders,
            reserve: ReserveStatus::None,
        })
    }
}

pub(super) fn check_terms(
    terms: &EnglishTerms,
    base_price: Price,
    greatest: Price,
    reserve: Option<Price>,
) -> Result<(), TermsError> {
    let first_least = terms
        .steps
        .next(base_price)
        .filter(|least| *least <= greatest);
    let least = first_least.ok_or(TermsError::BasePrice)?;
    if reserve.is_some_and(|reserve| reserve < least || reserve > greatest) {
        return Err(TermsError::Reserve { least, greatest });
    }
    let least = reserve.unwrap_or(least);
    if terms
        .buy_now
        .is_some_and(|buy_now| buy_now < least || buy_now > greatest)
    {
        return Err(TermsError::BuyNow { least, greatest });
    }
    Ok(())
}

/// Input of a decision.
pub(super) struct State<'a> {
    pub(super) lot: &'a Lot,
    pub(super) reserve: Option<Price>,
    pub(super) terms: &'a EnglishTerms,
    pub(super) book: &'a EnglishBook,
    pub(super) hidden: &'a EnglishSecret,
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
        self.decide(now, bidder, offer, events)
    }

    fn decide_close(&self, _events: &mut Events) -> Outcome {
        match (self.book.leader, self.book.price) {
            (Some(_), highest) if self.book.reserve == ReserveStatus::NotMet => Outcome::Unsold {
                because: UnsoldBecause::ReserveNotMet,
                highest,
            },
            (Some(winner), Some(price)) => Outcome::Sold {
                winner,
                price,
                by: SoldBy::HighestBid,
                runner_up: self.hidden.second,
            },
            _ => Outcome::Unsold {
                because: UnsoldBecause::NoBids,
                highest: None,
            },
        }
    }

    /// The winner also learns the smallest maximum that would have won. Others learn only the next step: the winner's
    /// maximum stays secret.
    fn winning_threshold(&self, trader: UserId, _closed_at: Timestamp) -> WinningThreshold {
        let reserve = self.reserve.unwrap_or(Price::ZERO);
        match self.lot.outcome() {
            Some(Outcome::Sold {
                by: SoldBy::BuyNow,
                price,
                ..
            }) => WinningThreshold::Bid(price),
            Some(Outcome::Sold { winner, .. }) if winner == trader => {
                WinningThreshold::Bid(self.hidden.needed.max(reserve))
            }
            Some(Outcome::Sold { .. }) => self
                .book
                .least
                .map_or(WinningThreshold::Nothing, WinningThreshold::AtLeast),
            _ => WinningThreshold::Bid(self.first_least().max(reserve)),
        }
    }

    /// All that was offered, also when it was beaten at once.
    fn demand(&self, trader: UserId, events: &Events) -> Reservation {
        let price = events.iter().rev().find_map(|event| match event {
            Event::Public(PublicEvent::LotClosed {
                outcome: Outcome::Sold { price, .. },
                ..
            }) => Some(*price),
            Event::Private(PrivateEvent::MaximumSet { maximum, .. }) => Some(*maximum),
            Event::Public(PublicEvent::BidAccepted(bid)) => bid.amount,
            _ => None,
        });
        let price = price.expect("an offer names its price");
        let bound = self.leading().filter(|(leader, _)| *leader == trader);
        let bound = bound.map(|(_, bound)| bound).unwrap_or_default();
        Reservation::to_pay(price, self.lot.quantity).beyond(bound)
    }

    fn each_reservation_change(&self, event: &Event, each: &mut dyn FnMut(ReservationChange)) {
        let (trader, amount) = match event {
            Event::Private(PrivateEvent::MaximumSet {
                bidder,
                maximum,
                leads: true,
                ..
            }) => (*bidder, *maximum),
            Event::Public(PublicEvent::BidAccepted(BidAccepted {
                bidder,
                amount: Some(amount),
                leader,
                ..
            })) if leader == bidder => (*bidder, *amount),
            _ => return,
        };
        let to = Reservation::to_pay(amount, self.lot.quantity);
        let mut from = Reservation::NOTHING;
        match self.leading() {
            Some((leader, bound)) if leader == trader => from = bound,
            Some((beaten, bound)) => each(ReservationChange {
                trader: beaten,
                from: bound,
                to: Reservation::NOTHING,
            }),
            None => {}
        }
        each(ReservationChange { trader, from, to });
    }

    fn each_reservation(&self, each: &mut dyn FnMut(UserId, Reservation)) {
        if let Some((leader, bound)) = self.leading() {
            each(leader, bound);
        }
    }
}

impl State<'_> {
    /// Decides a plain bid or a maximum on an open lot.
    #[inline]
    pub(super) fn decide(
        &self,
        now: Timestamp,
        bidder: UserId,
        offer: Offer,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let (Offer::Plain(amount) | Offer::Maximum(amount)) = offer;
        if !self.can_be_bid(amount) {
            let greatest = self.lot.greatest_price();
            return Err(Reject::PriceTooHigh { greatest });
        }
        if let (Offer::Plain(amount), Some(buy_now)) = (offer, self.buy_now())
            && amount >= buy_now
        {
            self.buy(bidder, amount, buy_now, events);
            return Ok(());
        }
        match self.best() {
            Some((leader, best)) if leader == bidder => {
                self.raise(now, bidder, best, offer, events)
            }
            _ => self.outbid(now, bidder, offer, events),
        }
    }

    /// Returns the leader and their reservation: their highest offer.
    fn leading(&self) -> Option<(UserId, Reservation)> {
        let (leader, best) = self.best()?;
        Some((leader, Reservation::to_pay(best, self.lot.quantity)))
    }

    /// Decides a bid of a trader who does not lead.
    #[inline]
    fn outbid(
        &self,
        now: Timestamp,
        bidder: UserId,
        offer: Offer,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let (Offer::Plain(amount) | Offer::Maximum(amount)) = offer;
        let least = self.least_without_buy_now();
        if least.is_none_or(|least| amount < least) {
            // A plain bid can buy at the buy-now price even if no step is left.
            return Err(match self.least_for(offer, least) {
                Some(least) => Reject::BidTooLow { least },
                None => Reject::NoHigherBid,
            });
        }
        let (leader, price) = match (self.best(), offer) {
            (Some((leader, best)), _) if amount <= best => {
                (leader, self.one_step_above(amount, best))
            }
            (_, Offer::Plain(amount)) => (bidder, amount),
            (Some((_, best)), Offer::Maximum(amount)) => {
                (bidder, self.one_step_above(best, amount))
            }
            (None, Offer::Maximum(_)) => (bidder, self.first_least()),
        };
        let highest = if leader == bidder {
            amount
        } else {
            self.hidden.best
        };
        let price = self.lifted(price, highest);
        if let Offer::Maximum(maximum) = offer {
            events.push(self.maximum_set(bidder, maximum, leader == bidder));
        }
        events.push(self.accepted(bidder, offer, leader, price));
        assert!(
            Some(price) > self.book.price,
            "whoever outbids the least bid lifts the price"
        );
        self.extend(now, events);
        Ok(())
    }

    /// Decides a higher maximum of the leader.
    #[inline(never)]
    fn raise(
        &self,
        now: Timestamp,
        leader: UserId,
        best: Price,
        offer: Offer,
        events: &mut Events,
    ) -> Result<(), Reject> {
        let Offer::Maximum(maximum) = offer else {
            return Err(Reject::AlreadyLeading);
        };
        if maximum <= best {
            let least = best.checked_add(Price::UNIT);
            let least = least.filter(|least| self.can_be_bid(*least));
            return Err(match least {
                Some(least) => Reject::MaximumTooLow { least },
                None => Reject::NoHigherBid,
            });
        }
        let standing = self.book.price.expect("a lot with a leader has a price");
        let stepped = match self.hidden.second {
            Some(second) => standing.max(self.one_step_above(second, maximum)),
            None => standing,
        };
        let price = self.lifted(stepped, maximum);
        events.push(self.maximum_set(leader, maximum, true));
        if price == standing {
            return Ok(());
        }
        events.push(self.accepted(leader, offer, leader, price));
        let reaches_reserve = self.book.reserve == ReserveStatus::NotMet
            && self.reserve.is_some_and(|reserve| price >= reserve);
        if reaches_reserve {
            self.extend(now, events);
        }
        Ok(())
    }

    #[inline(never)]
    fn buy(&self, bidder: UserId, amount: Price, buy_now: Price, events: &mut Events) {
        // The buy-now price is at least the reserve, so the reserve is met.
        let reserve = match self.book.reserve {
            ReserveStatus::None => ReserveStatus::None,
            ReserveStatus::NotMet | ReserveStatus::Met => ReserveStatus::Met,
        };
        let runner_up = match self.best() {
            Some((leader, _)) if leader == bidder => self.hidden.second,
            best => best.map(|(_, best)| best),
        };
        events.push(Event::Public(PublicEvent::BidAccepted(BidAccepted {
            lot: self.lot.id,
            bidder,
            amount: Some(amount),
            leader: bidder,
            price: buy_now,
            least: None,
            bidders: self.bidders_with(bidder),
            reserve,
        })));
        let outcome = Outcome::Sold {
            winner: bidder,
            price: buy_now,
            by: SoldBy::BuyNow,
            runner_up,
        };
        events.push(Event::Public(PublicEvent::LotClosed {
            lot: self.lot.id,
            outcome,
        }));
    }

    fn extend(&self, now: Timestamp, events: &mut Events) {
        if let Some(closes_at) = self.later_close(now) {
            let cause = ExtensionCause::SoftClose;
            let lot = self.lot.id;
            events.push(Event::Public(PublicEvent::LotExtended {
                lot,
                closes_at,
                cause,
            }));
        }
    }

    /// Returns the later close that a bid at `now` causes, if any.
    #[inline(always)]
    fn later_close(&self, now: Timestamp) -> Option<Timestamp> {
        let soft_close = &self.terms.soft_close;
        soft_close.extended(self.lot.closes_at, self.lot.extensions, now)
    }

    /// Returns the number of bidders, this one included.
    #[inline]
    fn bidders_with(&self, bidder: UserId) -> u32 {
        self.book.bidders + u32::from(!self.hidden.bidders.contains(bidder))
    }

    fn maximum_set(&self, bidder: UserId, maximum: Price, leads: bool) -> Event {
        Event::Private(PrivateEvent::MaximumSet {
            lot: self.lot.id,
            bidder,
            maximum,
            leads,
        })
    }

    #[inline]
    fn accepted(&self, bidder: UserId, offer: Offer, leader: UserId, price: Price) -> Event {
        let status = match self.reserve {
            None => ReserveStatus::None,
            Some(reserve) if price < reserve => ReserveStatus::NotMet,
            Some(_) => ReserveStatus::Met,
        };
        // Without a reserve the first bid ends buy-now; with a reserve, reaching it does.
        let buy_now = self
            .terms
            .buy_now
            .filter(|_| status == ReserveStatus::NotMet);
        Event::Public(PublicEvent::BidAccepted(BidAccepted {
            lot: self.lot.id,
            bidder,
            amount: match offer {
                Offer::Plain(amount) => Some(amount),
                Offer::Maximum(_) => None,
            },
            leader,
            price,
            least: lower(self.next_least(price), buy_now),
            bidders: self.bidders_with(bidder),
            reserve: status,
        }))
    }

    fn buy_now(&self) -> Option<Price> {
        self.terms.buy_now.filter(|_| match self.book.reserve {
            ReserveStatus::None => self.book.leader.is_none(),
            ReserveStatus::NotMet => true,
            ReserveStatus::Met => false,
        })
    }

    /// Returns the smallest bid of the refused kind that would be accepted: only a plain bid can buy now.
    fn least_for(&self, offer: Offer, least: Option<Price>) -> Option<Price> {
        match offer {
            Offer::Plain(_) => lower(least, self.buy_now()),
            Offer::Maximum(_) => least,
        }
    }

    fn least_without_buy_now(&self) -> Option<Price> {
        if self.buy_now().is_none() {
            return self.book.least;
        }
        self.next_least(self.book.price.unwrap_or(self.lot.base_price))
    }

    #[inline(always)]
    fn next_least(&self, price: Price) -> Option<Price> {
        let next = self.terms.steps.next(price);
        next.filter(|least| self.can_be_bid(*least))
    }

    /// Returns true if a price is at most [the greatest](Lot::greatest_price): computed by a product, which costs less
    /// than the quotient.
    #[inline(always)]
    fn can_be_bid(&self, price: Price) -> bool {
        price.checked_mul(self.lot.quantity).is_some()
    }

    fn first_least(&self) -> Price {
        self.terms
            .steps
            .next(self.lot.base_price)
            .expect("terms leave room for a first bid")
    }

    /// Returns the leader and their highest offer.
    #[inline]
    fn best(&self) -> Option<(UserId, Price)> {
        self.book.leader.map(|leader| (leader, self.hidden.best))
    }

    /// Returns the price, raised to the reserve if the leader's offer reaches it.
    fn lifted(&self, price: Price, highest: Price) -> Price {
        match self.reserve {
            Some(reserve) if highest >= reserve => price.max(reserve),
            _ => price,
        }
    }

    /// Returns `min(highest, second + step(second))`.
    fn one_step_above(&self, second: Price, highest: Price) -> Price {
        self.terms
            .steps
            .next(second)
            .map_or(highest, |next| next.min(highest))
    }
}

/// Returns one step above the current price, ignoring a buy-now price; zero if no step is left.
fn next_step(lot: &Lot) -> Price {
    let Terms::English(terms) = &lot.terms else {
        return Price::ZERO;
    };
    let standing = lot.price().unwrap_or(lot.base_price);
    terms.steps.next(standing).unwrap_or(Price::ZERO)
}

fn lower(least: Option<Price>, buy_now: Option<Price>) -> Option<Price> {
    match (least, buy_now) {
        (Some(least), Some(buy_now)) => Some(least.min(buy_now)),
        (one, other) => one.or(other),
    }
}
