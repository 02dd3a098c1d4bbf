//! A CSV file that people wrote: read by the names in its header, with every fault named by file and line.
//!
//! Tolerated, because spreadsheets write it: columns in any order and any case, further columns, a byte order
//! mark, CRLF, quotes, blanks around a value, empty rows. Refused: everything that leaves a doubt about what was meant.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};

/// The largest file, in bytes: 64 MiB.
pub const SHEET_BYTES_MAX: u64 = 64 << 20;
/// Most rows, the header aside.
pub const SHEET_ROWS_MAX: usize = 1_000_000;
/// The longest value, in bytes; a quote without its partner makes a long one.
pub const VALUE_BYTES_MAX: usize = 1_024;
/// Most columns.
pub const COLUMNS_MAX: usize = 256;
/// Most faults of one file that are said; the others are counted.
pub const FAULTS_SAID_MAX: usize = 20;
/// How much of a wrong value is shown, in characters.
const SHOWN_CHARS_MAX: usize = 40;

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

/// What is wrong with a file: the first [`FAULTS_SAID_MAX`] faults, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetError {
    /// The file.
    pub file: PathBuf,
    /// The faults, by line.
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub more: usize,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; `None`: the file as a whole.
    pub line: Option<u64>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl SheetError {
    /// A fault of the file as a whole.
    #[must_use]
    pub fn of_file(file: &Path, message: impl Into<String>) -> Self {
        let mut faults = Faults::new(file);
        faults.add(None, message.into());
        faults.error
    }
}

impl fmt::Display for SheetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        for (index, Fault { line, message }) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            match line {
                Some(line) => write!(f, "{separator}{file}:{line}: {message}")?,
                None => write!(f, "{separator}{file}: {message}")?,
            }
        }
        if self.more > 0 {
            write!(f, "\n{file}: and {} more faults", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for SheetError {}

/// Reads the file at `path` and gives each row to `take`, which says what is wrong with it.
///
/// # Errors
/// All faults, those of `take` too.
pub fn read(
    path: &Path,
    columns: Columns,
    take: impl FnMut(&Row<'_>) -> Result<(), Vec<String>>,
) -> Result<(), SheetError> {
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

/// A text that came from outside, quoted, shortened, and harmless on a terminal.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    let rest = if chars.next().is_some() { "..." } else { "" };
    format!("{shown:?}{rest}")
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(SHEET_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SHEET_BYTES_MAX {
        let message = format!("the file is larger than {SHEET_BYTES_MAX} bytes");
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

/// The records of a text, each with the line it begins on. Empty ones are passed over.
struct Records<'a> {
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    /// The line that `counted_to` lies on, so that lines are counted once.
    line: u64,
    counted_to: usize,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(bytes);
        Self {
            bytes,
            reader,
            line: 1,
            counted_to: 0,
        }
    }

    fn line_at(&mut self, at: usize) -> u64 {
        let newlines = self.bytes[self.counted_to..at]
            .iter()
            .filter(|byte| **byte == b'\n');
        self.line += newlines.count() as u64;
        self.counted_to = at;
        self.line
    }
}

impl Iterator for Records<'_> {
    type Item = (u64, Result<StringRecord, String>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = StringRecord::new();
        loop {
            let begin = usize::try_from(self.reader.position().byte()).unwrap_or(self.bytes.len());
            let read = self.reader.read_record(&mut record);
            let end = usize::try_from(self.reader.position().byte()).unwrap_or(self.bytes.len());
            let raw = &self.bytes[begin..end];
            let blank = raw
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
            let line = self.line_at(begin + blank);
            match read {
                Ok(false) => return None,
                Ok(true) if raw.iter().filter(|byte| **byte == b'"').count() % 2 == 1 => {
                    let message = "a quote is opened and never closed".to_owned();
                    return Some((line, Err(message)));
                }
                Ok(true) if record.iter().all(str::is_empty) => {}
                Ok(true) => return Some((line, Ok(record))),
                Err(error) if error.is_io_error() => return None,
                Err(_) => {
                    return Some((
                        line,
                        Err("this is not UTF-8; save the file as UTF-8".to_owned()),
                    ));
                }
            }
        }
    }
}

struct Faults {
    error: SheetError,
}

impl Faults {
    fn new(path: &Path) -> Self {
        let error = SheetError {
            file: path.to_owned(),
            faults: Vec::new(),
            more: 0,
        };
        Self { error }
    }

    fn add(&mut self, line: Option<u64>, message: String) {
        if self.error.faults.len() < FAULTS_SAID_MAX {
            self.error.faults.push(Fault { line, message });
        } else {
            self.error.more += 1;
        }
    }

    fn into_result(self) -> Result<(), SheetError> {
        if self.error.faults.is_empty() {
            Ok(())
        } else {
            Err(self.error)
        }
    }
}
