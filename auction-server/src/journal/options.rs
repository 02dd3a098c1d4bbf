//! Options of a journal.

use super::chain::MarketId;
use super::key::Key;

/// Options of a journal, and the values for a new one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Used if the folder holds no journal yet.
    pub new: NewJournal,
    /// The length of the first segment, in bytes.
    pub segment_bytes_first: u64,
    /// Each segment is twice as long as the one before, up to this many bytes. A frame that does not fit gets a segment
    /// that is large enough.
    pub segment_bytes_max: u64,
    /// Creation of the next segment.
    pub prepare: Prepare,
    /// Time at which an append is acknowledged.
    pub durability: Durability,
}

/// Values that distinguish one journal from all others. The caller provides the randomness, so that tests and
/// simulations are repeatable.
#[derive(Clone, Debug)]
pub struct NewJournal {
    /// The id of its market.
    pub market: MarketId,
    /// The key of its checksums.
    pub key: Key,
    /// The term of its first leader.
    pub term: u64,
}

/// Creation of the next segment: it is filled with zeros and synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepare {
    /// By a thread, while the segment before it fills.
    Background,
    /// By the append that needs it. For repeatable tests, and for tools that write little.
    InLine,
}

/// Time at which an append is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After the sync: it survives a loss of power.
    Strict,
    /// After the write, and synced soon after: it survives a crash of the process, but a loss of power may lose the
    /// last moments.
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
