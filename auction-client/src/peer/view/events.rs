//! Inputs and actions of a [`View`](crate::peer::View).

use std::sync::Arc;

use auction_core::MarketId;
use auction_proto::{
    BatchStatement, Conflict, EquivocationProof, KeyFingerprint, PublicKey, SignedBatch,
};

use crate::peer::message::{GossipMessage, MessageError, PeerRequest, PeerResponse};
use crate::peer::snapshot_download::Snapshot;

/// A market, and the key that its data must be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinnedMarket {
    /// The market.
    pub market: MarketId,
    /// Its key.
    pub key: PublicKey,
}

/// Identity of the market, known before joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The market of the key with this fingerprint. Other peers know the key and the market, and prove it.
    Key(KeyFingerprint),
    /// This market.
    Market(PinnedMarket),
}

impl Pin {
    /// Returns the key's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> KeyFingerprint {
        match self {
            Self::Key(fingerprint) => *fingerprint,
            Self::Market(pinned) => pinned.key.fingerprint(),
        }
    }
}

/// An event for a peer's view. `P` identifies another peer.
#[derive(Clone, Debug)]
pub enum Input<P> {
    /// A peer connected.
    Joined(P),
    /// A peer disconnected.
    Left(P),
    /// Bytes received from the mesh. Answered by [`Action::Validate`].
    Gossip {
        /// The peer that passed them on.
        from: P,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A batch over this peer's own connection to the server.
    ServerBatch(SignedBatch),
    /// A snapshot over this peer's own connection to the server, or a kept one.
    ServerSnapshot(Snapshot),
    /// A newer snapshot from the server, for later joiners. It does not move the view.
    NewerSnapshot(Snapshot),
    /// Result of an [`Action::Request`].
    Response {
        /// The peer that was asked.
        from: P,
        /// The request.
        ask: PeerRequest,
        /// The answer; `None`: the peer is gone or was too slow.
        answer: Option<Result<PeerResponse, MessageError>>,
    },
    /// A request of another peer. Answered by [`Action::Respond`].
    Request {
        /// The peer.
        from: P,
        /// The market that it asks about.
        market: MarketId,
        /// The request.
        ask: PeerRequest,
    },
    /// The emitted updates do not fit the watcher's fold: it needs a snapshot.
    FoldFailed,
    /// Time has passed.
    Tick,
}

/// An action that the view requests.
#[derive(Clone, Debug)]
pub enum Action<P> {
    /// Verdict about the received gossip message.
    Validate(Verdict),
    /// Publish a message that came from the server.
    Publish(Arc<GossipMessage>),
    /// Send a request.
    Request {
        /// The peer to ask.
        peer: P,
        /// The request.
        ask: PeerRequest,
    },
    /// Answer to the request of another peer.
    Respond(PeerResponse),
    /// Disconnect a peer, and refuse it from now on.
    Ban {
        /// The peer.
        peer: P,
        /// Its last misbehaviour.
        because: Misbehaviour,
    },
    /// Update for the watcher.
    Emit(ViewUpdate),
}

/// Verdict about a gossip message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Pass it on.
    Accept,
    /// Do not pass it on, and penalize no peer.
    Ignore,
    /// Do not pass it on, and penalize the peer that sent it.
    Reject,
}

/// Behaviour of a hostile or broken peer only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misbehaviour {
    /// It passed on data not signed by the market.
    Forged,
    /// It passed on an unreadable message.
    Malformed,
    /// It passed on a message that is too long.
    Oversize,
    /// It sent more batches than any market signs.
    Flooding,
    /// It answered a request with something else.
    WrongAnswer,
}

/// An update of the view, in order.
#[derive(Clone, Debug)]
pub enum ViewUpdate {
    /// A new snapshot of the market.
    Snapshot(Arc<Snapshot>),
    /// Events, of which those after the place of the fold are new. It never begins after that place.
    Batch(Arc<BatchStatement>),
    /// The status has changed.
    Status(Status),
    /// The market has signed two contradicting statements. Reported once.
    Equivocation {
        /// Both statements.
        proof: Box<EquivocationProof>,
        /// The contradiction.
        conflict: Conflict,
    },
}

/// Reliability of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The view has no snapshot yet.
    Joining,
    /// The view shows the current market, up to [`STALE_AFTER`](crate::peer::limits::STALE_AFTER) late.
    Live,
    /// The view is outdated: nothing new came for [`STALE_AFTER`](crate::peer::limits::STALE_AFTER), or missing data
    /// did not come in that time.
    Stale,
}
