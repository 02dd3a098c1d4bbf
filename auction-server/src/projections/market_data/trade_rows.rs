//! Trades of all formats: those of a trading day one by one, and what the close of any other lot sold.

use auction_core::{
    DayPhase, Format, LotId, OpenedBid, Outcome, PhaseBegan, Price, PublicEvent, Sequence, Side,
    Symbol, Timestamp,
};
use auction_proto::{DayTrade, PublicRecord};

use super::{add_lot, lot_mut};
use crate::journal::VisitError;
use crate::projections::trades::trade_of;

/// A trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// Position of its record in the journal.
    pub sequence: Sequence,
    /// Time of the trade.
    pub at: Timestamp,
    /// The lot.
    pub lot: LotId,
    /// Stock of the lot.
    pub symbol: Symbol,
    /// Format of the lot.
    pub format: Format,
    /// Phase of a trading day; `None` in other formats.
    pub phase: Option<DayPhase>,
    /// Number of the trade on its lot, from 1.
    pub number: u64,
    /// Price of each share.
    pub price: Price,
    /// Number of shares.
    pub quantity: u64,
    /// Side of the order that came in; `None` for an uncross and for other formats.
    pub aggressor: Option<Side>,
    /// Public number of the order that rested; `None` as above.
    pub resting: Option<u64>,
}

impl TradeRow {
    /// Returns price x shares, in ten-thousandths.
    #[must_use]
    pub fn value(&self) -> u128 {
        u128::from(self.price.units()) * u128::from(self.quantity)
    }
}

/// Finds the trades among the records of a journal.
#[derive(Clone, Debug, Default)]
pub struct TradeFinder {
    lots: Vec<KnownLot>,
    /// Filled bids of the record so far: the close of their lot follows in the same record.
    filled: Vec<(LotId, OpenedBid)>,
}

#[derive(Clone, Debug)]
struct KnownLot {
    symbol: Symbol,
    format: Format,
    shares: u64,
    phase: Option<DayPhase>,
}

impl TradeFinder {
    /// Takes the next record, and passes its trades to `found`.
    ///
    /// # Errors
    /// A lot is unknown: an earlier record is missing.
    pub fn take(
        &mut self,
        record: &PublicRecord,
        mut found: impl FnMut(TradeRow),
    ) -> Result<(), VisitError> {
        self.filled.clear();
        for event in record.events.iter().flatten() {
            match event {
                PublicEvent::LotOpened(opened) => {
                    let known = KnownLot {
                        symbol: opened.symbol,
                        format: opened.terms.kind(),
                        shares: opened.quantity.get(),
                        phase: None,
                    };
                    add_lot(&mut self.lots, opened.lot, known)?;
                }
                PublicEvent::PhaseBegan(PhaseBegan { lot, phase, .. }) => {
                    lot_mut(&mut self.lots, *lot)?.phase = Some(*phase);
                }
                PublicEvent::BidsOpened { lot, bids } => {
                    let filled = bids.iter().filter(|bid| bid.filled > 0);
                    self.filled.extend(filled.map(|bid| (*lot, *bid)));
                }
                PublicEvent::LotClosed { lot, outcome } => {
                    let known = lot_mut(&mut self.lots, *lot)?.clone();
                    let sales = sales(*lot, *outcome, known.shares, &self.filled);
                    for (index, (price, quantity)) in sales.into_iter().enumerate() {
                        let sale = DayTrade {
                            number: index as u64 + 1,
                            at: record.at,
                            price,
                            quantity,
                            aggressor: None,
                            resting: None,
                        };
                        found(row(record, *lot, &known, &sale));
                    }
                }
                other => {
                    if let Some((lot, trade)) = trade_of(record.at, other) {
                        let known = lot_mut(&mut self.lots, lot)?;
                        found(row(record, lot, known, &trade));
                    }
                }
            }
        }
        Ok(())
    }
}

fn row(record: &PublicRecord, lot: LotId, known: &KnownLot, trade: &DayTrade) -> TradeRow {
    TradeRow {
        sequence: record.sequence,
        at: trade.at,
        lot,
        symbol: known.symbol,
        format: known.format,
        phase: known.phase,
        number: trade.number,
        price: trade.price,
        quantity: trade.quantity,
        aggressor: trade.aggressor,
        resting: trade.resting,
    }
}

/// Returns the price and the shares of each sale at the close of a lot.
fn sales(
    lot: LotId,
    outcome: Outcome,
    shares: u64,
    filled: &[(LotId, OpenedBid)],
) -> Vec<(Price, u64)> {
    match outcome {
        Outcome::Sold { price, .. } => vec![(price, shares)],
        Outcome::Crossed { price, volume, .. } => vec![(price, volume)],
        Outcome::Allocated { .. } => {
            let of_lot = filled.iter().filter(|(of, _)| *of == lot);
            of_lot
                .filter_map(|(_, bid)| Some((bid.pays?, bid.filled)))
                .collect()
        }
        // A day's trades were published one by one.
        Outcome::Day { .. } | Outcome::Unsold { .. } | Outcome::NoCross { .. } => Vec::new(),
    }
}
