//! A user's own account: its events, their visibility, and the dead-man switch that cancels orders.

use auction_client::{AccountState, AccountUpdate, AccountWatch, Client, Secret};
use auction_core::{
    AccountEvent, LotId, Name, OrderId, Price, Quantity, Side, Span, StandingLead, StandingOrder,
};
use auction_proto::{
    Account, BidMaximum, CancelOrder, CloseLot, Code, Follows, Logout, PlaceOrder, ReplaceOrder,
    ServerMessage, SetDeadMan, Token, WatchAccount,
};

use crate::line::{Line, PASSWORD};
use crate::test_market::{DEADLINE, TestMarket, until};

const LOTS: &str = "\
symbol,format,quantity,opens_in,reserve,start,step,interval,floor,priority
S1,english,,,,,,,,
S2,uniform,100,,10,,,,,time
S3,uniform,100,,10,,,,,time
";
const ENGLISH: LotId = LotId(1);
const UNIFORM: LotId = LotId(2);
const OTHER: LotId = LotId(3);

fn test_market() -> TestMarket {
    let test_market = TestMarket::with_lots(3);
    test_market.write("lots.csv", LOTS);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    test_market
}

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn moment() -> Span {
    Span::from_micros(50_000).unwrap()
}

fn quantity(shares: u64) -> Quantity {
    Quantity::new(shares).unwrap()
}

fn place(line: &mut Line, lot: LotId, shares: u64, limit: &str) -> StandingOrder {
    let (side, quantity, limit) = (Side::Buy, quantity(shares), Some(price(limit)));
    let placed = PlaceOrder {
        lot,
        side,
        quantity,
        limit,
    };
    let accepted = line.command(&placed).unwrap();
    let auction_core::Reply::OrderPlaced(order) = accepted.reply else {
        panic!("{accepted:?}");
    };
    StandingOrder {
        lot,
        order,
        side,
        quantity,
        limit,
    }
}

/// The current account, in one part.
fn account(line: &mut Line) -> Account {
    match line.ask(&WatchAccount {}) {
        ServerMessage::Account(account) => {
            assert_eq!((account.index, account.follows), (0, Follows::Nothing));
            account
        }
        other => panic!("{other:?}"),
    }
}

/// Account events up to and including `last`.
fn told_until(line: &mut Line, last: AccountEvent) -> Vec<AccountEvent> {
    let mut told = Vec::new();
    while told.last() != Some(&last) {
        match line.next().unwrap().expect("the connection goes on") {
            (_, ServerMessage::AccountFeed(feed)) => {
                told.extend(feed.entries.iter().map(|entry| entry.event));
            }
            (_, ServerMessage::Heartbeat(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    told
}

/// Another session of a trader.
fn another(line: &Line, name: &str) -> (Line, Token) {
    let mut another = Line::open(line.address());
    let logged_in = another.log_in(name, PASSWORD).unwrap();
    (another, logged_in.token.unwrap())
}

fn arm(line: &mut Line, grace: Span) {
    line.command(&SetDeadMan { grace: Some(grace) }).unwrap();
}

#[test]
fn users_see_their_own_results_in_any_session_and_no_others() {
    let test_market = test_market();
    let server = test_market.open();
    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    let refused = Line::open(server.address()).command(&WatchAccount {});
    assert_eq!(refused.unwrap_err().code, Code::NOT_LOGGED_IN);
    let (mut watcher, _) = another(&mia, "mia");
    let (mut toms, _) = another(&tom, "tom");
    let nothing = account(&mut watcher);
    assert!(nothing.orders.is_empty() && nothing.leads.is_empty() && nothing.dead_men.is_empty());
    account(&mut toms);

    let first = place(&mut mia, UNIFORM, 60, "12");
    let second = place(&mut mia, OTHER, 5, "11");
    let third = place(&mut mia, UNIFORM, 10, "13");
    let replaced = ReplaceOrder {
        lot: UNIFORM,
        order: first.order,
        quantity: quantity(70),
        limit: first.limit,
    };
    mia.command(&replaced).unwrap();
    mia.command(&CancelOrder {
        lot: UNIFORM,
        order: third.order,
    })
    .unwrap();
    mia.command(&BidMaximum {
        lot: ENGLISH,
        maximum: price("1.40"),
    })
    .unwrap();
    let (mut later, _) = another(&mia, "mia");
    let stands = account(&mut later);
    let lead = StandingLead {
        lot: ENGLISH,
        offer: price("1.40"),
    };
    assert_eq!(stands.leads[..], [lead]);
    let changed = StandingOrder {
        quantity: quantity(70),
        ..first
    };
    assert_eq!(stands.orders[..], [changed, second]);

    let toms_order = place(&mut tom, UNIFORM, 50, "14");
    tom.bid(ENGLISH.0, "1.50").unwrap();
    for lot in [UNIFORM, ENGLISH] {
        ann.command(&CloseLot { lot }).unwrap();
    }
    let (lot, order) = (UNIFORM, first.order);
    let outbid = AccountEvent::Outbid {
        lot: ENGLISH,
        price: price("1.50"),
    };
    let filled = |order: OrderId, filled| AccountEvent::OrderFilled {
        lot,
        order,
        filled,
        pays: Some(price("12")),
    };
    let mut told = told_until(&mut watcher, filled(order, 50));
    told.retain(|event| !matches!(event, AccountEvent::SessionOpened { .. }));
    assert_eq!(
        told,
        [
            AccountEvent::OrderPlaced(first),
            AccountEvent::OrderPlaced(second),
            AccountEvent::OrderPlaced(third),
            AccountEvent::OrderReplaced {
                lot,
                order,
                quantity: quantity(70),
                limit: first.limit,
            },
            AccountEvent::OrderCancelled {
                lot,
                order: third.order,
            },
            AccountEvent::Leads(lead),
            outbid,
            filled(order, 50),
        ]
    );
    let won = AccountEvent::Won {
        lot: ENGLISH,
        price: price("1.50"),
    };
    assert_eq!(
        told_until(&mut toms, won),
        [
            AccountEvent::OrderPlaced(toms_order),
            AccountEvent::Leads(StandingLead {
                lot: ENGLISH,
                offer: price("1.50"),
            }),
            filled(toms_order.order, 50),
            won,
        ]
    );
    server.end();
}

#[test]
fn an_expired_switch_cancels_the_orders_of_its_user_only() {
    let test_market = test_market();
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    let (mut watcher, _) = another(&mia, "mia");
    account(&mut watcher);
    arm(&mut mia, moment());
    let unchanged = mia.command(&SetDeadMan {
        grace: Some(moment()),
    });
    assert_eq!(unchanged.unwrap_err().code, Code::UNCHANGED);
    let orders = [
        place(&mut mia, UNIFORM, 60, "12"),
        place(&mut watcher, OTHER, 5, "11"),
    ];
    place(&mut tom, UNIFORM, 50, "14");
    drop(mia);
    until("both orders are pulled", || {
        account(&mut watcher).orders.is_empty().then_some(())
    });
    let anew = place(&mut watcher, UNIFORM, 1, "12");
    assert!(anew.order > orders[0].order);
    assert_eq!(account(&mut watcher).orders[..], [anew]);
    assert_eq!(account(&mut tom).orders.len(), 1);
    server.end();
}

#[test]
fn logging_out_is_dying_at_once_and_the_pull_is_told() {
    let test_market = test_market();
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    let (mut watcher, _) = another(&mia, "mia");
    account(&mut watcher);
    arm(&mut mia, Span::from_secs(3_600));
    assert_eq!(account(&mut watcher).dead_men.len(), 1);
    let order = place(&mut mia, UNIFORM, 60, "12");
    mia.command(&Logout {}).unwrap();
    let pulled = AccountEvent::OrderCancelled {
        lot: UNIFORM,
        order: order.order,
    };
    let told = told_until(&mut watcher, pulled);
    let fired = told
        .iter()
        .position(|event| matches!(event, AccountEvent::DeadManFired { .. }));
    assert_eq!(fired, Some(told.len() - 2), "{told:?}");
    let now = account(&mut watcher);
    assert!(now.orders.is_empty() && now.dead_men.is_empty());
    server.end();
}

#[test]
fn a_switch_survives_a_kill_and_resuming_in_time_keeps_orders() {
    let test_market = test_market();
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    let (mut quick, token) = another(&mia, "mia");
    let order = place(&mut mia, UNIFORM, 60, "12");
    arm(&mut quick, Span::from_secs(3_600));
    server.kill();

    let server = test_market.open();
    let mut quick = Line::open(server.address());
    quick.resume(&token).unwrap();
    let stands = account(&mut quick);
    assert_eq!(stands.orders[..], [order]);
    assert_eq!(stands.dead_men.len(), 1);
    quick.number_from(1_000);
    arm(&mut quick, moment());
    server.kill();

    let server = test_market.open();
    // Without a connection its orders are cancelled, even without any request since.
    let mut tom = Line::trader(server.address(), "tom");
    until("the order is pulled", || {
        let market = tom.snapshot();
        (market.lot(UNIFORM).unwrap().bidders() == 0).then_some(())
    });
    server.end();
}

/// The next update; losses of the connection are skipped.
async fn next(watch: &mut AccountWatch) -> AccountUpdate {
    loop {
        let update = tokio::time::timeout(DEADLINE, watch.next()).await;
        match update.expect("something happens") {
            AccountUpdate::Reconnecting { .. } => {}
            update => return update,
        }
    }
}

/// Takes updates until the account stands so.
async fn until_told(watch: &mut AccountWatch, stands: impl Fn(&AccountState) -> bool) {
    while !stands(watch.state()) {
        next(watch).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_follows_an_account_until_its_session_ends() {
    let test_market = test_market();
    let server = test_market.open();
    let address = server.address();
    let test_market = test_market.set("listen", &address.to_string());
    drop(Line::trader(address, "mia"));
    let client = Client::connect(address).await.unwrap();
    let client = client.with_answer_timeout(DEADLINE);
    let password = Secret::new(PASSWORD.to_owned()).unwrap();
    let name = Name::parse("mia").unwrap();
    let logged_in = client.login(name, password).await.unwrap();
    let token = logged_in.token.unwrap();
    let mut watch = client.watch_account(token).await.unwrap();
    assert_eq!(*watch.state(), AccountState::default());
    let order = client
        .ask(PlaceOrder {
            lot: UNIFORM,
            side: Side::Buy,
            quantity: quantity(60),
            limit: Some(price("12")),
        })
        .await
        .unwrap();
    until_told(&mut watch, |standing| standing.orders.len() == 1).await;

    server.kill();
    let server = test_market.open();
    loop {
        if let AccountUpdate::Snapshot = next(&mut watch).await {
            break;
        }
    }
    assert_eq!(watch.state().orders[0].order, order);
    client
        .ask(CancelOrder {
            lot: UNIFORM,
            order,
        })
        .await
        .unwrap();
    until_told(&mut watch, |standing| standing.orders.is_empty()).await;
    client.logout().await.unwrap();
    loop {
        if let AccountUpdate::Ended(refused) = next(&mut watch).await {
            assert_eq!(refused.code, Code::SESSION_CLOSED);
            break;
        }
    }
    server.end();
}
