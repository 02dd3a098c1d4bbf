//! The formats' computations, checked by worked cases, laws, and oracles that are written differently.
//!
//! Random tests are short. `AUCTION_LONG=1 cargo test --release -p auction-core --test clearing` runs 250 times
//! as many cases: millions of books.

mod random;
mod oracle;
mod vectors;
mod ladder;
mod book;
mod collar;
mod units;
mod sealed;
mod dutch;

use auction_core::{Price, Quantity};

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn units(units: u64) -> Price {
    Price::from_units(units).unwrap()
}

fn quantity(shares: u64) -> Quantity {
    Quantity::new(shares).unwrap()
}
