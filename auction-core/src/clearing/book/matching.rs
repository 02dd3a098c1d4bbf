//! Matching: an incoming order against the resting ones.

use super::arena::NONE;
use super::corridor::Corridor;
use super::incoming::Incoming;
use super::order::{End, Event, Execution, LapsedBecause, Outcome, Refused, SelfTrade};
use super::order_book::{Book, price_of};
use crate::clearing::call::{OrderError, Rank, Side};
use crate::{Price, Quantity};

/// Result of the look ahead for an order that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    /// It trades what it can.
    Goes,
    /// A fill-or-kill cannot trade whole.
    Short,
}

/// Reach of an order that comes in.
enum Reach {
    /// It would trade whole.
    Whole,
    /// It would end before.
    Short,
    /// It would meet an order of its own owner at this price, and be refused for it.
    Own(Price),
}

impl Book {
    /// Returns true when the order would meet one of the other side.
    #[inline]
    pub(super) fn crosses(&self, incoming: &Incoming) -> bool {
        let best = self.side(incoming.side.opposite()).best_rank();
        best.is_some_and(|best| incoming.rank.crosses(best))
    }

    /// The checks that must be made before anything trades.
    #[inline]
    pub(super) fn look_ahead(
        &self,
        incoming: &Incoming,
        corridor: &Corridor,
    ) -> Result<Ahead, Refused> {
        let crosses = self.crosses(incoming);
        // At last, the mark does nothing.
        if incoming.execution == Execution::PostOnly && self.close.is_none() {
            if incoming.rank == Rank::MARKET {
                return Err(Refused::PostOnlyMustRest);
            }
            let best = self.best(incoming.side.opposite()).filter(|_| crosses);
            return match best {
                Some(best) => Err(Refused::WouldTrade { price: best.price }),
                None => Ok(Ahead::Goes),
            };
        }
        let is_fok = incoming.execution == Execution::FillOrKill;
        if !crosses {
            return Ok(if is_fok { Ahead::Short } else { Ahead::Goes });
        }
        if !is_fok && incoming.self_trade != SelfTrade::Refuse {
            return Ok(Ahead::Goes);
        }
        match self.reach(incoming, corridor) {
            Reach::Own(price) => {
                let own = Some(price);
                Err(OrderError::WouldSelfTrade { own }.into())
            }
            Reach::Short if is_fok => Ok(Ahead::Short),
            Reach::Short | Reach::Whole => Ok(Ahead::Goes),
        }
    }

    /// Walks as far as the order would go, and no further.
    fn reach(&self, incoming: &Incoming, corridor: &Corridor) -> Reach {
        let opposite = incoming.side.opposite();
        let mut left = incoming.quantity;
        for (_, level) in self.walk(opposite) {
            if !incoming.rank.crosses(level.rank) {
                return Reach::Short;
            }
            let price = price_of(level, opposite);
            let passes = corridor.passes(price);
            let mut slot = level.head;
            while slot != NONE {
                let order = self.arena.slot(slot);
                if order.owner == incoming.owner {
                    match incoming.self_trade {
                        SelfTrade::Refuse => return Reach::Own(price),
                        // It would lapse, and the incoming order go on.
                        SelfTrade::CancelOldest => {}
                        // What is decremented has not traded.
                        SelfTrade::CancelNewest | SelfTrade::CancelBoth | SelfTrade::Decrement => {
                            return Reach::Short;
                        }
                    }
                } else if !passes {
                    return Reach::Short;
                } else if order.open >= left {
                    return Reach::Whole;
                } else {
                    left -= order.open;
                }
                slot = self.arena.next(slot);
            }
        }
        Reach::Short
    }

    /// Trades an order that was checked, and lets its rest rest, lapse or interrupt.
    pub(super) fn execute(
        &mut self,
        incoming: &Incoming,
        ahead: Ahead,
        corridor: &Corridor,
        mut sink: impl FnMut(Event),
    ) -> Outcome {
        if ahead == Ahead::Short {
            return Outcome {
                traded: 0,
                end: lapsed(incoming.quantity, LapsedBecause::FillOrKill),
            };
        }
        let opposite = incoming.side.opposite();
        let mut traded = 0;
        let mut left = incoming.quantity;
        while left > 0 {
            let number = self.side(opposite).best();
            if number == NONE {
                break;
            }
            let level = *self.side(opposite).level(number);
            if !incoming.rank.crosses(level.rank) {
                break;
            }
            let price = price_of(&level, opposite);
            let slot = level.head;
            let resting = self.arena.slot(slot);
            let (owner, open) = (resting.owner, resting.open);
            let key = self.arena.key(slot).expect("a queue holds orders");
            let most = open.min(left);
            if owner == incoming.owner {
                match incoming.self_trade {
                    SelfTrade::Refuse => unreachable!("it was looked ahead"),
                    SelfTrade::CancelNewest => {
                        let end = lapsed(left, LapsedBecause::SelfTrade);
                        return Outcome { traded, end };
                    }
                    SelfTrade::CancelOldest | SelfTrade::CancelBoth => {
                        self.take_out(slot, opposite);
                        sink(Event::Lapsed {
                            resting: key,
                            quantity: quantity(open),
                        });
                        if incoming.self_trade == SelfTrade::CancelBoth {
                            let end = lapsed(left, LapsedBecause::SelfTrade);
                            return Outcome { traded, end };
                        }
                    }
                    SelfTrade::Decrement => {
                        self.reduce(slot, opposite, most);
                        left -= most;
                        sink(Event::Decremented {
                            resting: key,
                            quantity: quantity(most),
                            left: open - most,
                        });
                    }
                }
                continue;
            }
            if !corridor.passes(price) {
                let end = match incoming.execution {
                    Execution::Day | Execution::PostOnly => End::Interrupted {
                        open: quantity(left),
                        price,
                    },
                    Execution::ImmediateOrCancel | Execution::FillOrKill => {
                        lapsed(left, LapsedBecause::Rest)
                    }
                };
                return Outcome { traded, end };
            }
            self.reduce(slot, opposite, most);
            left -= most;
            traded += most;
            sink(Event::Trade {
                resting: key,
                owner,
                price,
                quantity: quantity(most),
                left: open - most,
            });
        }
        let end = if left == 0 {
            End::Done
        } else if incoming.may_rest() {
            let order = self.rest(incoming, left);
            let open = quantity(left);
            End::Rests { order, open }
        } else {
            lapsed(left, LapsedBecause::Rest)
        };
        Outcome { traded, end }
    }

    /// Takes shares off a resting order, which leaves when it has no more.
    #[inline]
    pub(super) fn reduce(&mut self, slot: u32, side: Side, shares: u64) {
        if self.arena.slot(slot).open == shares {
            self.take_out(slot, side);
        } else {
            self.lose(slot, side, shares);
        }
    }
}

fn lapsed(shares: u64, because: LapsedBecause) -> End {
    End::Lapsed {
        quantity: quantity(shares),
        because,
    }
}

fn quantity(shares: u64) -> Quantity {
    Quantity::new(shares).expect("a part of a quantity, and not zero")
}
