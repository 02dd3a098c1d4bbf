use auction_core::{
    Caller, Command, Credential, Engine, EnglishTerms, Listing, MarketId, Name, OpenLot, Price,
    Profit, Quantity, Registration, Role, SecurityCode, Symbol, Terms, Timestamp,
};

/// What the pages of the manual begin with: a stock, two traders, the stock's company, and a lot of one share
/// that closes after 300 seconds, its first least bid 0.01.
pub fn opening() -> Vec<Command> {
    let symbol = Symbol::parse("AAPL").unwrap();
    let register = |name, role| {
        Command::Register(Box::new(Registration {
            name: Name::parse(name).unwrap(),
            role,
            credential: Credential::new(b"what a login is checked against").unwrap(),
        }))
    };
    vec![
        Command::ListStock(Listing {
            symbol,
            security: SecurityCode::parse("01954").unwrap(),
            price: Price::ZERO,
            profit: Profit::default(),
        }),
        register("mia", Role::Trader),
        register("noa", Role::Trader),
        register("apple", Role::Company(symbol)),
        Command::OpenLot(Box::new(OpenLot {
            symbol,
            quantity: Quantity::ONE,
            opens_at: None,
            closes_at: Timestamp::from_secs(300),
            terms: Terms::English(EnglishTerms::default()),
            reserve: None,
        })),
    ]
}

/// The market after that.
#[allow(dead_code)]
pub fn market() -> Engine {
    let mut engine = Engine::new(MarketId([7; 16]));
    for command in opening() {
        engine
            .execute(Timestamp::from_secs(0), Caller::Operator, command)
            .unwrap();
    }
    engine
}
