//! An auction from the first account to the winner, as bidders, watchers and companies see it.

use std::ops::ControlFlow;

use auction_core::{
    LotId, Market, Name, Outcome, Phase, Price, Profit, PublicEvent, Reply, SecurityCode, SoldBy,
    Symbol, UnsoldBecause, UserId,
};
use auction_proto::{Accepted, Code, GetHistory, History, PublishProfit, Refused, ServerMessage};

use crate::line::{Line, PASSWORD, Watcher};
use crate::test_market::TestMarket;

/// Short enough to wait for, and long enough for bids: every bid extends its lot.
fn short_auction() -> TestMarket {
    TestMarket::with_lots(2)
        .set("open-for", "2s")
        .set("extend-within", "1h")
        .set("extend-by", "2s")
}

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn user(market: &Market, name: &str) -> UserId {
    market.user_named(Name::parse(name).unwrap()).unwrap()
}

#[test]
fn everyone_sees_bids_leaders_extensions_and_winners() {
    let test_market = short_auction();
    let server = test_market.open();
    let mut watcher = Watcher::begin(server.address());
    let opened = watcher.market().lot(LotId(1)).unwrap().clone();
    assert_eq!(opened.least_bid(), Some(price("1.01")));

    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    let Accepted { reply, .. } = mia.bid(1, "1.01").unwrap();
    let Reply::Bid(first) = reply else {
        panic!("{reply:?}")
    };
    assert!(first.leads && first.price == Some(price("1.01")));
    let extended_to = first.extended_to.expect("the first bid moves the close");
    assert!(extended_to > opened.closes_at);
    let refused = tom.bid(1, "1.01").unwrap_err();
    assert_eq!(
        (refused.code, refused.price),
        (Code::BID_TOO_LOW, Some(price("1.02")))
    );
    tom.bid(1, "1.40").unwrap();

    let mut seen = Vec::new();
    watcher.until(|market, _, event| {
        seen.push(event.clone());
        if market.open_lots() == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let market = watcher.market();
    let (mia_is, tom_is) = (user(market, "mia"), user(market, "tom"));
    let bids: Vec<_> = seen
        .iter()
        .filter_map(|event| match event {
            PublicEvent::BidAccepted(bid) => Some((bid.bidder, bid.leader, bid.price)),
            _ => None,
        })
        .collect();
    let expected = [
        (mia_is, mia_is, price("1.01")),
        (tom_is, tom_is, price("1.40")),
    ];
    assert_eq!(bids, expected);
    let extension = |event: &PublicEvent| matches!(event, PublicEvent::LotExtended { closes_at, .. } if *closes_at == extended_to);
    assert!(seen.iter().any(extension));
    let sold = Outcome::Sold {
        winner: tom_is,
        price: price("1.40"),
        by: SoldBy::HighestBid,
        runner_up: Some(price("1.01")),
    };
    assert_eq!(market.lot(LotId(1)).unwrap().outcome(), Some(sold));
    let unsold = market.lot(LotId(2)).unwrap().outcome();
    let nobody = matches!(
        unsold,
        Some(Outcome::Unsold {
            because: UnsoldBecause::NoBids,
            ..
        })
    );
    assert!(nobody, "{unsold:?}");

    // A late watcher sees the same, and a late bid gets the closing time of the lot.
    assert_eq!(Line::open(server.address()).snapshot(), *market);
    let Phase::Closed { at, .. } = market.lot(LotId(1)).unwrap().phase else {
        panic!("it has closed")
    };
    let refused = mia.bid(1, "9").unwrap_err();
    assert_eq!((refused.code, refused.at), (Code::LOT_CLOSED, Some(at)));
    server.until_printed("goes to tom, for 1.40");
    server.until_printed("All lots have closed.");
    server.end();

    // The next start opens a new round beside the old lots.
    let server = test_market.open();
    let mut line = Line::open(server.address());
    let market = line.snapshot();
    assert_eq!((market.lots().len(), market.open_lots()), (4, 2));
    assert_eq!(market.lot(LotId(1)).unwrap().outcome(), Some(sold));
    let history = history(&mut line, 1);
    let prices: Vec<_> = history.bids.iter().map(|bid| bid.price).collect();
    assert_eq!(prices, [price("1.01"), price("1.40")]);
    let results = test_market.export("results");
    let winners: Vec<_> = results
        .iter()
        .map(|row| (row[1].as_str(), row[6].as_str(), row[7].as_str()))
        .collect();
    assert_eq!(winners, [("S1", "tom", "1.40"), ("S2", "", "")]);
}

fn history(line: &mut Line, lot: u32) -> History {
    let lot = LotId(lot);
    match line.ask(&GetHistory { lot, limit: 100 }) {
        ServerMessage::History(history) => history,
        other => panic!("{other:?} is no history"),
    }
}

#[test]
fn lots_due_in_an_outage_are_extended_or_closed_as_configured() {
    for (choice, is_extended) in [("extend", true), ("close", false)] {
        let test_market = TestMarket::with_lots(2)
            .set("open-for", "1s")
            .set("extend-within", "0s")
            .set("extend-by", "1s")
            .set("on-outage", choice);
        let server = test_market.open();
        let mut mia = Line::trader(server.address(), "mia");
        mia.bid(1, "1.50").unwrap();
        let closes_at = mia.snapshot().lot(LotId(1)).unwrap().closes_at;
        server.kill();
        wait_until(closes_at);

        let server = test_market.open();
        let mut watcher = Watcher::begin(server.address());
        let market = watcher.market();
        let lot = market.lot(LotId(1)).unwrap();
        if is_extended {
            assert_eq!((market.lots().len(), market.open_lots()), (2, 2));
            assert!(lot.closes_at > closes_at && lot.extensions == 0);
            server.until_printed("2 lots fell due while the server was down");
            server.until_printed("--open-for, --lots and lots.csv do not concern them");
        } else {
            assert_eq!((market.lots().len(), market.open_lots()), (4, 2));
            assert!(matches!(lot.phase, Phase::Closed { at, .. } if at == closes_at));
        }
        let winner =
            watcher.until_some(|market| match market.lot(LotId(1)).unwrap().outcome()? {
                Outcome::Sold { winner, price, .. } => {
                    Some((market.user(winner).unwrap().name, price))
                }
                _ => panic!("mia bid"),
            });
        assert_eq!(winner, (Name::parse("mia").unwrap(), price("1.50")));
    }
}

/// Waits until this time has passed, without asking the server, which is down.
fn wait_until(at: auction_core::Timestamp) {
    crate::test_market::until("the lots are due", || {
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        (now.as_micros() > u128::from(at.micros())).then_some(())
    });
}

#[test]
fn a_company_publishes_only_for_its_own_stock() {
    let test_market = TestMarket::with_lots(3);
    test_market.write(
        "users.csv",
        &format!("name,role,password,symbol\ncompany,company,{PASSWORD},S1\n"),
    );
    let server = test_market.open();
    let mut watcher = Watcher::begin(server.address());
    let mut trader = Line::trader(server.address(), "mia");
    let mut company = Line::open(server.address());
    company.log_in("company", PASSWORD).unwrap();
    let before = company.snapshot();

    let refused = publish(&mut company, "S1", "00002", "5").unwrap_err();
    assert_eq!(refused.code, Code::WRONG_SECURITY);
    assert_eq!(
        refused.security,
        Some(SecurityCode::parse("00001").unwrap())
    );
    let refused = publish(&mut company, "S2", "00002", "5").unwrap_err();
    assert_eq!(refused.code, Code::NOT_YOUR_STOCK);
    assert_eq!(refused.symbol, Some(Symbol::parse("S1").unwrap()));
    let refused = publish(&mut company, "NONE", "00001", "5").unwrap_err();
    assert!(matches!(
        refused.code,
        Code::NOT_YOUR_STOCK | Code::UNKNOWN_SYMBOL
    ));
    let refused = publish(&mut trader, "S1", "00001", "5").unwrap_err();
    assert_eq!(refused.code, Code::NOT_PERMITTED);
    assert_eq!(company.bid(2, "2").unwrap_err().code, Code::NOT_PERMITTED);
    assert_eq!(company.snapshot(), before, "a refusal changes nothing");

    publish(&mut company, "S1", "00001", "-12.5").unwrap();
    let expected = PublicEvent::ProfitPublished {
        symbol: Symbol::parse("S1").unwrap(),
        profit: Profit::parse("-12.5").unwrap(),
    };
    watcher.until(|_, _, event| {
        if *event == expected {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    // The published profit is kept after a restart, even if the list differs.
    server.kill();
    let market = Line::open(test_market.open().address()).snapshot();
    let stock = market.stock(Symbol::parse("S1").unwrap()).unwrap();
    assert_eq!(stock.profit, Profit::parse("-12.5").unwrap());
}

fn publish(
    line: &mut Line,
    symbol: &str,
    security: &str,
    profit: &str,
) -> Result<Accepted, Refused> {
    line.command(&PublishProfit {
        symbol: Symbol::parse(symbol).unwrap(),
        security: SecurityCode::parse(security).unwrap(),
        profit: Profit::parse(profit).unwrap(),
    })
}
