//! The call auction, through the engine.

mod uncross;
mod refused;
mod shown;
mod taken_back;
mod extension;
mod random_end;

use auction_core::{
    CallTerms, Collar, Command, ExtensionCause, OrderId, OwnOrder, PublicEvent, Quote, RandomEnd,
    Side, Span, Terms, Timestamp, UserId,
};

use crate::house::{House, LOT, price, quantity};

const CLOSE: Command = Command::CloseLot { lot: LOT };
const HALT: Command = Command::HaltLot { lot: LOT };
const RESUME: Command = Command::ResumeLot { lot: LOT };

/// Returns a house with lot 1 of a stock with this base price, open from 0 to 300 s in round lots of one share.
fn house(base: &str, terms: CallTerms) -> House {
    House::with_lot(base, 1, None, Terms::Call(terms))
}

fn plain(base: &str) -> House {
    house(base, CallTerms::default())
}

fn order(side: Side, shares: u64, limit: Option<&str>) -> Command {
    Command::PlaceOrder {
        lot: LOT,
        side,
        quantity: quantity(shares),
        limit: limit.map(price),
    }
}

fn buy(shares: u64, limit: &str) -> Command {
    order(Side::Buy, shares, Some(limit))
}

fn sell(shares: u64, limit: &str) -> Command {
    order(Side::Sell, shares, Some(limit))
}

fn replace(order: u32, shares: u64, limit: Option<&str>) -> Command {
    Command::ReplaceOrder {
        lot: LOT,
        order: OrderId(order),
        quantity: quantity(shares),
        limit: limit.map(price),
    }
}

fn collar(absolute: &str, basis_points: u32) -> Option<Collar> {
    Some(Collar {
        absolute: price(absolute),
        basis_points,
    })
}

fn secs(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn quote(limit: &str, quantity: u64) -> Option<Quote> {
    let price = price(limit);
    Some(Quote { price, quantity })
}

/// Returns the fill of each order of a trader, by number.
fn fills(house: &House, trader: UserId) -> Vec<u64> {
    let orders = house.engine.orders_of(LOT, trader).unwrap();
    orders.iter().map(OwnOrder::filled).collect()
}

fn closes_at(house: &House) -> Timestamp {
    house.engine.market().lot(LOT).unwrap().closes_at
}

fn all_public(house: &House) -> Vec<(Timestamp, PublicEvent)> {
    let records = house.records.iter();
    let events = records.flat_map(|record| record.public_events().map(|event| (record.at, event)));
    events.map(|(at, event)| (at, event.clone())).collect()
}

fn extensions(house: &House) -> Vec<(u64, u64, ExtensionCause)> {
    let moved = |(at, event): (Timestamp, PublicEvent)| match event {
        PublicEvent::LotExtended {
            closes_at, cause, ..
        } => Some((
            at.micros() / 1_000_000,
            closes_at.micros() / 1_000_000,
            cause,
        )),
        _ => None,
    };
    all_public(house).into_iter().filter_map(moved).collect()
}

type Committed = Vec<(Timestamp, [u8; 32])>;
type Opened = Vec<(Timestamp, RandomEnd)>;

/// Returns the commitments and the opened ends, with their times.
fn ends(house: &House) -> (Committed, Opened) {
    let (mut committed, mut opened) = (Vec::new(), Vec::new());
    for (at, event) in all_public(house) {
        match event {
            PublicEvent::EndCommitted { commitment, .. } => committed.push((at, commitment.0)),
            PublicEvent::EndOpened { end, .. } => opened.push((at, end)),
            _ => {}
        }
    }
    (committed, opened)
}

fn random_end(seconds: u64) -> CallTerms {
    CallTerms {
        random_end: Span::from_secs(seconds),
        ..CallTerms::default()
    }
}
