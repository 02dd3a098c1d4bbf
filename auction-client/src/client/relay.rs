//! Carrying the envelopes of others to the market, and its answers back.
//!
//! Who carries holds no key and reads nothing: what goes through this module is an [`Envelope`] and a
//! [`SealedAnswer`], bytes without a form, all of one length. They tell when something was asked, and nothing else.

use std::future::Future;

use auction_proto::{Envelope, GetSealingKey, Refused, SealedAnswer, SealingKey};

use crate::client::Client;
use crate::error::RequestError;

/// Why nobody brought an answer. All of it is what who carries says: it may be untrue.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RelayError {
    /// The market said no in the open: it cannot read the envelope, or takes no more for now.
    #[error("{}", .0.message)]
    Refused(Box<Refused>),
    /// Who should carry has no way to the market, or carries nothing more for now.
    #[error("{0}")]
    Unreachable(String),
    /// No answer came back.
    #[error("no answer came back: {0}")]
    Lost(String),
}

/// Someone who carries envelopes: a line to the server, or a peer.
pub trait Relay {
    /// Brings the key that envelopes are sealed to. The market has signed it: check that.
    fn sealing_key(&self) -> impl Future<Output = Result<SealingKey, RelayError>> + Send;

    /// Brings an envelope to the market, and its answer back. The same envelope can be carried again, by several.
    fn relay(
        &self,
        envelope: Envelope,
    ) -> impl Future<Output = Result<SealedAnswer, RelayError>> + Send;
}

/// A line to the server carries for anyone, whether it is logged in or not.
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
