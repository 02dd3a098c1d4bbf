//! Exports of market data: trades, bars, and shown orders.

use std::io::Write;

use super::cell::{Cell, Column, Kind};
use super::table::Table;
use super::{ExportError, public_records};
use crate::cli::args::Format;
use crate::journal::Reader;
use crate::platform::progress::ReadProgress;
use crate::projections::market_data::bar_rows::{BarFinder, BarLength, BarRow};
use crate::projections::market_data::order_rows::{OrderFinder, OrderRow};
use crate::projections::market_data::trade_rows::{TradeFinder, TradeRow};

const TRADE_COLUMNS: [Column; 12] = [
    ("sequence", Kind::Integer),
    ("time", Kind::Time),
    ("lot", Kind::Integer),
    ("symbol", Kind::Text),
    ("format", Kind::Text),
    ("phase", Kind::Text),
    ("trade", Kind::Integer),
    ("price", Kind::Money),
    ("quantity", Kind::Integer),
    ("value", Kind::Money),
    ("aggressor", Kind::Text),
    ("resting", Kind::Integer),
];

const BAR_COLUMNS: [Column; 10] = [
    ("begin", Kind::Time),
    ("lot", Kind::Integer),
    ("symbol", Kind::Text),
    ("open", Kind::Money),
    ("high", Kind::Money),
    ("low", Kind::Money),
    ("close", Kind::Money),
    ("volume", Kind::Integer),
    ("value", Kind::Money),
    ("trades", Kind::Integer),
];

const ORDER_COLUMNS: [Column; 13] = [
    ("sequence", Kind::Integer),
    ("shown", Kind::Time),
    ("lot", Kind::Integer),
    ("symbol", Kind::Text),
    ("order", Kind::Integer),
    ("side", Kind::Text),
    ("price", Kind::Money),
    ("quantity", Kind::Integer),
    ("traded", Kind::Integer),
    ("value", Kind::Money),
    ("open", Kind::Integer),
    ("ended", Kind::Time),
    ("end", Kind::Text),
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
        Cell::long(trade.sequence.0),
        trade.at.into(),
        Cell::Number(trade.lot.0),
        trade.symbol.into(),
        text(trade.format),
        trade.phase.map_or(Cell::Nothing, text),
        Cell::long(trade.number),
        trade.price.into(),
        Cell::long(trade.quantity),
        Cell::Money(trade.value()),
        trade.aggressor.map_or(Cell::Nothing, text),
        trade.resting.map_or(Cell::Nothing, Cell::long),
    ]
}

fn bar_row(bar: &BarRow) -> [Cell; 10] {
    [
        bar.begins_at.into(),
        Cell::Number(bar.lot.0),
        bar.symbol.into(),
        bar.open.into(),
        bar.high.into(),
        bar.low.into(),
        bar.close.into(),
        Cell::long(bar.volume),
        Cell::Money(bar.value),
        Cell::long(bar.trades),
    ]
}

fn order_row(order: &OrderRow) -> [Cell; 13] {
    [
        Cell::long(order.sequence.0),
        order.shown_at.into(),
        Cell::Number(order.lot.0),
        order.symbol.into(),
        Cell::long(order.number),
        text(order.side),
        order.price.into(),
        Cell::long(order.quantity),
        Cell::long(order.traded),
        Cell::Money(order.value),
        Cell::long(order.open),
        order.ended.map_or(Cell::Nothing, |(at, _)| at.into()),
        order
            .ended
            .map_or(Cell::Nothing, |(_, end)| Cell::Word(end.as_str())),
    ]
}

fn text(value: impl std::fmt::Display) -> Cell {
    Cell::Text(value.to_string())
}
