//! What a market says under its signature: made, and checked with nothing but its key.
//!
//! Checked first is the signature over the bytes as they came, then what they say. Whoever passes statements on needs
//! no more than [`SignedBatch::verify`]; whoever folds them, [`BatchStatement::apply_to`].

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

/// What is signed before each statement, so that none passes for another.
const BATCH_PURPOSE: &[u8] = b"auction.batch.1";
const SNAPSHOT_PURPOSE: &[u8] = b"auction.snapshot.1";
const CHECKPOINT_PURPOSE: &[u8] = b"auction.checkpoint.1";
const SEALING_KEY_PURPOSE: &[u8] = b"auction.sealing-key.1";

/// Why a signed message is not to be believed, nor passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It is not signed by this key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It is signed, and says nothing that makes sense: the market's program is wrong.
    #[error("the statement is signed, and malformed")]
    Malformed,
    /// It is another market's.
    #[error("the statement is of market {found}, and {expected} was expected")]
    OtherMarket {
        /// Whose it is.
        found: MarketId,
        /// Whose it should be.
        expected: MarketId,
    },
    /// It is signed, and the places it names and the number of its events differ.
    #[error("the statement names {through} as its end, and its events end at {expected}")]
    WrongEnd {
        /// The end it names.
        through: FeedSequence,
        /// The end of its events.
        expected: FeedSequence,
    },
    /// A part of a snapshot is not the one that was signed.
    #[error("part {index} is not the one that the signed snapshot names")]
    OtherPart {
        /// The part.
        index: u32,
    },
}

/// Why a batch does not go on with a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// It is another market's.
    #[error("the batch is of market {found}, and {expected} was expected")]
    OtherMarket {
        /// Whose it is.
        found: MarketId,
        /// Whose it should be.
        expected: MarketId,
    },
    /// Something is missing before it.
    #[error("the batch follows {after}, and this market stands at {at}")]
    Gap {
        /// The place that it follows.
        after: FeedSequence,
        /// Where the market stands.
        at: FeedSequence,
    },
    /// An event contradicts the market, which is of no more use.
    #[error("the event at {at} contradicts the market: {source}")]
    Contradiction {
        /// The place of the event.
        at: FeedSequence,
        /// How.
        source: FoldError,
    },
    /// At its end the market has another digest, and is of no more use.
    #[error("the batch names another digest at {at} than this market has")]
    Digest {
        /// The place.
        at: FeedSequence,
    },
}

/// The signed messages: each a statement, for a purpose.
macro_rules! signed {
    ($($body:ident of $statement:ident for $purpose:ident { $($field:ident: $value:expr),* })*) => {$(
        impl $body {
            /// Signs a statement.
            ///
            /// # Panics
            /// When the statement is over its limit of bytes.
            #[must_use]
            pub fn sign(statement: &$statement, key: &SigningKey) -> Self {
                let mut bytes = Vec::new();
                codec::append(statement, &mut bytes);
                let signature = key.sign($purpose, &bytes);
                let statement = bytes.try_into().expect("a statement keeps within its limit");
                Self { statement, signature, $($field: $value),* }
            }

            /// Checks the signature, and gives what was signed.
            ///
            /// # Errors
            /// [`StatementError`] when it is not to be believed.
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

/// Reads a checkpoint that stands in another message.
pub(crate) fn read_checkpoint(
    bytes: &[u8],
    signature: &Signature,
    market: MarketId,
    key: &PublicKey,
) -> Result<CheckpointStatement, StatementError> {
    read_signed(CHECKPOINT_PURPOSE, bytes, signature, market, key)
}

impl SignedCheckpoint {
    /// The same with a proof that it goes on from another.
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

    /// The part that is in these bytes, if they are the ones that were signed.
    ///
    /// # Errors
    /// [`StatementError::OtherPart`] when they are others; [`StatementError::Malformed`] when they are no part.
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
    /// A part of a signed snapshot, and its hash for the statement.
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

    /// Folds what is new of it into a market, and gives its events with their places. What the market has already is
    /// passed over: batches of the same market can overlap.
    ///
    /// # Errors
    /// [`BatchError`]; the market is unchanged after [`BatchError::OtherMarket`] and [`BatchError::Gap`], and of no
    /// more use after the others.
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
        // One that lies wholly before the market's place says nothing of where it stands.
        if at == market.feed_sequence() && self.digest != market.digest() {
            return Err(BatchError::Digest { at });
        }
        Ok(self.from(begun_at))
    }

    /// The events behind a place, with their own places.
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

/// Gathers events for a batch, within the limits of one.
#[derive(Clone, Debug, Default)]
pub struct BatchBuilder {
    entries: Vec<FeedEntry>,
    bytes: usize,
    scratch: Vec<u8>,
}

/// Bytes of a batch beside its events: market, term, time, checkpoint, places, digest and lengths, at their longest.
const BATCH_HEAD_BYTES: usize = 17 + 10 + 10 + (10 + 33 + 33) + 10 + 10 + 33 + 5;

impl BatchBuilder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes an event; or gives it back when the batch must be signed before.
    ///
    /// # Errors
    /// The event, when there is no room.
    ///
    /// # Panics
    /// For an event that no batch has room for: there is none.
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

    /// What was taken, as a statement; nothing is left.
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

/// What every statement of a market begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementHead {
    /// The market.
    pub market: MarketId,
    /// Who leads it.
    pub term: auction_core::Term,
    /// When it is signed.
    pub time: Timestamp,
    /// The newest checkpoint of its journal.
    pub checkpoint: Checkpoint,
}
