//! The stocks and the users of a random market.

use auction_core::{
    Command, Credential, Listing, Name, Profit, Registration, Role, SecurityCode, Symbol,
};

use crate::lot::price;

const SYMBOLS: [&str; 3] = ["AAPL", "BRK.B", "ZZZ"];
const CODES: [&str; 2] = ["01954", "7"];
/// The greatest price of a lot of the greatest quantity.
pub const LOW_CEILING: u64 = 1_000_000;

pub fn register(number: u32, role: Role) -> Command {
    Command::Register(Box::new(Registration {
        name: Name::parse(&format!("user-{number}")).unwrap(),
        role,
        credential: Credential::new(&number.to_le_bytes()).unwrap(),
    }))
}

pub fn listing(stock: usize, code: usize, base: u64, profit: i64) -> Listing {
    Listing {
        symbol: symbol(stock),
        security: security(code),
        price: price(base),
        profit: Profit::from_units(profit).unwrap(),
    }
}

pub fn symbol(at: usize) -> Symbol {
    Symbol::parse(SYMBOLS[at]).unwrap()
}

pub fn security(at: usize) -> SecurityCode {
    SecurityCode::parse(CODES[at]).unwrap()
}
