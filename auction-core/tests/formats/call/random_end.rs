//! A call auction's random end: drawn, committed to, kept and opened.

use auction_core::{CallTerms, Command, LadderStep, Outcome, PublicEvent, Reject, Side, Span};

use super::{
    CLOSE, HALT, RESUME, buy, closes_at, collar, ends, extensions, house, order, random_end, secs,
    sell,
};
use crate::house::{A, B, C, D, LOT, micros, price};

#[test]
fn a_random_end_is_fixed_at_its_window_and_kept_exactly() {
    let mut moments = Vec::new();
    for seed in 0..20_u8 {
        let mut house = house("10", random_end(20));
        house.seed = [seed.wrapping_mul(13); 32];
        house.user(1, A, buy(5, "11")).unwrap();
        house.user(1, B, sell(5, "10")).unwrap();
        assert_eq!(house.engine.next_deadline(), Some(secs(280)));
        house.wait(secs(280));
        let drawn = house.records.last().unwrap();
        assert_eq!(drawn.at, secs(280));
        assert!(drawn.command.is_hidden());
        let uncross_at = house.engine.next_deadline().unwrap();
        assert!((secs(280)..=secs(300)).contains(&uncross_at));
        moments.push(uncross_at);
        // The public only sees that it is fixed.
        assert_eq!(closes_at(&house), secs(300));
        let (committed, opened) = ends(&house);
        assert_eq!((committed.len(), opened.len()), (1, 0));

        house.outcome();
        let last = house.records.last().unwrap();
        assert_eq!(last.at, uncross_at);
        let (committed, opened) = ends(&house);
        let (_, end) = opened[0];
        assert_eq!(opened.len(), 1);
        assert_eq!(end.commitment(LOT).0, committed[0].1, "as it was fixed");
        let close = closes_at(&house).micros() - end.before_close.micros();
        assert_eq!(close, uncross_at.micros());
    }
    moments.sort_unstable();
    moments.dedup();
    assert_eq!(moments.len(), 20, "each seed has its own moment");
}

#[test]
fn an_opened_end_that_contradicts_its_commitment_does_not_fit() {
    let mut house = house("10", random_end(20));
    house.wait(secs(280));
    let mut market = house.engine.market().clone();
    house.wait(secs(300));
    let (_, opened) = ends(&house);
    let (at, mut end) = opened[0];
    end.before_close = Span::from_micros(end.before_close.micros() + 1).unwrap();
    let event = PublicEvent::EndOpened { lot: LOT, end };
    let refused = market.apply(at, &event);
    assert_eq!(
        refused,
        Err(auction_core::FoldError::EndNotAsCommitted(LOT))
    );
}

#[test]
fn orders_after_the_random_end_are_late_even_before_the_uncross() {
    let mut house = house("10", random_end(20));
    house.wait(secs(280));
    let closed_at = house.engine.next_deadline().unwrap();
    let caller = auction_core::Caller::User(A);
    let mut late = |at| house.engine.execute(at, caller, buy(1, "10"));
    let before = micros(closed_at.micros() - 1);
    late(before).unwrap();
    let refused = Err(Reject::LotClosed {
        lot: LOT,
        closed_at,
    });
    assert_eq!(late(closed_at).map(|done| done.reply()), refused);
}

#[test]
fn a_halt_shifts_the_uncross_and_what_was_fixed_holds() {
    let mut house = house("10", random_end(20));
    house.wait(secs(280));
    let uncross_at = house.engine.next_deadline().unwrap();
    let halted_at = micros(uncross_at.micros() - 1);
    let operator = auction_core::Caller::Operator;
    house.ask(halted_at, operator, HALT).unwrap();
    assert_eq!(house.engine.next_deadline(), None);
    let resumed_at = micros(halted_at.micros() + 100_000_000);
    house.ask(resumed_at, operator, RESUME).unwrap();
    let shifted = micros(uncross_at.micros() + 100_000_000);
    assert_eq!(house.engine.next_deadline(), Some(shifted));
    house.outcome();
    assert_eq!(house.records.last().unwrap().at, shifted);
    let (committed, opened) = ends(&house);
    assert_eq!((committed.len(), opened.len()), (1, 1));
}

#[test]
fn when_the_auctioneer_moves_the_close_the_end_is_drawn_anew() {
    let mut house = house("10", random_end(20));
    house.wait(secs(280));
    let closes_at = secs(600);
    house
        .operate(
            280,
            Command::ExtendLot {
                lot: LOT,
                closes_at,
            },
        )
        .unwrap();
    assert_eq!(house.engine.next_deadline(), Some(secs(580)));
    house.outcome();
    let (committed, opened) = ends(&house);
    assert_eq!((committed.len(), opened.len()), (2, 2));
    assert_eq!(opened[0].0, secs(280), "the first lapsed, and is shown");
    assert!((secs(580)..=secs(600)).contains(&opened[1].0));
}

#[test]
fn a_late_draw_has_what_is_left_of_its_window() {
    for at in [290, 300, 400] {
        let mut house = house("10", random_end(20));
        let caller = auction_core::Caller::Operator;
        // After an outage of the shell, the first command is another one.
        let other = Command::SuspendUser { user: D };
        let done = house.engine.execute(secs(at), caller, other).unwrap();
        house.records.extend(done.into_record());
        house.wait(secs(at));
        let drawn = house
            .records
            .iter()
            .find(|record| matches!(record.command, Command::DrawEnd { .. }));
        assert_eq!(drawn.unwrap().at, secs(at));
        house.outcome();
        let closed = house.records.last().unwrap().at;
        assert!((secs(at)..=secs(at.max(300))).contains(&closed));
    }
}

#[test]
fn closed_early_a_call_is_uncrossed_now_and_its_end_opened() {
    let terms = CallTerms {
        collar: collar("1", 0),
        market_extension: true,
        extend_by: Span::from_secs(30),
        ..random_end(20)
    };
    let mut house = house("10", terms);
    house.user(1, A, buy(5, "12")).unwrap();
    house.user(1, B, sell(5, "10.50")).unwrap();
    house.user(1, C, order(Side::Buy, 5, None)).unwrap();
    house.wait(secs(280));
    house.operate(280, CLOSE).unwrap();
    let outcome = house.outcome();
    let Outcome::Crossed { price: at, by, .. } = outcome else {
        panic!("{outcome:?}")
    };
    // 12.00 is outside 9 to 11.
    assert_eq!((at, by), (price("11"), LadderStep::Collar));
    assert_eq!(house.records.last().unwrap().at, secs(280));
    let (committed, opened) = ends(&house);
    assert_eq!((committed.len(), opened.len()), (1, 1));
    assert_eq!(extensions(&house), []);
}

#[test]
fn an_extension_has_a_random_end_of_its_own() {
    let terms = CallTerms {
        collar: collar("1", 0),
        extend_by: Span::from_secs(60),
        ..random_end(20)
    };
    let mut house = house("10", terms);
    house.user(1, A, buy(5, "20")).unwrap();
    house.user(1, B, sell(5, "19")).unwrap();
    house.outcome();
    let (committed, opened) = ends(&house);
    assert_eq!((committed.len(), opened.len()), (2, 2));
    for ((_, commitment), (_, end)) in committed.iter().zip(&opened) {
        assert_eq!(end.commitment(LOT).0, *commitment);
    }
    let (first, second) = (opened[0].0, opened[1].0);
    let extended_to = micros(first.micros() + 60_000_000);
    assert_eq!(closes_at(&house), extended_to);
    assert_eq!(committed[1].0, micros(extended_to.micros() - 20_000_000));
    assert!((committed[1].0..=extended_to).contains(&second));
    assert_eq!(house.records.last().unwrap().at, second);
}
