//! Relaying the envelopes of others over this peer's connection to the server, within limits.
//!
//! This module handles no keys and reads no content: a [`RelayRequest`] is sealed bytes, or the request for the
//! market's key; a [`RelayResponse`] is sealed bytes, or an unsealed refusal of the market. A peer without a connection
//! to the server reports that, and asks no other peer: the sender of an envelope asks several itself.

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

/// A request to be relayed to the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayRequest {
    /// Request for the key that envelopes are sealed to.
    Key,
    /// An envelope.
    Envelope(Envelope),
}

/// Response to a relayed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayResponse {
    /// The key, signed by the market.
    Key(SealingKey),
    /// The answer to an envelope.
    Answer(SealedAnswer),
    /// An unsealed refusal, by the market or by the relay. It is not signed.
    Refused(Refused),
}

/// A request to send to the server, with the channel for its response.
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

    /// Reads a request; `None` for anything else, which is not relayed.
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

    /// Reads a response; `None` for anything else.
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

/// Returns the only frame in the bytes, if it is all of them.
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

/// Relays requests to the server, within a rate per peer.
pub(super) struct RelayServer<P> {
    line: Option<mpsc::Sender<RelayJob>>,
    rates: BTreeMap<P, RateLimit>,
}

impl<P: Ord + Copy> RelayServer<P> {
    /// Creates a server that relays nothing until it has a connection.
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

    /// Hands a peer's request to the connection and returns the channel for its response, or returns a refusal at once.
    pub(super) fn take(
        &mut self,
        now: Duration,
        from: P,
        request: RelayRequest,
    ) -> Result<oneshot::Receiver<RelayResponse>, RelayResponse> {
        let Some(line) = &self.line else {
            return Err(RelayResponse::busy(
                "this peer relays nothing; ask one that does (auction watch --p2p --relay)",
            ));
        };
        let rate = self.rates.entry(from);
        let rate = rate.or_insert_with(|| {
            RateLimit::new(now, RELAY_REQUESTS_BURST, RELAY_REQUESTS_PER_SECOND)
        });
        if !rate.allow(now) {
            return Err(RelayResponse::busy(
                "too many requests to relay; try again later",
            ));
        }
        let (response, delivered) = oneshot::channel();
        match line.try_send((request, response)) {
            Ok(()) => Ok(delivered),
            Err(TrySendError::Full(_)) => Err(RelayResponse::busy(
                "this peer relays as many requests as it can for now",
            )),
            Err(TrySendError::Closed(_)) => Err(RelayResponse::busy(
                "this peer has lost its connection to the server",
            )),
        }
    }
}

/// Relays requests over a connection, a bounded number at a time, until the sending side is closed.
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
            // Ignore send errors: the requester may be gone.
            let _ = response.send(brought);
        });
    }
}
