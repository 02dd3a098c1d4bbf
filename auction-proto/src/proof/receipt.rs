//! Receipts: that something that a user asked for stands in a market's journal, checked with nothing but the market's
//! key.

use alloc::vec::Vec;

use auction_core::{Actor, MarketId};

use crate::journal::record::{
    PublicRecord, RecordError, RecordedCommand, decode_public_records, decode_records,
};
use crate::message::body::{CheckpointStatement, Receipt};
use crate::proof::merkle::{self, ProofError, Root};
use crate::proof::statement::{StatementError, read_checkpoint};
use crate::signature::PublicKey;

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The record, as everyone may see it.
    pub record: PublicRecord,
    /// Who asked for what: public, or opened by the receipt. `None`: the receipt proves only that something hidden
    /// stands there.
    pub asked: Option<RecordedCommand>,
    /// What the market has signed.
    pub checkpoint: CheckpointStatement,
}

/// Why a receipt proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Its checkpoint is not to be believed.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] StatementError),
    /// It holds no record, or several, or its private part is another.
    #[error("its record: {0}")]
    Record(#[from] RecordError),
    /// It holds no record, or several.
    #[error("it holds {found} records; expected one")]
    NotOne {
        /// How many.
        found: usize,
    },
    /// The record does not stand where it says.
    #[error("its record does not stand in the signed journal: {0}")]
    Proof(#[from] ProofError),
}

impl Receipt {
    /// Checks the receipt, and gives what it proves.
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
    /// The user who asked, if it is known who.
    #[must_use]
    pub fn user(&self) -> Option<auction_core::UserId> {
        match self.asked.as_ref()?.actor {
            Actor::User(user) => Some(user),
            Actor::Clock | Actor::Operator => None,
        }
    }
}

impl Root {
    /// The root that a checkpoint names.
    #[must_use]
    pub fn of(checkpoint: &crate::message::body::Checkpoint) -> Self {
        Self {
            size: checkpoint.sequence.0,
            hash: checkpoint.root,
        }
    }
}
