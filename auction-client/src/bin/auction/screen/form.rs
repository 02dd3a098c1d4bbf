//! Forms: the user's input for a request.

use auction_client::{CancelOrder, PlaceOrder, PublishProfit, ReplaceOrder, Secret};
use auction_core::{
    Lot, LotId, Name, OrderId, Price, Profit, Quantity, SecurityCode, Side, Symbol, Terms,
};

use crate::commands::bid::Offer;
use crate::commands::far_price::FarPrice;
use crate::commands::order::{Order, verb};
use crate::output::names::View;
use crate::screen::events::{Manage, Request};
use crate::screen::line_editor::Line;

/// Purpose of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An open bid on a lot.
    Bid(LotId),
    /// A hidden order on a lot.
    Order(LotId),
    /// Changes an order of the user.
    Change(LotId, OrderId, Side),
    /// Cancels an order of the user.
    Withdraw(LotId, OrderId),
    /// An order on a trading day.
    DayOrder(LotId),
    /// Replaces an order of the user on a trading day.
    /// With the open shares that the user saw.
    DayChange(LotId, OrderId, Side, Quantity),
    /// Cancels all orders of the user on a trading day.
    CancelAll(LotId),
    /// Logging in or registering, optionally followed by a bid on a lot.
    Enter { then: Option<LotId> },
    /// Logging out.
    LogOut,
    /// Publishing the profit of a stock.
    Profit(Symbol),
    /// An auctioneer's actions on a lot.
    Manage(LotId),
}

#[derive(Debug)]
pub struct Form {
    pub about: About,
    pub fields: Vec<Field>,
    /// Index of the field with the cursor.
    pub at: usize,
    /// Error of the input, or the result.
    pub note: Option<String>,
    /// True while the answer is awaited.
    pub sending: bool,
    /// The price far from the market's for which confirmation was requested.
    warned: Option<FarPrice>,
}

#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    Line(Line),
    /// Content that is never shown.
    Hidden(Line),
    Choice(&'static [&'static str], usize),
}

const KINDS: &[&str] = &["bid", "hidden maximum"];
pub(super) const SIDES: &[&str] = &["buy", "sell"];
/// Input for an order without a limit.
pub(super) const MARKET: &str = "market";
const DOORS: &[&str] = &["log in", "register"];
const DEEDS: &[&str] = &["halt", "resume", "close early", "take back"];

impl Form {
    pub(super) fn new(about: About, fields: Vec<Field>) -> Self {
        let first_line = |field: &Field| !matches!(field.content, Content::Choice(..));
        let at = fields.iter().position(first_line).unwrap_or(0);
        Self {
            about,
            fields,
            at,
            note: None,
            sending: false,
            warned: None,
        }
    }

    /// Creates the form for a bid or an order, by the lot's format.
    pub fn trade(view: View<'_>, lot: &Lot) -> Self {
        let least = lot.least_bid_at(view.now);
        let offered = |price: Option<Price>| price.map_or(String::new(), |price| price.to_string());
        match &lot.terms {
            Terms::English(_) => {
                let leads = lot.leader().is_some_and(|leader| view.is_own(leader));
                let kind = Field::choice("kind", KINDS, usize::from(leads));
                let price = Field::line("price", offered(least));
                Self::new(About::Bid(lot.id), vec![kind, price])
            }
            Terms::Dutch(_) => {
                let price = Field::line("at most", offered(least));
                Self::new(About::Bid(lot.id), vec![price])
            }
            Terms::Sealed(_) => {
                let price = Field::line("price", offered(Some(base(lot))));
                Self::new(About::Order(lot.id), vec![price])
            }
            Terms::Uniform(_) => {
                let quantity = Field::line("shares", String::new());
                let price = Field::line("price", offered(Some(base(lot))));
                Self::new(About::Order(lot.id), vec![quantity, price])
            }
            Terms::Day(_) => Self::day_order(lot, None),
            Terms::Call(_) => {
                let side = Field::choice("side", SIDES, 0);
                let quantity = Field::line("shares", lot.quantity.to_string());
                let price = Field::line("price", offered(Some(base(lot))));
                Self::new(About::Order(lot.id), vec![side, quantity, price])
            }
        }
    }

    /// Creates the form for changing an order.
    pub fn change(lot: &Lot, order: OrderId, now: Order) -> Self {
        let limit = now
            .limit
            .map_or_else(|| MARKET.to_owned(), |limit| limit.to_string());
        let mut fields = vec![
            Field::line("shares", now.quantity.to_string()),
            Field::line("price", limit),
        ];
        if let Terms::Sealed(_) = lot.terms {
            fields.remove(0);
        }
        Self::new(About::Change(lot.id, order, now.side), fields)
    }

    pub fn withdraw(lot: LotId, order: OrderId) -> Self {
        Self::new(About::Withdraw(lot, order), Vec::new())
    }

    /// Creates the form for logging in or registering; with the name of the previous user.
    pub fn enter(then: Option<LotId>, name: Option<Name>) -> Self {
        let name = name.map_or(String::new(), |name| name.to_string());
        let mut form = Self::new(
            About::Enter { then },
            vec![
                Field::choice("what", DOORS, 0),
                Field::line("name", name.clone()),
                Field::hidden("password"),
                Field::hidden("again"),
            ],
        );
        // A new user first chooses between login and registration.
        form.at = if name.is_empty() { 0 } else { 2 };
        form
    }

    pub fn log_out() -> Self {
        Self::new(About::LogOut, Vec::new())
    }

    pub fn profit(symbol: Symbol, security: SecurityCode) -> Self {
        let fields = vec![
            Field::line("security code", security.to_string()),
            Field::line("profit", String::new()),
        ];
        let mut form = Self::new(About::Profit(symbol), fields);
        form.at = 1;
        form
    }

    pub fn manage(lot: &Lot) -> Self {
        let deed = usize::from(lot.halted_since.is_some());
        let fields = vec![Field::choice("what", DEEDS, deed)];
        Self::new(About::Manage(lot.id), fields)
    }

    /// Returns the lot of the form.
    pub fn lot(&self) -> Option<LotId> {
        match self.about {
            About::Bid(lot)
            | About::Order(lot)
            | About::Change(lot, ..)
            | About::Withdraw(lot, _)
            | About::DayOrder(lot)
            | About::DayChange(lot, ..)
            | About::CancelAll(lot)
            | About::Manage(lot) => Some(lot),
            About::Enter { .. } | About::LogOut | About::Profit(_) => None,
        }
    }

    /// Returns the fields to fill: for a login, only one password.
    pub fn shown(&self) -> &[Field] {
        let once = matches!(self.about, About::Enter { .. }) && self.choice(0) == 0;
        &self.fields[..self.fields.len() - usize::from(once)]
    }

    pub fn next_field(&mut self) {
        self.at = (self.at + 1) % self.shown().len().max(1);
    }

    pub fn previous_field(&mut self) {
        let fields = self.shown().len().max(1);
        self.at = (self.at + fields - 1) % fields;
    }

    /// Moves to the next required field that is still empty; returns false if all are filled.
    pub fn next_empty(&mut self) -> bool {
        let empty = |field: &Field| match &field.content {
            Content::Line(line) | Content::Hidden(line) => line.text().is_empty(),
            Content::Choice(..) => false,
        };
        let found = self.shown().iter().skip(self.at + 1).position(empty);
        if let Some(after) = found {
            self.at += 1 + after;
        }
        found.is_some()
    }

    /// Returns the line with the cursor.
    pub fn line(&mut self) -> Option<&mut Line> {
        match &mut self.fields.get_mut(self.at)?.content {
            Content::Line(line) | Content::Hidden(line) => Some(line),
            Content::Choice(..) => None,
        }
    }

    /// Selects the next or previous option, in a field with options.
    pub fn turn(&mut self, by: isize) {
        if let Some(Field {
            content: Content::Choice(options, chosen),
            ..
        }) = self.fields.get_mut(self.at)
        {
            let count = options.len() as isize;
            *chosen = (*chosen as isize + by).rem_euclid(count) as usize;
            self.warned = None;
        }
    }

    /// Replaces an offered price that would be refused now by the current least bid; returns false if nothing was replaced.
    /// Bids of others never change the price without a key press.
    pub fn renew_offer(&mut self, view: View<'_>) -> bool {
        let About::Bid(lot) = self.about else {
            return false;
        };
        let Some(found) = view.market.lot(lot) else {
            return false;
        };
        let (Terms::English(_), Some(least)) = (&found.terms, found.least_bid_at(view.now)) else {
            return false;
        };
        let Some(Content::Line(line)) = self.fields.last_mut().map(|field| &mut field.content)
        else {
            return false;
        };
        let is_below = Price::parse(line.text()).is_ok_and(|price| price < least);
        if line.is_offered() && is_below {
            line.set(least.to_string());
            self.note = Some(format!("the least bid is {least} by now; Enter bids it"));
            return true;
        }
        false
    }

    /// Returns true if the field has options.
    pub fn is_at_choice(&self) -> bool {
        let field = self.fields.get(self.at);
        field.is_some_and(|field| matches!(field.content, Content::Choice(..)))
    }

    /// Returns true if the field with the cursor is a price.
    pub fn is_at_price(&self) -> bool {
        let field = self.fields.get(self.at);
        field.is_some_and(|field| matches!(field.name, "price" | "at most"))
    }

    /// Moves the price a step up or down, never below the least bid.
    pub fn step(&mut self, view: View<'_>, up: bool) {
        let Some(lot) = self.lot().and_then(|lot| view.market.lot(lot)) else {
            return;
        };
        let least = lot.least_bid_at(view.now).unwrap_or(base(lot));
        let Some(line) = self.line() else {
            return;
        };
        let price = match Price::parse(line.text()) {
            Ok(price) if price >= least => stepped(lot, price, up).max(least),
            _ => least,
        };
        line.set(price.to_string());
    }

    /// Returns the request described by the fields.
    ///
    /// # Errors
    /// A message about the mistake, for the user.
    pub fn ask(&mut self, view: View<'_>) -> Result<Request, String> {
        match self.about {
            About::Bid(lot) => {
                let price = self.price(self.fields.len() - 1)?;
                let is_maximum = self.fields.len() == 2 && self.choice(0) == 1;
                let quantity = view.market.lot(lot).map(|lot| lot.quantity);
                self.warn(
                    view,
                    lot,
                    (Side::Buy, quantity.unwrap_or(Quantity::ONE), price),
                )?;
                Ok(Request::Bid(lot, Offer::new(price, is_maximum)))
            }
            About::Order(lot) => {
                // Only the form of a call auction begins with options: the side.
                let side = match self.choice(0) {
                    0 => Side::Buy,
                    _ => Side::Sell,
                };
                let (quantity, limit) = self.order(view, lot, side)?;
                Ok(Request::Place(PlaceOrder {
                    lot,
                    side,
                    quantity,
                    limit,
                }))
            }
            About::Change(lot, order, side) => {
                let (quantity, limit) = self.order(view, lot, side)?;
                Ok(Request::Replace(ReplaceOrder {
                    lot,
                    order,
                    quantity,
                    limit,
                }))
            }
            About::Withdraw(lot, order) => Ok(Request::Cancel(CancelOrder { lot, order })),
            About::DayOrder(lot) => self.place_day(view, lot),
            About::DayChange(lot, order, side, open) => {
                self.replace_day(view, (lot, order, side), open)
            }
            About::CancelAll(lot) => Ok(Request::CancelAll(lot)),
            About::Enter { .. } => self.identity(),
            About::LogOut => Ok(Request::LogOut),
            About::Profit(symbol) => {
                let (security, profit) = (self.text(0), self.text(1));
                let wrong = |text: &str, error: &dyn std::fmt::Display| format!("{text:?} {error}");
                let security =
                    SecurityCode::parse(&security).map_err(|error| wrong(&security, &error))?;
                let profit = Profit::parse(&profit).map_err(|error| wrong(&profit, &error))?;
                Ok(Request::Profit(PublishProfit {
                    symbol,
                    security,
                    profit,
                }))
            }
            About::Manage(lot) => {
                let deed = match self.choice(0) {
                    0 => Manage::Halt,
                    1 => Manage::Resume,
                    2 => Manage::Close,
                    _ => Manage::Cancel,
                };
                Ok(Request::Manage(lot, deed))
            }
        }
    }

    fn identity(&mut self) -> Result<Request, String> {
        let name = self.text(1);
        let name = Name::parse(&name).map_err(|error| format!("{name:?} {error}"))?;
        let registers = self.choice(0) == 1;
        // Clear the passwords whatever the result.
        let (first, again) = (self.take(2), self.take(3));
        self.at = 2;
        if registers && first != again {
            return Err("the two passwords differ".to_owned());
        }
        let password = Secret::new(first).map_err(|error| error.to_string())?;
        Ok(if registers {
            Request::Register(name, password)
        } else {
            Request::LogIn(name, password)
        })
    }

    fn order(
        &mut self,
        view: View<'_>,
        lot: LotId,
        side: Side,
    ) -> Result<(Quantity, Option<Price>), String> {
        let found = view.market.lot(lot).ok_or("the lot is gone")?;
        let whole = self.fields.len() == 1;
        let quantity = if whole {
            found.quantity
        } else {
            let text = self.text(self.fields.len() - 2);
            text.parse().map_err(|error| format!("{text:?} {error}"))?
        };
        let last = self.fields.len() - 1;
        if matches!(found.terms, Terms::Call(_)) && self.text(last) == MARKET {
            return Ok((quantity, None));
        }
        let limit = self.price(last)?;
        self.warn(view, lot, (side, quantity, limit))?;
        Ok((quantity, Some(limit)))
    }

    /// Requests confirmation of a price far from the market's, once: it may be a mistake.
    pub(super) fn warn(
        &mut self,
        view: View<'_>,
        lot: LotId,
        (side, quantity, price): (Side, Quantity, Price),
    ) -> Result<(), String> {
        let lot = view.market.lot(lot);
        let far = lot.and_then(|lot| FarPrice::find(lot, side, quantity, price, None));
        // The least bid may have moved since the question.
        let is_confirmed = self.warned.map(FarPrice::price) == Some(price);
        match far.filter(|_| !is_confirmed) {
            None => {
                self.warned = None;
                Ok(())
            }
            Some(far) => {
                self.warned = Some(far);
                Err(format!("{far}. Enter again sends it."))
            }
        }
    }

    pub(super) fn price(&self, field: usize) -> Result<Price, String> {
        let text = self.text(field);
        Price::parse(&text).map_err(|error| format!("{text:?} {error}"))
    }

    /// Returns the selected option of a field.
    pub fn choice(&self, field: usize) -> usize {
        match self.fields.get(field).map(|field| &field.content) {
            Some(Content::Choice(_, chosen)) => *chosen,
            _ => 0,
        }
    }

    /// Returns the typed text of a field.
    pub fn text(&self, field: usize) -> String {
        match self.fields.get(field).map(|field| &field.content) {
            Some(Content::Line(line)) => line.text().trim().to_owned(),
            _ => String::new(),
        }
    }

    fn take(&mut self, field: usize) -> String {
        match self.fields.get_mut(field).map(|field| &mut field.content) {
            Some(Content::Hidden(line)) => line.take(),
            _ => String::new(),
        }
    }

    /// Returns the title of the form.
    pub fn title(&self, view: View<'_>) -> String {
        match self.about {
            About::Bid(lot) => {
                let falling = view.market.lot(lot).map(|lot| &lot.terms);
                match falling {
                    Some(Terms::Dutch(_)) => format!("Take {}", view.title(lot)),
                    _ => format!("Bid on {}", view.title(lot)),
                }
            }
            About::Order(lot) => match view.market.lot(lot).map(|lot| &lot.terms) {
                Some(Terms::Call(_)) => {
                    format!("Order on {} (price: or {MARKET})", view.title(lot))
                }
                _ => format!("Sealed bid on {}", view.title(lot)),
            },
            About::DayOrder(lot) => format!("Order on {} (price: or {MARKET})", view.title(lot)),
            About::CancelAll(lot) => {
                format!("Cancel all your orders on {}? Enter does", view.title(lot))
            }
            About::Change(lot, order, side) | About::DayChange(lot, order, side, _) => {
                let verb = verb(side);
                format!("Change order {order} to {verb} on {}", view.title(lot))
            }
            About::Withdraw(lot, order) => {
                format!("Take order {order} on {} back? Enter does", view.title(lot))
            }
            About::Enter { .. } => "Log in or register".to_owned(),
            About::LogOut => "Log out for good? Enter does".to_owned(),
            About::Profit(symbol) => format!("Publish the profit of {symbol}"),
            About::Manage(lot) => format!("Auctioneer: {}", view.title(lot)),
        }
    }
}

impl Field {
    pub(super) fn line(name: &'static str, offered: String) -> Self {
        let content = Content::Line(Line::offering(offered));
        Self { name, content }
    }

    fn hidden(name: &'static str) -> Self {
        let content = Content::Hidden(Line::default());
        Self { name, content }
    }

    pub(super) fn choice(
        name: &'static str,
        options: &'static [&'static str],
        chosen: usize,
    ) -> Self {
        let content = Content::Choice(options, chosen);
        Self { name, content }
    }
}

/// Returns the least price of a hidden order: the base price, and at least one unit.
fn base(lot: &Lot) -> Price {
    lot.base_price.max(unit())
}

fn unit() -> Price {
    Price::from_units(1).unwrap_or_default()
}

fn stepped(lot: &Lot, price: Price, up: bool) -> Price {
    let step = match &lot.terms {
        Terms::English(terms) => terms.steps.step(price),
        Terms::Dutch(terms) => terms.step,
        Terms::Sealed(_) | Terms::Uniform(_) => Price::from_units(100).unwrap_or_default(),
        Terms::Call(terms) => terms.tick,
        Terms::Day(terms) => terms.call.tick,
    };
    let units = if up {
        price.units().saturating_add(step.units())
    } else {
        price.units().saturating_sub(step.units())
    };
    Price::from_units(units).unwrap_or(price)
}
