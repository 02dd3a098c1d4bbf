//! Carrying the envelopes of others up one's own line, within limits.
//!
//! No key comes in here, and nothing is read: a [`RelayRequest`] is sealed bytes, or the question for the market's key; a
//! [`RelayResponse`] is sealed bytes, or words that the market says in the open. A peer that has no line says so, and asks
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
    RELAY_REQUEST_BYTES_MAX, RELAY_REQUESTS_BURST, RELAY_REQUESTS_PER_SECOND,
    RELAY_RESPONSE_BYTES_MAX, RELAYED_CONCURRENTLY_MAX,
};
use crate::client::relay::{Relay, RelayError};
use crate::peer::rate_limit::RateLimit;

/// What is carried to the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayRequest {
    /// The question for the key that envelopes are sealed to.
    Key,
    /// An envelope.
    Envelope(Envelope),
}

/// What is brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayResponse {
    /// The key, signed by the market.
    Key(SealingKey),
    /// The answer to an envelope.
    Answer(SealedAnswer),
    /// No, in the open: of the market, or of the one who should carry. Nobody has signed it.
    Refused(Refused),
}

/// What is on its way up the line, and where its response goes.
pub(super) type RelayJob = (RelayRequest, oneshot::Sender<RelayResponse>);

impl RelayRequest {
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
        let (kind, body) = frame(bytes, RELAY_REQUEST_BYTES_MAX)?;
        match ClientMessage::decode(kind, body).ok()? {
            ClientMessage::GetSealingKey(_) => Some(Self::Key),
            ClientMessage::Envelope(envelope) => Some(Self::Envelope(envelope)),
            _ => None,
        }
    }
}

impl RelayResponse {
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
        let (kind, body) = frame(bytes, RELAY_RESPONSE_BYTES_MAX)?;
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
    match Frame::split_from(&mut rest, most) {
        Ok(Some(Frame {
            kind,
            request: RequestId(0),
            body,
        })) if rest.is_empty() => Some((kind, body)),
        _ => None,
    }
}

/// How much is carried for whom.
pub(super) struct RelayServer<P> {
    line: Option<mpsc::Sender<RelayJob>>,
    rates: BTreeMap<P, RateLimit>,
}

impl<P: Ord + Copy> RelayServer<P> {
    /// Carries nothing, until there is a line.
    pub(super) fn new() -> Self {
        Self {
            line: None,
            rates: BTreeMap::new(),
        }
    }

    pub(super) fn set_feed(&mut self, line: Option<mpsc::Sender<RelayJob>>) {
        self.line = line;
    }

    pub(super) fn left(&mut self, peer: P) {
        self.rates.remove(&peer);
    }

    /// Hands what a peer brought up the line: then its response comes. Else what it is told at once.
    pub(super) fn take(
        &mut self,
        now: Duration,
        from: P,
        request: RelayRequest,
    ) -> Result<oneshot::Receiver<RelayResponse>, RelayResponse> {
        let Some(line) = &self.line else {
            return Err(RelayResponse::busy(
                "this peer carries nothing; ask one that does (auction watch --p2p --relay)",
            ));
        };
        let rate = self.rates.entry(from);
        let rate = rate.or_insert_with(|| {
            RateLimit::new(now, RELAY_REQUESTS_BURST, RELAY_REQUESTS_PER_SECOND)
        });
        if !rate.allow(now) {
            return Err(RelayResponse::busy(
                "you hand over too much; try again later",
            ));
        }
        let (response, delivered) = oneshot::channel();
        match line.try_send((request, response)) {
            Ok(()) => Ok(delivered),
            Err(TrySendError::Full(_)) => Err(RelayResponse::busy(
                "this peer carries as much as it can for now",
            )),
            Err(TrySendError::Closed(_)) => Err(RelayResponse::busy("this peer has lost its line")),
        }
    }
}

/// Carries over a line for as long as something is handed over, so much at a time.
pub(super) async fn serve<C>(carrier: C, mut handed: mpsc::Receiver<RelayJob>)
where
    C: Relay + Clone + Send + Sync + 'static,
{
    let room = std::sync::Arc::new(tokio::sync::Semaphore::new(RELAYED_CONCURRENTLY_MAX));
    while let Some((request, response)) = handed.recv().await {
        let room = room.clone().acquire_owned().await;
        let carrier = carrier.clone();
        tokio::spawn(async move {
            let _room = room;
            let brought = match request {
                RelayRequest::Key => carrier.sealing_key().await.map(RelayResponse::Key),
                RelayRequest::Envelope(envelope) => {
                    carrier.relay(envelope).await.map(RelayResponse::Answer)
                }
            };
            let brought = brought.unwrap_or_else(|because| match because {
                RelayError::Refused(refused) => RelayResponse::Refused(*refused),
                RelayError::Unreachable(text) | RelayError::Lost(text) => {
                    RelayResponse::busy(&text)
                }
            });
            // Who asked may have left.
            let _ = response.send(brought);
        });
    }
}
