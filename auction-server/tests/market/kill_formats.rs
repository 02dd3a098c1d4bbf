//! Repeated `kill -9` while lots of every format are open and bid on, and while the auctioneer opens, halts, extends
//! and closes them: each acknowledged request is in the journal exactly once and unchanged.

use std::collections::{BTreeMap, BTreeSet};

use auction_core::{
    Actor, CallTerms, Command, Lot, LotId, Market, OpenedBid, OrderId, Outcome as LotOutcome,
    OwnOrder, Price, PublicEvent, Quantity, Record, Side, Span, Terms, UserId,
};
use auction_proto::{Bid, GetOrders, OpenLot, PlaceOrder, ResumeLot, ServerMessage};
use rand_chacha::ChaCha20Rng;

use crate::killing::{
    About, STOCKS, auctioneer_asks, below, check_journal, close_all, names, play, random, records,
    some_lot, trader_asks,
};
use crate::ledger::{Ask, Client};
use crate::line::{Line, PASSWORD};
use crate::proof::{prove, public_journal};
use crate::test_market::{Server, TestMarket, until};

const KILLS: u32 = 8;
/// Number of acknowledged requests that each client sends again after a restart.
const ASKED_AGAIN: usize = 12;
/// Lots of a file, of every format; the auctioneer opens more.
const LOTS: &str = "\
symbol,format,quantity,opens_in,open_for,reserve,step,start,interval,floor,priority,bids_max,tick,random_end
S1,english,,,2h,,,,,,,,,
S1,english,,,2h,50,banded,,,,,,,
S2,dutch,,,2h,,0.01,490,1h,1,,,,
S3,sealed-first,,,2h,,,,,,,,,
S3,vickrey,,,2h,5,,,,,,,,
S4,uniform,1000,,2h,,,,,,time,40,,
S5,pay-as-bid,500,,2h,3,,,,,pro-rata,40,,
S6,vickrey,,1h,2h,,,,,,,,,
S2,call,,,2h,,,,,,,,0.0001,
S4,call,,,2h,,,,,,,,0.0001,7199s
";
const LOTS_OF_FILE: u32 = 10;
/// The Dutch one among them.
const DUTCH: LotId = LotId(3);

#[test]
fn kills_change_nothing_acknowledged_in_any_format() {
    let mut random = random();
    let test_market = TestMarket::with_lots(STOCKS).set("on-outage", "close");
    test_market.write("lots.csv", LOTS);
    test_market.write("users.csv", &accounts());

    let mut server = test_market.open();
    let market = Line::open(server.address()).snapshot();
    assert_eq!(market.lots().len(), LOTS_OF_FILE as usize);
    let mut clients: Vec<Client> = names()
        .map(|name| Client::log_in(server.address(), &name).0)
        .collect();
    let suspended = market.user_named(clients[1].name.parse().unwrap()).unwrap();
    let asks = |number, random: &mut ChaCha20Rng| match number {
        0 => auctioneer_asks(LOTS_OF_FILE, suspended, random),
        _ => trader_asks(about(random), random),
    };
    let mut settled = 0;
    for kill in 1..=KILLS {
        play(server, &mut clients, &mut random, asks);
        // No server runs: only the files on the disk are left.
        check_journal(&format!("kill {kill}"), &records(&test_market), &clients);
        test_market.verified_digest();

        server = test_market.open();
        let address = server.address();
        // Lots may become due between one look and the next.
        until("the market is what its journal makes", || {
            let held = test_market.verified_digest();
            let shown = Line::open(address).snapshot().digest().to_string();
            (held == shown).then_some(())
        });
        for client in &mut clients {
            let mut line = client.resume(address);
            settled += client.settle(&mut line);
            client.asks_again(&mut line, ASKED_AGAIN);
        }
        check_journal(&format!("restart {kill}"), &records(&test_market), &clients);
    }
    assert!(settled > 0, "no kill came while requests were in flight");

    take_dutch(&server, &mut clients);
    cross_in_a_call(&server, &mut clients);
    close_all(&server, &mut clients[0]);
    let mut market = Line::open(server.address()).snapshot();
    let own = own_orders(&server, &clients, &market);
    server.end();
    assert_eq!(test_market.verified_digest(), market.digest().to_string());
    let proof = prove(&public_journal(&test_market)).unwrap();
    assert_eq!(proof.market, market, "anyone can prove it");
    let records = records(&test_market);
    check_journal("the end", &records, &clients);
    let (mut live, opened) = asked_and_opened(&records, &market);
    check_opened(&mut live, opened, &market);
    check_uncrossed(live, own, &market);
    check_outcomes(&market);
    assert_eq!(test_market.export("results").len(), market.lots().len());
}

/// A trader takes the Dutch lot of the file at any price, if nobody did before.
fn take_dutch(server: &Server, clients: &mut [Client]) {
    let lot = DUTCH;
    let bid = Bid {
        lot,
        price: Price::MAX,
    };
    let asks = [
        (0, Ask::Other(ResumeLot { lot }.into())),
        (2, Ask::Bid(bid)),
    ];
    all_ask(server, clients, asks);
}

/// Two traders cross in a new call. On a busy machine the play is short, and its calls may not trade.
fn cross_in_a_call(server: &Server, clients: &mut [Client]) {
    let market = Line::open(server.address()).snapshot();
    let lot = LotId(market.lots().len() as u32 + 1);
    let open = OpenLot {
        symbol: market.lots()[0].symbol,
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: market.lots()[0]
            .opened_at
            .saturating_add(Span::from_secs(3 * 3_600)),
        terms: Terms::Call(CallTerms::default()),
        reserve: None,
    };
    let order = |side| PlaceOrder {
        lot,
        side,
        quantity: Quantity::ONE,
        limit: Some("10".parse().unwrap()),
    };
    let asks = [
        (0, Ask::Other(open.into())),
        (2, Ask::Other(order(Side::Buy).into())),
        (3, Ask::Other(order(Side::Sell).into())),
    ];
    all_ask(server, clients, asks);
}

/// Each of these clients makes its request, one after the other.
fn all_ask<const N: usize>(server: &Server, clients: &mut [Client], asks: [(usize, Ask); N]) {
    for (client, ask) in asks {
        let client = &mut clients[client];
        let mut line = client.resume(server.address());
        client.ask(&mut line, ask);
        line.flush().unwrap();
        client.hear(&mut line).unwrap().expect("the server runs");
    }
}

fn accounts() -> String {
    let rows = names().enumerate().map(|(number, name)| {
        let role = if number == 0 { "auctioneer" } else { "trader" };
        format!("{name},{role},{PASSWORD}\n")
    });
    std::iter::once("name,role,password\n".to_owned())
        .chain(rows)
        .collect()
}

fn about(random: &mut ChaCha20Rng) -> About {
    // Sealed lots take bids for all of their one share.
    let shares = [1, 1, 1 + u64::from(below(random, 200))][below(random, 3) as usize];
    About {
        lot: some_lot(LOTS_OF_FILE, random),
        quantity: Quantity::new(shares).unwrap(),
        price: Price::from_units(u64::from(10_000 + below(random, 5_000_000))).unwrap(),
    }
}

/// A trader's live order, as in a plain list: user, order, side, quantity, price.
type Live = (UserId, OrderId, Side, Quantity, Option<Price>);

/// The orders placed on every lot, with replacements and cancellations applied, sealed ones in the order of their time:
/// computed here from the requests alone. Also the sealed bids that each lot opened.
fn asked_and_opened(
    records: &[Record],
    market: &Market,
) -> (BTreeMap<LotId, Vec<Live>>, BTreeMap<LotId, Vec<OpenedBid>>) {
    let mut numbers: BTreeMap<(LotId, UserId), u32> = BTreeMap::new();
    let mut live: BTreeMap<LotId, Vec<Live>> = BTreeMap::new();
    let mut opened: BTreeMap<LotId, Vec<OpenedBid>> = BTreeMap::new();
    let mut closed: BTreeSet<LotId> = BTreeSet::new();
    let take = |live: &mut Vec<Live>, user, order| {
        let at = live.iter().position(|own| (own.0, own.1) == (user, order));
        live.remove(at.unwrap())
    };
    for record in records {
        let user = || match record.actor {
            Actor::User(user) => user,
            Actor::Operator | Actor::Clock => panic!("only users have orders"),
        };
        match record.command {
            Command::PlaceOrder {
                lot,
                side,
                quantity,
                limit,
            } => {
                let number = numbers.entry((lot, user())).or_default();
                *number += 1;
                let order = (user(), OrderId(*number), side, quantity, limit);
                live.entry(lot).or_default().push(order);
            }
            Command::ReplaceOrder {
                lot,
                order,
                quantity,
                limit,
            } => {
                let live = live.get_mut(&lot).unwrap();
                let (user, order, side, ..) = take(live, user(), order);
                live.push((user, order, side, quantity, limit));
            }
            Command::CancelOrder { lot, order } => {
                take(live.get_mut(&lot).unwrap(), user(), order);
            }
            // Sealed bids bind; orders of calls are cancelled.
            Command::SuspendUser { user } => {
                for (lot, orders) in &mut live {
                    let is_call = matches!(market.lot(*lot).unwrap().terms, Terms::Call(_));
                    orders.retain(|own| !is_call || closed.contains(lot) || own.0 != user);
                }
            }
            _ => {}
        }
        for event in record.public_events() {
            match event {
                PublicEvent::BidsOpened { lot, bids } => {
                    opened.entry(*lot).or_default().extend(bids);
                }
                PublicEvent::LotClosed { lot, .. } => {
                    closed.insert(*lot);
                }
                _ => {}
            }
        }
    }
    (live, opened)
}

/// Checks that the sealed bids opened at every lot's close are those that were live. Removes them.
fn check_opened(
    live: &mut BTreeMap<LotId, Vec<Live>>,
    mut opened: BTreeMap<LotId, Vec<OpenedBid>>,
    market: &Market,
) {
    let mut bids = 0;
    for lot in market.lots() {
        let told = opened.remove(&lot.id).unwrap_or_default();
        if matches!(lot.terms, Terms::Call(_)) {
            assert_eq!(told, [], "the orders of a call are never opened");
            continue;
        }
        let is_sealed = matches!(lot.terms, Terms::Sealed(_) | Terms::Uniform(_));
        let placed = live.remove(&lot.id).unwrap_or_default();
        assert!(is_sealed || placed.is_empty(), "lot {}", lot.id);
        let as_live = |bid: &OpenedBid| {
            (
                bid.bidder,
                bid.order,
                Side::Buy,
                bid.quantity,
                Some(bid.price),
            )
        };
        let told_live: Vec<Live> = told.iter().map(as_live).collect();
        assert_eq!(told_live, placed, "lot {}", lot.id);
        let filled: u64 = told.iter().map(|bid| bid.filled).sum();
        assert!(filled <= lot.quantity.get(), "lot {}", lot.id);
        for bid in &told {
            assert!(bid.filled <= bid.quantity.get());
            assert!(bid.pays.is_none_or(|pays| pays <= bid.price));
        }
        bids += placed.len();
    }
    assert!(bids > 0, "nobody bid in secret");
}

/// The view that each trader has of their own orders in calls.
fn own_orders(
    server: &Server,
    clients: &[Client],
    market: &Market,
) -> BTreeMap<LotId, Vec<(UserId, OwnOrder)>> {
    let mut own: BTreeMap<LotId, Vec<(UserId, OwnOrder)>> = BTreeMap::new();
    let is_call = |lot: &&Lot| matches!(lot.terms, Terms::Call(_));
    for client in &clients[1..] {
        let user = market.user_named(client.name.parse().unwrap()).unwrap();
        let mut line = client.resume(server.address());
        for lot in market.lots().iter().filter(is_call) {
            let lot = lot.id;
            let ServerMessage::Orders(told) = line.ask(&GetOrders { lot }) else {
                panic!("{} is not told of lot {lot}", client.name)
            };
            let orders = told.orders.iter().map(|order| (user, *order));
            own.entry(lot).or_default().extend(orders);
        }
    }
    own
}

/// Checks that calls traded the live orders, none worse than its limit, and equal quantities on both sides.
fn check_uncrossed(
    mut live: BTreeMap<LotId, Vec<Live>>,
    own: BTreeMap<LotId, Vec<(UserId, OwnOrder)>>,
    market: &Market,
) {
    let mut traded = 0;
    for (lot, told) in own {
        let mut placed = live.remove(&lot).unwrap_or_default();
        placed.sort_by_key(|order| (order.0, order.1));
        let as_live = |(user, own): &(UserId, OwnOrder)| {
            (*user, own.order, own.side, own.quantity, own.limit)
        };
        let mut told_live: Vec<Live> = told.iter().map(as_live).collect();
        told_live.sort_by_key(|order| (order.0, order.1));
        assert_eq!(told_live, placed, "lot {lot}");
        let (price, volume) = match market.lot(lot).unwrap().outcome() {
            Some(LotOutcome::Crossed { price, volume, .. }) => (Some(price), volume),
            _ => (None, 0),
        };
        for side in [Side::Buy, Side::Sell] {
            let of_side = told.iter().filter(|(_, own)| own.side == side);
            let filled: u64 = of_side.map(|(_, own)| own.filled()).sum();
            assert_eq!(filled, volume, "lot {lot}");
        }
        for (_, own) in told.iter().filter(|(_, own)| own.filled() > 0) {
            let price = price.unwrap();
            assert!(own.filled() <= own.quantity.get());
            assert!(own.limit.is_none_or(|limit| match own.side {
                Side::Buy => price <= limit,
                Side::Sell => price >= limit,
            }));
        }
        traded += volume;
    }
    assert!(live.is_empty(), "{live:?}");
    assert!(traded > 0, "no call traded");
}

/// Checks that lots of every format had an outcome.
fn check_outcomes(market: &Market) {
    let mut sold: BTreeMap<&str, u32> = BTreeMap::new();
    for lot in market.lots() {
        let has_sold = !matches!(
            lot.outcome(),
            Some(LotOutcome::Unsold { .. } | LotOutcome::NoCross { .. })
        );
        *sold.entry(lot.terms.format()).or_default() += u32::from(has_sold);
    }
    assert!(sold.values().all(|sold| *sold > 0), "{sold:?}");
    assert_eq!(sold.len(), 7, "{sold:?}");
}
