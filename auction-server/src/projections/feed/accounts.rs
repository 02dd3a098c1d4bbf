//! Who watches their own account, and what they are told: each user their own alone, after it is durable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use auction_core::{
    AccountEvent, Accounts, Event, SessionId, Span, StandingLead, StandingOrder, Timestamp, UserId,
};
use auction_proto::limits::ACCOUNT_ENTRIES_MAX;
use auction_proto::{AccountEntry, AccountFeed, List};
use tokio::sync::mpsc;

use super::demand::{Demand, DemandGuard};

/// How many messages a watcher of an account can be behind; with one more it is told the newest state instead.
pub const ACCOUNT_LAG_MAX: usize = 256;

/// Someone who watches their own account.
#[derive(Debug)]
pub struct AccountSubscribed {
    /// Open sessions with a dead-man switch.
    pub dead_men: Vec<(SessionId, Span)>,
    /// Lots that the user leads.
    pub leads: Vec<StandingLead>,
    /// Orders that stand.
    pub orders: Vec<StandingOrder>,
    /// What happens from here on.
    pub feed: AccountSubscription,
}

/// What happens to one user's account.
#[derive(Debug)]
pub struct AccountSubscription {
    feed: mpsc::Receiver<Arc<AccountFeed>>,
    _demand: DemandGuard,
}

impl AccountSubscription {
    /// Waits for what happens next; `None`: it was too slow, or the hub has ended.
    pub async fn next(&mut self) -> Option<Arc<AccountFeed>> {
        self.feed.recv().await
    }
}

/// All accounts, and who watches theirs.
pub(super) struct AccountFeeds {
    accounts: Accounts,
    watchers: HashMap<UserId, Vec<Watcher>>,
    /// What is to be told of the batch at hand.
    unsent: BTreeMap<UserId, Vec<AccountEntry>>,
}

/// Someone who watches, until their session is closed.
struct Watcher {
    session: SessionId,
    feed: mpsc::Sender<Arc<AccountFeed>>,
}

impl AccountFeeds {
    pub(super) fn new(accounts: Accounts) -> Self {
        Self {
            accounts,
            watchers: HashMap::new(),
            unsent: BTreeMap::new(),
        }
    }

    /// Begins to watch for a session; nothing, when it is not open.
    pub(super) fn watch(
        &mut self,
        session: SessionId,
        demand: &Demand,
    ) -> Option<AccountSubscribed> {
        let user = self.accounts.user_of(session)?;
        let (sender, receiver) = mpsc::channel(ACCOUNT_LAG_MAX);
        let watchers = self.watchers.entry(user).or_default();
        watchers.retain(|watcher| !watcher.feed.is_closed());
        watchers.push(Watcher {
            session,
            feed: sender,
        });
        Some(AccountSubscribed {
            dead_men: self.accounts.dead_men_of(user).collect(),
            leads: self.accounts.leads_of(user).collect(),
            orders: self.orders_of(user),
            feed: AccountSubscription {
                feed: receiver,
                _demand: demand.register(),
            },
        })
    }

    pub(super) fn orders_of(&self, user: UserId) -> Vec<StandingOrder> {
        self.accounts.orders_of(user).collect()
    }

    /// Takes an event that is durable.
    pub(super) fn take(&mut self, at: Timestamp, event: &Event) {
        for (user, event) in self.accounts.take(event) {
            self.note(at, user, event);
        }
    }

    /// Something to tell a user.
    pub(super) fn note(&mut self, at: Timestamp, user: UserId, event: AccountEvent) {
        if self.watchers.contains_key(&user) {
            let unsent = self.unsent.entry(user).or_default();
            unsent.push(AccountEntry { at, event });
        }
    }

    /// Tells what was noted. Who is too far behind is let go, and asks for the newest state. To whom watches for a session
    /// that was closed, its close is the last that is told.
    pub(super) fn flush(&mut self) {
        for (user, entries) in std::mem::take(&mut self.unsent) {
            let Some(watchers) = self.watchers.get_mut(&user) else {
                continue;
            };
            let all = parts(&entries);
            watchers.retain(|watcher| {
                let closed = AccountEvent::SessionClosed {
                    session: watcher.session,
                };
                match entries.iter().position(|entry| entry.event == closed) {
                    Some(last) => {
                        watcher.send(&parts(&entries[..=last]));
                        false
                    }
                    None => watcher.send(&all),
                }
            });
            if watchers.is_empty() {
                self.watchers.remove(&user);
            }
        }
    }
}

impl Watcher {
    /// Whether there was room for all of it.
    fn send(&self, parts: &[Arc<AccountFeed>]) -> bool {
        let mut parts = parts.iter();
        parts.all(|part| self.feed.try_send(part.clone()).is_ok())
    }
}

/// Entries as messages.
fn parts(entries: &[AccountEntry]) -> Vec<Arc<AccountFeed>> {
    let parts = entries.chunks(ACCOUNT_ENTRIES_MAX).map(|part| {
        let entries = List::new(part.to_vec()).expect("a part is no longer");
        Arc::new(AccountFeed { entries })
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use auction_core::{LotId, OrderId, PrivateEvent, Quantity, Side, TokenHash};

    use super::*;

    const MIA: UserId = UserId(3);
    const CLOSED: SessionId = SessionId(7);
    const OTHER: SessionId = SessionId(8);

    fn opened(session: SessionId) -> Event {
        Event::Private(PrivateEvent::SessionOpened {
            session,
            user: MIA,
            token_hash: TokenHash([0; 32]),
            expires_at: Timestamp::from_secs(1_000),
        })
    }

    fn placed(order: u32) -> Event {
        Event::Private(PrivateEvent::OrderPlaced {
            lot: LotId(1),
            trader: MIA,
            order: OrderId(order),
            side: Side::Buy,
            quantity: Quantity::ONE,
            limit: None,
        })
    }

    fn told(feed: &mut AccountSubscription) -> Vec<AccountEvent> {
        let mut told = Vec::new();
        while let Ok(feed) = feed.feed.try_recv() {
            told.extend(feed.entries.iter().map(|entry| entry.event));
        }
        told
    }

    #[test]
    fn what_follows_the_close_of_a_session_in_one_batch_is_told_to_others_alone() {
        let (mut accounts, at) = (
            AccountFeeds::new(Accounts::default()),
            Timestamp::from_secs(1),
        );
        let take = |accounts: &mut AccountFeeds, events: &[Event]| {
            events.iter().for_each(|event| accounts.take(at, event));
            accounts.flush();
        };
        take(&mut accounts, &[opened(CLOSED), opened(OTHER)]);
        let demand = Demand::default();
        let mut closed = accounts.watch(CLOSED, &demand).unwrap().feed;
        let mut other = accounts.watch(OTHER, &demand).unwrap().feed;
        let close = Event::Private(PrivateEvent::SessionClosed { session: CLOSED });
        // More than one message holds, before and after.
        let count = u32::try_from(ACCOUNT_ENTRIES_MAX).unwrap();
        let before = (0..=count).map(placed);
        let after = (0..=count).map(|order| placed(1_000_000 + order));
        let events: Vec<_> = before.chain([close]).chain(after).collect();
        take(&mut accounts, &events);

        let (of_closed, of_other) = (told(&mut closed), told(&mut other));
        assert_eq!(of_other.len(), events.len());
        assert_eq!(of_closed.len(), ACCOUNT_ENTRIES_MAX + 2);
        let last = AccountEvent::SessionClosed { session: CLOSED };
        assert_eq!(of_closed.last(), Some(&last));
        take(&mut accounts, &[placed(2_000_000)]);
        assert_eq!(told(&mut closed), []);
        assert_eq!(told(&mut other).len(), 1);
        assert!(accounts.watch(CLOSED, &demand).is_none(), "it is not open");
    }
}
