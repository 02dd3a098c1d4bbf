//! A trader's own activity. Its requests have numbers of their own.

use auction_core::{LotId, OrderId, OrderState, OwnOrder, Quantity, RequestId, Side};
use auction_proto::{
    Activity, ActivityBid, ActivityEntry, ActivityOf, ActivityPlace, ClientMessage, GetActivity,
    List, ServerMessage,
};

use super::{at, price, symbol};

const FIRST: u64 = 1_101;

pub fn client() -> Vec<(&'static str, RequestId, ClientMessage)> {
    let before = ActivityPlace {
        lot: LotId(5),
        order: 2,
    };
    numbered([
        (
            "get_activity",
            GetActivity {
                before: None,
                limit: 100,
            }
            .into(),
        ),
        (
            "get_activity_before",
            GetActivity {
                before: Some(before),
                limit: 1_024,
            }
            .into(),
        ),
    ])
}

pub fn answers() -> Vec<(&'static str, RequestId, ServerMessage)> {
    let page = |entries, next| Activity {
        entries: List::new(entries).unwrap(),
        next,
    };
    let next = ActivityPlace {
        lot: LotId(3),
        order: 0,
    };
    let order = ActivityOf::Order(OwnOrder {
        order: OrderId(2),
        side: Side::Buy,
        quantity: Quantity::new(500).unwrap(),
        limit: Some(price("12.50")),
        state: OrderState::Closed {
            filled: 400,
            price: Some(price("12.40")),
        },
    });
    let bid = ActivityOf::Bid(ActivityBid {
        price: price("1.40"),
        hidden: true,
        leads: true,
        state: OrderState::Live,
    });
    let entry = |lot, secs, what| ActivityEntry {
        lot: LotId(lot),
        symbol: symbol("AAPL"),
        at: at(secs),
        what,
    };
    let entries = vec![
        entry(5, 20, order),
        entry(5, 30, ActivityOf::Cancelled(3)),
        entry(3, 7, bid),
    ];
    numbered([
        ("activity", page(entries, Some(next)).into()),
        ("activity_empty", page(Vec::new(), None).into()),
    ])
}

fn numbered<M>(
    messages: impl IntoIterator<Item = (&'static str, M)>,
) -> Vec<(&'static str, RequestId, M)> {
    (FIRST..)
        .zip(messages)
        .map(|(request, (name, message))| (name, RequestId(request), message))
        .collect()
}
