//! The records of a list from elsewhere, one at a time, with a bounded buffer.

use std::io::{self, BufRead, Read as _};

/// Maximum length of a record, in bytes; an unclosed quote makes a long one.
pub const RECORD_BYTES_MAX: usize = 64 << 10;

/// Maximum number of lines of a record: each is looked at again when the next one is added.
pub const RECORD_LINES_MAX: usize = 64;

/// One record, or the reason why it cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Record {
    /// The values.
    Values(Vec<Vec<u8>>),
    /// A quote is opened and not closed within [`RECORD_BYTES_MAX`] or [`RECORD_LINES_MAX`]. Its first line alone is skipped.
    UnclosedQuote,
    /// The record is longer than [`RECORD_BYTES_MAX`]. It is skipped to the end of its line.
    TooLong,
}

/// Reads the records of a text.
pub struct Records<R> {
    input: R,
    /// Bytes that were read and not taken yet.
    buffer: Vec<u8>,
    at_end: bool,
    /// The line at which the buffer begins, from 1.
    line: u64,
}

impl<R: BufRead> Records<R> {
    pub fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            at_end: false,
            line: 1,
        }
    }

    /// Returns the next line without taking it, and without its end.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn peek_line(&mut self) -> io::Result<Option<&[u8]>> {
        let end = self.line_end(0)?;
        Ok((end > 0).then(|| without_line_end(&self.buffer[..end])))
    }

    /// Skips the next line.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let end = self.line_end(0)?;
            let whole = end == 0 || self.buffer[end - 1] == b'\n' || self.at_end;
            self.take(end);
            if whole {
                return Ok(());
            }
        }
    }

    /// Takes the next record and the line at which it begins. Quotes count only with `quotes`.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn next(&mut self, delimiter: u8, quotes: bool) -> io::Result<Option<(u64, Record)>> {
        let line = self.line;
        let mut end = self.line_end(0)?;
        if end == 0 {
            return Ok(None);
        }
        let first_end = end;
        for _ in 0..RECORD_LINES_MAX {
            let whole = self.buffer[end - 1] == b'\n' || (self.at_end && end == self.buffer.len());
            if !whole {
                let record = match first_end == end {
                    true => Record::TooLong,
                    false => Record::UnclosedQuote,
                };
                if record == Record::TooLong {
                    self.skip_line()?;
                } else {
                    self.take(first_end);
                }
                return Ok(Some((line, record)));
            }
            let text = without_line_end(&self.buffer[..end]);
            if let Some(values) = split(text, delimiter, quotes) {
                self.take(end);
                return Ok(Some((line, Record::Values(values))));
            }
            let next = self.line_end(end)?;
            if next == end {
                break;
            }
            end = next;
        }
        self.take(first_end);
        Ok(Some((line, Record::UnclosedQuote)))
    }

    /// The end of the line that begins at `from` in the buffer, which may reach [`RECORD_BYTES_MAX`] without a line end.
    fn line_end(&mut self, from: usize) -> io::Result<usize> {
        if let Some(at) = self.buffer[from..].iter().position(|byte| *byte == b'\n') {
            return Ok(from + at + 1);
        }
        let room = RECORD_BYTES_MAX.saturating_sub(self.buffer.len());
        let mut limited = (&mut self.input).take(room as u64);
        let read = limited.read_until(b'\n', &mut self.buffer)?;
        self.at_end |=
            room > 0 && (read == 0 || (read < room && self.buffer.last() != Some(&b'\n')));
        Ok(self.buffer.len())
    }

    fn take(&mut self, bytes: usize) {
        let newlines = self.buffer[..bytes].iter().filter(|byte| **byte == b'\n');
        self.line += newlines.count() as u64;
        self.buffer.drain(..bytes);
    }
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Splits a record into trimmed values; `None` while a quote is open.
pub fn split(text: &[u8], delimiter: u8, quotes: bool) -> Option<Vec<Vec<u8>>> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let mut value = Vec::new();
        let begin = rest.iter().take_while(|byte| **byte == b' ').count();
        if quotes && rest.get(begin) == Some(&b'"') {
            rest = &rest[begin + 1..];
            loop {
                let quote = rest.iter().position(|byte| *byte == b'"')?;
                value.extend_from_slice(&rest[..quote]);
                rest = &rest[quote + 1..];
                if rest.first() != Some(&b'"') {
                    break;
                }
                value.push(b'"');
                rest = &rest[1..];
            }
        }
        let end = rest.iter().position(|byte| *byte == delimiter);
        value.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
        values.push(value.trim_ascii().to_vec());
        match end {
            Some(end) => rest = &rest[end + 1..],
            None => return Some(values),
        }
    }
}
