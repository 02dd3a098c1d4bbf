//! The price ladder, which selects the price of an uncross. The steps are those of the published Xetra criteria.

use crate::Price;

/// A limit price and the quantities wanted and offered at it, market orders included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Point {
    /// The price.
    pub price: Price,
    /// Cumulative buy quantity: market orders, and limits at this price and higher.
    pub buy: u64,
    /// Cumulative sell quantity: market orders, and limits at this price and lower.
    pub sell: u64,
}

impl Point {
    /// Returns the number of shares that would trade at this price.
    #[must_use]
    pub const fn volume(&self) -> u64 {
        if self.buy < self.sell {
            self.buy
        } else {
            self.sell
        }
    }

    /// Returns the cumulative buy quantity minus the cumulative sell quantity: the quantity that would be left over.
    #[must_use]
    pub const fn surplus(&self) -> i64 {
        // 63 bits hold a book's quantities: its limits ensure that.
        self.buy as i64 - self.sell as i64
    }
}

/// The best limit of one side and the quantity at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Quote {
    /// The limit.
    pub price: Price,
    /// Number of shares at this limit.
    pub quantity: u64,
}

/// Input of the ladder.
#[derive(Clone, Copy, Debug)]
pub struct Depth<'a> {
    /// Limit prices in rising order: all, or at least the two highest without a sell surplus and the two lowest
    /// with one.
    pub points: &'a [Point],
    /// Shares of market orders to buy.
    pub market_buy: u64,
    /// Shares of market orders to sell.
    pub market_sell: u64,
    /// The highest buy limit.
    pub best_buy: Option<Quote>,
    /// The lowest sell limit.
    pub best_sell: Option<Quote>,
    /// The grid of prices; not zero.
    pub tick: Price,
    /// The reference price, on the tick and not zero; `None`: no reference.
    pub reference: Option<Price>,
}

/// A price at which the sides cross, and the ladder step that selected it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cross {
    /// The price.
    pub price: Price,
    /// Number of shares that trade.
    pub volume: u64,
    /// Cumulative buy minus cumulative sell quantity at the price.
    pub surplus: i64,
    /// The step of the ladder that decided.
    pub decided_by: LadderStep,
}

impl Cross {
    pub(super) const fn at(point: Point, decided_by: LadderStep) -> Self {
        Self {
            price: point.price,
            volume: point.volume(),
            surplus: point.surplus(),
            decided_by,
        }
    }
}

/// Result of an uncross now: the only price data that is published while the call runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Indicative {
    /// A price, before the collar is applied.
    Cross(Cross),
    /// Nothing would trade.
    NoCross {
        /// The highest buy limit.
        best_buy: Option<Quote>,
        /// The lowest sell limit.
        best_sell: Option<Quote>,
    },
}

/// Step of the ladder that decided the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LadderStep {
    /// Only market orders trade: the reference, limited to between the best limits.
    Market,
    /// One price has the greatest volume.
    Volume,
    /// Of the prices with the greatest volume one has the least surplus.
    Surplus,
    /// All of those have more buyers: the highest price; or all have more sellers: the lowest.
    Pressure,
    /// The nearest to the reference, otherwise the middle, of the range where the surplus changes sign or is zero.
    Reference,
    /// The price was outside the collar: its nearer bound.
    Collar,
}

impl LadderStep {
    /// Returns the step in words, to be shown after a price: `the greatest volume`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Market => "market orders alone",
            Self::Volume => "the greatest volume",
            Self::Surplus => "the least surplus",
            Self::Pressure => "the pressure of one side",
            Self::Reference => "the nearest to the reference",
            Self::Collar => "the bound of the collar",
        }
    }
}

impl Depth<'_> {
    /// Returns the price, or `None` when nothing would trade, or when only market orders would trade and there is
    /// nothing to price them by.
    #[must_use]
    pub fn cross(&self) -> Option<Cross> {
        let volume = self.points.iter().map(Point::volume).max().unwrap_or(0);
        let market_volume = self.market_buy.min(self.market_sell);
        if market_volume > 0 && market_volume >= volume {
            return self.market_cross();
        }
        if volume == 0 {
            return None;
        }
        let greatest = || self.points.iter().filter(|point| point.volume() == volume);
        if let Some(only) = single(greatest()) {
            return Some(Cross::at(*only, LadderStep::Volume));
        }
        let surplus = greatest()
            .map(|point| point.surplus().unsigned_abs())
            .min()?;
        let least = || greatest().filter(|point| point.surplus().unsigned_abs() == surplus);
        if let Some(only) = single(least()) {
            return Some(Cross::at(*only, LadderStep::Surplus));
        }
        let (lowest, highest) = (least().next()?, least().next_back()?);
        // The surplus falls as the price rises, so the two ends describe all prices between.
        match (lowest.surplus().signum(), highest.surplus().signum()) {
            (1, 1) => Some(Cross::at(*highest, LadderStep::Pressure)),
            (-1, -1) => Some(Cross::at(*lowest, LadderStep::Pressure)),
            (1, -1) => {
                let bought = least().rfind(|point| point.surplus() > 0)?;
                let sold = least().find(|point| point.surplus() < 0)?;
                Some(self.nearest_to_reference(bought, sold))
            }
            _ => Some(self.nearest_to_reference(lowest, highest)),
        }
    }

    /// Prices market orders alone. No limit order would trade, so the best limits do not cross.
    fn market_cross(&self) -> Option<Cross> {
        let low = self.best_buy.map(|quote| quote.price);
        let high = self.best_sell.map(|quote| quote.price);
        let price = match (self.reference, low, high) {
            (Some(reference), ..) => {
                let raised = low.map_or(reference, |low| reference.max(low));
                high.map_or(raised, |high| raised.min(high))
            }
            (None, Some(low), Some(high)) => self.middle(low, high),
            (None, one, other) => one.or(other)?,
        };
        let at_price = |quote: Option<Quote>| {
            quote
                .filter(|quote| quote.price == price)
                .map_or(0, |quote| quote.quantity)
        };
        let point = Point {
            price,
            buy: self.market_buy + at_price(self.best_buy),
            sell: self.market_sell + at_price(self.best_sell),
        };
        Some(Cross::at(point, LadderStep::Market))
    }

    /// Selects a price between two neighbouring candidates, or one of them; it may be a price that no order names.
    fn nearest_to_reference(&self, low: &Point, high: &Point) -> Cross {
        let price = match self.reference {
            Some(reference) => reference.clamp(low.price, high.price),
            None => self.middle(low.price, high.price),
        };
        let buy = if price == low.price {
            low.buy
        } else {
            high.buy
        };
        let sell = if price == high.price {
            high.sell
        } else {
            low.sell
        };
        Cross::at(Point { price, buy, sell }, LadderStep::Reference)
    }

    fn middle(&self, low: Price, high: Price) -> Price {
        let middle = low.units().midpoint(high.units());
        let middle = Price::from_units(middle).expect("between two prices");
        round_down(middle, self.tick)
    }
}

/// Returns the highest price on the tick that is not above `price`.
pub(crate) fn round_down(price: Price, tick: Price) -> Price {
    let units = price.units() - price.units() % tick.units();
    Price::from_units(units).expect("no higher than a price")
}

fn single<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next();
    first.filter(|_| items.next().is_none())
}
