//! Exports for operators as CSV or JSON (with the feature `columns` also Parquet and Arrow), and the public journal. Also
//! works beside a running server.
//!
//! | what | columns |
//! |---|---|
//! | users | name, role, symbol |
//! | bids | sequence, time, user, symbol, price, lot |
//! | trades | sequence, time, lot, symbol, format, phase, trade, price, quantity, value, aggressor, resting |
//! | bars | begin, lot, symbol, open, high, low, close, volume, value, trades |
//! | orders | sequence, shown, lot, symbol, order, side, price, quantity, traded, value, open, ended, end |
//! | results | lot, symbol, quantity, base_price, opened, closed, winner, price, why, runner_up, bids, bidders, extensions, shares, surplus |
//! | settlement | lot, symbol, format, trader, bought, sold, pays, receives |
//! | settlement-totals | trader, bought, sold, pays, receives |
//!
//! `bids` are all accepted bids in order; `lot` tells the lots of one symbol apart; `price` is the price that was bid. A
//! hidden maximum has a row when it changed the lot's price, with the lot's price after the change; the maximum itself
//! stays hidden. Sealed bids have their rows at the close that opened them, ordered by their time, with the number and
//! time of the close. `results` are all lots
//! that have closed. Times are RFC 3339, UTC. A lot sold in parts has no single winner: its price is the lowest
//! accepted, its runner-up the highest bid that got nothing. Sealed bids are not counted, only their bidders. A call
//! auction has no winner and no runner-up either; its quantity is the round lot. `shares` is the number of shares that
//! changed hands. `surplus` is the number of shares wanted in excess of those offered at the price of a call auction;
//! negative: more shares were offered than wanted.
//!
//! `trades` are those of trading days, where an uncross is one trade without an aggressor, and what the close of any other
//! lot sold: one trade, or one a filled bid where a lot is sold in parts. `value` is price x quantity. `bars` are trades
//! of a lot in intervals that begin at multiples of their length from midnight UTC; an interval without a trade has no
//! row. `orders` are those of trading days that everyone saw, under their public numbers, each when its life is over:
//! `filled`, `gone` (cancelled, replaced or lapsed), `call` (it was in a call and not shown again: what became of it is
//! not public) or `close`; the rows of live ones come last, without an end.
//!
//! `settlement` has a row for each trader who bought or sold shares of a lot, when the lot has closed; the rows of trading
//! days that are still open come last, with the trades so far. `pays` is owed to the market, `receives` is owed by it. A
//! row without a trader is the house, which sells all lots but calls and trading days. So in each lot as many shares are
//! bought as sold, and as much is paid as received; a lot that breaks this ends the export, because the journal is
//! damaged. Unlike the other exports it shows private data: whose the fills of calls and trading days are.
//!
//! JSON is one array, one object per line; as on the wire, prices and 64-bit numbers are strings, and missing values
//! are null. A spreadsheet can't take a CSV cell for a formula: names begin with a letter or a digit by type, and the
//! one number that can be negative, the surplus, has only digits after its sign.

mod market_data;
mod settlement;
mod table;
#[cfg(feature = "columns")]
mod columns;
mod cell;

use std::io::Write;

use auction_core::{
    AllocatedBy, Book, FoldError, LadderStep, Lot, Market, MarketId, NoCrossBecause, Outcome,
    Phase, Role, SoldBy, UnsoldBecause, User,
};

use crate::cli::args::{Format, What};
use crate::cli::export_journal::write_public_journal;
use crate::config::data_dir::DataDir;
use crate::journal::{Reader, RealDisk, VisitError};
pub use crate::market::open_journal::{ExportError, open};
use crate::market::public_records;
use crate::platform::progress::{Progress, ReadProgress};
use crate::projections::bids::{BidFinder, NamedBid};
use crate::projections::market_data::bar_rows::BarLength;
use cell::{Cell, Column, Kind};
use table::Table;

/// Writes `what` of the market in a data folder to `out`; the journal has one form and ignores `format`,
/// and only bars have a length, `every`. Calls `on_progress` with the progress, now and then.
///
/// # Errors
/// [`ExportError`]; some rows may already have been written.
pub fn export(
    folder: &DataDir,
    what: What,
    format: Format,
    every: BarLength,
    out: &mut dyn Write,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(), ExportError> {
    let mut reader = open(folder)?;
    let mut reading = ReadProgress::new(&RealDisk, &folder.journal(), on_progress);
    match what {
        What::Users => {
            let market = fold(&mut reader, &mut reading)?;
            let mut table = Table::begin(&USER_COLUMNS, format, out)?;
            for user in market.users() {
                table.row(&user_row(user))?;
            }
            table.end()
        }
        What::Bids => {
            let mut table = Table::begin(&BID_COLUMNS, format, out)?;
            write_bids(&mut reader, &mut reading, &mut table)?;
            table.end()
        }
        What::Trades => market_data::write_trades(&mut reader, &mut reading, format, out),
        What::Bars => market_data::write_bars(&mut reader, &mut reading, every, format, out),
        What::Orders => market_data::write_orders(&mut reader, &mut reading, format, out),
        What::Settlement => settlement::write_settlement(&mut reader, &mut reading, format, out),
        What::SettlementTotals => settlement::write_totals(&mut reader, &mut reading, format, out),
        What::Journal => write_public_journal(folder, out, reading),
        What::Results => {
            let market = fold(&mut reader, &mut reading)?;
            let mut table = Table::begin(&RESULT_COLUMNS, format, out)?;
            for lot in market.lots() {
                if let Some(row) = result_row(&market, lot) {
                    table.row(&row)?;
                }
            }
            table.end()
        }
    }
}

fn fold(reader: &mut Reader, reading: &mut ReadProgress<'_>) -> Result<Market, ExportError> {
    let mut market = None;
    while let Some(frame) = reader.next_view()? {
        reading.frame(&frame);
        let market = market.get_or_insert_with(|| Market::new(MarketId(frame.market)));
        public_records::visit(&frame, |record| {
            let mut events = record.events.iter().flatten();
            let folded: Result<(), FoldError> =
                events.try_for_each(|event| market.apply(record.at, event));
            folded.map_err(VisitError::from)
        })?;
    }
    Ok(market.unwrap_or_else(|| Market::new(MarketId::default())))
}

fn write_bids(
    reader: &mut Reader,
    reading: &mut ReadProgress<'_>,
    table: &mut Table<'_>,
) -> Result<(), ExportError> {
    let mut finder = BidFinder::default();
    let mut found = Vec::new();
    while let Some(frame) = reader.next_view()? {
        reading.frame(&frame);
        public_records::visit(&frame, |record| finder.take(&record, |bid| found.push(bid)))?;
        for bid in found.drain(..) {
            table.row(&bid_row(&bid))?;
        }
    }
    Ok(())
}

const USER_COLUMNS: [Column; 3] = [
    ("name", Kind::Text),
    ("role", Kind::Text),
    ("symbol", Kind::Text),
];

fn user_row(user: &User) -> [Cell; 3] {
    let (role, symbol) = match user.role {
        Role::Trader => ("trader", None),
        Role::Company(symbol) => ("company", Some(symbol)),
        Role::Auctioneer => ("auctioneer", None),
    };
    [user.name.into(), Cell::Word(role), symbol.into()]
}

const BID_COLUMNS: [Column; 6] = [
    ("sequence", Kind::Integer),
    ("time", Kind::Time),
    ("user", Kind::Text),
    ("symbol", Kind::Text),
    ("price", Kind::Money),
    ("lot", Kind::Integer),
];

fn bid_row(bid: &NamedBid) -> [Cell; 6] {
    [
        Cell::long(bid.sequence.0),
        bid.at.into(),
        bid.user.into(),
        bid.symbol.into(),
        bid.price().into(),
        Cell::Number(bid.lot.0),
    ]
}

const RESULT_COLUMNS: [Column; 15] = [
    ("lot", Kind::Integer),
    ("symbol", Kind::Text),
    ("quantity", Kind::Integer),
    ("base_price", Kind::Money),
    ("opened", Kind::Time),
    ("closed", Kind::Time),
    ("winner", Kind::Text),
    ("price", Kind::Money),
    ("why", Kind::Text),
    ("runner_up", Kind::Money),
    ("bids", Kind::Integer),
    ("bidders", Kind::Integer),
    ("extensions", Kind::Integer),
    ("shares", Kind::Integer),
    ("surplus", Kind::Integer),
];

fn result_row(market: &Market, lot: &Lot) -> Option<[Cell; 15]> {
    let Phase::Closed { at, outcome } = lot.phase else {
        return None;
    };
    let (winner, price, why, runner_up) = match outcome {
        Outcome::Sold {
            winner,
            price,
            by,
            runner_up,
        } => {
            let name = market.user(winner).map(|user| user.name);
            let why = match by {
                SoldBy::HighestBid => "highest-bid",
                SoldBy::BuyNow => "buy-now",
                SoldBy::FirstTake => "first-take",
                SoldBy::SecondHighestBid => "second-highest-bid",
                SoldBy::Reserve => "reserve",
                SoldBy::LeastBid => "least-bid",
            };
            (name, Some(price), why, runner_up)
        }
        Outcome::Unsold { because, highest } => {
            let why = match because {
                UnsoldBecause::NoBids => "no-bids",
                UnsoldBecause::ReserveNotMet => "reserve-not-met",
                UnsoldBecause::Cancelled => "cancelled",
            };
            (None, None, why, highest)
        }
        Outcome::Allocated {
            lowest,
            by,
            highest_rejected,
            ..
        } => {
            let why = match by {
                AllocatedBy::EnoughForAll => "enough-for-all",
                AllocatedBy::Time => "price-then-time",
                AllocatedBy::ProRata => "pro-rata",
            };
            (None, Some(lowest), why, highest_rejected)
        }
        Outcome::Crossed { price, by, .. } => {
            let why = match by {
                LadderStep::Market => "uncross-market",
                LadderStep::Volume => "uncross-volume",
                LadderStep::Surplus => "uncross-surplus",
                LadderStep::Pressure => "uncross-pressure",
                LadderStep::Reference => "uncross-reference",
                LadderStep::Collar => "uncross-collar",
            };
            (None, Some(price), why, None)
        }
        Outcome::NoCross { because, .. } => {
            let why = match because {
                NoCrossBecause::NothingCrosses => "nothing-crosses",
                NoCrossBecause::NoPrice => "no-price",
                NoCrossBecause::Collar => "collar",
            };
            (None, None, why, None)
        }
        Outcome::Day { close, .. } => (None, close, "day", None),
    };
    let surplus = match outcome {
        Outcome::Crossed { surplus, .. } => Cell::long(surplus),
        _ => Cell::Nothing,
    };
    let bids = match &lot.book {
        Book::English(book) => Cell::Number(book.bids),
        Book::Dutch(_) => Cell::Number(lot.bidders()),
        Book::Sealed(_) | Book::Uniform(_) | Book::Call(_) | Book::Day(_) => Cell::Nothing,
    };
    Some([
        Cell::Number(lot.id.0),
        lot.symbol.into(),
        Cell::long(lot.quantity.get()),
        lot.base_price.into(),
        lot.opened_at.into(),
        at.into(),
        winner.into(),
        price.into(),
        Cell::Word(why),
        runner_up.into(),
        bids,
        Cell::Number(lot.bidders()),
        Cell::Number(lot.extensions),
        Cell::long(shares_traded(lot, outcome)),
        surplus,
    ])
}

fn shares_traded(lot: &Lot, outcome: Outcome) -> u128 {
    match outcome {
        Outcome::Sold { .. } => lot.quantity.get().into(),
        Outcome::Allocated { sold, .. } => sold.into(),
        Outcome::Crossed { volume, .. } => volume.into(),
        Outcome::Day { volume, .. } => volume,
        Outcome::Unsold { .. } | Outcome::NoCross { .. } => 0,
    }
}
