//! In the steady state a bid allocates nothing: maps, sets and rings have grown to their lasting size.

use allocation_counter::measure;
use auction_core::limits::OUTCOMES_KEPT;
use auction_core::{
    Caller, Command, Credential, Engine, EnglishTerms, Listing, LotId, MarketId, Name, NewSession,
    OpenLot, Price, Profit, Quantity, Registration, RequestId, Role, SecurityCode, SessionId,
    Symbol, Terms, Timestamp, TokenHash, UserId,
};

const LOTS: u32 = 8;
const NOW: Timestamp = Timestamp::from_secs(1);

#[test]
fn a_plain_bid_of_a_user_allocates_nothing() {
    let mut engine = market();
    let caller = |bid: u64| Caller::User(trader(bid));
    bids(&mut engine, 1..101, caller);
    let counted = measure(|| bids(&mut engine, 101..1_101, caller));
    assert_eq!(counted.count_total, 0);
}

#[test]
#[cfg_attr(miri, ignore = "a thousand outcomes take miri minutes")]
fn a_plain_bid_of_a_session_allocates_nothing_once_its_outcomes_are_full() {
    let mut engine = market();
    let caller = |bid: u64| Caller::Session {
        session: SessionId(u64::from(trader(bid).0)),
        request: RequestId(bid),
    };
    let full = 2 * OUTCOMES_KEPT as u64 + 1;
    bids(&mut engine, 1..full, caller);
    let counted = measure(|| bids(&mut engine, full..full + 1_000, caller));
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_refused_bid_allocates_nothing() {
    let mut engine = market();
    bids(&mut engine, 1..101, |bid| Caller::User(trader(bid)));
    let counted = measure(|| {
        let command = Command::Bid {
            lot: LotId(1),
            price: Price::UNIT,
        };
        for user in 1..=2 {
            let refused = engine.execute(NOW, Caller::User(UserId(user)), command.clone());
            assert!(refused.is_err());
        }
    });
    assert_eq!(counted.count_total, 0);
}

/// Bids that rise from lot to lot, of two traders in turns.
fn bids(engine: &mut Engine, numbers: std::ops::Range<u64>, caller: impl Fn(u64) -> Caller) {
    for bid in numbers {
        let round = bid / u64::from(LOTS);
        let price = Price::from_units((round + 1) * 100).unwrap();
        let lot = LotId((bid % u64::from(LOTS)) as u32 + 1);
        let command = Command::Bid { lot, price };
        engine.execute(NOW, caller(bid), command).unwrap();
    }
}

fn trader(bid: u64) -> UserId {
    UserId((bid / u64::from(LOTS) % 2) as u32 + 1)
}

fn market() -> Engine {
    let mut engine = Engine::new(MarketId([7; 16]));
    let symbol = Symbol::parse("AAPL").unwrap();
    let mut commands = vec![Command::ListStock(Listing {
        symbol,
        security: SecurityCode::parse("01954").unwrap(),
        price: Price::ZERO,
        profit: Profit::default(),
    })];
    for number in 1..=2 {
        commands.push(Command::Register(Box::new(Registration {
            name: Name::parse(&format!("trader-{number}")).unwrap(),
            role: Role::Trader,
            credential: Credential::new(b"").unwrap(),
        })));
        commands.push(Command::OpenSession(Box::new(NewSession {
            user: UserId(number),
            token_hash: TokenHash([0; 32]),
            expires_at: Timestamp::from_secs(1_000),
        })));
    }
    let open = OpenLot {
        symbol,
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: Timestamp::from_secs(1_000),
        terms: Terms::English(EnglishTerms::default()),
        reserve: None,
    };
    commands.extend((0..LOTS).map(|_| Command::OpenLot(Box::new(open.clone()))));
    for command in commands {
        let start = Timestamp::default();
        engine.execute(start, Caller::Operator, command).unwrap();
    }
    engine
}
