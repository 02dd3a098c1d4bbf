//! Who watches their own account, and what they are told: each user their own alone, after it is durable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use auction_core::{
    AccountEvent, Accounts, Event, SessionId, Span, StandingLead, StandingOrder, Timestamp, UserId,
};
use auction_proto::limits::ACCOUNT_ENTRIES_MAX;
use auction_proto::{AccountEntry, AccountFeed, List};
use tokio::sync::mpsc;

use super::eager::{Eager, One};

/// How many messages a watcher of an account can be behind; with one more it is told the newest state instead.
pub const OWN_BEHIND_MAX: usize = 256;

/// Someone who watches their own account.
#[derive(Debug)]
pub struct AccountWatching {
    /// Open sessions with a dead-man switch.
    pub dead_men: Vec<(SessionId, Span)>,
    /// Lots that the user leads.
    pub leads: Vec<StandingLead>,
    /// Orders that stand.
    pub orders: Vec<StandingOrder>,
    /// What happens from here on.
    pub feed: OwnFeed,
}

/// What happens to one user's account.
#[derive(Debug)]
pub struct OwnFeed {
    feed: mpsc::Receiver<Arc<AccountFeed>>,
    _eager: One,
}

impl OwnFeed {
    /// Waits for what happens next; `None`: it was too slow, or the hub has ended.
    pub async fn next(&mut self) -> Option<Arc<AccountFeed>> {
        self.feed.recv().await
    }
}

/// All accounts, and who watches theirs.
pub(super) struct Desk {
    accounts: Accounts,
    watchers: HashMap<UserId, Vec<mpsc::Sender<Arc<AccountFeed>>>>,
    /// What is to be told of the batch at hand.
    untold: BTreeMap<UserId, Vec<AccountEntry>>,
}

impl Desk {
    pub(super) fn new(accounts: Accounts) -> Self {
        Self {
            accounts,
            watchers: HashMap::new(),
            untold: BTreeMap::new(),
        }
    }

    pub(super) fn watch(&mut self, user: UserId, eager: &Eager) -> AccountWatching {
        let (sender, receiver) = mpsc::channel(OWN_BEHIND_MAX);
        let watchers = self.watchers.entry(user).or_default();
        watchers.retain(|watcher| !watcher.is_closed());
        watchers.push(sender);
        AccountWatching {
            dead_men: self.accounts.dead_men_of(user).collect(),
            leads: self.accounts.leads_of(user).collect(),
            orders: self.orders_of(user),
            feed: OwnFeed {
                feed: receiver,
                _eager: eager.one(),
            },
        }
    }

    pub(super) fn orders_of(&self, user: UserId) -> Vec<StandingOrder> {
        self.accounts.orders_of(user).collect()
    }

    /// Takes an event that is durable.
    pub(super) fn take(&mut self, at: Timestamp, event: &Event) {
        for (user, event) in self.accounts.apply(event) {
            self.note(at, user, event);
        }
    }

    /// Something to tell a user.
    pub(super) fn note(&mut self, at: Timestamp, user: UserId, event: AccountEvent) {
        if self.watchers.contains_key(&user) {
            let untold = self.untold.entry(user).or_default();
            untold.push(AccountEntry { at, event });
        }
    }

    /// Tells what was noted. Who is too far behind is let go, and asks for the newest state.
    pub(super) fn tell(&mut self) {
        for (user, entries) in std::mem::take(&mut self.untold) {
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
