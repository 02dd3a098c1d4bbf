//! Lots of every format from a lots file, with sealed bids that survive a kill, and the auctioneer.

use auction_core::{
    AllocatedBy, LotId, Market, OrderId, Outcome, Phase, Price, Quantity, Reply, Side, SoldBy,
    UnsoldBecause, WinningThreshold,
};
use auction_proto::{
    CancelLot, CancelOrder, CloseLot, Code, GetLeastWinning, HaltLot, PlaceOrder, ReinstateUser,
    ReplaceOrder, ResumeLot, ServerMessage, SuspendUser,
};

use crate::line::{Line, PASSWORD};
use crate::test_market::TestMarket;

const LOTS: &str = "\
symbol,format,quantity,opens_in,reserve,start,step,interval,floor,priority
S1,english,,,,,,,,
S1,dutch,,,,100,1,1h,50,
S2,vickrey,,,50,,,,,
S3,uniform,100,,10,,,,,time
S4,sealed-first,,30m,,,,,,
";
const ENGLISH: LotId = LotId(1);
const DUTCH: LotId = LotId(2);
const SEALED: LotId = LotId(3);
const UNIFORM: LotId = LotId(4);
const LATER: LotId = LotId(5);

fn test_market() -> TestMarket {
    let test_market = TestMarket::with_lots(4);
    test_market.write("lots.csv", LOTS);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    test_market
}

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn order(lot: LotId, quantity: u64, limit: &str) -> PlaceOrder {
    PlaceOrder {
        lot,
        side: Side::Buy,
        quantity: Quantity::new(quantity).unwrap(),
        limit: Some(price(limit)),
    }
}

fn least(line: &mut Line, lot: LotId) -> WinningThreshold {
    match line.ask(&GetLeastWinning { lot }) {
        ServerMessage::LeastWinning(answer) => answer.least,
        other => panic!("{other:?}"),
    }
}

/// Checks the winners, prices and reasons of all five lots.
fn check_outcomes(market: &Market) {
    let outcome = |lot| market.lot(lot).unwrap().outcome().unwrap();
    let [mia_is, tom_is] =
        ["mia", "tom"].map(|name| market.user_named(name.parse().unwrap()).unwrap());
    let sold = |winner, paid, by, runner_up: Option<&str>| Outcome::Sold {
        winner,
        price: price(paid),
        by,
        runner_up: runner_up.map(price),
    };
    assert_eq!(
        outcome(ENGLISH),
        sold(mia_is, "1.01", SoldBy::HighestBid, None)
    );
    assert_eq!(outcome(DUTCH), sold(tom_is, "100", SoldBy::FirstTake, None));
    let second = sold(mia_is, "90", SoldBy::SecondHighestBid, Some("90"));
    assert_eq!(outcome(SEALED), second);
    let allocated = Outcome::Allocated {
        sold: 100,
        buyers: 2,
        lowest: price("12"),
        by: AllocatedBy::Time,
        highest_rejected: None,
    };
    assert_eq!(outcome(UNIFORM), allocated);
    let cancelled = Outcome::Unsold {
        because: UnsoldBecause::Cancelled,
        highest: None,
    };
    assert_eq!(outcome(LATER), cancelled);
}

#[test]
fn lots_of_every_format_survive_a_kill_and_are_settled() {
    let test_market = test_market();
    let server = test_market.open();
    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    let market = mia.snapshot();
    assert_eq!(market.lots().len(), 5);
    assert_eq!(market.lot(LATER).unwrap().phase, Phase::Scheduled);

    mia.bid(ENGLISH.0, "1.01").unwrap();
    let taken = tom.bid(DUTCH.0, "120").unwrap();
    assert!(matches!(taken.reply, Reply::Bid(bid) if bid.bought));
    let placed = mia.command(&order(SEALED, 1, "100")).unwrap();
    assert_eq!(placed.reply, Reply::OrderPlaced(OrderId(1)));
    tom.command(&order(SEALED, 1, "777")).unwrap();
    mia.command(&order(UNIFORM, 60, "12")).unwrap();
    tom.command(&order(UNIFORM, 50, "15")).unwrap();
    let second = tom.command(&order(UNIFORM, 5, "9")).unwrap();
    assert_eq!(second.reply, Reply::OrderPlaced(OrderId(2)));
    let refusals = [
        (mia.command(&order(ENGLISH, 1, "5")), Code::TAKES_BIDS),
        (mia.bid(SEALED.0, "5"), Code::TAKES_ORDERS),
        (mia.command(&order(LATER, 1, "5")), Code::LOT_NOT_BEGUN),
        (mia.command(&HaltLot { lot: SEALED }), Code::NOT_PERMITTED),
        (mia.command(&order(SEALED, 1, "200")), Code::TOO_MANY_ORDERS),
    ];
    for (told, expected) in refusals {
        assert_eq!(told.unwrap_err().code, expected);
    }
    let digest = |line: &mut Line| line.snapshot().digest();
    let before = digest(&mut mia);

    // Hidden orders exist after a kill, and are still hidden.
    server.kill();
    let server = test_market.open();
    let mut ann = Line::open(server.address());
    ann.number_from(1_000);
    ann.log_in("ann", PASSWORD).unwrap();
    let [mut mia, mut tom] = ["mia", "tom"].map(|name| {
        let mut line = Line::open(server.address());
        line.log_in(name, PASSWORD).unwrap();
        line
    });
    assert_eq!(digest(&mut mia), before);
    assert_eq!(mia.snapshot().lot(SEALED).unwrap().bidders(), 2);
    let replaced = ReplaceOrder {
        lot: SEALED,
        order: OrderId(1),
        quantity: Quantity::ONE,
        limit: Some(price("90")),
    };
    tom.command(&replaced).unwrap();

    ann.command(&HaltLot { lot: UNIFORM }).unwrap();
    let halted = mia.command(&order(UNIFORM, 1, "20")).unwrap_err();
    assert_eq!(halted.code, Code::LOT_HALTED);
    let (lot, order_2) = (UNIFORM, OrderId(2));
    tom.command(&CancelOrder {
        lot,
        order: order_2,
    })
    .unwrap();
    ann.command(&ResumeLot { lot: UNIFORM }).unwrap();
    let tom_is = mia.snapshot().user_named("tom".parse().unwrap()).unwrap();
    ann.command(&SuspendUser { user: tom_is }).unwrap();
    let suspended = tom.command(&order(UNIFORM, 1, "20")).unwrap_err();
    assert_eq!(suspended.code, Code::SUSPENDED);
    ann.command(&ReinstateUser { user: tom_is }).unwrap();

    ann.command(&CancelLot { lot: LATER }).unwrap();
    let has_bids = ann.command(&CancelLot { lot: SEALED }).unwrap_err();
    assert_eq!(has_bids.code, Code::LOT_HAS_BIDS);
    let open = mia.ask(&GetLeastWinning { lot: SEALED });
    assert!(matches!(open, ServerMessage::Refused(refused) if refused.code == Code::NOT_DUE));
    for lot in [ENGLISH, SEALED, UNIFORM] {
        ann.command(&CloseLot { lot }).unwrap();
    }
    let market = mia.snapshot();
    assert_eq!(market.open_lots(), 0);
    check_outcomes(&market);
    assert_eq!(
        least(&mut tom, SEALED),
        WinningThreshold::Bid(price("100.0001"))
    );
    assert_eq!(least(&mut mia, UNIFORM), WinningThreshold::Bid(price("10")));
    server.end();
    assert_eq!(test_market.verified_digest(), {
        let mut market = market;
        market.digest().to_string()
    });
    let why: Vec<_> = test_market
        .export("results")
        .into_iter()
        .map(|row| row[8].clone())
        .collect();
    let expected = [
        "highest-bid",
        "first-take",
        "second-highest-bid",
        "price-then-time",
        "cancelled",
    ];
    assert_eq!(why, expected);
}

#[test]
fn a_lots_file_with_one_wrong_lot_opens_none_and_names_its_line() {
    let test_market = TestMarket::with_lots(1);
    test_market.write("lots.csv", "symbol,format\nS1,english\nS9,english\n");
    let (code, said) = test_market.fails_to_open();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("lots.csv:3: there is no stock S9"), "{said}");
    test_market.write("other.csv", "symbol,format\nS1,english\nS1,english\n");
    let path = test_market.path().join("other.csv");
    let test_market = test_market.set("lots-file", &path.to_string_lossy());
    let server = test_market.open();
    let market = Line::open(server.address()).snapshot();
    assert_eq!(market.lots().len(), 2);
    server.end();
}
