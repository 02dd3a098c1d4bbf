//! The market at the beginning of the manual's pages: a stock, two traders, the stock's company, and a lot of one share
//! that closes after 300 seconds, its first least bid 0.01.
//!
//! ```
//! use auction_core::manual::opening::market;
//! use auction_core::{LotId, UserId};
//!
//! let engine = market();
//! assert_eq!(engine.market().user(UserId(1)).unwrap().name.as_str(), "mia");
//! assert_eq!(engine.market().lot(LotId(1)).unwrap().symbol.as_str(), "AAPL");
//! ```

use alloc::vec;
use alloc::vec::Vec;

use crate::{
    Caller, Command, Credential, Engine, EnglishTerms, Listing, MarketId, Name, OpenLot, Price,
    Quantity, Registration, SecurityCode, Symbol, Timestamp,
};

const CREDENTIAL: &[u8] = b"what a login is checked against";

/// Returns the commands of the operator that create this market: AAPL; mia and noa, who trade; apple, its company; lot
/// 1.
#[must_use]
pub fn opening() -> Vec<Command> {
    let symbol = Symbol::parse("AAPL").expect("a symbol");
    let security = SecurityCode::parse("01954").expect("a security code");
    let name = |name| Name::parse(name).expect("a name");
    let credential = || Credential::new(CREDENTIAL).expect("a short credential");
    let registrations = [
        Registration::trader(name("mia")),
        Registration::trader(name("noa")),
        Registration::company(name("apple"), symbol),
    ];
    let mut commands = vec![Listing::new(symbol, security, Price::ZERO).into()];
    for registration in registrations {
        commands.push(registration.with_credential(credential()).into());
    }
    let (closes_at, terms) = (Timestamp::from_secs(300), EnglishTerms::default());
    commands.push(OpenLot::new(symbol, Quantity::ONE, closes_at, terms).into());
    commands
}

/// Returns the engine after those commands, at second 0.
#[must_use]
pub fn market() -> Engine {
    let mut engine = Engine::new(MarketId([7; 16]));
    let mut journal = Vec::new();
    let mut turn = engine.turn(Timestamp::from_secs(0), || [7; 32], &mut journal);
    for command in opening() {
        let done = turn.execute(Caller::Operator, command);
        done.expect("the opening is valid");
    }
    engine
}
