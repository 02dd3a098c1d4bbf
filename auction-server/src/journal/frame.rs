//! A frame: one group commit, with the data that shows that it is whole and in its place.

use std::path::Path;

use super::chain::{Chain, MarketId, Position};
use super::key::{Checksum, Key, Purpose};
use super::layout::array_at;

/// Maximum size of a frame, header and padding included: 16 MiB. A larger batch is refused before anything is written,
/// and a reader never accepts a greater length.
pub const FRAME_BYTES_MAX: u64 = 16 << 20;

/// Frames begin at multiples of this, which makes the search for a frame after a torn one fast.
pub(super) const FRAME_ALIGN: u64 = 8;
pub(super) const FRAME_HEADER_BYTES: usize = 88;

const COUNT_AT: usize = 4;
const FIRST_AT: usize = 8;
const PUBLIC_LENGTH_AT: usize = 16;
const PRIVATE_LENGTH_AT: usize = 20;
const CHAIN_AT: usize = 24;
const BODY_CHECKSUM_AT: usize = 56;
const HEADER_CHECKSUM_AT: usize = 72;

/// One group commit: the records `first..first + count`, encoded by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The sequence of its first record: one more than the last record before it, 1 in a new journal.
    pub first: u64,
    /// The number of its records, at least 1.
    pub count: u32,
    /// The public bytes, with the salted commitments to the private parts; covered by the chain.
    pub public: &'a [u8],
    /// The bytes for this server only (hidden maxima, sealed bids, credentials); not covered by the chain.
    pub private: &'a [u8],
}

impl Batch<'_> {
    /// The size of this batch on disk, in bytes; an append refuses more than [`FRAME_BYTES_MAX`].
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        frame_bytes(self.public.len() as u64, self.private.len() as u64)
    }
}

/// A frame that was read: whole, in its place, with a verified chain.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// The sequence of its first record.
    pub first: u64,
    /// The number of its records.
    pub count: u32,
    /// The public bytes of its batch.
    pub public: &'a [u8],
    /// The private bytes of its batch.
    pub private: &'a [u8],
    /// The chain after it.
    pub chain: Chain,
    /// The id of its market.
    pub market: MarketId,
    /// The term of its segment, which identifies the leader at the time of writing.
    pub term: u64,
    /// The segment that contains it.
    pub file: &'a Path,
    /// Its offset in the segment, in bytes.
    pub offset: u64,
}

impl FrameView<'_> {
    /// The sequence of its last record.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// The position after this frame, at which a snapshot can be made.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            sequence: self.last(),
            chain: self.chain,
        }
    }

    /// Returns a copy that outlives the reader's next step.
    #[must_use]
    pub fn to_owned_frame(&self) -> OwnedFrame {
        OwnedFrame {
            first: self.first,
            count: self.count,
            public: self.public.to_vec(),
            private: self.private.to_vec(),
            chain: self.chain,
            term: self.term,
        }
    }
}

/// A [`FrameView`] that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFrame {
    /// The sequence of its first record.
    pub first: u64,
    /// The number of its records.
    pub count: u32,
    /// The public bytes of its batch.
    pub public: Vec<u8>,
    /// The private bytes of its batch.
    pub private: Vec<u8>,
    /// The chain after it.
    pub chain: Chain,
    /// The term of its segment, which identifies the leader at the time of writing.
    pub term: u64,
}

impl OwnedFrame {
    /// The sequence of its last record.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }
}

/// Header of a frame. If it decodes, its writer had the key.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameHeader {
    /// The length of the whole frame, padding included.
    pub length: u64,
    pub count: u32,
    pub first: u64,
    pub public_length: usize,
    pub private_length: usize,
    pub chain: Chain,
    body_checksum: Checksum,
}

impl FrameHeader {
    /// Returns `None` if these bytes are no header of this journal. Does not check the bytes that follow.
    pub fn decode(bytes: &[u8], key: &Key) -> Option<Self> {
        // The cheap checks first: a search runs this at every eighth byte of a torn segment.
        let length = u64::from(u32::from_le_bytes(array_at(bytes, 0)));
        let count = u32::from_le_bytes(array_at(bytes, COUNT_AT));
        let first = u64::from_le_bytes(array_at(bytes, FIRST_AT));
        let public_length = u32::from_le_bytes(array_at(bytes, PUBLIC_LENGTH_AT));
        let private_length = u32::from_le_bytes(array_at(bytes, PRIVATE_LENGTH_AT));
        let plausible = length <= FRAME_BYTES_MAX
            && length == frame_bytes(public_length.into(), private_length.into())
            && count > 0
            && first.checked_add(u64::from(count)).is_some();
        if !plausible {
            return None;
        }
        let checksum = key.checksum(Purpose::FrameHeader, &[&bytes[..HEADER_CHECKSUM_AT]]);
        if bytes[HEADER_CHECKSUM_AT..FRAME_HEADER_BYTES] != checksum {
            return None;
        }
        Some(Self {
            length,
            count,
            first,
            public_length: public_length as usize,
            private_length: private_length as usize,
            chain: Chain(array_at(bytes, CHAIN_AT)),
            body_checksum: array_at(bytes, BODY_CHECKSUM_AT),
        })
    }

    /// Number of bytes after the header.
    pub fn body_length(&self) -> usize {
        self.length as usize - FRAME_HEADER_BYTES
    }

    /// Returns whether `body` is the body that was written with this header.
    pub fn matches(&self, body: &[u8], key: &Key) -> bool {
        key.checksum(Purpose::FrameBody, &[body]) == self.body_checksum
    }
}

/// Encodes `batch` into `buffer`, replacing the content. The caller has checked the size.
pub(super) fn encode(batch: &Batch<'_>, chain: &Chain, key: &Key, buffer: &mut Vec<u8>) {
    let length = batch.frame_bytes();
    assert!(
        length <= FRAME_BYTES_MAX,
        "the size of a batch is checked before it is encoded"
    );
    buffer.clear();
    buffer.resize(FRAME_HEADER_BYTES, 0);
    buffer.extend_from_slice(batch.public);
    buffer.extend_from_slice(batch.private);
    buffer.resize(length as usize, 0);

    let (header, body) = buffer.split_at_mut(FRAME_HEADER_BYTES);
    header[..COUNT_AT].copy_from_slice(&(length as u32).to_le_bytes());
    header[COUNT_AT..FIRST_AT].copy_from_slice(&batch.count.to_le_bytes());
    header[FIRST_AT..PUBLIC_LENGTH_AT].copy_from_slice(&batch.first.to_le_bytes());
    header[PUBLIC_LENGTH_AT..PRIVATE_LENGTH_AT]
        .copy_from_slice(&(batch.public.len() as u32).to_le_bytes());
    header[PRIVATE_LENGTH_AT..CHAIN_AT]
        .copy_from_slice(&(batch.private.len() as u32).to_le_bytes());
    header[CHAIN_AT..BODY_CHECKSUM_AT].copy_from_slice(&chain.0);
    header[BODY_CHECKSUM_AT..HEADER_CHECKSUM_AT]
        .copy_from_slice(&key.checksum(Purpose::FrameBody, &[body]));
    let checksum = key.checksum(Purpose::FrameHeader, &[&header[..HEADER_CHECKSUM_AT]]);
    header[HEADER_CHECKSUM_AT..].copy_from_slice(&checksum);
}

fn frame_bytes(public_length: u64, private_length: u64) -> u64 {
    (FRAME_HEADER_BYTES as u64 + public_length + private_length).next_multiple_of(FRAME_ALIGN)
}
