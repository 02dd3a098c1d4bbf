//! The uncross: the price, and the fill of each order at it.

use super::book::Book;
use super::ladder::{Cross, Indicative, LadderStep};
use super::order::{OrderId, Rank, Side};
use super::queue::Slot;
use crate::{Price, UserId};

/// Result of a call auction in which something trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Uncross {
    /// The price, the volume, the surplus, and the deciding step.
    pub cross: Cross,
    /// The lowest and the highest limit price with the greatest volume of all; `None`: no limit trades.
    pub candidates: Option<(Price, Price)>,
    /// The last buy order to be filled, possibly in part.
    pub marginal_buy: Marginal,
    /// The last sell order to be filled, possibly in part.
    pub marginal_sell: Marginal,
}

/// The limit at which the volume runs out on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Marginal {
    /// More willing orders are filled, less willing ones are not. `None`: the market orders are the last filled.
    pub limit: Option<Price>,
    /// Shares left for the orders of this limit, by time.
    pub shares: u64,
}

/// Fill of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fill {
    /// The order.
    pub order: OrderId,
    /// Trader who owns it.
    pub trader: UserId,
    /// Buy or sell.
    pub side: Side,
    /// Shares that traded, at the price of the uncross.
    pub filled: u64,
    /// Shares that did not trade: they lapse.
    pub lapsed: u64,
}

impl Uncross {
    /// Uncrosses a book: at the ladder's price, or at the nearer bound of the collar if that price is outside
    /// (extensions come before this). `None`: nothing trades.
    #[must_use]
    pub fn of(book: &Book) -> Option<Self> {
        let Indicative::Cross(cross) = book.indicative() else {
            return None;
        };
        let cross = match collar_bound(book, &cross) {
            Some(bound) => Cross::at(book.at(bound), LadderStep::Collar),
            None => cross,
        };
        if cross.volume == 0 {
            return None;
        }
        Some(Self {
            cross,
            candidates: candidates(book),
            marginal_buy: marginal(book, Side::Buy, cross.volume),
            marginal_sell: marginal(book, Side::Sell, cross.volume),
        })
    }

    /// Returns the fill of each order of the book, by place in time, orders without a fill included. Orders of one
    /// limit are already in order of time, so nothing is sorted. `book` is the book that was uncrossed, unchanged
    /// since.
    pub fn fills<'a>(&self, book: &'a Book) -> impl Iterator<Item = Fill> + use<'a> {
        let mut sides = [
            SideFill::of(Side::Buy, self.marginal_buy),
            SideFill::of(Side::Sell, self.marginal_sell),
        ];
        let orders = book.slots().iter().filter(|slot| slot.shares > 0);
        orders.map(move |slot| sides[slot.side as usize].fill(slot))
    }
}

/// Returns the collar's nearer bound for the price of an uncross, on the tick; `None`: the price is inside, or there is
/// no collar or no reference to measure from.
#[must_use]
pub fn collar_bound(book: &Book, cross: &Cross) -> Option<Price> {
    let (collar, reference) = (book.terms().collar?, book.reference()?);
    collar.bound(cross.price, reference, book.terms().tick)
}

fn candidates(book: &Book) -> Option<(Price, Price)> {
    let market_volume = book
        .market_quantity(Side::Buy)
        .min(book.market_quantity(Side::Sell));
    let volume = book.points().map(|point| point.volume()).max()?;
    if volume <= market_volume {
        return None;
    }
    let mut greatest = book.points().filter(|point| point.volume() == volume);
    let lowest = greatest.next()?.price;
    let highest = greatest.last().map_or(lowest, |point| point.price);
    Some((lowest, highest))
}

/// Fills a side's totals, the most willing first, until the volume runs out.
fn marginal(book: &Book, side: Side, volume: u64) -> Marginal {
    let mut shares = volume;
    let mut limit = None;
    let mut served = book.market_quantity(side);
    let mut buys = book.levels().rev().filter(|level| level.buy > 0);
    let mut sells = book.levels().filter(|level| level.sell > 0);
    while shares > served {
        shares -= served;
        let (price, quantity) = match side {
            Side::Buy => buys.next().map(|level| (level.price, level.buy)),
            Side::Sell => sells.next().map(|level| (level.price, level.sell)),
        }
        .expect("each side has the volume that trades");
        limit = Some(price);
        served = quantity;
    }
    Marginal { limit, shares }
}

/// Progress of a side through its orders.
struct SideFill {
    marginal: Rank,
    left: u64,
}

impl SideFill {
    fn of(side: Side, marginal: Marginal) -> Self {
        Self {
            marginal: Rank::of(side, marginal.limit),
            left: marginal.shares,
        }
    }

    fn fill(&mut self, slot: &Slot) -> Fill {
        let mut filled = if slot.rank > self.marginal {
            slot.shares
        } else {
            0
        };
        if slot.rank == self.marginal {
            filled = slot.shares.min(self.left);
            self.left -= filled;
        }
        Fill {
            order: slot.id,
            trader: slot.trader,
            side: slot.side,
            filled,
            lapsed: slot.shares - filled,
        }
    }
}
