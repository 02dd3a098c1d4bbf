//! Signed checkpoints of the market's journal and receipts, each verified before it is returned.

use auction_core::{RequestId, Sequence};
use auction_proto::merkle::{self, Root};
use auction_proto::{
    CheckpointStatement, GetCheckpoint, GetMarketKey, GetReceipt, MarketKey, PublicKey, Receipt,
    ReceiptError, ReceiptOf, SignedCheckpoint, StatementError,
};

use crate::client::Client;
use crate::error::RequestError;

/// Reason why there is no valid checkpoint or receipt.
///
/// All but [`Request`](Self::Request) are faults of the market or of an interceptor: keep what was signed before.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignedError {
    /// There was no answer, or a refusal: `no_receipt` when a record does not exist or is not the user's, or when the
    /// kept checkpoint is of a longer journal than the market has.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The new checkpoint is not signed with the key, or is another market's.
    #[error("the market's checkpoint: {0}")]
    Checkpoint(#[source] StatementError),
    /// The kept checkpoint is not signed with the key, or is another market's.
    #[error("the kept checkpoint: {0}")]
    Kept(#[source] StatementError),
    /// The journal does not continue the kept checkpoint: an earlier record was dropped, changed or reordered, or the
    /// market did not prove the contrary. Both checkpoints are signed: keep both.
    #[error(
        "the market's journal of {} records does not continue the {} records that it had signed before",
        newest.checkpoint.sequence, kept.checkpoint.sequence
    )]
    NotContinued {
        /// The earlier statement.
        kept: Box<CheckpointStatement>,
        /// The new statement.
        newest: Box<CheckpointStatement>,
        /// The new checkpoint as received, with the market's signature.
        signed: Box<SignedCheckpoint>,
    },
    /// The receipt is invalid.
    #[error("the market's receipt: {0}")]
    Receipt(#[from] ReceiptError),
    /// The receipt is valid, but for another record than requested.
    #[error("the market sent the receipt of record {found}, which was not requested")]
    OtherRecord {
        /// The record of the receipt.
        found: Sequence,
    },
}

impl Client {
    /// Returns the key with which the market signs. Keep it on first use, and refuse another: a different key means a
    /// different market or an interceptor. People compare its [`fingerprint`](PublicKey::fingerprint).
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn market_key(&self) -> Result<MarketKey, RequestError> {
        self.ask(GetMarketKey {}).await
    }

    /// Returns the newest checkpoint of the market's journal, signed with `key`. Keep it unchanged for a later
    /// [`checkpoint_since`](Self::checkpoint_since); [`SignedCheckpoint::verify`] returns its content.
    ///
    /// # Errors
    /// [`SignedError`].
    pub async fn checkpoint(&self, key: &PublicKey) -> Result<SignedCheckpoint, SignedError> {
        let newest = self.ask(GetCheckpoint { since: None }).await?;
        let verified = newest.verify(self.market_id(), key);
        verified.map_err(SignedError::Checkpoint)?;
        Ok(newest)
    }

    /// Returns the newest checkpoint, proven to continue a kept one: no record that the market had signed then was
    /// dropped, changed or reordered.
    ///
    /// # Errors
    /// [`SignedError`]; [`SignedError::NotContinued`], and `no_receipt` among the refusals, when the market no longer
    /// confirms what it has signed.
    pub async fn checkpoint_since(
        &self,
        kept: &SignedCheckpoint,
        key: &PublicKey,
    ) -> Result<SignedCheckpoint, SignedError> {
        let market = self.market_id();
        let before = kept.verify(market, key).map_err(SignedError::Kept)?;
        let since = Some(before.checkpoint.sequence);
        let signed = self.ask(GetCheckpoint { since }).await?;
        let newest = signed.verify(market, key);
        let newest = newest.map_err(SignedError::Checkpoint)?;
        let (old, new) = (Root::of(&before.checkpoint), Root::of(&newest.checkpoint));
        let goes_on = match &signed.consistency {
            // Every journal continues the empty one.
            _ if old.size == 0 => true,
            Some(path) => merkle::check_consistency(&old, &new, path).is_ok(),
            None => false,
        };
        // Trees of the same size have the same root and the same chain.
        let is_same = old.size != new.size || before.checkpoint == newest.checkpoint;
        if goes_on && is_same {
            return Ok(signed);
        }
        Err(SignedError::NotContinued {
            kept: Box::new(before),
            newest: Box::new(newest),
            signed: Box::new(signed),
        })
    }

    /// Returns the receipt of a request of this user, verified: by the id of an accepted request of this session (see
    /// [`InFlight::request_id`](crate::InFlight::request_id)), or by its record in the journal. It comes with the
    /// market's next checkpoint, which can take a moment; [`Receipt::verify`] checks it again, without the market.
    ///
    /// # Errors
    /// [`SignedError`]: `no_receipt` among the refusals.
    pub async fn receipt(&self, of: ReceiptOf, key: &PublicKey) -> Result<Receipt, SignedError> {
        let receipt = self.ask(GetReceipt { of }).await?;
        let proven = receipt.verify(self.market_id(), key)?;
        let found = proven.record.sequence;
        let is_asked = match of {
            ReceiptOf::Record(record) => record == found,
            // A hidden request does not reveal its id.
            ReceiptOf::Request(number) => proven.asked.is_none_or(|asked| {
                let is_of = |(_, of): (_, RequestId)| of == number;
                asked.request.is_some_and(is_of)
            }),
        };
        if is_asked {
            return Ok(receipt);
        }
        Err(SignedError::OtherRecord { found })
    }
}
