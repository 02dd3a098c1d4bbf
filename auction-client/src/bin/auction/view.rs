//! The market in words: names for numbers, and lots as rows.

use auction_core::{
    Lot, LotId, Market, Name, Outcome, Phase, ReserveStatus, SoldBy, Timestamp, UnsoldBecause,
    UserId,
};

use crate::paint::Paint;
use crate::span::{countdown, moment};
use crate::table::{Side, Table, Tone};

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

    /// `AAPL #1`.
    pub fn title(&self, lot: LotId) -> String {
        match self.market.lot(lot) {
            Some(found) => format!("{} #{lot}", found.symbol),
            None => format!("#{lot}"),
        }
    }

    /// `sold to mia at 1.46`.
    pub fn outcome(&self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Sold {
                winner, price, by, ..
            } => {
                let how = match by {
                    SoldBy::HighestBid => "",
                    SoldBy::BuyNow => ", bought at once",
                    SoldBy::FirstTake => ", the first to take it",
                    SoldBy::SecondHighestBid => ", the second highest bid",
                    SoldBy::Reserve => ", the reserve",
                    SoldBy::LeastBid => ", the least bid",
                };
                format!("sold to {} at {price}{how}", self.who(*winner))
            }
            Outcome::Unsold { because, highest } => {
                let because = match because {
                    UnsoldBecause::NoBids => "no bids",
                    UnsoldBecause::ReserveNotMet => "the reserve was not met",
                    UnsoldBecause::Cancelled => "taken back",
                };
                match highest {
                    Some(highest) => format!("not sold: {because}; the highest bid was {highest}"),
                    None => format!("not sold: {because}"),
                }
            }
            Outcome::Allocated {
                sold,
                buyers,
                lowest,
                ..
            } => {
                let s = if *buyers == 1 { "" } else { "s" };
                format!("sold {sold} shares to {buyers} trader{s}, at {lowest} and above")
            }
        }
    }

    /// The lots as a table, in the order given.
    pub fn lots<'l>(&self, lots: impl IntoIterator<Item = &'l Lot>, paint: Paint) -> String {
        let mut table = Table::new(&[
            ("LOT", Side::Right),
            ("SYMBOL", Side::Left),
            ("SECURITY", Side::Left),
            ("BASE", Side::Right),
            ("PRICE", Side::Right),
            ("LEAST BID", Side::Right),
            ("LEADER", Side::Left),
            ("BIDS", Side::Right),
            ("PROFIT", Side::Right),
            ("CLOSES IN", Side::Left),
        ]);
        for lot in lots {
            let (tone, cells) = self.lot_row(lot);
            table.row(tone, cells);
        }
        table.print(paint)
    }

    fn lot_row(&self, lot: &Lot) -> (Tone, Vec<String>) {
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
                format!("closed: {}", self.outcome(outcome)),
            ),
        };
        let cells = vec![
            format!("#{}", lot.id),
            lot.symbol.to_string(),
            or_dash(stock.map(|stock| stock.listing.security.to_string())),
            lot.base_price.to_string(),
            or_dash(lot.price().map(|price| price.to_string())),
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
        let left = countdown(lot.closes_at, self.now);
        if lot.halted_since.is_some() {
            return "halted".to_owned();
        }
        if lot.is_scheduled() {
            let opens = countdown(lot.opened_at, self.now);
            return format!("{left}, opens in {opens}");
        }
        match lot.reserve() {
            Some(ReserveStatus::NotMet) => format!("{left}, reserve not met"),
            Some(ReserveStatus::None | ReserveStatus::Met) => left,
            None => format!("{left}, hidden reserve"),
        }
    }

    /// Closed lots as a table.
    pub fn results<'l>(&self, lots: impl IntoIterator<Item = &'l Lot>, paint: Paint) -> String {
        let mut table = Table::new(&[
            ("LOT", Side::Right),
            ("SYMBOL", Side::Left),
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
                moment(*at),
                seen_bids(lot),
                self.outcome(outcome),
            ];
            table.row(tone, cells);
        }
        table.print(paint)
    }
}

/// How many bids there are; of sealed ones, how many have one.
fn seen_bids(lot: &Lot) -> String {
    match (lot.bids(), lot.bidders()) {
        (0, bidders) if bidders > 0 => format!("{bidders} sealed"),
        (bids, _) => bids.to_string(),
    }
}
