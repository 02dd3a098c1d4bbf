//! Orders of a trading day, from the pre-open to the close.

use std::collections::BTreeMap;

use auction_client::{CancelAll, CancelOrder, HaltAll, PlaceDayOrder, ResumeAll};
use auction_core::{DayOrder, DayPhase, OrderId, Price, Quantity, SelfTrade, Side, TimeInForce};

use crate::stage::{DAY, Stage, until};
use crate::wire::{Received, Wire, now};

fn replace(wire: &mut Wire, id: &str, orig: &str, side: &str, more: &str) {
    let fields = format!("11={id}|41={orig}|55=CALL|54={side}|60={}|{more}", now());
    wire.send("G", &fields);
}

/// `LastQty`, `LastPx`, `CumQty` and `LeavesQty`.
fn sums(report: &Received) -> [&str; 4] {
    [32, 31, 14, 151].map(|tag| report.get(tag))
}

/// Places an order without the gateway.
fn place(stage: &Stage, user: &str, quantity: u64, limit: Option<&str>, time: TimeInForce) {
    stage.with(user, async |client| {
        let order = DayOrder {
            side: Side::Buy,
            quantity: Quantity::new(quantity).unwrap(),
            limit: limit.map(|limit| Price::parse(limit).unwrap()),
            time_in_force: time,
            post_only: false,
            self_trade: SelfTrade::Refuse,
        };
        client.ask(PlaceDayOrder { lot: DAY, order }).await.unwrap();
    });
}

/// Reads reports of several orders. Those of one order come in their order, and those of two in any.
fn read_all<const N: usize>(wire: &mut Wire, expected: [&str; N]) -> [Received; N] {
    let mut reports = [(); N].map(|()| wire.read());
    reports.sort_by_key(|report| report.get(11).to_owned());
    let kinds = reports
        .each_ref()
        .map(|report| format!("{} {}", report.get(11), report.kind()));
    assert_eq!(kinds, expected);
    reports
}

/// A day in continuous trading, without orders.
fn continuous() -> Stage {
    let stage = Stage::with_day();
    stage.next_phase(0, Some(DayPhase::Call));
    stage.next_phase(1, Some(DayPhase::Continuous));
    stage
}

#[test]
fn a_day_is_traded_from_its_pre_open_to_its_close() {
    let stage = Stage::with_day();
    let (mut mia, mut ned) = (stage.mia(), stage.ned());
    mia.order("m1", "CALL", "2", 10, "40=2|44=10|59=0|");
    let new = mia.read_kind("8 0 0");
    assert_eq!((new.get(37), new.get(151)), ("1-1", "10"));
    ned.order("n1", "CALL", "1", 4, "40=2|44=10|59=2|");
    ned.read_kind("8 0 0");
    ned.order("n2", "CALL", "1", 3, "40=2|44=9|59=2|");
    ned.read_kind("8 0 0");
    ned.order("n3", "CALL", "1", 4, "40=2|44=10|59=3|");
    let early = ned.read_kind("8 8 8");
    assert_eq!(early.get(103), "2");
    assert!(early.get(58).starts_with("not_in_phase: "), "{early:?}");

    stage.next_phase(0, Some(DayPhase::Call));
    stage.next_phase(1, Some(DayPhase::Continuous));
    let opened = mia.read_kind("8 F 1");
    assert_eq!(sums(&opened), ["4", "10.00", "4", "6"]);
    assert_eq!(
        (opened.get(574), opened.get(880), opened.get(1057)),
        ("7", "1-1", "")
    );
    assert_eq!(sums(&ned.read_kind("8 F 2")), ["4", "10.00", "4", "0"]);
    let unfilled = ned.read_kind("8 C C");
    assert_eq!(
        (unfilled.get(11), unfilled.get(58)),
        ("n2", "its call is over")
    );

    // A market order takes what is there.
    ned.order("n4", "CALL", "1", 2, "40=1|59=3|");
    ned.read_kind("8 0 0");
    let taken = ned.read_kind("8 F 2");
    assert_eq!(sums(&taken), ["2", "10.00", "2", "0"]);
    assert_eq!(
        (taken.get(574), taken.get(880), taken.get(1057)),
        ("4", "1-2", "Y")
    );
    let made = mia.read_kind("8 F 1");
    assert_eq!(sums(&made), ["2", "10.00", "6", "4"]);
    assert_eq!((made.get(880), made.get(1057)), ("1-2", "N"));
    // The rest of an immediate order is cancelled; a fill-or-kill trades whole or not at all.
    ned.order("n5", "CALL", "1", 9, "40=2|44=10.50|59=4|");
    ned.read_kind("8 0 0");
    let killed = ned.read_kind("8 4 4");
    assert_eq!(
        (killed.get(14), killed.get(58)),
        ("0", "it could not trade whole")
    );
    ned.order("n6", "CALL", "1", 9, "40=2|44=10.50|59=3|");
    ned.read_kind("8 0 0");
    assert_eq!(sums(&ned.read_kind("8 F 1")), ["4", "10.00", "4", "5"]);
    let rest = ned.read_kind("8 4 4");
    assert_eq!((rest.get(14), rest.get(151)), ("4", "0"));
    let last = mia.read_kind("8 F 2");
    assert_eq!(
        (last.get(14), last.get(6), last.get(151)),
        ("10", "10.00", "0")
    );

    // For the closing call alone, and the close.
    mia.order("m2", "CALL", "2", 5, "40=1|59=7|");
    mia.read_kind("8 0 0");
    ned.order("n7", "CALL", "1", 5, "40=2|44=10.20|59=7|");
    ned.read_kind("8 0 0");
    ned.order("n8", "CALL", "1", 7, "40=2|44=9|59=B|");
    ned.read_kind("8 0 0");
    stage.next_phase(2, Some(DayPhase::Call));
    stage.next_phase(3, Some(DayPhase::AtLast));
    let closing = mia.read_kind("8 F 2");
    assert_eq!((closing.get(32), closing.get(574)), ("5", "7"));
    assert_eq!(ned.read_kind("8 F 2").get(31), closing.get(31));
    assert_eq!(ned.read_kind("8 C C").get(11), "n8");
    ned.order(
        "n9",
        "CALL",
        "1",
        3,
        &format!("40=2|44={}|59=0|", closing.get(31)),
    );
    ned.read_kind("8 0 0");
    mia.order(
        "m3",
        "CALL",
        "2",
        1,
        &format!("40=2|44={}|", closing.get(31)),
    );
    mia.read_kind("8 0 0");
    assert_eq!(mia.read_kind("8 F 2").get(31), closing.get(31));
    assert_eq!(ned.read_kind("8 F 1").get(151), "2");
    stage.close(DAY);
    let over = ned.read_kind("8 C C");
    assert_eq!((over.get(14), over.get(58)), ("1", "the lot closed"));
}

#[test]
fn orders_of_a_day_are_replaced_and_cancelled() {
    let stage = continuous();
    let (mut mia, mut ned) = (stage.mia(), stage.ned());
    let until_2099 = "40=2|44=11|59=6|126=20990101-00:00:00|";
    mia.order("a", "CALL", "2", 10, until_2099);
    let new = mia.read_kind("8 0 0");
    assert_eq!(
        (new.get(59), new.get(126)),
        ("6", "20990101-00:00:00.000000")
    );
    ned.order("n", "CALL", "1", 4, "40=2|44=11|59=3|");
    ned.read_kind("8 0 0");
    ned.read_kind("8 F 2");
    assert_eq!(sums(&mia.read_kind("8 F 1")), ["4", "11.00", "4", "6"]);
    // The quantity is that of the whole order: 4 have traded.
    replace(&mut mia, "b", "a", "2", "38=7|40=2|44=11.5|");
    let replaced = mia.read_kind("8 5 1");
    assert_eq!(
        (replaced.get(38), replaced.get(44), replaced.get(151)),
        ("7", "11.50", "3")
    );
    replace(&mut mia, "c", "b", "2", "38=4|40=2|44=11.5|");
    let too_small = mia.read_kind("9");
    assert_eq!((too_small.get(102), too_small.get(39)), ("99", "1"));
    replace(&mut mia, "d", "b", "2", "38=9|40=2|44=11.5|59=0|");
    assert!(
        mia.read_kind("9")
            .get(58)
            .starts_with("59, 126, 18 and 2964")
    );
    // A replacement that trades at once.
    ned.order("n2", "CALL", "1", 1, "40=2|44=11|");
    ned.read_kind("8 0 0");
    replace(&mut mia, "e", "b", "2", "38=8|40=2|44=11|");
    assert_eq!(mia.read_kind("8 5 1").get(151), "4");
    assert_eq!(sums(&mia.read_kind("8 F 1")), ["1", "11.00", "5", "3"]);
    ned.read_kind("8 F 2");
    mia.cancel("f", "e", "CALL");
    let cancelled = mia.read_kind("8 4 4");
    assert_eq!(
        (cancelled.get(11), cancelled.get(41), cancelled.get(14)),
        ("f", "e", "5")
    );

    for id in ["x", "y"] {
        mia.order(id, "CALL", "2", 2, "40=2|44=12|");
        mia.read_kind("8 0 0");
    }
    mia.send("q", &format!("11=q|530=7|60={}|", now()));
    assert_eq!(mia.read_kind("r").get(533), "2");
    mia.read_kind("8 4 4");
    mia.read_kind("8 4 4");
    mia.order("z", "CALL", "2", 2, "40=2|44=12|");
    mia.read_kind("8 0 0");
    stage.with("mia", async |client| {
        let all = CancelAll {
            trader: None,
            lot: None,
        };
        client.ask(all).await.unwrap();
    });
    let elsewhere = mia.read_kind("8 4 4");
    assert_eq!(
        (elsewhere.get(11), elsewhere.get(58)),
        ("z", "cancelled in the market")
    );
}

#[test]
fn post_only_and_self_trade_prevention_do_what_they_say() {
    let stage = continuous();
    let (mut mia, mut ned) = (stage.mia(), stage.ned());
    mia.order("a", "CALL", "2", 5, "40=2|44=11|18=6|");
    assert_eq!(mia.read_kind("8 0 0").get(18), "6");
    ned.order("n", "CALL", "1", 5, "40=2|44=11|18=6|");
    let refused = ned.read_kind("8 8 8");
    assert!(refused.get(58).starts_with("would_trade: "), "{refused:?}");
    ned.order("o", "CALL", "1", 5, "40=2|44=11|59=3|18=6|");
    assert_eq!(ned.read_kind("8 8 8").get(103), "11");

    mia.order("b", "CALL", "1", 2, "40=2|44=11|");
    assert!(
        mia.read_kind("8 8 8")
            .get(58)
            .starts_with("would_self_trade: ")
    );
    mia.order("c", "CALL", "1", 2, "40=2|44=11|2964=100|");
    let reports = read_all(&mut mia, ["a 8 D 0", "c 8 0 0", "c 8 4 4"]);
    let less = &reports[0];
    assert_eq!(
        (less.get(38), less.get(151), less.get(378)),
        ("3", "3", "5")
    );
    mia.order("d", "CALL", "1", 2, "40=2|44=11|2964=2|");
    let reports = read_all(&mut mia, ["a 8 4 4", "d 8 0 0"]);
    assert_eq!(reports[0].get(151), "0");
    mia.order("e", "CALL", "2", 2, "40=2|44=11|2964=1|");
    read_all(&mut mia, ["e 8 0 0", "e 8 4 4"]);
    mia.order("f", "CALL", "2", 2, "40=2|44=11|2964=3|");
    read_all(&mut mia, ["d 8 4 4", "f 8 0 0", "f 8 4 4"]);
    mia.order("g", "CALL", "2", 2, "40=2|44=11|2964=4|");
    assert_eq!(mia.read_kind("3").get(371), "2964");
    mia.order("h", "CALL", "2", 2, "40=2|44=11|59=6|");
    assert_eq!(mia.read_kind("3").get(371), "126");
}

#[test]
fn trades_while_the_gateway_was_gone_are_caught_up() {
    let mut stage = continuous();
    let mut mia = stage.mia();
    for (id, quantity) in [("a", 10), ("b", 3), ("c", 4)] {
        let limit = format!("40=2|44=1{quantity}|");
        mia.order(id, "CALL", "2", quantity, &limit);
        mia.read_kind("8 0 0");
    }
    stage.kill_gateway();
    // c is cancelled, b trades whole, and a in part.
    stage.with("mia", async |client| {
        let order = OrderId(3);
        let cancel = CancelOrder { lot: DAY, order };
        client.ask(cancel).await.unwrap();
    });
    for (quantity, limit) in [(3, "13"), (4, "110")] {
        let time = TimeInForce::ImmediateOrCancel;
        place(&stage, "ned", quantity, Some(limit), time);
    }
    stage.start_gateway();
    let mut mia = mia.again(stage.fix);
    // A report that the kill interrupted may come twice, with the same ExecID.
    let mut news = || loop {
        let report = mia.read();
        if report.kind() != "8 0 0" {
            return report;
        }
    };
    let mut reports = [(); 3].map(|()| news());
    reports.sort_by_key(|report| report.get(11).to_owned());
    let kinds: Vec<_> = reports
        .iter()
        .map(|report| (report.get(11), report.kind()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("a", "8 F 1".to_owned()),
            ("b", "8 3 3".to_owned()),
            ("c", "8 3 3".to_owned())
        ]
    );
    assert_eq!(sums(&reports[0]), ["4", "110.00", "4", "6"]);
    assert!(reports[0].get(58).starts_with("trades while"));
    assert!(reports[1].get(58).contains("compare with the account"));
}

#[test]
fn a_client_that_is_gone_has_no_orders_on_the_day() {
    let stage = continuous();
    let mut old = Wire::answered(stage.fix, "OLD", "FIX.4.4", 1, "141=Y|").0;
    old.order("a", "CALL", "2", 5, "40=2|44=11|59=0|");
    old.read_kind("8 0 0");
    until("the order is shown", || stage.day().orders.len() == 1);
    drop(old);
    until("it is cancelled", || stage.day().orders.is_empty());
    let mut old = Wire::answered(stage.fix, "OLD", "FIX.4.4", 3, "").0;
    assert_eq!(old.read_kind("8 4 4").get(11), "a");
}

#[test]
fn phases_and_a_halt_of_the_market_are_reported() {
    let stage = Stage::with_day();
    let mut mia = stage.mia();
    mia.send("e", "324=s|55=CALL|263=1|");
    mia.send("g", "335=t|263=1|");
    let state = |report: &Received| [326, 625].map(|tag| report.get(tag).to_owned());
    assert_eq!(state(&mia.read_kind("f")), ["21", "1"]);
    assert_eq!(mia.read_kind("h").get(340), "2");
    stage.next_phase(0, Some(DayPhase::Call));
    let status = |wire: &mut Wire, expected: [&str; 2]| {
        // A moved end of a phase is reported too.
        while state(&wire.read_kind("f")) != expected {}
    };
    status(&mut mia, ["24", "2"]);
    stage.next_phase(1, Some(DayPhase::Continuous));
    status(&mut mia, ["17", "3"]);
    stage.with("ann", async |client| {
        client.ask(HaltAll {}).await.unwrap();
    });
    let mut halted = [mia.read(), mia.read()];
    halted.sort_by_key(Received::kind);
    assert_eq!(
        (halted[0].get(326), halted[1].get(340)),
        ("2", "1"),
        "{halted:?}"
    );
    mia.order("a", "CALL", "2", 5, "40=2|44=11|");
    let refused = mia.read_kind("8 8 8");
    assert_eq!(refused.get(103), "2");
    assert!(refused.get(58).starts_with("market_halted: "));
    stage.with("ann", async |client| {
        client.ask(ResumeAll {}).await.unwrap();
    });
    let mut resumed = vec![mia.read()];
    let is_call = |message: &&Received| message.get(625) == "6";
    let is_open = |message: &&Received| message.get(340) == "2";
    while !(resumed.iter().any(|message| is_call(&message))
        && resumed.iter().any(|message| is_open(&message)))
    {
        resumed.push(mia.read());
    }
    let call = resumed.iter().find(is_call).unwrap();
    assert_eq!(call.get(326), "24", "trading goes on through a call");
    assert!(
        call.get(58)
            .starts_with("call after a volatility interruption")
    );
}

/// Action, type, price and size of each entry, and the last characters of its id.
fn entries(message: &Received) -> Vec<[String; 5]> {
    let first = if message.get(35) == "X" { 279 } else { 269 };
    let mut entries: Vec<[String; 5]> = Vec::new();
    for (tag, value) in &message.0 {
        if *tag == first {
            entries.push(Default::default());
        }
        let place = match tag {
            279 => 0,
            269 => 1,
            270 => 2,
            271 => 3,
            278 => 4,
            _ => continue,
        };
        entries.last_mut().unwrap()[place].clone_from(value);
    }
    entries
}

fn entry(text: &str) -> [String; 5] {
    let fields: Vec<_> = text
        .split(' ')
        .map(|field| field.replace('-', ""))
        .collect();
    fields.try_into().unwrap()
}

#[test]
fn the_book_trades_and_statistics_of_a_day_are_shown() {
    let stage = Stage::with_day();
    let (mut mia, mut ned) = (stage.mia(), stage.ned());
    // Entries as they are by all changes so far, and the trades as they came.
    let mut trades = Vec::new();
    let mut book = BTreeMap::new();
    let mut until_shown = |wire: &mut Wire, expected: &[&str]| {
        let expected: Vec<_> = expected.iter().map(|text| entry(text)).collect();
        while !expected.iter().all(|entry| {
            let found: Option<&[String; 5]> = book.get(&entry[4]);
            found == Some(entry)
        }) {
            let message = wire.read();
            assert!(["W", "X"].contains(&message.get(35)), "{message:?}");
            for [action, kind, price, size, id] in entries(&message) {
                let id = id.replace('-', "");
                if kind == "2" {
                    trades.push([price, size, id]);
                } else if action == "2" {
                    book.remove(&id);
                } else {
                    book.insert(id.clone(), [String::new(), kind, price, size, id]);
                }
            }
        }
        trades.clone()
    };
    mia.send(
        "V",
        "262=m|263=1|264=0|267=11|269=0|269=1|269=2|269=4|269=5|269=7|269=8|269=9|269=A|269=B|269=Q|146=1|55=CALL|",
    );
    until_shown(&mut mia, &["- B - 0 1B1"]);
    stage.next_phase(0, Some(DayPhase::Call));
    ned.order("n1", "CALL", "2", 10, "40=2|44=10|");
    ned.read_kind("8 0 0");
    place(&stage, "mia", 4, Some("10"), TimeInForce::Day);
    // The opening call as it would be now: 6 more to sell.
    until_shown(
        &mut mia,
        &["- 4 10.00 4 141", "- Q 10.00 4 1Q1", "- A - 6 1A1"],
    );
    stage.next_phase(1, Some(DayPhase::Continuous));
    until_shown(
        &mut mia,
        &["- 1 10.00 6 111", "- 4 10.00 - 141", "- B - 4 1B1"],
    );
    ned.read_kind("8 F 1");
    for (id, side, quantity, limit) in [
        ("n3", "2", 5, "11"),
        ("n4", "2", 2, "10"),
        ("n5", "1", 3, "9"),
    ] {
        ned.order(id, "CALL", side, quantity, &format!("40=2|44={limit}|"));
        ned.read_kind("8 0 0");
    }
    // By price: 6 and 2 at 10.
    until_shown(
        &mut mia,
        &["- 1 10.00 8 111", "- 1 11.00 5 112", "- 0 9.00 3 101"],
    );
    let mut old = Wire::answered(stage.fix, "OLD", "FIX.4.4", 1, "141=Y|").0;
    old.send(
        "V",
        "262=o|263=0|264=1|267=3|269=0|269=1|269=2|146=1|55=CALL|",
    );
    let best: Vec<_> = entries(&old.read_kind("W"))
        .into_iter()
        .map(|entry| entry[1..4].join(" "))
        .collect();
    assert_eq!(best, ["0 9.00 3", "1 10.00 8", "2 10.00 4"]);
    place(&stage, "mia", 9, None, TimeInForce::ImmediateOrCancel);
    let trades = until_shown(
        &mut mia,
        &[
            "- 1 11.00 4 111",
            "- 7 11.00 - 171",
            "- 8 10.00 - 181",
            "- 9 10.0769 - 191",
            "- B - 13 1B1",
        ],
    );
    let expected = [
        ["10.00", "4", "121"],
        ["10.00", "6", "122"],
        ["10.00", "2", "123"],
        ["11.00", "1", "124"],
    ];
    assert_eq!(trades, expected.map(|trade| trade.map(str::to_owned)));
    place(&stage, "mia", 3, Some("12"), TimeInForce::AtClose);
    stage.next_phase(2, Some(DayPhase::Call));
    // In the closing call 3 to buy at 12 meet 4 at 11.
    until_shown(
        &mut mia,
        &["- 5 11.00 3 151", "- A - 1 1A1", "- 4 10.00 - 141"],
    );
    stage.next_phase(3, Some(DayPhase::AtLast));
    until_shown(
        &mut mia,
        &["- 5 11.00 - 151", "- Q 11.00 - 1Q1", "- B - 16 1B1"],
    );
    stage.close(DAY);
}
