//! Rows of an export as Parquet or Arrow.
//!
//! The types are those that DuckDB, polars, pyarrow and pandas all read without loss: text as Utf8, numbers as Int64, money
//! as Decimal128(18, 4), times as microseconds UTC. A value that does not fit its column ends the export: Arrow would cut a
//! decimal that is wider than its column without an error.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use arrow_array::builder::{
    Decimal128Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::ExportError;
use super::cell::{Cell, Column, Kind};

/// Number of rows that are collected before they are encoded.
const BATCH_ROWS: usize = 8_192;
/// Maximum number of rows of a row group: the encoder keeps one in memory.
const ROW_GROUP_ROWS_MAX: usize = 131_072;
/// Digits of a sum of money; more would not fit the 64-bit form that every reader has.
const MONEY_PRECISION: u8 = 18;
/// Decimals of a sum of money: ten-thousandths.
const MONEY_SCALE: i8 = 4;
const UTC: &str = "UTC";

/// A file of columns that is being written.
pub(super) struct Columns<'a> {
    out: &'a mut dyn Write,
    columns: &'a [Column],
    schema: SchemaRef,
    builders: Vec<Builder>,
    rows: usize,
    file: File,
}

/// The encoder, which writes to memory: what it has written is passed on after each batch.
enum File {
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    Arrow(Box<FileWriter<Vec<u8>>>),
}

impl<'a> Columns<'a> {
    /// Begins a Parquet file.
    pub(super) fn parquet(
        columns: &'a [Column],
        out: &'a mut dyn Write,
    ) -> Result<Self, ExportError> {
        let schema = schema(columns);
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX));
        for (name, kind) in columns {
            // Numbers and times mostly rise a little; a dictionary of them would not pay. Texts and prices repeat.
            if matches!(kind, Kind::Integer | Kind::Time) {
                let path = ColumnPath::from(*name);
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
        }
        let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties.build()));
        let file = File::Parquet(Box::new(writer.map_err(of_parquet)?));
        Ok(Self::new(columns, schema, out, file))
    }

    /// Begins an Arrow file (IPC).
    pub(super) fn arrow(
        columns: &'a [Column],
        out: &'a mut dyn Write,
    ) -> Result<Self, ExportError> {
        let schema = schema(columns);
        let writer = FileWriter::try_new(Vec::new(), &schema).map_err(of_arrow)?;
        let file = File::Arrow(Box::new(writer));
        Ok(Self::new(columns, schema, out, file))
    }

    fn new(columns: &'a [Column], schema: SchemaRef, out: &'a mut dyn Write, file: File) -> Self {
        let builders = columns.iter().map(|(_, kind)| Builder::new(*kind));
        Self {
            out,
            columns,
            schema,
            builders: builders.collect(),
            rows: 0,
            file,
        }
    }

    pub(super) fn row(&mut self, cells: &[Cell]) -> Result<(), ExportError> {
        let columns = self.columns.iter().zip(&mut self.builders);
        for (((name, _), builder), cell) in columns.zip(cells) {
            builder.push(cell).map_err(|DoesNotFit| {
                let message = format!("{cell} does not fit the column {name}; export it as csv");
                io::Error::new(io::ErrorKind::InvalidData, message)
            })?;
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS {
            self.write_batch()?;
        }
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(), ExportError> {
        if self.rows > 0 {
            self.write_batch()?;
        }
        let rest = match self.file {
            File::Parquet(writer) => writer.into_inner().map_err(of_parquet)?,
            File::Arrow(writer) => writer.into_inner().map_err(of_arrow)?,
        };
        self.out.write_all(&rest)?;
        Ok(self.out.flush()?)
    }

    fn write_batch(&mut self) -> Result<(), ExportError> {
        self.rows = 0;
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(of_arrow)?;
        let encoded = match &mut self.file {
            File::Parquet(writer) => {
                writer.write(&batch).map_err(of_parquet)?;
                writer.inner_mut()
            }
            File::Arrow(writer) => {
                writer.write(&batch).map_err(of_arrow)?;
                writer.get_mut()
            }
        };
        Ok(self.out.write_all(&mem::take(encoded))?)
    }
}

fn schema(columns: &[Column]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind)| {
        let data_type = match kind {
            Kind::Text => DataType::Utf8,
            Kind::Integer => DataType::Int64,
            Kind::Money => DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        };
        Field::new(*name, data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The values of a column that are collected.
enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Money(Decimal128Builder),
    Time(TimestampMicrosecondBuilder),
}

/// A value does not fit its column.
#[derive(Debug)]
struct DoesNotFit;

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Integer => Self::Integer(Int64Builder::new()),
            Kind::Money => {
                let money = DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE);
                Self::Money(Decimal128Builder::new().with_data_type(money))
            }
            Kind::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone(UTC)),
        }
    }

    /// Appends a value.
    ///
    /// # Panics
    /// The value is not of the column's type.
    fn push(&mut self, cell: &Cell) -> Result<(), DoesNotFit> {
        match (self, cell) {
            (Self::Text(texts), Cell::Nothing) => texts.append_null(),
            (Self::Text(texts), Cell::Word(word)) => texts.append_value(word),
            (Self::Text(texts), Cell::Text(text)) => texts.append_value(text),
            (Self::Text(texts), Cell::Name(name)) => texts.append_value(name.as_str()),
            (Self::Text(texts), Cell::Symbol(symbol)) => texts.append_value(symbol.as_str()),
            (Self::Integer(numbers), Cell::Nothing) => numbers.append_null(),
            (Self::Integer(numbers), Cell::Number(number)) => {
                numbers.append_value(i64::from(*number));
            }
            (Self::Integer(numbers), Cell::Long(number)) => {
                numbers.append_value(i64::try_from(*number).map_err(|_| DoesNotFit)?);
            }
            (Self::Money(sums), Cell::Nothing) => sums.append_null(),
            (Self::Money(sums), Cell::Price(price)) => sums.append_value(money(price.units())?),
            (Self::Money(sums), Cell::Money(units)) => sums.append_value(money(*units)?),
            (Self::Time(times), Cell::Nothing) => times.append_null(),
            (Self::Time(times), Cell::Time(time)) => {
                times.append_value(i64::try_from(time.micros()).map_err(|_| DoesNotFit)?);
            }
            _ => unreachable!("the cells of a table have the types of its columns"),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(texts) => Arc::new(texts.finish()),
            Self::Integer(numbers) => Arc::new(numbers.finish()),
            Self::Money(sums) => Arc::new(sums.finish()),
            Self::Time(times) => Arc::new(times.finish()),
        }
    }
}

/// Ten-thousandths, if they fit the precision.
fn money(units: impl Into<u128>) -> Result<i128, DoesNotFit> {
    let units = units.into();
    let fits = units < 10_u128.pow(MONEY_PRECISION.into());
    i128::try_from(units)
        .ok()
        .filter(|_| fits)
        .ok_or(DoesNotFit)
}

fn of_parquet(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

fn of_arrow(error: ArrowError) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_fits_18_digits() {
        let mut sums = Builder::new(Kind::Money);
        assert!(sums.push(&Cell::Money(999_999_999_999_999_999)).is_ok());
        assert!(sums.push(&Cell::Money(1_000_000_000_000_000_000)).is_err());
        assert!(sums.push(&Cell::Price(auction_core::Price::MAX)).is_ok());
        let mut numbers = Builder::new(Kind::Integer);
        assert!(numbers.push(&Cell::Long(i64::MAX.into())).is_ok());
        assert!(numbers.push(&Cell::Long(i128::from(i64::MAX) + 1)).is_err());
    }

    #[test]
    fn rows_are_passed_on_while_they_are_written() {
        let columns = [("sequence", Kind::Integer)];
        let (mut parquet, mut arrow) = (Vec::new(), Vec::new());
        fill(Columns::parquet(&columns, &mut parquet).unwrap());
        fill(Columns::arrow(&columns, &mut arrow).unwrap());
        assert!(parquet.starts_with(b"PAR1") && arrow.starts_with(b"ARROW1"));
    }

    fn fill(mut columns: Columns<'_>) {
        for row in 0..i128::try_from(2 * ROW_GROUP_ROWS_MAX).unwrap() {
            columns.row(&[Cell::Long(row * 7_919 % 1_000_003)]).unwrap();
        }
        let kept = match &columns.file {
            File::Parquet(writer) => writer.inner().len(),
            File::Arrow(writer) => writer.get_ref().len(),
        };
        assert_eq!(kept, 0);
        columns.end().unwrap();
    }
}
