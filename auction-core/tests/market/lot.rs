//! A lot of the oracle: the list of its events, and everything computed from the list.

use std::collections::BTreeSet;

use auction_core::limits::{AMOUNT_MAX, PRICE_MAX};
use auction_core::{
    EnglishTerms, ExtensionCause, OpenLot, OrderId, Outcome, Price, Reject, ReserveStatus,
    SoftCloseMode, SoldBy, Steps, Terms, Timestamp, UnsoldBecause, UserId,
};

use crate::calls::CallStep;

#[derive(Clone, Debug)]
pub struct OracleLot {
    pub open: OpenLot,
    pub base: u64,
    /// Time at which it was opened or scheduled.
    pub made_at: u64,
    pub happened: Vec<Happened>,
    pub closed_at: Option<u64>,
    pub cancelled: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Happened {
    Offer(Offer),
    Moved { closes_at: u64 },
    Began { at: u64 },
    Halted { at: u64 },
    Resumed { at: u64 },
    Placed(Placed),
    Cancelled { user: UserId, order: OrderId },
    Call(CallStep),
}

/// An order as it was placed or replaced.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub user: UserId,
    pub order: OrderId,
    pub quantity: u64,
    pub price: u64,
    pub anew: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Offer {
    pub at: u64,
    pub user: UserId,
    pub kind: Kind,
    pub amount: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Maximum,
}

/// State of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub leader: Option<UserId>,
    pub price: Option<u64>,
    pub least: Option<u64>,
    pub bids: u32,
    pub bidders: u32,
    pub reserve: ReserveStatus,
    pub closes_at: u64,
    pub extensions: u32,
    pub bought: bool,
}

impl OracleLot {
    pub fn view(&self) -> View {
        self.view_after(self.happened.len())
    }

    pub fn view_after(&self, count: usize) -> View {
        if !matches!(self.open.terms, Terms::English(_)) {
            return self.other_view(count);
        }
        let offers = self.offers(count);
        let (closes_at, extensions) = self.close_after(count);
        let (leader, price) = (self.leader(&offers), self.price(&offers));
        let traders: BTreeSet<UserId> = offers.iter().map(|offer| offer.user).collect();
        let seen = |shown: &usize| self.is_seen(&offers[..*shown]);
        let bought = self.bought(&offers);
        let buy_now = self.buy_now_after(&offers).filter(|_| !bought);
        let next = self.next(price.unwrap_or(self.base)).filter(|_| !bought);
        View {
            leader,
            price,
            least: next.into_iter().chain(buy_now).min(),
            bids: (1..=offers.len()).filter(seen).count() as u32,
            bidders: traders.len() as u32,
            reserve: self.reserve_after(&offers),
            closes_at,
            extensions,
            bought,
        }
    }

    /// Returns the reason why an offer on an open lot is refused, if it is.
    pub fn refusal(&self, user: UserId, kind: Kind, amount: u64) -> Option<Reject> {
        let offers = self.offers(self.happened.len());
        let greatest = self.greatest();
        if amount > greatest {
            return Some(Reject::PriceTooHigh {
                greatest: price(greatest),
            });
        }
        let buy_now = self.buy_now_after(&offers).filter(|_| kind == Kind::Plain);
        if buy_now.is_some_and(|buy_now| amount >= buy_now) {
            return None;
        }
        let leads = self.leader(&offers) == Some(user);
        let least = match kind {
            Kind::Plain if leads => return Some(Reject::AlreadyLeading),
            Kind::Maximum if leads => {
                let own = highest(offers.iter().filter(|offer| offer.user == user))? + 1;
                Some(own).filter(|own| *own <= greatest)
            }
            Kind::Plain | Kind::Maximum => {
                let next = self.next(self.price(&offers).unwrap_or(self.base));
                next.into_iter().chain(buy_now).min()
            }
        };
        match least {
            None => Some(Reject::NoHigherBid),
            Some(least) if amount >= least => None,
            Some(least) if leads => Some(Reject::MaximumTooLow {
                least: price(least),
            }),
            Some(least) => Some(Reject::BidTooLow {
                least: price(least),
            }),
        }
    }

    pub fn outcome(&self) -> Outcome {
        if self.cancelled {
            return Outcome::Unsold {
                because: UnsoldBecause::Cancelled,
                highest: None,
            };
        }
        if !matches!(self.open.terms, Terms::English(_)) {
            return self.other_outcome();
        }
        let offers = self.offers(self.happened.len());
        let highest_shown = self.price(&offers).map(price);
        let unsold = |because| Outcome::Unsold {
            because,
            highest: highest_shown,
        };
        match (self.leader(&offers), highest_shown) {
            (Some(_), _) if self.reserve_after(&offers) == ReserveStatus::NotMet => {
                unsold(UnsoldBecause::ReserveNotMet)
            }
            (Some(winner), Some(paid)) => Outcome::Sold {
                winner,
                price: paid,
                by: if self.bought(&offers) {
                    SoldBy::BuyNow
                } else {
                    SoldBy::HighestBid
                },
                runner_up: highest(offers.iter().filter(|offer| offer.user != winner)).map(price),
            },
            _ => unsold(UnsoldBecause::NoBids),
        }
    }

    pub fn greatest(&self) -> u64 {
        PRICE_MAX.min(AMOUNT_MAX / self.open.quantity.get())
    }

    pub fn first_least(&self) -> Option<u64> {
        self.next(self.base)
    }

    pub fn terms(&self) -> &EnglishTerms {
        let Terms::English(terms) = &self.open.terms else {
            panic!("the oracle knows English lots");
        };
        terms
    }

    pub fn is_english(&self) -> bool {
        matches!(self.open.terms, Terms::English(_))
    }

    /// Returns the reason why it accepts nothing at this time, if there is one.
    pub fn stopped(&self, lot: auction_core::LotId, at: u64) -> Option<Reject> {
        if let Some(since) = self.halted_since() {
            let since = time(since);
            return Some(Reject::LotHalted { lot, since });
        }
        let closes_at = self.view().closes_at;
        if self.has_begun() && at >= closes_at {
            let closed_at = time(closes_at);
            return Some(Reject::LotClosed { lot, closed_at });
        }
        self.not_begun(lot)
    }

    pub fn not_begun(&self, lot: auction_core::LotId) -> Option<Reject> {
        let opens_at = time(self.opened_at());
        (!self.has_begun()).then_some(Reject::LotNotBegun { lot, opens_at })
    }

    pub fn has_begun(&self) -> bool {
        let began = |happened: &Happened| matches!(happened, Happened::Began { .. });
        self.open.opens_at.is_none() || self.happened.iter().any(began)
    }

    pub fn halted_since(&self) -> Option<u64> {
        self.happened
            .iter()
            .fold(None, |halted, happened| match happened {
                Happened::Halted { at } => Some(*at),
                Happened::Resumed { .. } => None,
                _ => halted,
            })
    }

    pub fn opened_at(&self) -> u64 {
        let mut opened = self.open.opens_at.map_or(self.made_at, Timestamp::micros);
        let mut since = 0;
        for happened in &self.happened {
            match happened {
                Happened::Began { at } => opened = *at,
                Happened::Halted { at } => since = *at,
                Happened::Resumed { at } => opened += at - since,
                _ => {}
            }
        }
        opened
    }

    /// Returns its next deadline.
    pub fn deadline(&self) -> Option<u64> {
        match self.closed_at.or(self.halted_since()) {
            Some(_) => None,
            None if self.has_begun() => Some(self.call_deadline()),
            None => Some(self.opened_at()),
        }
    }

    pub fn offers(&self, count: usize) -> Vec<Offer> {
        let offer = |happened: &Happened| match happened {
            Happened::Offer(offer) => Some(*offer),
            _ => None,
        };
        self.happened[..count].iter().filter_map(offer).collect()
    }

    /// Returns the trader of the first of the highest offers.
    fn leader(&self, offers: &[Offer]) -> Option<UserId> {
        let best = highest(offers.iter())?;
        offers
            .iter()
            .find(|offer| offer.amount == best)
            .map(|offer| offer.user)
    }

    /// Returns the price. It never falls: it is the highest of all prefixes of the list.
    fn price(&self, offers: &[Offer]) -> Option<u64> {
        (1..=offers.len())
            .map(|count| self.price_called_for(&offers[..count]))
            .max()
    }

    fn price_called_for(&self, offers: &[Offer]) -> u64 {
        let last = offers.last().expect("there is an offer");
        if self.bought(offers) {
            return self.buy_now().expect("a lot was bought at a price");
        }
        let leader = self.leader(offers).expect("there is an offer");
        let top = highest(offers.iter()).expect("there is an offer");
        let second = highest(offers.iter().filter(|offer| offer.user != leader));
        let called = match second {
            _ if last.kind == Kind::Plain && last.user == leader => last.amount,
            Some(second) => top.min(second + step(&self.terms().steps, second)),
            None => self.first_least().expect("there is room for a first bid"),
        };
        match self.open.reserve {
            Some(reserve) if top >= reserve.units() => called.max(reserve.units()),
            _ => called,
        }
    }

    fn bought(&self, offers: &[Offer]) -> bool {
        let Some((last, before)) = offers.split_last() else {
            return false;
        };
        let buy_now = self.buy_now_after(before);
        last.kind == Kind::Plain && buy_now.is_some_and(|buy_now| last.amount >= buy_now)
    }

    fn buy_now(&self) -> Option<u64> {
        self.terms().buy_now.map(Price::units)
    }

    fn buy_now_after(&self, offers: &[Offer]) -> Option<u64> {
        let status = self.reserve_after(offers);
        let exercisable = match status {
            ReserveStatus::None => offers.is_empty(),
            ReserveStatus::NotMet => true,
            ReserveStatus::Met => false,
        };
        self.buy_now().filter(|_| exercisable)
    }

    fn reserve_after(&self, offers: &[Offer]) -> ReserveStatus {
        match self.open.reserve {
            None => ReserveStatus::None,
            Some(reserve) if self.price(offers) >= Some(reserve.units()) => ReserveStatus::Met,
            Some(_) => ReserveStatus::NotMet,
        }
    }

    /// Returns true if the last of these offers is public: all but a leader's raise that moves no price.
    fn is_seen(&self, offers: &[Offer]) -> bool {
        let (last, before) = offers.split_last().expect("there is an offer");
        self.leader(before) != Some(last.user) || self.price(before) != self.price(offers)
    }

    pub fn close_after(&self, count: usize) -> (u64, u32) {
        let mut close = self.open.closes_at.micros();
        let (mut extensions, mut since) = (0, 0);
        for index in 0..count {
            match self.happened[index] {
                Happened::Moved { closes_at } => close = closes_at,
                Happened::Halted { at } => since = at,
                Happened::Resumed { at } => close += at - since,
                Happened::Call(CallStep::Prolonged { closes_at, cause }) => {
                    close = closes_at;
                    extensions += u32::from(cause == ExtensionCause::Volatility);
                }
                Happened::Began { .. }
                | Happened::Placed(_)
                | Happened::Cancelled { .. }
                | Happened::Call(_) => {}
                Happened::Offer(offer) => {
                    if let Some(later) = self.extended(index, offer, close, extensions) {
                        close = later;
                        extensions += 1;
                    }
                }
            }
        }
        (close, extensions)
    }

    fn extended(&self, index: usize, offer: Offer, close: u64, extensions: u32) -> Option<u64> {
        if !self.is_english() {
            return None;
        }
        let (before, after) = (self.offers(index), self.offers(index + 1));
        let met = |offers| self.reserve_after(offers) == ReserveStatus::Met;
        let moves = if self.bought(&after) {
            false
        } else if self.leader(&before) == Some(offer.user) {
            met(&after) && !met(&before)
        } else {
            (self.leader(&before), self.price(&before)) != (self.leader(&after), self.price(&after))
        };
        let soft_close = self.terms().soft_close;
        let late = offer.at + soft_close.extend_within.micros() >= close;
        let allowed = extensions < soft_close.extensions_max.unwrap_or(u32::MAX);
        let by = soft_close.extend_by.micros();
        let later = match soft_close.mode {
            SoftCloseMode::Add => close + by,
            SoftCloseMode::Reset => offer.at + by,
        };
        (moves && late && allowed && later > close).then_some(later)
    }

    fn next(&self, price: u64) -> Option<u64> {
        Some(price + step(&self.terms().steps, price)).filter(|next| *next <= self.greatest())
    }
}

pub fn step(steps: &Steps, price: u64) -> u64 {
    let bands = steps.bands().iter().rev();
    let band = bands.into_iter().find(|band| band.from.units() <= price);
    band.expect("the first band begins at 0").step.units()
}

pub fn price(units: u64) -> Price {
    Price::from_units(units).expect("the oracle stays within prices")
}

pub fn time(micros: u64) -> Timestamp {
    Timestamp::from_micros(micros).expect("the oracle stays within time")
}

fn highest<'a>(offers: impl Iterator<Item = &'a Offer>) -> Option<u64> {
    offers.map(|offer| offer.amount).max()
}
