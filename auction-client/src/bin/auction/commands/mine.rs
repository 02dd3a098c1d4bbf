//! `auction mine`

use auction_client::{ActivityBid, ActivityEntry, ActivityOf};
use auction_core::{OrderState, OwnOrder, Price, Side as Trade};
use serde_json::{Value, json};

use crate::commands::order::verb;
use crate::output::colour::Colour;
use crate::output::failure::Failure;
use crate::output::json;
use crate::output::table::{Side, Table, Tone};
use crate::output::time::moment;
use crate::session::Context;

/// Number of entries requested at a time.
const PAGE: u32 = 1_024;

pub async fn run(context: &Context, limit: Option<u32>) -> Result<(), Failure> {
    context.resume().await?;
    let (entries, has_more) = newest(context, limit.unwrap_or(u32::MAX)).await?;
    context.out.print(
        |colour| text(&entries, has_more, colour),
        || {
            let shown = entries.iter().map(as_json);
            let sums = Sums::of(&entries);
            json!({
                "entries": shown.collect::<Vec<_>>(),
                "more": has_more,
                "bought": money(sums.bought),
                "sold": money(sums.sold),
            })
        },
    )
}

/// Returns the newest entries, requested page by page, and whether there are more.
async fn newest(context: &Context, limit: u32) -> Result<(Vec<ActivityEntry>, bool), Failure> {
    let (mut entries, mut before) = (Vec::new(), None);
    loop {
        let left = limit.saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        if left == 0 {
            return Ok((entries, true));
        }
        let page = context.client.activity(before, left.min(PAGE)).await?;
        entries.extend(page.entries.into_vec());
        match page.next {
            Some(next) => before = Some(next),
            None => return Ok((entries, false)),
        }
    }
}

fn text(entries: &[ActivityEntry], has_more: bool, colour: Colour) -> String {
    if entries.is_empty() {
        return "You have not bid on any lot, and have placed no order.".to_owned();
    }
    let mut table = Table::new(&[
        ("LOT", Side::Right),
        ("SYMBOL", Side::Left),
        ("TIME", Side::Left),
        ("ORDER", Side::Right),
        ("WHAT", Side::Left),
        ("SHARES", Side::Right),
        ("PRICE", Side::Right),
        ("STATE", Side::Left),
        ("AMOUNT", Side::Right),
    ]);
    for entry in entries {
        let (order, what, shares, price) = match &entry.what {
            ActivityOf::Bid(bid) => ("-".to_owned(), bid_word(bid), None, Some(bid.price)),
            ActivityOf::Order(own) => {
                let quantity = Some(own.quantity.get());
                (own.order.to_string(), verb(own.side), quantity, own.limit)
            }
            ActivityOf::Cancelled(_) => ("-".to_owned(), "cancelled", None, None),
        };
        let is_market = matches!(&entry.what, ActivityOf::Order(own) if own.limit.is_none());
        let (tone, state) = state(&entry.what);
        let dash = || "-".to_owned();
        let cells = vec![
            entry.lot.to_string(),
            entry.symbol.to_string(),
            moment(entry.at),
            order,
            what.to_owned(),
            shares.map_or_else(dash, |shares| shares.to_string()),
            price.map_or_else(
                || if is_market { "any price" } else { "-" }.to_owned(),
                |price| price.to_string(),
            ),
            state,
            entry.fill().map_or_else(dash, |fill| money(amount(fill))),
        ];
        table.row(tone, cells);
    }
    let Sums { bought, sold } = Sums::of(entries);
    let newest = if has_more {
        format!(
            "The newest {} entries; there are more (--limit).\n",
            entries.len()
        )
    } else {
        String::new()
    };
    format!(
        "{}\n{newest}Bought for {}, sold for {}.",
        table.print(colour).trim_end(),
        money(bought),
        money(sold)
    )
}

fn bid_word(bid: &ActivityBid) -> &'static str {
    if bid.hidden { "maximum" } else { "bid" }
}

fn state(what: &ActivityOf) -> (Tone, String) {
    match what {
        ActivityOf::Bid(bid) => match bid.state {
            OrderState::Live if bid.leads => (Tone::Good, "leads".to_owned()),
            OrderState::Live => (Tone::Usual, "outbid".to_owned()),
            OrderState::Closed {
                filled: filled @ 1..,
                price: Some(price),
            } => (Tone::Good, format!("won {filled} at {price}")),
            OrderState::Closed { .. } => (Tone::Dim, "not won".to_owned()),
        },
        ActivityOf::Order(order) => order_state(order),
        ActivityOf::Cancelled(1) => (Tone::Dim, "1 order cancelled".to_owned()),
        ActivityOf::Cancelled(orders) => (Tone::Dim, format!("{orders} orders cancelled")),
    }
}

fn order_state(order: &OwnOrder) -> (Tone, String) {
    let (did, did_not) = match order.side {
        Trade::Buy => ("got", "got none"),
        Trade::Sell => ("sold", "sold none"),
    };
    match order.state {
        OrderState::Live => (Tone::Usual, "open".to_owned()),
        OrderState::Closed {
            filled: filled @ 1..,
            price: Some(price),
        } => match order.lapsed() {
            0 => (Tone::Good, format!("{did} {filled} at {price}")),
            lapsed => (
                Tone::Good,
                format!("{did} {filled} at {price}, {lapsed} lapsed"),
            ),
        },
        OrderState::Closed { .. } => (Tone::Dim, did_not.to_owned()),
    }
}

fn as_json(entry: &ActivityEntry) -> Value {
    let fill = entry.fill();
    let mut shown = json!({
        "lot": entry.lot.0,
        "symbol": entry.symbol.as_str(),
        "at": entry.at.to_string(),
        "state": entry.state().map(|state| match state {
            OrderState::Live => "live",
            OrderState::Closed { .. } => "closed",
        }),
        "filled": entry.state().and_then(|state| match state {
            OrderState::Live => None,
            OrderState::Closed { filled, .. } => Some(filled),
        }),
        "price": json::price(fill.map(|(_, price)| price)),
        "amount": fill.map(|fill| money(amount(fill))),
    });
    let more = match &entry.what {
        ActivityOf::Bid(bid) => json!({
            "kind": bid_word(bid),
            "offer": bid.price.to_string(),
            "leads": bid.leads,
        }),
        ActivityOf::Order(order) => json!({
            "kind": "order",
            "order": order.order.0,
            "side": verb(order.side),
            "quantity": order.quantity.get(),
            "limit": json::price(order.limit),
        }),
        ActivityOf::Cancelled(orders) => json!({ "kind": "cancelled", "orders": orders }),
    };
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

/// Amounts to pay for shares bought, and to receive for shares sold, in ten-thousandths.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    bought: u128,
    sold: u128,
}

impl Sums {
    fn of(entries: &[ActivityEntry]) -> Self {
        let mut sums = Self::default();
        for entry in entries {
            let amount = entry.fill().map_or(0, amount);
            match &entry.what {
                ActivityOf::Order(order) if order.side == Trade::Sell => sums.sold += amount,
                _ => sums.bought += amount,
            }
        }
        sums
    }
}

/// Returns quantity times price in ten-thousandths. The product of the greatest quantity and price fits.
fn amount((filled, price): (u64, Price)) -> u128 {
    u128::from(filled) * u128::from(price.units())
}

/// Formats an amount with at least two decimals, as prices have.
fn money(units: u128) -> String {
    let text = format!("{}.{:04}", units / 10_000, units % 10_000);
    let shortest = text.len() - 2;
    let mut end = text.len();
    while end > shortest && text.as_bytes()[end - 1] == b'0' {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_two_decimals_or_as_many_as_it_needs() {
        let shown = [0, 1, 100, 12_345, 10_000, u128::from(u64::MAX) * 10_000].map(money);
        let expected = ["0.00", "0.0001", "0.01", "1.2345", "1.00"];
        assert_eq!(shown[..5], expected);
        assert_eq!(shown[5], format!("{}.00", u64::MAX));
    }
}
