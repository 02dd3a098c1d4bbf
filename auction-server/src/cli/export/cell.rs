//! The values of an export, and the types of its columns.

use std::fmt;

use auction_core::{Name, Price, Symbol, Timestamp};

/// Type of a column: all values of a column are of one type, or missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "columns"),
    allow(dead_code, reason = "CSV and JSON go by the value")
)]
pub(super) enum Kind {
    Text,
    Integer,
    Money,
    Time,
}

/// A column: its name and the type of its values.
pub(super) type Column = (&'static str, Kind);

/// One value. In CSV all are text; in JSON all but [`Number`](Self::Number) are strings.
pub(super) enum Cell {
    Nothing,
    Word(&'static str),
    Text(String),
    Name(Name),
    Symbol(Symbol),
    Number(u32),
    /// A number with more than 32 bits.
    Long(i128),
    Price(Price),
    /// A sum in ten-thousandths, which may be more than an [`Amount`](auction_core::Amount).
    Money(u128),
    Time(Timestamp),
}

impl Cell {
    pub(super) fn long(number: impl TryInto<i128>) -> Self {
        // Sums of shares are far below the greatest i128.
        Self::Long(number.try_into().unwrap_or(i128::MAX))
    }
}

impl<T> From<Option<T>> for Cell
where
    T: Into<Cell>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl From<Name> for Cell {
    fn from(name: Name) -> Self {
        Self::Name(name)
    }
}

impl From<Symbol> for Cell {
    fn from(symbol: Symbol) -> Self {
        Self::Symbol(symbol)
    }
}

impl From<Price> for Cell {
    fn from(price: Price) -> Self {
        Self::Price(price)
    }
}

impl From<Timestamp> for Cell {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Word(word) => f.write_str(word),
            Self::Text(text) => f.write_str(text),
            Self::Name(name) => name.fmt(f),
            Self::Symbol(symbol) => symbol.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Long(number) => number.fmt(f),
            Self::Price(price) => price.fmt(f),
            Self::Money(units) => write_money(*units, f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

/// Two decimals at least, four at most.
fn write_money(units: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (whole, rest) = (units / 10_000, units % 10_000);
    match rest % 100 {
        0 => write!(f, "{whole}.{:02}", rest / 100),
        _ if rest % 10 == 0 => write!(f, "{whole}.{:03}", rest / 10),
        _ => write!(f, "{whole}.{rest:04}"),
    }
}
