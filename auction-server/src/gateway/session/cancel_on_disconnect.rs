//! Cancels the open orders of disconnected sessions whose dead-man switch has fired.

use std::sync::Weak;
use std::time::Duration;

use auction_core::{AccountEvent, Caller, Command, Reply, SessionId, StandingOrder, UserId};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::gateway::session::services::Services;
use crate::market::dead_man::{Expired, ExpiryCause};
use crate::platform::shutdown::stopped;
use crate::sequencer::queue::{SequencerHandle, SubmitError};

/// Maximum number of cancels under way at a time, so that the sequencer's queue keeps room for others.
const CANCELS_AT_ONCE: usize = 256;
/// Pause before a retry when the sequencer is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Cancels orders until the server is ending. It keeps the server running only during a cancel.
pub(crate) async fn cancel_on_disconnect(services: Weak<Services>) {
    let Some((dead_man, mut stopping)) = services
        .upgrade()
        .map(|services| (services.dead_man.clone(), services.stopping.clone()))
    else {
        return;
    };
    loop {
        let expired = tokio::select! {
            biased;
            // Connections that end with the server are not lost: their grace period begins again after its next start.
            () = stopped(&mut stopping) => return,
            expired = dead_man.next() => expired,
        };
        let Some(services) = services.upgrade() else {
            return;
        };
        let cancelled_orders = tokio::select! {
            biased;
            () = stopped(&mut stopping) => return,
            cancelled_orders = cancel_orders(&services, expired) => cancelled_orders,
        };
        match cancelled_orders {
            Some(count) => {
                let Expired { session, user, .. } = expired;
                tracing::info!(%session, %user, orders = count, "a dead-man switch fired");
            }
            // The sequencer or the hub has ended.
            None => return,
        }
    }
}

/// Cancels the orders that the rules allow to cancel; returns their number.
async fn cancel_orders(services: &Services, expired: Expired) -> Option<usize> {
    let Expired { session, user, how } = expired;
    // Queued after all earlier requests of the session, so that orders still under way are included.
    retry(|| services.sequencer.last_request(session)).await?;
    let orders = services.hub.orders_of(user).await.ok()?;
    let fired = AccountEvent::DeadManFired { session };
    let now = services.clock.now();
    services.hub.notify_account(now, user, fired).await.ok()?;
    let mut cancelled_orders = 0;
    for some in orders.chunks(CANCELS_AT_ONCE) {
        let mut cancels = JoinSet::new();
        for order in some {
            cancels.spawn(cancel(services.sequencer.clone(), user, *order));
        }
        while let Some(cancelled) = cancels.join_next().await {
            cancelled_orders += usize::from(cancelled.ok()??);
        }
    }
    if *services.hub.tells_days().borrow() {
        cancelled_orders += cancel_on_days(&services.sequencer, user).await?;
    }
    if how == ExpiryCause::Ended {
        clear(&services.sequencer, session).await?;
    }
    Some(cancelled_orders)
}

/// Returns whether the order was cancelled. One that the rules bind stays; one may be gone already.
async fn cancel(sequencer: SequencerHandle, user: UserId, order: StandingOrder) -> Option<bool> {
    let StandingOrder { lot, order, .. } = order;
    let cancel = Command::CancelOrder { lot, order };
    let decision = retry(|| sequencer.command(Caller::User(user), cancel.clone())).await?;
    Some(decision.is_ok())
}

/// Cancels the orders on trading days, and returns their number.
async fn cancel_on_days(sequencer: &SequencerHandle, user: UserId) -> Option<usize> {
    let all = Command::CancelAll {
        trader: None,
        lot: None,
    };
    let mut cancelled_orders = 0;
    loop {
        let decision = retry(|| sequencer.command(Caller::User(user), all.clone())).await?;
        // A suspension has cancelled the orders already, and refuses more.
        let Ok(Reply::AllCancelled {
            cancelled, more, ..
        }) = decision.map(|done| done.reply)
        else {
            return Some(cancelled_orders);
        };
        cancelled_orders += cancelled as usize;
        if !more {
            return Some(cancelled_orders);
        }
    }
}

/// Records that the session has ended and its orders are cancelled, so that a restart does not repeat it.
async fn clear(sequencer: &SequencerHandle, session: SessionId) -> Option<()> {
    let grace = None;
    let clear = Command::SetDeadMan { session, grace };
    retry(|| sequencer.command(Caller::Operator, clear.clone()))
        .await
        .map(drop)
}

/// Asks again while the sequencer is busy; returns `None` when it has ended.
async fn retry<T, F>(ask: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<T, SubmitError>>,
{
    loop {
        match ask().await {
            Ok(answer) => return Some(answer),
            Err(SubmitError::Busy) => sleep(BUSY_PAUSE).await,
            Err(SubmitError::Stopped | SubmitError::Unknown) => return None,
        }
    }
}
