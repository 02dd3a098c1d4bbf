//! Money and quantities: integers named by their unit, never floats.

use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;

use crate::limits::{AMOUNT_MAX, PRICE_MAX, PROFIT_MAX, QUANTITY_MAX};

/// Number of units in one unit of currency: prices are in ten-thousandths, as in Nasdaq ITCH's `Price(4)`.
pub const UNITS_PER_CURRENCY: u64 = 10_000;

const DECIMALS: usize = 4;

/// A price of one share, in ten-thousandths of the currency unit; at most [`PRICE_MAX`].
///
/// It stores one more than its units, so that an `Option<Price>` is as small as a price: a market has many of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(NonZeroU64);

impl Price {
    /// Zero: the base price of a stock without a value.
    pub const ZERO: Self = Self(NonZeroU64::MIN);
    /// The smallest difference between two prices.
    pub const UNIT: Self = Self(Self::ZERO.0.saturating_add(1));
    /// The greatest price.
    pub const MAX: Self = Self(Self::ZERO.0.saturating_add(PRICE_MAX));

    /// Creates a price in ten-thousandths, or returns `None` above [`PRICE_MAX`].
    #[must_use]
    pub const fn from_units(units: u64) -> Option<Self> {
        if units <= PRICE_MAX {
            Some(Self(NonZeroU64::MIN.saturating_add(units)))
        } else {
            None
        }
    }

    /// Returns the price in ten-thousandths.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0.get() - 1
    }

    /// Parses a decimal such as `12`, `12.5` or `0.0008`: digits, at most one point, at most four decimals.
    ///
    /// ```
    /// use auction_core::Price;
    /// assert_eq!(Price::parse("1.32")?.units(), 13_200);
    /// assert!(Price::parse("1.32x").is_err());
    /// # Ok::<(), auction_core::MoneyError>(())
    /// ```
    ///
    /// # Errors
    /// [`MoneyError`] gives the reason why the text is invalid.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let units = parse_units(text)?;
        Self::from_units(units).ok_or(MoneyError::TooLarge)
    }

    /// Returns the sum, or `None` above the greatest price.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        // The sum of two prices is far below the greatest u64.
        Self::from_units(self.units() + other.units())
    }

    /// Returns the sum, or `None` above `most`.
    #[inline]
    pub(crate) fn add_up_to(self, other: Self, most: Self) -> Option<Self> {
        // The sum of two prices is far below the greatest u64.
        let sum = self.0.get() + other.units();
        let sum = (sum <= most.0.get()).then(|| NonZeroU64::new(sum));
        sum.flatten().map(Self)
    }

    /// Returns the distance above another price; zero if this price is not above it.
    pub(crate) const fn above(self, other: Self) -> Self {
        Self(NonZeroU64::MIN.saturating_add(self.0.get().saturating_sub(other.0.get())))
    }

    /// Returns the cost of `quantity` shares at this price, or `None` above [`AMOUNT_MAX`].
    #[must_use]
    pub const fn checked_mul(self, quantity: Quantity) -> Option<Amount> {
        match self.units().checked_mul(quantity.0) {
            Some(units) => Amount::from_units(units),
            None => None,
        }
    }
}

impl FromStr for Price {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Self::parse(text)
    }
}

/// Writes at least two decimals, at most four: `1.40`, `0.0008`.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_units(f, self.units(), 2)
    }
}

impl fmt::Debug for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Price({self})")
    }
}

impl Default for Price {
    fn default() -> Self {
        Self::ZERO
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Price {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.units())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Price {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let units = <u64 as serde::Deserialize>::deserialize(deserializer)?;
        Self::from_units(units).ok_or_else(|| serde::de::Error::custom(MoneyError::TooLarge))
    }
}

/// A sum of money, price x quantity, in ten-thousandths; at most [`AMOUNT_MAX`].
///
/// It stores one more than its units, as a price does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(NonZeroU64);

impl Amount {
    /// Zero.
    pub const ZERO: Self = Self(NonZeroU64::MIN);
    /// The greatest amount.
    pub const MAX: Self = Self(Self::ZERO.0.saturating_add(AMOUNT_MAX));

    /// Creates an amount in ten-thousandths, or returns `None` above [`AMOUNT_MAX`].
    #[must_use]
    pub const fn from_units(units: u64) -> Option<Self> {
        if units <= AMOUNT_MAX {
            Some(Self(NonZeroU64::MIN.saturating_add(units)))
        } else {
            None
        }
    }

    /// Returns the amount in ten-thousandths.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0.get() - 1
    }

    /// Parses a decimal such as `1000`, `12.5` or `0.0008`.
    ///
    /// # Errors
    /// [`MoneyError`] gives the reason why the text is invalid.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let units = parse_units(text).map_err(|error| match error {
            MoneyError::TooLarge => MoneyError::AmountTooLarge,
            other => other,
        })?;
        Self::from_units(units).ok_or(MoneyError::AmountTooLarge)
    }
}

impl FromStr for Amount {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Self::parse(text)
    }
}

/// Writes at least two decimals, at most four: `100.00`, `0.0008`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_units(f, self.units(), 2)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Amount({self})")
    }
}

impl Default for Amount {
    fn default() -> Self {
        Self::ZERO
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.units())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let units = <u64 as serde::Deserialize>::deserialize(deserializer)?;
        Self::from_units(units).ok_or_else(|| serde::de::Error::custom(MoneyError::AmountTooLarge))
    }
}

/// A number of shares, 1 to [`QUANTITY_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Quantity(u64);

impl Quantity {
    /// One share.
    pub const ONE: Self = Self(1);

    /// Creates a quantity, or returns `None` for zero and above [`QUANTITY_MAX`].
    #[must_use]
    pub const fn new(shares: u64) -> Option<Self> {
        if shares >= 1 && shares <= QUANTITY_MAX {
            Some(Self(shares))
        } else {
            None
        }
    }

    /// Returns the number of shares.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let shares = text.parse().ok().filter(|_| all_digits);
        shares.and_then(Self::new).ok_or(QuantityError)
    }
}

/// Error of a text that is no number of shares. The message continues a sentence that begins with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no number of shares; expected 1 to {QUANTITY_MAX}")]
pub struct QuantityError;

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A company's published profit, in ten-thousandths; a loss is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Profit(i64);

impl Profit {
    /// Creates a profit in ten-thousandths, or returns `None` if its magnitude is above [`PROFIT_MAX`].
    #[must_use]
    pub const fn from_units(units: i64) -> Option<Self> {
        if units >= -PROFIT_MAX && units <= PROFIT_MAX {
            Some(Self(units))
        } else {
            None
        }
    }

    /// Returns the profit in ten-thousandths.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// Parses a decimal such as `9800`, `-12.5` or `0.0008`.
    ///
    /// # Errors
    /// [`MoneyError`] gives the reason why the text is invalid.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let units = i64::try_from(parse_units(digits)?).map_err(|_| MoneyError::TooLarge)?;
        Self::from_units(if negative { -units } else { units }).ok_or(MoneyError::TooLarge)
    }
}

impl FromStr for Profit {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Self::parse(text)
    }
}

/// Writes as few decimals as needed: `9800`, `-12.5`.
impl fmt::Display for Profit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write_units(f, self.0.unsigned_abs(), 0)
    }
}

/// Reason why a text is no amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// No digit before the point, or an empty text.
    #[error("is not a decimal; expected for example 12.50")]
    NotADecimal,
    /// More than four decimals.
    #[error("has more than four decimals; expected for example 0.0008")]
    TooPrecise,
    /// Above the greatest value.
    #[error("is too large; the greatest price is 999999999.9999")]
    TooLarge,
    /// Above the greatest amount.
    #[error("is too large; the greatest amount is 100000000000000")]
    AmountTooLarge,
}

fn parse_units(text: &str) -> Result<u64, MoneyError> {
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
        Some(_) => return Err(MoneyError::NotADecimal),
        None => (text, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(decimals) {
        return Err(MoneyError::NotADecimal);
    }
    if decimals.len() > DECIMALS {
        return Err(MoneyError::TooPrecise);
    }
    let padding = core::iter::repeat_n(b'0', DECIMALS - decimals.len());
    whole
        .bytes()
        .chain(decimals.bytes())
        .chain(padding)
        .try_fold(0_u64, |units, digit| {
            units
                .checked_mul(10)
                .and_then(|units| units.checked_add(u64::from(digit - b'0')))
                .ok_or(MoneyError::TooLarge)
        })
}

fn write_units(f: &mut fmt::Formatter<'_>, units: u64, decimals_min: usize) -> fmt::Result {
    let mut decimals = DECIMALS;
    let mut fraction = units % UNITS_PER_CURRENCY;
    while decimals > decimals_min && fraction.is_multiple_of(10) {
        fraction /= 10;
        decimals -= 1;
    }
    let whole = units / UNITS_PER_CURRENCY;
    if decimals == 0 {
        write!(f, "{whole}")
    } else {
        write!(f, "{whole}.{fraction:0decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn decimals_parse_to_exact_units_or_are_refused_with_the_reason() {
        let cases = [
            ("1.32", Ok(13_200)),
            ("0", Ok(0)),
            ("0.00", Ok(0)),
            ("007", Ok(70_000)),
            ("0.0008", Ok(8)),
            ("999999999.9999", Ok(PRICE_MAX)),
            ("1000000000", Err(MoneyError::TooLarge)),
            ("99999999999999999999", Err(MoneyError::TooLarge)),
            // Modulo 2^64 it would be 0.384.
            ("18446744073709552", Err(MoneyError::TooLarge)),
            ("1.00000", Err(MoneyError::TooPrecise)),
            ("", Err(MoneyError::NotADecimal)),
            (".5", Err(MoneyError::NotADecimal)),
            ("5.", Err(MoneyError::NotADecimal)),
            ("-1", Err(MoneyError::NotADecimal)),
            ("+1", Err(MoneyError::NotADecimal)),
            ("1e3", Err(MoneyError::NotADecimal)),
            ("1,5", Err(MoneyError::NotADecimal)),
            ("1.2.3", Err(MoneyError::NotADecimal)),
            (" 1", Err(MoneyError::NotADecimal)),
            ("\u{0661}", Err(MoneyError::NotADecimal)),
        ];
        for (text, expected) in cases {
            assert_eq!(Price::parse(text).map(Price::units), expected, "{text:?}");
        }
    }

    #[test]
    fn a_price_prints_two_to_four_decimals_a_profit_the_fewest() {
        let price = |units| Price::from_units(units).unwrap().to_string();
        assert_eq!(price(14_000), "1.40");
        assert_eq!(price(8), "0.0008");
        assert_eq!(price(12_340), "1.234");
        let profit = |units| Profit::from_units(units).unwrap().to_string();
        assert_eq!(profit(98_000_000), "9800");
        assert_eq!(profit(-125_000), "-12.5");
        assert_eq!(Profit::parse("-12.5").unwrap().units(), -125_000);
    }

    proptest::proptest! {
        #![proptest_config(crate::property_config())]

        #[test]
        fn every_price_prints_to_a_text_that_parses_to_it(units in 0..=PRICE_MAX) {
            let price = Price::from_units(units).unwrap();
            proptest::prop_assert_eq!(Price::parse(&price.to_string()), Ok(price));
        }
    }
}
