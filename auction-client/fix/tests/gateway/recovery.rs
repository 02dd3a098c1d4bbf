//! Kills and losses of each party: nothing is done twice, and nothing that happened stays unreported.

use crate::stage::{CALL, Stage, until};
use crate::wire::{Wire, now};

#[test]
fn a_killed_gateway_reports_what_happened_meanwhile() {
    let mut stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "CALL", "1", 10, "40=2|44=10.10|");
    mia.read_kind("8 0 0");
    mia.order("b", "UNI", "1", 10, "40=2|44=3|");
    mia.read_kind("8 0 0");
    let log = stage.path().join("fix/orders.log");
    let is_noted = || {
        std::fs::read_to_string(&log)
            .unwrap()
            .contains("{\"Sent\":{\"number\":2}}")
    };
    until("it is noted that both reports were sent", is_noted);
    stage.kill_gateway();
    assert_eq!(mia.try_read(), None);
    sue_sells(&stage);
    stage.close(CALL);
    stage.start_gateway();

    let mut mia = mia.again(stage.fix);
    let trade = mia.read_kind("8 F 2");
    assert_eq!((trade.get(11), trade.get(32)), ("a", "10"));
    assert_eq!(
        trade.get(34),
        "5",
        "numbers go on: logon 1, reports 2 and 3, logon 4"
    );
    mia.send("H", "11=b|55=UNI|54=1|");
    assert_eq!(mia.read_kind("8 I 0").get(37), "4-1", "still live");

    // What was sent before the kill is resent from the gateway's store, at its place and time.
    mia.send("2", "7=1|16=0|");
    let fill = mia.read_kind("4");
    assert_eq!(
        (fill.get(34), fill.get(36), fill.get(123), fill.get(43)),
        ("1", "2", "Y", "Y")
    );
    let first = mia.read_kind("8 0 0");
    assert_eq!(
        (first.get(34), first.get(11), first.get(43)),
        ("2", "a", "Y")
    );
    assert!(first.get(122) < first.get(52), "{first:?}");
    assert_eq!(mia.read_kind("8 0 0").get(34), "3");
    assert_eq!(mia.read_kind("4").get(36), "5");
    let resent = mia.read_kind("8 F 2");
    assert_eq!(
        (resent.get(34), resent.get(17)),
        ("5", trade.get(17)),
        "the same execution"
    );
    assert_eq!(mia.read_kind("8 I 0").get(34), "6");
}

/// Sue sells into the call, past the gateway. Not Ned: a killed gateway leaves the dead-man switch of his session armed, and
/// all his orders are cancelled a second later, perhaps before the close.
fn sue_sells(stage: &Stage) {
    stage.with("sue", async |client| {
        let order = auction_client::PlaceOrder {
            lot: CALL,
            side: auction_core::Side::Sell,
            quantity: auction_core::Quantity::new(10).unwrap(),
            limit: None,
        };
        client.ask(order).await.unwrap();
    });
}

#[test]
fn a_request_in_flight_at_a_kill_is_done_once_and_answered() {
    let mut stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    stage.pause_server(true);
    mia.order("b", "CALL", "1", 20, "40=2|44=9|");
    mia.cancel("c", "a", "CALL");
    let log = stage.path().join("fix/orders.log");
    let kept = || {
        std::fs::read_to_string(&log)
            .unwrap()
            .matches("\"Intent\"")
            .count()
    };
    until("both requests are kept", || kept() == 3);
    stage.kill_gateway();
    stage.pause_server(false);
    stage.start_gateway();
    let mut mia = mia.again(stage.fix);
    // The first report may come twice. A request that the gateway kept, and had not yet counted as received, is sent again by the client: its answer
    // then is the state of the order, beside the report.
    let mut reports = Vec::new();
    while reports.len() < 2 {
        let report = mia.read();
        let is_first = report.get(17) == "1-1-0";
        if report.get(150) != "I" && !is_first {
            reports.push(report);
        }
    }
    reports.sort_by_key(|report| report.get(11).to_owned());
    assert_eq!(
        (
            reports[0].kind().as_str(),
            reports[0].get(11),
            reports[0].get(37)
        ),
        ("8 0 0", "b", "1-2")
    );
    assert_eq!(
        (
            reports[1].kind().as_str(),
            reports[1].get(11),
            reports[1].get(41)
        ),
        ("8 4 4", "c", "a")
    );
    let orders = stage.with("mia", async |client| client.orders(CALL).await.unwrap());
    assert_eq!(
        orders
            .iter()
            .map(|order| order.quantity.get())
            .collect::<Vec<_>>(),
        [20]
    );
}

#[test]
fn a_killed_market_answers_what_was_in_flight_once() {
    let mut stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    mia.send("g", "335=t|263=1|");
    assert_eq!(mia.read_kind("h").get(340), "2");
    stage.kill_server();
    assert_eq!(mia.read_kind("h").get(340), "0", "the market is away");
    mia.order("b", "CALL", "1", 20, "40=2|44=9|");
    stage.start_server();
    let mut reports = [mia.read(), mia.read()];
    reports.sort_by_key(|report| report.get(35).to_owned());
    assert_eq!(
        (reports[0].kind().as_str(), reports[0].get(11)),
        ("8 0 0", "b")
    );
    assert_eq!(reports[1].get(340), "2");
    let orders = stage.with("mia", async |client| client.orders(CALL).await.unwrap());
    assert_eq!(orders.len(), 2);
}

#[test]
fn a_lost_message_of_the_client_is_asked_for() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    let lost = mia.next;
    mia.next += 1;
    mia.order("b", "CALL", "1", 10, "40=2|44=9|");
    let request = mia.read_kind("2");
    assert_eq!(
        (request.get(7), request.get(16)),
        (lost.to_string().as_str(), "0")
    );
    let order = |id: &str| format!("11={id}|55=CALL|54=1|60={}|38=10|40=2|44=9|", now());
    let sent_at = now();
    mia.send_as(lost, "D", &format!("43=Y|122={sent_at}|"), &order("a"));
    mia.send_as(lost + 1, "D", &format!("43=Y|122={sent_at}|"), &order("b"));
    let ids = [mia.read_kind("8 0 0"), mia.read_kind("8 0 0")];
    assert_eq!(ids.each_ref().map(|report| report.get(11)), ["a", "b"]);
}

#[test]
fn an_order_that_is_sent_again_is_not_placed_again() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    let order = format!("11=a|55=CALL|54=1|60={}|38=10|40=2|44=9|", now());
    // An old number: dropped by the session layer.
    mia.send_as(2, "D", &format!("43=Y|122={}|", now()), &order);
    // A new number, as a possible resend: the state of the order.
    let next = mia.next;
    mia.send_as(next, "D", "97=Y|", &order);
    assert_eq!(mia.read_kind("8 I 0").get(37), "1-1");
    mia.next += 1;
    mia.send("D", &order);
    assert_eq!(mia.read_kind("8 8 8").get(103), "6");
    let orders = stage.with("mia", async |client| client.orders(CALL).await.unwrap());
    assert_eq!(orders.len(), 1);
}

#[test]
fn a_client_that_lost_its_store_begins_again() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    drop(mia);
    let (mut low, refused) = Wire::answered(stage.fix, "MIA", "FIXT.1.1", 1, "");
    assert_eq!(refused.get(35), "5");
    assert!(refused.get(58).contains("MsgSeqNum"), "{refused:?}");
    assert_eq!(low.try_read(), None);
    let mut mia = Wire::logged_on(stage.fix, "MIA");
    mia.send("AF", "584=all|585=7|");
    let status = mia.read_kind("8 I 0");
    assert_eq!(
        (status.get(11), status.get(34)),
        ("a", "2"),
        "orders outlive sequence numbers"
    );
}

#[test]
fn numbers_survive_many_reconnections() {
    let mut stage = Stage::open();
    let mut mia = stage.mia();
    for round in 0..4 {
        if round == 2 {
            stage.kill_gateway();
            stage.start_gateway();
        }
        mia = mia.again(stage.fix);
        mia.send("1", "112=again|");
        assert_eq!(mia.read_kind("0").get(112), "again");
        mia.send("5", "");
        mia.read_kind("5");
    }
}
