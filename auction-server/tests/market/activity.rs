//! A trader's own activity: complete for open and closed lots, after new logins and restarts, page by page.

use auction_core::{
    Book, DayOrder, DayPhase, DayTerms, LotId, Price, Quantity, Reply, Schedule, SelfTrade, Side,
    Span, Terms, TimeInForce,
};
use auction_proto::{
    Activity, ActivityEntry, ActivityOf, ActivityPlace, BidMaximum, CancelOrder, CloseLot,
    CloseSession, Code, Fault, GetActivity, OpenLot, PlaceDayOrder, PlaceOrder, ServerMessage,
};

use crate::line::{Line, PASSWORD};
use crate::person::Person;
use crate::test_market::{TestMarket, until};

const LOTS: &str = "\
symbol,format,quantity
S1,english,10
S2,call,1
S3,vickrey,7
S4,english,1
S5,uniform,100
";
const ENGLISH: LotId = LotId(1);
const CALL: LotId = LotId(2);
const SEALED: LotId = LotId(3);
const UNIFORM: LotId = LotId(5);

fn test_market() -> TestMarket {
    let test_market = TestMarket::with_lots(5);
    test_market.write("lots.csv", LOTS);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    test_market
}

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn place(
    line: &mut Line,
    lot: LotId,
    side: Side,
    shares: u64,
    limit: &str,
) -> auction_core::OrderId {
    let placed = line.command(&PlaceOrder {
        lot,
        side,
        quantity: Quantity::new(shares).unwrap(),
        limit: Some(price(limit)),
    });
    match placed.unwrap().reply {
        Reply::OrderPlaced(order) => order,
        other => panic!("{other:?}"),
    }
}

fn page(line: &mut Line, before: Option<ActivityPlace>, limit: u32) -> Activity {
    match line.ask(&GetActivity { before, limit }) {
        ServerMessage::Activity(activity) => activity,
        other => panic!("{other:?}"),
    }
}

/// All entries, requested in pages of `limit`.
fn activity(line: &mut Line, limit: u32) -> Vec<ActivityEntry> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = page(line, before, limit);
        all.extend(page.entries.into_vec());
        match page.next {
            Some(next) => before = Some(next),
            None => return all,
        }
    }
}

/// An entry as one line of text.
fn line_of(entry: &ActivityEntry) -> String {
    let came = match (entry.state(), entry.fill()) {
        (None, _) => String::new(),
        (Some(auction_core::OrderState::Live), _) => ", live".to_owned(),
        (Some(_), None) => ", nothing".to_owned(),
        (Some(_), Some((shares, price))) => format!(", got {shares} at {price}"),
    };
    let what = match &entry.what {
        ActivityOf::Bid(bid) => {
            let kind = if bid.hidden { "maximum" } else { "bid" };
            let leads = if bid.leads { " leads" } else { "" };
            format!("{kind} {}{leads}", bid.price)
        }
        ActivityOf::Order(order) => {
            let limit = order.limit.unwrap();
            format!("{:?} {} at {limit}", order.side, order.quantity)
        }
        ActivityOf::Cancelled(orders) => format!("{orders} cancelled"),
    };
    format!("#{} {}: {what}{came}", entry.lot, entry.symbol)
}

fn lines(entries: &[ActivityEntry]) -> Vec<String> {
    entries.iter().map(line_of).collect()
}

/// A trader's purchases according to an export, by symbol: shares and price.
fn bought(test_market: &TestMarket, winner: &str) -> Vec<(String, String, String)> {
    let rows = test_market.export("results").into_iter();
    rows.filter(|row| row[6] == winner)
        .map(|row| (row[1].clone(), row[13].clone(), row[7].clone()))
        .collect()
}

#[test]
fn activity_is_complete_after_close_restart_and_login() {
    let test_market = test_market();
    let server = test_market.open();
    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    assert!(activity(&mut mia, 10).is_empty());

    mia.bid(1, "1.40").unwrap();
    tom.bid(1, "1.50").unwrap();
    let maximum = price("2.00");
    mia.command(&BidMaximum {
        lot: ENGLISH,
        maximum,
    })
    .unwrap();
    tom.bid(1, "1.60").unwrap();
    mia.bid(4, "1.10").unwrap();
    tom.bid(4, "1.20").unwrap();
    place(&mut mia, CALL, Side::Buy, 30, "1.30");
    place(&mut tom, CALL, Side::Sell, 20, "1.10");
    place(&mut mia, SEALED, Side::Buy, 7, "5");
    place(&mut tom, SEALED, Side::Buy, 7, "7");
    let order = place(&mut mia, UNIFORM, Side::Buy, 60, "2");
    mia.command(&CancelOrder {
        lot: UNIFORM,
        order,
    })
    .unwrap();
    place(&mut mia, UNIFORM, Side::Buy, 40, "3");
    let before = [
        "#5 S5: Buy 40 at 3.00, live",
        "#5 S5: 1 cancelled",
        "#4 S4: bid 1.10, live",
        "#3 S3: Buy 7 at 5.00, live",
        "#2 S2: Buy 30 at 1.30, live",
        "#1 S1: maximum 2.00 leads, live",
    ];
    assert_eq!(lines(&activity(&mut mia, 1_024)), before);
    for lot in [ENGLISH, CALL, SEALED] {
        ann.command(&CloseLot { lot }).unwrap();
    }
    let mias = [
        "#5 S5: Buy 40 at 3.00, live",
        "#5 S5: 1 cancelled",
        "#4 S4: bid 1.10, live",
        "#3 S3: Buy 7 at 5.00, nothing",
        "#2 S2: Buy 30 at 1.30, got 20 at 1.30",
        "#1 S1: maximum 2.00 leads, got 10 at 1.61",
    ];
    let toms = [
        "#4 S4: bid 1.20 leads, live",
        "#3 S3: Buy 7 at 7.00, got 7 at 5.00",
        "#2 S2: Sell 20 at 1.10, got 20 at 1.30",
        "#1 S1: bid 1.60, nothing",
    ];
    let at_once = activity(&mut mia, 1_024);
    assert_eq!(lines(&at_once), mias);
    assert_eq!(lines(&activity(&mut tom, 1_024)), toms);
    server.end();

    let server = test_market.open();
    let mut mia = Line::open(server.address());
    mia.log_in("mia", PASSWORD).unwrap();
    assert_eq!(activity(&mut mia, 1), at_once);
    assert_eq!(activity(&mut mia, 2), at_once);
    let mut tom = Line::open(server.address());
    tom.log_in("tom", PASSWORD).unwrap();
    assert_eq!(lines(&activity(&mut tom, 1)), toms);

    // The journal gives the same.
    let row = |symbol: &str, shares: &str, price: &str| {
        (symbol.to_owned(), shares.to_owned(), price.to_owned())
    };
    assert_eq!(bought(&test_market, "mia"), [row("S1", "10", "1.61")]);
    assert_eq!(bought(&test_market, "tom"), [row("S3", "7", "5.00")]);
    assert_eq!(bought(&test_market, ""), [row("S2", "20", "1.30")]);
}

#[test]
fn paging_loses_and_doubles_nothing_while_the_trader_goes_on() {
    let test_market = test_market();
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    for limit in ["1.50", "1.60", "1.70"] {
        place(&mut mia, UNIFORM, Side::Buy, 10, limit);
    }
    mia.bid(1, "1.40").unwrap();
    let first = page(&mut mia, None, 2);
    assert_eq!(
        lines(&first.entries),
        ["#5 S5: Buy 10 at 1.70, live", "#5 S5: Buy 10 at 1.60, live"]
    );
    // One more before the page's position, and one after it.
    place(&mut mia, UNIFORM, Side::Buy, 10, "1.80");
    mia.bid(4, "1.40").unwrap();
    let second = page(&mut mia, first.next, 2);
    assert_eq!(
        lines(&second.entries),
        ["#5 S5: Buy 10 at 1.50, live", "#4 S4: bid 1.40 leads, live"]
    );
    let third = page(&mut mia, second.next, 2);
    assert_eq!(lines(&third.entries), ["#1 S1: bid 1.40 leads, live"]);
    assert_eq!(third.next, None);
}

#[test]
fn activity_is_told_to_a_live_session_of_its_user_alone() {
    let test_market = test_market();
    let server = test_market.open();
    let mut stranger = Line::open(server.address());
    let asked = GetActivity {
        before: None,
        limit: 10,
    };
    let refused = |line: &mut Line| match line.ask(&asked) {
        ServerMessage::Refused(refused) => refused.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&mut stranger), Code::NOT_LOGGED_IN);

    let mut mia = Line::trader(server.address(), "mia");
    mia.bid(1, "1.40").unwrap();
    let session = mia.sessions()[0].session;
    let mut other = Line::open(server.address());
    other.log_in("mia", PASSWORD).unwrap();
    assert_eq!(activity(&mut other, 10).len(), 1);
    other.command(&CloseSession { session }).unwrap();
    assert_eq!(refused(&mut mia).fault(), Fault::Session);
    assert_eq!(activity(&mut other, 10).len(), 1);
}

#[test]
fn the_program_tells_what_was_won_and_what_it_costs() {
    let test_market = test_market();
    let server = test_market.open();
    let mia = Person::at(server.address());
    assert_eq!(mia.fails("mine", 5)["kind"], "not_logged_in");
    mia.does("register mia");
    mia.does("login mia");
    let nothing = mia.does("mine");
    assert_eq!(nothing["entries"].as_array().unwrap().len(), 0);
    assert_eq!(
        (&nothing["bought"], &nothing["more"]),
        (&"0.00".into(), &false.into())
    );
    // After the first use of the program, which may have to be built first: silent connections are dropped.
    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    let mut tom = Line::trader(server.address(), "tom");
    mia.does("bid S1 1.40");
    mia.does("order S2 sell 20 1.10");
    place(&mut tom, CALL, Side::Buy, 30, "1.30");
    for lot in [ENGLISH, CALL] {
        ann.command(&CloseLot { lot }).unwrap();
    }
    let told = mia.does("mine");
    let entries = told["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    let sold = &entries[0];
    assert_eq!(sold["kind"], "order");
    assert_eq!(sold["filled"], 20);
    assert_eq!(sold["amount"], "26.00");
    let won = &entries[1];
    assert_eq!(
        (&won["kind"], &won["offer"]),
        (&"bid".into(), &"1.40".into())
    );
    assert_eq!(
        (&won["filled"], &won["amount"]),
        (&10.into(), &"14.00".into())
    );
    assert_eq!(
        (&told["bought"], &told["sold"]),
        (&"14.00".into(), &"26.00".into())
    );
    let newest = mia.does("mine --limit 1");
    assert_eq!(newest["entries"].as_array().unwrap(), &entries[..1]);
    assert_eq!(newest["more"], true);
    let all = mia.does("mine --limit 2");
    assert_eq!(
        (&all["entries"], &all["more"]),
        (&told["entries"], &false.into())
    );
    let text = mia.program().arg("mine").output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("won 10 at 1.40"), "{text}");
    assert!(text.contains("sold 20 at 1.30"), "{text}");
    assert!(text.contains("Bought for 14.00, sold for 26.00."), "{text}");
}

fn day_order(
    line: &mut Line,
    lot: LotId,
    tif: TimeInForce,
    (side, shares, limit): (Side, u64, &str),
) {
    let order = DayOrder {
        side,
        quantity: Quantity::new(shares).unwrap(),
        limit: Some(price(limit)),
        time_in_force: tif,
        post_only: false,
        self_trade: SelfTrade::Refuse,
    };
    line.command(&PlaceDayOrder { lot, order }).unwrap();
}

/// An order that traded is listed with its average price, even if its rest was cancelled; one without a trade is
/// listed while it lives and when it lapsed with the close, and otherwise only counted.
#[test]
fn activity_of_a_trading_day_has_fills_with_their_average() {
    let test_market = test_market();
    let mut server = test_market.open();
    let [mut ann, mut mia, mut tom] = ["ann", "mia", "tom"].map(|name| {
        let mut line = Line::open(server.address());
        if name != "ann" {
            line.register(name).unwrap();
        }
        line.log_in(name, PASSWORD).unwrap();
        line
    });
    let schedule: Schedule = "call 1s, continuous 1h, call 1h".parse().unwrap();
    let opened_at = ann.snapshot().lots()[0].opened_at;
    let open = OpenLot {
        symbol: "S1".parse().unwrap(),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: opened_at.saturating_add(Span::from_secs(2 * 3_600)),
        terms: Terms::from(DayTerms::new(schedule.phases)),
        reserve: None,
    };
    let Reply::LotOpened(day) = ann.command(&open).unwrap().reply else {
        panic!("no lot");
    };
    until("continuous trading", || {
        let market = ann.snapshot();
        let Book::Day(book) = &market.lot(day)?.book else {
            return None;
        };
        (book.phase == Some(DayPhase::Continuous)).then_some(())
    });
    let rests = TimeInForce::Day;
    day_order(&mut mia, day, rests, (Side::Sell, 10, "10"));
    day_order(&mut mia, day, rests, (Side::Sell, 5, "11"));
    day_order(&mut mia, day, rests, (Side::Sell, 5, "12"));
    day_order(&mut tom, day, rests, (Side::Buy, 13, "11"));
    // Nothing at its price: it lapses at once, and is counted alone.
    day_order(
        &mut tom,
        day,
        TimeInForce::ImmediateOrCancel,
        (Side::Buy, 1, "9"),
    );
    day_order(&mut tom, day, rests, (Side::Buy, 20, "11"));
    // Two of its twenty have traded when the rest is cancelled.
    let order = auction_core::OrderId(3);
    tom.command(&CancelOrder { lot: day, order }).unwrap();
    let while_it_runs = [
        format!("#{day} S1: Buy 20 at 11.00, got 2 at 11.00"),
        format!("#{day} S1: Buy 13 at 11.00, got 13 at 10.2308"),
        format!("#{day} S1: 1 cancelled"),
    ];
    assert_eq!(lines(&activity(&mut tom, 10)), while_it_runs);
    let mias = |third: &str| {
        [
            format!("#{day} S1: Sell 5 at 12.00, {third}"),
            format!("#{day} S1: Sell 5 at 11.00, got 5 at 11.00"),
            format!("#{day} S1: Sell 10 at 10.00, got 10 at 10.00"),
        ]
    };
    assert_eq!(lines(&activity(&mut mia, 10)), mias("live"));
    ann.command(&CloseLot { lot: day }).unwrap();
    assert_eq!(lines(&activity(&mut mia, 10)), mias("nothing"));

    // The same after a kill, from the journal, page by page.
    server.kill();
    server = test_market.open();
    let mut mia = Line::open(server.address());
    mia.log_in("mia", PASSWORD).unwrap();
    assert_eq!(lines(&activity(&mut mia, 1)), mias("nothing"));
}
