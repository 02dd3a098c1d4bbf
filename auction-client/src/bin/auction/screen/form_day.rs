//! Forms for orders on trading days.

use auction_client::{PlaceDayOrder, ReplaceDayOrder};
use auction_core::{
    Book, DayOrder, Lot, LotId, OrderId, OwnDayOrder, Price, Quantity, SelfTrade, Side, TimeInForce,
};

use super::form::{About, Field, Form, MARKET, SIDES};
use crate::output::names::View;
use crate::screen::events::Request;

const TIMES_IN_FORCE: &[&str] = &["day", "ioc", "fok", "at-open", "at-close", "auction"];
const YES_OR_NO: &[&str] = &["no", "yes"];

/// Places of the fields.
const SIDE: usize = 0;
const QUANTITY: usize = 1;
const PRICE: usize = 2;
const TIME_IN_FORCE: usize = 3;
const POST_ONLY: usize = 4;

impl Form {
    /// Creates the form for an order; `level` is the side of the orders at a chosen price, to trade with them.
    pub fn day_order(lot: &Lot, level: Option<(Side, Price)>) -> Self {
        let (side, price) = match (level, &lot.book) {
            (Some((side, price)), _) => (side.opposite(), Some(price)),
            (None, Book::Day(book)) => (Side::Buy, book.statistics.last.or(book.reference)),
            (None, _) => (Side::Buy, None),
        };
        let price = price.unwrap_or(lot.base_price).to_string();
        let fields = vec![
            Field::choice("side", SIDES, usize::from(side == Side::Sell)),
            Field::line("shares", lot.quantity.to_string()),
            Field::line("price", price),
            Field::choice("in force", TIMES_IN_FORCE, 0),
            Field::choice("post-only", YES_OR_NO, 0),
        ];
        Self::new(About::DayOrder(lot.id), fields)
    }

    /// Creates the form for replacing an order.
    pub fn day_change(lot: LotId, own: &OwnDayOrder) -> Self {
        let content = &own.content;
        let limit = content.limit;
        let limit = limit.map_or_else(|| MARKET.to_owned(), |limit| limit.to_string());
        let fields = vec![
            Field::line("shares", content.quantity.to_string()),
            Field::line("price", limit),
        ];
        Self::new(
            About::DayChange(lot, own.order, content.side, content.quantity),
            fields,
        )
    }

    pub fn cancel_all(lot: LotId) -> Self {
        Self::new(About::CancelAll(lot), Vec::new())
    }

    /// Returns the request for an order.
    ///
    /// # Errors
    /// A message about the mistake, for the user.
    pub(super) fn place_day(&mut self, view: View<'_>, lot: LotId) -> Result<Request, String> {
        let side = match self.choice(SIDE) {
            0 => Side::Buy,
            _ => Side::Sell,
        };
        let (quantity, limit) = self.day_terms(view, lot, side, (QUANTITY, PRICE))?;
        let time_in_force = match self.choice(TIME_IN_FORCE) {
            0 => TimeInForce::Day,
            1 => TimeInForce::ImmediateOrCancel,
            2 => TimeInForce::FillOrKill,
            3 => TimeInForce::AtOpen,
            4 => TimeInForce::AtClose,
            _ => TimeInForce::Auction,
        };
        let order = DayOrder {
            side,
            quantity,
            limit,
            time_in_force,
            post_only: self.choice(POST_ONLY) == 1,
            self_trade: SelfTrade::Refuse,
        };
        Ok(Request::PlaceDay(PlaceDayOrder { lot, order }))
    }

    /// Returns the request for replacing an order.
    ///
    /// # Errors
    /// A message about the mistake, for the user.
    pub(super) fn replace_day(
        &mut self,
        view: View<'_>,
        (lot, order, side): (LotId, OrderId, Side),
        open: Quantity,
    ) -> Result<Request, String> {
        let (quantity, limit) = self.day_terms(view, lot, side, (0, 1))?;
        Ok(Request::ReplaceDay(ReplaceDayOrder {
            lot,
            order,
            quantity,
            limit,
            // The server refuses the change of an order that has traded meanwhile.
            believed: Some(open),
        }))
    }

    fn day_terms(
        &mut self,
        view: View<'_>,
        lot: LotId,
        side: Side,
        (shares, price): (usize, usize),
    ) -> Result<(Quantity, Option<Price>), String> {
        let text = self.text(shares);
        let quantity = text.parse().map_err(|error| format!("{text:?} {error}"))?;
        if self.text(price) == MARKET {
            return Ok((quantity, None));
        }
        let limit = self.price(price)?;
        self.warn(view, lot, (side, quantity, limit))?;
        Ok((quantity, Some(limit)))
    }
}
