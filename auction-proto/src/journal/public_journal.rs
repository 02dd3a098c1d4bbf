//! The public journal: all decisions of a market, as far as everyone may see them, in one file that anyone can check.
//!
//! It is the journal without its private parts. The public bytes contain commitments to the private parts, and the
//! [chain](crate::Chain) covers the public bytes, so that the chain of this file is the one that the server computed.
//! Each frame is followed by the [openings](crate::journal::record::Opening) of those private parts that the rules had opened by the
//! time the file was written.
//!
//! # What is opened
//! | of | private part | opened |
//! |---|---|---|
//! | sealed-first, vickrey, uniform, pay-as-bid | the latest placing or replacing of each bid that was in the book at the close | after the close |
//! | english | a maximum that was beaten: immediately, or later by a new leader | after the close |
//! | call | the random end, and the numbers from which it was drawn | with the end, or when it lapses |
//!
//! An opened part is complete: it shows the bid with its session and its request, as the public part of every plain
//! bid does, and nothing else. The following are never opened: credentials and sessions, reserves, payments,
//! suspensions, the orders of a call auction, sealed bids that were replaced or cancelled, a maximum that its trader
//! raised before it was beaten, and a maximum that was never beaten (the winner's).
//!
//! # The bytes
//! Numbers are little-endian.
//!
//! ```text
//! file                                   frame
//!   0   8  "AUCTPUB\n"                     0   4  count of its records, at least 1
//!   8   2  version = 1                     4   8  sequence of its first record
//!  10   6  zeros                          12   8  term of the leader that wrote it
//!  16  16  market id                      20   4  length P of the public bytes
//!  32      frames                         24   4  length O of the openings
//!          an end                         28  32  chain after it
//!                                         60   P  public bytes, as the journal has them
//! opening                              60+P   O  openings, by sequence
//!   0   8  sequence of its record
//!   8  16  salt                          end: a frame of no records, 60 bytes
//!  24   4  length of the private part      0   4  0
//!  28      private part                    4   8  the next sequence
//!                                         12  16  zeros
//!                                         28  32  chain after the last frame
//! ```
//!
//! The chain covers the public bytes and their place. It does not cover the term, which is only the claim of who wrote
//! the file. Terms begin at 1 and never fall, and a signed checkpoint bounds them: no frame up to its record has a higher
//! term than the checkpoint's own. Nor does the chain cover the openings: each must match the commitment of its record,
//! but a file can leave them out. The chain is defined at [`Chain`], public bytes and private parts at [`record`](crate::journal::record).
//! A file without an end frame was cut off. P + O is at most
//! [`PUBLIC_FRAME_BYTES_MAX`].

use alloc::vec::Vec;

use auction_core::{MarketId, Sequence, Term};

use crate::journal::chain::Chain;
use crate::journal::record::{
    Opening, PublicRecord, PublicRecords, RecordError, SALT_BYTES, decode_public_records,
};
use crate::limits::PUBLIC_FRAME_BYTES_MAX;

/// Version of the file.
pub const PUBLIC_JOURNAL_VERSION: u16 = 1;

/// First bytes of the file.
pub const PUBLIC_JOURNAL_MAGIC: &[u8; 8] = b"AUCTPUB\n";

const BEGINNING_BYTES: usize = 32;
const MARKET_AT: usize = 16;
const HEADER_BYTES: usize = 60;
const OPENING_BYTES: usize = 28;

/// One frame of the journal, as everyone may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicFrame<'a> {
    /// Sequence of its first record.
    pub first: u64,
    /// Number of its records.
    pub count: u32,
    /// Term of the leader that wrote it: at least 1, and never lower than before. The chain does not cover it.
    pub term: Term,
    /// Public bytes of its records.
    pub public: &'a [u8],
    /// Openings of those of its private parts that the rules have opened.
    pub openings: &'a [u8],
    /// The chain after it.
    pub chain: Chain,
}

/// A part of the file, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicPart<'a> {
    /// The beginning, with the identity of the market.
    Market(MarketId),
    /// A frame. Its records have not been checked yet.
    Frame(PublicFrame<'a>),
    /// The end: the file is complete.
    End {
        /// The last record; 0 without records.
        last: u64,
        /// The chain after the last record.
        chain: Chain,
    },
}

/// Reason why bytes are not a valid public journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicJournalError {
    /// The file does not begin with the magic bytes of a public journal.
    #[error(
        "this is no public journal: it does not begin as one; `auction-server export journal` writes one"
    )]
    NoJournal,
    /// The file is of another version.
    #[error(
        "the journal is of version {found}; this program knows version {PUBLIC_JOURNAL_VERSION}"
    )]
    Version {
        /// The version found.
        found: u16,
    },
    /// A frame's header claims more bytes than any frame can have.
    #[error(
        "the frame at byte {offset} says that it has {bytes} bytes; none has more than {PUBLIC_FRAME_BYTES_MAX}"
    )]
    TooLong {
        /// Offset of the frame.
        offset: u64,
        /// Claimed number of bytes.
        bytes: u64,
    },
    /// Records are missing, repeated or out of order.
    #[error("record {found} stands at byte {offset}, where record {expected} was expected")]
    OutOfSequence {
        /// Offset of the frame.
        offset: u64,
        /// Sequence of the expected record.
        expected: u64,
        /// Sequence of the record found.
        found: u64,
    },
    /// A term is lower than the one before it. Terms begin at 1.
    #[error(
        "the frame at byte {offset} is of term {found}, and terms never fall: the last was {before}"
    )]
    Term {
        /// Offset of the frame.
        offset: u64,
        /// Term of the frame before it; 1 at the first frame.
        before: Term,
        /// Term of the frame.
        found: Term,
    },
    /// The public bytes of a frame do not match its chain.
    #[error(
        "the chain is broken at byte {offset}: records {first} to {last} are not those that the market committed to"
    )]
    Chain {
        /// Offset of the frame.
        offset: u64,
        /// Its first record.
        first: u64,
        /// Its last record.
        last: u64,
    },
    /// The file ends without its end frame.
    #[error("the file was cut off at byte {offset}, after record {last}")]
    CutOff {
        /// Number of bytes in the file.
        offset: u64,
        /// The last complete record.
        last: u64,
    },
    /// Bytes follow the end, or the beginning or a frame contains bytes that belong to nothing.
    #[error("the bytes at {offset} belong to nothing")]
    Stray {
        /// Offset of these bytes.
        offset: u64,
    },
    /// The records of a frame are invalid.
    #[error("among records {first} and after: {source}")]
    Records {
        /// The frame's first record.
        first: u64,
        /// Cause.
        source: RecordError,
    },
    /// The openings of a frame are invalid, or do not match its records.
    #[error("an opening among records {first} and after belongs to no private part")]
    Openings {
        /// The frame's first record.
        first: u64,
    },
}

/// Appends the beginning of a file.
pub fn begin_public_journal(market: MarketId, out: &mut Vec<u8>) {
    out.extend_from_slice(PUBLIC_JOURNAL_MAGIC);
    out.extend_from_slice(&PUBLIC_JOURNAL_VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&market.0);
}

/// Appends the end of a file whose last record is `last`.
pub fn end_public_journal(last: u64, chain: Chain, out: &mut Vec<u8>) {
    append_header(0, last + 1, Term(0), [0, 0], chain, out);
}

/// Appends an opening to the openings of a frame. Call it in the order of the records.
///
/// # Panics
/// For a private part of 4 GiB or more.
pub fn append_opening(sequence: Sequence, opening: Opening<'_>, openings: &mut Vec<u8>) {
    openings.extend_from_slice(&sequence.0.to_le_bytes());
    openings.extend_from_slice(opening.salt);
    openings.extend_from_slice(&length(opening.part).to_le_bytes());
    openings.extend_from_slice(opening.part);
}

impl<'a> PublicFrame<'a> {
    /// Appends the frame.
    ///
    /// # Panics
    /// For a frame without records, and for a frame of more than [`PUBLIC_FRAME_BYTES_MAX`] bytes.
    pub fn append(&self, out: &mut Vec<u8>) {
        assert!(self.count > 0, "a frame has records");
        assert!(
            self.public.len() + self.openings.len() <= PUBLIC_FRAME_BYTES_MAX,
            "frames are bounded"
        );
        let lengths = [length(self.public), length(self.openings)];
        append_header(self.count, self.first, self.term, lengths, self.chain, out);
        out.extend_from_slice(self.public);
        out.extend_from_slice(self.openings);
    }

    /// The sequence of its last record.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// Returns its records, each with its opening if it has one. The iterator ends after an error.
    #[must_use]
    pub fn records(&self) -> FrameRecords<'a> {
        FrameRecords {
            first: self.first,
            next: self.first,
            end: self.first + u64::from(self.count),
            records: decode_public_records(self.public),
            openings: self.openings,
            ended: false,
        }
    }
}

fn append_header(
    count: u32,
    first: u64,
    term: Term,
    lengths: [u32; 2],
    chain: Chain,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&term.0.to_le_bytes());
    for length in lengths {
        out.extend_from_slice(&length.to_le_bytes());
    }
    out.extend_from_slice(&chain.0);
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a part takes less than 4 GiB")
}

/// The records of a frame. See [`PublicFrame::records`].
#[derive(Clone, Debug)]
pub struct FrameRecords<'a> {
    first: u64,
    next: u64,
    end: u64,
    records: PublicRecords<'a>,
    openings: &'a [u8],
    ended: bool,
}

impl<'a> Iterator for FrameRecords<'a> {
    type Item = Result<(PublicRecord, Option<Opening<'a>>), PublicJournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.next_record().transpose();
        self.ended = !matches!(record, Some(Ok(_)));
        record
    }
}

impl<'a> FrameRecords<'a> {
    fn next_record(
        &mut self,
    ) -> Result<Option<(PublicRecord, Option<Opening<'a>>)>, PublicJournalError> {
        let first = self.first;
        let stray = PublicJournalError::Openings { first };
        let Some(record) = self.records.next() else {
            return match (self.next == self.end, self.openings) {
                (false, _) => Err(PublicJournalError::Records {
                    first,
                    source: RecordError::Truncated { offset: 0 },
                }),
                (true, []) => Ok(None),
                (true, _) => Err(stray),
            };
        };
        let record = record.map_err(|source| PublicJournalError::Records { first, source })?;
        let found = record.sequence.0;
        if found != self.next || found == self.end {
            return Err(PublicJournalError::Records {
                first,
                source: RecordError::Malformed { offset: 0 },
            });
        }
        self.next += 1;
        let opening = self.next_opening(found).ok_or(stray)?;
        if opening.is_some() && record.commitment.is_none() {
            return Err(stray);
        }
        Ok(Some((record, opening)))
    }

    /// Returns the opening of this record, if the next opening is for it; the outer `None` means that the bytes are
    /// not valid openings.
    fn next_opening(&mut self, record: u64) -> Option<Option<Opening<'a>>> {
        let Some((header, rest)) = self.openings.split_first_chunk::<OPENING_BYTES>() else {
            return self.openings.is_empty().then_some(None);
        };
        let (sequence, _) = header.split_first_chunk::<8>()?;
        if u64::from_le_bytes(*sequence) != record {
            return Some(None);
        }
        let length = u32::from_le_bytes(*header.last_chunk::<4>()?) as usize;
        let (part, left) = rest.split_at_checked(length)?;
        let salt = self.openings.get(8..)?.first_chunk::<SALT_BYTES>()?;
        self.openings = left;
        Some(Some(Opening { salt, part }))
    }
}

/// Finds the parts of a file in bytes that arrive split anywhere, and computes the chain again. It does no I/O
/// itself, stores one frame at most, and allocates only for bytes that have arrived.
#[derive(Debug, Default)]
pub struct PublicJournalDecoder {
    /// The chain after the last frame.
    chain: Option<Chain>,
    next: u64,
    /// Term of the last frame; 1 before the first.
    term: Term,
    offset: u64,
    ended: bool,
    /// The beginning of an incomplete part, or the part returned last.
    buffer: Vec<u8>,
    handed_out: bool,
}

impl PublicJournalDecoder {
    /// Creates a decoder at the beginning of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the next part of the earlier bytes and of `input`, and advances `input`. `None`: all of `input` was
    /// consumed, and the next part is not complete yet.
    ///
    /// # Errors
    /// [`PublicJournalError`] when the bytes are not a public journal, or were changed. The decoder cannot be used
    /// any more.
    pub fn next_part(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<PublicPart<'_>>, PublicJournalError> {
        if self.handed_out {
            self.handed_out = false;
            self.offset += self.buffer.len() as u64;
            self.buffer.clear();
        }
        if self.ended {
            let offset = self.offset;
            return match input {
                [] => Ok(None),
                _ => Err(PublicJournalError::Stray { offset }),
            };
        }
        let Some(chain) = self.chain else {
            return self.begin(input);
        };
        self.fill_to(HEADER_BYTES, input);
        let Some(header) = self.buffer.first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let header = Header::decode(header);
        let offset = self.offset;
        let bytes = u64::from(header.public) + u64::from(header.openings);
        if bytes > PUBLIC_FRAME_BYTES_MAX as u64 {
            return Err(PublicJournalError::TooLong { offset, bytes });
        }
        if header.first != self.next || header.first.checked_add(header.count.into()).is_none() {
            return Err(PublicJournalError::OutOfSequence {
                offset,
                expected: self.next,
                found: header.first,
            });
        }
        if header.count == 0 {
            return self.end(&header, chain).map(Some);
        }
        if header.term < self.term {
            return Err(PublicJournalError::Term {
                offset,
                before: self.term,
                found: header.term,
            });
        }
        let public = HEADER_BYTES + header.public as usize;
        let whole = public + header.openings as usize;
        self.fill_to(whole, input);
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let frame = PublicFrame {
            first: header.first,
            count: header.count,
            term: header.term,
            public: &self.buffer[HEADER_BYTES..public],
            openings: &self.buffer[public..whole],
            chain: header.chain,
        };
        if chain.next(frame.first, frame.count, frame.public) != frame.chain {
            let (first, last) = (frame.first, frame.last());
            return Err(PublicJournalError::Chain {
                offset,
                first,
                last,
            });
        }
        self.handed_out = true;
        self.chain = Some(frame.chain);
        self.term = frame.term;
        self.next += u64::from(frame.count);
        Ok(Some(PublicPart::Frame(frame)))
    }

    /// Checks that the file is complete; call it when there are no more bytes.
    ///
    /// # Errors
    /// [`PublicJournalError::CutOff`] when the end has not arrived.
    pub fn finish(&self) -> Result<(), PublicJournalError> {
        if self.ended {
            return Ok(());
        }
        Err(PublicJournalError::CutOff {
            offset: self.offset + self.buffer.len() as u64,
            last: self.next.saturating_sub(1),
        })
    }

    /// The chain after the last frame; zeros before the beginning has arrived.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.chain.unwrap_or(Chain([0; 32]))
    }

    fn begin(&mut self, input: &mut &[u8]) -> Result<Option<PublicPart<'_>>, PublicJournalError> {
        self.fill_to(BEGINNING_BYTES, input);
        let seen = self.buffer.len().min(PUBLIC_JOURNAL_MAGIC.len());
        if self.buffer[..seen] != PUBLIC_JOURNAL_MAGIC[..seen] {
            return Err(PublicJournalError::NoJournal);
        }
        let Some(beginning) = self.buffer.first_chunk::<BEGINNING_BYTES>() else {
            return Ok(None);
        };
        let found = u16::from_le_bytes([beginning[8], beginning[9]]);
        if found != PUBLIC_JOURNAL_VERSION {
            return Err(PublicJournalError::Version { found });
        }
        if beginning[10..MARKET_AT] != [0; 6] {
            return Err(PublicJournalError::Stray { offset: 10 });
        }
        let mut market = [0; 16];
        market.copy_from_slice(&beginning[MARKET_AT..]);
        let market = MarketId(market);
        self.chain = Some(Chain::genesis(market));
        self.next = 1;
        self.term = Term(1);
        self.handed_out = true;
        Ok(Some(PublicPart::Market(market)))
    }

    fn end(&mut self, header: &Header, chain: Chain) -> Result<PublicPart<'_>, PublicJournalError> {
        let last = self.next - 1;
        if header.public != 0 || header.openings != 0 || header.term != Term(0) {
            let offset = self.offset;
            return Err(PublicJournalError::Stray { offset });
        }
        if header.chain != chain {
            return Err(PublicJournalError::Chain {
                offset: self.offset,
                first: last,
                last,
            });
        }
        self.handed_out = true;
        self.ended = true;
        Ok(PublicPart::End { last, chain })
    }

    /// Moves bytes from the input until the buffer contains `length`.
    fn fill_to(&mut self, length: usize, input: &mut &[u8]) {
        let missing = length.saturating_sub(self.buffer.len()).min(input.len());
        let (taken, rest) = input.split_at(missing);
        self.buffer.extend_from_slice(taken);
        *input = rest;
    }
}

/// The fields before a frame's bytes.
struct Header {
    count: u32,
    first: u64,
    term: Term,
    public: u32,
    openings: u32,
    chain: Chain,
}

impl Header {
    fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        let u32_at = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let mut chain = [0; 32];
        chain.copy_from_slice(&bytes[28..]);
        Self {
            count: u32_at(0),
            first: u64_at(4),
            term: Term(u64_at(12)),
            public: u32_at(20),
            openings: u32_at(24),
            chain: Chain(chain),
        }
    }
}
