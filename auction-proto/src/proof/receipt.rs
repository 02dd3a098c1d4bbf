//! Receipts: proofs that a request of a user is recorded in a market's journal, checked with the market's key only.

use alloc::vec::Vec;

use auction_core::{Actor, MarketId};

use crate::journal::record::{
    PublicRecord, RecordError, RecordedCommand, decode_public_records, decode_records,
};
use crate::message::body::{CheckpointStatement, Receipt};
use crate::proof::merkle::{self, ProofError, Root};
use crate::proof::statement::{StatementError, read_checkpoint};
use crate::signature::PublicKey;

/// Facts that a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Public part of the record.
    pub record: PublicRecord,
    /// Actor, request and command: public, or opened by the receipt. `None`: the receipt only proves that a hidden
    /// command is recorded.
    pub asked: Option<RecordedCommand>,
    /// The signed checkpoint.
    pub checkpoint: CheckpointStatement,
}

/// Reason why a receipt proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The checkpoint of the receipt is not a valid statement of the market.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] StatementError),
    /// The record of the receipt is invalid, or its private part does not match the commitment.
    #[error("its record: {0}")]
    Record(#[from] RecordError),
    /// The receipt contains no record, or several.
    #[error("it holds {found} records; expected one")]
    NotOne {
        /// Number of records.
        found: usize,
    },
    /// The record is not at its claimed place in the journal.
    #[error("its record does not stand in the signed journal: {0}")]
    Proof(#[from] ProofError),
}

impl Receipt {
    /// Checks the receipt, and returns the facts that it proves.
    ///
    /// # Errors
    /// [`ReceiptError`] when it proves nothing.
    pub fn verify(&self, market: MarketId, key: &PublicKey) -> Result<Proven, ReceiptError> {
        let checkpoint = read_checkpoint(&self.statement, &self.signature, market, key)?;
        let records: Result<Vec<_>, _> = decode_public_records(&self.record).collect();
        let [record] =
            <[PublicRecord; 1]>::try_from(records?).map_err(|records| ReceiptError::NotOne {
                found: records.len(),
            })?;
        let root = Root::of(&checkpoint.checkpoint);
        merkle::check_inclusion(&root, record.sequence.0, &self.record, &self.path)?;
        let asked = match &self.private {
            None => record.asked.clone(),
            Some(private) => {
                let mut whole = None;
                for record in decode_records(&self.record, private) {
                    whole = Some(record?);
                }
                whole.map(|whole| RecordedCommand {
                    actor: whole.actor,
                    request: whole.request,
                    command: whole.command,
                })
            }
        };
        Ok(Proven {
            record,
            asked,
            checkpoint,
        })
    }
}

impl Proven {
    /// Returns the user who made the request, if the receipt shows it.
    #[must_use]
    pub fn user(&self) -> Option<auction_core::UserId> {
        match self.asked.as_ref()?.actor {
            Actor::User(user) => Some(user),
            Actor::Clock | Actor::Operator => None,
        }
    }
}

impl Root {
    /// Returns the root that a checkpoint names.
    #[must_use]
    pub fn of(checkpoint: &crate::message::body::Checkpoint) -> Self {
        Self {
            size: checkpoint.sequence.0,
            hash: checkpoint.root,
        }
    }
}
