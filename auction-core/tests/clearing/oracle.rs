//! The call auction again, by trying every price of the grid and walking all orders at each. Slow, and without any of
//! the arguments on which the book relies: no totals, no order of prices, no search.

use auction_core::clearing::call::{LadderStep, Side};

/// An order; its place in time is its place in the slice. Limits count ticks; `None` is a market order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    pub side: Side,
    pub shares: u64,
    pub limit: Option<u64>,
}

impl Plain {
    fn takes(&self, price: u64) -> bool {
        self.limit.is_none_or(|limit| match self.side {
            Side::Buy => limit >= price,
            Side::Sell => limit <= price,
        })
    }
}

/// Price in ticks, volume, surplus, and the deciding step.
pub type Found = (u64, u64, i64, LadderStep);

pub fn uncross(orders: &[Plain], reference: Option<u64>) -> Option<Found> {
    let limits: Vec<u64> = orders.iter().filter_map(|order| order.limit).collect();
    let grid =
        limits.iter().min().copied().unwrap_or(1)..=limits.iter().max().copied().unwrap_or(0);
    let greatest = grid
        .clone()
        .map(|price| volume(orders, price))
        .max()
        .unwrap_or(0);
    let market = |side| {
        let of_side = orders
            .iter()
            .filter(|order| order.side == side && order.limit.is_none());
        of_side.map(|order| order.shares).sum::<u64>()
    };
    let market_volume = market(Side::Buy).min(market(Side::Sell));
    let found = |price, step| Some((price, volume(orders, price), surplus(orders, price), step));
    if market_volume > 0 && greatest <= market_volume {
        return found(market_price(orders, reference)?, LadderStep::Market);
    }
    if greatest == 0 {
        return None;
    }
    let mut named: Vec<u64> = grid.filter(|price| limits.contains(price)).collect();
    named.retain(|price| volume(orders, *price) == greatest);
    if named.len() == 1 {
        return found(named[0], LadderStep::Volume);
    }
    let size = |price: &u64| surplus(orders, *price).abs();
    let least = named.iter().map(size).min().unwrap();
    named.retain(|price| size(price) == least);
    if named.len() == 1 {
        return found(named[0], LadderStep::Surplus);
    }
    let (bought, others): (Vec<u64>, Vec<u64>) =
        named.iter().partition(|price| surplus(orders, **price) > 0);
    let (sold, even): (Vec<u64>, Vec<u64>) = others
        .iter()
        .partition(|price| surplus(orders, **price) < 0);
    let range = match (bought.iter().max(), sold.iter().min()) {
        (Some(highest), None) if even.is_empty() => return found(*highest, LadderStep::Pressure),
        (None, Some(lowest)) if even.is_empty() => return found(*lowest, LadderStep::Pressure),
        (Some(low), Some(high)) => *low..=*high,
        _ => *even.iter().min().unwrap()..=*even.iter().max().unwrap(),
    };
    let price = match reference {
        Some(reference) => range.min_by_key(|price| price.abs_diff(reference)).unwrap(),
        None => (range.start() + range.end()) / 2,
    };
    found(price, LadderStep::Reference)
}

/// Returns the fill of each order: market orders by time, then limits by price, then by time.
pub fn fills(orders: &[Plain], found: Found) -> Vec<u64> {
    let (price, volume, ..) = found;
    let mut filled = vec![0; orders.len()];
    for side in [Side::Buy, Side::Sell] {
        let mut line: Vec<usize> = (0..orders.len()).collect();
        line.retain(|index| orders[*index].side == side && orders[*index].takes(price));
        line.sort_by_key(|index| match (orders[*index].limit, side) {
            (None, _) => (0, 0),
            (Some(limit), Side::Buy) => (1, u64::MAX - limit),
            (Some(limit), Side::Sell) => (1, limit),
        });
        let mut left = volume;
        for index in line {
            filled[index] = left.min(orders[index].shares);
            left -= filled[index];
        }
        assert_eq!(left, 0, "each side has the volume");
    }
    filled
}

fn market_price(orders: &[Plain], reference: Option<u64>) -> Option<u64> {
    let limits = |side| {
        let of_side = orders.iter().filter(move |order| order.side == side);
        of_side.filter_map(|order| order.limit)
    };
    let (low, high) = (limits(Side::Buy).max(), limits(Side::Sell).min());
    let Some(reference) = reference else {
        return match (low, high) {
            (Some(low), Some(high)) => Some((low + high) / 2),
            (Some(end), None) | (None, Some(end)) => Some(end),
            (None, None) => None,
        };
    };
    // The nearest of the prices at which no limit trades with another.
    let furthest = reference.max(low.unwrap_or(0)).max(high.unwrap_or(0));
    let quiet = |price: &u64| {
        limits(Side::Buy).all(|limit| limit <= *price)
            && limits(Side::Sell).all(|limit| limit >= *price)
    };
    (1..=furthest)
        .filter(quiet)
        .min_by_key(|price| price.abs_diff(reference))
}

pub fn volume(orders: &[Plain], price: u64) -> u64 {
    shares(orders, price, Side::Buy).min(shares(orders, price, Side::Sell))
}

pub fn surplus(orders: &[Plain], price: u64) -> i64 {
    shares(orders, price, Side::Buy) as i64 - shares(orders, price, Side::Sell) as i64
}

fn shares(orders: &[Plain], price: u64, side: Side) -> u64 {
    let taking = orders
        .iter()
        .filter(|order| order.side == side && order.takes(price));
    taking.map(|order| order.shares).sum()
}
