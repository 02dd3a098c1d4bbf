//! Relays that are peers.

use auction_proto::{Envelope, SealedAnswer, SealingKey};
use tokio::sync::{mpsc, oneshot};

use super::PeerId;
use super::node::NodeCommand;
use super::relay::{RelayRequest, RelayResponse};
use crate::client::relay::{Relay, RelayError};

/// A connected peer as a relay. See [`PeerWatch::relays`](super::PeerWatch::relays).
#[derive(Clone, Debug)]
pub struct PeerRelay {
    peer: PeerId,
    commands: mpsc::Sender<NodeCommand>,
}

impl PeerRelay {
    pub(super) fn new(peer: PeerId, commands: mpsc::Sender<NodeCommand>) -> Self {
        Self { peer, commands }
    }

    /// Returns the peer's id.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    async fn hand_over(&self, request: RelayRequest) -> Result<RelayResponse, RelayError> {
        let (response, delivered) = oneshot::channel();
        let command = NodeCommand::Relay {
            to: self.peer,
            request,
            response,
        };
        let ended = || RelayError::Unreachable("this peer has ended".to_owned());
        self.commands.send(command).await.map_err(|_| ended())?;
        let lost = || RelayError::Lost("the peer has disconnected, or does not answer".to_owned());
        match delivered.await.map_err(|_| lost())? {
            RelayResponse::Refused(refused) => Err(RelayError::Refused(Box::new(refused))),
            response => Ok(response),
        }
    }
}

impl Relay for PeerRelay {
    async fn sealing_key(&self) -> Result<SealingKey, RelayError> {
        match self.hand_over(RelayRequest::Key).await? {
            RelayResponse::Key(key) => Ok(key),
            _ => Err(RelayError::Lost(
                "the peer returned something else".to_owned(),
            )),
        }
    }

    async fn relay(&self, envelope: Envelope) -> Result<SealedAnswer, RelayError> {
        match self.hand_over(RelayRequest::Envelope(envelope)).await? {
            RelayResponse::Answer(answer) => Ok(answer),
            _ => Err(RelayError::Lost(
                "the peer returned something else".to_owned(),
            )),
        }
    }
}
