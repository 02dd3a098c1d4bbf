//! `auction account [NAME]`, `auction deposit NAME AMOUNT`, `auction withdraw NAME AMOUNT`

use auction_client::{Client, Code, RequestError};
use auction_core::{Asset, Market, Name, UserId};
use auction_proto::{Balance, Deposit, Done, GetBalance, ListedHolding, Withdraw};
use serde_json::{Value, json};

use crate::output::colour::Colour;
use crate::output::failure::Failure;
use crate::output::table::{Side, Table, Tone};
use crate::session::Context;

/// Shows the balance of the user, or of the trader that an auctioneer names.
pub async fn run(context: &Context, name: Option<Name>) -> Result<(), Failure> {
    let own = context.resume().await?.name;
    let user = match name {
        None => None,
        Some(name) => Some(user_named(&context.client.snapshot().await?, name)?),
    };
    let balance = whole_balance(&context.client, user).await?;
    let name = name.unwrap_or(own);
    context.out.print(
        |colour| text(name, &balance, colour),
        || as_json(name, &balance),
    )
}

/// Direction of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// Pays into a trader's account, or out of it.
pub async fn pay(
    context: &Context,
    name: Name,
    asset: Asset,
    way: Direction,
) -> Result<(), Failure> {
    context.resume().await?;
    let user = user_named(&context.client.snapshot().await?, name)?;
    let accepted = match way {
        Direction::In => context.client.ask(Deposit { user, asset }).await?,
        Direction::Out => context.client.ask(Withdraw { user, asset }).await?,
    };
    let balance = whole_balance(&context.client, Some(user)).await?;
    context.out.print(
        |colour| {
            let what = match asset {
                Asset::Cash(amount) => amount.to_string(),
                Asset::Shares { symbol, quantity } => format!("{quantity} shares of {symbol}"),
            };
            let paid = match way {
                Direction::In => "paid in",
                Direction::Out => "paid out",
            };
            format!("{what} {paid}.\n{}", text(name, &balance, colour))
        },
        || {
            let mut told = as_json(name, &balance);
            told["accepted"] = json!(true);
            told["repeated"] = json!(accepted.done == Done::Before);
            told
        },
    )
}

fn user_named(market: &Market, name: Name) -> Result<UserId, Failure> {
    market.user_named(name).ok_or_else(|| {
        let message = format!("there is no user {name}; accounts are made with `auction register`");
        Failure::refused(Code::UNKNOWN_USER, message)
    })
}

/// Returns a complete balance: a server lists a limited number of holdings at once, so the rest is requested page by
/// page.
async fn whole_balance(client: &Client, user: Option<UserId>) -> Result<Whole, RequestError> {
    let mut holdings = Vec::new();
    loop {
        let after = holdings.last().map(|last: &ListedHolding| last.symbol);
        let balance = client.ask(GetBalance { user, after }).await?;
        holdings.extend(balance.holdings.iter().cloned());
        if !balance.follows.is_more() {
            return Ok(Whole { balance, holdings });
        }
    }
}

struct Whole {
    balance: Balance,
    holdings: Vec<ListedHolding>,
}

fn text(name: Name, whole: &Whole, colour: Colour) -> String {
    let Whole { balance, holdings } = whole;
    let mut table = Table::new(&[
        ("what", Side::Left),
        ("owned", Side::Right),
        ("reserved", Side::Right),
        ("free", Side::Right),
    ]);
    let cash = [balance.cash, balance.reserved, balance.free()];
    let cash = cash.map(|amount| amount.to_string());
    table.row(
        Tone::Usual,
        [vec!["cash".to_owned()], cash.to_vec()].concat(),
    );
    for holding in holdings {
        let free = holding.shares.saturating_sub(holding.reserved);
        let shares = [holding.shares, holding.reserved, free].map(|shares| shares.to_string());
        let symbol = vec![holding.symbol.to_string()];
        table.row(Tone::Usual, [symbol, shares.to_vec()].concat());
    }
    format!("The account of {name}:\n{}", table.print(colour))
}

fn as_json(name: Name, whole: &Whole) -> Value {
    let Whole { balance, holdings } = whole;
    let holdings = holdings.iter().map(|holding| {
        json!({
            "symbol": holding.symbol.as_str(),
            "shares": holding.shares.to_string(),
            "reserved": holding.reserved.to_string(),
        })
    });
    json!({
        "user": name.as_str(),
        "cash": balance.cash.to_string(),
        "reserved": balance.reserved.to_string(),
        "free": balance.free().to_string(),
        "holdings": holdings.collect::<Vec<_>>(),
    })
}
