//! Lots as rows of a table.

use auction_client::Indicative;
use auction_core::{Book, Lot, Outcome, Phase, ReserveStatus, Terms};

use crate::output::call;
use crate::output::colour::Colour;
use crate::output::day;
use crate::output::names::{Indicatives, View};
use crate::output::table::{Side, Table, Tone};
use crate::output::time::{duration, moment};

impl View<'_> {
    /// Formats the lots as a table, in the given order.
    pub fn lots<'l>(&self, lots: impl IntoIterator<Item = &'l Lot>, colour: Colour) -> String {
        self.lots_now(lots, &Indicatives::new(), colour)
    }

    /// Formats the same table, with the price at which each of these calls would trade now.
    pub fn lots_now<'l>(
        &self,
        lots: impl IntoIterator<Item = &'l Lot>,
        indicatives: &Indicatives,
        colour: Colour,
    ) -> String {
        let mut table = Table::new(&[
            ("LOT", Side::Right),
            ("SYMBOL", Side::Left),
            ("SECURITY", Side::Left),
            ("FORMAT", Side::Left),
            ("SHARES", Side::Right),
            ("BASE", Side::Right),
            ("PRICE", Side::Right),
            ("LEAST BID", Side::Right),
            ("LEADER", Side::Left),
            ("BIDS", Side::Right),
            ("PROFIT", Side::Right),
            ("CLOSES IN", Side::Left),
        ]);
        for lot in lots {
            let (tone, cells) = self.lot_row(lot, indicatives.get(&lot.id));
            table.row(tone, cells);
        }
        let mut text = table.print(colour);
        if self.is_demo() {
            text.push_str("\n\nThis is a demo: all users called house-... are part of the server.");
        }
        text
    }

    fn lot_row(&self, lot: &Lot, published: Option<&Indicative>) -> (Tone, Vec<String>) {
        let stock = self.market.stock(lot.symbol);
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let (tone, least, closes) = match &lot.phase {
            Phase::Open => {
                let leads = lot.leader().is_some_and(|leader| self.is_own(leader));
                let tone = if leads { Tone::Good } else { Tone::Usual };
                let phase = match &lot.book {
                    Book::Day(book) => day::phase_left(*self, lot, book),
                    _ => None,
                };
                let closes = phase.unwrap_or_else(|| self.closes_in(lot));
                (tone, lot.least_bid_at(self.now), closes)
            }
            Phase::Scheduled => (Tone::Usual, None, self.closes_in(lot)),
            Phase::Closed { outcome, .. } => (
                Tone::Dim,
                None,
                format!("closed: {}", self.outcome(lot, outcome)),
            ),
        };
        let indicative = published.and_then(call::price);
        let price = lot.price().or(indicative).or_else(|| day::last(lot));
        let cells = vec![
            format!("#{}", lot.id),
            lot.symbol.to_string(),
            or_dash(stock.map(|stock| stock.listing.security.to_string())),
            lot.terms.format().to_owned(),
            lot.quantity.to_string(),
            lot.base_price.to_string(),
            or_dash(price.map(|price| price.to_string())),
            or_dash(least.map(|least| least.to_string())),
            or_dash(lot.leader().map(|leader| self.who(leader))),
            seen_bids(lot),
            or_dash(stock.map(|stock| stock.profit.to_string())),
            closes,
        ];
        (tone, cells)
    }

    /// Describes how long a lot is still open, and whether it is halted or has a reserve.
    pub fn closes_in(&self, lot: &Lot) -> String {
        let left = duration(self.left(lot));
        let left = match (lot.halted_since.is_some(), lot.is_scheduled()) {
            (true, true) => format!("halted, {left} before it opens"),
            (true, false) => format!("{left}, halted"),
            (false, true) => return format!("opens in {left}"),
            (false, false) => left,
        };
        match lot.reserve() {
            Some(ReserveStatus::NotMet) => format!("{left}, reserve not met"),
            Some(ReserveStatus::None | ReserveStatus::Met) => left,
            None => format!("{left}, hidden reserve"),
        }
    }

    /// Formats closed lots as a table.
    pub fn results<'l>(&self, lots: impl IntoIterator<Item = &'l Lot>, colour: Colour) -> String {
        let mut table = Table::new(&[
            ("LOT", Side::Right),
            ("SYMBOL", Side::Left),
            ("FORMAT", Side::Left),
            ("CLOSED AT", Side::Left),
            ("BIDS", Side::Right),
            ("OUTCOME", Side::Left),
        ]);
        for lot in lots {
            let Phase::Closed { at, outcome } = &lot.phase else {
                continue;
            };
            let won = matches!(outcome, Outcome::Sold { winner, .. } if self.is_own(*winner));
            let tone = if won { Tone::Good } else { Tone::Usual };
            let cells = vec![
                format!("#{}", lot.id),
                lot.symbol.to_string(),
                lot.terms.format().to_owned(),
                moment(*at),
                seen_bids(lot),
                self.outcome(lot, outcome),
            ];
            table.row(tone, cells);
        }
        table.print(colour)
    }
}

/// Returns the number of bids; of sealed bids, the number of bidders; of a trading day, the number of trades.
fn seen_bids(lot: &Lot) -> String {
    if let Book::Day(book) = &lot.book {
        return match book.statistics.trades {
            1 => "1 trade".to_owned(),
            trades => format!("{trades} trades"),
        };
    }
    match (lot.bids(), lot.bidders()) {
        (0, bidders) if bidders > 0 => match lot.terms {
            Terms::Call(_) if bidders == 1 => "1 trader".to_owned(),
            Terms::Call(_) => format!("{bidders} traders"),
            _ => format!("{bidders} sealed"),
        },
        (bids, _) => bids.to_string(),
    }
}
