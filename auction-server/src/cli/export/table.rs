//! Rows of an export, in one of the formats.

use std::fmt;
use std::io::{self, Write};

use super::ExportError;
use super::cell::{Cell, Column};
#[cfg(feature = "columns")]
use super::columns::Columns;
use crate::cli::args::Format;

/// Rows in one of the formats.
pub(super) struct Table<'a> {
    columns: &'a [Column],
    sink: Sink<'a>,
}

enum Sink<'a> {
    Csv {
        csv: Box<csv::Writer<&'a mut dyn Write>>,
        /// The value that is written, so that each one needs no memory of its own.
        value: String,
    },
    Json {
        out: &'a mut dyn Write,
        rows: u64,
    },
    #[cfg(feature = "columns")]
    Columns(Box<Columns<'a>>),
}

impl<'a> Table<'a> {
    pub(super) fn begin(
        columns: &'a [Column],
        format: Format,
        out: &'a mut dyn Write,
    ) -> Result<Self, ExportError> {
        let sink = match format {
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                let names = columns.iter().map(|(name, _)| name);
                csv.write_record(names).map_err(io::Error::from)?;
                Sink::Csv {
                    csv: Box::new(csv),
                    value: String::new(),
                }
            }
            Format::Json => {
                out.write_all(b"[")?;
                Sink::Json { out, rows: 0 }
            }
            #[cfg(feature = "columns")]
            Format::Parquet => Sink::Columns(Box::new(Columns::parquet(columns, out)?)),
            #[cfg(feature = "columns")]
            Format::Arrow => Sink::Columns(Box::new(Columns::arrow(columns, out)?)),
        };
        Ok(Self { columns, sink })
    }

    pub(super) fn row(&mut self, cells: &[Cell]) -> Result<(), ExportError> {
        match &mut self.sink {
            Sink::Csv { csv, value } => {
                for cell in cells {
                    use fmt::Write as _;
                    value.clear();
                    write!(value, "{cell}").expect("a string takes all");
                    csv.write_field(value.as_str()).map_err(io::Error::from)?;
                }
                csv.write_record(None::<&[u8]>).map_err(io::Error::from)?;
            }
            Sink::Json { out, rows } => {
                out.write_all(if *rows == 0 { b"\n{" } else { b",\n{" })?;
                *rows += 1;
                for (index, ((column, _), cell)) in self.columns.iter().zip(cells).enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(out, "{comma}\"{column}\":")?;
                    match cell {
                        Cell::Nothing => out.write_all(b"null")?,
                        Cell::Text(text) => {
                            serde_json::to_writer(&mut *out, text).map_err(io::Error::from)?;
                        }
                        Cell::Number(number) => write!(out, "{number}")?,
                        // Nothing in these needs an escape.
                        plain => write!(out, "\"{plain}\"")?,
                    }
                }
                out.write_all(b"}")?;
            }
            #[cfg(feature = "columns")]
            Sink::Columns(columns) => columns.row(cells)?,
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<(), ExportError> {
        match self.sink {
            Sink::Csv { mut csv, .. } => csv.flush()?,
            Sink::Json { out, .. } => {
                out.write_all(b"\n]\n")?;
                out.flush()?;
            }
            #[cfg(feature = "columns")]
            Sink::Columns(columns) => columns.end()?,
        }
        Ok(())
    }
}
