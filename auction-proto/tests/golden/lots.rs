//! Lots of a stock. Its requests are numbered separately.

use auction_core::{AccountMode, FeedSequence, LotId, RequestId};
use auction_proto::{ClientMessage, GetLots, List, Lots, LotsOf, ServerMessage};

use super::symbol;

const FIRST: u64 = 1_201;

pub fn client() -> Vec<(&'static str, RequestId, ClientMessage)> {
    let of_symbol = LotsOf::Symbol(symbol("AAPL"));
    numbered([
        ("get_lots", GetLots { of: of_symbol }.into()),
        (
            "get_lots_of_number",
            GetLots {
                of: LotsOf::Lot(LotId(7)),
            }
            .into(),
        ),
    ])
}

pub fn answers() -> Vec<(&'static str, RequestId, ServerMessage)> {
    let answer = |total, lots| Lots {
        feed_sequence: FeedSequence(12),
        accounts: AccountMode::Credit,
        total,
        lots: List::new(lots).unwrap(),
    };
    numbered([
        ("lots", answer(3, super::lots()).into()),
        ("lots_empty", answer(0, Vec::new()).into()),
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
