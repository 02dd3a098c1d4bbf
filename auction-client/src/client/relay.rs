//! Relaying sealed envelopes of others to the market, and its answers back.
//!
//! A relay holds no key and can read nothing: this module handles only [`Envelope`] and [`SealedAnswer`], opaque bytes
//! of one fixed length. They reveal when a request was sent, and nothing else.

use std::future::Future;

use auction_proto::{Envelope, GetSealingKey, Refused, SealedAnswer, SealingKey};

use crate::client::Client;
use crate::error::RequestError;

/// Reason why a relay returned no answer. All of it is the relay's unsigned word: it may be untrue.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RelayError {
    /// The market's unsealed refusal: it cannot read the envelope, or accepts no more for now.
    #[error("{}", .0.message)]
    Refused(Box<Refused>),
    /// The relay has no connection to the market, or relays nothing more for now.
    #[error("{0}")]
    Unreachable(String),
    /// No answer came back.
    #[error("no answer came back: {0}")]
    Lost(String),
}

/// A relay for envelopes: a connection to the server, or a peer.
pub trait Relay {
    /// Returns the key that envelopes are sealed to. The market has signed it: check the signature.
    fn sealing_key(&self) -> impl Future<Output = Result<SealingKey, RelayError>> + Send;

    /// Relays an envelope to the market, and returns its answer. The same envelope can be relayed repeatedly, by
    /// several relays.
    fn relay(
        &self,
        envelope: Envelope,
    ) -> impl Future<Output = Result<SealedAnswer, RelayError>> + Send;
}

/// A connection to the server relays for anyone, logged in or not.
impl Relay for Client {
    async fn sealing_key(&self) -> Result<SealingKey, RelayError> {
        Ok(self.ask(GetSealingKey {}).await?)
    }

    async fn relay(&self, envelope: Envelope) -> Result<SealedAnswer, RelayError> {
        Ok(self.ask(envelope).await?)
    }
}

impl From<RequestError> for RelayError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Refused(refused) => Self::Refused(refused),
            RequestError::OutcomeUnknown(because) => Self::Lost(because.to_string()),
            RequestError::NotConnected(because) => Self::Unreachable(because.to_string()),
        }
    }
}
