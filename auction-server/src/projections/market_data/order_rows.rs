//! Orders of trading days that everyone sees, with their life. Their traders are not public, nor is what calls hide.

use std::collections::BTreeMap;

use auction_core::{
    DayPhase, LotId, PhaseBegan, Price, PublicEvent, Sequence, Side, Symbol, Timestamp,
};
use auction_proto::PublicRecord;

use super::{add_lot, lot_mut};
use crate::journal::VisitError;

/// An order as it was shown, under its public number. A replacement with a new place is another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Position in the journal of the record that showed it first.
    pub sequence: Sequence,
    /// Time when it was shown first.
    pub shown_at: Timestamp,
    /// The lot.
    pub lot: LotId,
    /// Stock of the lot.
    pub symbol: Symbol,
    /// Its public number on the lot.
    pub number: u64,
    /// Buy or sell.
    pub side: Side,
    /// Its price when it was shown first.
    pub price: Price,
    /// Shares when it was shown first.
    pub quantity: u64,
    /// Shares that it traded while it was shown; what it traded in a call is not public.
    pub traded: u64,
    /// Sum of price x shares of them, in ten-thousandths.
    pub value: u128,
    /// Shares left when it was last seen.
    pub open: u64,
    /// Time and way of its end; `None`: it is live, or in a call that has not ended.
    pub ended: Option<(Timestamp, OrderEnd)>,
}

/// Way in which a shown order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEnd {
    /// It had traded whole.
    Filled,
    /// It was cancelled or replaced, or lapsed.
    Gone,
    /// It was in a call, and not shown again: what became of it is not public.
    Call,
    /// The lot closed.
    Close,
}

impl OrderEnd {
    /// Returns the name used in exports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filled => "filled",
            Self::Gone => "gone",
            Self::Call => "call",
            Self::Close => "close",
        }
    }
}

/// Finds the shown orders among the records of a journal. It keeps the live ones.
#[derive(Clone, Debug, Default)]
pub struct OrderFinder {
    lots: Vec<LotOrders>,
}

#[derive(Clone, Debug)]
struct LotOrders {
    symbol: Symbol,
    shown: BTreeMap<u64, OrderRow>,
    /// Orders that were shown before a call.
    hidden: BTreeMap<u64, OrderRow>,
}

impl OrderFinder {
    /// Takes the next record, and passes the orders that end in it to `found`.
    ///
    /// # Errors
    /// A lot or an order is unknown: an earlier record is missing.
    pub fn take(
        &mut self,
        record: &PublicRecord,
        mut found: impl FnMut(OrderRow),
    ) -> Result<(), VisitError> {
        let mut begun = Vec::new();
        for event in record.events.iter().flatten() {
            self.take_event(record, event, &mut found)?;
            if let PublicEvent::PhaseBegan(PhaseBegan { lot, phase, .. }) = event
                && *phase == DayPhase::Continuous
            {
                begun.push(*lot);
            }
        }
        // All that rests is shown in the record that begins continuous trading.
        for lot in begun {
            let lot = lot_mut(&mut self.lots, lot)?;
            end_all(&mut lot.hidden, record.at, OrderEnd::Call, &mut found);
        }
        Ok(())
    }

    /// Passes the live orders to `found`, by lot and number: there are no more records.
    pub fn finish(self, mut found: impl FnMut(OrderRow)) {
        for mut lot in self.lots {
            lot.hidden.append(&mut lot.shown);
            lot.hidden.into_values().for_each(&mut found);
        }
    }

    fn take_event(
        &mut self,
        record: &PublicRecord,
        event: &PublicEvent,
        found: &mut impl FnMut(OrderRow),
    ) -> Result<(), VisitError> {
        let at = record.at;
        match *event {
            PublicEvent::LotOpened(ref opened) => {
                let orders = LotOrders {
                    symbol: opened.symbol,
                    shown: BTreeMap::new(),
                    hidden: BTreeMap::new(),
                };
                add_lot(&mut self.lots, opened.lot, orders)?;
            }
            PublicEvent::PhaseBegan(PhaseBegan { lot, .. }) => {
                let lot = lot_mut(&mut self.lots, lot)?;
                lot.hidden.append(&mut lot.shown);
            }
            PublicEvent::OrderShown {
                lot,
                number,
                side,
                price,
                open,
            } => {
                let orders = lot_mut(&mut self.lots, lot)?;
                let row = orders.hidden.remove(&number).unwrap_or(OrderRow {
                    sequence: record.sequence,
                    shown_at: at,
                    lot,
                    symbol: orders.symbol,
                    number,
                    side,
                    price,
                    quantity: open.get(),
                    traded: 0,
                    value: 0,
                    open: 0,
                    ended: None,
                });
                let open = open.get();
                orders.shown.insert(number, OrderRow { open, ..row });
            }
            PublicEvent::OrderReduced { lot, number, open } => {
                shown(lot_mut(&mut self.lots, lot)?, lot, number)?.open = open.get();
            }
            PublicEvent::OrderGone { lot, number } => {
                let orders = lot_mut(&mut self.lots, lot)?;
                let row = *shown(orders, lot, number)?;
                orders.shown.remove(&number);
                found(ended(row, at, OrderEnd::Gone));
            }
            PublicEvent::Traded {
                lot,
                price,
                quantity,
                resting,
                ..
            } => {
                let orders = lot_mut(&mut self.lots, lot)?;
                let row = shown(orders, lot, resting)?;
                row.traded += quantity.get();
                row.value += u128::from(price.units()) * u128::from(quantity.get());
                row.open = row.open.saturating_sub(quantity.get());
                let row = *row;
                if row.open == 0 {
                    orders.shown.remove(&resting);
                    found(ended(row, at, OrderEnd::Filled));
                }
            }
            PublicEvent::LotClosed { lot, .. } => {
                let lot = lot_mut(&mut self.lots, lot)?;
                end_all(&mut lot.hidden, at, OrderEnd::Call, found);
                end_all(&mut lot.shown, at, OrderEnd::Close, found);
            }
            _ => {}
        }
        Ok(())
    }
}

fn shown(orders: &mut LotOrders, lot: LotId, number: u64) -> Result<&mut OrderRow, VisitError> {
    let row = orders.shown.get_mut(&number);
    row.ok_or_else(|| format!("order {number} of lot {lot} is not shown").into())
}

fn ended(row: OrderRow, at: Timestamp, end: OrderEnd) -> OrderRow {
    let ended = Some((at, end));
    OrderRow { ended, ..row }
}

fn end_all(
    orders: &mut BTreeMap<u64, OrderRow>,
    at: Timestamp,
    end: OrderEnd,
    found: &mut impl FnMut(OrderRow),
) {
    while let Some((_, row)) = orders.pop_first() {
        found(ended(row, at, end));
    }
}
