//! Trading days on the screen.

use auction_client::{AllCancelled, DayTrade, Trades};
use auction_core::{
    AccountEvent, CorridorKind, DayHaltCause, DayOrder, DayPhase, DayReply, DayRest, DayTerms,
    FillRole, LadderStep, LotId, LotOpened, OrderId, Outcome, PhaseBegan, PublicEvent, Quantity,
    Schedule, SelfTrade, Side, Terms, TimeInForce,
};
use auction_proto::{Follows, List};
use ratatui::crossterm::event::KeyCode;

use super::fixture::Stage;
use super::golden::holds;
use crate::fixture::{after, listed, market, price, user};
use crate::output::theme::ThemeName;
use crate::screen::events::{Input, Request, Response};
use crate::screen::model::Page;

const DAY: LotId = LotId(1);

fn shares(shares: u64) -> Quantity {
    Quantity::new(shares).unwrap()
}

/// A day of AAPL before its opening call ends, with mia logged in and its page open.
fn opening() -> Stage {
    let schedule: Schedule = "call 5m, continuous 1h, call 5m, at-last 2m"
        .parse()
        .unwrap();
    let opened = PublicEvent::LotOpened(Box::new(LotOpened {
        lot: DAY,
        symbol: "AAPL".parse().unwrap(),
        quantity: Quantity::ONE,
        base_price: price("12.00"),
        opens_at: None,
        closes_at: after(72 * 60),
        terms: Terms::from(DayTerms::new(schedule.phases)),
        has_reserve: false,
    }));
    let mut stage = Stage::of(market([
        listed("AAPL"),
        user(1, "mia"),
        user(2, "tom"),
        opened,
    ]));
    stage.is(Some(("mia", auction_core::Role::Trader)));
    stage.happens(began(DayPhase::Call, 0, 300));
    stage.shows(80, 24);
    stage.enters();
    stage
}

fn began(phase: DayPhase, index: u8, ends: u64) -> PublicEvent {
    PublicEvent::PhaseBegan(PhaseBegan {
        lot: DAY,
        phase,
        index,
        ends_at: after(ends),
        reference: price("12.00"),
        collar: None,
    })
}

fn shown(number: u64, side: Side, at: &str, open: u64) -> PublicEvent {
    PublicEvent::OrderShown {
        lot: DAY,
        number,
        side,
        price: price(at),
        open: shares(open),
    }
}

fn traded(number: u64, at: &str, quantity: u64, resting: u64, aggressor: Side) -> PublicEvent {
    PublicEvent::Traded {
        lot: DAY,
        number,
        price: price(at),
        quantity: shares(quantity),
        resting,
        aggressor,
    }
}

/// Continuous trading, with twelve levels to sell and three to buy, an uncross and two trades.
fn continuous() -> Stage {
    let mut stage = opening();
    stage.now = 300;
    stage.happens(PublicEvent::CallUncrossed {
        lot: DAY,
        outcome: Outcome::Crossed {
            price: price("12.00"),
            volume: 500,
            surplus: 0,
            by: LadderStep::Volume,
            candidates: None,
            traders: 2,
        },
        trade: Some(1),
    });
    stage.happens(began(DayPhase::Continuous, 1, 300 + 3_600));
    for (at, level) in (1..=12).enumerate() {
        let price = format!("12.{:02}", level * 5);
        stage.happens(shown(at as u64 + 1, Side::Sell, &price, 100 * level));
    }
    for (number, at, open) in [(13, "11.95", 200), (14, "11.90", 1_000), (15, "11.90", 50)] {
        stage.happens(shown(number, Side::Buy, at, open));
    }
    stage.now = 330;
    stage.happens(traded(2, "12.05", 40, 1, Side::Buy));
    stage.now = 372;
    stage.happens(traded(3, "11.95", 60, 13, Side::Sell));
    stage
}

fn content(side: Side, quantity: u64, limit: &str) -> DayOrder {
    DayOrder {
        side,
        quantity: shares(quantity),
        limit: Some(price(limit)),
        time_in_force: TimeInForce::Day,
        post_only: false,
        self_trade: SelfTrade::Refuse,
    }
}

fn accepted(stage: &mut Stage, order: u32, content: DayOrder) {
    let order = OrderId(order);
    own(
        stage,
        AccountEvent::DayOrderAccepted {
            lot: DAY,
            order,
            content,
        },
    );
}

fn own(stage: &mut Stage, event: AccountEvent) {
    stage.takes(Input::Account(after(stage.now), event));
}

fn filled(stage: &mut Stage, order: u32, at: &str, quantity: u64, left: u64) {
    own(
        stage,
        AccountEvent::DayOrderFilled {
            lot: DAY,
            order: OrderId(order),
            trade: 2,
            price: price(at),
            quantity: shares(quantity),
            role: FillRole::Maker,
            left,
        },
    );
}

#[test]
fn a_call_hides_its_orders_and_says_what_follows() {
    let mut stage = opening();
    stage.happens(PublicEvent::BiddersCounted {
        lot: DAY,
        bidders: 2,
    });
    holds("day-call-80x24", &stage.shows(80, 24));
}

#[test]
fn continuous_trading_shows_depth_trades_minutes_and_own_orders() {
    let mut stage = continuous();
    accepted(&mut stage, 1, content(Side::Buy, 140, "11.95"));
    filled(&mut stage, 1, "11.95", 60, 80);
    accepted(&mut stage, 2, content(Side::Sell, 40, "12.05"));
    filled(&mut stage, 2, "12.05", 40, 0);
    holds("day-80x24", &stage.shows(80, 24));
    holds("day-120x40", &stage.shows(120, 40));
    holds("day-40x15", &stage.shows(40, 15));
    // No colour carries meaning alone.
    let plain = stage.drawn(80, 24, ThemeName::Plain);
    let has_colour = |cell: &ratatui::buffer::Cell| {
        (cell.fg, cell.bg) != (ratatui::style::Color::Reset, ratatui::style::Color::Reset)
    };
    assert!(!plain.content.iter().any(has_colour));
}

#[test]
fn enter_on_a_level_opens_an_order_that_trades_with_it() {
    let mut stage = continuous();
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Down);
    stage.key(KeyCode::Down);
    // A better level comes: the cursor stays at its price.
    stage.happens(shown(16, Side::Sell, "12.01", 5));
    stage.enters();
    holds("day-order-80x24", &stage.shows(80, 24));
    stage.enters();
    let Request::PlaceDay(placed) = stage.asked() else {
        panic!("no order");
    };
    assert_eq!(placed.order, content(Side::Buy, 1, "12.15"));
    let reply = DayReply {
        order: OrderId(1),
        traded: 1,
        value: 120_100,
        rest: DayRest::None,
    };
    let asked = Request::PlaceDay(placed).asked();
    stage.takes(Input::Answer(asked, Ok(Response::DayOrder(reply))));
    let screen = stage.shows(80, 24);
    let said = "your order 1 is accepted: bought 1 share at 12.01; nothing is left.";
    assert!(screen.contains(said), "{screen}");
}

/// All choices of the form reach the request, and a market order has no limit.
#[test]
fn the_form_has_side_quantity_limit_time_in_force_and_post_only() {
    let mut stage = continuous();
    stage.types("b");
    stage.key(KeyCode::BackTab);
    stage.key(KeyCode::Right);
    stage.key(KeyCode::Tab);
    stage.types("30");
    stage.key(KeyCode::Tab);
    stage.types("market");
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Right);
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Right);
    stage.enters();
    let Request::PlaceDay(placed) = stage.asked() else {
        panic!("no order");
    };
    let expected = DayOrder {
        limit: None,
        time_in_force: TimeInForce::ImmediateOrCancel,
        post_only: true,
        ..content(Side::Sell, 30, "1")
    };
    assert_eq!(placed.order, expected);
}

#[test]
fn own_orders_are_replaced_cancelled_and_cancelled_together() {
    let mut stage = continuous();
    stage.types("X");
    assert!(stage.model.form.is_none(), "there is no order to cancel");
    accepted(&mut stage, 1, content(Side::Buy, 140, "11.95"));
    accepted(&mut stage, 2, content(Side::Buy, 10, "11.80"));
    // Buys, sells, own orders: the older of the two.
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Tab);
    stage.key(KeyCode::Down);
    stage.enters();
    stage.types("50");
    stage.enters();
    let Request::ReplaceDay(replaced) = stage.asked() else {
        panic!("no replacement");
    };
    let to = (replaced.order, replaced.quantity, replaced.limit);
    assert_eq!(to, (OrderId(1), shares(50), Some(price("11.95"))));
    stage.key(KeyCode::Esc);
    stage.types("w");
    stage.enters();
    let Request::Cancel(cancelled) = stage.asked() else {
        panic!("no cancel");
    };
    assert_eq!(cancelled.order, OrderId(1));
    stage.key(KeyCode::Esc);
    let gone = AccountEvent::OrderCancelled {
        lot: DAY,
        order: OrderId(1),
    };
    own(&mut stage, gone);
    stage.types("X");
    let screen = stage.shows(80, 24);
    let question = "Cancel all your orders on AAPL #1? Enter does";
    assert!(screen.contains(question), "{screen}");
    assert!(
        stage
            .asks()
            .iter()
            .all(|ask| !matches!(ask, Request::CancelAll(_)))
    );
    stage.enters();
    let asked = stage.asked();
    assert!(matches!(asked, Request::CancelAll(DAY)));
    let all = AllCancelled {
        cancelled: 1,
        kept: 0,
        more: false,
    };
    let answer = Response::AllCancelled(all);
    stage.takes(Input::Answer(asked.asked(), Ok(answer)));
    let screen = stage.shows(80, 24);
    assert!(screen.contains("AAPL #1: 1 order cancelled."), "{screen}");
}

#[test]
fn an_interruption_says_why_and_a_halt_stops_all() {
    let mut stage = continuous();
    stage.happens(PublicEvent::Interrupted {
        lot: DAY,
        price: price("13.50"),
        corridor: CorridorKind::Dynamic,
    });
    stage.happens(began(DayPhase::Volatility, 1, 372 + 120));
    holds("day-interrupted-80x24", &stage.shows(80, 24));
    stage.happens(PublicEvent::DayHalted {
        lot: DAY,
        cause: DayHaltCause::CrossedAtCollar,
    });
    let screen = stage.shows(80, 24);
    let why = "HALTED: orders still cross at the collar; orders can only be cancelled";
    assert!(screen.contains(why), "{screen}");
    stage.happens(PublicEvent::MarketHalted);
    let screen = stage.shows(80, 24);
    let why = "THE WHOLE MARKET IS HALTED; only cancellations are accepted";
    assert!(screen.contains(why), "{screen}");
}

/// A page opened later asks for the trades before, once; they and the new ones are counted once each.
#[test]
fn earlier_trades_are_asked_for_and_counted_once() {
    let mut stage = continuous();
    stage.model.days.clear();
    stage.asks();
    stage.shows(80, 24);
    let asks = stage.asks();
    let [asked @ Request::Trades(DAY, 0)] = &asks[..] else {
        panic!("{asks:?}");
    };
    stage.happens(traded(4, "12.05", 10, 1, Side::Buy));
    let past = |number: u64, seconds, at: &str, quantity| DayTrade {
        number,
        at: after(seconds),
        price: price(at),
        quantity,
        aggressor: None,
        resting: None,
    };
    let trades = Trades {
        lot: DAY,
        follows: Follows::Nothing,
        trades: List::new(vec![
            past(1, 300, "12.00", 500),
            past(2, 330, "12.05", 40),
            past(3, 372, "11.95", 60),
            past(4, 372, "12.05", 10),
        ])
        .unwrap(),
    };
    let answer = Response::Trades(Box::new(trades));
    stage.takes(Input::Answer(asked.asked(), Ok(answer)));
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("13:05 12.00 12.05 12.00 12.05 540"),
        "{screen}"
    );
    assert!(
        screen.contains("13:06 11.95 12.05 11.95 12.05 70"),
        "{screen}"
    );
    assert!(stage.asks().is_empty());
}

/// Trades beyond the kept ones stay in their minutes, and a late answer does not count them again.
#[test]
fn more_trades_than_are_kept_stay_in_their_minutes() {
    use crate::screen::day::{DayTrades, TRADES_KEPT};
    let mut day = DayTrades::default();
    let trade = |number: u64| DayTrade {
        number,
        at: after(number / 100),
        price: price("12.00"),
        quantity: 1,
        aggressor: None,
        resting: None,
    };
    let count = TRADES_KEPT as u64 + 500;
    day.add((1..=count).map(trade));
    day.add((1..=count).map(trade));
    assert_eq!(day.trades().len(), TRADES_KEPT);
    let volume: u64 = day.minutes().iter().map(|(_, bar)| bar.volume).sum();
    assert_eq!(volume, count);
}

#[test]
fn a_closed_day_shows_its_result_and_takes_no_orders() {
    let mut stage = continuous();
    stage.happens(PublicEvent::LotClosed {
        lot: DAY,
        outcome: Outcome::Day {
            close: Some(price("11.95")),
            average: Some(price("11.998")),
            volume: 600,
            trades: 3,
        },
    });
    assert_eq!(stage.model.page, Page::Lot(DAY));
    let screen = stage.shows(80, 24);
    assert!(screen.contains("close 11.95 volume 600"), "{screen}");
    stage.types("b");
    assert!(stage.model.form.is_none());
}
