//! Orders of every format, from the order to its end.

use auction_client::{BidMaximum, PlaceOrder};
use auction_core::{Price, Quantity, Side};

use crate::stage::{CALL, ENG, Stage, UNI, VICK, until};
use crate::wire::{Wire, now};

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

#[test]
fn a_call_fills_orders_at_one_price_and_the_rest_expires() {
    let stage = Stage::open();
    let (mut mia, mut ned) = (stage.mia(), stage.ned());
    mia.order("m1", "CALL", "1", 100, "40=2|44=10.10|59=2|");
    let new = mia.read_kind("8 0 0");
    assert_eq!(
        (new.get(37), new.get(11), new.get(44), new.get(59)),
        ("1-1", "m1", "10.10", "2")
    );
    assert_eq!(
        (new.get(151), new.get(14), new.get(6)),
        ("100", "0", "0.00")
    );
    ned.order("n1", "CALL", "2", 60, "40=1|");
    let market = ned.read_kind("8 0 0");
    assert_eq!((market.get(40), market.get(44)), ("1", ""));

    mia.send(
        "G",
        &format!(
            "11=m2|41=m1|55=CALL|54=1|60={}|38=80|40=2|44=10.2000|",
            now()
        ),
    );
    let replaced = mia.read_kind("8 5 0");
    assert_eq!(
        (replaced.get(11), replaced.get(41), replaced.get(37)),
        ("m2", "m1", "1-1")
    );
    assert_eq!((replaced.get(38), replaced.get(44)), ("80", "10.20"));

    stage.close(CALL);
    let trade = mia.read_kind("8 F 1");
    assert_eq!(
        (trade.get(32), trade.get(14), trade.get(151)),
        ("60", "60", "20")
    );
    assert_eq!(trade.get(6), trade.get(31));
    assert_eq!((trade.get(880), trade.get(574)), ("1", "7"));
    let expired = mia.read_kind("8 C C");
    assert_eq!((expired.get(14), expired.get(151)), ("60", "0"));
    let filled = ned.read_kind("8 F 2");
    assert_eq!((filled.get(32), filled.get(31)), ("60", trade.get(31)));
    let traded = stage.with("mia", async |client| client.orders(CALL).await.unwrap());
    assert_eq!(traded[0].filled(), 60, "as the market has it");
}

#[test]
fn sealed_bids_and_parts_are_placed_and_filled() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("v", "VICK", "1", 10, "40=2|44=7|59=B|");
    assert_eq!(mia.read_kind("8 0 0").get(37), "3-1");
    mia.order("u", "UNI", "1", 30, "40=2|44=2.5|");
    mia.read_kind("8 0 0");
    mia.order("u2", "UNI", "1", 100, "40=2|44=2.25|");
    mia.read_kind("8 0 0");
    stage.close(VICK);
    let won = mia.read_kind("8 F 2");
    assert_eq!(
        (won.get(11), won.get(31), won.get(32)),
        ("v", "5.00", "10"),
        "the least that can be bid"
    );
    stage.close(UNI);
    let full = mia.read_kind("8 F 2");
    let part = mia.read_kind("8 F 1");
    let rest = mia.read_kind("8 C C");
    assert_eq!(
        (full.get(11), full.get(32), full.get(31)),
        ("u", "30", "2.25")
    );
    assert_eq!(
        (part.get(11), part.get(32), part.get(151)),
        ("u2", "70", "30")
    );
    assert_eq!((rest.get(11), rest.get(14)), ("u2", "70"));
}

#[test]
fn a_hidden_maximum_leads_is_raised_and_is_outbid() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("e1", "ENG", "1", 3, "40=P|44=5|211=0|388=0|1094=5|");
    let new = mia.read_kind("8 0 0");
    assert_eq!(
        (new.get(40), new.get(44), new.get(211), new.get(1094)),
        ("P", "5.00", "0", "5")
    );
    mia.send(
        "G",
        &format!("11=e2|41=e1|55=ENG|54=1|60={}|38=3|40=P|44=6|", now()),
    );
    assert_eq!(mia.read_kind("8 5 0").get(44), "6.00");
    let beats = async |client: auction_client::Client| {
        let maximum = BidMaximum {
            lot: ENG,
            maximum: price("9"),
        };
        client.ask(maximum).await.unwrap();
    };
    stage.with("ned", beats);
    let outbid = mia.read_kind("8 4 4");
    assert_eq!(
        (outbid.get(11), outbid.get(58)),
        ("e2", "outbid: another trader leads at 6.01")
    );

    mia.order("e3", "ENG", "1", 3, "40=2|44=8|");
    mia.read_kind("8 0 0");
    let beaten = mia.read_kind("8 4 4");
    assert_eq!(
        (beaten.get(11), beaten.get(58)),
        ("e3", "outbid: another trader leads at 8.01")
    );
    mia.order("e4", "ENG", "1", 3, "40=2|44=10|");
    mia.read_kind("8 0 0");
    mia.cancel("e5", "e4", "ENG");
    let bound = mia.read_kind("9");
    assert_eq!(
        (bound.get(434), bound.get(58)),
        ("1", "a bid binds: it cannot be cancelled")
    );
    stage.close(ENG);
    let won = mia.read_kind("8 F 2");
    assert_eq!(
        (won.get(11), won.get(31), won.get(32), won.get(6)),
        ("e4", "10.00", "3", "10.00")
    );
}

#[test]
fn a_dutch_lot_is_taken_at_its_price() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("d", "DUT", "1", 5, "40=2|44=25|");
    mia.read_kind("8 0 0");
    let taken = mia.read_kind("8 F 2");
    assert_eq!((taken.get(31), taken.get(32)), ("20.00", "5"));
}

#[test]
fn cancels_are_answered_once_each() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    for id in ["a", "b", "c"] {
        mia.order(id, "CALL", "1", 10, "40=2|44=9|");
        mia.read_kind("8 0 0");
    }
    mia.cancel("x", "a", "CALL");
    let cancelled = mia.read_kind("8 4 4");
    assert_eq!(
        (cancelled.get(11), cancelled.get(41), cancelled.get(151)),
        ("x", "a", "0")
    );
    mia.cancel("y", "a", "CALL");
    let late = mia.read_kind("9");
    assert_eq!(
        (late.get(102), late.get(39), late.get(37)),
        ("0", "4", "1-1")
    );
    mia.cancel("z", "nothing", "CALL");
    let unknown = mia.read_kind("9");
    assert_eq!((unknown.get(102), unknown.get(37)), ("1", "NONE"));

    mia.send("q", &format!("11=q|530=7|60={}|", now()));
    let report = mia.read_kind("r");
    assert_eq!((report.get(531), report.get(533)), ("7", "2"));
    let ids: Vec<_> = (0..2)
        .map(|_| mia.read_kind("8 4 4").get(11).to_owned())
        .collect();
    let ids: std::collections::BTreeSet<_> = ids.into_iter().collect();
    assert_eq!(ids, ["b", "c"].map(str::to_owned).into());
    assert_eq!(
        stage.with("mia", async |client| client.orders(CALL).await.unwrap()),
        []
    );
}

#[test]
fn what_others_do_with_an_order_is_reported() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    stage.with("mia", async |client| {
        let orders = client.orders(CALL).await.unwrap();
        let replace = auction_client::ReplaceOrder {
            lot: CALL,
            order: orders[0].order,
            quantity: Quantity::new(7).unwrap(),
            limit: Some(price("9.5")),
        };
        client.ask(replace).await.unwrap();
    });
    let restated = mia.read_kind("8 D 0");
    assert_eq!((restated.get(38), restated.get(44)), ("7", "9.50"));
    stage.with("mia", async |client| {
        let order = client.orders(CALL).await.unwrap()[0].order;
        client
            .ask(auction_client::CancelOrder { lot: CALL, order })
            .await
            .unwrap();
    });
    assert_eq!(mia.read_kind("8 4 4").get(58), "cancelled in the market");
}

#[test]
fn refusals_carry_the_code_and_the_words_of_the_market() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    let cases = [
        ("ENG", 3, "40=2|44=0.5|", "99", "bid_too_low: "),
        ("CALL", 5, "40=2|44=10.005|", "99", "off_tick: "),
        ("VICK", 9, "40=2|44=7|", "13", "whole_lot_only: "),
        (
            "ENG",
            2,
            "40=2|44=5|",
            "13",
            "lot 2 is sold as a whole: the quantity (38) is 3",
        ),
        (
            "CALL",
            5,
            "40=P|44=7|",
            "11",
            "lot 1 takes no hidden maximum (40=P)",
        ),
        ("UNI", 5, "40=1|", "11", "lot 4 needs a limit"),
        (
            "CALL",
            5,
            "40=2|44=9|59=3|",
            "11",
            "the time in force 3 is not offered on this lot; expected 0 (day), 2 (at the opening), ",
        ),
        ("NONE", 5, "40=2|44=9|", "1", "unknown_symbol: "),
    ];
    for (place, (symbol, quantity, more, reason, text)) in cases.into_iter().enumerate() {
        mia.order(&format!("r{place}"), symbol, "1", quantity, more);
        let rejected = mia.read_kind("8 8 8");
        assert_eq!(rejected.get(103), reason, "{symbol} {more}: {rejected:?}");
        assert!(rejected.get(58).starts_with(text), "{:?}", rejected.get(58));
        assert_eq!((rejected.get(151), rejected.get(37)), ("0", "NONE"));
    }
    mia.order("r0", "CALL", "1", 5, "40=2|44=9|");
    assert_eq!(
        mia.read_kind("8 8 8").get(103),
        "6",
        "a refused order has used its ClOrdID"
    );
    assert_eq!(
        stage.with("mia", async |client| client.orders(CALL).await.unwrap()),
        []
    );
}

#[test]
fn statuses_name_the_orders_of_the_session() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    mia.order("b", "UNI", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    mia.send("H", "11=a|55=CALL|54=1|790=why|");
    let status = mia.read_kind("8 I 0");
    assert_eq!(
        (status.get(790), status.get(37), status.get(17)),
        ("why", "1-1", "0")
    );
    mia.send("H", "11=none|55=CALL|54=1|");
    assert_eq!(mia.read_kind("8 I 8").get(103), "5");
    mia.send("AF", "584=all|585=7|");
    let both = [mia.read_kind("8 I 0"), mia.read_kind("8 I 0")];
    assert_eq!(
        both.each_ref()
            .map(|status| (status.get(11), status.get(911), status.get(912))),
        [("a", "2", "N"), ("b", "2", "Y")]
    );
    mia.send("AF", "584=one|585=1|55=UNI|");
    assert_eq!(mia.read_kind("8 I 0").get(11), "b");
    mia.send("AF", "584=none|585=1|55=ENG|");
    assert_eq!(mia.read_kind("8 I 8").get(911), "0");
}

#[test]
fn a_drop_copy_has_what_any_session_did() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    let mut copy = Wire::logged_on(stage.fix, "MIA-COPY");
    let standing = copy.read_kind("8 0 0");
    assert_eq!(
        (standing.get(37), standing.get(797), standing.get(11)),
        ("1-1", "Y", "")
    );
    stage.with("mia", async |client| {
        let order = PlaceOrder {
            lot: UNI,
            side: Side::Buy,
            quantity: Quantity::new(5).unwrap(),
            limit: Some(price("3")),
        };
        client.ask(order).await.unwrap();
        let maximum = BidMaximum {
            lot: ENG,
            maximum: price("4"),
        };
        client.ask(maximum).await.unwrap();
    });
    let placed = copy.read_kind("8 0 0");
    assert_eq!(
        (placed.get(37), placed.get(38), placed.get(44)),
        ("4-1", "5", "3.00")
    );
    assert_eq!(copy.read_kind("8 0 0").get(44), "4.00", "their own maximum");
    mia.cancel("b", "a", "CALL");
    mia.read_kind("8 4 4");
    assert_eq!(copy.read_kind("8 4 4").get(37), "1-1");
    stage.close(ENG);
    assert_eq!(copy.read_kind("8 F 2").get(31), "1.01");
    copy.order("no", "CALL", "1", 10, "40=2|44=9|");
    let refused = copy.read_kind("j");
    assert_eq!((refused.get(380), refused.get(372)), ("6", "D"));
}

#[test]
fn orders_of_a_client_that_is_gone_are_cancelled() {
    let stage = Stage::open();
    let (mut old, logon) = Wire::answered(stage.fix, "OLD", "FIX.4.4", 1, "141=Y|");
    assert_eq!(logon.get(141), "Y");
    old.order("a", "CALL", "1", 10, "40=2|44=9|");
    old.read_kind("8 0 0");
    let next = old.next;
    drop(old);
    let live = || {
        stage.with("ned", async |client| {
            client.orders(CALL).await.unwrap().len()
        })
    };
    until("the order is cancelled", || live() == 0);
    let (mut old, logon) = Wire::answered(stage.fix, "OLD", "FIX.4.4", next, "");
    assert_eq!(logon.get(35), "A");
    assert_eq!(
        old.read_kind("8 4 4").get(11),
        "a",
        "reported when the client is back"
    );
}

#[test]
fn many_logons_use_one_session_of_the_market() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    for _ in 0..3 {
        mia = mia.again(stage.fix);
        mia.send("H", "11=a|55=CALL|54=1|");
        mia.read_kind("8 I 0");
    }
    // The gateway's, and that of this question.
    stage.with("mia", async |client| {
        while client.sessions().await.unwrap().sessions.len() > 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    mia.cancel("b", "a", "CALL");
    mia.read_kind("8 4 4");
}
