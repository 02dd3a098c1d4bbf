//! The user's activity before the screen was opened, and outdated reports.

use auction_client::{ActivityBid, ActivityEntry, ActivityOf};
use auction_core::{
    AccountEvent, LotId, OrderId, OrderState, OwnOrder, Quantity, Role, Side, StandingLead, Symbol,
};
use ratatui::crossterm::event::KeyCode;

use super::fixture::{AAPL, BRK, PARTS, Stage};
use crate::fixture::{after, bid, price};
use crate::screen::events::{Input, Request};
use crate::screen::model::{NoticeKind, Page};

fn entry(lot: LotId, symbol: &str, what: ActivityOf) -> ActivityEntry {
    ActivityEntry {
        lot,
        symbol: Symbol::parse(symbol).unwrap(),
        at: after(1),
        what,
    }
}

fn filled_order(order: u32, filled: u64) -> ActivityOf {
    ActivityOf::Order(OwnOrder {
        order: OrderId(order),
        side: Side::Buy,
        quantity: Quantity::new(40).unwrap(),
        limit: Some(price("2.00")),
        state: OrderState::Closed {
            filled,
            price: (filled > 0).then(|| price("1.50")),
        },
    })
}

fn a_bid(at: &str, leads: bool) -> ActivityOf {
    ActivityOf::Bid(ActivityBid {
        price: price(at),
        hidden: false,
        leads,
        state: OrderState::Live,
    })
}

/// Shows only the user's own lots.
fn shows_mine(stage: &mut Stage) -> String {
    for _ in 0..2 {
        stage.key(KeyCode::Char('v'));
    }
    stage.shows(80, 24)
}

#[test]
fn until_all_has_come_the_screen_loads_and_denies_nothing() {
    let mut stage = Stage::of_mia();
    let screen = shows_mine(&mut stage);
    assert!(screen.contains("Loading your bids and orders…"), "{screen}");
    stage.takes(Input::Activity(Vec::new(), false));
    assert!(stage.shows(80, 24).contains("Loading"));
    stage.takes(Input::Activity(Vec::new(), true));
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("You have not bid on any lot yet."),
        "{screen}"
    );
    stage.takes(Input::NoActivity);
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("This server does not tell what you did before."),
        "{screen}"
    );
    // A new state: more may have happened meanwhile.
    stage.takes(Input::AccountState(Vec::new(), Vec::new(), Vec::new()));
    assert!(stage.shows(80, 24).contains("Loading"));
}

#[test]
fn orders_of_a_lot_closed_before_are_shown_with_their_fills() {
    let mut stage = Stage::looking_on();
    stage.is(Some(("mia", Role::Trader)));
    let entries = vec![
        entry(PARTS, "AMZN", filled_order(2, 0)),
        entry(PARTS, "AMZN", filled_order(1, 30)),
    ];
    stage.takes(Input::Activity(entries, true));
    stage.model.page = Page::Lot(PARTS);
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("your order 1: buy 40 shares at 2.00; traded 30 at 1.50"),
        "{screen}"
    );
    assert!(
        screen.contains("your order 2: buy 40 shares at 2.00; traded nothing"),
        "{screen}"
    );
}

#[test]
fn lots_bid_on_before_are_mine_and_show_being_outbid() {
    let mut stage = Stage::looking_on();
    stage.happens(bid(2, Some("1.60"), 2, "1.60", "1.61"));
    stage.is(Some(("mia", Role::Trader)));
    let entries = vec![
        entry(BRK, "BRK.B", ActivityOf::Cancelled(1)),
        entry(AAPL, "AAPL", a_bid("1.40", false)),
    ];
    stage.takes(Input::Activity(entries, true));
    assert_eq!(stage.model.notices[0].kind, NoticeKind::Outbid);
    let screen = shows_mine(&mut stage);
    assert!(
        screen.contains("AAPL") && screen.contains("BRK.B") && !screen.contains("TSLA"),
        "{screen}"
    );
    stage.model.page = Page::Lot(AAPL);
    assert!(stage.shows(80, 24).contains("Your latest bid: 1.40"));
    // It has priority over a maximum that was given here since.
    let lead = StandingLead {
        lot: AAPL,
        offer: price("2.00"),
    };
    let leads = AccountEvent::Leads(lead);
    stage.takes(Input::Account(after(stage.now), leads));
    assert_eq!(stage.model.bids[&AAPL], price("2.00"));
}

#[test]
fn when_outbid_the_report_of_leading_is_removed() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.key(KeyCode::Char('b'));
    stage.enters();
    let asked = stage.asked();
    stage.accepts(&asked, "1.40", true);
    stage.mia_leads("1.40", "1.41");
    stage.key(KeyCode::Enter);
    assert!(stage.shows(80, 24).contains("you lead at 1.40."));
    stage.tom_leads("1.45", "1.46");
    let screen = stage.shows(80, 24);
    assert!(!screen.contains("you lead at"), "{screen}");
    assert!(screen.contains("OUTBID on AAPL #1: tom leads at 1.45"));
}

#[test]
fn an_answer_after_the_next_bid_does_not_report_leading() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.key(KeyCode::Char('b'));
    stage.enters();
    let asked = stage.asked();
    stage.mia_leads("1.40", "1.41");
    stage.tom_leads("1.45", "1.46");
    stage.model.page = Page::Lot(AAPL);
    stage.accepts_at(&asked, "1.40", true, stage.market.feed_sequence().0 - 1);
    let screen = stage.shows(80, 24);
    assert!(!screen.contains("you lead at"), "{screen}");
    assert!(
        stage
            .model
            .log
            .iter()
            .any(|line| line.text.contains("1.40 is accepted"))
    );
}

#[test]
fn an_outdated_offered_price_is_replaced_by_the_least_bid() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.key(KeyCode::Char('b'));
    stage.tom_leads("1.45", "1.46");
    stage.enters();
    assert!(stage.asks().is_empty());
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("the least bid is 1.46 by now; Enter bids it"),
        "{screen}"
    );
    stage.enters();
    let asked = stage.asked();
    assert!(
        matches!(asked, Request::Bid(AAPL, offer) if offer.amount() == price("1.46")),
        "{asked:?}"
    );
}

#[test]
fn a_typed_price_and_the_least_bid_are_sent_unchanged() {
    for (typed, sent) in [("1.40", "1.40"), ("", "1.40")] {
        let mut stage = Stage::of_mia();
        stage.shows(80, 24);
        stage.key(KeyCode::Char('b'));
        stage.types(typed);
        if !typed.is_empty() {
            stage.tom_leads("1.45", "1.46");
        }
        stage.enters();
        let asked = stage.asked();
        assert!(
            matches!(asked, Request::Bid(AAPL, offer) if offer.amount() == price(sent)),
            "{asked:?}"
        );
    }
}
