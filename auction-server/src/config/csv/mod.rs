//! A CSV file that people wrote: read by the names in its header, with every fault named by file and line.
//!
//! Tolerated, because spreadsheets write it: columns in any order and any case, further columns, a byte order
//! mark, CRLF, quotes, blanks around a value, empty rows. Refused: everything that leaves a doubt about what was meant.

pub mod lots;
pub mod stocks;
pub mod users;
mod record;
mod fault;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use csv::StringRecord;

use fault::Faults;
use record::Records;

pub use fault::{CsvError, shown};

/// The largest file, in bytes: 64 MiB.
pub const CSV_BYTES_MAX: u64 = 64 << 20;
/// Most rows, the header aside.
pub const SHEET_ROWS_MAX: usize = 1_000_000;
/// The longest value, in bytes; a quote without its partner makes a long one.
pub const VALUE_BYTES_MAX: usize = 1_024;
/// Most columns.
pub const COLUMNS_MAX: usize = 256;

/// The columns of a file.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Those that must be there.
    pub required: &'static [&'static str],
    /// Those that may be.
    pub optional: &'static [&'static str],
}

/// One row.
#[derive(Debug)]
pub struct Row<'a> {
    /// The line it begins on, from 1.
    pub line: u64,
    columns: Columns,
    places: &'a [Option<usize>],
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// The value in a column; empty when the column is not there.
    ///
    /// # Panics
    /// The column is none of those asked for.
    #[must_use]
    pub fn value(&self, column: &str) -> &'a str {
        let place = self.columns.names().position(|name| name == column);
        let place = place.expect("a column that was asked for");
        self.places[place].map_or("", |index| &self.record[index])
    }

    /// The value in a column as a type, or a fault that names the column: `Price "12,5x" is not a decimal`.
    ///
    /// # Errors
    /// What the type's parser says, after the column and the value.
    pub fn parse<T: std::str::FromStr<Err: fmt::Display>>(
        &self,
        column: &str,
    ) -> Result<T, String> {
        let value = self.value(column);
        value
            .parse()
            .map_err(|error| format!("{column} {} {error}", shown(value)))
    }
}

impl Columns {
    fn names(self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }
}

/// Reads the file at `path` and gives each row to `take`, which says what is wrong with it.
///
/// # Errors
/// All faults, those of `take` too.
pub fn read(
    path: &Path,
    columns: Columns,
    take: impl FnMut(&Row<'_>) -> Result<(), Vec<String>>,
) -> Result<(), CsvError> {
    let mut faults = Faults::new(path);
    match read_bytes(path) {
        Ok(bytes) => read_rows(&bytes, columns, take, &mut faults),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let expected = columns.required.join(",");
            faults.add(
                None,
                format!("there is no such file; expected CSV with the columns {expected}"),
            );
        }
        Err(error) => faults.add(None, error.to_string()),
    }
    faults.into_result()
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(CSV_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > CSV_BYTES_MAX {
        let message = format!("the file is larger than {CSV_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

fn read_rows(
    bytes: &[u8],
    columns: Columns,
    mut take: impl FnMut(&Row<'_>) -> Result<(), Vec<String>>,
    faults: &mut Faults,
) {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return faults.add(None, "this is UTF-16; save it as UTF-8".to_owned());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut records = Records::new(bytes);
    let Some((line, header)) = records.next() else {
        let expected = columns.required.join(",");
        return faults.add(
            None,
            format!("the file is empty; expected the columns {expected}"),
        );
    };
    let header = match header {
        Ok(header) => header,
        Err(message) => return faults.add(Some(line), message),
    };
    let places = match find_columns(&header, columns) {
        Ok(places) => places,
        Err(message) => return faults.add(Some(line), message),
    };
    let mut rows = 0;
    for (line, record) in records {
        rows += 1;
        if rows > SHEET_ROWS_MAX {
            return faults.add(
                Some(line),
                format!("there are more than {SHEET_ROWS_MAX} rows"),
            );
        }
        let taken = record
            .and_then(|record| check_shape(&record, &header).map(|()| record))
            .map_err(|message| vec![message])
            .and_then(|record| {
                take(&Row {
                    line,
                    columns,
                    places: &places,
                    record: &record,
                })
            });
        for message in taken.err().into_iter().flatten() {
            faults.add(Some(line), message);
        }
    }
}

fn find_columns(header: &StringRecord, columns: Columns) -> Result<Vec<Option<usize>>, String> {
    let expected = columns.required.join(",");
    if header.len() > COLUMNS_MAX {
        return Err(format!("there are more than {COLUMNS_MAX} columns"));
    }
    if header.len() == 1 && header[0].contains([';', '\t']) {
        return Err(format!(
            "the columns are not separated by commas; expected {expected}"
        ));
    }
    let mut places = Vec::new();
    for (index, name) in columns.names().enumerate() {
        let mut found = (0..header.len()).filter(|at| header[*at].eq_ignore_ascii_case(name));
        let place = found.next();
        if found.next().is_some() {
            return Err(format!("the column {name} is there twice"));
        }
        if place.is_none() && index < columns.required.len() {
            let found: Vec<_> = header.iter().map(shown).collect();
            let found = found.join(", ");
            return Err(format!(
                "there is no column {name}; the header names {found}, and {expected} is expected"
            ));
        }
        places.push(place);
    }
    Ok(places)
}

fn check_shape(record: &StringRecord, header: &StringRecord) -> Result<(), String> {
    let (found, named) = (record.len(), header.len());
    if found != named {
        return Err(format!(
            "there are {found} values where the header names {named} columns; a value that holds a comma \
             needs quotes, and a decimal has a point: 12.50"
        ));
    }
    let long = record
        .iter()
        .position(|value| value.len() > VALUE_BYTES_MAX);
    long.map_or(Ok(()), |at| {
        Err(format!(
            "{} is longer than {VALUE_BYTES_MAX} bytes",
            shown(&header[at])
        ))
    })
}
