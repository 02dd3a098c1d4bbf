//! Dead-man switches: which sessions have one, how many connections speak for them, and which have expired.
//!
//! That a session has a switch is journalled, and outlives it; who speaks for it is known here alone. After a start
//! every session with a switch counts as away, and has its whole grace. Behind a lock, which the way of a bid never
//! takes: it changes when connections come and go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auction_core::{DeadMan, Engine, PrivateEvent, SessionId, Span, UserId};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::market::group_commit::Committed;
use crate::platform::clock::STANDSTILL;

/// Interval of looks at the time while a session is away: a longer gap is a standstill of this process.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The switches of all sessions.
#[derive(Default)]
pub struct DeadManSwitches {
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Default)]
struct Table {
    armed: BTreeMap<SessionId, DeadMan>,
    /// Sessions that have ended, and whose switch is still to be cleared.
    ended: BTreeSet<SessionId>,
    /// How many connections speak for a session.
    connections: HashMap<SessionId, usize>,
    /// When those that are away die.
    due: BTreeSet<(Instant, SessionId)>,
    due_at: HashMap<SessionId, Instant>,
}

/// A session that has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The session.
    pub session: SessionId,
    /// Whose it is or was.
    pub user: UserId,
    /// Whether it was only away, or has ended.
    pub how: ExpiryCause,
}

/// How a session died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryCause {
    /// It was away for too long; it can still be resumed.
    Away,
    /// It has ended.
    Ended,
}

impl DeadManSwitches {
    /// The switches of an engine, all of which is durable: nobody speaks for any session yet.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        let mut table = Table::default();
        for (session, dead_man) in engine.roster().dead_men() {
            table.armed.insert(session, dead_man);
            if engine.roster().session(session).is_none() {
                table.ended.insert(session);
            }
            table.start_grace(session);
        }
        Self {
            table: Mutex::new(table),
            changed: Notify::new(),
        }
    }

    /// Takes what has become durable.
    pub fn on_commit(&self, committed: &Committed) {
        for (_, event) in committed.private() {
            match event {
                PrivateEvent::DeadManSet {
                    session,
                    user,
                    grace,
                } => self.change(|table| table.set(*session, *user, *grace)),
                PrivateEvent::SessionClosed { session } => {
                    self.change(|table| table.end(*session));
                }
                _ => {}
            }
        }
    }

    /// One more connection speaks for a session.
    pub fn connected(&self, session: SessionId) {
        self.change(|table| {
            *table.connections.entry(session).or_default() += 1;
            if !table.ended.contains(&session) {
                table.postpone(session);
            }
        });
    }

    /// A connection speaks for it no more.
    pub fn disconnected(&self, session: SessionId) {
        self.change(|table| {
            if let Some(count) = table.connections.get_mut(&session) {
                *count -= 1;
                if *count == 0 {
                    table.connections.remove(&session);
                    table.start_grace(session);
                }
            }
        });
    }

    /// This process did not run for a while: those who are away could not come back, and have their whole grace anew, as
    /// after a start.
    pub fn begin_graces_anew(&self) {
        self.change(Table::begin_graces_anew);
    }

    /// Waits until a session has died. One that is only away dies once, until someone has spoken for it again.
    pub async fn next(&self) -> Expired {
        let standstill = Duration::from_micros(STANDSTILL.micros());
        let mut looked_at = Instant::now();
        loop {
            let changed = self.changed.notified();
            let now = Instant::now();
            let first = {
                let mut table = self.lock();
                // The sequencer notices it too, perhaps too late.
                if now - looked_at > standstill {
                    table.begin_graces_anew();
                }
                if let Some(died) = table.take_due(now) {
                    return died;
                }
                table.due.first().map(|(at, _)| *at)
            };
            looked_at = now;
            match first {
                Some(at) => tokio::select! {
                    () = sleep_until(at.min(now + LOOK_EVERY)) => {}
                    () = changed => {}
                },
                None => {
                    changed.await;
                    looked_at = Instant::now();
                }
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Table)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn set(&mut self, session: SessionId, user: UserId, grace: Option<Span>) {
        match grace {
            Some(grace) => {
                self.armed.insert(session, DeadMan { user, grace });
                // Who armed it may have gone before it was durable.
                self.start_grace(session);
            }
            None => {
                self.armed.remove(&session);
                self.ended.remove(&session);
                self.postpone(session);
            }
        }
    }

    fn end(&mut self, session: SessionId) {
        if self.armed.contains_key(&session) {
            self.ended.insert(session);
            self.start_grace(session);
        }
    }

    /// It dies after its grace, or now if it has ended; unless it has no switch or someone speaks for it.
    fn start_grace(&mut self, session: SessionId) {
        self.postpone(session);
        let Some(dead_man) = self.armed.get(&session) else {
            return;
        };
        let now = Instant::now();
        let at = if self.ended.contains(&session) {
            now
        } else if self.connections.contains_key(&session) {
            return;
        } else {
            now + Duration::from_micros(dead_man.grace.micros())
        };
        self.due.insert((at, session));
        self.due_at.insert(session, at);
    }

    fn begin_graces_anew(&mut self) {
        let away: Vec<SessionId> = self.due_at.keys().copied().collect();
        away.into_iter()
            .for_each(|session| self.start_grace(session));
    }

    fn postpone(&mut self, session: SessionId) {
        if let Some(at) = self.due_at.remove(&session) {
            self.due.remove(&(at, session));
        }
    }

    fn take_due(&mut self, now: Instant) -> Option<Expired> {
        let (at, session) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.postpone(session);
        let user = self.armed.get(&session)?.user;
        let how = match self.ended.contains(&session) {
            true => ExpiryCause::Ended,
            false => ExpiryCause::Away,
        };
        Some(Expired { session, user, how })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const SESSION: SessionId = SessionId(7);
    const USER: UserId = UserId(3);

    fn armed(secs: u64) -> DeadManSwitches {
        let dead_man = DeadManSwitches::default();
        dead_man.connected(SESSION);
        dead_man.change(|table| table.set(SESSION, USER, Some(Span::from_secs(secs))));
        dead_man
    }

    async fn dies_after(dead_man: &DeadManSwitches) -> Option<(Duration, ExpiryCause)> {
        let begun = Instant::now();
        let died = tokio::time::timeout(Duration::from_secs(3_600), dead_man.next()).await;
        let died = died.ok()?;
        assert_eq!((died.session, died.user), (SESSION, USER));
        Some((begun.elapsed(), died.how))
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_dies_when_nobody_has_spoken_for_it_for_its_grace_and_once() {
        let dead_man = armed(10);
        assert_eq!(dies_after(&dead_man).await, None);
        dead_man.connected(SESSION);
        dead_man.disconnected(SESSION);
        assert_eq!(dies_after(&dead_man).await, None, "one still speaks");
        dead_man.disconnected(SESSION);
        let (after, how) = dies_after(&dead_man).await.unwrap();
        assert!(after >= Duration::from_secs(10) && after < Duration::from_secs(11));
        assert_eq!(how, ExpiryCause::Away);
        assert_eq!(dies_after(&dead_man).await, None, "once");
        dead_man.connected(SESSION);
        dead_man.disconnected(SESSION);
        assert!(dies_after(&dead_man).await.is_some(), "and anew");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_in_time_is_spared_and_who_clears_it_too() {
        let dead_man = armed(10);
        dead_man.disconnected(SESSION);
        tokio::time::sleep(Duration::from_secs(9)).await;
        dead_man.connected(SESSION);
        assert_eq!(dies_after(&dead_man).await, None);
        dead_man.disconnected(SESSION);
        dead_man.change(|table| table.set(SESSION, USER, None));
        assert_eq!(dies_after(&dead_man).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_standstill_of_the_process_counts_to_no_grace() {
        let standstill = Duration::from_micros(STANDSTILL.micros());
        let micro = Duration::from_micros(1);
        for (stands_still, begins_anew) in [(standstill, false), (standstill + micro, true)] {
            let dead_man = Arc::new(armed(6));
            dead_man.disconnected(SESSION);
            let left_at = Instant::now();
            let waits = dead_man.clone();
            let died = tokio::spawn(async move { (waits.next().await, Instant::now()) });
            // It has looked once before all stands still.
            tokio::task::yield_now().await;
            tokio::time::advance(stands_still).await;
            let (_, died_at) = died.await.unwrap();
            let grace = Duration::from_secs(6);
            let due = if begins_anew {
                stands_still + grace
            } else {
                grace
            };
            let after = died_at - left_at;
            assert!(after >= due && after < due + Duration::from_millis(10));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_ends_dies_at_once_whoever_speaks_for_it() {
        let dead_man = armed(10);
        dead_man.change(|table| table.end(SESSION));
        let (after, how) = dies_after(&dead_man).await.unwrap();
        assert!(after < Duration::from_secs(1));
        assert_eq!(how, ExpiryCause::Ended);
    }
}
