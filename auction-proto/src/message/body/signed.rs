//! Signed messages of a market, and the proofs that a record is in its journal.
//!
//! A market signs *statements*: bytes that are passed on unchanged. Their forms are defined beside the bodies that
//! carry them; [`SignedBatch::verify`] and the similar methods read them.

use auction_core::{Digest, FeedSequence, MarketId, RequestId, Sequence, Term, Timestamp};

use super::{FeedEntry, ResumePoint};
use crate::encoding::bytes::Bytes;
use crate::encoding::list::List;
use crate::encoding::wire::as_serde;
use crate::limits::{
    BATCH_STATEMENT_BYTES_MAX, CHECKPOINT_STATEMENT_BYTES_MAX, FEED_ENTRIES_MAX,
    RECEIPT_PRIVATE_BYTES_MAX, RECEIPT_RECORD_BYTES_MAX, SNAPSHOT_PART_BYTES_MAX,
    SNAPSHOT_PARTS_MAX, SNAPSHOT_STATEMENT_BYTES_MAX, TREE_PATH_MAX,
};
use crate::signature::{PublicKey, Signature};

fields! {
    /// Asks for the key that the market signs with. Needs no session. Answered by [`MarketKey`].
    struct GetMarketKey = GET_MARKET_KEY {}

    /// Answers [`GetMarketKey`]. Keep it at the first time, and refuse another one of the same market.
    struct MarketKey = MARKET_KEY {
        /// The market.
        market: MarketId,
        /// The key: Ed25519.
        key: PublicKey,
    }

    /// Asks for the signed feed on this connection, in place of what it watched before; from a place that the client
    /// knows, or from the beginning. Needs no session. Answered by [`Resumed`](super::Resumed), or by
    /// [`SignedSnapshot`] and its parts; from there on [`SignedBatch`] follows [`SignedBatch`].
    struct WatchSigned = WATCH_SIGNED {
        /// Place of the client's fold; nothing: it has none. JSON can leave it out.
        #[serde(default)]
        resume: Option<ResumePoint>,
    }

    /// Public events of some commits, signed. Without events it is a sign of life.
    struct SignedBatch = SIGNED_BATCH {
        /// A [`BatchStatement`].
        statement: Bytes<BATCH_STATEMENT_BYTES_MAX>,
        /// Over `auction.batch.1` and the statement.
        signature: Signature,
    }

    /// Statement of a [`SignedBatch`].
    struct BatchStatement {
        /// The market.
        market: MarketId,
        /// Term of its leader.
        term: Term,
        /// Time of the signature, by the server's clock.
        time: Timestamp,
        /// The newest checkpoint of the journal.
        checkpoint: Checkpoint,
        /// The place that these events follow.
        after: FeedSequence,
        /// The place of the last of them: `after` and their number.
        through: FeedSequence,
        /// The digest of the public market there.
        digest: Digest,
        /// The events, as [`Feed`](super::Feed) has them.
        entries: List<FeedEntry, FEED_ENTRIES_MAX>,
    }

    /// The market at one place of the feed, signed. All its parts follow as [`SnapshotBytes`], with the number of the
    /// same request.
    struct SignedSnapshot = SIGNED_SNAPSHOT {
        /// A [`SnapshotStatement`].
        statement: Bytes<SNAPSHOT_STATEMENT_BYTES_MAX>,
        /// Over `auction.snapshot.1` and the statement.
        signature: Signature,
    }

    /// Statement of a [`SignedSnapshot`].
    struct SnapshotStatement {
        /// The market.
        market: MarketId,
        /// Term of its leader.
        term: Term,
        /// Time of the signature, by the server's clock.
        time: Timestamp,
        /// The newest checkpoint of the journal.
        checkpoint: Checkpoint,
        /// The place of the last public event that is in.
        feed_sequence: FeedSequence,
        /// The digest of the public market there.
        digest: Digest,
        /// The SHA-256 of each part, in order.
        parts: List<[u8; 32], SNAPSHOT_PARTS_MAX>,
    }

    /// A part of a signed snapshot, as the bytes that were hashed.
    struct SnapshotBytes = SNAPSHOT_BYTES {
        /// Its place among the parts, from 0.
        index: u32,
        /// The body of a [`SnapshotPart`](super::SnapshotPart).
        part: Bytes<SNAPSHOT_PART_BYTES_MAX>,
    }

    /// Asks for the newest checkpoint of the journal. Needs no session. Answered by [`SignedCheckpoint`].
    struct GetCheckpoint = GET_CHECKPOINT {
        /// The record of a checkpoint that the client has kept: the answer proves that the journal goes on from there.
        /// Nothing: it has none. JSON can leave it out.
        #[serde(default)]
        since: Option<Sequence>,
    }

    /// Answers [`GetCheckpoint`].
    struct SignedCheckpoint = SIGNED_CHECKPOINT {
        /// A [`CheckpointStatement`].
        statement: Bytes<CHECKPOINT_STATEMENT_BYTES_MAX>,
        /// Over `auction.checkpoint.1` and the statement.
        signature: Signature,
        /// RFC 6962's proof that the tree goes on from the one that was asked about; nothing: none was, or it is empty.
        consistency: Option<List<[u8; 32], TREE_PATH_MAX>>,
    }

    /// Statement of a [`SignedCheckpoint`].
    struct CheckpointStatement {
        /// The market.
        market: MarketId,
        /// Term of its leader.
        term: Term,
        /// Time of the signature, by the server's clock.
        time: Timestamp,
        /// The checkpoint.
        checkpoint: Checkpoint,
    }

    /// A place of the journal, with hashes of everything up to it. Records are numbered from 1 without a gap, so that
    /// the number of the last record is also the size of the tree.
    struct Checkpoint {
        /// The last record, the end of a commit.
        sequence: Sequence,
        /// The journal's chain after it.
        chain: [u8; 32],
        /// The root of RFC 6962's tree over the public bytes of all records up to it.
        root: [u8; 32],
    }

    /// Asks for the proof that the journal has a record of a request. Needs the session of the user who made the
    /// request. Answered by [`Receipt`].
    struct GetReceipt = GET_RECEIPT {
        /// Subject of the receipt.
        of: ReceiptOf,
    }

    /// Answers [`GetReceipt`]: a record, opened if it was hidden, its place in the tree, and the tree's signed root.
    struct Receipt = RECEIPT {
        /// The public bytes of a batch of this record alone: the leaf of the tree.
        record: Bytes<RECEIPT_RECORD_BYTES_MAX>,
        /// The private bytes of the same batch, when the record has a private part that is wholly the user's own.
        private: Option<Bytes<RECEIPT_PRIVATE_BYTES_MAX>>,
        /// RFC 6962's audit path from the leaf to the root.
        path: List<[u8; 32], TREE_PATH_MAX>,
        /// The [`CheckpointStatement`] that names the root.
        statement: Bytes<CHECKPOINT_STATEMENT_BYTES_MAX>,
        /// Over `auction.checkpoint.1` and the statement.
        signature: Signature,
    }
}

/// Subject of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReceiptOf {
    /// A request of this session that was accepted, and is among the latest.
    Request(#[serde(with = "crate::encoding::wire")] RequestId),
    /// A record that this user asked for.
    Record(#[serde(with = "crate::encoding::wire")] Sequence),
}

crate::encoding::core_types::in_order!(0, 1);
as_serde!(ReceiptOf);
#[cfg(feature = "schema")]
crate::encoding::schema::shaped_enum!(ReceiptOf, {
    0 = Request(RequestId),
    1 = Record(Sequence)
});
