//! How a journal is kept.

use super::chain::MarketId;
use super::key::Key;

/// How a journal is kept, and what a new one is given.
#[derive(Clone, Debug)]
pub struct Options {
    /// Used when the folder holds no journal yet.
    pub new: NewJournal,
    /// The length of the first segment, in bytes.
    pub segment_bytes_first: u64,
    /// Each segment is twice as long as the one before, up to this many bytes. A frame that would not fit
    /// gets a segment that it fits in.
    pub segment_bytes_max: u64,
    /// Who makes the next segment.
    pub prepare: Prepare,
    /// When an append is acknowledged.
    pub durability: Durability,
}

/// What distinguishes one journal from all others. The randomness is the caller's, so that tests and
/// simulations repeat.
#[derive(Clone, Debug)]
pub struct NewJournal {
    /// The id of its market.
    pub market: MarketId,
    /// The key of its checksums.
    pub key: Key,
    /// The term of its first leader.
    pub term: u64,
}

/// Who makes the next segment: writes it full of zeros and syncs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepare {
    /// A thread, while the segment before it fills.
    Background,
    /// The append that needs it. For tests that must repeat, and for tools that write little.
    InLine,
}

/// When an append is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is synced: it survives a loss of power.
    Strict,
    /// When it is written, and synced soon after: it survives a crash of the process, and a loss of power may take the
    /// last moments back.
    Relaxed,
}

/// The length of a journal's first segment: 1 MiB.
pub const SEGMENT_BYTES_FIRST: u64 = 1 << 20;
/// The length up to which segments double: 64 MiB.
pub const SEGMENT_BYTES_MAX: u64 = 64 << 20;

impl Options {
    /// Segments from [`SEGMENT_BYTES_FIRST`] to [`SEGMENT_BYTES_MAX`], prepared in the background; strict.
    #[must_use]
    pub fn new(new: NewJournal) -> Self {
        Self {
            new,
            segment_bytes_first: SEGMENT_BYTES_FIRST,
            segment_bytes_max: SEGMENT_BYTES_MAX,
            prepare: Prepare::Background,
            durability: Durability::Strict,
        }
    }
}

impl NewJournal {
    /// A market id and a key drawn from the thread's secure generator; term 1.
    #[must_use]
    pub fn random() -> Self {
        Self {
            market: rand::random(),
            key: Key::new(rand::random()),
            term: 1,
        }
    }
}
