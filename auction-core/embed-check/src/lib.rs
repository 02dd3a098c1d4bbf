//! A whole auction without the standard library.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;

use auction_core::{
    Caller, Command, Credential, Engine, EnglishTerms, Listing, LotId, MarketId, Name, OpenLot, Outcome,
    Price, Profit, Quantity, Record, Registration, Role, SecurityCode, Symbol, Terms, Timestamp, UserId,
};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Opens a lot, bids, closes it, and replays what was recorded.
pub fn auction() -> Option<Outcome> {
    let symbol = Symbol::parse("AAPL").ok()?;
    let commands = [
        Command::ListStock(Listing {
            symbol,
            security: SecurityCode::parse("01954").ok()?,
            price: Price::ZERO,
            profit: Profit::default(),
        }),
        Command::Register(Box::new(Registration {
            name: Name::parse("mia").ok()?,
            role: Role::Trader,
            credential: Credential::new(b"")?,
        })),
        Command::OpenLot(Box::new(OpenLot {
            symbol,
            quantity: Quantity::ONE,
            opens_at: None,
            closes_at: Timestamp::from_secs(300),
            terms: Terms::English(EnglishTerms::default()),
            reserve: None,
        })),
    ];
    let market = MarketId([7; 16]);
    let mut engine = Engine::new(market);
    let mut records: Vec<Record> = Vec::new();
    let now = Timestamp::from_secs(0);
    for command in commands {
        let executed = engine.execute(now, Caller::Operator, command).ok()?;
        records.extend(executed.into_record());
    }
    let bid = Command::Bid { lot: LotId(1), price: Price::parse("1.40").ok()? };
    let executed = engine.execute(now, Caller::User(UserId(1)), bid).ok()?;
    records.extend(executed.into_record());
    records.extend(engine.advance(Timestamp::from_secs(300), || [7; 32]));

    let mut replayed = Engine::new(market);
    records.iter().try_for_each(|record| replayed.replay(record)).ok()?;
    replayed.market().lot(LotId(1))?.outcome()
}
