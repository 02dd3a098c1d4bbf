//! Exports of market data: trades, bars, and shown orders.

use std::io::Write;

use super::table::{Cell, Table, text};
use super::{ExportError, public_records};
use crate::cli::args::Format;
use crate::journal::Reader;
use crate::platform::progress::ReadProgress;
use crate::projections::market_data::bar_rows::{BarFinder, BarLength, BarRow};
use crate::projections::market_data::order_rows::{OrderFinder, OrderRow};
use crate::projections::market_data::trade_rows::{TradeFinder, TradeRow};

const TRADE_COLUMNS: [&str; 12] = [
    "sequence",
    "time",
    "lot",
    "symbol",
    "format",
    "phase",
    "trade",
    "price",
    "quantity",
    "value",
    "aggressor",
    "resting",
];

const BAR_COLUMNS: [&str; 10] = [
    "begin", "lot", "symbol", "open", "high", "low", "close", "volume", "value", "trades",
];

const ORDER_COLUMNS: [&str; 13] = [
    "sequence", "shown", "lot", "symbol", "order", "side", "price", "quantity", "traded", "value",
    "open", "ended", "end",
];

pub(super) fn write_trades(
    reader: &mut Reader,
    reading: &mut ReadProgress<'_>,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut table = Table::begin(&TRADE_COLUMNS, format, out)?;
    visit_trades(reader, reading, |trade| table.row(&trade_row(trade)))?;
    table.end()
}

pub(super) fn write_bars(
    reader: &mut Reader,
    reading: &mut ReadProgress<'_>,
    length: BarLength,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut table = Table::begin(&BAR_COLUMNS, format, out)?;
    let mut finder = BarFinder::new(length);
    let mut over = Vec::new();
    let mut write = |over: &mut Vec<BarRow>| {
        let mut rows = over.drain(..);
        rows.try_for_each(|bar| table.row(&bar_row(&bar)))
    };
    visit_trades(reader, reading, |trade| {
        finder.take(trade, |bar| over.push(bar));
        write(&mut over)
    })?;
    finder.finish(|bar| over.push(bar));
    write(&mut over)?;
    table.end()
}

pub(super) fn write_orders(
    reader: &mut Reader,
    reading: &mut ReadProgress<'_>,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut table = Table::begin(&ORDER_COLUMNS, format, out)?;
    let mut finder = OrderFinder::default();
    let mut over = Vec::new();
    while let Some(frame) = reader.next_view()? {
        reading.frame(&frame);
        public_records::visit(&frame, |record| finder.take(&record, |row| over.push(row)))?;
        for order in over.drain(..) {
            table.row(&order_row(&order))?;
        }
    }
    let mut written = Ok(());
    finder.finish(|order| {
        if written.is_ok() {
            written = table.row(&order_row(&order));
        }
    });
    written?;
    table.end()
}

/// Passes the trades of a journal to `take`, in order; those of one frame are kept meanwhile.
fn visit_trades(
    reader: &mut Reader,
    reading: &mut ReadProgress<'_>,
    mut take: impl FnMut(&TradeRow) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut finder = TradeFinder::default();
    let mut found = Vec::new();
    while let Some(frame) = reader.next_view()? {
        reading.frame(&frame);
        public_records::visit(&frame, |record| {
            finder.take(&record, |trade| found.push(trade))
        })?;
        for trade in found.drain(..) {
            take(&trade)?;
        }
    }
    Ok(())
}

fn trade_row(trade: &TradeRow) -> [Cell; 12] {
    [
        text(trade.sequence),
        text(trade.at),
        Cell::Number(trade.lot.0),
        text(trade.symbol),
        text(trade.format),
        trade.phase.map_or(Cell::Nothing, text),
        text(trade.number),
        text(trade.price),
        text(trade.quantity),
        money(trade.value()),
        trade.aggressor.map_or(Cell::Nothing, text),
        trade.resting.map_or(Cell::Nothing, text),
    ]
}

fn bar_row(bar: &BarRow) -> [Cell; 10] {
    [
        text(bar.begins_at),
        Cell::Number(bar.lot.0),
        text(bar.symbol),
        text(bar.open),
        text(bar.high),
        text(bar.low),
        text(bar.close),
        text(bar.volume),
        money(bar.value),
        text(bar.trades),
    ]
}

fn order_row(order: &OrderRow) -> [Cell; 13] {
    [
        text(order.sequence),
        text(order.shown_at),
        Cell::Number(order.lot.0),
        text(order.symbol),
        text(order.number),
        text(order.side),
        text(order.price),
        text(order.quantity),
        text(order.traded),
        money(order.value),
        text(order.open),
        order.ended.map_or(Cell::Nothing, |(at, _)| text(at)),
        order
            .ended
            .map_or(Cell::Nothing, |(_, end)| text(end.as_str())),
    ]
}

/// A sum in ten-thousandths, which may be more than an [`Amount`](auction_core::Amount): two decimals at least, four at
/// most.
fn money(units: u128) -> Cell {
    let (whole, rest) = (units / 10_000, units % 10_000);
    match rest % 100 {
        0 => text(format_args!("{whole}.{:02}", rest / 100)),
        _ if rest % 10 == 0 => text(format_args!("{whole}.{:03}", rest / 10)),
        _ => text(format_args!("{whole}.{rest:04}")),
    }
}
