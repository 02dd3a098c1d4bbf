//! The life cycle common to all lots: scheduled, halted, closed early, cancelled; and suspended users.

use auction_core::{
    Command, EnglishTerms, Outcome, Phase, PublicEvent, Reject, Reply, SealedPricing, SealedTerms,
    SoldBy, Terms, TermsError, Timestamp, UnsoldBecause, UserId,
};

use crate::house::{A, AUCTIONEER, B, House, LOT, bid, cancel, micros, open, price, replace};

const CLOSE: Command = Command::CloseLot { lot: LOT };
const CANCEL: Command = Command::CancelLot { lot: LOT };
const HALT: Command = Command::HaltLot { lot: LOT };
const RESUME: Command = Command::ResumeLot { lot: LOT };

fn english() -> House {
    House::with_lot("1", 1, None, Terms::English(EnglishTerms::default()))
}

fn sealed() -> House {
    let pricing = SealedPricing::FirstPrice;
    House::with_lot("1", 1, None, Terms::Sealed(SealedTerms { pricing }))
}

fn closes_at(house: &House) -> Timestamp {
    house.engine.market().lot(LOT).unwrap().closes_at
}

#[test]
fn a_scheduled_lot_takes_bids_from_its_opening_on() {
    let mut house = House::new("1");
    let mut scheduled = open(1, None, Terms::English(EnglishTerms::default()));
    scheduled.opens_at = Some(Timestamp::from_secs(60));
    house.open(scheduled).unwrap();
    let opens_at = Timestamp::from_secs(60);
    assert_eq!(house.engine.next_deadline(), Some(opens_at));
    let not_begun = Err(Reject::LotNotBegun { lot: LOT, opens_at });
    assert_eq!(house.user(59, A, bid("2")), not_begun);
    assert_eq!(house.operate(59, CLOSE), not_begun);
    house.user(60, A, bid("2")).unwrap();
    let begun = &house.records[house.records.len() - 2];
    assert_eq!(begun.at, opens_at);
    assert_eq!(
        begun.public_events().collect::<Vec<_>>(),
        [&PublicEvent::LotBegan { lot: LOT }]
    );
    assert!(matches!(house.outcome(), Outcome::Sold { winner: A, .. }));
}

#[test]
fn opening_in_the_past_or_closing_before_the_opening_is_refused() {
    let mut house = House::new("1");
    let mut refused = |opens_at, closes_at| {
        let mut lot = open(1, None, Terms::English(EnglishTerms::default()));
        lot.opens_at = Some(Timestamp::from_secs(opens_at));
        lot.closes_at = Timestamp::from_secs(closes_at);
        house.operate(10, Command::OpenLot(lot.into()))
    };
    const YEAR: u64 = 366 * 24 * 60 * 60;
    assert_eq!(refused(10, 300), Err(Reject::Terms(TermsError::Opening)));
    assert_eq!(
        refused(YEAR + 11, YEAR + 300),
        Err(Reject::Terms(TermsError::Opening))
    );
    assert_eq!(refused(60, 60), Err(Reject::Terms(TermsError::Close)));
    assert_eq!(
        refused(60, YEAR + 61),
        Err(Reject::Terms(TermsError::Close))
    );
    refused(YEAR + 10, 2 * YEAR + 10).unwrap();
}

#[test]
fn a_halted_lot_takes_no_bids_and_goes_on_later_by_as_long() {
    let mut house = english();
    house.user(1, A, bid("2")).unwrap();
    house.operate(100, HALT).unwrap();
    let since = Timestamp::from_secs(100);
    let halted = Err(Reject::LotHalted { lot: LOT, since });
    assert_eq!(house.user(150, B, bid("3")), halted);
    assert_eq!(house.operate(150, HALT), Err(Reject::Unchanged));
    let later = Command::ExtendLot {
        lot: LOT,
        closes_at: Timestamp::from_secs(900),
    };
    assert_eq!(house.operate(150, later), halted);
    assert_eq!(house.engine.next_deadline(), None);
    house.operate(1_000, RESUME).unwrap();
    assert_eq!(closes_at(&house), Timestamp::from_secs(1_200));
    assert_eq!(house.engine.next_deadline(), Some(closes_at(&house)));
    assert_eq!(house.operate(1_000, RESUME), Err(Reject::Unchanged));
    house.user(1_199, B, bid("3")).unwrap();
    let lot = house.engine.market().lot(LOT).unwrap();
    assert_eq!(lot.opened_at, Timestamp::from_secs(900));
    assert_eq!(
        lot.extensions, 1,
        "the window of the soft close has moved as well"
    );
}

#[test]
fn a_halted_lot_takes_cancels_of_orders_and_nothing_else() {
    let mut house = sealed();
    house.sealed_bid(1, A, "5").unwrap();
    house.sealed_bid(1, B, "6").unwrap();
    house.operate(10, HALT).unwrap();
    let since = Timestamp::from_secs(10);
    let halted = Err(Reject::LotHalted { lot: LOT, since });
    assert_eq!(house.user(11, A, replace(1, 1, "7")), halted);
    assert_eq!(house.sealed_bid(11, UserId(3), "7"), halted);
    house.user(11, B, cancel(1)).unwrap();
    assert_eq!(house.bidders(), 1);
    house.operate(20, RESUME).unwrap();
    assert!(matches!(house.outcome(), Outcome::Sold { winner: A, .. }));
}

#[test]
fn a_scheduled_lot_can_be_halted_and_opens_later_by_as_long() {
    let mut house = House::new("1");
    let mut scheduled = open(1, None, Terms::English(EnglishTerms::default()));
    scheduled.opens_at = Some(Timestamp::from_secs(60));
    house.open(scheduled).unwrap();
    house.operate(50, HALT).unwrap();
    house.operate(90, RESUME).unwrap();
    let lot = house.engine.market().lot(LOT).unwrap();
    assert_eq!(lot.phase, Phase::Scheduled);
    assert_eq!(lot.opened_at, Timestamp::from_secs(100));
    assert_eq!(lot.closes_at, Timestamp::from_secs(340));
    house.user(100, A, bid("2")).unwrap();
}

#[test]
fn closing_early_settles_now_by_the_rules_without_an_extension() {
    let mut house = english();
    house.user(290, A, bid("2")).unwrap();
    house.operate(295, CLOSE).unwrap();
    let sold = Outcome::Sold {
        winner: A,
        price: price("2"),
        by: SoldBy::HighestBid,
        runner_up: None,
    };
    assert_eq!(house.outcome(), sold);
    let lot = house.engine.market().lot(LOT).unwrap();
    assert!(matches!(lot.phase, Phase::Closed { at, .. } if at == Timestamp::from_secs(295)));
    assert!(matches!(
        house.operate(296, CLOSE),
        Err(Reject::LotClosed { .. })
    ));
    // A halted lot can be closed as well.
    let mut house = sealed();
    house.sealed_bid(1, A, "5").unwrap();
    house.operate(2, HALT).unwrap();
    house.operate(3, CLOSE).unwrap();
    assert!(matches!(house.outcome(), Outcome::Sold { winner: A, .. }));
    assert_eq!(house.opened().len(), 1);
}

#[test]
fn a_lot_is_taken_back_only_before_its_first_bid() {
    let cancelled = Outcome::Unsold {
        because: UnsoldBecause::Cancelled,
        highest: None,
    };
    let mut house = english();
    house.operate(1, CANCEL).unwrap();
    assert_eq!(house.outcome(), cancelled);
    let mut house = sealed();
    house.sealed_bid(1, A, "5").unwrap();
    assert_eq!(
        house.operate(1, CANCEL),
        Err(Reject::LotHasBids { lot: LOT })
    );
    house.user(2, A, cancel(1)).unwrap();
    house.operate(3, CANCEL).unwrap();
    assert_eq!(house.outcome(), cancelled);
}

#[test]
fn a_suspended_user_cannot_act_and_their_bids_stay_binding() {
    let mut house = english();
    house.user(1, A, bid("2")).unwrap();
    let suspend = Command::SuspendUser { user: A };
    let reinstate = Command::ReinstateUser { user: A };
    house.user(2, AUCTIONEER, suspend.clone()).unwrap();
    assert_eq!(house.last_public(), [], "nobody else is told");
    assert_eq!(house.user(3, A, bid("3")), Err(Reject::Suspended));
    assert_eq!(
        house.user(3, AUCTIONEER, suspend.clone()),
        Err(Reject::Unchanged)
    );
    assert!(matches!(
        house.user(3, B, suspend),
        Err(Reject::NotPermitted { .. })
    ));
    let nobody = UserId(99);
    assert_eq!(
        house.operate(3, Command::SuspendUser { user: nobody }),
        Err(Reject::UnknownUser { user: nobody })
    );
    assert!(matches!(house.outcome(), Outcome::Sold { winner: A, .. }));
    house.operate(400, reinstate.clone()).unwrap();
    assert_eq!(house.operate(400, reinstate), Err(Reject::Unchanged));
    house.holds_on_replay();
}

#[test]
fn lots_are_run_by_the_operator_and_auctioneers_alone() {
    let mut house = english();
    for command in [CLOSE, CANCEL, HALT, RESUME] {
        assert!(matches!(
            house.user(1, A, command),
            Err(Reject::NotPermitted { .. })
        ));
    }
    let open_due = Command::OpenDue { lot: LOT };
    assert_eq!(
        house.operate(1, open_due.clone()),
        Err(Reject::NotByOperator)
    );
    assert!(matches!(
        house.user(1, AUCTIONEER, open_due),
        Err(Reject::NotPermitted { .. })
    ));
    house.user(1, AUCTIONEER, HALT).unwrap();
    house.user(2, AUCTIONEER, RESUME).unwrap();
    assert_eq!(house.user(3, AUCTIONEER, CLOSE), Ok(Reply::Done));
}

#[test]
fn a_lot_due_while_nobody_asked_opens_and_closes_at_its_times() {
    let mut house = House::new("1");
    let mut scheduled = open(1, None, Terms::English(EnglishTerms::default()));
    scheduled.opens_at = Some(Timestamp::from_secs(60));
    house.open(scheduled).unwrap();
    house.wait(micros(900_000_000));
    let at: Vec<_> = house
        .records
        .iter()
        .rev()
        .take(2)
        .map(|record| record.at)
        .collect();
    assert_eq!(at, [Timestamp::from_secs(300), Timestamp::from_secs(60)]);
}
