//! Prices far from the market's, which may be slips of the hand: people are asked before one is sent, programs refused.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

use auction_core::{Book, Lot, Price, Quantity, Side, Terms};
use serde_json::json;

use crate::args::trade::PriceCheck;
use crate::output::failure::{Failure, OutputFormat};

/// Distance from the compared price, in percent of it, from which on a price is asked about.
const PERCENT: u32 = 100;
/// Difference of the totals up to which nothing is asked without a limit of the user: 1.00.
const TOLERATED_UNITS: u128 = 10_000;
/// Multiple from which on the distance is shown as a multiple and not in percent.
const TIMES: u128 = 10;

/// A buy far above, or a sell far below, the price that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FarPrice {
    side: Side,
    price: Price,
    compared: Price,
    name: &'static str,
}

impl FarPrice {
    /// Compares a bid or an order with the lot's least bid, or with its base or reference price where bids are hidden.
    ///
    /// `percent` is the user's own limit. Without it the distance may be [`PERCENT`], or any that makes no more than 1.00
    /// for all of the shares.
    pub fn find(
        lot: &Lot,
        side: Side,
        quantity: Quantity,
        price: Price,
        percent: Option<u32>,
    ) -> Option<Self> {
        let (compared, name) = compared(lot)?;
        let (low, high) = match side {
            Side::Buy => (compared, price),
            Side::Sell => (price, compared),
        };
        let (low, high) = (u128::from(low.units()), u128::from(high.units()));
        let most = u128::from(percent.unwrap_or(PERCENT));
        let is_far = high * 100 > low * (100 + most);
        let difference = high.saturating_sub(low) * u128::from(quantity.get());
        let is_tolerated = percent.is_none() && difference <= TOLERATED_UNITS;
        (is_far && !is_tolerated).then_some(Self {
            side,
            price,
            compared,
            name,
        })
    }

    /// Returns the price.
    pub fn price(self) -> Price {
        self.price
    }
}

/// `90000.00 is 2499 times the least bid, 36.01`
impl fmt::Display for FarPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            price,
            compared,
            name,
            ..
        } = self;
        let (units, other) = (u128::from(price.units()), u128::from(compared.units()));
        match self.side {
            Side::Buy if units >= other * TIMES => {
                write!(f, "{price} is {} times {name}, {compared}", units / other)
            }
            Side::Buy => {
                let above = (units - other) * 100 / other;
                write!(f, "{price} is {above} % above {name}, {compared}")
            }
            Side::Sell => {
                let below = (other - units) * 100 / other;
                write!(f, "{price} is {below} % below {name}, {compared}")
            }
        }
    }
}

/// Returns the price to compare with, and its name; `None`: no such price, or a Dutch lot, where a buyer pays the price of
/// the moment whatever they accept.
fn compared(lot: &Lot) -> Option<(Price, &'static str)> {
    let base = (lot.base_price, "the base price");
    let compared = match (&lot.terms, &lot.book) {
        (Terms::English(_), _) => (lot.least_bid()?, "the least bid"),
        (Terms::Dutch(_), _) => return None,
        (_, Book::Call(book)) => book
            .reference
            .map_or(base, |price| (price, "the reference price")),
        (_, Book::Day(book)) => {
            let last = book.statistics.last;
            last.map_or(base, |price| (price, "the last trade"))
        }
        _ => base,
    };
    (compared.0 > Price::ZERO).then_some(compared)
}

impl PriceCheck {
    /// Checks a price before it is sent: a person at a terminal is asked, a program is refused.
    ///
    /// # Errors
    /// A usage failure that names the price and the options.
    pub async fn check(
        self,
        format: OutputFormat,
        lot: &Lot,
        (side, quantity, price): (Side, Quantity, Price),
    ) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        let Some(far) = FarPrice::find(lot, side, quantity, price, self.within) else {
            return Ok(());
        };
        let is_person = io::stdin().is_terminal() && io::stderr().is_terminal();
        if is_person && format == OutputFormat::Text {
            return match confirmed(format!("{far}. Send it? [y/N] ")).await {
                true => Ok(()),
                false => Err(Failure::usage("nothing was sent")),
            };
        }
        let percent = self.within.unwrap_or(PERCENT);
        let message = format!(
            "{far}; nothing was sent. --yes sends it; --within PERCENT allows more than {percent} percent"
        );
        let failure = Failure::usage(message).with_code("price_far");
        Err(failure.with_remedy("compared", json!(far.compared.to_string())))
    }
}

/// Asks a question at the terminal. The connection is kept alive meanwhile.
async fn confirmed(question: String) -> bool {
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        let mut stderr = io::stderr();
        let asked = stderr.write_all(question.as_bytes());
        let asked = asked.and_then(|()| stderr.flush());
        let read = asked.and_then(|()| io::stdin().read_line(&mut answer));
        read.map(|_| answer)
    });
    let answer = answer
        .await
        .map_or(String::new(), Result::unwrap_or_default);
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use auction_core::{Market, PublicEvent, Terms};

    use super::*;
    use crate::fixture::{bid, listed, market, opened, price, user};

    /// Returns the question about a price, with a limit in percent.
    fn asked(lot: &Lot, side: Side, text: &str, percent: Option<u32>) -> Option<String> {
        let far = FarPrice::find(lot, side, lot.quantity, price(text), percent);
        far.map(|far| far.to_string())
    }

    /// Returns a market with an English lot whose least bid is 36.01, and others on base prices of 1.39.
    fn of(changes: impl Fn(&mut auction_core::LotOpened)) -> Market {
        let mut event = opened(1, "AAPL");
        if let PublicEvent::LotOpened(opened) = &mut event {
            changes(opened);
        }
        market([listed("AAPL"), user(1, "mia"), event])
    }

    #[test]
    fn a_bid_far_above_the_least_is_asked_about_from_the_limit_on() {
        let begun = [listed("AAPL"), user(1, "mia"), opened(1, "AAPL")];
        let led = bid(1, Some("36.00"), 1, "36.00", "36.01");
        let market = market(begun.into_iter().chain([led]));
        let lot = &market.lots()[0];
        let buy = |text, percent| asked(lot, Side::Buy, text, percent);
        assert_eq!(
            buy("90000", None).as_deref(),
            Some("90000.00 is 2499 times the least bid, 36.01")
        );
        // At the limit nothing is asked, a unit above it is.
        assert_eq!(buy("72.02", None), None);
        assert_eq!(
            buy("72.0201", None).as_deref(),
            Some("72.0201 is 100 % above the least bid, 36.01")
        );
        assert_eq!(buy("37.8105", Some(5)), None);
        assert!(buy("37.8106", Some(5)).is_some());
        assert_eq!(buy("90000", Some(u32::MAX)), None);
        assert_eq!(buy("36.01", Some(0)), None);
        assert!(buy("36.0101", Some(0)).is_some());
        // Below the least bid the market refuses, which is no matter of this check.
        assert_eq!(buy("0", None), None);
    }

    #[test]
    fn a_small_sum_is_asked_about_only_with_an_own_limit() {
        let market = of(|_| {});
        let lot = &market.lots()[0];
        let least = lot.least_bid().unwrap();
        assert_eq!(least, price("1.40"));
        let cheap = of(|opened| opened.base_price = price("0.01"));
        let cheap = &cheap.lots()[0];
        // 0.02 is the least; 1.02 is exactly 1.00 more.
        assert_eq!(asked(cheap, Side::Buy, "1.02", None), None);
        assert!(asked(cheap, Side::Buy, "1.0201", None).is_some());
        assert!(asked(cheap, Side::Buy, "1.02", Some(100)).is_some());
        let many = of(|opened| {
            opened.base_price = price("0.01");
            opened.quantity = "1000".parse().unwrap();
        });
        assert!(asked(&many.lots()[0], Side::Buy, "0.05", None).is_some());
    }

    #[test]
    fn hidden_orders_are_compared_with_the_base_price() {
        let call = of(|opened| {
            opened.terms = Terms::Call(Default::default());
            opened.quantity = "100".parse().unwrap();
        });
        let call = &call.lots()[0];
        assert_eq!(
            asked(call, Side::Sell, "0.01", None).as_deref(),
            Some("0.01 is 99 % below the base price, 1.39")
        );
        assert!(asked(call, Side::Sell, "0", None).is_some());
        assert_eq!(asked(call, Side::Sell, "0.695", None), None);
        assert!(asked(call, Side::Sell, "0.6949", None).is_some());
        // To sell dear, or to buy cheap, costs nothing.
        assert_eq!(asked(call, Side::Sell, "90000", None), None);
        assert_eq!(asked(call, Side::Buy, "0.01", None), None);
        assert!(asked(call, Side::Buy, "90000", None).is_some());
        let unpriced = of(|opened| {
            opened.terms = Terms::Call(Default::default());
            opened.base_price = Price::ZERO;
        });
        assert_eq!(asked(&unpriced.lots()[0], Side::Buy, "90000", None), None);
    }

    #[test]
    fn a_dutch_lot_is_not_asked_about() {
        let dutch = of(|opened| {
            let (start, step) = (price("100"), price("1"));
            opened.terms = Terms::Dutch(auction_core::DutchTerms {
                start,
                step,
                interval: auction_core::Span::from_secs(1),
                floor: price("50"),
            });
        });
        assert_eq!(asked(&dutch.lots()[0], Side::Buy, "90000", None), None);
    }
}
