//! The newest indicative of each call auction, for all watchers. They are conflated: a slow watcher gets only the
//! newest, and memory holds no more than one per call auction.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use auction_core::{FeedSequence, LotId, Symbol};
use auction_proto::Indicative;

use super::FeedMessage;
use super::message::IndicativeMessage;
use crate::platform::encoding::Encoded;

/// Shortest time between two publications of a market's indicatives: those in between are left out.
pub const INDICATIVE_EVERY: Duration = Duration::from_millis(50);

/// The hub's side: collects changes for a while, and then publishes them.
pub(super) struct IndicativeCache {
    newest: Arc<RwLock<Newest>>,
    unsent: BTreeMap<LotId, Unsent>,
    told_at: Instant,
}

/// An unpublished indicative, and the feed position that it follows.
struct Unsent {
    place: FeedSequence,
    symbol: Symbol,
    indicative: Indicative,
}

/// The last published indicative of each call auction, by lot and by version. Versions increase with each publication.
#[derive(Debug, Default)]
struct Newest {
    version: u64,
    versions: BTreeMap<LotId, u64>,
    told: BTreeMap<u64, Arc<FeedMessage>>,
}

/// A watcher's side: the indicatives that have changed since the watcher's last one.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    newest: Arc<RwLock<Newest>>,
    seen: u64,
    /// Newer versions than this wait for the hub's next notification.
    until: u64,
}

impl IndicativeCache {
    pub(super) fn new() -> Self {
        Self {
            newest: Arc::default(),
            unsent: BTreeMap::new(),
            told_at: Instant::now(),
        }
    }

    /// Notes the indicative of an open call auction, which watchers may see once they have the feed up to this
    /// position.
    pub(super) fn note(&mut self, place: FeedSequence, symbol: Symbol, indicative: Indicative) {
        let unsent = Unsent {
            place,
            symbol,
            indicative,
        };
        self.unsent.insert(unsent.indicative.lot, unsent);
    }

    /// Removes a call auction that closes, before its close is published.
    pub(super) fn forget(&mut self, lot: LotId) {
        self.unsent.remove(&lot);
        // Most markets have no call auction, and take no lock here.
        if self.read().versions.contains_key(&lot) {
            self.write().remove(lot);
        }
    }

    /// Returns the time of the next publication; `None` when there is nothing to publish.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = self.told_at + INDICATIVE_EVERY;
        (!self.unsent.is_empty()).then_some(due)
    }

    /// Publishes the changes to all watchers. Returns `false` when there are none.
    pub(super) fn flush(&mut self) -> bool {
        let mut changed = Vec::new();
        for (lot, unsent) in std::mem::take(&mut self.unsent) {
            if !self.read().shows(lot, &unsent.indicative) {
                let Unsent {
                    place,
                    symbol,
                    indicative,
                } = unsent;
                let encoded = Encoded::new(&indicative);
                let indicated = IndicativeMessage {
                    place,
                    symbol,
                    indicative,
                    encoded,
                };
                changed.push((lot, Arc::new(FeedMessage::Indicative(indicated))));
            }
        }
        if changed.is_empty() {
            return false;
        }
        // The lock is taken only now, after the slow part.
        let mut newest = self.write();
        for (lot, indicated) in changed {
            newest.insert(lot, indicated);
        }
        drop(newest);
        self.told_at = Instant::now();
        true
    }

    /// Returns the changes for a new watcher: all published indicatives.
    pub(super) fn changes(&self) -> Changes {
        Changes {
            newest: self.newest.clone(),
            seen: 0,
            until: self.read().version,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Newest> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Newest> {
        self.newest.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Newest {
    fn shows(&self, lot: LotId, indicative: &Indicative) -> bool {
        let version = self.versions.get(&lot);
        let told = version.and_then(|version| self.told.get(version));
        told.is_some_and(|told| match &**told {
            FeedMessage::Indicative(told) => {
                let (told, now) = (&told.indicative, indicative);
                (&told.indicative, &told.depth) == (&now.indicative, &now.depth)
            }
            FeedMessage::Batch(_) | FeedMessage::Heartbeat(_) => false,
        })
    }

    fn insert(&mut self, lot: LotId, indicated: Arc<FeedMessage>) {
        self.remove(lot);
        self.version += 1;
        self.versions.insert(lot, self.version);
        self.told.insert(self.version, indicated);
    }

    fn remove(&mut self, lot: LotId) {
        if let Some(version) = self.versions.remove(&lot) {
            self.told.remove(&version);
        }
    }
}

impl Changes {
    /// Applies the hub's notification that there are new indicatives.
    pub(super) fn refresh(&mut self) {
        let version = self.read().version;
        self.until = version;
    }

    /// Returns the next change for a watcher that has the feed up to this position; a call auction that opens later is
    /// still unknown to the watcher.
    pub(super) fn next(&mut self, place: FeedSequence) -> Option<Arc<FeedMessage>> {
        if self.seen >= self.until {
            return None;
        }
        let newest = self.read();
        let next = newest.told.range(self.seen + 1..=self.until).next();
        let next = next.map(|(version, told)| (*version, told.clone()));
        drop(newest);
        let Some((version, told)) = next else {
            self.seen = self.until;
            return None;
        };
        // Positions increase with versions, so nothing after this one can be due earlier.
        if matches!(&*told, FeedMessage::Indicative(told) if told.place > place) {
            return None;
        }
        self.seen = version;
        Some(told)
    }

    fn read(&self) -> RwLockReadGuard<'_, Newest> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use auction_core::{Price, Quote, Timestamp};

    use super::*;

    const AT: FeedSequence = FeedSequence(1);

    fn stands(lot: u32, price: u64) -> Indicative {
        Indicative {
            lot: LotId(lot),
            at: Timestamp::from_secs(price),
            indicative: auction_core::Indicative::NoCross {
                best_buy: Some(Quote {
                    price: Price::from_units(price).unwrap(),
                    quantity: 1,
                }),
                best_sell: None,
            },
            depth: None,
        }
    }

    fn note(indicatives: &mut IndicativeCache, place: FeedSequence, lot: u32, price: u64) {
        let symbol = Symbol::parse("AAPL").unwrap();
        indicatives.note(place, symbol, stands(lot, price));
    }

    /// Returns the lots and prices that a watcher at this position gets.
    fn told(changes: &mut Changes, place: FeedSequence) -> Vec<(u32, u64)> {
        let next = || changes.next(place);
        let all = std::iter::from_fn(next).map(|told| match &*told {
            FeedMessage::Indicative(told) => (
                told.indicative.lot.0,
                told.indicative.at.micros() / 1_000_000,
            ),
            _ => panic!("nothing else is on the board"),
        });
        all.collect()
    }

    #[test]
    fn a_slow_watcher_gets_the_newest_of_each_call_once() {
        let mut indicatives = IndicativeCache::new();
        let mut slow = indicatives.changes();
        for price in 1..=1_000 {
            note(&mut indicatives, AT, 1, price);
            note(&mut indicatives, AT, 2, price.min(100));
            indicatives.flush();
        }
        assert_eq!(told(&mut slow, AT), [], "nobody has said that there is any");
        slow.refresh();
        assert_eq!(told(&mut slow, AT), [(2, 100), (1, 1_000)]);
        assert_eq!(told(&mut slow, AT), []);
        assert_eq!(indicatives.read().told.len(), 2);
        assert_eq!(told(&mut indicatives.changes(), AT), [(2, 100), (1, 1_000)]);
    }

    #[test]
    fn an_unchanged_indicative_is_not_published_again() {
        let mut indicatives = IndicativeCache::new();
        note(&mut indicatives, AT, 1, 5);
        assert!(indicatives.due().is_some());
        assert!(indicatives.flush());
        assert_eq!(indicatives.due(), None);
        note(&mut indicatives, AT, 1, 6);
        note(&mut indicatives, AT, 1, 5);
        assert!(!indicatives.flush());
        assert_eq!(indicatives.due(), None);
    }

    #[test]
    fn a_call_is_hidden_from_watchers_that_have_not_seen_it_open() {
        let mut indicatives = IndicativeCache::new();
        note(&mut indicatives, AT, 1, 5);
        indicatives.flush();
        let later = FeedSequence(2);
        note(&mut indicatives, later, 2, 7);
        indicatives.flush();
        let mut changes = indicatives.changes();
        assert_eq!(told(&mut changes, AT), [(1, 5)]);
        assert_eq!(told(&mut changes, AT), []);
        assert_eq!(told(&mut changes, later), [(2, 7)]);
    }

    #[test]
    fn a_closed_call_publishes_nothing_more() {
        let mut indicatives = IndicativeCache::new();
        for lot in [1, 2] {
            note(&mut indicatives, AT, lot, 5);
        }
        indicatives.flush();
        let mut changes = indicatives.changes();
        note(&mut indicatives, AT, 1, 6);
        indicatives.forget(LotId(1));
        assert!(!indicatives.flush());
        assert_eq!(told(&mut changes, AT), [(2, 5)]);
        assert_eq!(told(&mut indicatives.changes(), AT), [(2, 5)]);
    }
}
