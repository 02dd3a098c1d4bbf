//! Statistics of the day, from the list of trades.

use super::Day;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    pub open: Option<u64>,
    pub high: Option<u64>,
    pub low: Option<u64>,
    pub last: Option<u64>,
    pub volume: u64,
    pub value: u128,
    pub trades: usize,
    /// Value by volume, half a unit up.
    pub average: Option<u64>,
}

impl Day {
    pub fn statistics(&self) -> Statistics {
        let prices = || self.trades.iter().map(|(price, _)| *price);
        let volume = self.trades.iter().map(|(_, quantity)| quantity).sum();
        let value = self
            .trades
            .iter()
            .map(|(price, quantity)| u128::from(*price) * u128::from(*quantity));
        let value: u128 = value.sum();
        let halves = |volume: u128| (2 * value + volume) / (2 * volume);
        Statistics {
            open: prices().next(),
            high: prices().max(),
            low: prices().min(),
            last: self.last(),
            volume,
            value,
            trades: self.trades.len(),
            average: (volume > 0).then(|| halves(u128::from(volume)) as u64),
        }
    }

    /// Price of the last trade, which an uncross is too.
    pub fn last(&self) -> Option<u64> {
        self.trades.last().map(|(price, _)| *price)
    }
}
