//! Trading at last: at the closing price alone, the oldest first.

use alloc::vec::Vec;

use super::order_book::Book;
use crate::Price;
use crate::clearing::call::{Rank, Side};

impl Book {
    /// Begins trading at last at the closing price, which is on the tick and not zero.
    ///
    /// Each order that rests at the price or better takes part: it lies at the closing price from now on, by place in
    /// time whatever its limit was, and keeps its key. The rest stays where it is and is not reached. An
    /// order that comes in takes part at the closing price if it accepts it, a market order too, and is refused
    /// otherwise ([`Refused::NotAtClose`](super::Refused::NotAtClose)); the post-only mark does nothing.
    ///
    /// The book knows the limits of those that take part no longer. A caller that does tells a change of one to
    /// [`requeue`](Self::requeue). Allocates a list of them.
    ///
    /// # Panics
    /// When the price is zero or off the tick, and when orders of both sides accept it: an uncross leaves no such
    /// orders.
    pub fn begin_at_last(&mut self, price: Price) {
        let ticks = self.grid.ticks(price);
        let ticks = ticks.expect("a closing price is on the tick and not zero");
        let [buys, sells] = [Side::Buy, Side::Sell].map(|side| self.accepting(side, price));
        assert!(
            buys.is_empty() || sells.is_empty(),
            "orders that could trade with each other were uncrossed"
        );
        self.close = Some((price, ticks));
        for (side, mut slots) in [(Side::Buy, buys), (Side::Sell, sells)] {
            slots.sort_unstable_by_key(|slot| self.arena.slot(*slot).place());
            let (levels, arena) = self.side_mut(side);
            for slot in &slots {
                levels.remove(arena, *slot);
            }
            for slot in slots {
                levels.push(arena, slot, Rank::of(side, Some(price)), ticks);
            }
        }
    }

    /// The closing price, in trading at last.
    #[must_use]
    pub fn closing_price(&self) -> Option<Price> {
        self.close.map(|(price, _)| price)
    }

    /// The slots of a side's orders that accept a price.
    fn accepting(&self, side: Side, price: Price) -> Vec<u32> {
        let worst = Rank::of(side, Some(price));
        let accepting = self.walk(side).take_while(|(_, level)| level.rank >= worst);
        let slots = accepting.flat_map(|(_, level)| self.queue(level.head));
        slots.collect()
    }
}
