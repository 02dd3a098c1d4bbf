//! Honest peers receive everything, once, in order.

use proptest::prelude::*;

use super::super::limits::*;
use super::super::*;
use crate::peer::tests::fixture::{Follower, Maker, bytes, key, ms, pinned, time};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Batches arrive in any order, and repeatedly.
    #[test]
    fn order_is_restored_and_nothing_is_emitted_twice(
        sizes in prop::collection::vec(0_usize..4, 1..40),
        order in prop::collection::vec(0_usize..1_000, 0..120),
    ) {
        let mut maker = Maker::new();
        let snapshot = maker.snapshot(ms(0));
        let batches: Vec<_> = sizes
            .iter()
            .enumerate()
            .map(|(at, size)| maker.batch(ms(20 * at as u64), *size))
            .collect();
        let mut follower = Follower::new(1);
        follower.put(ms(0), Input::ServerSnapshot(snapshot));
        // Any order, then the rest in order.
        let any = order.iter().map(|at| at % batches.len());
        for at in any.chain(0..batches.len()) {
            follower.hear(ms(1_000), 0, bytes(&batches[at]));
        }
        prop_assert_eq!(follower.market.as_ref(), Some(&maker.market));
        prop_assert_eq!(follower.cut.len() + follower.frauds, 0);
    }

    /// Any peer can supply lost batches.
    #[test]
    fn gaps_are_filled_by_others(lost in prop::collection::vec(any::<bool>(), 1..60)) {
        let mut maker = Maker::new();
        let snapshot = maker.snapshot(ms(0));
        let (mut whole, mut holed) = (Follower::new(1), Follower::new(3));
        whole.put(ms(0), Input::ServerSnapshot(snapshot.clone()));
        holed.put(ms(0), Input::ServerSnapshot(snapshot));
        let mut now = ms(0);
        for lost in lost {
            now += ms(20);
            let batch = bytes(&maker.batch(now, 2));
            whole.hear(now, 0, batch.clone());
            if !lost {
                holed.hear(now, 0, batch);
            }
        }
        holed.hear(now, 0, bytes(&maker.batch(now + ms(1), 0)));
        now += GAP_WAIT;
        holed.put(now, Input::Tick);
        holed.ask_of(now, &mut whole);
        prop_assert_eq!(holed.market.as_ref(), Some(&maker.market));
    }
}

#[test]
fn a_late_joiner_gets_snapshot_and_batches_from_a_peer() {
    let mut maker = Maker::new();
    maker.batch(ms(0), 500);
    let mut old = Follower::new(1);
    old.put(ms(0), Input::ServerSnapshot(maker.snapshot(ms(0))));
    for at in 1..=50 {
        old.hear(ms(20 * at), 0, bytes(&maker.batch(ms(20 * at), 3)));
    }
    let now = ms(1_100);
    let mut late = Follower::at(now, Some(time(now)), 2);
    let life = bytes(&maker.batch(now, 0));
    late.hear(now, 0, life);
    late.ask_of(now, &mut old);
    late.put(now + GAP_WAIT, Input::Tick);
    late.ask_of(now + GAP_WAIT, &mut old);
    assert_eq!(late.market.as_ref(), Some(&maker.market));
    assert_eq!(late.view.status(), Status::Live);
}

#[test]
fn a_gap_that_nobody_can_fill_is_bridged_by_a_snapshot() {
    let mut maker = Maker::new();
    let mut holed = Follower::new(3);
    holed.put(ms(0), Input::ServerSnapshot(maker.snapshot(ms(0))));
    maker.batch(ms(100), 5);
    let mut later = Follower::new(0);
    later.put(ms(200), Input::ServerSnapshot(maker.snapshot(ms(200))));
    holed.hear(ms(300), 0, bytes(&maker.batch(ms(300), 0)));
    holed.put(ms(300) + GAP_WAIT, Input::Tick);
    holed.ask_of(ms(300) + GAP_WAIT, &mut later);
    assert_eq!(holed.market, Some(maker.market));
    assert_eq!(holed.view.status(), Status::Live);
}

#[test]
fn a_silent_feed_is_stale_within_5_seconds_and_then_recovers() {
    let mut maker = Maker::new();
    let mut follower = Follower::new(1);
    follower.put(ms(0), Input::ServerSnapshot(maker.snapshot(ms(0))));
    assert_eq!(follower.view.status(), Status::Live);
    let mut now = ms(0);
    while follower.view.status() == Status::Live {
        now = follower.view.next_tick(now);
        follower.put(now, Input::Tick);
    }
    assert!(now >= STALE_AFTER && now <= STALE_AFTER + ms(10), "{now:?}");
    follower.hear(now, 0, bytes(&maker.batch(now, 0)));
    assert_eq!(
        follower.standings,
        [Status::Live, Status::Stale, Status::Live]
    );
}

#[test]
fn a_fingerprint_alone_suffices_to_learn_the_market_from_a_peer() {
    let mut maker = Maker::new();
    let mut whole = Follower::new(1);
    maker.batch(ms(0), 7);
    whole.put(ms(0), Input::ServerSnapshot(maker.snapshot(ms(0))));
    let pin = Pin::Key(key().public().fingerprint());
    let mut joiner = Follower::with(View::new(pin, ms(0), None), ms(0), 2);
    let batch = bytes(&maker.batch(ms(20), 1));
    // Nothing can be checked yet: nothing is passed on, and no peer is penalized.
    assert_eq!(joiner.hear(ms(20), 0, batch.clone()), Verdict::Ignore);
    whole.hear(ms(20), 0, batch);
    joiner.ask_of(ms(20), &mut whole);
    assert_eq!(joiner.view.pinned(), Some(&pinned()));
    joiner.hear(ms(40), 0, bytes(&maker.batch(ms(40), 0)));
    joiner.put(ms(40) + GAP_WAIT, Input::Tick);
    joiner.ask_of(ms(40) + GAP_WAIT, &mut whole);
    assert_eq!(joiner.market, Some(maker.market));
}

/// Late joiners get a snapshot and all batches after it, however long the others have been connected.
#[test]
fn kept_snapshots_are_renewed_from_the_server_and_from_peers() {
    let mut maker = Maker::new();
    let snapshot = maker.snapshot(ms(0));
    let (mut with_line, mut other) = (Follower::new(1), Follower::new(1));
    with_line.put(ms(0), Input::ServerSnapshot(snapshot.clone()));
    other.put(ms(0), Input::ServerSnapshot(snapshot));
    let mut renewals = 0;
    let mut now = ms(0);
    for _ in 0..3 * CACHED_BATCHES_MAX {
        now += ms(20);
        let batch = bytes(&maker.batch(now, 1));
        with_line.hear(now, 0, batch.clone());
        other.hear(now, 0, batch);
        if with_line.view.renewal_is_due() {
            renewals += 1;
            // The server's snapshot is a little ahead of the feed.
            let late = bytes(&maker.batch(now, 1));
            with_line.put(now, Input::NewerSnapshot(maker.snapshot(now)));
            with_line.hear(now, 0, late.clone());
            other.hear(now, 0, late);
            with_line.asked.clear();
        }
        other.ask_of(now, &mut with_line);
    }
    assert!((4..=6).contains(&renewals), "{renewals}");
    for helper in [&mut with_line, &mut other] {
        let mut late = Follower::at(now, None, 1);
        late.hear(now, 0, bytes(&maker.batch(now, 0)));
        late.ask_of(now, helper);
        late.put(now + GAP_WAIT, Input::Tick);
        late.ask_of(now + GAP_WAIT, helper);
        assert!(late.market.as_ref() == Some(&maker.market));
    }
}
