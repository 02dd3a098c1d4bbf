//! Offers, orders and payments near prices and sums at which a decision changes.

use auction_core::limits::{CASH_MAX, QUANTITY_MAX};
use auction_core::{Amount, Asset, Command, LotId, OrderId, Price, Quantity, Side, Terms, UserId};
use proptest::prelude::*;
use proptest::sample::select;

use crate::listed::{LOW_CEILING, symbol};
use crate::lot::{OracleLot, price};
use crate::oracle::Oracle;

/// An order of a random market, which can be placed, or replace or cancel the order with its number.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub lot: LotId,
    pub order: OrderId,
    pub side: Side,
    pub quantity: Quantity,
    pub limit: Option<Price>,
}

impl Order {
    pub fn place(self) -> Command {
        Command::PlaceOrder {
            lot: self.lot,
            side: self.side,
            quantity: self.quantity,
            limit: self.limit,
        }
    }

    pub fn replace(self) -> Command {
        Command::ReplaceOrder {
            lot: self.lot,
            order: self.order,
            quantity: self.quantity,
            limit: self.limit,
        }
    }

    pub fn cancel(self) -> Command {
        Command::CancelOrder {
            lot: self.lot,
            order: self.order,
        }
    }
}

/// Generates offers near prices at which a decision changes.
pub fn offer(oracle: &Oracle) -> BoxedStrategy<Command> {
    let mut targets = vec![(LotId(1), 0), (LotId(oracle.lots.len() as u32 + 1), 20)];
    for (number, lot) in (1..).zip(&oracle.lots) {
        let view = lot.view();
        if lot.closed_at.is_some() {
            targets.push((LotId(number), view.price.unwrap_or(20)));
            continue;
        }
        let near = view
            .price
            .into_iter()
            .chain(view.least)
            .chain(decisive(lot, oracle.at));
        let offers = lot.offers(lot.happened.len());
        let amounts = offers.iter().map(|offer| offer.amount);
        let near = near
            .chain(lot.open.reserve.map(Price::units))
            .chain(amounts.max());
        targets.extend(near.map(|near| (LotId(number), near)));
        if lot.greatest() == LOW_CEILING {
            targets.push((LotId(number), LOW_CEILING));
        }
    }
    let amount = prop_oneof![3 => Just(1_u64), 2 => 0..3_u64, 1 => 0..30_u64];
    (select(targets), amount, any::<bool>())
        .prop_map(|((lot, near), up, plain)| {
            let amount = price((near + up).saturating_sub(1));
            if plain {
                Command::Bid { lot, price: amount }
            } else {
                Command::BidMaximum {
                    lot,
                    maximum: amount,
                }
            }
        })
        .boxed()
}

/// Returns a price at which a decision changes by the lot's terms.
fn decisive(lot: &OracleLot, at: u64) -> Option<u64> {
    match &lot.open.terms {
        Terms::English(terms) => terms.buy_now.map(Price::units),
        Terms::Dutch(terms) => Some(lot.falling(terms, at)),
        Terms::Sealed(_) | Terms::Uniform(_) | Terms::Call(_) | Terms::Day(_) => None,
    }
}

/// Generates sealed bids at few prices, so that ties are common, for lots that accept them and others.
pub fn order(oracle: &Oracle) -> BoxedStrategy<Command> {
    let takes = |lot: &OracleLot| lot.closed_at.is_none() && lot.orders_each().is_some();
    let sealed = (1..).zip(&oracle.lots).filter(|(_, lot)| takes(lot));
    let mut lots: Vec<(LotId, u64)> = sealed
        .map(|(number, lot)| (LotId(number), lot.open.quantity.get()))
        .collect();
    lots.push((LotId(1), 1));
    // The first lot can be a call, whose oracle tries every price up to the highest limit.
    let highest = match oracle.is_call(LotId(1)) {
        true => 80,
        false => LOW_CEILING + 1,
    };
    let limit = prop_oneof![
        8 => 5..25_u64,
        1 => 0..80_u64,
        1 => Just(LOW_CEILING + 1),
    ];
    let limit = prop_oneof![20 => limit.prop_map(Some), 1 => Just(None)];
    let quantity = prop_oneof![3 => Just(None), 2 => (1..30_u64).prop_map(Some)];
    let side = prop_oneof![15 => Just(Side::Buy), 1 => Just(Side::Sell)];
    let order = prop_oneof![4 => Just(1), 1 => 0..4_u32].prop_map(OrderId);
    (select(lots), 0..6_usize, side, quantity, limit, order)
        .prop_map(move |((lot, whole), what, side, quantity, limit, order)| {
            let quantity = Quantity::new(quantity.unwrap_or(whole)).unwrap();
            let most = match lot {
                LotId(1) => highest,
                _ => LOW_CEILING + 1,
            };
            let limit = limit.map(|limit| price(limit.min(most)));
            let order = Order {
                lot,
                order,
                side,
                quantity,
                limit,
            };
            match what {
                0 => order.cancel(),
                1 => order.replace(),
                _ => order.place(),
            }
        })
        .boxed()
}

/// Generates orders at few prices and of few shares, so that ties are common, for calls and another lot.
pub fn call_order(oracle: &Oracle) -> BoxedStrategy<Command> {
    let takes = |lot: &OracleLot| lot.closed_at.is_none() && lot.call().is_some();
    let calls = (1..).zip(&oracle.lots).filter(|(_, lot)| takes(lot));
    let mut lots: Vec<(LotId, u64)> = calls
        .map(|(number, lot)| (LotId(number), lot.open.quantity.get()))
        .collect();
    lots.push((LotId(1), 1));
    let limit = prop_oneof![
        10 => (1..5_u64).prop_map(|fives| price(5 * fives)),
        4 => (5..25_u64).prop_map(price),
        1 => (0..60_u64).prop_map(price),
    ];
    let limit = prop_oneof![5 => limit.prop_map(Some), 1 => Just(None)];
    let shares = prop_oneof![
        20 => (1..4_u64, Just(0_u64)),
        1 => (1..4_u64, Just(1)),
        1 => Just((1, QUANTITY_MAX / 2)),
    ];
    let side = select(vec![Side::Buy, Side::Sell]);
    let order = prop_oneof![4 => 1..3_u32, 1 => 0..6_u32].prop_map(OrderId);
    (select(lots), 0..8_usize, side, shares, limit, order)
        .prop_map(|((lot, round), what, side, (rounds, more), limit, order)| {
            let quantity = Quantity::new(rounds * round + more).unwrap();
            let order = Order {
                lot,
                order,
                side,
                quantity,
                limit,
            };
            match what {
                0 => order.cancel(),
                1 | 2 => order.replace(),
                _ => order.place(),
            }
        })
        .boxed()
}

/// Generates payments near the free balance, and near the market's ceilings.
pub fn payment(oracle: &Oracle) -> BoxedStrategy<Command> {
    let users: Vec<(u32, u64)> = (0..9)
        .map(|user| (user, oracle.free(UserId(user))))
        .collect();
    let near = select(vec![0, 1, 60, 400, CASH_MAX / 8, CASH_MAX / 4]);
    let shares = prop_oneof![1..40_u64, Just(QUANTITY_MAX)];
    let shares = (0..3_usize, shares).prop_map(|(stock, shares)| Asset::Shares {
        symbol: symbol(stock),
        quantity: Quantity::new(shares).unwrap(),
    });
    (select(users), 0..4_u32, near, shares, any::<bool>())
        .prop_map(|((user, free), what, near, shares, deposit)| {
            let user = UserId(user);
            let asset = match what {
                0 => shares,
                1 => cash((free + 1).min(CASH_MAX)),
                2 => cash(free),
                _ => cash(near),
            };
            match deposit {
                true => Command::Deposit { user, asset },
                false => Command::Withdraw { user, asset },
            }
        })
        .boxed()
}

pub fn cash(units: u64) -> Asset {
    Asset::Cash(Amount::from_units(units).unwrap())
}
