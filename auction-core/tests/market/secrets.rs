//! Hidden data does not appear in public data: secret values are numbers that occur nowhere else, and all public data
//! is searched for them.

use auction_core::{
    Caller, Command, Credential, Engine, EnglishTerms, Executed, Listing, LotId, MarginalPriority,
    Name, NewSession, OpenLot, OrderId, Profit, PublicEvent, Quantity, Registration, Role,
    SealedPricing, SealedTerms, SecurityCode, Side, Symbol, Terms, Timestamp, TokenHash,
    UniformPricing, UniformTerms, UserId,
};
use proptest::prelude::*;

use crate::laws::{MARKET, config};
use crate::lot::{price, time};

/// The winner's maximum and the reserve of a lot that stays below it.
const SECRET_MAXIMUM: u64 = 777_777_001;
const SECRET_RESERVE: u64 = 777_777_777;
const SECRET_DIGITS: &str = "77777.7";
/// Appears as a list of bytes, and as hexadecimal.
const SECRET_BYTE: u8 = 0xd7;
const SECRET_BYTES: [&str; 2] = ["215, 215", "d7d7"];

#[derive(Clone, Debug)]
enum Bid {
    Plain(u32, u32, u64),
    Maximum(u32, u32, u64),
    SecretMaximum(u32),
}

fn bid() -> impl Strategy<Value = Bid> {
    let trader = 1..=3_u32;
    prop_oneof![
        4 => (1..=2_u32, trader.clone(), 1..5_000_u64).prop_map(|(lot, user, up)| Bid::Plain(lot, user, up)),
        4 => (1..=2_u32, trader, 1..5_000_u64).prop_map(|(lot, user, up)| Bid::Maximum(lot, user, up)),
        1 => (1..=2_u32).prop_map(Bid::SecretMaximum),
    ]
}

proptest! {
    #![proptest_config(config(100, 1))]

    #[test]
    fn nothing_public_shows_a_maximum_unmet_reserve_or_credential(
        bids in proptest::collection::vec(bid(), 1..if cfg!(miri) { 4 } else { 30 }),
    ) {
        let mut engine = Engine::new(MARKET);
        let mut public = String::new();
        let mut tell = |engine: &Engine, executed: &Executed| {
            let Executed::Decided(record) = executed else { panic!("no request is repeated") };
            for event in record.public_events() {
                public.push_str(&format!("{event:?} {:?}", record.reply()));
            }
            public.push_str(&format!("{:?}", engine.market()));
            if record.command.is_hidden() {
                return;
            }
            public.push_str(&format!("{:?}", record.command));
        };
        for command in opening() {
            let executed = engine.execute(time(0), Caller::Operator, command).unwrap();
            tell(&engine, &executed);
        }
        for bid in bids {
            let (user, command) = match bid {
                Bid::Plain(lot, user, amount) => {
                    (user, Command::Bid { lot: LotId(lot), price: price(amount) })
                }
                Bid::Maximum(lot, user, amount) => {
                    (user, Command::BidMaximum { lot: LotId(lot), maximum: price(amount) })
                }
                // The only trader who may win with it.
                Bid::SecretMaximum(lot) => {
                    let maximum = price(SECRET_MAXIMUM);
                    (4, Command::BidMaximum { lot: LotId(lot), maximum })
                }
            };
            match engine.execute(time(1), Caller::User(UserId(user)), command) {
                Ok(executed) => tell(&engine, &executed),
                Err(reject) => {
                    // Only the leader's error names their own maximum.
                    prop_assert!(user == 4 || !reject.to_string().contains(SECRET_DIGITS));
                }
            }
        }
        while let Some(record) = engine.advance(Timestamp::from_secs(3_600), || [7; 32]) {
            tell(&engine, &Executed::Decided(record));
        }
        prop_assert!(engine.market().lots().iter().all(|lot| lot.outcome().is_some()));
        prop_assert!(!public.contains(SECRET_DIGITS), "{public}");
        for bytes in SECRET_BYTES {
            prop_assert!(!public.contains(bytes), "{public}");
        }
    }
}

/// Returns the commands for four traders with secret credentials and sessions; a lot without a reserve, and one with an
/// unmet one.
fn opening() -> Vec<Command> {
    let symbol = Symbol::parse("AAPL").unwrap();
    let mut commands = vec![Command::ListStock(Listing {
        symbol,
        security: SecurityCode::parse("01954").unwrap(),
        price: price(0),
        profit: Profit::default(),
    })];
    for user in 1..=4_u32 {
        commands.push(Command::Register(Box::new(Registration {
            name: Name::parse(&format!("trader-{user}")).unwrap(),
            role: Role::Trader,
            credential: Credential::new(&[SECRET_BYTE; 32]).unwrap(),
        })));
        commands.push(Command::OpenSession(Box::new(NewSession {
            user: UserId(user),
            token_hash: TokenHash([SECRET_BYTE; 32]),
            expires_at: time(100),
        })));
    }
    for reserve in [None, Some(price(SECRET_RESERVE))] {
        commands.push(Command::OpenLot(Box::new(OpenLot {
            symbol,
            quantity: Quantity::ONE,
            opens_at: None,
            closes_at: time(100),
            terms: Terms::English(EnglishTerms::default()),
            reserve,
        })));
    }
    commands
}

/// A trader's change of sealed bids, at secret prices and quantities.
#[derive(Clone, Debug)]
enum Sealed {
    Place(u32, u32, u64),
    Replace(u32, u32, u32, u64),
    Cancel(u32, u32, u32),
}

fn sealed() -> impl Strategy<Value = Sealed> {
    let (lot, trader, order, up) = (3..=4_u32, 1..=4_u32, 1..=3_u32, 0..90_u64);
    let own = (lot.clone(), trader.clone(), order);
    prop_oneof![
        3 => (lot, trader, up.clone()).prop_map(|(lot, user, up)| Sealed::Place(lot, user, up)),
        2 => (own.clone(), up)
            .prop_map(|((lot, user, order), up)| Sealed::Replace(lot, user, order, up)),
        1 => own.prop_map(|(lot, user, order)| Sealed::Cancel(lot, user, order)),
    ]
}

/// Number of shares, or price: both show the same digits.
const SECRET_UNITS: u64 = 777_777_000;

impl Sealed {
    fn command(&self) -> (UserId, Command) {
        let price = |up: &u64| Some(price(SECRET_UNITS + up));
        let quantity = |lot: u32| match lot {
            3 => Quantity::ONE,
            _ => Quantity::new(SECRET_UNITS).unwrap(),
        };
        match self {
            Self::Place(lot, user, up) => {
                let place = Command::PlaceOrder {
                    lot: LotId(*lot),
                    side: Side::Buy,
                    quantity: quantity(*lot),
                    limit: price(up),
                };
                (UserId(*user), place)
            }
            Self::Replace(lot, user, order, up) => {
                let replace = Command::ReplaceOrder {
                    lot: LotId(*lot),
                    order: OrderId(*order),
                    quantity: quantity(*lot),
                    limit: price(up),
                };
                (UserId(*user), replace)
            }
            Self::Cancel(lot, user, order) => {
                let (lot, order) = (LotId(*lot), OrderId(*order));
                (UserId(*user), Command::CancelOrder { lot, order })
            }
        }
    }
}

/// Returns the market of [`opening`] with a sealed lot and one in parts.
fn with_sealed_lots() -> Engine {
    let mut engine = Engine::new(MARKET);
    let sealed = Terms::Sealed(SealedTerms {
        pricing: SealedPricing::SecondPrice,
    });
    let uniform = Terms::Uniform(UniformTerms {
        pricing: UniformPricing::PayAsBid,
        priority: MarginalPriority::ProRata,
        bids_max: 2,
    });
    let lots = [sealed, uniform].map(|terms| {
        Command::OpenLot(Box::new(OpenLot {
            symbol: Symbol::parse("AAPL").unwrap(),
            quantity: Quantity::ONE,
            opens_at: None,
            closes_at: time(100),
            terms,
            reserve: Some(price(SECRET_RESERVE)),
        }))
    });
    for command in opening().into_iter().chain(lots) {
        engine.execute(time(0), Caller::Operator, command).unwrap();
    }
    engine
}

proptest! {
    #![proptest_config(config(200, 2))]

    #[test]
    fn before_the_close_sealed_bids_show_only_the_number_of_bidders(
        steps in proptest::collection::vec(sealed(), 1..30),
    ) {
        let mut engine = with_sealed_lots();
        for step in steps {
            let (user, command) = step.command();
            let before = engine.market().clone();
            let Ok(executed) = engine.execute(time(1), Caller::User(user), command) else {
                prop_assert_eq!(&before, engine.market());
                continue;
            };
            let record = executed.into_record().unwrap();
            prop_assert!(record.command.is_hidden());
            let mut public = format!("{:?}", engine.market());
            for event in record.public_events() {
                let counts = matches!(event, PublicEvent::BiddersCounted { .. });
                prop_assert!(counts, "{event:?}");
                public.push_str(&format!("{event:?}"));
            }
            prop_assert!(!public.contains("777777"), "{public}");
            prop_assert!(!public.contains(SECRET_DIGITS), "{public}");
            // A second bid of the same trader leaves no public trace, not even a gap.
            let shown = record.public_events().count();
            let (lots, then) = (engine.market().lots(), before.lots());
            let moved = lots.iter().zip(then).filter(|(now, then)| now.bidders() != then.bidders());
            prop_assert_eq!(shown, moved.count());
            if shown == 0 {
                prop_assert_eq!(&before, engine.market());
            }
        }
    }

    #[test]
    fn a_traders_view_of_own_orders_is_independent_of_others(
        steps in proptest::collection::vec(sealed(), 1..30),
    ) {
        let (mut busy, mut quiet) = (with_sealed_lots(), with_sealed_lots());
        for step in steps {
            let (user, command) = step.command();
            let told = busy.execute(time(1), Caller::User(user), command.clone());
            if user == UserId(1) {
                let alone = quiet.execute(time(1), Caller::User(user), command);
                let reply = |told: Result<Executed, _>| told.map(|executed| executed.reply());
                prop_assert_eq!(reply(told), reply(alone));
            }
        }
    }
}
