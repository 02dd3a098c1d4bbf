//! Carrying the envelopes of others up one's own line, within limits.
//!
//! No key comes in here, and nothing is read: a [`Parcel`] is sealed bytes, or the question for the market's key; a
//! [`Delivery`] is sealed bytes, or words that the market says in the open. A peer that has no line says so, and asks
//! nobody else: who has an envelope to send asks several.

use std::collections::BTreeMap;
use std::time::Duration;

use auction_core::RequestId;
use auction_proto::{
    ClientMessage, Code, Envelope, Frame, GetSealingKey, Refused, SealedAnswer, SealingKey,
    ServerMessage,
};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::limits::{
    DELIVERY_BYTES_MAX, PARCEL_BYTES_MAX, PARCELS_AT_ONCE, PARCELS_PER_SECOND, RELAYED_AT_ONCE,
};
use crate::client::relay::{Carrier, NotCarried};
use crate::peer::rate_limit::Rate;

/// What is carried to the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// The question for the key that envelopes are sealed to.
    Key,
    /// An envelope.
    Envelope(Envelope),
}

/// What is brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The key, signed by the market.
    Key(SealingKey),
    /// The answer to an envelope.
    Answer(SealedAnswer),
    /// No, in the open: of the market, or of the one who should carry. Nobody has signed it.
    Refused(Refused),
}

/// What is on its way up the line, and where its delivery goes.
pub(super) type Handed = (Parcel, oneshot::Sender<Delivery>);

impl Parcel {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let message: ClientMessage = match self {
            Self::Key => GetSealingKey {}.into(),
            Self::Envelope(envelope) => envelope.clone().into(),
        };
        message.encode(RequestId(0), &mut bytes);
        bytes
    }

    /// Reads one; `None`: it is something else, and not for us to carry.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, body) = frame(bytes, PARCEL_BYTES_MAX)?;
        match ClientMessage::decode(kind, body).ok()? {
            ClientMessage::GetSealingKey(_) => Some(Self::Key),
            ClientMessage::Envelope(envelope) => Some(Self::Envelope(envelope)),
            _ => None,
        }
    }
}

impl Delivery {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let message: ServerMessage = match self {
            Self::Key(key) => key.into(),
            Self::Answer(answer) => answer.into(),
            Self::Refused(refused) => refused.into(),
        };
        message.encode(RequestId(0), &mut bytes);
        bytes
    }

    /// Reads one; `None`: it is something else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, body) = frame(bytes, DELIVERY_BYTES_MAX)?;
        match ServerMessage::decode(kind, body).ok()? {
            ServerMessage::SealingKey(key) => Some(Self::Key(key)),
            ServerMessage::SealedAnswer(answer) => Some(Self::Answer(answer)),
            ServerMessage::Refused(refused) => Some(Self::Refused(refused)),
            _ => None,
        }
    }

    fn busy(text: &str) -> Self {
        Self::Refused(Refused::new(Code::BUSY, text))
    }
}

/// The one frame that takes up all the bytes.
fn frame(bytes: &[u8], most: usize) -> Option<(auction_proto::Kind, &[u8])> {
    let mut rest = bytes;
    match Frame::take(&mut rest, most) {
        Ok(Some(Frame {
            kind,
            request: RequestId(0),
            body,
        })) if rest.is_empty() => Some((kind, body)),
        _ => None,
    }
}

/// How much is carried for whom.
pub(super) struct Relay<P> {
    line: Option<mpsc::Sender<Handed>>,
    rates: BTreeMap<P, Rate>,
}

impl<P: Ord + Copy> Relay<P> {
    /// Carries nothing, until there is a line.
    pub(super) fn new() -> Self {
        Self {
            line: None,
            rates: BTreeMap::new(),
        }
    }

    pub(super) fn set_line(&mut self, line: Option<mpsc::Sender<Handed>>) {
        self.line = line;
    }

    pub(super) fn left(&mut self, peer: P) {
        self.rates.remove(&peer);
    }

    /// Hands what a peer brought up the line: then its delivery comes. Else what it is told at once.
    pub(super) fn take(
        &mut self,
        now: Duration,
        from: P,
        parcel: Parcel,
    ) -> Result<oneshot::Receiver<Delivery>, Delivery> {
        let Some(line) = &self.line else {
            return Err(Delivery::busy(
                "this peer carries nothing; ask one that does (auction watch --p2p --relay)",
            ));
        };
        let rate = self.rates.entry(from);
        let rate = rate.or_insert_with(|| Rate::new(now, PARCELS_AT_ONCE, PARCELS_PER_SECOND));
        if !rate.take(now) {
            return Err(Delivery::busy("you hand over too much; try again later"));
        }
        let (delivery, delivered) = oneshot::channel();
        match line.try_send((parcel, delivery)) {
            Ok(()) => Ok(delivered),
            Err(TrySendError::Full(_)) => Err(Delivery::busy(
                "this peer carries as much as it can for now",
            )),
            Err(TrySendError::Closed(_)) => Err(Delivery::busy("this peer has lost its line")),
        }
    }
}

/// Carries over a line for as long as something is handed over, so much at a time.
pub(super) async fn carry_all<C>(carrier: C, mut handed: mpsc::Receiver<Handed>)
where
    C: Carrier + Clone + Send + Sync + 'static,
{
    let room = std::sync::Arc::new(tokio::sync::Semaphore::new(RELAYED_AT_ONCE));
    while let Some((parcel, delivery)) = handed.recv().await {
        let room = room.clone().acquire_owned().await;
        let carrier = carrier.clone();
        tokio::spawn(async move {
            let _room = room;
            let brought = match parcel {
                Parcel::Key => carrier.sealing_key().await.map(Delivery::Key),
                Parcel::Envelope(envelope) => carrier.carry(envelope).await.map(Delivery::Answer),
            };
            let brought = brought.unwrap_or_else(|because| match because {
                NotCarried::Refused(refused) => Delivery::Refused(*refused),
                NotCarried::NoWay(text) | NotCarried::Lost(text) => Delivery::busy(&text),
            });
            // Who asked may have left.
            let _ = delivery.send(brought);
        });
    }
}
