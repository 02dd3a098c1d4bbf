//! Messages between peers, as bytes: signed messages in the server's frames, and the few bytes around them.

use std::sync::Arc;

use auction_core::{FeedSequence, MarketId, RequestId};
use auction_proto::{
    AnySigned, Frame, MarketKey, ServerMessage, SignedBatch, SignedSnapshot, SnapshotBytes,
    encode_frame, limits::FRAME_BYTES_MAX,
};

use libp2p::Multiaddr;

use super::limits::{ANSWER_BYTES_MAX, GOSSIP_BYTES_MAX, INTRODUCED_MAX};

/// A signed batch with its bytes, as passed on from peer to peer.
#[derive(Clone, Debug)]
pub struct GossipMessage {
    /// The batch; its signature is not checked yet.
    pub batch: SignedBatch,
    /// Its frame. The same batch has the same bytes everywhere, so that a hash of them identifies it with its
    /// signature.
    pub bytes: Arc<[u8]>,
}

/// Invalid bytes from another peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than any message.
    #[error("{0} bytes are more than any message has")]
    TooLong(usize),
    /// Unreadable, or a message of another kind.
    #[error("the bytes are not the expected message")]
    Malformed,
}

impl GossipMessage {
    /// Creates a message from a batch.
    #[must_use]
    pub fn of(batch: SignedBatch) -> Self {
        let mut bytes = Vec::new();
        encode_frame(RequestId(0), &batch, &mut bytes);
        let bytes = bytes.into();
        Self { batch, bytes }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > GOSSIP_BYTES_MAX {
            return Err(MessageError::TooLong(bytes.len()));
        }
        let mut rest = bytes;
        let message = message(&mut rest)?;
        match (message, rest) {
            (ServerMessage::SignedBatch(batch), []) => Ok(Self {
                batch,
                bytes: bytes.into(),
            }),
            _ => Err(MessageError::Malformed),
        }
    }
}

fn message(rest: &mut &[u8]) -> Result<ServerMessage, MessageError> {
    let Ok(Some(Frame {
        kind,
        request: RequestId(0),
        body,
    })) = Frame::split_from(rest, FRAME_BYTES_MAX)
    else {
        return Err(MessageError::Malformed);
    };
    ServerMessage::decode(kind, body).map_err(|_| MessageError::Malformed)
}

/// A request from one peer to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerRequest {
    /// The batches after a place of the feed.
    Batches {
        /// The place.
        after: FeedSequence,
    },
    /// The statement of a signed snapshot that is newer than a place.
    Snapshot {
        /// The place; 0: any snapshot.
        beyond: FeedSequence,
    },
    /// A part of a signed snapshot.
    Part {
        /// The snapshot's place of the feed.
        of: FeedSequence,
        /// The part's place among the parts.
        index: u32,
    },
    /// The market that has the key of this mesh.
    Market,
    /// Addresses of other peers.
    Peers,
}

/// The answer to a [`PeerRequest`]. It is trusted only after its signature or hash was checked.
#[derive(Clone, Debug)]
pub enum PeerResponse {
    /// Batches, in order; at least one.
    Batches(Vec<Arc<GossipMessage>>),
    /// A signed snapshot, without its parts.
    Snapshot(SignedSnapshot),
    /// A part.
    Part(SnapshotBytes),
    /// The market and its key, and a statement signed by that market as the proof that they belong together.
    Market {
        /// The market and its key.
        key: MarketKey,
        /// The proof.
        signed: AnySigned,
    },
    /// Addresses where other peers may be reachable. At most [`INTRODUCED_MAX`].
    Peers(Vec<Multiaddr>),
    /// The peer does not have it.
    NotHere,
    /// The peer has received too many requests.
    Busy,
}

const ASK_BYTES: usize = 1 + 16 + 8 + 4;

impl PeerRequest {
    /// Encodes a request: a number, the market's id, or zeros if it is not known yet, a place, and the index of a part,
    /// both little-endian, or 0.
    #[must_use]
    pub fn encode(self, market: Option<MarketId>) -> [u8; ASK_BYTES] {
        let market = market.unwrap_or(MarketId([0; 16]));
        let (tag, place, index) = match self {
            Self::Batches { after } => (1, after, 0),
            Self::Snapshot { beyond } => (2, beyond, 0),
            Self::Part { of, index } => (3, of, index),
            Self::Market => (4, FeedSequence(0), 0),
            Self::Peers => (5, FeedSequence(0), 0),
        };
        let mut bytes = [0; ASK_BYTES];
        bytes[0] = tag;
        bytes[1..17].copy_from_slice(&market.0);
        bytes[17..25].copy_from_slice(&place.0.to_le_bytes());
        bytes[25..].copy_from_slice(&index.to_le_bytes());
        bytes
    }

    /// Reads a request, and the market that it concerns.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn decode(bytes: &[u8]) -> Result<(MarketId, Self), MessageError> {
        let bytes: &[u8; ASK_BYTES] = bytes.try_into().map_err(|_| MessageError::Malformed)?;
        let (tag, rest) = bytes.split_first().ok_or(MessageError::Malformed)?;
        let (market, rest) = rest.split_first_chunk().ok_or(MessageError::Malformed)?;
        let (place, rest) = rest.split_first_chunk().ok_or(MessageError::Malformed)?;
        let index = rest.try_into().map_err(|_| MessageError::Malformed)?;
        let (place, index) = (
            FeedSequence(u64::from_le_bytes(*place)),
            u32::from_le_bytes(index),
        );
        let ask = match (tag, index) {
            (1, 0) => Self::Batches { after: place },
            (2, 0) => Self::Snapshot { beyond: place },
            (3, index) => Self::Part { of: place, index },
            (4, 0) if place.0 == 0 => Self::Market,
            (5, 0) if place.0 == 0 => Self::Peers,
            _ => return Err(MessageError::Malformed),
        };
        Ok((MarketId(*market), ask))
    }
}

impl PeerResponse {
    /// Encodes a response: `1` and frames of batches, `2` and the frame of a signed snapshot, `3` and the frame of a
    /// part, `4` for not here, `5` for busy, `6` and the frames of the market's key and of a signed statement, or `7`
    /// and addresses, each after a byte with its length.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Batches(messages) => {
                bytes.push(1);
                messages
                    .iter()
                    .for_each(|message| bytes.extend(&*message.bytes));
            }
            Self::Snapshot(signed) => {
                bytes.push(2);
                encode_frame(RequestId(0), signed, &mut bytes);
            }
            Self::Part(part) => {
                bytes.push(3);
                encode_frame(RequestId(0), part, &mut bytes);
            }
            Self::NotHere => bytes.push(4),
            Self::Busy => bytes.push(5),
            Self::Market { key, signed } => {
                bytes.push(6);
                encode_frame(RequestId(0), key, &mut bytes);
                match signed {
                    AnySigned::Batch(signed) => encode_frame(RequestId(0), signed, &mut bytes),
                    AnySigned::Snapshot(signed) => encode_frame(RequestId(0), signed, &mut bytes),
                    AnySigned::Checkpoint(signed) => {
                        encode_frame(RequestId(0), signed, &mut bytes);
                    }
                }
            }
            Self::Peers(addresses) => {
                bytes.push(7);
                for address in addresses.iter().take(INTRODUCED_MAX) {
                    let address = address.as_ref();
                    // Addresses longer than any in use are left out.
                    if let Ok(length) = u8::try_from(address.len()) {
                        bytes.push(length);
                        bytes.extend(address);
                    }
                }
            }
        }
        bytes
    }

    /// Reads a response.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(MessageError::TooLong(bytes.len()));
        }
        let (tag, mut rest) = bytes.split_first().ok_or(MessageError::Malformed)?;
        let answer = match tag {
            1 => Self::Batches(read_letters(&mut rest)?),
            2 => match message(&mut rest)? {
                ServerMessage::SignedSnapshot(signed) => Self::Snapshot(signed),
                _ => return Err(MessageError::Malformed),
            },
            3 => match message(&mut rest)? {
                ServerMessage::SnapshotBytes(part) => Self::Part(part),
                _ => return Err(MessageError::Malformed),
            },
            4 => Self::NotHere,
            5 => Self::Busy,
            6 => read_market(&mut rest)?,
            7 => Self::Peers(read_addresses(&mut rest)?),
            _ => return Err(MessageError::Malformed),
        };
        match rest {
            [] => Ok(answer),
            _ => Err(MessageError::Malformed),
        }
    }
}

fn read_letters(rest: &mut &[u8]) -> Result<Vec<Arc<GossipMessage>>, MessageError> {
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let whole = *rest;
        message(rest)?;
        messages.push(Arc::new(GossipMessage::read(
            &whole[..whole.len() - rest.len()],
        )?));
    }
    match messages.is_empty() {
        true => Err(MessageError::Malformed),
        false => Ok(messages),
    }
}

fn read_market(rest: &mut &[u8]) -> Result<PeerResponse, MessageError> {
    let ServerMessage::MarketKey(key) = message(rest)? else {
        return Err(MessageError::Malformed);
    };
    let signed = match message(rest)? {
        ServerMessage::SignedBatch(signed) => AnySigned::Batch(signed),
        ServerMessage::SignedSnapshot(signed) => AnySigned::Snapshot(signed),
        ServerMessage::SignedCheckpoint(signed) => AnySigned::Checkpoint(signed),
        _ => return Err(MessageError::Malformed),
    };
    Ok(PeerResponse::Market { key, signed })
}

fn read_addresses(rest: &mut &[u8]) -> Result<Vec<Multiaddr>, MessageError> {
    let mut addresses = Vec::new();
    while let Some((length, behind)) = rest.split_first() {
        let parts = behind.split_at_checked(usize::from(*length));
        let (address, behind) = parts.ok_or(MessageError::Malformed)?;
        let address = Multiaddr::try_from(address.to_vec());
        addresses.push(address.map_err(|_| MessageError::Malformed)?);
        *rest = behind;
        if addresses.len() > INTRODUCED_MAX {
            return Err(MessageError::Malformed);
        }
    }
    Ok(addresses)
}
