//! The trading day in words and in JSON: its terms, its events, and the results of orders.

use auction_client::AllCancelled;
use auction_core::{
    Amount, CorridorKind, DayBook, DayHaltCause, DayPhase, DayReply, DayRest, DayTerms,
    ExtensionCause, Lot, LotId, Phase, Price, PublicEvent, Schedule, Side,
};
use serde_json::{Value, json};

use crate::output::call;

use crate::output::names::View;
use crate::output::scalar::price;
use crate::output::time::{countdown, span_words, time_of_day};

/// Describes the terms, as a sentence without its full stop.
pub fn terms(lot: &Lot, terms: &DayTerms) -> String {
    let mut text = format!("trading day: {}", schedule(lot, terms));
    if lot.quantity.get() > 1 {
        text.push_str(&format!("; quantities in lots of {}", lot.quantity));
    }
    text.push_str(&format!("; limits on a tick of {}", terms.call.tick));
    if terms.static_corridor.is_some() || terms.dynamic_corridor.is_some() {
        let length = span_words(terms.volatility_length);
        text.push_str(&format!(
            "; a price outside a corridor interrupts it for a call of {length}"
        ));
    }
    text
}

/// Returns the schedule by its planned lengths.
fn schedule(lot: &Lot, terms: &DayTerms) -> Schedule {
    let length = match &lot.book {
        auction_core::Book::Day(book) if !book.lengths.is_empty() => {
            let begins = terms.phases.last().map(|last| last.begins_after);
            let last = book.lengths.last().copied().unwrap_or_default();
            begins.unwrap_or_default().micros() + last.micros()
        }
        _ => lot.closes_at.since(lot.opened_at).micros(),
    };
    // The client's clock, by which the close was chosen, can differ a little from the server's.
    let length = length.saturating_add(500_000) / 1_000_000 * 1_000_000;
    Schedule {
        phases: terms.phases.clone(),
        length: auction_core::Span::from_micros(length).unwrap_or_default(),
    }
}

/// Returns the terms by the names of the flags that open a lot.
pub fn terms_json(terms: &DayTerms) -> Value {
    let millis = |span: auction_core::Span| span.micros() / 1_000;
    let corridor = |corridor: Option<auction_core::Collar>| {
        corridor.map(|of| json!({"price": of.absolute.to_string(), "bps": of.basis_points}))
    };
    let mut fields = call::terms_json(&terms.call);
    let phases = terms
        .phases
        .iter()
        .map(|of| json!({"phase": of.phase.as_str(), "begins_after_ms": millis(of.begins_after)}));
    fields["phases"] = phases.collect();
    fields["static_corridor"] = json!(corridor(terms.static_corridor));
    fields["dynamic_corridor"] = json!(corridor(terms.dynamic_corridor));
    fields["volatility_length_ms"] = json!(millis(terms.volatility_length));
    fields["volatility_random_end_ms"] = json!(millis(terms.volatility_random_end));
    fields["interruptions_max"] = json!(terms.interruptions_max);
    fields
}

/// Returns phase, statistics and the ten best levels of each side.
pub fn book_json(book: &DayBook) -> Value {
    let day = &book.statistics;
    let levels = |side| {
        let levels = book.orders.levels(side).take(10).map(|level| {
            json!({
                "price": level.price.to_string(), "quantity": level.open, "orders": level.orders,
            })
        });
        Value::Array(levels.collect())
    };
    json!({
        "phase": book.phase.map(|phase| phase.as_str()),
        "phase_ends_at": book.phase.map(|_| book.phase_ends_at.to_string()),
        "open": price(day.open),
        "high": price(day.high),
        "low": price(day.low),
        "last": price(day.last),
        "close": price(day.close),
        "average": price(day.average()),
        "volume": day.volume.to_string(),
        "value": money(day.value),
        "trades": day.trades,
        "halted_because": book.halt.map(halt_name),
        "buys": levels(Side::Buy),
        "sells": levels(Side::Sell),
    })
}

fn halt_name(cause: DayHaltCause) -> &'static str {
    match cause {
        DayHaltCause::CrossedAtCollar => "crossed_at_collar",
        DayHaltCause::Interruptions => "interruptions",
    }
}

/// Returns the price of a lot's last trade, on a trading day.
pub fn last(lot: &Lot) -> Option<Price> {
    match &lot.book {
        auction_core::Book::Day(book) => book.statistics.last,
        _ => None,
    }
}

/// Returns a sum of ten-thousandths as a decimal.
pub fn money(units: u128) -> String {
    match u64::try_from(units).ok().and_then(Amount::from_units) {
        Some(amount) => amount.to_string(),
        None => format!("{}.{:04}", units / 10_000, units % 10_000),
    }
}

/// Describes the running phase and the time left: `continuous for 59:58`.
pub fn phase_left(view: View<'_>, lot: &Lot, book: &DayBook) -> Option<String> {
    if lot.phase != Phase::Open || lot.halted_since.is_some() {
        return None;
    }
    let left = countdown(book.phase_ends_at, view.now);
    Some(format!("{} for {left}", book.phase?))
}

/// Describes the running phase: `continuous for 59:58, last 12.45`.
pub fn when(view: View<'_>, lot: &Lot, book: &DayBook) -> Option<String> {
    let phase = phase_left(view, lot, book)?;
    let last = match book.statistics.last {
        Some(last) => format!(", last {last}"),
        None => String::new(),
    };
    Some(format!("{phase}{last}"))
}

/// Describes what became of an order at once; without a side, of a replaced order.
pub fn placed_text(title: &str, side: Option<Side>, reply: &DayReply) -> String {
    let order = reply.order;
    let verb = match side {
        Some(Side::Buy) => "bought",
        Some(Side::Sell) => "sold",
        None => "traded",
    };
    let traded = match (reply.traded, average(reply)) {
        (0, _) | (_, None) => "nothing traded yet".to_owned(),
        (shares, Some(average)) => format!("{verb} {} at {average}", in_shares(shares)),
    };
    let rest = match reply.rest {
        DayRest::None => "nothing is left".to_owned(),
        DayRest::Rests { open } => format!("{} rest in the book", in_shares(open.get())),
        DayRest::Parked { open } => {
            format!("{} wait, hidden, for their call", in_shares(open.get()))
        }
        DayRest::Keeps { open } => {
            format!("its {} keep their place", in_shares(open.get()))
        }
        DayRest::Lapsed { quantity, because } => {
            format!("{} lapsed: {}", in_shares(quantity.get()), because.label())
        }
    };
    let what = match side {
        Some(_) => "is accepted",
        None => "is replaced",
    };
    format!("{title}: your order {order} {what}: {traded}; {rest}.")
}

fn in_shares(shares: u64) -> String {
    let s = if shares == 1 { "" } else { "s" };
    format!("{shares} share{s}")
}

/// Returns the average price of what traded at once.
fn average(reply: &DayReply) -> Option<Price> {
    average_of(reply.value, reply.traded)
}

/// Returns the average price of shares that traded for a sum of price x shares, rounded half up to a ten-thousandth.
pub fn average_of(value: u128, shares: u64) -> Option<Price> {
    let shares = u128::from(shares);
    let average = (value + shares / 2).checked_div(shares)?;
    u64::try_from(average).ok().and_then(Price::from_units)
}

/// Returns a phase in words: `continuous trading`.
pub fn phase_name(phase: DayPhase) -> &'static str {
    match phase {
        DayPhase::PreOpen => "pre-open",
        DayPhase::Call => "a call",
        DayPhase::Continuous => "continuous trading",
        DayPhase::Volatility => "a volatility call",
        DayPhase::AtLast => "trading at last",
    }
}

/// Returns the reason why a lot halted without a command, in words.
pub fn halt_words(cause: DayHaltCause) -> &'static str {
    match cause {
        DayHaltCause::CrossedAtCollar => "orders still cross at the collar",
        DayHaltCause::Interruptions => "there were too many interruptions",
    }
}

/// Describes a cancel-all: `3 orders cancelled; 1 order cannot be cancelled now`.
pub fn all_cancelled_text(all: AllCancelled, of: &str) -> String {
    let orders = |count| match count {
        1 => "1 order".to_owned(),
        count => format!("{count} orders"),
    };
    let kept = match all.kept {
        0 => String::new(),
        kept => format!("; {} cannot be cancelled now", orders(kept)),
    };
    format!("{}{of} cancelled{kept}.", orders(all.cancelled))
}

/// Adds the result of an order to a report.
pub fn placed_json(fields: &mut Value, reply: &DayReply) {
    fields["traded"] = json!(reply.traded);
    fields["value"] = json!(money(reply.value));
    fields["average"] = price(average(reply));
    let (rest, shares, because) = match reply.rest {
        DayRest::None => ("none", 0, None),
        DayRest::Rests { open } => ("rests", open.get(), None),
        DayRest::Parked { open } => ("parked", open.get(), None),
        DayRest::Keeps { open } => ("keeps", open.get(), None),
        DayRest::Lapsed { quantity, because } => ("lapsed", quantity.get(), Some(because.label())),
    };
    fields["rest"] = json!(rest);
    fields["rest_quantity"] = json!(shares);
    fields["because"] = json!(because);
}

impl View<'_> {
    /// Describes an event of a trading day in a line: title, text, and true if it is urgent. `None`: it is of no
    /// interest to a bidder, or of another format.
    pub fn day_news(&self, event: &PublicEvent) -> Option<(String, String, bool)> {
        let (lot, text, is_urgent) = match *event {
            PublicEvent::PhaseBegan(began) => {
                let left = countdown(began.ends_at, self.now);
                (
                    began.lot,
                    format!("{} begins, for {left}", began.phase),
                    true,
                )
            }
            PublicEvent::PhaseExtended {
                lot,
                ends_at,
                cause,
            } => {
                let why = match cause {
                    ExtensionCause::Volatility => ": the price is outside the collar",
                    ExtensionCause::MarketOrders => ": market orders would stay unfilled",
                    ExtensionCause::SoftClose | ExtensionCause::Ordered => "",
                };
                let left = countdown(ends_at, self.now);
                (lot, format!("the call goes on for {left}{why}"), false)
            }
            PublicEvent::PhaseMoved {
                lot,
                phase,
                ends_at,
            } => {
                let at = time_of_day(ends_at);
                let number = phase + 1;
                (lot, format!("phase {number} ends at {at} now"), false)
            }
            PublicEvent::CallUncrossed {
                lot, ref outcome, ..
            } => {
                let found = self.market.lot(lot)?;
                (
                    lot,
                    format!("uncrossed: {}", self.outcome(found, outcome)),
                    true,
                )
            }
            PublicEvent::Traded {
                lot,
                price,
                quantity,
                aggressor,
                ..
            } => {
                let verb = match aggressor {
                    Side::Buy => "bought",
                    Side::Sell => "sold",
                };
                let shares = in_shares(quantity.get());
                (lot, format!("{shares} {verb} at {price}"), false)
            }
            PublicEvent::Interrupted {
                lot,
                price,
                corridor,
            } => {
                let corridor = corridor_name(corridor);
                let text = format!(
                    "interrupted: the next price, {price}, is outside the {corridor} corridor"
                );
                (lot, text, true)
            }
            PublicEvent::DayHalted { lot, cause } => {
                let why = halt_words(cause);
                (lot, format!("halted: {why}"), true)
            }
            PublicEvent::MarketHalted => {
                let text = "halted; only cancellations are accepted".to_owned();
                return Some(("MARKET".to_owned(), text, true));
            }
            PublicEvent::MarketResumed => {
                return Some(("MARKET".to_owned(), "goes on".to_owned(), true));
            }
            _ => return None,
        };
        Some((self.title(lot), text, is_urgent))
    }

    /// Returns the name and the fields of an event of a trading day; `None` for events of other formats.
    pub fn day_event_json(&self, event: &PublicEvent) -> Option<(&'static str, Value)> {
        let (name, lot, mut fields) = match *event {
            PublicEvent::PhaseBegan(began) => (
                "phase",
                began.lot,
                json!({
                    "phase": began.phase.as_str(),
                    "ends_at": began.ends_at.to_string(),
                    "reference": price(Some(began.reference).filter(|price| *price > Price::ZERO)),
                }),
            ),
            PublicEvent::PhaseExtended { lot, ends_at, .. } => (
                "phase_extended",
                lot,
                json!({"ends_at": ends_at.to_string()}),
            ),
            PublicEvent::PhaseMoved {
                lot,
                phase,
                ends_at,
            } => (
                "phase_moved",
                lot,
                json!({"phase": phase, "ends_at": ends_at.to_string()}),
            ),
            PublicEvent::CallUncrossed {
                lot,
                ref outcome,
                trade,
            } => (
                "uncrossed",
                lot,
                json!({"outcome": self.outcome_json(outcome), "trade": trade}),
            ),
            PublicEvent::OrderShown {
                lot,
                number,
                side,
                price,
                open,
            } => (
                "order_shown",
                lot,
                json!({
                    "number": number, "side": side_name(side), "price": price.to_string(), "quantity": open.get(),
                }),
            ),
            PublicEvent::OrderReduced { lot, number, open } => (
                "order_reduced",
                lot,
                json!({"number": number, "quantity": open.get()}),
            ),
            PublicEvent::OrderGone { lot, number } => {
                ("order_gone", lot, json!({"number": number}))
            }
            PublicEvent::Traded {
                lot,
                number,
                price,
                quantity,
                resting,
                aggressor,
            } => (
                "trade",
                lot,
                json!({
                    "trade": number,
                    "price": price.to_string(),
                    "quantity": quantity.get(),
                    "resting": resting,
                    "aggressor": side_name(aggressor),
                }),
            ),
            PublicEvent::Interrupted {
                lot,
                price,
                corridor,
            } => (
                "interrupted",
                lot,
                json!({"price": price.to_string(), "corridor": corridor_name(corridor)}),
            ),
            PublicEvent::DayHalted { lot, cause } => {
                ("day_halted", lot, json!({"cause": halt_name(cause)}))
            }
            PublicEvent::MarketHalted => return Some(("market_halted", json!({}))),
            PublicEvent::MarketResumed => return Some(("market_resumed", json!({}))),
            _ => return None,
        };
        fields["lot"] = json!(lot.0);
        fields["symbol"] = json!(self.symbol(lot));
        Some((name, fields))
    }

    fn symbol(&self, lot: LotId) -> Option<String> {
        self.market.lot(lot).map(|lot| lot.symbol.to_string())
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

pub fn corridor_name(corridor: CorridorKind) -> &'static str {
    match corridor {
        CorridorKind::Static => "static",
        CorridorKind::Dynamic => "dynamic",
    }
}
