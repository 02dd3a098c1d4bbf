//! Lots of a stock.

use proptest::collection::vec;
use proptest::prelude::*;

use super::market::lot;
use super::value::{account_mode, feed_sequence, lot_id, small, symbol};
use crate::encoding::list::List;
use crate::message::body::{GetLots, Lots, LotsOf};
use crate::message::{ClientMessage, ServerMessage};

/// Maximum number of lots of an arbitrary answer.
const SOME_LOTS_MAX: usize = 3;

pub(super) fn questions() -> BoxedStrategy<ClientMessage> {
    prop_oneof![
        symbol().prop_map(LotsOf::Symbol),
        lot_id().prop_map(LotsOf::Lot),
    ]
    .prop_map(|of| GetLots { of }.into())
    .boxed()
}

pub(super) fn answers() -> BoxedStrategy<ServerMessage> {
    let lots = vec(lot(), 0..=SOME_LOTS_MAX);
    (feed_sequence(), account_mode(), small(), lots)
        .prop_map(|(feed_sequence, accounts, total, lots)| {
            let lots = List::new(lots).expect("they are few");
            Lots {
                feed_sequence,
                accounts,
                total,
                lots,
            }
            .into()
        })
        .boxed()
}
