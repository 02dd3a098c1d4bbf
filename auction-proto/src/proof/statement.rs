//! Statements that a market signs: signing them, and checking them with the market's key only.
//!
//! The signature over the received bytes is checked first, then the content. A program that passes statements on
//! needs only [`SignedBatch::verify`]; a program that folds them also needs [`BatchStatement::apply_to`].

use alloc::vec::Vec;

use auction_core::{Digest, FeedSequence, FoldError, Market, MarketId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::encoding::codec;
use crate::encoding::list::List;
use crate::limits::{BATCH_STATEMENT_BYTES_MAX, FEED_ENTRIES_MAX, TREE_PATH_MAX};
use crate::message::body::{
    BatchStatement, Checkpoint, CheckpointStatement, FeedEntry, SealingKey, SealingKeyStatement,
    SignedBatch, SignedCheckpoint, SignedSnapshot, SnapshotBytes, SnapshotPart, SnapshotStatement,
};
use crate::signature::{PublicKey, Signature, SignatureError, SigningKey};

/// Prefix of the signed bytes of each kind of statement, so that none is valid as another.
const BATCH_PURPOSE: &[u8] = b"auction.batch.1";
const SNAPSHOT_PURPOSE: &[u8] = b"auction.snapshot.1";
const CHECKPOINT_PURPOSE: &[u8] = b"auction.checkpoint.1";
const SEALING_KEY_PURPOSE: &[u8] = b"auction.sealing-key.1";

/// Reason why a signed message is not valid and must not be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The signature is not by this key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signature is valid, but the content is not: the market's program has a bug.
    #[error("the statement is signed, and malformed")]
    Malformed,
    /// The message is of another market.
    #[error("the statement is of market {found}, and {expected} was expected")]
    OtherMarket {
        /// The market in the message.
        found: MarketId,
        /// The expected market.
        expected: MarketId,
    },
    /// The signature is valid, but the places in the batch and its number of events do not match.
    #[error("the statement names {through} as its end, and its events end at {expected}")]
    WrongEnd {
        /// The end that the batch names.
        through: FeedSequence,
        /// The end according to its number of events.
        expected: FeedSequence,
    },
    /// A part of a snapshot is not the one that was signed.
    #[error("part {index} is not the one that the signed snapshot names")]
    OtherPart {
        /// Place of the part.
        index: u32,
    },
}

/// Reason why a batch does not continue a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The batch is of another market.
    #[error("the batch is of market {found}, and {expected} was expected")]
    OtherMarket {
        /// The market of the batch.
        found: MarketId,
        /// The expected market.
        expected: MarketId,
    },
    /// Events before the batch are missing.
    #[error("the batch follows {after}, and this market stands at {at}")]
    Gap {
        /// Place after which the batch begins.
        after: FeedSequence,
        /// Place of the market.
        at: FeedSequence,
    },
    /// An event contradicts the market, which cannot be used any more.
    #[error("the event at {at} contradicts the market: {source}")]
    Contradiction {
        /// Place of the event.
        at: FeedSequence,
        /// Cause.
        source: FoldError,
    },
    /// The digest of the market at the end of the batch differs from the signed one; the market cannot be used any
    /// more.
    #[error("the batch names another digest at {at} than this market has")]
    Digest {
        /// Place of the digest.
        at: FeedSequence,
    },
}

/// Implements signing and checking for messages that carry a statement, each with its purpose.
macro_rules! signed {
    ($($body:ident of $statement:ident for $purpose:ident { $($field:ident: $value:expr),* })*) => {$(
        impl $body {
            /// Signs a statement.
            ///
            /// # Panics
            /// When the statement has more bytes than its limit.
            #[must_use]
            pub fn sign(statement: &$statement, key: &SigningKey) -> Self {
                let mut bytes = Vec::new();
                codec::append(statement, &mut bytes);
                let signature = key.sign($purpose, &bytes);
                let statement = bytes.try_into().expect("a statement keeps within its limit");
                Self { statement, signature, $($field: $value),* }
            }

            /// Checks the signature, and returns the statement.
            ///
            /// # Errors
            /// [`StatementError`] when the message is not a valid statement of the market.
            pub fn verify(&self, market: MarketId, key: &PublicKey) -> Result<$statement, StatementError> {
                read_signed($purpose, &self.statement, &self.signature, market, key)
            }
        }

        impl Signed for $statement {
            fn market(&self) -> MarketId {
                self.market
            }

            fn check(&self) -> Result<(), StatementError> {
                self.check_form()
            }
        }
    )*};
}

signed! {
    SignedBatch of BatchStatement for BATCH_PURPOSE {}
    SignedSnapshot of SnapshotStatement for SNAPSHOT_PURPOSE {}
    SignedCheckpoint of CheckpointStatement for CHECKPOINT_PURPOSE { consistency: None }
    SealingKey of SealingKeyStatement for SEALING_KEY_PURPOSE {}
}

trait Signed: for<'de> serde::Deserialize<'de> {
    fn market(&self) -> MarketId;
    fn check(&self) -> Result<(), StatementError>;
}

fn read_signed<S: Signed>(
    purpose: &[u8],
    bytes: &[u8],
    signature: &Signature,
    expected: MarketId,
    key: &PublicKey,
) -> Result<S, StatementError> {
    key.verify(purpose, bytes, signature)?;
    let statement: S = codec::read(bytes).map_err(|_| StatementError::Malformed)?;
    let found = statement.market();
    if found != expected {
        return Err(StatementError::OtherMarket { found, expected });
    }
    statement.check()?;
    Ok(statement)
}

/// Reads a checkpoint that is part of another message.
pub(crate) fn read_checkpoint(
    bytes: &[u8],
    signature: &Signature,
    market: MarketId,
    key: &PublicKey,
) -> Result<CheckpointStatement, StatementError> {
    read_signed(CHECKPOINT_PURPOSE, bytes, signature, market, key)
}

impl SignedCheckpoint {
    /// Adds a proof that the checkpoint extends another.
    ///
    /// # Panics
    /// For a path of more than [`TREE_PATH_MAX`] hashes.
    #[must_use]
    pub fn with_consistency(mut self, path: Vec<[u8; 32]>) -> Self {
        let path: List<_, TREE_PATH_MAX> = path.try_into().expect("a tree has fewer levels");
        self.consistency = Some(path);
        self
    }
}

impl CheckpointStatement {
    fn check_form(&self) -> Result<(), StatementError> {
        Ok(())
    }
}

impl SealingKeyStatement {
    fn check_form(&self) -> Result<(), StatementError> {
        Ok(())
    }
}

impl SnapshotStatement {
    fn check_form(&self) -> Result<(), StatementError> {
        Ok(())
    }

    /// Returns the part in these bytes, if they are the signed ones.
    ///
    /// # Errors
    /// [`StatementError::OtherPart`] when they are not the signed ones; [`StatementError::Malformed`] when they are
    /// not a part.
    pub fn part(&self, bytes: &SnapshotBytes) -> Result<SnapshotPart, StatementError> {
        let index = bytes.index;
        let named = self.parts.get(index as usize);
        if named != Some(&hash_part(&bytes.part)) {
            return Err(StatementError::OtherPart { index });
        }
        codec::read(&bytes.part).map_err(|_| StatementError::Malformed)
    }
}

impl SnapshotBytes {
    /// Returns the bytes of a part of a signed snapshot, and their hash for the statement.
    ///
    /// # Panics
    /// Never for a part of a market, which keeps within its limits.
    #[must_use]
    pub fn of(part: &SnapshotPart) -> (Self, [u8; 32]) {
        let mut bytes = Vec::new();
        codec::append(part, &mut bytes);
        let hash = hash_part(&bytes);
        let part_bytes = bytes.try_into().expect("every part is bounded");
        let index = part.index;
        (
            Self {
                index,
                part: part_bytes,
            },
            hash,
        )
    }
}

fn hash_part(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl BatchStatement {
    fn check_form(&self) -> Result<(), StatementError> {
        let Self { after, through, .. } = *self;
        let expected = FeedSequence(after.0.saturating_add(self.entries.len() as u64));
        if through == expected {
            Ok(())
        } else {
            Err(StatementError::WrongEnd { through, expected })
        }
    }

    /// Folds the events that the market does not have yet into it, and returns them with their places. Events that it
    /// has already are skipped: batches of the same market can overlap.
    ///
    /// # Errors
    /// [`BatchError`]; the market is unchanged after [`BatchError::OtherMarket`] and [`BatchError::Gap`], and cannot
    /// be used any more after the others.
    pub fn apply_to(
        &self,
        market: &mut Market,
    ) -> Result<impl Iterator<Item = (FeedSequence, &FeedEntry)>, BatchError> {
        let begun_at = market.feed_sequence();
        if self.market != market.id() {
            return Err(BatchError::OtherMarket {
                found: self.market,
                expected: market.id(),
            });
        }
        if self.after > begun_at {
            return Err(BatchError::Gap {
                after: self.after,
                at: begun_at,
            });
        }
        for (at, entry) in self.from(begun_at) {
            let applied = market.apply(entry.at, &entry.event);
            applied.map_err(|source| BatchError::Contradiction { at, source })?;
        }
        let at = self.through;
        // A batch that ends before the market's place has no digest for that place.
        if at == market.feed_sequence() && self.digest != market.digest() {
            return Err(BatchError::Digest { at });
        }
        Ok(self.from(begun_at))
    }

    /// The events after a place, with their own places.
    pub(crate) fn from(
        &self,
        place: FeedSequence,
    ) -> impl Iterator<Item = (FeedSequence, &FeedEntry)> {
        let after = self.after.0;
        let places = (1..).map(move |count| FeedSequence(after.saturating_add(count)));
        let entries = places.zip(self.entries.iter());
        entries.filter(move |(at, _)| *at > place)
    }
}

/// Collects events for a batch, within the limits of one batch.
#[derive(Clone, Debug, Default)]
pub struct BatchBuilder {
    entries: Vec<FeedEntry>,
    bytes: usize,
    scratch: Vec<u8>,
}

/// Bytes of a batch without its events, at their longest: market, term, time, checkpoint, places, digest and lengths.
const BATCH_HEAD_BYTES: usize = 17 + 10 + 10 + (10 + 33 + 33) + 10 + 10 + 33 + 5;

impl BatchBuilder {
    /// Creates an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns true for a batch without events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an event, or returns it when the batch is full and must be signed first.
    ///
    /// # Errors
    /// The event, when there is no room.
    ///
    /// # Panics
    /// For an event that is too large for any batch; no such event exists.
    pub fn push(&mut self, entry: FeedEntry) -> Result<(), FeedEntry> {
        self.scratch.clear();
        codec::append(&entry, &mut self.scratch);
        let bytes = self.bytes + self.scratch.len();
        let fits = BATCH_HEAD_BYTES + bytes <= BATCH_STATEMENT_BYTES_MAX;
        if fits && self.entries.len() < FEED_ENTRIES_MAX {
            self.bytes = bytes;
            self.entries.push(entry);
            return Ok(());
        }
        assert!(!self.is_empty(), "every event has room in an empty batch");
        Err(entry)
    }

    /// Returns the collected events as a statement, and empties the builder.
    ///
    /// # Panics
    /// When the digest's place is before the number of events.
    #[must_use]
    pub fn statement(
        &mut self,
        head: StatementHead,
        through: FeedSequence,
        digest: Digest,
    ) -> BatchStatement {
        let entries = core::mem::take(&mut self.entries);
        self.bytes = 0;
        let count = entries.len() as u64;
        let StatementHead {
            market,
            term,
            time,
            checkpoint,
        } = head;
        BatchStatement {
            market,
            term,
            time,
            checkpoint,
            after: FeedSequence(through.0.checked_sub(count).expect("they lie before it")),
            through,
            digest,
            entries: entries.try_into().expect("no more were taken"),
        }
    }
}

/// First fields of every statement of a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementHead {
    /// The market.
    pub market: MarketId,
    /// Term of its leader.
    pub term: auction_core::Term,
    /// Time of the signature.
    pub time: Timestamp,
    /// The newest checkpoint of the market's journal.
    pub checkpoint: Checkpoint,
}
