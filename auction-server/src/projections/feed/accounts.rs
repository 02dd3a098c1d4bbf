//! Account feeds: each user's watchers get the events of their own account only, after these are durable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use auction_core::{
    AccountEvent, Accounts, Event, SessionId, Span, StandingDayOrder, StandingLead, StandingOrder,
    Timestamp, UserId,
};
use auction_proto::limits::ACCOUNT_ENTRIES_MAX;
use auction_proto::{AccountEntry, AccountFeed, List};
use tokio::sync::mpsc;

use super::demand::{Demand, DemandGuard};

/// Maximum number of messages that an account's watcher can be behind; one more, and it gets the newest state instead.
pub const ACCOUNT_LAG_MAX: usize = 256;

/// State of an account at the start of a watch, and its feed.
#[derive(Debug)]
pub struct AccountSubscribed {
    /// Open sessions with a dead-man switch.
    pub dead_men: Vec<(SessionId, Span)>,
    /// Lots on which the user is the leading bidder.
    pub leads: Vec<StandingLead>,
    /// Open orders.
    pub orders: Vec<StandingOrder>,
    /// Open orders on trading days.
    pub day_orders: Vec<StandingDayOrder>,
    /// Later events.
    pub feed: AccountSubscription,
}

/// Feed of one user's account events.
#[derive(Debug)]
pub struct AccountSubscription {
    feed: mpsc::Receiver<Arc<AccountFeed>>,
    _demand: DemandGuard,
}

impl AccountSubscription {
    /// Waits for the next events; `None`: the watcher was too slow, or the hub has ended.
    pub async fn next(&mut self) -> Option<Arc<AccountFeed>> {
        self.feed.recv().await
    }
}

/// All accounts, and their watchers.
pub(super) struct AccountFeeds {
    accounts: Accounts,
    watchers: HashMap<UserId, Vec<Watcher>>,
    /// Entries of the current batch that were not sent yet.
    unsent: BTreeMap<UserId, Vec<AccountEntry>>,
}

/// A watcher, until its session is closed.
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

    /// Starts a watch for a session; `None` when the session is not open.
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
            day_orders: self.accounts.day_orders_of(user).collect(),
            feed: AccountSubscription {
                feed: receiver,
                _demand: demand.register(),
            },
        })
    }

    pub(super) fn orders_of(&self, user: UserId) -> Vec<StandingOrder> {
        self.accounts.orders_of(user).collect()
    }

    /// Takes a durable event.
    pub(super) fn take(&mut self, at: Timestamp, event: &Event) {
        for (user, event) in self.accounts.apply(event) {
            self.note(at, user, event);
        }
    }

    /// Adds an entry for a user's watchers.
    pub(super) fn note(&mut self, at: Timestamp, user: UserId, event: AccountEvent) {
        if self.watchers.contains_key(&user) {
            let unsent = self.unsent.entry(user).or_default();
            unsent.push(AccountEntry { at, event });
        }
    }

    /// Sends the noted entries. A watcher that is too far behind is dropped, and asks for the newest state. A watcher
    /// whose session was closed gets the close as its last entry.
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
    /// Returns whether there was room for all parts.
    fn send(&self, parts: &[Arc<AccountFeed>]) -> bool {
        let mut parts = parts.iter();
        parts.all(|part| self.feed.try_send(part.clone()).is_ok())
    }
}

/// Splits entries into messages.
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
    fn a_closed_session_gets_nothing_after_its_close() {
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
        // More than one message can hold, before and after the close.
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
