//! `export journal`: the journal as everyone may see it, in the form that [`auction_proto::public_journal`] draws.
//!
//! The journal is read twice: which private parts the rules have opened is known at its end, and they stand where their
//! records do. What is held meanwhile is one bit a record and what stands in the open lots; the file goes on as the
//! journal is read. Beside a running server it ends with the last frame that the first reading found.

use std::io::Write;

use auction_core::audit::Opened;
use auction_core::{MarketId, Sequence, Term};
use auction_proto::{
    Chain, PublicFrame, append_opening, begin_public_journal, decode_openings,
    decode_public_records, decode_records, end_public_journal,
};

use crate::config::data_dir::DataDir;
use crate::journal::{FrameView, Position, VisitError};
use crate::market::open_journal::{ExportError, open};
use crate::market::public_records::refused;
use crate::platform::progress::ReadProgress;

/// Writes the public journal of a data folder to `out`. `reading` shows both readings, one after the other.
///
/// # Errors
/// [`ExportError`]; a part may have been written then, which ends without its end.
pub fn write_public_journal(
    folder: &DataDir,
    out: &mut dyn Write,
    mut reading: ReadProgress<'_>,
) -> Result<(), ExportError> {
    let (opened, end) = find_opened(folder, &mut reading)?;
    let mut reader = open(folder)?;
    let mut bytes = Vec::new();
    let mut begun = false;
    let mut written = Position {
        sequence: 0,
        chain: Chain([0; 32]),
    };
    while written.sequence < end
        && let Some(frame) = reader.next_view()?
    {
        reading.frame(&frame);
        if !begun {
            begin_public_journal(MarketId(frame.market), &mut bytes);
            begun = true;
        }
        let openings = openings(&frame, &opened)?;
        let public = PublicFrame {
            first: frame.first,
            count: frame.count,
            term: Term(frame.term),
            public: frame.public,
            openings: &openings,
            chain: frame.chain,
        };
        public.append(&mut bytes);
        out.write_all(&bytes)?;
        bytes.clear();
        written = frame.position();
    }
    if !begun {
        // A market in which nothing has happened yet.
        let market = MarketId(reader.market().unwrap_or_default());
        begin_public_journal(market, &mut bytes);
        written.chain = Chain::genesis(market);
    }
    end_public_journal(written.sequence, written.chain, &mut bytes);
    out.write_all(&bytes)?;
    reading.end();
    Ok(out.flush()?)
}

/// Which records' private parts the rules have opened, and the last record looked at.
fn find_opened(
    folder: &DataDir,
    reading: &mut ReadProgress<'_>,
) -> Result<(Bits, u64), ExportError> {
    let mut reader = open(folder)?;
    let mut opens = Opened::default();
    let mut opened = Bits::default();
    let mut end = 0;
    while let Some(frame) = reader.next_view()? {
        reading.frame(&frame);
        for record in decode_records(frame.public, frame.private) {
            let record = record.map_err(|error| refused(&frame, error.into()))?;
            opens.take(&record, |sequence| opened.set(sequence));
        }
        end = frame.last();
    }
    Ok((opened, end))
}

/// The openings of a frame.
fn openings(frame: &FrameView<'_>, opened: &Bits) -> Result<Vec<u8>, ExportError> {
    let found = || -> Result<Vec<u8>, VisitError> {
        let mut openings = Vec::new();
        let mut parts = decode_openings(frame.private);
        for record in decode_public_records(frame.public) {
            let record = record?;
            if record.commitment.is_none() {
                continue;
            }
            let part = parts.next().ok_or("a private part is missing")??;
            if opened.holds(record.sequence) {
                append_opening(record.sequence, part, &mut openings);
            }
        }
        Ok(openings)
    };
    Ok(found().map_err(|source| refused(frame, source))?)
}

/// A set of records, one bit each.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, sequence: Sequence) {
        let (word, bit) = place(sequence);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    fn holds(&self, sequence: Sequence) -> bool {
        let (word, bit) = place(sequence);
        self.0.get(word).is_some_and(|held| held & bit != 0)
    }
}

fn place(sequence: Sequence) -> (usize, u64) {
    let word = usize::try_from(sequence.0 / 64).expect("a journal's records can be counted");
    (word, 1 << (sequence.0 % 64))
}
