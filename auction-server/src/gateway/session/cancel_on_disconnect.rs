//! Pulls the open orders of those whose session has died, as the dead-man switch of the session asks.

use std::sync::Weak;
use std::time::Duration;

use auction_core::{AccountEvent, Caller, Command, SessionId, StandingOrder, UserId};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::gateway::session::services::Services;
use crate::market::dead_man::{Expired, ExpiryCause};
use crate::platform::shutdown::stopped;
use crate::sequencer::queue::{SequencerHandle, SubmitError};

/// How many cancels are under way at a time, so that others find room in the sequencer's queue.
const CANCELS_AT_ONCE: usize = 256;
/// How long to wait when the sequencer is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Pulls orders until the server is ending. It keeps nothing of the server running but while it pulls.
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
            // Connections that end with the server are not lost: after its start they have their grace anew.
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

/// Cancels what can be cancelled; gives how many that was.
async fn cancel_orders(services: &Services, expired: Expired) -> Option<usize> {
    let Expired { session, user, how } = expired;
    // Behind all that the session has asked before: its orders on their way count too.
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
    if how == ExpiryCause::Ended {
        clear(&services.sequencer, session).await?;
    }
    Some(cancelled_orders)
}

/// Whether the order was cancelled. One that the rules bind stays; one that has gone meanwhile is gone.
async fn cancel(sequencer: SequencerHandle, user: UserId, order: StandingOrder) -> Option<bool> {
    let StandingOrder { lot, order, .. } = order;
    let cancel = Command::CancelOrder { lot, order };
    let decision = retry(|| sequencer.command(Caller::User(user), cancel.clone())).await?;
    Some(decision.is_ok())
}

/// The session has ended and its orders are pulled: nothing is left to do after a restart.
async fn clear(sequencer: &SequencerHandle, session: SessionId) -> Option<()> {
    let grace = None;
    let clear = Command::SetDeadMan { session, grace };
    retry(|| sequencer.command(Caller::Operator, clear.clone()))
        .await
        .map(drop)
}

/// Asks again while the sequencer is busy; `None` when it has ended.
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
