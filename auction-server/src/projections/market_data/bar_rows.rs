//! Bars: the trades of each lot in equal intervals of time, counted from midnight UTC.

use std::collections::BTreeMap;
use std::str::FromStr;

use auction_core::{LotId, ParseSpanError, Price, Span, Symbol, Timestamp};

use super::trade_rows::TradeRow;

const DAY_MICROS: u64 = 86_400_000_000;

/// Length of a bar: it divides a day evenly, so that one begins at each midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarLength(Span);

impl BarLength {
    /// A minute.
    pub const MINUTE: Self = Self(Span::from_secs(60));

    /// Returns the length, or `None` if it does not divide a day evenly.
    #[must_use]
    pub const fn new(length: Span) -> Option<Self> {
        let micros = length.micros();
        if micros == 0 || !DAY_MICROS.is_multiple_of(micros) {
            return None;
        }
        Some(Self(length))
    }

    /// Returns the beginning of the bar that a time is in; the beginning is inside, the end is not.
    #[must_use]
    pub fn begin(self, at: Timestamp) -> Timestamp {
        let into = at.micros() % self.0.micros();
        Timestamp::from_micros(at.micros() - into).unwrap_or(at)
    }
}

impl FromStr for BarLength {
    type Err = ParseBarLengthError;

    fn from_str(text: &str) -> Result<Self, ParseBarLengthError> {
        Self::new(text.parse()?).ok_or(ParseBarLengthError::Uneven)
    }
}

/// Reason why a text is no length of a bar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseBarLengthError {
    /// It is no span.
    #[error(transparent)]
    Span(#[from] ParseSpanError),
    /// Bars of this length would not begin at midnight.
    #[error("does not divide a day evenly; expected for example 1m, 5m, 15m, 1h or 1d")]
    Uneven,
}

/// The trades of a lot in one interval; there is no bar without a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarRow {
    /// Beginning of the interval.
    pub begins_at: Timestamp,
    /// The lot.
    pub lot: LotId,
    /// Stock of the lot.
    pub symbol: Symbol,
    /// Price of the first trade.
    pub open: Price,
    /// The highest price of a trade.
    pub high: Price,
    /// The lowest price of a trade.
    pub low: Price,
    /// Price of the last trade.
    pub close: Price,
    /// Number of shares.
    pub volume: u128,
    /// Sum of price x shares, in ten-thousandths.
    pub value: u128,
    /// Number of trades.
    pub trades: u64,
}

/// Forms bars of the trades of a journal. It keeps the running bar of each lot.
#[derive(Clone, Debug)]
pub struct BarFinder {
    length: BarLength,
    /// All of one interval.
    running: BTreeMap<LotId, BarRow>,
}

impl BarFinder {
    /// Forms bars of this length.
    #[must_use]
    pub fn new(length: BarLength) -> Self {
        Self {
            length,
            running: BTreeMap::new(),
        }
    }

    /// Takes the next trade, in the order of time. Passes the bars that are over to `found`, by lot.
    pub fn take(&mut self, trade: &TradeRow, found: impl FnMut(BarRow)) {
        let begins_at = self.length.begin(trade.at);
        let running = self.running.first_key_value();
        if running.is_some_and(|(_, bar)| bar.begins_at != begins_at) {
            self.finish(found);
        }
        let bar = self.running.entry(trade.lot).or_insert(BarRow {
            begins_at,
            lot: trade.lot,
            symbol: trade.symbol,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: 0,
            value: 0,
            trades: 0,
        });
        bar.high = bar.high.max(trade.price);
        bar.low = bar.low.min(trade.price);
        bar.close = trade.price;
        bar.volume += u128::from(trade.quantity);
        bar.value += trade.value();
        bar.trades += 1;
    }

    /// Passes the running bars to `found`, by lot: there are no more trades in them.
    pub fn finish(&mut self, mut found: impl FnMut(BarRow)) {
        while let Some((_, bar)) = self.running.pop_first() {
            found(bar);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_divides_a_day() {
        for text in ["1us", "1s", "1m", "5m", "90m", "1h", "8h", "24h", "1d"] {
            assert!(text.parse::<BarLength>().is_ok(), "{text}");
        }
        for text in ["0s", "7m", "5h", "25h", "2d"] {
            let error = text.parse::<BarLength>().unwrap_err();
            assert_eq!(error, ParseBarLengthError::Uneven, "{text}");
        }
        assert!("5 sheep".parse::<BarLength>().is_err());
    }

    #[test]
    fn a_bar_begins_at_a_multiple_of_its_length_from_midnight() {
        let length: BarLength = "90m".parse().unwrap();
        let midnight = 1_795_305_600;
        let begin = |secs: u64| length.begin(Timestamp::from_secs(midnight + secs));
        assert_eq!(begin(0), Timestamp::from_secs(midnight));
        assert_eq!(begin(5_399), Timestamp::from_secs(midnight));
        assert_eq!(begin(5_400), Timestamp::from_secs(midnight + 5_400));
        let last = Timestamp::from_micros((midnight + 5_400) * 1_000_000 - 1).unwrap();
        assert_eq!(length.begin(last), Timestamp::from_secs(midnight));
    }
}
