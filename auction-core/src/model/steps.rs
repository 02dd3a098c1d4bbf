//! Arithmetic of the rules: the steps of an ascending price and the soft close.

use core::fmt;
use core::str::FromStr;

use smallvec::{SmallVec, smallvec};

use crate::limits::STEP_BANDS_MAX;
use crate::{MoneyError, Price, Span, Timestamp};

/// Version of the rules by which this crate decides. Every record contains it, so that a later version can still decide
/// an old journal in the same way.
pub const RULES_VERSION: u16 = 1;

/// Minimum raise of the next bid: bands of (from price, step). A band includes its `from`; steps never fall as prices
/// rise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Steps(SmallVec<[StepBand; 1]>);

/// One band of [`Steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StepBand {
    /// The lowest price of the band.
    pub from: Price,
    /// The step for prices of the band; at least one unit.
    pub step: Price,
}

impl Steps {
    /// Creates the same step for every price.
    ///
    /// # Errors
    /// [`StepsError::ZeroStep`] for a step of zero.
    pub fn flat(step: Price) -> Result<Self, StepsError> {
        Self::new(&[StepBand {
            from: Price::ZERO,
            step,
        }])
    }

    /// Creates steps from bands, the lowest first.
    ///
    /// # Errors
    /// [`StepsError`] when there are no bands or too many, they do not begin at 0 or do not rise, or a step is zero or
    /// falls.
    pub fn new(bands: &[StepBand]) -> Result<Self, StepsError> {
        let (Some(first), 1..=STEP_BANDS_MAX) = (bands.first(), bands.len()) else {
            return Err(StepsError::BandCount);
        };
        if first.from != Price::ZERO {
            return Err(StepsError::FirstBand);
        }
        if bands.iter().any(|band| band.step == Price::ZERO) {
            return Err(StepsError::ZeroStep);
        }
        if bands
            .windows(2)
            .any(|pair| pair[1].from <= pair[0].from || pair[1].step < pair[0].step)
        {
            return Err(StepsError::NotRising);
        }
        Ok(Self(SmallVec::from_slice(bands)))
    }

    /// Creates the `banded` preset, from 0.05 below 1 to 100 from 5,000 up.
    #[must_use]
    pub fn banded() -> Self {
        const HUNDREDTHS: [(u64, u64); 10] = [
            (0, 5),
            (100, 25),
            (500, 50),
            (2_500, 100),
            (10_000, 250),
            (25_000, 500),
            (50_000, 1_000),
            (100_000, 2_500),
            (250_000, 5_000),
            (500_000, 10_000),
        ];
        let price =
            |hundredths| Price::from_units(hundredths * 100).expect("the table is in range");
        let band = |(from, step)| StepBand {
            from: price(from),
            step: price(step),
        };
        Self(HUNDREDTHS.into_iter().map(band).collect())
    }

    /// Returns the step at a price.
    #[must_use]
    #[inline(always)]
    pub fn step(&self, price: Price) -> Price {
        match self.0.as_slice() {
            [everywhere] => everywhere.step,
            bands => step_of(bands, price),
        }
    }

    /// Returns `price` plus its step, or `None` above the greatest price.
    #[must_use]
    #[inline(always)]
    pub fn next(&self, price: Price) -> Option<Price> {
        price.checked_add(self.step(price))
    }

    /// Returns the greatest price at which the step to the [next](Self::next) price is the same as here.
    pub(crate) fn unchanged_to(&self, price: Price) -> Price {
        let later = self.0.iter().find(|band| band.from > price);
        let last =
            later.and_then(|band| band.from.above(Price::UNIT).checked_add(self.step(price)));
        last.unwrap_or(Price::MAX)
    }

    /// Returns the bands, the lowest first.
    #[must_use]
    pub fn bands(&self) -> &[StepBand] {
        &self.0
    }
}

#[inline(never)]
fn step_of(bands: &[StepBand], price: Price) -> Price {
    let band = bands.iter().rfind(|band| band.from <= price);
    // The first band begins at 0.
    band.map_or(Price::UNIT, |band| band.step)
}

/// Parses one step such as `0.01`, the word `banded`, or bands of (from price, step) such as `0:0.05,1:0.25`.
impl FromStr for Steps {
    type Err = ParseStepsError;

    fn from_str(text: &str) -> Result<Self, ParseStepsError> {
        if text == "banded" {
            return Ok(Self::banded());
        }
        let price = |part: &str| Price::parse(part.trim()).map_err(ParseStepsError::Price);
        if !text.contains(':') {
            return Ok(Self::flat(price(text)?)?);
        }
        let mut bands = SmallVec::<[StepBand; STEP_BANDS_MAX]>::new();
        for band in text.split(',') {
            let (from, step) = band.split_once(':').ok_or(ParseStepsError::NoBand)?;
            if bands.len() == STEP_BANDS_MAX {
                return Err(StepsError::BandCount.into());
            }
            bands.push(StepBand {
                from: price(from)?,
                step: price(step)?,
            });
        }
        Ok(Self::new(&bands)?)
    }
}

/// Writes the form that is parsed; the preset as its bands.
impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [everywhere] = self.bands() {
            return write!(f, "{}", everywhere.step);
        }
        for (place, band) in self.bands().iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{}:{}", band.from, band.step)?;
        }
        Ok(())
    }
}

/// Reason why a text cannot be parsed as steps. The message continues a sentence that begins with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseStepsError {
    /// A price in it is invalid.
    #[error("is no step: a price in it {0}; {EXPECTED_STEPS}")]
    Price(MoneyError),
    /// There is no `price:step` between two commas.
    #[error("is no step: a part of it is no band; {EXPECTED_STEPS}")]
    NoBand,
    /// The bands are invalid.
    #[error("is no step: {0}; {EXPECTED_STEPS}")]
    Bands(#[from] StepsError),
}

const EXPECTED_STEPS: &str = "expected one step such as 0.01, the word banded, or bands of price:step such as \
                              0:0.05,1:0.25,5:0.50";

/// One band, 0.01.
impl Default for Steps {
    fn default() -> Self {
        let step = Price::from_units(100).expect("a hundredth is in range");
        Self(smallvec![StepBand {
            from: Price::ZERO,
            step
        }])
    }
}

/// Reason why bands are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepsError {
    /// No band, or too many.
    #[error("a step table has 1 to {STEP_BANDS_MAX} bands")]
    BandCount,
    /// The first band does not begin at 0.
    #[error("the first band of a step table begins at price 0")]
    FirstBand,
    /// A step is zero.
    #[error("a step is at least 0.0001")]
    ZeroStep,
    /// A band begins no higher than the one before, or its step is smaller.
    #[error("the bands of a step table rise, and their steps never fall")]
    NotRising,
}

/// Extension of the close by late bids, so that nobody wins by being last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SoftClose {
    /// Rule for the new close.
    pub mode: SoftCloseMode,
    /// A bid extends the close when at most this time is left: `closes_at - now <= extend_within`. Zero: the close is
    /// never extended.
    pub extend_within: Span,
    /// Duration of an extension.
    pub extend_by: Span,
    /// Maximum number of extensions; `None`: no limit.
    pub extensions_max: Option<u32>,
}

/// Rule for the new close after a late bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SoftCloseMode {
    /// `closes_at += extend_by`.
    Add,
    /// `closes_at = max(closes_at, now + extend_by)`.
    Reset,
}

impl SoftClose {
    /// Returns the later close that a bid at `now` causes, if any.
    #[must_use]
    #[inline(always)]
    pub fn extended(
        &self,
        closes_at: Timestamp,
        extensions: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if closes_at.since(now) > self.extend_within
            || self.extensions_max.is_some_and(|most| extensions >= most)
        {
            return None;
        }
        let later = match self.mode {
            SoftCloseMode::Add => closes_at.saturating_add(self.extend_by),
            SoftCloseMode::Reset => now.saturating_add(self.extend_by),
        };
        (later > closes_at).then_some(later)
    }
}

/// A bid in the last 60 seconds adds 60 seconds, without limit.
impl Default for SoftClose {
    fn default() -> Self {
        Self {
            mode: SoftCloseMode::Add,
            extend_within: Span::from_secs(60),
            extend_by: Span::from_secs(60),
            extensions_max: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn steps_are_parsed_printed_and_refused_with_the_remedy() {
        for (text, printed) in [
            ("0.01", "0.01"),
            ("0:0.05,1:0.25", "0.00:0.05,1.00:0.25"),
            ("0: 0.05, 1: 0.25", "0.00:0.05,1.00:0.25"),
        ] {
            let steps: Steps = text.parse().unwrap();
            assert_eq!(steps.to_string(), printed);
            assert_eq!(printed.parse(), Ok(steps));
        }
        let banded: Steps = "banded".parse().unwrap();
        assert_eq!(banded.to_string().parse(), Ok(banded));
        let many = "0:1,".repeat(STEP_BANDS_MAX) + "0:1";
        for (text, says) in [
            ("", "is not a decimal"),
            ("0", "a step is at least 0.0001"),
            ("1:1", "begins at price 0"),
            ("0:1,5:0.5", "never fall"),
            ("0:1,5", "is no band"),
            ("0:x", "is not a decimal"),
            (&*many, "1 to 32 bands"),
        ] {
            let error = text.parse::<Steps>().unwrap_err().to_string();
            assert!(
                error.contains(says) && error.contains("banded"),
                "{text}: {error}"
            );
        }
    }

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    #[test]
    fn the_banded_preset_is_a_valid_table_with_the_published_steps() {
        let steps = Steps::banded();
        assert_eq!(Steps::new(steps.bands()).as_ref(), Ok(&steps));
        let cases = [
            ("0", "0.05"),
            ("4.99", "5.24"),
            ("5.24", "5.74"),
            ("5000", "5100"),
        ];
        for (from, next) in cases {
            assert_eq!(steps.next(price(from)), Some(price(next)));
        }
    }

    #[test]
    fn bands_that_are_no_steps_are_refused_with_the_reason() {
        let band = |from, step| StepBand {
            from: price(from),
            step: price(step),
        };
        assert_eq!(Steps::new(&[]), Err(StepsError::BandCount));
        assert_eq!(Steps::new(&[band("1", "1")]), Err(StepsError::FirstBand));
        assert_eq!(Steps::new(&[band("0", "0")]), Err(StepsError::ZeroStep));
        assert_eq!(
            Steps::new(&[band("0", "2"), band("0", "2")]),
            Err(StepsError::NotRising)
        );
        assert_eq!(
            Steps::new(&[band("0", "2"), band("1", "1")]),
            Err(StepsError::NotRising)
        );
    }

    #[test]
    fn add_moves_the_close_by_the_span_and_reset_to_a_span_from_now() {
        let at = Timestamp::from_secs;
        let add = SoftClose::default();
        assert_eq!(add.extended(at(300), 0, at(250)), Some(at(360)));
        assert_eq!(add.extended(at(360), 1, at(251)), None);
        assert_eq!(
            add.extended(at(300), 0, Timestamp::from_micros(239_999_999).unwrap()),
            None
        );
        assert_eq!(add.extended(at(300), 0, at(240)), Some(at(360)));

        let reset = SoftClose {
            mode: SoftCloseMode::Reset,
            extensions_max: Some(1),
            ..SoftClose::default()
        };
        assert_eq!(reset.extended(at(300), 0, at(240)), None);
        assert_eq!(reset.extended(at(300), 0, at(250)), Some(at(310)));
        assert_eq!(reset.extended(at(310), 1, at(309)), None);
    }
}
