//! What goes into a [`View`](crate::peer::View), and what comes out.

use std::sync::Arc;

use auction_core::MarketId;
use auction_proto::{
    BatchStatement, Conflict, EquivocationProof, KeyFingerprint, PublicKey, SignedBatch,
};

use crate::peer::message::{GossipMessage, MessageError, PeerRequest, PeerResponse};
use crate::peer::snapshot_download::Snapshot;

/// Which market is followed, and the key without which nothing is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinnedMarket {
    /// The market.
    pub market: MarketId,
    /// Its key.
    pub key: PublicKey,
}

/// What is believed from the beginning on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// Whoever has the key with this fingerprint. Other peers know which key and which market that is, and prove it.
    Key(KeyFingerprint),
    /// This market.
    Market(PinnedMarket),
}

impl Pin {
    /// The key's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> KeyFingerprint {
        match self {
            Self::Key(fingerprint) => *fingerprint,
            Self::Market(pinned) => pinned.key.fingerprint(),
        }
    }
}

/// What happens to a peer. `P` names another one.
#[derive(Clone, Debug)]
pub enum Input<P> {
    /// Another can be asked from now on.
    Joined(P),
    /// Another is gone.
    Left(P),
    /// The mesh brought bytes. Answered by [`Action::Validate`].
    Gossip {
        /// Who passed them on.
        from: P,
        /// What came.
        bytes: Vec<u8>,
    },
    /// The market's server sent a batch on a line of one's own.
    ServerBatch(SignedBatch),
    /// The server sent a snapshot on a line of one's own, or one was kept.
    ServerSnapshot(Snapshot),
    /// The server sent a newer snapshot, for those who join later. It moves nothing here.
    NewerSnapshot(Snapshot),
    /// What came of an [`Action::Request`].
    Response {
        /// Who was asked.
        from: P,
        /// What.
        ask: PeerRequest,
        /// The answer; `None`: there is none, for the peer is gone or was too slow.
        answer: Option<Result<PeerResponse, MessageError>>,
    },
    /// Another asks. Answered by [`Action::Respond`].
    Request {
        /// Who.
        from: P,
        /// Of which market.
        market: MarketId,
        /// What.
        ask: PeerRequest,
    },
    /// What was told does not fit together for whoever folds it: only a snapshot helps.
    FoldFailed,
    /// Time has gone by.
    Tick,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Action<P> {
    /// What the mesh does with the message that was heard.
    Validate(Verdict),
    /// To be passed on: it came from the server.
    Publish(Arc<GossipMessage>),
    /// To be asked.
    Request {
        /// Whom.
        peer: P,
        /// What.
        ask: PeerRequest,
    },
    /// The answer to what was asked.
    Respond(PeerResponse),
    /// A peer to be cut off, and not let in again.
    Ban {
        /// Who.
        peer: P,
        /// The last of what it did.
        because: Misbehaviour,
    },
    /// News for whoever follows the market.
    Emit(ViewUpdate),
}

/// What becomes of a message of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is passed on.
    Accept,
    /// It is not passed on, and nobody is to blame.
    Ignore,
    /// It is not passed on, and counts against who brought it.
    Reject,
}

/// What only a hostile or broken peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misbehaviour {
    /// It passed on what the market has not signed.
    Forged,
    /// It passed on what cannot be read.
    Malformed,
    /// It passed on more than a message can have.
    Oversize,
    /// It brought more than any market signs.
    Flooding,
    /// It answered with something else than it was asked for.
    WrongAnswer,
}

/// News, in order.
#[derive(Clone, Debug)]
pub enum ViewUpdate {
    /// The market anew.
    Snapshot(Arc<Snapshot>),
    /// Events, of which those beyond the place of the fold are new. It never begins beyond that place.
    Batch(Arc<BatchStatement>),
    /// How things stand has changed.
    Status(Status),
    /// The market has signed two things of which one is a lie. It is told once.
    Equivocation {
        /// Both.
        proof: Box<EquivocationProof>,
        /// How they contradict each other.
        conflict: Conflict,
    },
}

/// How far the view can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has not begun.
    Joining,
    /// It shows the market as it is, give or take [`STALE_AFTER`](crate::peer::limits::STALE_AFTER).
    Live,
    /// It does not: nothing new was heard for [`STALE_AFTER`](crate::peer::limits::STALE_AFTER), or what is missing did not come in that time.
    Stale,
}
