//! A turn decides what is due before it accepts commands, and `verify` refuses a journal whose lots close late because
//! a program did not.

use auction_core::manual::opening::{market, opening};
use auction_core::{
    CallTerms, Caller, Command, Difference, Engine, LotId, MarketId, OpenLot, Phase, Price, Profit,
    Quantity, Record, ReplayError, Reply, SecurityCode, Span, Symbol, Timestamp, UserId,
};

const MARKET: MarketId = MarketId([7; 16]);
const APPLE: Caller = Caller::User(UserId(3));
/// The lot of the opening is due at 300 s.
const LOT: LotId = LotId(1);

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// A command of a user that concerns no lot.
fn publish(profit: &str) -> Command {
    Command::PublishProfit {
        symbol: Symbol::parse("AAPL").unwrap(),
        security: SecurityCode::parse("01954").unwrap(),
        profit: Profit::parse(profit).unwrap(),
    }
}

/// Returns an engine after the opening that decides, and one that verifies.
fn pair() -> (Engine, Engine) {
    (market(), market())
}

fn execute(engine: &mut Engine, now: Timestamp, caller: Caller, command: Command) -> Record {
    let executed = engine.execute(now, caller, command).unwrap();
    executed.into_record().unwrap()
}

#[test]
fn a_turn_closes_what_is_due_with_the_time_at_which_it_was_due() {
    let mut engine = Engine::new(MARKET);
    let mut journal = Vec::new();
    let mut turn = engine.turn(at(0), || [7; 32], &mut journal);
    for command in opening() {
        turn.execute(Caller::Operator, command).unwrap();
    }
    let mut turn = engine.turn(at(5_000), || [7; 32], &mut journal);
    let lot = turn.engine().market().lot(LOT).unwrap();
    assert!(matches!(lot.phase, Phase::Closed { at: closed, .. } if closed == at(300)));
    assert_eq!(turn.execute(APPLE, publish("7")), Ok(Reply::Done));

    let mut verified = Engine::new(MARKET);
    for record in &journal {
        verified.verify(record).unwrap();
    }
    assert_eq!(verified.snapshot(), engine.snapshot());
    let replayed = Engine::replayed(MARKET, &journal).unwrap();
    assert_eq!(replayed.snapshot(), engine.snapshot());
}

#[test]
fn a_users_command_before_what_was_due_breaks_the_rules() {
    // One microsecond before the close, at it, and long after.
    let cases = [
        (299_999_999, true),
        (300_000_000, false),
        (5_000_000_000, false),
    ];
    for (micros, fits) in cases {
        let (mut forgetful, mut verifier) = pair();
        let now = Timestamp::from_micros(micros).unwrap();
        let record = execute(&mut forgetful, now, APPLE, publish("7"));
        let verified = verifier.verify(&record);
        if fits {
            assert_eq!(verified, Ok(()));
            continue;
        }
        let due = at(300);
        let expected = ReplayError::DecidedOtherwise {
            sequence: record.sequence,
            difference: Difference::DueBefore { lot: LOT, due },
        };
        assert_eq!(verified, Err(expected));
    }
}

/// A server that was down when a lot fell due does this.
#[test]
fn the_operator_extends_lots_that_are_overdue() {
    let (mut engine, mut verifier) = pair();
    let extend = Command::ExtendLot {
        lot: LOT,
        closes_at: at(5_060),
    };
    let bid = Command::Bid {
        lot: LOT,
        price: Price::parse("1.40").unwrap(),
    };
    for (caller, command) in [
        (Caller::Operator, extend),
        (APPLE, publish("7")),
        (Caller::User(UserId(1)), bid),
    ] {
        let record = execute(&mut engine, at(5_000), caller, command);
        verifier.verify(&record).unwrap();
    }
    assert_eq!(verifier.snapshot(), engine.snapshot());
}

/// A call that is extended within the window of its random end draws it again; other commands of the same time can come
/// before the draw.
#[test]
fn what_a_command_makes_due_may_follow_others_of_its_time() {
    let terms = CallTerms {
        random_end: Span::from_secs(50),
        ..CallTerms::default()
    };
    let symbol = Symbol::parse("AAPL").unwrap();
    let call = OpenLot::new(symbol, Quantity::ONE, at(1_000), terms);
    let (mut engine, mut verifier) = pair();
    let mut journal = vec![execute(&mut engine, at(0), Caller::Operator, call.into())];
    let call = LotId(2);
    let now = at(951);
    // The largest number gives the latest end.
    let seed = (0..=255).map(|byte| [byte; 32]).find(|seed| {
        let mut tried = engine.clone();
        while tried.advance(now, || *seed).is_some() {}
        tried.market().lot(call).unwrap().phase == Phase::Open
    });
    let seed = seed.expect("some end comes later");
    let due = std::iter::from_fn(|| engine.advance(now, || seed));
    journal.extend(due);
    let extend = Command::ExtendLot {
        lot: call,
        closes_at: at(1_000).saturating_add(Span::from_micros(1).unwrap()),
    };
    journal.push(execute(&mut engine, now, Caller::Operator, extend));
    assert!(engine.next_deadline().unwrap() <= now);
    journal.push(execute(&mut engine, now, APPLE, publish("7")));
    let mut late = engine.clone();
    let due = std::iter::from_fn(|| engine.advance(now, || seed));
    journal.extend(due);
    for record in &journal {
        verifier.verify(record).unwrap();
    }
    assert_eq!(verifier.snapshot(), engine.snapshot());

    // At the next point in time it would be late.
    let (_, mut verifier) = pair();
    let before = journal
        .iter()
        .filter(|record| record.sequence <= late.sequence());
    for record in before {
        verifier.verify(record).unwrap();
    }
    let record = execute(&mut late, at(952), APPLE, publish("8"));
    assert!(verifier.verify(&record).is_err());
}

#[test]
fn the_digest_of_an_engine_is_that_of_its_market() {
    let mut engine = market();
    assert_eq!(engine.digest(), engine.market().clone().digest());
    execute(&mut engine, at(1), APPLE, publish("7"));
    assert_eq!(engine.digest(), engine.market().clone().digest());
}
