//! The call auction's worked cases, as data.

use std::collections::BTreeMap;

use auction_core::Quantity;
use auction_core::UserId;
use auction_core::clearing::call::{
    Book, BookTerms, Collar, Entry, LadderStep, OrderId, Side, Uncross,
};
use serde_json::Value;

use super::{quantity, units};

#[test]
fn every_worked_case_of_the_call_auction_ends_as_published() {
    let text = include_str!("../vectors/call-auction.json");
    let document: Value = serde_json::from_str(text).unwrap();
    let cases = document["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 15);
    for case in cases {
        assert_eq!(
            outcome(&book_of(case)),
            expected(&case["expect"]),
            "{}",
            case["name"]
        );
    }
}

/// Price, volume, surplus, deciding step, and the shares of every order that trades.
type Outcome = Option<(u64, u64, i64, String, BTreeMap<u64, u64>)>;

fn outcome(book: &Book) -> Outcome {
    let uncross = Uncross::of(book)?;
    let cross = uncross.cross;
    let decided_by = match cross.decided_by {
        LadderStep::Market => "market",
        LadderStep::Volume => "volume",
        LadderStep::Surplus => "surplus",
        LadderStep::Pressure => "pressure",
        LadderStep::Reference => "reference",
        LadderStep::Collar => "collar",
    };
    let fills = uncross.fills(book).map(|fill| (fill.order.0, fill.filled));
    let fills = fills.filter(|(_, filled)| *filled > 0).collect();
    Some((
        cross.price.units(),
        cross.volume,
        cross.surplus,
        decided_by.into(),
        fills,
    ))
}

fn expected(expect: &Value) -> Outcome {
    let fills = expect.as_object()?["fills"].as_object().unwrap().iter();
    let fills = fills.map(|(order, filled)| (order.parse().unwrap(), filled.as_u64().unwrap()));
    Some((
        expect["price"].as_u64().unwrap(),
        expect["volume"].as_u64().unwrap(),
        expect["surplus"].as_i64().unwrap(),
        expect["decided_by"].as_str().unwrap().into(),
        fills.filter(|(_, filled)| *filled > 0).collect(),
    ))
}

fn book_of(case: &Value) -> Book {
    let collar = case.get("collar").map(|collar| Collar {
        absolute: units(collar["absolute"].as_u64().unwrap()),
        basis_points: u32::try_from(collar["basis_points"].as_u64().unwrap()).unwrap(),
    });
    let mut book = Book::new(BookTerms {
        tick: units(case["tick"].as_u64().unwrap()),
        round_lot: Quantity::ONE,
        reference: units(case["reference_price"].as_u64().unwrap()),
        collar,
    })
    .unwrap();
    for order in case["orders"].as_array().unwrap() {
        let sequence = order["sequence"].as_u64().unwrap();
        let entry = Entry {
            side: match order["side"].as_str().unwrap() {
                "buy" => Side::Buy,
                "sell" => Side::Sell,
                other => panic!("no side: {other}"),
            },
            quantity: quantity(order["quantity"].as_u64().unwrap()),
            limit: order["limit"].as_u64().map(units),
        };
        let trader = UserId(u32::try_from(sequence).unwrap());
        book.add(OrderId(sequence), trader, entry).unwrap();
    }
    book
}
