//! Peers that carry: what one hands them, and what they bring.

use auction_proto::{Envelope, SealedAnswer, SealingKey};
use tokio::sync::{mpsc, oneshot};

use super::PeerId;
use super::node::Word;
use super::relay::{Delivery, Parcel};
use crate::client::relay::{Carrier, NotCarried};

/// A peer that is asked to carry. See [`PeerWatch::carriers`](super::PeerWatch::carriers).
#[derive(Clone, Debug)]
pub struct PeerCarrier {
    peer: PeerId,
    words: mpsc::Sender<Word>,
}

impl PeerCarrier {
    pub(super) fn new(peer: PeerId, words: mpsc::Sender<Word>) -> Self {
        Self { peer, words }
    }

    /// Who it is.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    async fn hand_over(&self, parcel: Parcel) -> Result<Delivery, NotCarried> {
        let (delivery, delivered) = oneshot::channel();
        let word = Word::Carry {
            to: self.peer,
            parcel,
            delivery,
        };
        let ended = || NotCarried::NoWay("this peer has ended".to_owned());
        self.words.send(word).await.map_err(|_| ended())?;
        let lost = || NotCarried::Lost("the peer has left, or does not answer".to_owned());
        match delivered.await.map_err(|_| lost())? {
            Delivery::Refused(refused) => Err(NotCarried::Refused(Box::new(refused))),
            delivery => Ok(delivery),
        }
    }
}

impl Carrier for PeerCarrier {
    async fn sealing_key(&self) -> Result<SealingKey, NotCarried> {
        match self.hand_over(Parcel::Key).await? {
            Delivery::Key(key) => Ok(key),
            _ => Err(NotCarried::Lost(
                "the peer brought something else".to_owned(),
            )),
        }
    }

    async fn carry(&self, envelope: Envelope) -> Result<SealedAnswer, NotCarried> {
        match self.hand_over(Parcel::Envelope(envelope)).await? {
            Delivery::Answer(answer) => Ok(answer),
            _ => Err(NotCarried::Lost(
                "the peer brought something else".to_owned(),
            )),
        }
    }
}
