//! Names of the formats in flags, files and exports.

use core::fmt;
use core::str::FromStr;

use crate::clearing::sealed::SealedPricing;
use crate::clearing::uniform::UniformPricing;
use crate::model::command::Terms;

/// A format by name. Formats that differ only in the price that the winner pays have separate names. More formats may
/// be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Ascending, open.
    English,
    /// Descending: the first trader to take it wins.
    Dutch,
    /// Sealed, and the winner pays their own bid.
    SealedFirst,
    /// Sealed, and the winner pays the second highest bid.
    Vickrey,
    /// Sealed bids for parts, and all pay one price.
    Uniform,
    /// Sealed bids for parts, and each pays their own price.
    PayAsBid,
    /// Orders to buy and to sell that trade all at once, at one price.
    Call,
    /// Calls and continuous trading in one book.
    Day,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 8] = [
        Self::English,
        Self::Dutch,
        Self::SealedFirst,
        Self::Vickrey,
        Self::Uniform,
        Self::PayAsBid,
        Self::Call,
        Self::Day,
    ];

    /// Returns the name used in flags, files and exports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "english",
            Self::Dutch => "dutch",
            Self::SealedFirst => "sealed-first",
            Self::Vickrey => "vickrey",
            Self::Uniform => "uniform",
            Self::PayAsBid => "pay-as-bid",
            Self::Call => "call",
            Self::Day => "day",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, ParseFormatError> {
        let named = Self::ALL.into_iter().find(|format| format.as_str() == text);
        named.ok_or(ParseFormatError)
    }
}

/// Error of an unknown format name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected english, dutch, sealed-first, vickrey, uniform, pay-as-bid, call or day")]
pub struct ParseFormatError;

impl Terms {
    /// Returns the format.
    #[must_use]
    pub const fn kind(&self) -> Format {
        match self {
            Self::English(_) => Format::English,
            Self::Dutch(_) => Format::Dutch,
            Self::Sealed(terms) => match terms.pricing {
                SealedPricing::FirstPrice => Format::SealedFirst,
                SealedPricing::SecondPrice => Format::Vickrey,
            },
            Self::Uniform(terms) => match terms.pricing {
                UniformPricing::Uniform => Format::Uniform,
                UniformPricing::PayAsBid => Format::PayAsBid,
            },
            Self::Call(_) => Format::Call,
            Self::Day(_) => Format::Day,
        }
    }

    /// Returns the format's name used in flags, files and exports.
    #[must_use]
    pub const fn format(&self) -> &'static str {
        self.kind().as_str()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_format_is_read_as_it_is_written() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("English".parse::<Format>(), Err(ParseFormatError));
    }
}
