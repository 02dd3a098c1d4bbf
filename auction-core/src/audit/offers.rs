//! Public knowledge of the offers on an English lot: bounds of the leader's offer, of the others' highest offer, and of
//! the reserve.
//!
//! The rules themselves are in the engine, which decides each bid again. This module only derives what a public price
//! shows of the hidden prices behind it, and chooses hidden prices with which the engine can decide.

use super::range::{Range, greatest_that_steps_to, least_that_steps_to, steps_to};
use crate::lot::{Book, Lot};
use crate::model::command::EnglishTerms;
use crate::model::event::ReserveStatus;
use crate::{Price, Steps, UserId};

/// Public knowledge of the offers on an English lot.
#[derive(Clone, Debug)]
pub(super) struct Offers {
    leader: Option<(UserId, Range)>,
    /// The leader's last offer, when it is public.
    stated: Option<Price>,
    /// The highest offer of all others.
    second: Option<Range>,
    /// `None`: the lot has no reserve.
    reserve: Option<Range>,
    /// Number of records that had shown nothing when the leader's offer was last considered.
    silent: u64,
}

/// A bid as the public sees it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Offer {
    Plain(Price),
    /// `None`: the maximum is not opened.
    Maximum(Option<Price>),
}

/// State of the lot after a bid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) leader: UserId,
    pub(super) price: Price,
    pub(super) reserve: ReserveStatus,
}

/// Hidden prices that agree with all public ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assumed {
    pub(super) maximum: Price,
    pub(super) best: Option<(UserId, Price)>,
    pub(super) second: Option<Price>,
    pub(super) reserve: Option<Price>,
    /// Which of them had to be chosen.
    pub(super) chosen: Chosen,
}

/// Hidden prices that had to be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    Nothing,
    Maximum,
    Reserve,
}

/// Assumption about a leader who is beaten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beaten {
    /// Nothing beyond what prices show: their maximum may be opened later.
    Guessed,
    /// Their last offer is public: a beaten maximum is opened.
    Opened,
}

/// The price before the reserve lifts it.
enum Base<'a> {
    Exactly(Price),
    /// `min(highest, a step above this)`.
    Step(&'a mut Range),
}

/// Effect of the reserve on a price.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lift {
    /// No effect: there is no reserve, or the price has passed it.
    None,
    /// The highest offer is below it.
    Unmet,
    /// This bid reaches it.
    Reached,
}

impl Offers {
    pub(super) fn opened(lot: &Lot, terms: &EnglishTerms, has_reserve: bool) -> Self {
        let greatest = lot.greatest_price();
        let least = terms.steps.next(lot.base_price).unwrap_or(greatest);
        let high = terms.buy_now.unwrap_or(greatest);
        Self {
            leader: None,
            stated: None,
            second: None,
            reserve: has_reserve.then_some(Range { low: least, high }),
            silent: 0,
        }
    }

    /// Accounts for the number of records so far that showed nothing: each may have been a raise of the leader's own
    /// maximum.
    pub(super) fn may_have_risen(&mut self, silent: u64, lot: &Lot) {
        if silent == self.silent {
            return;
        }
        self.silent = silent;
        if let Some((_, best)) = &mut self.leader {
            best.high = lot.greatest_price();
            if let (Some(reserve), true) = (&self.reserve, is_unmet(lot)) {
                best.below(reserve.high);
            }
        }
    }

    /// Returns true if a leader who is beaten now had an offer that is not public.
    pub(super) fn hides_best(&self) -> bool {
        self.leader
            .is_some_and(|(_, best)| self.stated.is_none_or(|stated| !best.contains(stated)))
    }

    /// Returns prices with which a close gives this runner-up, or the nearest ones if there are none.
    pub(super) fn at_close(&self, runner_up: Option<Price>, lot: &Lot) -> Assumed {
        let inside = |range: Range| {
            let wanted = runner_up.filter(|price| range.contains(*price));
            wanted.unwrap_or(range.low)
        };
        let is_unmet = is_unmet(lot);
        let second = self.second.map(inside);
        Assumed {
            maximum: Price::ZERO,
            best: self.leader.map(|(leader, best)| (leader, best.low)),
            second,
            reserve: self
                .reserve
                .map(|range| if is_unmet { range.high } else { range.low }),
            chosen: match self.second {
                Some(range) if !range.is_exact() => Chosen::Maximum,
                _ => Chosen::Nothing,
            },
        }
    }

    /// Returns prices with which a bid at the buy-now price gives this runner-up.
    pub(super) fn at_buying(&self, bidder: UserId, runner_up: Option<Price>, lot: &Lot) -> Assumed {
        let mut assumed = self.at_close(runner_up, lot);
        if let Some((leader, best)) = self.leader
            && leader != bidder
        {
            let wanted = runner_up.filter(|price| best.contains(*price));
            assumed.best = Some((leader, wanted.unwrap_or(best.low)));
            assumed.chosen = match best.is_exact() {
                true => Chosen::Nothing,
                false => Chosen::Maximum,
            };
        }
        assumed
    }

    /// Learns from a bid, and returns hidden prices that explain it; `None`: there are none. `seen` is `None` when the
    /// bid changed nothing public. `lot` is the lot before the bid.
    pub(super) fn learn(
        &mut self,
        lot: &Lot,
        terms: &EnglishTerms,
        bidder: UserId,
        offer: Offer,
        seen: Option<Seen>,
        beaten: Beaten,
    ) -> Option<Assumed> {
        let greatest = lot.greatest_price();
        let mut offered = match offer {
            Offer::Plain(price) | Offer::Maximum(Some(price)) => Range::exactly(price),
            Offer::Maximum(None) => Range {
                low: terms.steps.next(lot.price().unwrap_or(lot.base_price))?,
                high: greatest,
            },
        };
        let lift = match (is_unmet(lot), seen.map(|seen| seen.reserve)) {
            (false, _) => Lift::None,
            (true, Some(ReserveStatus::Met)) => Lift::Reached,
            (true, _) => Lift::Unmet,
        };
        let stated = match offer {
            Offer::Plain(price) => Some(price),
            Offer::Maximum(opened) => opened,
        };
        let mut reserve = self.reserve;
        let mut second = self.second;
        let (assumed_best, assumed_second, maximum, hidden);
        match (self.leader, seen) {
            (Some((leader, best)), seen) if leader == bidder => {
                if let Offer::Maximum(None) = offer {
                    offered.low = Price::ZERO;
                }
                offered.above(best.low);
                let standing = lot.price()?;
                let price = seen.map_or(standing, |seen| seen.price);
                if seen.is_some_and(|seen| seen.leader != bidder || seen.price <= standing) {
                    return None;
                }
                hidden = [Some(offered), Some(best), second];
                let base = match &mut second {
                    // A step above the others' offers may end below the current price.
                    Some(second) if seen.is_none() => {
                        second.at_most(greatest_that_steps_to(&terms.steps, standing)?);
                        if second.is_empty() {
                            return None;
                        }
                        Base::Exactly(standing)
                    }
                    Some(second) => Base::Step(second),
                    None => Base::Exactly(standing),
                };
                let chosen = settle(
                    &terms.steps,
                    &mut offered,
                    base,
                    reserve.as_mut(),
                    lift,
                    price,
                )?;
                maximum = chosen.highest;
                assumed_second = second.map(|range| chosen.second.unwrap_or(range.low));
                assumed_best = Some((leader, best.low));
                self.leader = Some((bidder, offered));
                self.stated = stated;
            }
            (None, Some(seen)) => {
                if seen.leader != bidder {
                    return None;
                }
                hidden = [Some(offered), None, None];
                let base = match offer {
                    Offer::Plain(price) => price,
                    Offer::Maximum(_) => terms.steps.next(lot.base_price)?,
                };
                let base = Base::Exactly(base);
                let chosen = settle(
                    &terms.steps,
                    &mut offered,
                    base,
                    reserve.as_mut(),
                    lift,
                    seen.price,
                )?;
                maximum = chosen.highest;
                (assumed_best, assumed_second) = (None, None);
                self.leader = Some((bidder, offered));
                self.stated = stated;
            }
            (Some((leader, mut best)), Some(seen)) if seen.leader == bidder => {
                if beaten == Beaten::Opened {
                    best = Range::exactly(self.stated.filter(|stated| best.contains(*stated))?);
                }
                offered.above(best.low);
                best.below(offered.high);
                hidden = [Some(offered), Some(best), None];
                let base = match offer {
                    Offer::Plain(price) => Base::Exactly(price),
                    Offer::Maximum(_) => Base::Step(&mut best),
                };
                let chosen = settle(
                    &terms.steps,
                    &mut offered,
                    base,
                    reserve.as_mut(),
                    lift,
                    seen.price,
                )?;
                if let Offer::Maximum(_) = offer {
                    // The bid is above all earlier offers.
                    best.below(seen.price);
                }
                if best.is_empty() {
                    return None;
                }
                maximum = chosen.highest;
                let beaten = chosen.second.unwrap_or(best.low);
                assumed_best = Some((leader, beaten.min(best.high)));
                assumed_second = second.map(|range| range.low);
                second = Some(best);
                self.leader = Some((bidder, offered));
                self.stated = stated;
            }
            (Some((leader, mut best)), Some(seen)) if seen.leader == leader => {
                if beaten == Beaten::Opened && stated.is_none() {
                    return None;
                }
                offered.at_most(best.high);
                best.at_least(offered.low);
                hidden = [Some(offered), Some(best), None];
                let base = Base::Step(&mut offered);
                let chosen = settle(
                    &terms.steps,
                    &mut best,
                    base,
                    reserve.as_mut(),
                    lift,
                    seen.price,
                )?;
                offered.at_most(best.high);
                let own = chosen.second.unwrap_or(offered.low);
                maximum = own.min(chosen.highest).max(offered.low);
                assumed_best = Some((leader, chosen.highest));
                assumed_second = second.map(|range| range.low);
                second = Some(match second {
                    None => offered,
                    Some(second) => Range {
                        low: second.low.max(offered.low),
                        high: second.high.max(offered.high),
                    },
                });
                self.leader = Some((leader, best));
            }
            _ => return None,
        }
        self.reserve = reserve;
        self.second = second;
        let is_guessed = hidden.into_iter().flatten().any(|range| !range.is_exact());
        let assumed_reserve = reserve.map(|range| match lift {
            Lift::Unmet => range.high,
            Lift::None | Lift::Reached => range.low,
        });
        Some(Assumed {
            maximum,
            best: assumed_best,
            second: assumed_second,
            reserve: assumed_reserve,
            chosen: match lift {
                _ if is_guessed => Chosen::Maximum,
                Lift::None => Chosen::Nothing,
                Lift::Unmet | Lift::Reached => Chosen::Reserve,
            },
        })
    }
}

fn is_unmet(lot: &Lot) -> bool {
    matches!(&lot.book, Book::English(book) if book.reserve == ReserveStatus::NotMet)
}

/// Offers that explain a price.
#[derive(Clone, Copy)]
struct Settled {
    highest: Price,
    /// The second offer of a [`Base::Step`].
    second: Option<Price>,
}

/// Narrows the leader's offer, the second and the reserve to values that explain this price.
fn settle(
    steps: &Steps,
    highest: &mut Range,
    base: Base<'_>,
    reserve: Option<&mut Range>,
    lift: Lift,
    price: Price,
) -> Option<Settled> {
    if highest.is_empty() {
        return None;
    }
    match (reserve, lift) {
        (Some(reserve), Lift::Unmet) => {
            reserve.above(highest.low);
            highest.below(reserve.high);
            let settled = base_is(steps, highest, base, price)?;
            reserve.above(highest.low);
            (!reserve.is_empty()).then_some(settled)
        }
        (Some(reserve), Lift::Reached) => {
            let mut high = *highest;
            let (unlifted, mut copy);
            let as_it_is = match &base {
                Base::Exactly(exactly) => base_is(steps, &mut high, Base::Exactly(*exactly), price),
                Base::Step(second) => {
                    copy = **second;
                    base_is(steps, &mut high, Base::Step(&mut copy), price)
                }
            };
            unlifted = as_it_is.filter(|_| reserve.low <= price);
            let lifted = Some(lifted(steps, *highest, &base, price)).flatten();
            let lifted = lifted.filter(|_| reserve.contains(price));
            highest.at_least(price);
            reserve.at_most(price);
            match (unlifted, lifted) {
                (Some(_), None) => base_is(steps, highest, base, price),
                (Some(settled), Some(_)) => Some(settled),
                (None, Some(settled)) => {
                    *reserve = Range::exactly(price);
                    Some(settled)
                }
                (None, None) => None,
            }
        }
        _ => base_is(steps, highest, base, price),
    }
}

/// Narrows the offers to values that give this price without a reserve.
fn base_is(steps: &Steps, highest: &mut Range, base: Base<'_>, price: Price) -> Option<Settled> {
    match base {
        Base::Exactly(exactly) => (exactly == price && !highest.is_empty()).then_some(Settled {
            highest: highest.low,
            second: None,
        }),
        Base::Step(second) => {
            highest.at_least(price);
            second.at_least(least_that_steps_to(steps, price));
            let beyond = price.checked_add(Price::UNIT);
            if beyond.is_none_or(|beyond| steps_to(steps, second.low, beyond)) {
                highest.at_most(price);
            }
            if highest.low > price {
                second.at_most(greatest_that_steps_to(steps, price)?);
            }
            if highest.is_empty() || second.is_empty() {
                return None;
            }
            Some(if highest.low == price {
                // The highest offer is the price: any second offer that is close enough will do.
                let near = second
                    .high
                    .min(super::range::before(price).unwrap_or(price));
                Settled {
                    highest: price,
                    second: Some(near.max(second.low)),
                }
            } else {
                Settled {
                    highest: highest.low,
                    second: Some(second.low),
                }
            })
        }
    }
}

/// Returns offers that give no more than this price, and reach it: then a reserve can lift to it.
fn lifted(steps: &Steps, highest: Range, base: &Base<'_>, price: Price) -> Option<Settled> {
    if highest.high < price {
        return None;
    }
    let reaching = highest.low.max(price);
    match base {
        Base::Exactly(exactly) => (*exactly <= price).then_some(Settled {
            highest: reaching,
            second: None,
        }),
        Base::Step(second) => {
            let goes_beyond = price
                .checked_add(Price::UNIT)
                .is_some_and(|beyond| steps_to(steps, second.low, beyond));
            if goes_beyond && highest.low > price {
                return None;
            }
            Some(Settled {
                highest: if goes_beyond { price } else { reaching },
                second: Some(second.low),
            })
        }
    }
}
