//! A whole auction without the standard library.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;

use auction_core::{
    Caller, Command, Engine, EnglishTerms, Listing, LotId, MarketId, Name, OpenLot, Outcome, Price, Quantity,
    Record, Registration, SecurityCode, Symbol, Timestamp, UserId,
};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Opens a lot, bids, closes it, and replays the records.
pub fn auction() -> Option<Outcome> {
    let symbol = Symbol::parse("AAPL").ok()?;
    let closes_at = Timestamp::from_secs(300);
    let commands: [Command; 3] = [
        Listing::new(symbol, SecurityCode::parse("01954").ok()?, Price::ZERO).into(),
        Registration::trader(Name::parse("mia").ok()?).into(),
        OpenLot::new(symbol, Quantity::ONE, closes_at, EnglishTerms::default()).into(),
    ];
    let market = MarketId([7; 16]);
    let mut engine = Engine::new(market);
    let mut records: Vec<Record> = Vec::new();
    let seed = || [7; 32];
    let mut turn = engine.turn(Timestamp::from_secs(0), seed, &mut records);
    for command in commands {
        turn.execute(Caller::Operator, command).ok()?;
    }
    let bid = Command::Bid { lot: LotId(1), price: Price::parse("1.40").ok()? };
    let mut turn = engine.turn(Timestamp::from_secs(1), seed, &mut records);
    turn.execute(Caller::User(UserId(1)), bid).ok()?;
    engine.turn(closes_at, seed, &mut records);

    let replayed = Engine::replayed(market, &records).ok()?;
    replayed.market().lot(LotId(1))?.outcome()
}
