//! The newest indicative of each call auction, for everyone who watches: conflated, so that who is slow is given the
//! newest alone, and no more is held in memory than one a call, however slow anyone is.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use auction_core::{FeedSequence, LotId, Symbol};
use auction_proto::Indicative;

use super::FeedMessage;
use super::message::IndicativeMessage;
use crate::platform::encoding::Encoded;

/// How often the indicatives of a market are told at most: those in between are left out.
pub const INDICATIVE_EVERY: Duration = Duration::from_millis(50);

/// The hub's side: what has changed gathers for a while, and is then told.
pub(super) struct IndicativeCache {
    newest: Arc<RwLock<Newest>>,
    unsent: BTreeMap<LotId, Unsent>,
    told_at: Instant,
}

/// What is not told yet, and the place of the feed that it follows.
struct Unsent {
    place: FeedSequence,
    symbol: Symbol,
    indicative: Indicative,
}

/// What was told last of each call, by its lot and by when that was. Versions rise with each that is told.
#[derive(Debug, Default)]
struct Newest {
    version: u64,
    versions: BTreeMap<LotId, u64>,
    told: BTreeMap<u64, Arc<FeedMessage>>,
}

/// A watcher's side: what has changed since the watcher was told.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    newest: Arc<RwLock<Newest>>,
    seen: u64,
    /// What is newer than this is told when the hub says so.
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

    /// What stands of a call that is open, as everyone may know who has the feed up to this place.
    pub(super) fn note(&mut self, place: FeedSequence, symbol: Symbol, indicative: Indicative) {
        let unsent = Unsent {
            place,
            symbol,
            indicative,
        };
        self.unsent.insert(unsent.indicative.lot, unsent);
    }

    /// Forgets a call that closes: before anyone is told that it has.
    pub(super) fn forget(&mut self, lot: LotId) {
        self.unsent.remove(&lot);
        // Most markets have no call, and take no lock here.
        if self.read().versions.contains_key(&lot) {
            self.write().remove(lot);
        }
    }

    /// When there is something to tell; `None`: there is nothing.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = self.told_at + INDICATIVE_EVERY;
        (!self.unsent.is_empty()).then_some(due)
    }

    /// Puts what has changed where all can see it; `false`: nothing has.
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
        // Only now is it locked: what takes time is done.
        let mut newest = self.write();
        for (lot, indicated) in changed {
            newest.insert(lot, indicated);
        }
        drop(newest);
        self.told_at = Instant::now();
        true
    }

    /// For someone who begins to watch: all that stands is new to them.
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
    /// The hub says that there is something new.
    pub(super) fn refresh(&mut self) {
        let version = self.read().version;
        self.until = version;
    }

    /// The next that has changed, for someone who has the feed up to a place: of a call that opens later they know
    /// nothing yet.
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
        // Places rise with the versions, so that nothing behind this one can be told sooner.
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

    /// The lots and prices that a watcher is told who has come so far.
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
    fn who_is_slow_is_given_the_newest_of_each_call_once_and_no_more_is_held() {
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
    fn what_stands_as_it_was_told_is_not_told_again_whatever_was_between() {
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
    fn of_a_call_whose_opening_a_watcher_has_not_seen_they_are_told_nothing() {
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
    fn of_a_call_that_has_closed_nothing_is_told_any_more() {
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
