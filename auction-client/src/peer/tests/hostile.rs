//! Hostile peers have no effect, and are banned.

use std::time::Duration;

use auction_core::{Digest, Term};
use auction_proto::{SignedBatch, SignedSnapshot, SigningKey};

use super::super::limits::*;
use super::super::*;
use crate::peer::tests::fixture::{Follower, MARKET, Maker, bytes, key, ms, time};
use crate::peer::view::freshness::Freshness;

fn following() -> (Maker, Follower) {
    let mut maker = Maker::new();
    let mut follower = Follower::new(8);
    follower.put(ms(0), Input::ServerSnapshot(maker.snapshot(ms(0))));
    (maker, follower)
}

#[test]
fn a_forger_is_cut_off_and_the_true_batch_is_told() {
    let (mut maker, mut follower) = following();
    let truth = maker.batch(ms(20), 1);
    let statement = truth.verify(MARKET, &key().public()).unwrap();
    let forged = SignedBatch::sign(&statement, &SigningKey::new(&[1; 32]));
    for _ in 0..MISBEHAVIOURS_MAX {
        let verdict = follower.hear(ms(20), 1, bytes(&forged));
        assert_eq!(verdict, Verdict::Reject);
    }
    assert_eq!(follower.cut, [(1, Misbehaviour::Forged)]);
    assert_eq!(follower.hear(ms(20), 1, bytes(&forged)), Verdict::Ignore);
    assert_eq!(follower.place(), 0);
    assert_eq!(follower.hear(ms(21), 2, bytes(&truth)), Verdict::Accept);
    assert_eq!(follower.market, Some(maker.market));
}

#[test]
fn no_changed_bit_passes() {
    let (mut maker, mut follower) = following();
    let truth = bytes(&maker.batch(ms(20), 1));
    for bit in 0..8 * truth.len() {
        let mut changed = truth.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let peer = 1_000 + bit as u32;
        follower.put(ms(20), Input::Joined(peer));
        let verdict = follower.hear(ms(20), peer, changed);
        assert_eq!(verdict, Verdict::Reject, "bit {bit}");
        follower.put(ms(20), Input::Left(peer));
    }
    assert_eq!(follower.place(), 0);
    assert_eq!(follower.hear(ms(20), 1, truth), Verdict::Accept);
}

#[test]
fn garbage_and_what_is_too_long_cut_a_peer_off() {
    let (_, mut follower) = following();
    for _ in 0..MISBEHAVIOURS_MAX {
        follower.hear(ms(1), 1, vec![0; 100]);
        follower.hear(ms(1), 2, vec![0; GOSSIP_BYTES_MAX + 1]);
    }
    assert_eq!(
        follower.cut,
        [(1, Misbehaviour::Malformed), (2, Misbehaviour::Oversize)]
    );
}

#[test]
fn replayed_batches_have_no_effect_and_are_not_passed_on() {
    let (mut maker, mut follower) = following();
    let old: Vec<_> = (1..=100)
        .map(|at| bytes(&maker.batch(ms(20 * at), 1)))
        .collect();
    for (at, batch) in old.iter().enumerate() {
        follower.hear(ms(20 * (1 + at as u64)), 0, batch.clone());
    }
    let mut now = ms(2_000);
    while now < ms(20_000) {
        now += ms(20);
        let replayed = old[now.as_millis() as usize / 20 % old.len()].clone();
        let verdict = follower.hear(now, 1, replayed);
        if now > ms(2_000) + PASSED_ON_WITHIN + ms(20) {
            assert_eq!(verdict, Verdict::Ignore, "at {now:?}");
        }
        assert_eq!(follower.place(), 100);
        let heard = now - ms(2_000);
        let stale = follower.view.status() == Status::Stale;
        assert!(stale || heard < STALE_AFTER + ms(30), "at {now:?}");
    }
    assert_eq!(follower.standings, [Status::Live, Status::Stale]);
}

#[test]
fn a_flood_is_not_even_read_and_stores_stay_within_their_limits() {
    let (mut maker, mut follower) = following();
    // The first never comes: all that follow wait.
    maker.batch(ms(1), 1);
    for at in 0..3_000_u64 {
        let peer = 100 + at as u32 / BATCHES_BURST;
        follower.put(ms(2), Input::Joined(peer));
        follower.hear(ms(2), peer, bytes(&maker.batch(ms(2), 1)));
    }
    let (batches, bytes_held) = follower.view.waiting_size();
    assert!(batches <= WAITING_BATCHES_MAX && bytes_held <= WAITING_BYTES_MAX);
    let one = bytes(&maker.batch(ms(3), 1));
    let judged: Vec<_> = (0..BATCHES_BURST + MISBEHAVIOURS_MAX)
        .map(|_| follower.hear(ms(3), 7, one.clone()))
        .collect();
    assert!(judged.ends_with(&[Verdict::Ignore; MISBEHAVIOURS_MAX as usize]));
    assert_eq!(follower.cut.last(), Some(&(7, Misbehaviour::Flooding)));
}

#[test]
fn two_batches_for_one_place_are_reported_once_and_not_folded() {
    let (mut maker, mut follower) = following();
    let truth = maker.batch(ms(20), 1);
    let mut lie = truth.verify(MARKET, &key().public()).unwrap();
    lie.digest = Digest([9; 32]);
    let lie = SignedBatch::sign(&lie, &key());
    follower.hear(ms(20), 0, bytes(&truth));
    // Other peers must see both.
    assert_eq!(follower.hear(ms(21), 1, bytes(&lie)), Verdict::Accept);
    assert_eq!(follower.hear(ms(22), 2, bytes(&lie)), Verdict::Ignore);
    assert_eq!(follower.frauds, 1);
    assert!(follower.cut.is_empty(), "passing it on is no misbehaviour");
    assert_eq!(follower.market, Some(maker.market));
}

#[test]
fn batches_of_an_earlier_term_are_ignored() {
    let (mut maker, mut follower) = following();
    let old = maker.batch(ms(20), 1);
    maker.term = Term(2);
    let new = maker.batch(ms(30), 0);
    assert_eq!(follower.hear(ms(30), 0, bytes(&new)), Verdict::Accept);
    assert_eq!(follower.hear(ms(31), 1, bytes(&old)), Verdict::Ignore);
}

/// All its peers are the attacker's, and delay everything by more and more.
#[test]
fn an_eclipsed_peer_notices_growing_delays() {
    let (mut maker, mut follower) = following();
    let mut now = Duration::ZERO;
    let mut signed = Duration::ZERO;
    while follower.view.status() == Status::Live {
        signed += ms(100);
        now += ms(150);
        follower.hear(now, 0, bytes(&maker.batch(signed, 1)));
        assert!(now - signed <= STALE_AFTER + ms(200), "{now:?}");
    }
    assert_eq!(follower.view.status(), Status::Stale);
}

/// The attacker replays a day of the past, at the right pace, from the beginning on.
#[test]
fn an_eclipsed_joiner_sees_by_its_own_clock_that_all_is_old() {
    let mut maker = Maker::new();
    let day = Duration::from_secs(86_400);
    let mut follower = Follower::at(day, Some(time(day)), 3);
    follower.put(day, Input::ServerSnapshot(maker.snapshot(ms(0))));
    for at in 0..100 {
        let since = ms(100 * at);
        follower.hear(day + since, 0, bytes(&maker.batch(since, 1)));
    }
    assert_eq!(follower.view.status(), Status::Stale);
    assert!(!follower.standings.contains(&Status::Live));
}

/// Only heartbeats come through, and no events.
#[test]
fn a_peer_that_hears_only_signs_of_life_knows_that_it_is_behind() {
    let (mut maker, mut follower) = following();
    for second in 1..=7 {
        let now = ms(1_000 * second);
        maker.batch(now, 1);
        follower.hear(now, 0, bytes(&maker.batch(now, 0)));
    }
    assert_eq!(follower.view.status(), Status::Stale);
}

#[test]
fn a_lying_answer_is_no_snapshot_and_another_peer_is_asked() {
    let mut maker = Maker::new();
    maker.batch(ms(0), 10);
    let mut whole = Follower::new(0);
    whole.put(ms(0), Input::ServerSnapshot(maker.snapshot(ms(0))));
    let mut joiner = Follower::new(2);
    let (liar, ask) = joiner.asked.pop().unwrap();
    let mut lie = maker.snapshot(ms(0));
    lie.signed = SignedSnapshot::sign(&lie.statement, &SigningKey::new(&[1; 32]));
    let answer = Some(Ok(PeerResponse::Snapshot(lie.signed)));
    joiner.put(
        ms(1),
        Input::Response {
            from: liar,
            ask,
            answer,
        },
    );
    let (other, _) = *joiner.asked.last().unwrap();
    assert_ne!(other, liar);
    joiner.ask_of(ms(1), &mut whole);
    assert_eq!(joiner.market, Some(maker.market));
}

#[test]
fn a_lie_about_the_market_is_refused() {
    let mut maker = Maker::new();
    let fingerprint = key().public().fingerprint();
    let mut joiner = Follower::with(View::new(Pin::Key(fingerprint), ms(0), None), ms(0), 2);
    let signed = auction_proto::AnySigned::Batch(maker.batch(ms(0), 1));
    let other = auction_core::MarketId([8; 16]);
    for (market, key) in [
        (MARKET, SigningKey::new(&[1; 32]).public()),
        (other, key().public()),
    ] {
        let (from, ask) = joiner.asked.pop().unwrap();
        let key = auction_proto::MarketKey { market, key };
        let signed = signed.clone();
        let answer = Some(Ok(PeerResponse::Market { key, signed }));
        joiner.put(ms(1), Input::Response { from, ask, answer });
        joiner.put(ms(1) + ASK_AGAIN_AFTER, Input::Tick);
        assert_eq!(joiner.view.pinned(), None);
    }
}

#[test]
fn a_contradicting_snapshot_is_reported_as_fraud_and_refused() {
    let (mut maker, mut follower) = following();
    follower.hear(ms(20), 0, bytes(&maker.batch(ms(20), 1)));
    let mut lie = maker.snapshot(ms(30));
    lie.statement.digest = Digest([9; 32]);
    lie.signed = SignedSnapshot::sign(&lie.statement, &key());
    follower.put(ms(31), Input::NewerSnapshot(lie));
    assert_eq!(follower.frauds, 1);
    assert_eq!(follower.market, Some(maker.market));
}

#[test]
fn after_a_restart_no_older_snapshot_is_accepted() {
    let (mut maker, mut follower) = following();
    let old = maker.snapshot(ms(0));
    follower.hear(ms(20), 0, bytes(&maker.batch(ms(20), 1)));
    follower.put(ms(30), Input::FoldFailed);
    follower.put(ms(31), Input::ServerSnapshot(old));
    assert_eq!(follower.view.place(), None);
    follower.put(ms(32), Input::ServerSnapshot(maker.snapshot(ms(32))));
    assert_eq!(follower.view.place(), Some(maker.market.feed_sequence()));
}

#[test]
fn a_clock_error_within_the_limit_makes_nothing_stale() {
    let ahead = WALL_CLOCK_ERROR_MAX - ms(10);
    let mut follower = Follower::at(ms(0), Some(time(ahead)), 1);
    follower.put(ms(0), Input::ServerSnapshot(Maker::new().snapshot(ms(0))));
    assert_eq!(follower.standings, [Status::Live]);

    // Neither does a clock that runs a little faster than the market's, for however long.
    let mut freshness = Freshness::new(ms(0), None);
    for secs in 0..50_000 {
        let now = Duration::from_secs(secs);
        freshness.hear(now, time(now - now / (2 * DRIFT_PARTS)));
        assert!(!freshness.is_stale(now), "after {now:?}");
    }
}
