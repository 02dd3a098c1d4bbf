//! In the steady state a bid allocates nothing: maps, sets and rings have reached their lasting size.

use allocation_counter::measure;
use auction_core::limits::OUTCOMES_KEPT;
use auction_core::{
    CallTerms, Caller, Command, Credential, Engine, EnglishTerms, Listing, LotId, MarketId, Name,
    NewSession, OpenLot, OrderId, Price, Profit, Quantity, Record, Registration, RequestId, Role,
    SecurityCode, SessionId, Side, Symbol, Terms, Timestamp, TokenHash, UserId,
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
fn a_sessions_plain_bid_allocates_nothing_with_full_outcomes() {
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
fn a_plain_bid_that_overwrites_a_record_allocates_nothing() {
    let mut engine = market();
    let mut record = Record::default();
    let mut bid = |number: u64| {
        let caller = Caller::User(trader(number));
        let executed = engine.execute_into(NOW, caller, command(number), &mut record);
        executed.unwrap();
    };
    (1..101).for_each(&mut bid);
    let counted = measure(|| (101..1_101).for_each(bid));
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

#[test]
#[cfg_attr(miri, ignore = "thousands of replacements take miri minutes")]
fn a_call_order_replaced_allocates_nothing() {
    let mut engine = market();
    let call = OpenLot {
        terms: Terms::Call(CallTerms::default()),
        ..english_lot()
    };
    let opened = engine.execute(NOW, Caller::Operator, Command::OpenLot(Box::new(call)));
    opened.unwrap();
    let lot = LotId(LOTS + 1);
    let mut ask = |user, command| {
        let executed = engine.execute(NOW, Caller::User(UserId(user)), command);
        executed.unwrap();
        let _ = engine.indicative(lot);
    };
    // The second trader's orders stay at every price; the first has one order, and moves it.
    let limit = |tick: u64| Price::from_units(tick * 100);
    for tick in 1..=50 {
        ask(
            2,
            Command::PlaceOrder {
                lot,
                side: Side::Buy,
                quantity: Quantity::ONE,
                limit: limit(tick),
            },
        );
    }
    ask(
        1,
        Command::PlaceOrder {
            lot,
            side: Side::Sell,
            quantity: Quantity::ONE,
            limit: limit(1),
        },
    );
    let mut replace = |numbers: std::ops::Range<u64>| {
        for number in numbers {
            ask(
                1,
                Command::ReplaceOrder {
                    lot,
                    order: OrderId(1),
                    quantity: Quantity::new(number).unwrap(),
                    limit: limit(number % 50 + 1),
                },
            );
        }
    };
    // Often enough that the gaps it leaves have been compacted.
    replace(2..3_000);
    let counted = measure(|| replace(3_000..6_000));
    assert_eq!(counted.count_total, 0);
}

/// Sends bids that rise from lot to lot, of two traders in turns.
fn bids(engine: &mut Engine, numbers: std::ops::Range<u64>, caller: impl Fn(u64) -> Caller) {
    for bid in numbers {
        engine.execute(NOW, caller(bid), command(bid)).unwrap();
    }
}

fn command(bid: u64) -> Command {
    let round = bid / u64::from(LOTS);
    let price = Price::from_units((round + 1) * 100).unwrap();
    let lot = LotId((bid % u64::from(LOTS)) as u32 + 1);
    Command::Bid { lot, price }
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
    commands.extend((0..LOTS).map(|_| Command::OpenLot(Box::new(english_lot()))));
    for command in commands {
        let start = Timestamp::default();
        engine.execute(start, Caller::Operator, command).unwrap();
    }
    engine
}

fn english_lot() -> OpenLot {
    OpenLot {
        symbol: Symbol::parse("AAPL").unwrap(),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: Timestamp::from_secs(1_000),
        terms: Terms::English(EnglishTerms::default()),
        reserve: None,
    }
}
