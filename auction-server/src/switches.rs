//! Dead-man switches: which sessions have one, who speaks for them, and which of them have died.
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

use crate::clock::STANDSTILL;
use crate::committer::Settled;

/// Interval of looks at the time while a session is away: a longer gap is a standstill of this process.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The switches of all sessions.
#[derive(Default)]
pub struct Switches {
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Default)]
struct Table {
    armed: BTreeMap<SessionId, DeadMan>,
    /// Sessions that have ended, and whose switch is still to be cleared.
    ended: BTreeSet<SessionId>,
    /// How many connections speak for a session.
    speaking: HashMap<SessionId, usize>,
    /// When those that are away die.
    due: BTreeSet<(Instant, SessionId)>,
    due_at: HashMap<SessionId, Instant>,
}

/// A session that has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died {
    /// The session.
    pub session: SessionId,
    /// Whose it is or was.
    pub user: UserId,
    /// Whether it was only away, or has ended.
    pub how: HowDied,
}

/// How a session died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowDied {
    /// It was away for too long; it can still be resumed.
    Away,
    /// It has ended.
    Ended,
}

impl Switches {
    /// The switches of an engine, all of which is durable: nobody speaks for any session yet.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        let mut table = Table::default();
        for (session, dead_man) in engine.roster().dead_men() {
            table.armed.insert(session, dead_man);
            if engine.roster().session(session).is_none() {
                table.ended.insert(session);
            }
            table.away(session);
        }
        Self {
            table: Mutex::new(table),
            changed: Notify::new(),
        }
    }

    /// Takes what has become durable.
    pub fn settle(&self, settled: &Settled) {
        for (_, event) in settled.private() {
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
    pub fn came(&self, session: SessionId) {
        self.change(|table| {
            *table.speaking.entry(session).or_default() += 1;
            if !table.ended.contains(&session) {
                table.postpone(session);
            }
        });
    }

    /// A connection speaks for it no more.
    pub fn left(&self, session: SessionId) {
        self.change(|table| {
            if let Some(count) = table.speaking.get_mut(&session) {
                *count -= 1;
                if *count == 0 {
                    table.speaking.remove(&session);
                    table.away(session);
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
    pub async fn next(&self) -> Died {
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
                self.away(session);
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
            self.away(session);
        }
    }

    /// It dies after its grace, or now if it has ended; unless it has no switch or someone speaks for it.
    fn away(&mut self, session: SessionId) {
        self.postpone(session);
        let Some(dead_man) = self.armed.get(&session) else {
            return;
        };
        let now = Instant::now();
        let at = if self.ended.contains(&session) {
            now
        } else if self.speaking.contains_key(&session) {
            return;
        } else {
            now + Duration::from_micros(dead_man.grace.micros())
        };
        self.due.insert((at, session));
        self.due_at.insert(session, at);
    }

    fn begin_graces_anew(&mut self) {
        let away: Vec<SessionId> = self.due_at.keys().copied().collect();
        away.into_iter().for_each(|session| self.away(session));
    }

    fn postpone(&mut self, session: SessionId) {
        if let Some(at) = self.due_at.remove(&session) {
            self.due.remove(&(at, session));
        }
    }

    fn take_due(&mut self, now: Instant) -> Option<Died> {
        let (at, session) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.postpone(session);
        let user = self.armed.get(&session)?.user;
        let how = match self.ended.contains(&session) {
            true => HowDied::Ended,
            false => HowDied::Away,
        };
        Some(Died { session, user, how })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const SESSION: SessionId = SessionId(7);
    const USER: UserId = UserId(3);

    fn armed(secs: u64) -> Switches {
        let switches = Switches::default();
        switches.came(SESSION);
        switches.change(|table| table.set(SESSION, USER, Some(Span::from_secs(secs))));
        switches
    }

    async fn dies_after(switches: &Switches) -> Option<(Duration, HowDied)> {
        let begun = Instant::now();
        let died = tokio::time::timeout(Duration::from_secs(3_600), switches.next()).await;
        let died = died.ok()?;
        assert_eq!((died.session, died.user), (SESSION, USER));
        Some((begun.elapsed(), died.how))
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_dies_when_nobody_has_spoken_for_it_for_its_grace_and_once() {
        let switches = armed(10);
        assert_eq!(dies_after(&switches).await, None);
        switches.came(SESSION);
        switches.left(SESSION);
        assert_eq!(dies_after(&switches).await, None, "one still speaks");
        switches.left(SESSION);
        let (after, how) = dies_after(&switches).await.unwrap();
        assert!(after >= Duration::from_secs(10) && after < Duration::from_secs(11));
        assert_eq!(how, HowDied::Away);
        assert_eq!(dies_after(&switches).await, None, "once");
        switches.came(SESSION);
        switches.left(SESSION);
        assert!(dies_after(&switches).await.is_some(), "and anew");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_in_time_is_spared_and_who_clears_it_too() {
        let switches = armed(10);
        switches.left(SESSION);
        tokio::time::sleep(Duration::from_secs(9)).await;
        switches.came(SESSION);
        assert_eq!(dies_after(&switches).await, None);
        switches.left(SESSION);
        switches.change(|table| table.set(SESSION, USER, None));
        assert_eq!(dies_after(&switches).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_standstill_of_the_process_counts_to_no_grace() {
        let standstill = Duration::from_micros(STANDSTILL.micros());
        let micro = Duration::from_micros(1);
        for (stands_still, begins_anew) in [(standstill, false), (standstill + micro, true)] {
            let switches = Arc::new(armed(6));
            switches.left(SESSION);
            let left_at = Instant::now();
            let waits = switches.clone();
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
        let switches = armed(10);
        switches.change(|table| table.end(SESSION));
        let (after, how) = dies_after(&switches).await.unwrap();
        assert!(after < Duration::from_secs(1));
        assert_eq!(how, HowDied::Ended);
    }
}
