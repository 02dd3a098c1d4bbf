//! `auction trades SYMBOL`

use std::collections::VecDeque;

use auction_client::{DayTrade, GetTrades};
use auction_core::{Book, Lot};
use serde_json::json;

use crate::args::day::TradesShown;
use crate::output::failure::{Failure, OutputFormat};
use crate::output::time::moment;
use crate::session::Context;

/// Number of trades shown without a flag.
const LAST: u32 = 100;
/// Number of trades asked for at once; the server may send fewer.
const PAGE: u32 = 1_024;

pub async fn run(context: &Context, shown: &TradesShown) -> Result<(), Failure> {
    let (which, is_csv) = (shown.which, shown.csv);
    let (since, until) = (shown.from, shown.to);
    let market = context.client.snapshot().await?;
    let lot = which.target.any_lot(&market, which.lot)?;
    let Book::Day(book) = &lot.book else {
        let (id, symbol) = (lot.id, lot.symbol);
        let message = format!(
            "lot #{id} of {symbol} is not a trading day; `auction results` shows what it sold"
        );
        return Err(Failure::failed(message));
    };
    let is_bounded = since.is_some() || until.is_some();
    let last = shown.last.or((!is_bounded).then_some(LAST));
    let mut asked = GetTrades {
        lot: lot.id,
        after: match (last, is_bounded) {
            (Some(last), false) => book.statistics.trades.saturating_sub(last.into()),
            _ => 0,
        },
        since,
        until,
        limit: PAGE,
    };
    let printer = Printer {
        context,
        lot,
        is_csv,
    };
    printer.begin()?;
    // With a number to show, the newest are known at the end; without one each page is printed as it comes.
    let kept_max = last.map_or(0, |last| last as usize);
    let mut kept = VecDeque::new();
    loop {
        let page = context.client.trades(asked.clone()).await?;
        for trade in &page.trades {
            asked.after = trade.number;
            match last {
                Some(_) => kept.push_back(trade.clone()),
                None => printer.trade(trade)?,
            }
            if kept.len() > kept_max {
                kept.pop_front();
            }
        }
        if !page.follows.is_more() || page.trades.is_empty() {
            break;
        }
    }
    kept.iter().try_for_each(|trade| printer.trade(trade))
}

struct Printer<'a> {
    context: &'a Context,
    lot: &'a Lot,
    is_csv: bool,
}

impl Printer<'_> {
    fn begin(&self) -> Result<(), Failure> {
        match (self.is_csv, self.context.out.format) {
            (true, _) => self.line("trade,time,price,quantity,aggressor,resting"),
            (false, OutputFormat::Text) => self.line(&format!(
                "{} #{}: trades, the newest last\n{:>8}  {:<27}  {:>12}  {:>12}  BY",
                self.lot.symbol, self.lot.id, "TRADE", "TIME", "PRICE", "SHARES"
            )),
            (false, OutputFormat::Json) => Ok(()),
        }
    }

    fn trade(&self, trade: &DayTrade) -> Result<(), Failure> {
        let (number, at) = (trade.number, trade.at);
        let (price, quantity) = (trade.price, trade.quantity);
        let aggressor = trade.aggressor.map(|side| side.as_str());
        if self.is_csv {
            let resting = trade.resting.map_or_else(String::new, |of| of.to_string());
            let aggressor = aggressor.unwrap_or_default();
            return self.line(&format!(
                "{number},{at},{price},{quantity},{aggressor},{resting}"
            ));
        }
        match self.context.out.format {
            OutputFormat::Text => self.line(&format!(
                "{number:>8}  {:<27}  {price:>12}  {quantity:>12}  {}",
                moment(at),
                aggressor.unwrap_or("call"),
            )),
            OutputFormat::Json => {
                let fields = json!({
                    "lot": self.lot.id.0,
                    "symbol": self.lot.symbol.as_str(),
                    "trade": number.to_string(),
                    "at": at.to_string(),
                    "price": price.to_string(),
                    "quantity": quantity.to_string(),
                    "aggressor": aggressor,
                    "resting": trade.resting.map(|of| of.to_string()),
                });
                self.line(&fields.to_string())
            }
        }
    }

    fn line(&self, text: &str) -> Result<(), Failure> {
        self.context.out.line(text)
    }
}
