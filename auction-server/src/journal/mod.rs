//! The journal: every accepted batch, durable before it is acknowledged or shown, and kept for ever.
//!
//! [`Journal`] is a folder that one process appends to. An [append](Log::append) writes one *frame*, the
//! records of one group commit, and returns when it is durable. [`Reader`] reads the frames in order, also
//! beside a running server. [`SnapshotStore`] keeps the state after the records, which makes a start fast.
//! The journal does not interpret records: it stores bytes with sequence numbers.
//!
//! ```
//! use std::sync::Arc;
//! use auction_server::testing::journal::{Batch, Journal, Log, NewJournal, Options, RealDisk};
//!
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path();
//! let options = || Options::new(NewJournal::random());
//! let (mut journal, _) = Journal::open(Arc::new(RealDisk), dir, options(), None, |_| Ok(()))?;
//! journal.append(&Batch { first: 1, count: 2, public: b"two records", private: b"" })?;
//! drop(journal);
//!
//! let (_, recovery) = Journal::open(Arc::new(RealDisk), dir, options(), None, |frame| {
//!     assert_eq!((frame.first, frame.public), (1, &b"two records"[..]));
//!     Ok(())
//! })?;
//! assert_eq!(recovery.last_sequence, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//! - Acknowledged records survive a loss of power: once, unchanged, in order.
//! - An unacknowledged frame is there whole or not at all, and is at most the very last frame.
//! - After a failed write or sync nothing is acknowledged. The process ends; recovery determines the state.
//! - Damage is never taken for the end of the journal: opening fails, naming file and byte.
//!
//! It relies on two properties of the disk: a sync that returns has synced, and a write changes no byte outside
//! its range.
//!
//! With [`Durability::Relaxed`] an append is acknowledged when it is written, and synced every [`RELAXED_SYNC_EVERY`]:
//! it survives a crash of the process, but a loss of power may lose the last moments. The rest is then the
//! beginning of the acknowledged records, without holes. It is never the default.
//!
//! # The folder
//! | name | what |
//! |---|---|
//! | `journal.lock` | [locked](lock), as the folder is, while a server runs; empty |
//! | `journal.key` | the key of all checksums |
//! | `00000000000000000001.seg` | a segment, named by its first record; or a link to it, when it was archived |
//! | `00000000000000000123.snap` | a snapshot, named by the last record it holds |
//! | `journal.relaxed` | the mark of relaxed durability: the last record that is known to be synced |
//! | `*.tmp` | unfinished; ignored after a crash |
//!
//! All files are readable by their owner only: hidden maxima and sealed bids lie in them.
//!
//! # The bytes
//! Numbers are little-endian. A *checksum* is SipHash-2-4-128 (its 16 bytes in the reference order) with the
//! key of the journal, over a purpose as u64 and then the bytes named. Gaps are zeros.
//!
//! ```text
//! journal.key, 48 bytes                  segment header, in a page of 4096 bytes
//!   0   8  "AUCTKEY\n"                      0   8  "AUCTSEG\n"
//!   8   2  version = 1                      8   2  version = 1
//!  16  16  the key                         16  16  market id
//!  32  16  first half of SHA-256 over      32   8  term: who led when it was begun
//!          "auction.key.1" and 0..32       40   8  sequence of its first record
//!                                          48   8  length of the file
//! snapshot, 112 bytes and its payload      56  32  chain before its first frame
//!   0   8  "AUCTSNP\n"                     88  16  checksum, purpose 1, over 0..88
//!   8   2  version = 1
//!  16  16  market id                     frame, from byte 4096 on, each at a multiple of 8
//!  32   8  sequence it stands at            0   4  length L: header, bytes and padding
//!  40  32  chain there                      4   4  count of its records, at least 1
//!  72   8  length of the payload            8   8  sequence of its first record
//!  80  16  checksum, purpose 5,            16   4  length of the public bytes
//!          over the payload                20   4  length of the private bytes
//!  96  16  checksum, purpose 4,            24  32  chain after this frame
//!          over 0..96                      56  16  checksum, purpose 3, over 88..L
//! 112      payload                         72  16  checksum, purpose 2, over 0..72
//!                                          88      public, private, zeros to L
//! ```
//!
//! `journal.relaxed` is two slots of 512 bytes, written in turns; the valid one with the greater number counts:
//!
//! ```text
//!   0   8  "AUCTRLX\n"
//!   8   2  version = 1
//!  16   8  the last record that was synced before this was written
//!  32  16  checksum, purpose 6, over 0..32
//! ```
//!
//! The chain after a frame is `SHA-256("auction.chain.1" ‖ chain before ‖ first u64 ‖ count u32 ‖ public)`,
//! before the first frame `SHA-256("auction.genesis.1" ‖ market id)`.
//!
//! A file of an unknown version is refused and left alone. A change of any byte here raises the version of
//! its file; the program then reads the old versions too, and writes the new one from its next file on.
//!
//! # Reasons for the design
//! - **Preallocated zeros.** Overwriting existing bytes changes no metadata, so an append costs one write and one sync,
//!   and the length of a segment shows at once if it was cut. A helper thread prepares the next segment, in small
//!   pieces with a sync and a pause after each, because the sync of an append waits for earlier writes to the disk; it
//!   speeds up as the segment fills. If it is late, the append creates a small segment itself.
//! - **Keyed checksums.** Distinguishing a torn tail from damage means searching the bytes after a broken frame for
//!   later frames. A client chose some of those bytes. Without the key it can't forge a header in them.
//! - **A separate checksum for the header.** It makes that search linear: a forged length is never used. And a later
//!   header is proof enough: frame n + 1 is not written before the sync of frame n has returned, so frame n was
//!   acknowledged, and other bytes in its place are damage.
//! - **A chain.** Checksums show that a frame is whole; the chain shows that it is the original frame after all the
//!   original ones, to anyone with a SHA-256 and without the key.
//! - **The last frame is written again at each start.** After a failed sync the page cache may show a frame that the
//!   disk does not hold, and consider it clean; so a sync alone would prove nothing.
//! - **A missing descriptor is not a failure.** Opening the next segment fails before anything was written, so it is
//!   retried; an append waits for it for [`DESCRIPTOR_WAIT_MAX`]. A failed write or sync is never retried.
//! - **Sealed segments are never changed, renamed or removed.** They are the record that anyone can verify. An archived
//!   one is a symbolic link to the same bytes in another folder.

mod backup;
mod snapshot;
mod snapshot_header;
mod recovery;
mod writer;
mod relaxed;
mod preallocate;
mod chunks;
mod options;
mod reader;
mod extent;
mod scan;
mod segment;
mod frame;
mod key;
mod chain;
mod layout;
pub mod disk;
pub mod lock;
mod error;
mod descriptors;

pub use backup::{Archived, Copied, archive_segments, copy_file, copy_journal, missing_archives};
pub use chain::{Chain, MarketId, Position};
pub use descriptors::{DESCRIPTOR_WAIT_MAX, is_out_of_descriptors};
pub use disk::{Disk, RealDisk};
pub use error::{Damage, JournalError, VisitError};
pub use extent::Extent;
pub use frame::{Batch, FRAME_BYTES_MAX, FrameView, OwnedFrame};
pub use key::Key;
pub use options::{
    Durability, NewJournal, Options, Prepare, SEGMENT_BYTES_FIRST, SEGMENT_BYTES_MAX,
};
pub use reader::{Reader, TailState, Torn};
pub use recovery::Recovery;
pub use relaxed::RELAXED_SYNC_EVERY;
pub use snapshot::{Newest, SNAPSHOT_BYTES_MAX, Skipped, Snapshot, SnapshotStore};
pub use writer::{Journal, LOCK_CHECK_EVERY, Log};
