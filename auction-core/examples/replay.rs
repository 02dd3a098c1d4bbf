//! Records in a `Vec`, and the same market rebuilt from them: `cargo run -p auction-core --example replay`.

use std::error::Error;

use auction_core::manual::opening::opening;
use auction_core::{Caller, Command, Engine, LotId, MarketId, Price, Record, Timestamp, UserId};

const MARKET: MarketId = MarketId([7; 16]);

fn main() -> Result<(), Box<dyn Error>> {
    let (records, live) = live()?;
    println!("live:     {} records, digest {live}", records.len());

    let mut replayed = Engine::replayed(MARKET, &records)?;
    let digest = replayed.digest();
    println!("replayed: {} records, digest {digest}", replayed.sequence());
    assert_eq!(digest, live);

    // To check records that are not trusted, decide them again.
    let mut verified = Engine::new(MARKET);
    for record in &records {
        verified.verify(record)?;
    }
    println!("verified: every record is what the rules give");

    // A missing record is detected.
    let mut gap = Engine::new(MARKET);
    gap.replay(&records[0])?;
    println!("a gap:    {}", gap.replay(&records[2]).unwrap_err());
    Ok(())
}

/// Two traders outbid each other until the lot closes.
fn live() -> Result<(Vec<Record>, auction_core::Digest), Box<dyn Error>> {
    let mut engine = Engine::new(MARKET);
    let mut records = Vec::new();
    for command in opening() {
        let executed = engine.execute(Timestamp::from_secs(0), Caller::Operator, command)?;
        records.extend(executed.into_record());
    }
    for turn in 1..=100_u32 {
        let price = Price::from_units(u64::from(turn) * 150).ok_or("a price in range")?;
        let bid = Command::Bid {
            lot: LotId(1),
            price,
        };
        let trader = Caller::User(UserId(turn % 2 + 1));
        let executed = engine.execute(Timestamp::from_secs(turn.into()), trader, bid)?;
        records.extend(executed.into_record());
    }
    records.extend(std::iter::from_fn(|| {
        engine.advance(Timestamp::from_secs(600), || [7; 32])
    }));
    let digest = engine.digest();
    Ok((records, digest))
}
