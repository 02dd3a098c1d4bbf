//! Events that the user must notice.

use auction_client::{Code, ConnectionError, RequestError, Update};
use auction_core::{
    AccountEvent, ExtensionCause, OrderId, Outcome, PublicEvent, Quantity, Role, Side, SoldBy,
    StandingLead, StandingOrder, UserId,
};
use ratatui::crossterm::event::KeyCode;

use crate::fixture::{after, bid, closed, price};
use crate::screen::events::{Effect, Identity, Input, Request, Response};
use crate::screen::model::{NoticeKind, Page};
use crate::screen::tests::fixture::{AAPL, DUTCH, PARTS, Stage, VICKREY};

#[test]
fn being_outbid_rings_and_is_shown_until_confirmed() {
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    assert!(!stage.rang());
    stage.tom_leads("1.45", "1.46");
    assert!(stage.rang());
    let told = "‼ OUTBID on AAPL #1: tom leads at 1.45 [r: bid 1.46, x: seen]";
    for (columns, rows) in [(80, 24), (120, 40)] {
        let screen = stage.shows(columns, rows);
        assert!(screen.contains(told), "{screen}");
    }
    // On every page, and with a form open.
    stage.key(KeyCode::Enter);
    assert!(stage.shows(80, 24).contains("OUTBID"));
    stage.key(KeyCode::Char('e'));
    assert!(stage.shows(80, 24).contains("OUTBID"));
    stage.key(KeyCode::Char('b'));
    assert!(stage.shows(80, 24).contains("OUTBID"));
    // The offered bid is the current least bid.
    stage.tom_leads("1.50", "1.51");
    assert!(stage.shows(80, 24).contains("r: bid 1.51"));
    stage.key(KeyCode::Esc);
    stage.key(KeyCode::Char('x'));
    assert!(!stage.shows(80, 24).contains("r: bid"));
}

#[test]
fn leading_again_removes_the_notice() {
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    stage.tom_leads("1.45", "1.46");
    stage.mia_leads("1.46", "1.47");
    assert!(stage.model.notices.is_empty());
}

#[test]
fn a_bid_that_a_hidden_maximum_beats_counts_as_outbid() {
    let mut stage = Stage::of_mia();
    stage.happens(bid(1, Some("1.45"), 2, "1.46", "1.47"));
    assert_eq!(stage.model.outbid(), Some(AAPL));
}

#[test]
fn bids_on_lots_without_own_bids_are_not_reported() {
    let mut stage = Stage::of_mia();
    stage.tom_leads("1.40", "1.41");
    stage.tom_leads("1.45", "1.46");
    assert!(stage.model.notices.is_empty());
    assert!(stage.model.log.is_empty());
}

#[test]
fn being_outbid_during_a_lost_connection_is_reported_later() {
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    stage.loses_connection();
    let event = bid(2, Some("1.45"), 2, "1.45", "1.46");
    stage.market.apply(after(stage.now), &event).unwrap();
    stage.takes(Input::Feed(Update::Snapshot));
    assert_eq!(stage.model.outbid(), Some(AAPL));
    assert!(stage.shows(80, 24).contains("● live"));
}

#[test]
fn r_bids_again_on_the_outbid_lot_from_any_page() {
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    stage.tom_leads("1.45", "1.46");
    stage.shows(80, 24);
    stage.key(KeyCode::Char('j'));
    stage.asks();
    stage.key(KeyCode::Char('r'));
    stage.enters();
    let asked = stage.asked();
    assert!(matches!(asked, Request::Bid(AAPL, _)), "{asked:?}");
    assert!(stage.shows(80, 24).contains("sending…"));
    stage.accepts(&asked, "1.46", true);
    let screen = stage.shows(80, 24);
    let told = "AAPL #1: your bid of 1.46 is accepted; you lead at 1.46.";
    assert!(screen.contains(told), "{screen}");
    assert!(stage.model.form.is_none());
}

#[test]
fn winning_is_shown_and_rings() {
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    stage.closes_for(1, "1.40");
    assert!(stage.rang());
    assert_eq!(stage.model.notices[0].kind, NoticeKind::Won);
    assert!(
        stage
            .shows(80, 24)
            .contains("★ YOU WON AAPL #1: sold to mia (you) at 1.40")
    );
}

#[test]
fn a_lot_that_closes_while_outbid_is_reported() {
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    stage.tom_leads("1.45", "1.46");
    stage.closes_for(2, "1.45");
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("OUTBID on AAPL #1, which has closed: sold to tom"),
        "{screen}"
    );
    assert!(!screen.contains("r: bid"), "{screen}");
}

#[test]
fn extensions_and_countdowns_of_own_lots_are_reported() {
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    stage.now = 270;
    stage.tick();
    stage.happens(PublicEvent::LotExtended {
        lot: AAPL,
        closes_at: after(360),
        cause: ExtensionCause::SoftClose,
    });
    let log: Vec<_> = stage
        .model
        .log
        .iter()
        .map(|entry| entry.text.clone())
        .collect();
    assert_eq!(
        log,
        [
            "AAPL #1      closes in 0:30",
            "AAPL #1      extended: closes in 1:30"
        ]
    );
    assert!(stage.shows(80, 24).contains("1:30 +1"));
}

#[test]
fn a_refused_bid_shows_the_least_bid_and_one_key_takes_it() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.types("b1.4");
    stage.enters();
    let asked = stage.asked();
    let least = "the least bid is 1.42";
    stage.refuses(&asked, Code::BID_TOO_LOW, least, Some(price("1.42")));
    stage.tom_leads("1.41", "1.42");
    assert!(
        stage
            .shows(80, 24)
            .contains("! refused: the least bid is 1.42 (↑ takes it)")
    );
    stage.key(KeyCode::Up);
    stage.enters();
    let asked = format!("{:?}", stage.asked());
    assert!(asked.contains("1.42"), "{asked}");
}

#[test]
fn an_unknown_outcome_is_reported_as_such() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.types("b");
    stage.enters();
    let asked = stage.asked();
    stage.fails(&asked, RequestError::OutcomeUnknown(ConnectionError::Ended));
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("not known whether this was done"),
        "{screen}"
    );
}

#[test]
fn a_closed_session_asks_for_the_password_and_continues() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.types("b");
    stage.enters();
    let asked = stage.asked();
    stage.refuses(
        &asked,
        Code::SESSION_CLOSED,
        "session 7 is closed; log in again",
        None,
    );
    let screen = stage.shows(80, 24);
    assert!(screen.contains("Log in or register"), "{screen}");
    assert!(screen.contains("mia"), "{screen}");
    stage.types("hunter2");
    assert!(!stage.shows(80, 24).contains("hunter2"));
}

#[test]
fn every_format_has_the_form_for_its_bids() {
    for (downs, keys, expected) in [
        (0, "b2\n", "Bid(LotId(1), Plain(Price(2.00)))"),
        (2, "b\n", "Bid(LotId(3), Plain(Price(98.00)))"),
        (3, "b2\n", "limit: Some(Price(2.00))"),
        (
            4,
            "b30\t2\n",
            "quantity: Quantity(30), limit: Some(Price(2.00))",
        ),
    ] {
        let mut stage = Stage::of_mia();
        stage.shows(80, 24);
        (0..downs).for_each(|_| stage.key(KeyCode::Down));
        for char in keys.chars() {
            match char {
                '\n' => stage.key(KeyCode::Enter),
                '\t' => stage.key(KeyCode::Tab),
                char => stage.key(KeyCode::Char(char)),
            }
        }
        let asked = format!("{:?}", stage.asked());
        assert!(asked.contains(expected), "{keys:?}: {asked}");
    }
}

#[test]
fn a_hidden_maximum_is_an_option_and_the_leaders_default() {
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    stage.shows(80, 24);
    stage.types("b2.5");
    stage.enters();
    let asked = format!("{:?}", stage.asked());
    assert_eq!(asked, "Bid(LotId(1), Maximum(Price(2.50)))");
}

#[test]
fn only_a_price_far_from_the_markets_needs_confirmation() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.types("b140");
    stage.enters();
    assert!(stage.asks().is_empty());
    let screen = stage.shows(80, 24);
    let asked = "140.00 is 100 times the least bid, 1.40. Enter again sends it.";
    assert!(screen.contains(asked), "{screen}");
    stage.enters();
    assert_eq!(stage.asks().len(), 1);
}

#[test]
fn shares_with_a_comma_are_refused_and_not_read_as_many() {
    for wrong in ["1,5", "12,50", "1,500"] {
        let mut stage = Stage::of_mia();
        stage.types("/amzn");
        stage.enters();
        stage.types("b");
        stage.types(wrong);
        stage.enters();
        stage.enters();
        assert!(stage.asks().is_empty(), "{wrong}");
        let screen = stage.shows(80, 24);
        assert!(screen.contains("is no number of shares"), "{screen}");
    }
}

#[test]
fn an_order_is_changed_and_withdrawn() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    (0..3).for_each(|_| stage.key(KeyCode::Down));
    stage.types("b2");
    stage.enters();
    let asked = stage.asked();
    let placed = Response::Placed(OrderId(1));
    stage.takes(Input::Answer(asked.asked(), Ok(placed)));
    stage.enters();
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("your order 1: buy 1 share at 2.00"),
        "{screen}"
    );
    // One sealed bid per trader: another one replaces it.
    stage.asks();
    stage.types("b2.2");
    stage.enters();
    let asked = stage.asked();
    assert!(matches!(&asked, Request::Replace(order) if order.lot == VICKREY));
    let done = Response::Done;
    stage.takes(Input::Answer(asked.asked(), Ok(done)));
    assert!(
        stage
            .shows(80, 24)
            .contains("your order 1: buy 1 share at 2.20")
    );
    stage.types("w");
    stage.enters();
    let asked = stage.asked();
    let done = Response::Done;
    stage.takes(Input::Answer(asked.asked(), Ok(done)));
    assert!(!stage.shows(80, 24).contains("your order 1: buy"));
}

#[test]
fn an_anonymous_user_logs_in_before_bidding() {
    let mut stage = Stage::looking_on();
    stage.shows(80, 24);
    stage.types("b");
    assert!(stage.shows(80, 24).contains("Log in or register"));
    // Typing at the options selects the login.
    stage.types("mia");
    stage.enters();
    stage.types("correct horse");
    stage.enters();
    let asked = stage.asked();
    assert!(matches!(&asked, Request::LogIn(name, _) if name.as_str() == "mia"));
    assert!(!format!("{:?} {:?}", stage.model, asked).contains("horse"));
    let me = Identity {
        name: "mia".parse().unwrap(),
        role: Role::Trader,
    };
    let why = "cannot write /home/mia: No space left on device; nobody was logged in.";
    let answer = Response::NotRemembered(why.to_owned());
    stage.takes(Input::Answer(asked.asked(), Ok(answer)));
    let shown = stage.shows(80, 24);
    assert!(shown.contains("Log in or register") && shown.contains("No space left"));
    assert!(shown.contains("looking on"));
    // The typed password is cleared, whatever the result.
    stage.types("correct horse");
    stage.enters();
    let asked = stage.asked();
    let answer = Response::LoggedIn(me);
    stage.takes(Input::Answer(asked.asked(), Ok(answer)));
    assert!(stage.shows(80, 24).contains("Bid on AAPL #1"));
}

#[test]
fn companies_publish_and_auctioneers_manage() {
    let mut stage = Stage::looking_on();
    stage.is(Some(("mia", Role::Company("AAPL".parse().unwrap()))));
    stage.shows(80, 24);
    stage.types("b");
    assert!(stage.model.form.is_none());
    stage.types("p-12.5");
    stage.enters();
    let asked = format!("{:?}", stage.asked());
    assert!(asked.contains("profit: Profit(-125000)"), "{asked}");
    stage.key(KeyCode::Esc);
    stage.is(Some(("tom", Role::Auctioneer)));
    stage.types("m");
    stage.enters();
    let asked = format!("{:?}", stage.asked());
    assert_eq!(asked, "Manage(LotId(1), Halt)");
}

#[test]
fn a_dutch_lot_shows_its_falling_price() {
    let mut stage = Stage::of_mia();
    assert!(stage.shows(80, 24).contains("98.00"));
    stage.model.dirty = false;
    stage.now = 31;
    stage.tick();
    assert!(stage.model.dirty);
    assert!(stage.shows(80, 24).contains("97.00"));
    let sold = Outcome::Sold {
        winner: UserId(1),
        price: price("97"),
        by: SoldBy::FirstTake,
        runner_up: None,
    };
    stage.happens(closed(DUTCH.0, sold));
    assert!(stage.shows(80, 24).contains("97.00"));
}

#[test]
fn the_state_of_the_connection_is_a_sign_and_words() {
    let mut stage = Stage::of_mia();
    assert!(stage.shows(80, 24).contains("● live 1 ms"));
    stage.loses_connection();
    stage.now += 1;
    stage.tick();
    let told = "○ reconnecting in 0:02, stale since 13:00:28Z";
    assert!(stage.shows(80, 24).contains(told));
    stage.takes(Input::Feed(Update::Live));
    assert!(stage.shows(80, 24).contains("● live"));
    assert!(
        stage
            .shows(80, 24)
            .contains("connected again; nothing was missed")
    );
}

#[test]
fn another_market_makes_the_screen_reconnect() {
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    stage.market = auction_core::Market::new(auction_core::MarketId([9; 16]));
    stage.takes(Input::Feed(Update::Snapshot));
    assert!(
        stage
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Reconnect))
    );
    assert_eq!(stage.model.me, None);
    assert_eq!(stage.model.page, Page::Lots);
    assert!(stage.shows(80, 24).contains("another market"));
}

#[test]
fn own_orders_and_maxima_are_known_whichever_session_set_them() {
    let order = |order, quantity: u64| StandingOrder {
        lot: PARTS,
        order: OrderId(order),
        side: Side::Buy,
        quantity: Quantity::new(quantity).unwrap(),
        limit: Some(price("2")),
    };
    let lead = StandingLead {
        lot: AAPL,
        offer: price("3"),
    };
    let mut stage = Stage::of_mia();
    stage.mia_leads("1.40", "1.41");
    stage.takes(Input::AccountState(
        vec![order(1, 30)],
        vec![lead],
        Vec::new(),
    ));
    stage.shows(80, 24);
    stage.enters();
    let screen = stage.shows(80, 24);
    assert!(screen.contains("You have offered up to 3.00"), "{screen}");
    stage.key(KeyCode::Esc);
    stage.key(KeyCode::End);
    stage.enters();
    let at = after(stage.now);
    stage.takes(Input::Account(at, AccountEvent::OrderPlaced(order(2, 50))));
    let replaced = AccountEvent::OrderReplaced {
        lot: PARTS,
        order: OrderId(1),
        quantity: Quantity::new(40).unwrap(),
        limit: None,
    };
    stage.takes(Input::Account(at, replaced));
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("your order 2: buy 50 shares at 2.00"),
        "{screen}"
    );
    assert!(
        screen.contains("your order 1: buy 40 shares at any price"),
        "{screen}"
    );
    let cancelled = AccountEvent::OrderCancelled {
        lot: PARTS,
        order: OrderId(2),
    };
    stage.takes(Input::Account(at, cancelled));
    let filled = AccountEvent::OrderFilled {
        lot: PARTS,
        order: OrderId(1),
        filled: 25,
        pays: Some(price("1.50")),
    };
    stage.takes(Input::Account(at, filled));
    let screen = stage.shows(80, 24);
    assert!(screen.contains("any price; traded 25 at 1.50"), "{screen}");
    assert!(!screen.contains("order 2"), "{screen}");
    // Orders cancelled meanwhile are gone, filled ones stay known.
    stage.takes(Input::AccountState(Vec::new(), Vec::new(), Vec::new()));
    assert!(stage.shows(80, 24).contains("any price; traded 25 at 1.50"));
    stage.is(None);
    assert!(!stage.shows(80, 24).contains("your order"));
}
