//! Exports of the settlement: by lot and trader, and the totals of each trader.

use std::collections::BTreeMap;
use std::io::Write;

use auction_core::Name;
use auction_proto::decode_records;

use super::ExportError;
use super::cell::{Cell, Column, Kind};
use super::table::Table;
use crate::cli::args::Format;
use crate::journal::{Reader, VisitError};
use crate::market::public_records::refused;
use crate::platform::progress::ReadProgress;
use crate::projections::settlement::{Party, Settled, Settlement, SettlementRow};

const LOT_COLUMNS: [Column; 8] = [
    ("lot", Kind::Integer),
    ("symbol", Kind::Text),
    ("format", Kind::Text),
    ("trader", Kind::Text),
    ("bought", Kind::Integer),
    ("sold", Kind::Integer),
    ("pays", Kind::Money),
    ("receives", Kind::Money),
];

const TOTAL_COLUMNS: [Column; 5] = [
    ("trader", Kind::Text),
    ("bought", Kind::Integer),
    ("sold", Kind::Integer),
    ("pays", Kind::Money),
    ("receives", Kind::Money),
];

pub(super) fn write_settlement(
    reader: &mut Reader,
    reading: &mut ReadProgress<'_>,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut table = Table::begin(&LOT_COLUMNS, format, out)?;
    visit_rows(reader, reading, |row| table.row(&lot_row(row)))?;
    table.end()
}

pub(super) fn write_totals(
    reader: &mut Reader,
    reading: &mut ReadProgress<'_>,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut totals: BTreeMap<Party, (Option<Name>, Settled)> = BTreeMap::new();
    visit_rows(reader, reading, |row| {
        let (_, total) = totals
            .entry(row.party)
            .or_insert((row.name, Settled::default()));
        total.add(&row.settled);
        Ok(())
    })?;
    let mut table = Table::begin(&TOTAL_COLUMNS, format, out)?;
    for (name, total) in totals.values() {
        let [bought, sold, pays, receives] = cells(total);
        table.row(&[(*name).into(), bought, sold, pays, receives])?;
    }
    table.end()
}

/// Passes the rows of a journal to `take`; those of one frame are kept meanwhile.
fn visit_rows(
    reader: &mut Reader,
    reading: &mut ReadProgress<'_>,
    mut take: impl FnMut(&SettlementRow) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut settlement = Settlement::default();
    let mut found = Vec::new();
    while let Some(frame) = reader.next_view()? {
        reading.frame(&frame);
        let mut next = frame.first;
        for record in decode_records(frame.public, frame.private) {
            next += 1;
            let taken = record
                .map_err(VisitError::from)
                .and_then(|record| settlement.take(&record, |row| found.push(row)));
            taken.map_err(|source| refused(&frame, source))?;
        }
        if next != frame.last() + 1 {
            return Err(refused(&frame, "records are missing".into()).into());
        }
        for row in found.drain(..) {
            take(&row)?;
        }
    }
    let finished = settlement.finish(|row| found.push(row));
    finished.map_err(|source| std::io::Error::new(std::io::ErrorKind::InvalidData, source))?;
    found.iter().try_for_each(take)
}

fn lot_row(row: &SettlementRow) -> [Cell; 8] {
    let [bought, sold, pays, receives] = cells(&row.settled);
    [
        Cell::Number(row.lot.0),
        row.symbol.into(),
        Cell::Word(row.format.as_str()),
        row.name.into(),
        bought,
        sold,
        pays,
        receives,
    ]
}

fn cells(settled: &Settled) -> [Cell; 4] {
    [
        Cell::long(settled.bought),
        Cell::long(settled.sold),
        Cell::Money(settled.pays),
        Cell::Money(settled.receives),
    ]
}
