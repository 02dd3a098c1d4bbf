//! Lies about the taker of a Dutch lot, the time, and the price.

use auction_core::{DutchTerms, Span, Terms, Timestamp};

use super::{are_found, change_bid, let_win, nth_bid};
use crate::house::{A, B, House, bid, price};

#[test]
fn every_lie_about_a_dutch_lot_is_named_at_its_record() {
    let terms = Terms::Dutch(DutchTerms {
        start: price("100"),
        step: price("1"),
        interval: Span::from_secs(10),
        floor: price("50"),
    });
    let mut house = House::with_lot("10", 1, None, terms);
    house.user(35, B, bid("100")).unwrap();
    house.outcome();
    are_found(
        &house,
        &[
            ("the clock's price is another", |records| {
                change_bid(records, 0, |bid| {
                    (bid.price, bid.amount) = (price("96"), Some(price("96")));
                })
            }),
            ("it was taken at another moment", |records| {
                let record = nth_bid(records, 0);
                record.at = Timestamp::from_secs(45);
                record.sequence
            }),
            ("another wins than who took it", |records| {
                let_win(records, A)
            }),
            ("the taker accepted less", |records| {
                let record = nth_bid(records, 0);
                record.command = bid("96");
                record.sequence
            }),
        ],
    );
}
