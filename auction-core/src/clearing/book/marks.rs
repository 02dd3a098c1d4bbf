//! Properties of an order that fit a few bits of its slot.

use super::order::{Execution, SelfTrade};
use crate::Side;

/// Side, self-trade prevention and post-only mark of a resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks(u8);

const SELL: u8 = 1;
const POST_ONLY: u8 = 1 << 1;
const SELF_TRADE_SHIFT: u32 = 2;

impl Marks {
    /// Bits that the marks take.
    pub(super) const BITS: u32 = 8;

    /// The marks of an order that may rest.
    pub(super) fn new(side: Side, execution: Execution, self_trade: SelfTrade) -> Self {
        let side = match side {
            Side::Buy => 0,
            Side::Sell => SELL,
        };
        let execution = match execution {
            Execution::PostOnly => POST_ONLY,
            Execution::Day | Execution::ImmediateOrCancel | Execution::FillOrKill => 0,
        };
        let self_trade = match self_trade {
            SelfTrade::Refuse => 0,
            SelfTrade::CancelNewest => 1,
            SelfTrade::CancelOldest => 2,
            SelfTrade::CancelBoth => 3,
            SelfTrade::Decrement => 4,
        };
        Self(side | execution | self_trade << SELF_TRADE_SHIFT)
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    /// The marks in the lowest bits of a stamp.
    pub(super) const fn from_bits(stamp: u64) -> Self {
        Self((stamp & ((1 << Self::BITS) - 1)) as u8)
    }

    pub(super) fn side(self) -> Side {
        match self.0 & SELL {
            0 => Side::Buy,
            _ => Side::Sell,
        }
    }

    pub(super) fn execution(self) -> Execution {
        match self.0 & POST_ONLY {
            0 => Execution::Day,
            _ => Execution::PostOnly,
        }
    }

    pub(super) fn self_trade(self) -> SelfTrade {
        match self.0 >> SELF_TRADE_SHIFT {
            0 => SelfTrade::Refuse,
            1 => SelfTrade::CancelNewest,
            2 => SelfTrade::CancelOldest,
            3 => SelfTrade::CancelBoth,
            _ => SelfTrade::Decrement,
        }
    }
}

// The place in time has the other bits of a stamp.
const _: () = assert!(super::key::PLACE_MAX.leading_zeros() >= Marks::BITS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_give_back_what_was_put_in() {
        for side in [Side::Buy, Side::Sell] {
            for execution in [Execution::Day, Execution::PostOnly] {
                for self_trade in [
                    SelfTrade::Refuse,
                    SelfTrade::CancelNewest,
                    SelfTrade::CancelOldest,
                    SelfTrade::CancelBoth,
                    SelfTrade::Decrement,
                ] {
                    let marks = Marks::new(side, execution, self_trade);
                    let stamp = u64::MAX << Marks::BITS | u64::from(marks.bits());
                    let marks = Marks::from_bits(stamp);
                    assert_eq!(marks.side(), side);
                    assert_eq!(marks.execution(), execution);
                    assert_eq!(marks.self_trade(), self_trade);
                }
            }
        }
    }
}
