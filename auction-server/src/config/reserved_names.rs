//! The names of the house: traders and an auctioneer that are part of the server, and play in a [`demo`](crate::demo).
//!
//! A name that begins with [`RESERVED_PREFIX`] is the house's, in every market, so that whoever sees one knows what it
//! is; nobody else can register one over the network.

use auction_core::{Market, Name, Role, User};

/// What every name of the house begins with.
pub const RESERVED_PREFIX: &str = "house-";
/// Most house traders of a demo; more are refused as a setting.
pub const DEMO_TRADERS_MAX: usize = 64;

/// The house's auctioneer, the first account that a demo makes.
const AUCTIONEER: &str = "house-auctioneer";
/// What house traders are called; from the seventeenth on again, with a number.
const TRADERS: [&str; 16] = [
    "ada", "bea", "cyn", "dov", "eli", "fay", "gus", "hal", "ivy", "jon", "kim", "leo", "ned",
    "ola", "pia", "rex",
];

/// Whether a name is kept for the house.
#[must_use]
pub fn is_reserved(name: Name) -> bool {
    name.as_str().starts_with(RESERVED_PREFIX)
}

/// The name of the house's auctioneer.
#[must_use]
pub fn auctioneer() -> Name {
    Name::parse(AUCTIONEER).expect("a valid constant")
}

/// The name of a house trader, by number from 0: `house-ada`, ..., `house-ada-2`, ...
#[must_use]
pub fn trader(number: usize) -> Name {
    let name = TRADERS[number % TRADERS.len()];
    let text = match number / TRADERS.len() {
        0 => format!("{RESERVED_PREFIX}{name}"),
        before => format!("{RESERVED_PREFIX}{name}-{}", before + 1),
    };
    Name::parse(&text).expect("names of the house are valid")
}

/// Whether a market is a demo's: its first account is the house's auctioneer.
#[must_use]
pub fn is_demo(market: &Market) -> bool {
    let first = market.users().first();
    first.is_some_and(|first| {
        let User { name, role } = *first;
        name == auctioneer() && role == Role::Auctioneer
    })
}

/// How many house traders a market knows.
#[must_use]
pub fn traders_of(market: &Market) -> usize {
    let is_one = |user: &&User| user.role == Role::Trader && is_reserved(user.name);
    market.users().iter().filter(is_one).count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_house_trader_has_a_name_of_its_own_that_is_the_houses() {
        let names: BTreeSet<_> = (0..DEMO_TRADERS_MAX).map(trader).collect();
        assert_eq!(names.len(), DEMO_TRADERS_MAX);
        assert!(names.iter().all(|name| is_reserved(*name)));
        assert!(!names.contains(&auctioneer()));
        assert_eq!(trader(0).as_str(), "house-ada");
        assert_eq!(trader(16).as_str(), "house-ada-2");
        for other in ["house", "houses", "ada", "my-house-ada"] {
            assert!(!is_reserved(Name::parse(other).unwrap()), "{other}");
        }
    }
}
