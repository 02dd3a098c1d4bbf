//! The list of lots: selection, order, and the chosen lot.

use std::cmp::Ordering;

use auction_core::{Lot, LotId, Price};

use crate::output::names::View;
use crate::screen::line_editor::Line;

/// Number of lots from which the list is sorted once a second and not at every frame.
pub const LOTS_MANY: usize = 5_000;

/// Sort key of the lots. Open lots come before closed ones in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Number,
    Symbol,
    Price,
    Change,
    Bidders,
    Close,
}

/// Selection of the lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    #[default]
    All,
    Open,
    /// Lots that the user has bid on.
    Mine,
    Closed,
}

/// The list as arranged by the user.
#[derive(Debug, Default)]
pub struct List {
    pub filter: Line,
    /// True while the filter is being typed.
    pub typing: bool,
    pub sort: Sort,
    pub reversed: bool,
    pub shown: Shown,
    /// The chosen lot. It stays chosen when its row moves.
    pub chosen: Option<LotId>,
    /// Index of the first row on the screen.
    pub top: usize,
    /// Number of rows on the screen for lots.
    pub rows: usize,
    /// The sorted lots, as of the last arrangement.
    pub order: Vec<LotId>,
    /// True if an event since then may have changed the order.
    pub stale: bool,
}

impl List {
    /// Sorts the lots. `mine` returns true for lots that the user has bid on.
    pub fn arrange(&mut self, view: View<'_>, mine: impl Fn(LotId) -> bool) {
        self.stale = false;
        let wanted = self.filter.text().trim().to_ascii_uppercase();
        let shows = |lot: &&Lot| {
            let shown = match self.shown {
                Shown::All => true,
                Shown::Open => !lot.is_closed(),
                Shown::Mine => mine(lot.id),
                Shown::Closed => lot.is_closed(),
            };
            shown && (wanted.is_empty() || matches(view, lot, &wanted))
        };
        let mut lots: Vec<&Lot> = view.market.lots().iter().filter(shows).collect();
        lots.sort_by(|one, other| self.compare(view, one, other));
        self.order = lots.into_iter().map(|lot| lot.id).collect();
        if self.place().is_none() {
            // The chosen lot is no longer shown: choose the first visible row.
            self.chosen = self.order.get(self.top).or(self.order.first()).copied();
        }
        self.follow();
    }

    fn compare(&self, view: View<'_>, one: &Lot, other: &Lot) -> Ordering {
        let price = |lot: &Lot| price(view, lot);
        let change = |lot: &Lot| change(view, lot);
        let ordering = match self.sort {
            Sort::Number => Ordering::Equal,
            Sort::Symbol => one.symbol.as_str().cmp(other.symbol.as_str()),
            // Descending: users look for the highest.
            Sort::Price => price(other).cmp(&price(one)),
            Sort::Change => change(other).cmp(&change(one)),
            Sort::Bidders => other.bidders().cmp(&one.bidders()),
            Sort::Close => one.closes_at.cmp(&other.closes_at),
        };
        let ordering = ordering.then(one.id.cmp(&other.id));
        let ordering = if self.reversed {
            ordering.reverse()
        } else {
            ordering
        };
        one.is_closed().cmp(&other.is_closed()).then(ordering)
    }

    /// Returns the row of the chosen lot.
    pub fn place(&self) -> Option<usize> {
        let chosen = self.chosen?;
        self.order.iter().position(|lot| *lot == chosen)
    }

    /// Moves the choice down by this many rows; up if negative.
    pub fn go(&mut self, rows: isize) {
        let place = self.place().unwrap_or(0);
        self.go_to(place.saturating_add_signed(rows));
    }

    /// Chooses a row, or the last one if there are fewer.
    pub fn go_to(&mut self, row: usize) {
        let last = self.order.len().saturating_sub(1);
        self.chosen = self.order.get(row.min(last)).copied();
        self.follow();
    }

    /// Returns the lots on the screen.
    pub fn visible(&self) -> &[LotId] {
        let from = self.top.min(self.order.len());
        let to = (from + self.rows).min(self.order.len());
        &self.order[from..to]
    }

    /// Scrolls so that the chosen row is visible.
    pub fn follow(&mut self) {
        let place = self.place().unwrap_or(0);
        let rows = self.rows.max(1);
        if place < self.top {
            self.top = place;
        } else if place >= self.top + rows {
            self.top = place + 1 - rows;
        }
        // No empty rows below while there are lots above.
        self.top = self.top.min(self.order.len().saturating_sub(rows));
    }

    /// Returns true if a bid can change the order.
    pub fn moves_with_bids(&self) -> bool {
        match self.sort {
            Sort::Price | Sort::Change | Sort::Bidders | Sort::Close => true,
            Sort::Number | Sort::Symbol => self.shown == Shown::Mine,
        }
    }
}

impl Sort {
    pub fn next(self) -> Self {
        match self {
            Self::Number => Self::Symbol,
            Self::Symbol => Self::Price,
            Self::Price => Self::Change,
            Self::Change => Self::Bidders,
            Self::Bidders => Self::Close,
            Self::Close => Self::Number,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Symbol => "symbol",
            Self::Price => "price",
            Self::Change => "change",
            Self::Bidders => "bidders",
            Self::Close => "close",
        }
    }
}

impl Shown {
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::Open,
            Self::Open => Self::Mine,
            Self::Mine => Self::Closed,
            Self::Closed => Self::All,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Open => "open",
            Self::Mine => "mine",
            Self::Closed => "closed",
        }
    }
}

/// Returns the public price of a share: the last price, or the price at which it can be bought now.
pub fn price(view: View<'_>, lot: &Lot) -> Option<Price> {
    let falling = matches!(lot.terms, auction_core::Terms::Dutch(_)) && !lot.is_closed();
    lot.price()
        .or_else(|| crate::output::day::last(lot))
        .or_else(|| lot.least_bid_at(view.now).filter(|_| falling))
}

/// Returns the price from which changes are counted: a Dutch lot falls from its start, any other moves from its base price.
pub fn changes_from(lot: &Lot) -> Price {
    match &lot.terms {
        auction_core::Terms::Dutch(terms) => terms.start,
        _ => lot.base_price,
    }
}

/// Returns the change of the price, in thousandths of the price that it is counted from.
pub fn change(view: View<'_>, lot: &Lot) -> Option<i64> {
    let (price, base) = (price(view, lot)?.units(), changes_from(lot).units());
    if base == 0 {
        return None;
    }
    let difference = i128::from(price) - i128::from(base);
    i64::try_from(difference * 1_000 / i128::from(base)).ok()
}

fn matches(view: View<'_>, lot: &Lot, wanted: &str) -> bool {
    let has = |text: &str| text.to_ascii_uppercase().contains(wanted);
    let stock = view.market.stock(lot.symbol);
    has(lot.symbol.as_str())
        || has(lot.terms.format())
        || has(&format!("#{}", lot.id))
        || stock.is_some_and(|stock| has(&stock.listing.security.to_string()))
        || lot.leader().is_some_and(|leader| has(&view.name(leader)))
}

#[cfg(test)]
mod tests {
    use auction_core::Market;

    use super::*;
    use crate::fixture::{UNSOLD, after, bid, closed, listed, market, opened, user};

    fn lots() -> Market {
        market([
            listed("ZZZ"),
            listed("AAA"),
            listed("BRK.B"),
            user(1, "mia"),
            opened(1, "ZZZ"),
            opened(2, "AAA"),
            opened(3, "BRK.B"),
            closed(2, UNSOLD),
            bid(1, Some("1.60"), 1, "1.60", "1.61"),
        ])
    }

    fn view(market: &Market) -> View<'_> {
        View {
            market,
            own: None,
            now: after(10),
        }
    }

    fn arranged(change: impl FnOnce(&mut List)) -> Vec<u32> {
        let market = lots();
        let mut list = List {
            rows: 10,
            ..List::default()
        };
        change(&mut list);
        list.arrange(view(&market), |lot| lot == LotId(1));
        list.order.iter().map(|lot| lot.0).collect()
    }

    #[test]
    fn open_lots_come_first_in_every_order() {
        assert_eq!(arranged(|_| {}), [1, 3, 2]);
        assert_eq!(arranged(|list| list.sort = Sort::Symbol), [3, 1, 2]);
        assert_eq!(arranged(|list| list.sort = Sort::Price), [1, 3, 2]);
        assert_eq!(arranged(|list| list.reversed = true), [3, 1, 2]);
    }

    #[test]
    fn lots_are_found_by_symbol_number_format_and_leader() {
        let found = |text: &str| arranged(|list| list.filter.set(text.to_owned()));
        assert_eq!(found("zz"), [1]);
        assert_eq!(found("#3"), [3]);
        assert_eq!(found("MIA"), [1]);
        assert_eq!(found("english"), [1, 3, 2]);
        assert!(found("nothing").is_empty());
        assert_eq!(arranged(|list| list.shown = Shown::Mine), [1]);
        assert_eq!(arranged(|list| list.shown = Shown::Closed), [2]);
        assert_eq!(arranged(|list| list.shown = Shown::Open), [1, 3]);
    }

    #[test]
    fn the_chosen_lot_stays_chosen_when_its_row_moves() {
        let market = lots();
        let mut list = List {
            rows: 2,
            ..List::default()
        };
        list.arrange(view(&market), |_| false);
        assert_eq!(list.chosen, Some(LotId(1)));
        list.go(5);
        assert_eq!(list.chosen, Some(LotId(2)));
        assert_eq!(list.visible(), [LotId(3), LotId(2)]);
        list.go(-1);
        list.sort = Sort::Symbol;
        list.arrange(view(&market), |_| false);
        assert_eq!(list.chosen, Some(LotId(3)));
        assert_eq!(list.visible(), [LotId(3), LotId(1)]);
        list.shown = Shown::Closed;
        list.arrange(view(&market), |_| false);
        assert_eq!(list.chosen, Some(LotId(2)));
    }

    #[test]
    fn a_change_is_in_thousandths_of_the_base_price() {
        let market = lots();
        let of = |lot: usize| change(view(&market), &market.lots()[lot]);
        assert_eq!(of(0), Some(151));
        assert_eq!(of(2), None);
    }
}
