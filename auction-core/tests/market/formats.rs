//! The other formats of the oracle, computed price by price and step by step from the list of a lot's events.

use auction_core::{
    AllocatedBy, DutchTerms, MarginalPriority, OpenedBid, OrderId, Outcome, Quantity, Reject,
    ReserveStatus, SealedPricing, SoldBy, Terms, UniformPricing, UnsoldBecause, UserId,
    WinningThreshold,
};

use crate::lot::{Happened, OracleLot, Placed, View, price};

impl OracleLot {
    pub fn other_view(&self, count: usize) -> View {
        let (closes_at, extensions) = self.close_after(count);
        let taken = self.offers(count).first().copied();
        let sealed = self.live_after(count).into_iter().map(|bid| bid.user);
        let on_call = self.book_after(count).into_iter().map(|order| order.user);
        let mut bidders: Vec<UserId> = sealed.chain(on_call).collect();
        bidders.sort_unstable();
        bidders.dedup();
        View {
            leader: taken.map(|offer| offer.user),
            price: taken.map(|offer| offer.amount),
            least: None,
            bids: taken.map_or(0, |_| 1),
            bidders: taken.map_or(bidders.len() as u32, |_| 1),
            reserve: match self.open.reserve {
                None => ReserveStatus::None,
                Some(_) => ReserveStatus::NotMet,
            },
            closes_at,
            extensions,
            bought: taken.is_some(),
        }
    }

    pub fn other_outcome(&self) -> Outcome {
        let unsold = |because, highest: Option<u64>| Outcome::Unsold {
            because,
            highest: highest.map(price),
        };
        match &self.open.terms {
            Terms::English(_) => panic!("the oracle computes English lots elsewhere"),
            Terms::Call(_) => self.call_outcome(),
            Terms::Day(_) => unreachable!("trading days have an oracle of their own"),
            Terms::Dutch(_) => match self.offers(self.happened.len()).first() {
                None => unsold(UnsoldBecause::NoBids, None),
                Some(taken) => Outcome::Sold {
                    winner: taken.user,
                    price: price(taken.amount),
                    by: SoldBy::FirstTake,
                    runner_up: None,
                },
            },
            Terms::Sealed(terms) => {
                let best = self.best_first();
                let Some(highest) = best.first() else {
                    return unsold(UnsoldBecause::NoBids, None);
                };
                if highest.price < self.reserve() {
                    return unsold(UnsoldBecause::ReserveNotMet, Some(highest.price));
                }
                let second = best.get(1).map(|bid| bid.price);
                let (paid, by) = match terms.pricing {
                    SealedPricing::FirstPrice => (highest.price, SoldBy::HighestBid),
                    SealedPricing::SecondPrice => {
                        let reserve = self.open.reserve.map(|_| self.reserve());
                        let candidates = [
                            (second, SoldBy::SecondHighestBid),
                            (reserve, SoldBy::Reserve),
                            (Some(self.base.max(1)), SoldBy::LeastBid),
                        ];
                        let most = candidates.iter().filter_map(|(price, _)| *price).max();
                        let decided = candidates.iter().find(|(price, _)| *price == most);
                        (most.unwrap(), decided.unwrap().1)
                    }
                };
                Outcome::Sold {
                    winner: highest.user,
                    price: price(paid),
                    by,
                    runner_up: second.map(price),
                }
            }
            Terms::Uniform(terms) => {
                let bids = self.best_first();
                let filled = self.units(&bids);
                let got = |wins: bool| {
                    let all = bids.iter().zip(&filled);
                    let these = all.filter(move |(_, units)| (**units > 0) == wins);
                    these.map(|(bid, _)| *bid).collect::<Vec<Placed>>()
                };
                let (winning, losing) = (got(true), got(false));
                let rejected = losing.iter().map(|bid| bid.price).max();
                let Some(lowest) = winning.iter().map(|bid| bid.price).min() else {
                    let because = match bids.as_slice() {
                        [] => UnsoldBecause::NoBids,
                        _ => UnsoldBecause::ReserveNotMet,
                    };
                    return unsold(because, rejected);
                };
                let mut buyers: Vec<UserId> = winning.iter().map(|bid| bid.user).collect();
                buyers.sort_unstable();
                buyers.dedup();
                let accepted = bids.iter().filter(|bid| bid.price >= self.reserve());
                let wanted: u64 = accepted.map(|bid| bid.quantity).sum();
                Outcome::Allocated {
                    sold: filled.iter().sum(),
                    buyers: buyers.len() as u32,
                    lowest: price(lowest),
                    by: match terms.priority {
                        _ if wanted <= self.open.quantity.get() => AllocatedBy::EnoughForAll,
                        MarginalPriority::Time => AllocatedBy::Time,
                        MarginalPriority::ProRata => AllocatedBy::ProRata,
                    },
                    highest_rejected: rejected.map(price),
                }
            }
        }
    }

    /// Returns the bids opened at the close, in the order of time.
    pub fn opened(&self) -> Vec<OpenedBid> {
        let outcome = self.outcome();
        let best = self.best_first();
        let filled = match &self.open.terms {
            Terms::Uniform(_) => self.units(&best),
            _ => (0..best.len() as u64)
                .map(|place| match outcome {
                    Outcome::Sold { .. } if place == 0 => self.open.quantity.get(),
                    _ => 0,
                })
                .collect(),
        };
        let open = |bid: &Placed| {
            let place = best.iter().position(|other| same(other, bid)).unwrap();
            let pays = match (&self.open.terms, outcome) {
                _ if filled[place] == 0 => None,
                (Terms::Uniform(terms), _) if terms.pricing == UniformPricing::PayAsBid => {
                    Some(price(bid.price))
                }
                (_, Outcome::Allocated { lowest, .. }) => Some(lowest),
                (_, Outcome::Sold { price, .. }) => Some(price),
                (_, _) => None,
            };
            OpenedBid {
                bidder: bid.user,
                order: bid.order,
                price: price(bid.price),
                quantity: Quantity::new(bid.quantity).unwrap(),
                filled: filled[place],
                pays,
            }
        };
        let live = self.live_after(self.happened.len());
        match self.cancelled {
            true => Vec::new(),
            false => live.iter().map(open).collect(),
        }
    }

    /// Returns the reason why an open bid is refused, or the price at which it takes the lot.
    pub fn take(
        &self,
        lot: auction_core::LotId,
        at: u64,
        is_plain: bool,
        highest: u64,
    ) -> Result<u64, Reject> {
        let Terms::Dutch(terms) = &self.open.terms else {
            return Err(Reject::TakesOrders { lot });
        };
        if !is_plain {
            return Err(Reject::TakesBids { lot });
        }
        if highest > self.greatest() {
            let greatest = price(self.greatest());
            return Err(Reject::PriceTooHigh { greatest });
        }
        let now = self.falling(terms, at);
        if now > highest {
            return Err(Reject::PriceStillAbove { price: price(now) });
        }
        Ok(now)
    }

    /// Returns the price of a Dutch lot, computed step by step.
    pub fn falling(&self, terms: &DutchTerms, at: u64) -> u64 {
        let (mut now, mut next) = (terms.start.units(), self.opened_at());
        loop {
            next += terms.interval.micros();
            if next > at || now == terms.floor.units() {
                return now;
            }
            now = now.saturating_sub(terms.step.units());
            now = now.max(terms.floor.units());
        }
    }

    /// Returns the maximum number of live orders of a trader; `None`: the lot accepts none.
    pub fn orders_each(&self) -> Option<u32> {
        match &self.open.terms {
            Terms::English(_) | Terms::Dutch(_) | Terms::Call(_) | Terms::Day(_) => None,
            Terms::Sealed(_) => Some(1),
            Terms::Uniform(terms) => Some(terms.bids_max),
        }
    }

    /// Returns the reason why a sealed bid is refused, if it is.
    pub fn bid_refusal(&self, quantity: u64, offered: u64) -> Option<Reject> {
        let whole = matches!(self.open.terms, Terms::Sealed(_));
        if whole && quantity != self.open.quantity.get() {
            let quantity = self.open.quantity;
            return Some(Reject::WholeLotOnly { quantity });
        }
        let greatest =
            auction_core::limits::PRICE_MAX.min(auction_core::limits::AMOUNT_MAX / quantity);
        if offered > greatest {
            let greatest = price(greatest);
            return Some(Reject::PriceTooHigh { greatest });
        }
        let least = if whole { self.base.max(1) } else { 1 };
        (offered < least).then_some(Reject::BidTooLow {
            least: price(least),
        })
    }

    /// Returns the live orders in the order of their time.
    pub fn live(&self) -> Vec<Placed> {
        self.live_after(self.happened.len())
    }

    /// Returns the number of orders that a user has placed so far, cancelled ones included.
    pub fn placed_by(&self, user: UserId) -> u32 {
        let placed = self.happened.iter().filter(
            |happened| matches!(happened, Happened::Placed(placed) if placed.anew && placed.user == user),
        );
        placed.count() as u32
    }

    /// Returns the bid with which a trader would have won, found by trying every price at which something changes.
    pub fn winning_threshold(&self, user: UserId) -> WinningThreshold {
        if self.cancelled {
            return WinningThreshold::Nothing;
        }
        let whole = matches!(self.open.terms, Terms::Sealed(_));
        let mut others = self.live();
        let own = others.iter().position(|bid| bid.user == user);
        let (place, mut bid) = match own {
            Some(place) => (place, others.remove(place)),
            None => {
                let quantity = if whole { self.open.quantity.get() } else { 1 };
                let (order, price, anew) = (OrderId(0), 0, true);
                let bid = Placed {
                    user,
                    order,
                    quantity,
                    price,
                    anew,
                };
                (others.len(), bid)
            }
        };
        let first = if whole { self.base.max(1) } else { 1 };
        let near = others.iter().flat_map(|bid| [bid.price, bid.price + 1]);
        let mut prices: Vec<u64> = near.chain([first, self.reserve()]).collect();
        prices.retain(|price| *price >= first);
        prices.sort_unstable();
        for offered in prices {
            if self.bid_refusal(bid.quantity, offered).is_some() {
                break;
            }
            bid.price = offered;
            let mut bids = others.clone();
            bids.insert(place, bid);
            if self.wins(bids, bid) {
                return WinningThreshold::Bid(price(offered));
            }
        }
        WinningThreshold::Nothing
    }

    fn wins(&self, mut bids: Vec<Placed>, bid: Placed) -> bool {
        bids.sort_by_key(|bid| std::cmp::Reverse(bid.price));
        if bid.price < self.reserve() {
            return false;
        }
        if matches!(self.open.terms, Terms::Sealed(_)) {
            return same(&bids[0], &bid);
        }
        let place = bids.iter().position(|other| same(other, &bid)).unwrap();
        self.units(&bids)[place] > 0
    }

    fn reserve(&self) -> u64 {
        self.open.reserve.map_or(0, |reserve| reserve.units())
    }

    fn best_first(&self) -> Vec<Placed> {
        let mut bids = self.live();
        bids.sort_by_key(|bid| std::cmp::Reverse(bid.price));
        bids
    }

    fn live_after(&self, count: usize) -> Vec<Placed> {
        let mut live: Vec<Placed> = Vec::new();
        for happened in &self.happened[..count] {
            match happened {
                Happened::Placed(placed) => {
                    live.retain(|bid| !same(bid, placed));
                    live.push(*placed);
                }
                Happened::Cancelled { user, order } => {
                    live.retain(|bid| (bid.user, bid.order) != (*user, *order));
                }
                _ => {}
            }
        }
        live
    }

    /// Returns the units of each bid, computed price by price, the best bid first.
    fn units(&self, bids: &[Placed]) -> Vec<u64> {
        let Terms::Uniform(terms) = &self.open.terms else {
            panic!("a lot in parts was asked for");
        };
        let mut units = vec![0; bids.len()];
        let mut left = self.open.quantity.get();
        for index in 0..bids.len() {
            let level = bids[index].price;
            if level < self.reserve() || bids[..index].iter().any(|bid| bid.price == level) {
                continue;
            }
            let at_level: Vec<usize> = (index..bids.len())
                .filter(|other| bids[*other].price == level)
                .collect();
            let wanted: u64 = at_level.iter().map(|at| bids[*at].quantity).sum();
            let available = left.min(wanted);
            let share = |bid: &Placed| u128::from(bid.quantity) * u128::from(available);
            if terms.priority == MarginalPriority::ProRata {
                for at in &at_level {
                    units[*at] = (share(&bids[*at]) / u128::from(wanted)) as u64;
                }
                let given: u64 = at_level.iter().map(|at| units[*at]).sum();
                let mut by_remainder = at_level.clone();
                by_remainder
                    .sort_by_key(|at| std::cmp::Reverse(share(&bids[*at]) % u128::from(wanted)));
                for at in by_remainder.iter().take((available - given) as usize) {
                    units[*at] += 1;
                }
            } else {
                let mut given = 0;
                for at in &at_level {
                    units[*at] = bids[*at].quantity.min(available - given);
                    given += units[*at];
                }
            }
            left -= available;
        }
        units
    }
}

fn same(one: &Placed, other: &Placed) -> bool {
    (one.user, one.order) == (other.user, other.order)
}
