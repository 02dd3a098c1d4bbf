//! A trader's own activity.

use auction_core::OrderState;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::market::{order_state, own_order};
use super::value::{lot_id, price, small, symbol, timestamp};
use crate::body::{Activity, ActivityBid, ActivityEntry, ActivityOf, ActivityPlace, GetActivity};
use crate::list::List;
use crate::message::{ClientMessage, ServerMessage};

/// Maximum number of entries of an arbitrary page.
const ENTRIES_MAX: usize = 4;

pub(super) fn questions() -> BoxedStrategy<ClientMessage> {
    (option::of(place()), small())
        .prop_map(|(before, limit)| GetActivity { before, limit }.into())
        .boxed()
}

pub(super) fn answers() -> BoxedStrategy<ServerMessage> {
    (vec(entry(), 0..=ENTRIES_MAX), option::of(place()))
        .prop_map(|(entries, next)| {
            let entries = List::new(entries).expect("they are few");
            Activity { entries, next }.into()
        })
        .boxed()
}

fn place() -> BoxedStrategy<ActivityPlace> {
    (lot_id(), small())
        .prop_map(|(lot, order)| ActivityPlace { lot, order })
        .boxed()
}

fn entry() -> BoxedStrategy<ActivityEntry> {
    let bid = (price(), any::<bool>(), any::<bool>(), order_state());
    let what = prop_oneof![
        bid.prop_map(
            |(price, hidden, leads, state): (_, _, _, OrderState)| ActivityOf::Bid(ActivityBid {
                price,
                hidden,
                leads,
                state,
            })
        ),
        own_order().prop_map(ActivityOf::Order),
        small().prop_map(ActivityOf::Cancelled),
    ];
    (lot_id(), symbol(), timestamp(), what)
        .prop_map(|(lot, symbol, at, what)| ActivityEntry {
            lot,
            symbol,
            at,
            what,
        })
        .boxed()
}
