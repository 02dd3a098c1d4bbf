//! The subscriptions of a connection: what it is sent without asking again.

use std::sync::Arc;

use auction_core::{RequestId, Sequence, SessionId};
use auction_proto::{AccountFeed, Activity, Receipt, ReceiptOf, SignedCheckpoint};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::filter::FeedFilter;
use crate::market::live_session::LiveSession;
use crate::projections::fan_out::Lease;
use crate::projections::feed::{AccountSubscription, FeedMessage, Subscription, SubscriptionError};
use crate::projections::follower::HistoryError;
use crate::projections::signing::{ProofError, SignedNext, SignedSubscription};
use crate::sequencer::queue::SubmitError;

/// Maximum number of proofs and pages of activity that one connection waits for; one more is refused as busy.
pub const PROOFS_AT_ONCE: usize = 16;
/// What a connection waits for from the projections.
pub(super) struct Subscriptions {
    pub(super) feed: Option<FeedWatch>,
    pub(super) account_feed: Option<AccountWatch>,
    pub(super) signed: Option<SignedWatch>,
    pub(super) heartbeats: watch::Receiver<Arc<FeedMessage>>,
    /// Receipts, checkpoints and pages of activity that were asked for; dropped with the connection.
    pub(super) proofs: JoinSet<(RequestId, Proof)>,
}

impl Subscriptions {
    /// Heartbeats alone.
    pub(super) fn new(heartbeats: watch::Receiver<Arc<FeedMessage>>) -> Self {
        Self {
            feed: None,
            account_feed: None,
            signed: None,
            heartbeats,
            proofs: JoinSet::new(),
        }
    }

    /// Whether heartbeats come with no feed, and are to be sent by themselves.
    pub(super) fn needs_heartbeats(&self) -> bool {
        self.feed.is_none() && self.signed.is_none()
    }
}

/// The feed of a connection, and the number of the request that asked for it.
pub(super) struct FeedWatch {
    pub(super) request: RequestId,
    pub(super) filter: FeedFilter,
    pub(super) feed: FeedSource,
}

/// The account that a connection watches, and the number of the request that asked for it.
pub(super) struct AccountWatch {
    pub(super) request: RequestId,
    pub(super) feed: AccountSubscription,
}

/// The signed feed of a connection, and the number of the request that asked for it.
pub(super) struct SignedWatch {
    pub(super) request: RequestId,
    pub(super) feed: SignedSubscription,
}

/// Who takes what is next of a feed.
pub(super) enum FeedSource {
    /// The connection.
    Own(Subscription),
    /// Who writes to many.
    HandedOff(Lease),
}

impl FeedSource {
    /// Waits for the next message. `None`: the feed was returned, and the write half may hold a rest. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<Arc<FeedMessage>>, SubscriptionError> {
        match self {
            Self::Own(feed) => feed.next().await.map(Some),
            Self::HandedOff(loan) => {
                *self = Self::Own(loan.returned().await?);
                Ok(None)
            }
        }
    }

    pub(super) fn try_next(&mut self) -> Result<Option<Arc<FeedMessage>>, SubscriptionError> {
        match self {
            Self::Own(feed) => feed.try_next(),
            Self::HandedOff(_) => Ok(None),
        }
    }
}

/// The next of the feed; never, without one. Nothing: the feed was given back, and something may be left to write.
pub(super) async fn next_feed(
    feed: &mut Option<FeedWatch>,
) -> Result<Option<Arc<FeedMessage>>, SubscriptionError> {
    match feed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// The next of the signed feed; never, without one. Nothing: it is behind.
pub(super) async fn next_signed(signed: &mut Option<SignedWatch>) -> Option<SignedNext> {
    match signed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// What happened to one's account; never, without a watch. Nothing: it is behind.
pub(super) async fn next_account_feed(
    account_feed: &mut Option<AccountWatch>,
) -> Option<Arc<AccountFeed>> {
    match account_feed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// The next heartbeat; never, when the hub has ended.
pub(super) async fn next_heartbeat(
    heartbeats: &mut watch::Receiver<Arc<FeedMessage>>,
) -> Arc<FeedMessage> {
    match heartbeats.changed().await {
        Ok(()) => heartbeats.borrow_and_update().clone(),
        Err(_) => std::future::pending().await,
    }
}

/// The outcome of a question for a proof.
pub(super) enum Proof {
    Checkpoint(Option<Sequence>, Result<SignedCheckpoint, ProofError>),
    /// By the session that asked: it may end while the receipt waits for its checkpoint.
    Receipt(LiveSession, ReceiptOf, Result<Receipt, ProofError>),
    /// Not a proof, but waited for as one.
    Activity(SessionId, Result<Activity, HistoryError>),
    /// The market was not asked.
    Unsubmitted(SubmitError),
}

/// The next proof; never, while none is asked for.
pub(super) async fn next_proof(proofs: &mut JoinSet<(RequestId, Proof)>) -> (RequestId, Proof) {
    loop {
        match proofs.join_next().await {
            Some(Ok(proof)) => return proof,
            // It was given up with the runtime, which is ending.
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}
