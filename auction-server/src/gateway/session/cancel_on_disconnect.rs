//! Pulls the open orders of those whose session has died, as the dead-man switch of the session asks.

use std::sync::Weak;
use std::time::Duration;

use auction_core::{AccountEvent, Caller, Command, SessionId, StandingOrder, UserId};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::gateway::session::{Services, stopped};
use crate::market::dead_man::{Died, HowDied};
use crate::sequencer::queue::{Answer, Inbox, NotTaken, Work};

/// How many cancels are under way at a time, so that others find room in the sequencer's inbox.
const CANCELS_AT_ONCE: usize = 256;
/// How long to wait when the sequencer is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Pulls orders until the server is ending. It keeps nothing of the server running but while it pulls.
pub(crate) async fn pull_orders(services: Weak<Services>) {
    let Some((switches, mut stopping)) = services
        .upgrade()
        .map(|services| (services.switches.clone(), services.stopping.clone()))
    else {
        return;
    };
    loop {
        let died = tokio::select! {
            biased;
            // Connections that end with the server are not lost: after its start they have their grace anew.
            () = stopped(&mut stopping) => return,
            died = switches.next() => died,
        };
        let Some(services) = services.upgrade() else {
            return;
        };
        let pulled = tokio::select! {
            biased;
            () = stopped(&mut stopping) => return,
            pulled = pull(&services, died) => pulled,
        };
        match pulled {
            Some(count) => {
                let Died { session, user, .. } = died;
                tracing::info!(%session, %user, orders = count, "a dead-man switch fired");
            }
            // The sequencer or the hub has ended.
            None => return,
        }
    }
}

/// Cancels what can be cancelled; gives how many that was.
async fn pull(services: &Services, died: Died) -> Option<usize> {
    let Died { session, user, how } = died;
    // Behind all that the session has asked before: its orders on their way count too.
    ask(&services.inbox, Caller::Operator, || {
        Work::LastRequest(session)
    })
    .await?;
    let orders = services.hub.orders_of(user).await.ok()?;
    let fired = AccountEvent::DeadManFired { session };
    let now = services.clock.now();
    services.hub.tell(now, user, fired).await.ok()?;
    let mut pulled = 0;
    for some in orders.chunks(CANCELS_AT_ONCE) {
        let mut cancels = JoinSet::new();
        for order in some {
            cancels.spawn(cancel(services.inbox.clone(), user, *order));
        }
        while let Some(cancelled) = cancels.join_next().await {
            pulled += usize::from(cancelled.ok()??);
        }
    }
    if how == HowDied::Ended {
        clear(&services.inbox, session).await?;
    }
    Some(pulled)
}

/// Whether the order was cancelled. One that the rules bind stays; one that has gone meanwhile is gone.
async fn cancel(inbox: Inbox, user: UserId, order: StandingOrder) -> Option<bool> {
    let StandingOrder { lot, order, .. } = order;
    let work = || Work::Command(Command::CancelOrder { lot, order });
    let answer = ask(&inbox, Caller::User(user), work).await?;
    Some(matches!(answer, Answer::Decided(Ok(_))))
}

/// The session has ended and its orders are pulled: nothing is left to do after a restart.
async fn clear(inbox: &Inbox, session: SessionId) -> Option<()> {
    let grace = None;
    let work = || Work::Command(Command::SetDeadMan { session, grace });
    ask(inbox, Caller::Operator, work).await.map(drop)
}

/// Asks until it is taken; `None` when the sequencer has ended.
async fn ask(inbox: &Inbox, caller: Caller, work: impl Fn() -> Work) -> Option<Answer> {
    loop {
        match inbox.ask(caller, work()).await {
            Ok(answer) => return Some(answer),
            Err(NotTaken::Busy) => sleep(BUSY_PAUSE).await,
            Err(NotTaken::Stopped | NotTaken::Unknown) => return None,
        }
    }
}
