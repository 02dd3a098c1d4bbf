//! Screens as readable text, in `golden`.
//!
//! A test never changes a golden file. `GOLDEN_WRITE=1 cargo test -p auction-client --bin auction golden` writes
//! missing ones: to change one, remove it, write it, and check it.

use std::fs;
use std::path::Path;

use auction_client::{Code, History};
use auction_core::{
    ExtensionCause, OpenedBid, OrderId, Outcome, PublicEvent, Quantity, SoldBy, UserId,
};
use auction_proto::List;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::Color;

use crate::fixture::{UNSOLD, after, bid, closed, price};
use crate::output::theme::ThemeName;
use crate::screen::events::{Input, Request, Response};
use crate::screen::model::Page;
use crate::screen::tests::fixture::{AAPL, BRK, PARTS, Stage, VICKREY, hostile, text};

/// mia leads AAPL after some bidding, and there were other events.
fn story() -> Stage {
    let mut stage = Stage::of_mia();
    for (seconds, event) in [
        (30, bid(1, Some("1.40"), 1, "1.40", "1.41")),
        (45, bid(2, Some("1.45"), 2, "1.45", "1.46")),
        (60, bid(1, None, 1, "1.46", "1.47")),
        (75, bid(2, Some("1.60"), 1, "1.61", "1.62")),
    ] {
        stage.now = seconds;
        stage.happens(event);
    }
    stage.happens(PublicEvent::LotExtended {
        lot: AAPL,
        closes_at: after(360),
        cause: ExtensionCause::SoftClose,
    });
    stage.happens(PublicEvent::BiddersCounted {
        lot: VICKREY,
        bidders: 2,
    });
    stage.happens(PublicEvent::LotHalted { lot: PARTS });
    stage.happens(closed(BRK.0, UNSOLD));
    stage.now = 88;
    stage.tick();
    stage.model.notices.clear();
    stage
}

fn outbid() -> Stage {
    let mut stage = story();
    stage.tom_leads("1.70", "1.71");
    stage
}

pub fn holds(name: &str, screen: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/bin/auction/screen/tests/golden")
        .join(format!("{name}.txt"));
    if !file.exists() && std::env::var_os("GOLDEN_WRITE").is_some() {
        fs::write(&file, format!("{screen}\n")).unwrap();
    }
    let golden = fs::read_to_string(&file)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    assert!(
        golden == format!("{screen}\n"),
        "{name} is not as in {}:\n{screen}",
        file.display()
    );
}

#[test]
fn the_lots() {
    holds("lots-80x24", &story().shows(80, 24));
    holds("lots-120x40", &story().shows(120, 40));
    holds("lots-40x15", &story().shows(40, 15));
    holds("lots-looking-on-80x24", &Stage::looking_on().shows(80, 24));
}

#[test]
fn being_outbid() {
    holds("outbid-80x24", &outbid().shows(80, 24));
    holds("outbid-40x15", &outbid().shows(40, 15));
}

#[test]
fn a_lot() {
    let mut stage = outbid();
    stage.shows(80, 24);
    stage.enters();
    holds("lot-80x24", &stage.shows(80, 24));
    holds("lot-120x40", &stage.shows(120, 40));
    holds("lot-40x15", &stage.shows(40, 15));
}

#[test]
fn a_dutch_lot() {
    let mut stage = story();
    stage.shows(80, 24);
    stage.types("/tsla");
    stage.enters();
    stage.shows(80, 24);
    stage.enters();
    stage.types("b");
    holds("dutch-80x24", &stage.shows(80, 24));
}

/// A Vickrey lot before its close and after it, when its bids are open, and a halted lot.
#[test]
fn a_sealed_lot() {
    let mut stage = story();
    stage.model.page = Page::Lot(VICKREY);
    holds("sealed-80x24", &stage.shows(80, 24));
    stage.happens(PublicEvent::BidsOpened {
        lot: VICKREY,
        bids: vec![
            opened_bid(2, "1.50", 0, None),
            opened_bid(1, "1.80", 1, Some("1.50")),
        ],
    });
    stage.happens(closed(
        VICKREY.0,
        Outcome::Sold {
            winner: UserId(1),
            price: price("1.50"),
            by: SoldBy::SecondHighestBid,
            runner_up: Some(price("1.50")),
        },
    ));
    holds("sealed-closed-80x24", &stage.shows(80, 24));
    stage.model.page = Page::Lot(PARTS);
    holds("halted-80x24", &stage.shows(80, 24));
}

fn opened_bid(bidder: u32, offered: &str, filled: u64, pays: Option<&str>) -> OpenedBid {
    OpenedBid {
        bidder: UserId(bidder),
        order: OrderId(1),
        price: price(offered),
        quantity: Quantity::ONE,
        filled,
        pays: pays.map(price),
    }
}

/// A screen that opens a lot after its close asks for the bids that were sealed until then, once.
#[test]
fn sealed_bids_of_a_closed_lot_are_asked_for() {
    let mut stage = story();
    stage.happens(closed(VICKREY.0, UNSOLD));
    stage.shows(80, 24);
    stage.asks();
    stage.model.page = Page::Lot(VICKREY);
    stage.shows(80, 24);
    let asks = stage.asks();
    let [asked @ Request::History(VICKREY)] = &asks[..] else {
        panic!("{asks:?}");
    };
    let history = History {
        lot: VICKREY,
        total: 1,
        bids: List::default(),
        opened: List::new(vec![opened_bid(2, "1.50", 0, None)]).unwrap(),
    };
    stage.takes(Input::Answer(
        asked.asked(),
        Ok(Response::History(Box::new(history))),
    ));
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("1 sealed bid, opened at the close"),
        "{screen}"
    );
    assert!(
        screen.contains(" tom           1.50: gets nothing"),
        "{screen}"
    );
    assert!(stage.asks().is_empty());
}

#[test]
fn a_refused_bid() {
    let mut stage = outbid();
    stage.shows(80, 24);
    stage.types("b1.5");
    stage.enters();
    let asked = stage.asked();
    let least = Some(price("1.71"));
    stage.refuses(&asked, Code::BID_TOO_LOW, "the least bid is 1.71", least);
    holds("refused-80x24", &stage.shows(80, 24));
    holds("refused-40x15", &stage.shows(40, 15));
}

#[test]
fn logging_in() {
    let mut stage = Stage::looking_on();
    stage.shows(80, 24);
    stage.types("L");
    stage.key(KeyCode::Right);
    stage.types("mia");
    stage.enters();
    stage.types("hunter2");
    holds("register-80x24", &stage.shows(80, 24));
}

#[test]
fn a_lost_connection() {
    let mut stage = story();
    stage.loses_connection();
    holds("lost-80x24", &stage.shows(80, 24));
}

#[test]
fn the_help() {
    let mut stage = story();
    stage.types("?");
    holds("help-80x24", &stage.shows(80, 24));
    holds("help-120x40", &stage.shows(120, 40));
}

#[test]
fn without_colours_all_text_remains() {
    let mut stage = outbid();
    let plain = stage.drawn(80, 24, ThemeName::Plain);
    for cell in &plain.content {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
    // The characters are the same: a colour never carries meaning alone.
    let coloured = stage.drawn(80, 24, ThemeName::Default);
    assert_eq!(text(&plain), text(&coloured));
    assert!(coloured.content.iter().any(|cell| cell.fg != Color::Reset));
}

#[test]
fn hostile_text_is_inert() {
    let mut stage = story();
    stage.happens(PublicEvent::StockListed(hostile()));
    stage.model.server = "\u{1b}[2J\u{202e}evil".into();
    stage.shows(120, 24);
    stage.types("b");
    stage.enters();
    let asked = stage.asked();
    let message = "no\u{1b}]0;owned\u{7} \u{202e}\u{9b}31m 株式会社";
    stage.refuses(&asked, Code::NOT_PERMITTED, message, None);
    let screen = stage.shows(120, 24);
    // A message of the server has spaces for what disturbs a display, as it was built.
    assert!(screen.contains("owned    31m"), "{screen}");
    assert!(screen.contains("\\u{1b}[2J\\u{202e}evil"), "{screen}");
    let harmful = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
    assert!(!screen.contains(harmful));
}
