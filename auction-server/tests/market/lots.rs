//! The lots of one stock, asked for without a snapshot of the market.

use auction_core::{AccountMode, LotId, Symbol, Terms, Timestamp};
use auction_proto::{CloseLot, Code, GetLots, Lots, LotsOf, OpenLot, Ping, ServerMessage};

use crate::line::{Line, PASSWORD};
use crate::test_market::TestMarket;

fn ask(line: &mut Line, of: LotsOf) -> Lots {
    match line.ask(&GetLots { of }) {
        ServerMessage::Lots(lots) => lots,
        other => panic!("{other:?}"),
    }
}

fn ids(lots: &Lots) -> Vec<u32> {
    lots.lots.iter().map(|lot| lot.id.0).collect()
}

fn open(ann: &mut Line, symbol: Symbol) {
    let ServerMessage::Pong(pong) = ann.ask(&Ping {
        client_time: Timestamp::default(),
    }) else {
        panic!("a ping is answered by a pong")
    };
    let hour = auction_core::Span::from_secs(3_600);
    ann.command(&OpenLot {
        symbol,
        quantity: auction_core::Quantity::ONE,
        opens_at: None,
        closes_at: pong.server_time.saturating_add(hour),
        terms: Terms::English(Default::default()),
        reserve: None,
    })
    .unwrap();
}

#[test]
fn the_lots_of_a_stock_come_without_those_of_others() {
    let test_market = TestMarket::with_lots(3);
    test_market.write(
        "users.csv",
        &format!("name,role,password\nann,auctioneer,{PASSWORD}\n"),
    );
    let server = test_market.open();
    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    let s2: Symbol = "S2".parse().unwrap();
    let of = LotsOf::Symbol(s2);

    // No session is needed, and what is acknowledged is in.
    let mut reader = Line::open(server.address());
    let mut mia = Line::trader(server.address(), "mia");
    let placed = mia.bid(2, "1.40").unwrap();
    let lots = ask(&mut reader, of);
    assert_eq!((ids(&lots), lots.total), (vec![2], 1));
    assert!(lots.feed_sequence >= placed.feed_sequence);
    assert_eq!(lots.accounts, AccountMode::Credit);
    let market = reader.snapshot();
    assert_eq!(lots.lots[0], *market.lot(LotId(2)).unwrap());
    assert_eq!(lots.lots[0].price(), Some("1.40".parse().unwrap()));

    // Of those that have closed only the newest is in, unless it is asked for by its number.
    ann.command(&CloseLot { lot: LotId(2) }).unwrap();
    open(&mut ann, s2);
    let lots = ask(&mut reader, of);
    assert_eq!((ids(&lots), lots.total), (vec![2, 4], 2));
    ann.command(&CloseLot { lot: LotId(4) }).unwrap();
    open(&mut ann, s2);
    open(&mut ann, s2);
    let lots = ask(&mut reader, of);
    assert_eq!((ids(&lots), lots.total), (vec![4, 5, 6], 4));
    let first = ask(&mut reader, LotsOf::Lot(LotId(2)));
    assert_eq!((ids(&first), first.total), (vec![2], 4));
    assert!(first.lots[0].is_closed());

    for (of, code) in [
        (
            LotsOf::Symbol("NONE".parse().unwrap()),
            Code::UNKNOWN_SYMBOL,
        ),
        (LotsOf::Lot(LotId(7)), Code::UNKNOWN_LOT),
        (LotsOf::Lot(LotId(0)), Code::UNKNOWN_LOT),
    ] {
        match reader.ask(&GetLots { of }) {
            ServerMessage::Refused(refused) => assert_eq!(refused.code, code),
            other => panic!("{other:?}"),
        }
    }
    server.end();
}
