//! Trading days on the screen: their trades by minute, the user's orders, and the cursor on a lot's page.

use std::collections::BTreeMap;

use auction_client::DayTrade;
use auction_core::{
    CorridorKind, DayBook, LotId, OrderId, OwnDayOrder, Price, Side, StandingDayOrder, Timestamp,
};

/// Maximum number of trades kept per lot; older ones are kept as minutes.
pub const TRADES_KEPT: usize = 2_048;
/// Maximum number of minutes kept per lot; older ones are dropped.
pub const MINUTES_KEPT: usize = 512;
/// Maximum number of days with kept trades; beyond it all are dropped, and requested again for the lot on the screen.
const DAYS_KEPT: usize = 64;
/// Maximum number of price levels shown of each side.
pub const LEVELS: usize = 10;

const MINUTE_MICROS: u64 = 60_000_000;

/// All trading days.
#[derive(Debug, Default)]
pub struct Days {
    lots: BTreeMap<LotId, DayTrades>,
    /// The user's live orders.
    pub own: BTreeMap<LotId, BTreeMap<OrderId, OwnDayOrder>>,
    pub cursor: Cursor,
}

/// Trades of a day, as far as known, and its last interruption.
#[derive(Debug, Default)]
pub struct DayTrades {
    trades: BTreeMap<u64, DayTrade>,
    /// Minutes of the trades that are no longer kept.
    minutes: BTreeMap<u64, Bar>,
    /// True once the trades from before the start of the screen were requested.
    asked: bool,
    /// Price that would have traded, and the corridor that it is outside of.
    pub interrupted: Option<(Price, CorridorKind)>,
}

/// Trades of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    pub open: Price,
    pub high: Price,
    pub low: Price,
    pub close: Price,
    pub volume: u64,
}

/// The part of a day's page that keys refer to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cursor {
    /// A level of the book. Without a price it is the best one; it stays at its price while the book changes.
    #[default]
    Buys,
    Sells,
    BuysAt(Price),
    SellsAt(Price),
    /// One of the user's live orders.
    Own(OrderId),
}

impl Days {
    pub fn of(&self, lot: LotId) -> Option<&DayTrades> {
        self.lots.get(&lot)
    }

    pub fn entry(&mut self, lot: LotId) -> &mut DayTrades {
        if self.lots.len() >= DAYS_KEPT && !self.lots.contains_key(&lot) {
            self.lots.clear();
        }
        self.lots.entry(lot).or_default()
    }

    /// Returns true if a day's trades must be requested, and marks them as requested.
    pub fn ask(&mut self, lot: LotId) -> bool {
        !std::mem::replace(&mut self.entry(lot).asked, true)
    }

    /// Marks a day's trades as not requested, after a failure.
    pub fn unask(&mut self, lot: LotId) {
        self.entry(lot).asked = false;
    }

    /// Drops all trades: they are of another market, or some may have been missed.
    pub fn clear(&mut self) {
        self.lots.clear();
    }

    /// Replaces the user's live orders.
    pub fn stands(&mut self, orders: &[StandingDayOrder]) {
        self.own.clear();
        for standing in orders {
            let own = self.own.entry(standing.lot).or_default();
            own.insert(standing.order.order, standing.order);
        }
    }

    /// Returns the user's live orders on a lot, the newest first.
    pub fn live(&self, lot: LotId) -> impl Iterator<Item = &OwnDayOrder> {
        let own = self.own.get(&lot).into_iter();
        own.flat_map(|orders| orders.values().rev())
    }

    /// Moves the cursor up or down within its part.
    pub fn go(&mut self, lot: LotId, book: &DayBook, by: isize) {
        let last = |count: usize| count.saturating_sub(1);
        match self.cursor {
            Cursor::Own(order) => {
                let own: Vec<_> = self.live(lot).map(|own| own.order).collect();
                let at = own.iter().position(|own| *own == order).unwrap_or(0);
                let at = at.saturating_add_signed(by).min(last(own.len()));
                self.cursor = own.get(at).map_or(Cursor::Buys, |own| Cursor::Own(*own));
            }
            Cursor::Buys | Cursor::BuysAt(_) => {
                let at = self.row(book, Side::Buy).unwrap_or(0);
                self.cursor = match level(book, Side::Buy, at.saturating_add_signed(by)) {
                    Some((0, _)) | None => Cursor::Buys,
                    Some((_, price)) => Cursor::BuysAt(price),
                };
            }
            Cursor::Sells | Cursor::SellsAt(_) => {
                let at = self.row(book, Side::Sell).unwrap_or(0);
                self.cursor = match level(book, Side::Sell, at.saturating_add_signed(by)) {
                    Some((0, _)) | None => Cursor::Sells,
                    Some((_, price)) => Cursor::SellsAt(price),
                };
            }
        }
    }

    /// Moves the cursor to the next part: buys, sells, the user's orders.
    pub fn next_part(&mut self, lot: LotId) {
        let newest = self.live(lot).next().map(|own| own.order);
        self.cursor = match self.cursor {
            Cursor::Buys | Cursor::BuysAt(_) => Cursor::Sells,
            Cursor::Sells | Cursor::SellsAt(_) => newest.map_or(Cursor::Buys, Cursor::Own),
            Cursor::Own(_) => Cursor::Buys,
        };
    }

    /// Returns the row of a side's levels that has the cursor.
    pub fn row(&self, book: &DayBook, side: Side) -> Option<usize> {
        let mut prices = book.orders.levels(side).take(LEVELS).map(|of| of.price);
        match (self.cursor, side) {
            (Cursor::Buys, Side::Buy) | (Cursor::Sells, Side::Sell) => Some(0),
            (Cursor::BuysAt(at), Side::Buy) => prices.position(|price| price <= at),
            (Cursor::SellsAt(at), Side::Sell) => prices.position(|price| price >= at),
            _ => return None,
        }
        // The level is gone, and with it all behind it.
        .or_else(|| book.orders.levels(side).take(LEVELS).count().checked_sub(1))
        .or(Some(0))
    }

    /// Returns the level with the cursor: the side of its orders, and its price.
    pub fn level(&self, book: &DayBook) -> Option<(Side, Price)> {
        let side = match self.cursor {
            Cursor::Buys | Cursor::BuysAt(_) => Side::Buy,
            Cursor::Sells | Cursor::SellsAt(_) => Side::Sell,
            Cursor::Own(_) => return None,
        };
        let (_, price) = level(book, side, self.row(book, side)?)?;
        Some((side, price))
    }

    /// Returns the user's order that keys refer to: the one with the cursor, else the newest.
    pub fn own_in_hand(&self, lot: LotId) -> Option<&OwnDayOrder> {
        let at_cursor = match self.cursor {
            Cursor::Own(order) => self.own.get(&lot).and_then(|own| own.get(&order)),
            _ => None,
        };
        at_cursor.or_else(|| self.live(lot).next())
    }
}

/// Returns a row of a side's levels, at most the last, with its number.
fn level(book: &DayBook, side: Side, row: usize) -> Option<(usize, Price)> {
    let levels = book.orders.levels(side).take(LEVELS.min(row + 1));
    levels.map(|level| level.price).enumerate().last()
}

impl DayTrades {
    /// Adds trades, new or past.
    pub fn add(&mut self, trades: impl IntoIterator<Item = DayTrade>) {
        for trade in trades {
            // One that has become part of a minute is not counted again.
            let is_past = !self.minutes.is_empty()
                && self
                    .trades
                    .first_key_value()
                    .is_some_and(|(first, _)| trade.number < *first);
            if !is_past {
                self.trades.insert(trade.number, trade);
            }
        }
        while self.trades.len() > TRADES_KEPT {
            if let Some((_, oldest)) = self.trades.pop_first() {
                count(&mut self.minutes, &oldest);
            }
        }
        while self.minutes.len() > MINUTES_KEPT {
            self.minutes.pop_first();
        }
    }

    /// Returns the known trades, the oldest first.
    pub fn trades(&self) -> impl DoubleEndedIterator<Item = &DayTrade> + ExactSizeIterator {
        self.trades.values()
    }

    /// Returns the known minutes with trades, the oldest first.
    pub fn minutes(&self) -> Vec<(Timestamp, Bar)> {
        let mut minutes = self.minutes.clone();
        self.trades
            .values()
            .for_each(|trade| count(&mut minutes, trade));
        let at = |minute: u64| {
            let micros = minute.saturating_mul(MINUTE_MICROS);
            Timestamp::from_micros(micros).unwrap_or_default()
        };
        minutes
            .into_iter()
            .map(|(minute, bar)| (at(minute), bar))
            .collect()
    }
}

/// Adds a trade to its minute; trades come in their order.
fn count(minutes: &mut BTreeMap<u64, Bar>, trade: &DayTrade) {
    let price = trade.price;
    let bar = minutes
        .entry(trade.at.micros() / MINUTE_MICROS)
        .or_insert(Bar {
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 0,
        });
    bar.high = bar.high.max(price);
    bar.low = bar.low.min(price);
    bar.close = price;
    bar.volume = bar.volume.saturating_add(trade.quantity);
}
