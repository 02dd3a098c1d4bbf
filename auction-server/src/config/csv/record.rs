//! The records of a CSV text, each with the line it begins on.

use csv::{ReaderBuilder, StringRecord, Trim};

/// The records of a text, each with the line it begins on. Empty ones are passed over.
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    /// The line that `counted_to` lies on, so that lines are counted once.
    line: u64,
    counted_to: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
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
