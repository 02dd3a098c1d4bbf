//! A session as its connections hold it: it tells whether the session still lives.
//!
//! Its close is noted here as soon as it is durable, before anyone is told of it. So whoever asks after that is refused,
//! and nothing that an account holds is read by a number that was remembered at the login.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use auction_core::{Reject, SessionId, Timestamp, UserId};
use tokio::sync::Notify;

/// A session that a connection speaks for. It may have ended since: [`check`](Self::check).
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// Its number.
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// From here on it is refused.
    pub expires_at: Timestamp,
    pub(crate) close: Arc<Close>,
}

/// Whether a session was closed, shared with all who speak for it.
#[derive(Debug, Default)]
pub(crate) struct Close {
    is_done: AtomicBool,
    done: Notify,
}

impl Close {
    /// The session is closed, durably.
    pub(crate) fn note(&self) {
        self.is_done.store(true, Release);
        self.done.notify_waiters();
    }
}

impl LiveSession {
    /// Whether the session lives at `now`, by the market's clock: an expired one is refused from `expires_at` on.
    ///
    /// # Errors
    /// [`Reject::SessionClosed`] or [`Reject::SessionExpired`], as the market decides about a command of it.
    pub fn check(&self, now: Timestamp) -> Result<(), Reject> {
        let session = self.session;
        if self.close.is_done.load(Acquire) {
            return Err(Reject::SessionClosed { session });
        }
        if now >= self.expires_at {
            return Err(Reject::SessionExpired {
                session,
                expired_at: self.expires_at,
            });
        }
        Ok(())
    }

    /// Waits until the session is closed. It may expire meanwhile.
    pub async fn closed(&self) {
        let done = self.close.done.notified();
        // Whoever waits is woken by a close after this; one before it is seen here.
        if !self.close.is_done.load(Acquire) {
            done.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> LiveSession {
        LiveSession {
            session: SessionId(7),
            user: UserId(3),
            expires_at: Timestamp::from_secs(1_000),
            close: Arc::default(),
        }
    }

    #[test]
    fn a_session_lives_to_the_last_microsecond_before_its_expiry() {
        let live = live();
        let end = live.expires_at.micros();
        let last = Timestamp::from_micros(end - 1).unwrap();
        assert_eq!(live.check(last), Ok(()));
        let expired = Reject::SessionExpired {
            session: live.session,
            expired_at: live.expires_at,
        };
        assert_eq!(live.check(live.expires_at), Err(expired));
    }

    #[tokio::test]
    async fn all_who_hold_a_session_see_its_close_and_are_woken_by_it() {
        let live = live();
        let (other, now) = (live.clone(), Timestamp::from_secs(1));
        let waits = tokio::spawn(async move { other.closed().await });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        live.close.note();
        waits.await.unwrap();
        let session = live.session;
        assert_eq!(live.check(now), Err(Reject::SessionClosed { session }));
        live.closed().await;
        // That it was closed says more than that it would have expired by now.
        let closed = Err(Reject::SessionClosed { session });
        assert_eq!(live.check(live.expires_at), closed);
    }
}
