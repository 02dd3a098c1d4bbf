//! Batches to append, and the ways the tests open and read a journal.

use std::path::Path;
use std::sync::Arc;

use auction_server::testing::journal::{
    Batch, Disk, Journal, JournalError, Key, Log, NewJournal, Options, OwnedFrame, Position,
    Prepare, Reader, Recovery,
};

/// A batch with bytes of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub first: u64,
    pub count: u32,
    pub public: Vec<u8>,
    pub private: Vec<u8>,
}

impl Owned {
    /// Bytes that differ from batch to batch and have no runs of zeros; `seed` tells two runs apart.
    pub fn new(first: u64, count: u32, public: usize, private: usize, seed: u64) -> Self {
        let mut state = first.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed;
        let mut byte = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8 | 1
        };
        let public = (0..public).map(|_| byte()).collect();
        let private = (0..private).map(|_| byte()).collect();
        Self {
            first,
            count,
            public,
            private,
        }
    }

    pub fn batch(&self) -> Batch<'_> {
        let Self {
            first,
            count,
            public,
            private,
        } = self;
        Batch {
            first: *first,
            count: *count,
            public,
            private,
        }
    }

    pub fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }
}

impl From<OwnedFrame> for Owned {
    fn from(frame: OwnedFrame) -> Self {
        let OwnedFrame {
            first,
            count,
            public,
            private,
            ..
        } = frame;
        Self {
            first,
            count,
            public,
            private,
        }
    }
}

/// A fixed market and key, and segments as small as they get.
pub fn options() -> Options {
    let new = NewJournal {
        market: *b"a market for you",
        key: Key::new(*b"0123456789abcdef"),
        term: 7,
    };
    Options {
        segment_bytes_first: 8 << 10,
        segment_bytes_max: 16 << 10,
        prepare: Prepare::InLine,
        ..Options::new(new)
    }
}

/// Opens the journal in `dir` and collects what it passes on.
pub fn open(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    from: Option<Position>,
) -> Result<(Journal, Recovery, Vec<Owned>), JournalError> {
    let mut frames = Vec::new();
    let (journal, recovery) = Journal::open(disk.clone(), dir, options(), from, |frame| {
        frames.push(frame.to_owned_frame().into());
        Ok(())
    })?;
    Ok((journal, recovery, frames))
}

/// Appends `count` batches of varied sizes.
pub fn append(journal: &mut Journal, count: u64, seed: u64) -> Vec<Owned> {
    let one = |index: u64| {
        let first = journal.position().sequence + 1;
        let owned = Owned::new(
            first,
            1 + (index % 3) as u32,
            40 + (index as usize * 37) % 300,
            (index as usize * 11) % 50,
            seed,
        );
        journal.append(&owned.batch()).expect("the disk is well");
        owned
    };
    (0..count).map(one).collect()
}

/// All that a reader sees from its place on.
pub fn drain(reader: &mut Reader) -> Result<Vec<Owned>, JournalError> {
    let mut frames = Vec::new();
    while let Some(frame) = reader.next()? {
        frames.push(frame.into());
    }
    Ok(frames)
}
