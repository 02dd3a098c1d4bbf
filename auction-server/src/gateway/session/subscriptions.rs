//! The subscriptions of a connection: messages that are sent without further requests.

use std::sync::Arc;

use auction_core::{RequestId, Sequence};
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
/// Messages that a connection waits for from the projections.
pub(super) struct Subscriptions {
    pub(super) feed: Option<FeedWatch>,
    pub(super) account_feed: Option<AccountWatch>,
    pub(super) signed: Option<SignedWatch>,
    pub(super) heartbeats: watch::Receiver<Arc<FeedMessage>>,
    /// Requested receipts, checkpoints and pages of activity; dropped with the connection.
    pub(super) proofs: JoinSet<(RequestId, Proof)>,
}

impl Subscriptions {
    /// Creates the subscription to heartbeats alone.
    pub(super) fn new(heartbeats: watch::Receiver<Arc<FeedMessage>>) -> Self {
        Self {
            feed: None,
            account_feed: None,
            signed: None,
            heartbeats,
            proofs: JoinSet::new(),
        }
    }

    /// Returns whether heartbeats are not part of a feed, and must be sent separately.
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

/// The current reader of a feed.
pub(super) enum FeedSource {
    /// The connection.
    Own(Subscription),
    /// A fan-out writer, which writes to many connections.
    HandedOff(Lease),
}

impl FeedSource {
    /// Waits for the next message. `None`: the feed was returned, and the write half may hold unwritten bytes. Cancel
    /// safe.
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

/// Returns the next message of the feed; waits forever without one. `None`: the feed was returned, and there may be
/// unwritten bytes.
pub(super) async fn next_feed(
    feed: &mut Option<FeedWatch>,
) -> Result<Option<Arc<FeedMessage>>, SubscriptionError> {
    match feed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// Returns the next message of the signed feed; waits forever without one. `None`: it is behind.
pub(super) async fn next_signed(signed: &mut Option<SignedWatch>) -> Option<SignedNext> {
    match signed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// Returns the next event of the user's account; waits forever without a watch. `None`: it is behind.
pub(super) async fn next_account_feed(
    account_feed: &mut Option<AccountWatch>,
) -> Option<Arc<AccountFeed>> {
    match account_feed {
        Some(watched) => watched.feed.next().await,
        None => std::future::pending().await,
    }
}

/// Returns the next heartbeat; waits forever when the hub has ended.
pub(super) async fn next_heartbeat(
    heartbeats: &mut watch::Receiver<Arc<FeedMessage>>,
) -> Arc<FeedMessage> {
    match heartbeats.changed().await {
        Ok(()) => heartbeats.borrow_and_update().clone(),
        Err(_) => std::future::pending().await,
    }
}

/// Outcome of a request for a proof.
pub(super) enum Proof {
    Checkpoint(Option<Sequence>, Result<SignedCheckpoint, ProofError>),
    /// With the session that asked: it may end while the receipt waits for its checkpoint.
    Receipt(LiveSession, ReceiptOf, Result<Receipt, ProofError>),
    /// Not a proof, but waited for in the same way.
    Activity(LiveSession, Result<Activity, HistoryError>),
    /// The request was not submitted.
    Unsubmitted(SubmitError),
}

/// Returns the next proof; waits forever while none is requested.
pub(super) async fn next_proof(proofs: &mut JoinSet<(RequestId, Proof)>) -> (RequestId, Proof) {
    loop {
        match proofs.join_next().await {
            Some(Ok(proof)) => return proof,
            // The task was cancelled because the runtime is ending.
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}
