//! Market data, reference data and states of lots.

use auction_client::{BidMaximum, HaltLot, PlaceOrder, ResumeLot};
use auction_core::{LotId, Price, Quantity, Side};

use crate::stage::{CALL, DUT, ENG, Stage};
use crate::wire::{Received, Wire};

/// Entries of a snapshot or of changes: action, type, price and size of each.
fn entries(message: &Received) -> Vec<[String; 4]> {
    let first = if message.get(35) == "X" { 279 } else { 269 };
    let mut entries: Vec<[String; 4]> = Vec::new();
    for (tag, value) in &message.0 {
        if *tag == first {
            entries.push(Default::default());
        }
        let place = match tag {
            279 => 0,
            269 => 1,
            270 => 2,
            271 => 3,
            _ => continue,
        };
        entries.last_mut().unwrap()[place].clone_from(value);
    }
    assert_eq!(message.get(268), entries.len().to_string());
    entries
}

fn entry(action: &str, kind: &str, price: &str, size: &str) -> [String; 4] {
    [action, kind, price, size].map(str::to_owned)
}

fn place(stage: &Stage, user: &str, side: Side, quantity: u64, limit: Option<&str>) {
    stage.with(user, async |client| {
        let order = PlaceOrder {
            lot: CALL,
            side,
            quantity: Quantity::new(quantity).unwrap(),
            limit: limit.map(|limit| Price::parse(limit).unwrap()),
        };
        client.ask(order).await.unwrap();
    });
}

/// Reads changes until the entry of a type is as expected: indicative results are conflated.
fn read_until(wire: &mut Wire, expected: &[String; 4]) -> Received {
    loop {
        let message = wire.read_kind("X");
        if entries(&message).contains(expected) {
            return message;
        }
    }
}

#[test]
fn a_call_shows_its_indicative_price_imbalance_and_cross() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.send("V", "262=m|263=1|264=0|265=1|267=8|269=0|269=1|269=2|269=4|269=A|269=B|269=J|269=Q|146=1|55=CALL|");
    let snapshot = mia.read_kind("W");
    assert_eq!(
        entries(&snapshot),
        [entry("", "B", "", "0"), entry("", "J", "", "")]
    );
    assert_eq!(
        (snapshot.get(262), snapshot.get(55), snapshot.get(48)),
        ("m", "CALL", "1")
    );

    place(&stage, "mia", Side::Buy, 30, Some("10.10"));
    let quote = read_until(&mut mia, &entry("0", "0", "10.10", "30"));
    assert!(
        entries(&quote).contains(&entry("2", "J", "", "")),
        "{quote:?}"
    );
    place(&stage, "ned", Side::Sell, 20, None);
    let cross = read_until(&mut mia, &entry("0", "4", "10.10", "20"));
    let both = entries(&cross);
    assert!(
        both.contains(&entry("0", "Q", "10.10", "20")) && both.contains(&entry("0", "A", "", "10")),
        "{cross:?}"
    );
    assert_eq!(
        (cross.get(277), cross.get(286)),
        ("P", "5"),
        "more buyers; theoretical"
    );

    stage.close(CALL);
    let closed = read_until(&mut mia, &entry("0", "2", "10.10", "20"));
    let all = entries(&closed);
    assert!(
        all.contains(&entry("1", "4", "10.10", "20")) && all.contains(&entry("1", "B", "", "20")),
        "{closed:?}"
    );
    assert_eq!(closed.get(286), "", "no longer theoretical");

    mia.send("V", "262=m|263=2|264=0|267=1|269=0|146=1|55=CALL|");
    mia.send("V", "262=once|263=0|264=0|267=1|269=2|146=1|55=CALL|");
    let once = mia.read_kind("W");
    assert_eq!(
        (once.get(262), entries(&once)),
        ("once", vec![entry("", "2", "10.10", "20")])
    );
}

#[test]
fn an_english_lot_shows_its_price_and_the_least_bid() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    // Each update as a snapshot.
    mia.send(
        "V",
        "262=m|263=1|264=1|265=0|267=2|269=0|269=1|146=1|55=ENG|48=2|22=8|",
    );
    assert_eq!(entries(&mia.read_kind("W")), [entry("", "1", "1.01", "3")]);
    stage.with("ned", async |client| {
        let maximum = BidMaximum {
            lot: ENG,
            maximum: Price::parse("4").unwrap(),
        };
        client.ask(maximum).await.unwrap();
    });
    let update = mia.read_kind("W");
    assert_eq!(
        entries(&update),
        [entry("", "0", "1.01", "3"), entry("", "1", "1.02", "3")]
    );
    assert_eq!(update.get(270), "1.01", "the maximum is hidden");
}

#[test]
fn a_dutch_lot_is_offered_at_its_price() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.send("V", "262=m|263=1|264=0|267=2|269=1|269=2|146=1|55=DUT|");
    assert_eq!(entries(&mia.read_kind("W")), [entry("", "1", "20.00", "5")]);
    mia.order("d", "DUT", "1", 5, "40=2|44=25|");
    let mut kinds = [mia.read(), mia.read(), mia.read()];
    kinds.sort_by_key(Received::kind);
    assert_eq!(
        kinds.iter().map(Received::kind).collect::<Vec<_>>(),
        ["8 0 0", "8 F 2", "X"]
    );
    let taken = entries(&kinds[2]);
    assert!(
        taken.contains(&entry("0", "2", "20.00", "5"))
            && taken.contains(&entry("2", "1", "20.00", "5")),
        "{taken:?}"
    );
    assert_eq!(
        stage.with("mia", async |client| client
            .history(DUT, 1)
            .await
            .unwrap()
            .total),
        1
    );
}

#[test]
fn requests_that_name_nothing_are_refused() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    let cases = [
        (
            "262=a|263=1|264=0|267=1|269=0|146=1|55=NONE|",
            "0",
            "unknown_symbol: NONE is not listed",
        ),
        (
            "262=a|263=1|264=0|267=1|269=0|146=1|55=CALL|48=2|22=8|",
            "0",
            "unknown_lot: there is no lot 2 of CALL",
        ),
        (
            "262=a|263=1|264=0|267=1|269=C|146=1|55=CALL|",
            "8",
            "the entry type (269) C is not offered in FIX.5.0SP2",
        ),
        (
            "262=a|263=2|264=0|267=1|269=0|146=1|55=CALL|",
            "1",
            "there is no subscription with this MDReqID (262)",
        ),
    ];
    for (fields, reason, text) in cases {
        mia.send("V", fields);
        let reject = mia.read_kind("Y");
        assert_eq!(
            (reject.get(262), reject.get(281), reject.get(58)),
            ("a", reason, text)
        );
    }
    mia.send("V", "262=a|263=1|264=0|267=1|269=0|146=1|55=CALL|");
    mia.read_kind("W");
    mia.send("V", "262=a|263=1|264=0|267=1|269=0|146=1|55=CALL|");
    assert_eq!(mia.read_kind("Y").get(281), "1");
    let mut old = Wire::answered(stage.fix, "OLD", "FIX.4.4", 1, "141=Y|").0;
    old.send("V", "262=a|263=1|264=0|267=1|269=Q|146=1|55=CALL|");
    assert_eq!(
        old.read_kind("Y").get(58),
        "the entry type (269) Q is not offered in FIX.4.4"
    );
}

#[test]
fn lots_are_listed_and_their_states_are_reported() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.send("x", "320=l|559=4|");
    let list = mia.read_kind("y");
    assert_eq!(list.all(55), ["CALL", "DUT", "ENG", "UNI", "VICK"]);
    assert_eq!(
        (list.all(48), list.get(560), list.get(393), list.get(893)),
        (vec!["1", "5", "2", "4", "3"], "0", "5", "Y")
    );
    mia.send("x", "320=one|559=0|55=ENG|");
    assert!(
        mia.read_kind("y")
            .get(58)
            .starts_with("lot 2: english of 3 shares; closes at ")
    );
    mia.send("x", "320=none|559=0|55=NONE|");
    assert_eq!(mia.read_kind("y").get(560), "2");

    mia.send("e", "324=s|55=ENG|263=1|");
    let status = mia.read_kind("f");
    assert_eq!((status.get(326), status.get(325)), ("17", "N"));
    let halt = |lot: LotId| {
        stage.with("ann", async |client| {
            client.ask(HaltLot { lot }).await.unwrap();
        });
    };
    halt(ENG);
    let halted = mia.read_kind("f");
    assert_eq!(
        (halted.get(326), halted.get(325), halted.get(55)),
        ("2", "Y", "ENG")
    );
    mia.order("h", "ENG", "1", 3, "40=2|44=5|");
    let refused = mia.read_kind("8 8 8");
    assert_eq!(refused.get(103), "2");
    assert!(refused.get(58).starts_with("lot_halted: "));
    stage.with("ann", async |client| {
        client.ask(ResumeLot { lot: ENG }).await.unwrap();
    });
    assert_eq!(mia.read_kind("f").get(326), "17");
    mia.send("e", "324=c|55=CALL|263=0|");
    assert_eq!(mia.read_kind("f").get(326), "24", "a call");
    mia.send("e", "324=n|55=NONE|263=0|");
    assert_eq!(mia.read_kind("f").get(326), "20");
    stage.close(ENG);
    assert_eq!(mia.read_kind("f").get(326), "18");
}

#[test]
fn market_data_is_not_resent() {
    let stage = Stage::open();
    let mut mia = stage.mia();
    mia.send("V", "262=m|263=0|264=0|267=1|269=B|146=1|55=CALL|");
    mia.read_kind("W");
    mia.order("a", "CALL", "1", 10, "40=2|44=9|");
    mia.read_kind("8 0 0");
    mia.send("2", "7=2|16=0|");
    let fill = mia.read_kind("4");
    assert_eq!(
        (fill.get(34), fill.get(36), fill.get(123)),
        ("2", "3", "Y"),
        "prices of then mislead"
    );
    assert_eq!(mia.read_kind("8 0 0").get(43), "Y");
}
