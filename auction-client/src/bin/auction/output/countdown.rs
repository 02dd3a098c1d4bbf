//! Countdown: reports the time left before a close.

use std::collections::BTreeMap;

use auction_core::{Lot, LotId, Phase, Timestamp};

/// Seconds before a close at which it is reported.
pub const COUNTDOWN_SECONDS: [u64; 5] = [60, 30, 10, 5, 3];

/// Last report of each open lot: its close at the time, and the fewest seconds.
#[derive(Debug, Default)]
pub struct Countdowns {
    told: BTreeMap<LotId, (Timestamp, u64)>,
}

impl Countdowns {
    /// Returns the time of the next report, which may be past. `None`: all were made.
    pub fn next<'l>(&self, open: impl IntoIterator<Item = &'l Lot>) -> Option<Timestamp> {
        let moments = open.into_iter().filter_map(|lot| {
            let seconds = self.untold(lot).max()?;
            Some(before(lot.closes_at, seconds))
        });
        moments.min()
    }

    /// Returns the reports due now, with the fewest seconds of each lot. `open` are all lots that can be counted down.
    pub fn due(&mut self, open: &[&Lot], now: Timestamp) -> Vec<(LotId, u64)> {
        let due = open.iter().filter_map(|lot| {
            let due = self
                .untold(lot)
                .filter(|seconds| before(lot.closes_at, *seconds) <= now);
            Some((*lot, due.min()?))
        });
        let due: Vec<_> = due.collect();
        let mut told = std::mem::take(&mut self.told);
        // Forget closed lots.
        let kept = open
            .iter()
            .filter_map(|lot| Some((lot.id, told.remove(&lot.id)?)));
        self.told = kept.collect();
        self.told.extend(
            due.iter()
                .map(|(lot, seconds)| (lot.id, (lot.closes_at, *seconds))),
        );
        due.into_iter()
            .map(|(lot, seconds)| (lot.id, seconds))
            .collect()
    }

    /// Returns the remaining reports of a lot. A close that is not running, because the lot is halted or has not begun,
    /// is not counted down.
    fn untold(&self, lot: &Lot) -> impl Iterator<Item = u64> + use<> {
        let runs = lot.phase == Phase::Open && lot.halted_since.is_none();
        let told = self
            .told
            .get(&lot.id)
            .filter(|(closes_at, _)| *closes_at == lot.closes_at);
        let told = told.map_or(u64::MAX, |(_, seconds)| *seconds);
        COUNTDOWN_SECONDS
            .into_iter()
            .filter(move |seconds| runs && *seconds < told)
    }
}

fn before(moment: Timestamp, seconds: u64) -> Timestamp {
    let micros = moment.micros().saturating_sub(seconds * 1_000_000);
    Timestamp::from_micros(micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{after, listed, market, opened};

    fn lot(closes_after: u64) -> Lot {
        let market = market([listed("AAPL"), opened(1, "AAPL")]);
        Lot {
            closes_at: after(closes_after),
            ..market.lots()[0].clone()
        }
    }

    #[test]
    fn each_is_reported_once_and_again_when_the_close_moved() {
        let lot_300 = lot(300);
        let mut countdowns = Countdowns::default();
        assert_eq!(countdowns.next([&lot_300]), Some(after(240)));
        assert_eq!(countdowns.due(&[&lot_300], after(239)), []);
        assert_eq!(countdowns.due(&[&lot_300], after(240)), [(LotId(1), 60)]);
        assert_eq!(countdowns.due(&[&lot_300], after(241)), []);
        assert_eq!(countdowns.next([&lot_300]), Some(after(270)));
        // After a pause only the latest is reported.
        assert_eq!(countdowns.due(&[&lot_300], after(291)), [(LotId(1), 10)]);
        assert_eq!(countdowns.next([&lot_300]), Some(after(295)));
        let lot_360 = lot(360);
        assert_eq!(countdowns.next([&lot_360]), Some(after(300)));
        assert_eq!(countdowns.due(&[&lot_360], after(300)), [(LotId(1), 60)]);
        assert_eq!(countdowns.due(&[&lot_360], after(360)), [(LotId(1), 3)]);
        assert_eq!(countdowns.next([&lot_360]), None);
        assert_eq!(countdowns.due(&[], after(361)), []);
        assert!(countdowns.told.is_empty(), "a closed lot is forgotten");
    }

    #[test]
    fn a_lot_that_is_halted_or_has_not_begun_is_not_counted_down() {
        let mut halted = lot(300);
        halted.halted_since = Some(after(200));
        let mut scheduled = lot(300);
        scheduled.phase = Phase::Scheduled;
        let mut countdowns = Countdowns::default();
        assert_eq!(countdowns.next([&halted, &scheduled]), None);
        assert_eq!(countdowns.due(&[&halted, &scheduled], after(299)), []);
    }
}
