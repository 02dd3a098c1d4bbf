//! The market in words: names for numbers, and lots as rows.

use std::collections::BTreeMap;

use auction_client::Indicative;
use auction_core::{
    Lot, LotId, Market, Name, Outcome, Phase, ReserveStatus, Role, Terms, Timestamp, UserId,
};

use crate::output::call;
use crate::output::colour::Colour;
use crate::output::table::{Side, Table, Tone};
use crate::output::time::{duration, moment};

/// The newest of each call auction that is open, as far as it was told.
pub type Indicatives = BTreeMap<LotId, Indicative>;

/// A market through someone's eyes.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub market: &'a Market,
    /// Who looks, when they are logged in.
    pub own: Option<Name>,
    /// The server's time.
    pub now: Timestamp,
}

impl View<'_> {
    /// A user's name.
    pub fn name(&self, user: UserId) -> String {
        match self.market.user(user) {
            Some(user) => user.name.to_string(),
            None => format!("user {user}"),
        }
    }

    /// A user's name; one's own is marked.
    pub fn who(&self, user: UserId) -> String {
        let name = self.name(user);
        if self.is_own(user) {
            format!("{name} (you)")
        } else {
            name
        }
    }

    /// Whether it is who looks.
    pub fn is_own(&self, user: UserId) -> bool {
        let name = self.market.user(user).map(|user| user.name);
        name.is_some() && name == self.own
    }

    /// Whether the house plays in the market: its first user is the house's auctioneer, whose name nobody else can have.
    pub fn is_demo(&self) -> bool {
        let first = self.market.users().first();
        first.is_some_and(|first| {
            first.name.as_str() == "house-auctioneer" && first.role == Role::Auctioneer
        })
    }

    /// `AAPL #1`.
    pub fn title(&self, lot: LotId) -> String {
        match self.market.lot(lot) {
            Some(found) => format!("{} #{lot}", found.symbol),
            None => format!("#{lot}"),
        }
    }

    /// The lots as a table, in the order given.
    pub fn lots<'l>(&self, lots: impl IntoIterator<Item = &'l Lot>, colour: Colour) -> String {
        self.lots_now(lots, &Indicatives::new(), colour)
    }

    /// The same, with the price at which each of these calls would trade now.
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
            text.push_str("\n\nThis is a demo: whoever is called house-... is part of the server.");
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
                (tone, lot.least_bid_at(self.now), self.closes_in(lot))
            }
            Phase::Scheduled => (Tone::Usual, None, self.closes_in(lot)),
            Phase::Closed { outcome, .. } => (
                Tone::Dim,
                None,
                format!("closed: {}", self.outcome(lot, outcome)),
            ),
        };
        let indicative = published.and_then(call::price);
        let cells = vec![
            format!("#{}", lot.id),
            lot.symbol.to_string(),
            or_dash(stock.map(|stock| stock.listing.security.to_string())),
            lot.terms.format().to_owned(),
            lot.quantity.to_string(),
            lot.base_price.to_string(),
            or_dash(lot.price().or(indicative).map(|price| price.to_string())),
            or_dash(least.map(|least| least.to_string())),
            or_dash(lot.leader().map(|leader| self.who(leader))),
            seen_bids(lot),
            or_dash(stock.map(|stock| stock.profit.to_string())),
            closes,
        ];
        (tone, cells)
    }

    /// How long a lot is still open, and what is to be known of it besides.
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

    /// Closed lots as a table.
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

/// How many bids there are; of sealed ones, how many have one.
fn seen_bids(lot: &Lot) -> String {
    match (lot.bids(), lot.bidders()) {
        (0, bidders) if bidders > 0 => match lot.terms {
            Terms::Call(_) if bidders == 1 => "1 trader".to_owned(),
            Terms::Call(_) => format!("{bidders} traders"),
            _ => format!("{bidders} sealed"),
        },
        (bids, _) => bids.to_string(),
    }
}
