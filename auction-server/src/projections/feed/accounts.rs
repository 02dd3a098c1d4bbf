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
    watchers: HashMap<UserId, Vec<mpsc::Sender<Arc<AccountFeed>>>>,
    /// What is to be told of the batch at hand.
    unsent: BTreeMap<UserId, Vec<AccountEntry>>,
}

impl AccountFeeds {
    pub(super) fn new(accounts: Accounts) -> Self {
        Self {
            accounts,
            watchers: HashMap::new(),
            unsent: BTreeMap::new(),
        }
    }

    pub(super) fn watch(&mut self, user: UserId, demand: &Demand) -> AccountSubscribed {
        let (sender, receiver) = mpsc::channel(ACCOUNT_LAG_MAX);
        let watchers = self.watchers.entry(user).or_default();
        watchers.retain(|watcher| !watcher.is_closed());
        watchers.push(sender);
        AccountSubscribed {
            dead_men: self.accounts.dead_men_of(user).collect(),
            leads: self.accounts.leads_of(user).collect(),
            orders: self.orders_of(user),
            feed: AccountSubscription {
                feed: receiver,
                _demand: demand.register(),
            },
        }
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

    /// Tells what was noted. Who is too far behind is let go, and asks for the newest state.
    pub(super) fn flush(&mut self) {
        for (user, entries) in std::mem::take(&mut self.unsent) {
            let Some(watchers) = self.watchers.get_mut(&user) else {
                continue;
            };
            for part in entries.chunks(ACCOUNT_ENTRIES_MAX) {
                let entries = List::new(part.to_vec()).expect("a part is no longer");
                let feed = Arc::new(AccountFeed { entries });
                watchers.retain(|watcher| watcher.try_send(feed.clone()).is_ok());
            }
            if watchers.is_empty() {
                self.watchers.remove(&user);
            }
        }
    }
}
