//! Rows of an export as CSV or JSON.

use std::io::{self, Write};

use super::ExportError;
use crate::cli::args::Format;

/// One value: JSON formats it by its type, CSV writes its text.
pub(super) enum Cell {
    Nothing,
    Text(String),
    Number(u32),
}

pub(super) fn text(value: impl std::fmt::Display) -> Cell {
    Cell::Text(value.to_string())
}

/// Rows in one of the two formats.
pub(super) struct Table<'a> {
    columns: &'a [&'a str],
    sink: Sink<'a>,
}

enum Sink<'a> {
    Csv(Box<csv::Writer<&'a mut dyn Write>>),
    Json { out: &'a mut dyn Write, rows: u64 },
}

impl<'a> Table<'a> {
    pub(super) fn begin(
        columns: &'a [&'a str],
        format: Format,
        out: &'a mut dyn Write,
    ) -> Result<Self, ExportError> {
        let sink = match format {
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                csv.write_record(columns).map_err(io::Error::from)?;
                Sink::Csv(Box::new(csv))
            }
            Format::Json => {
                out.write_all(b"[")?;
                Sink::Json { out, rows: 0 }
            }
        };
        Ok(Self { columns, sink })
    }

    pub(super) fn row(&mut self, cells: &[Cell]) -> Result<(), ExportError> {
        match &mut self.sink {
            Sink::Csv(csv) => {
                let texts = cells.iter().map(|cell| match cell {
                    Cell::Nothing => String::new(),
                    Cell::Text(text) => text.clone(),
                    Cell::Number(number) => number.to_string(),
                });
                csv.write_record(texts).map_err(io::Error::from)?;
            }
            Sink::Json { out, rows } => {
                out.write_all(if *rows == 0 { b"\n{" } else { b",\n{" })?;
                *rows += 1;
                for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(out, "{comma}\"{column}\":")?;
                    match cell {
                        Cell::Nothing => out.write_all(b"null")?,
                        Cell::Text(text) => {
                            serde_json::to_writer(&mut *out, text).map_err(io::Error::from)?
                        }
                        Cell::Number(number) => write!(out, "{number}")?,
                    }
                }
                out.write_all(b"}")?;
            }
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<(), ExportError> {
        match self.sink {
            Sink::Csv(mut csv) => csv.flush()?,
            Sink::Json { out, .. } => {
                out.write_all(b"\n]\n")?;
                out.flush()?;
            }
        }
        Ok(())
    }
}
