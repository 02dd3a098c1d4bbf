//! A snapshot survives being written and read, with the `serde` feature.
#![cfg(feature = "serde")]

use auction_core::{
    Caller, Command, Credential, Engine, EnglishTerms, Listing, LotId, MarketId, Name, NewSession,
    OpenLot, Price, Profit, Quantity, Registration, RequestId, Role, SecurityCode, SessionId,
    Snapshot, Steps, Symbol, Terms, Timestamp, TokenHash, UserId,
};

#[test]
fn a_snapshot_that_was_written_and_read_is_the_same_engine() {
    let engine = busy_market();
    let snapshot = engine.snapshot();
    let bytes = postcard::to_allocvec(&snapshot).unwrap();
    let read: Snapshot = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(read, snapshot);
    let mut restored = Engine::restore(read).unwrap();
    assert_eq!(restored.snapshot(), snapshot);
    assert_eq!(restored.next_deadline(), engine.next_deadline());

    // The sessions' outcomes are included.
    let again = restored.execute(Timestamp::from_secs(5), session(2), bid(3));
    assert!(matches!(again, Ok(auction_core::Executed::Repeated { .. })));
}

#[test]
fn a_price_that_cannot_be_does_not_read() {
    let bytes = postcard::to_allocvec(&u64::MAX).unwrap();
    assert!(postcard::from_bytes::<Price>(&bytes).is_err());
}

fn session(request: u64) -> Caller {
    Caller::Session {
        session: SessionId(1),
        request: RequestId(request),
    }
}

fn bid(hundredths: u64) -> Command {
    Command::Bid {
        lot: LotId(1),
        price: Price::from_units(hundredths * 100).unwrap(),
    }
}

fn busy_market() -> Engine {
    let mut engine = Engine::new(MarketId([7; 16]));
    let symbol = Symbol::parse("BRK.B").unwrap();
    let listing = Listing {
        symbol,
        security: SecurityCode::parse("01954").unwrap(),
        price: Price::ZERO,
        profit: Profit::from_units(-5).unwrap(),
    };
    let register = |name, role| {
        Command::Register(Box::new(Registration {
            name: Name::parse(name).unwrap(),
            role,
            credential: Credential::new(b"secret").unwrap(),
        }))
    };
    let open = |steps, reserve| {
        Command::OpenLot(Box::new(OpenLot {
            symbol,
            quantity: Quantity::ONE,
            opens_at: None,
            closes_at: Timestamp::from_secs(300),
            terms: Terms::English(EnglishTerms {
                steps,
                ..EnglishTerms::default()
            }),
            reserve,
        }))
    };
    let new_session = Command::OpenSession(Box::new(NewSession {
        user: UserId(1),
        token_hash: TokenHash([9; 32]),
        expires_at: Timestamp::from_secs(900),
    }));
    let operated = [
        Command::ListStock(listing),
        register("mia", Role::Trader),
        register("noa", Role::Trader),
        register("berk", Role::Company(symbol)),
        register("otto", Role::Auctioneer),
        new_session,
        open(Steps::default(), None),
        open(Steps::banded(), Price::from_units(20_000)),
    ];
    let now = Timestamp::from_secs(1);
    for command in operated {
        engine.execute(now, Caller::Operator, command).unwrap();
    }
    let maximum = |lot, units| Command::BidMaximum {
        lot: LotId(lot),
        maximum: Price::from_units(units).unwrap(),
    };
    let other = Caller::User(UserId(2));
    let asked = [
        (session(1), bid(1)),
        (other, maximum(1, 250)),
        (session(2), bid(3)),
        (other, maximum(2, 30_000)),
        (session(3), maximum(1, 900)),
    ];
    for (caller, command) in asked {
        engine.execute(now, caller, command).unwrap();
    }
    engine
}
