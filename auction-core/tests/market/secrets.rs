//! What is hidden shows nowhere in what everyone sees: secret values are numbers that occur nowhere else, and
//! all that is public is searched for them.

use auction_core::{
    Caller, Command, Credential, Engine, EnglishTerms, Executed, Listing, LotId, Name, NewSession,
    OpenLot, Profit, Quantity, Registration, Role, SecurityCode, Symbol, Terms, Timestamp,
    TokenHash, UserId,
};
use proptest::prelude::*;

use crate::laws::{MARKET, config};
use crate::lot::{price, time};

/// The winner's maximum and the reserve of a lot that stays below it.
const SECRET_MAXIMUM: u64 = 777_777_001;
const SECRET_RESERVE: u64 = 777_777_777;
const SECRET_DIGITS: &str = "77777.7";
/// As a list of bytes, and as hexadecimal.
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
    fn nothing_public_tells_a_winners_maximum_an_unmet_reserve_or_a_credential(
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
                // The one trader who may win with it.
                Bid::SecretMaximum(lot) => {
                    let maximum = price(SECRET_MAXIMUM);
                    (4, Command::BidMaximum { lot: LotId(lot), maximum })
                }
            };
            match engine.execute(time(1), Caller::User(UserId(user)), command) {
                Ok(executed) => tell(&engine, &executed),
                Err(reject) => {
                    // Only the leader is told of their own maximum.
                    prop_assert!(user == 4 || !reject.to_string().contains(SECRET_DIGITS));
                }
            }
        }
        while let Some(record) = engine.advance(Timestamp::from_secs(3_600)) {
            tell(&engine, &Executed::Decided(record));
        }
        prop_assert!(engine.market().lots().iter().all(|lot| lot.outcome().is_some()));
        prop_assert!(!public.contains(SECRET_DIGITS), "{public}");
        for bytes in SECRET_BYTES {
            prop_assert!(!public.contains(bytes), "{public}");
        }
    }
}

/// Four traders with secret credentials and sessions; a lot without a reserve, and one with an unmet one.
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
