//! The fast path of a plain bid decides the same as the slow path: `verify`, which knows only the slow one, applies
//! every record on a second engine.

use auction_core::limits::QUANTITY_MAX;
use auction_core::{
    Caller, Command, Engine, EnglishTerms, Executed, LotId, NewSession, OpenLot, Price, Quantity,
    Record, Reject, RequestId, Role, SessionId, Steps, Terms, Timestamp, TokenHash, UserId,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::laws::{MARKET, config};
use crate::listed::{listing, register, symbol};
use crate::lot::{price, time};
use crate::terms::{soft_close, steps};

/// More than fit into one word of the set of bidders.
const TRADERS: u32 = 70;
const BASE: u64 = 100;
const CLOSE: u64 = 150;

proptest! {
    #![proptest_config(config(96, 2))]

    #[test]
    #[cfg_attr(miri, ignore = "seventy traders of each market take miri minutes")]
    fn both_paths_of_a_bid_decide_the_same(
        lots in vec(any_lot(), 1..4),
        asked in vec((0..3_u64, any_ask()), 1..150),
    ) {
        let mut pair = Pair::of(lots);
        let mut now = 0;
        for (number, (waits, ask)) in (1..).zip(asked) {
            now += waits;
            let _ = pair.ask(time(now), RequestId(number), &ask);
        }
        prop_assert_eq!(pair.fast.snapshot(), pair.slow.snapshot());
        let restored = Engine::restore(pair.fast.snapshot()).unwrap();
        prop_assert_eq!(restored.snapshot(), pair.fast.snapshot());
    }
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of bids, each verified, take miri minutes")]
fn most_plain_bids_on_a_plain_lot_are_accepted_and_verified() {
    let lot = OpenLot {
        terms: Terms::English(EnglishTerms::default()),
        ..lot(Quantity::ONE)
    };
    let mut pair = Pair::of(vec![lot]);
    for number in 1..200 {
        let by = if number % 2 == 0 {
            By::User
        } else {
            By::Session
        };
        let bidder = UserId(number as u32 % TRADERS + 1);
        let bid = Ask::Bid {
            lot: LotId(1),
            bidder,
            by,
            above: number as i64 % 3,
        };
        assert_eq!(pair.ask(time(1), RequestId(number), &bid), Ok(()));
    }
    assert_eq!(pair.fast.snapshot(), pair.slow.snapshot());
    assert_eq!(pair.fast.market().lots()[0].bidders(), TRADERS);
}

#[test]
#[cfg_attr(miri, ignore = "the markets of seventy traders take miri minutes")]
fn the_look_ahead_depends_on_the_lots_state_not_its_history() {
    let terms = |buy_now: Option<u64>| {
        Terms::English(EnglishTerms {
            steps: Steps::banded(),
            buy_now: buy_now.map(price),
            ..EnglishTerms::default()
        })
    };
    // No price is left above the greatest; the buy-now price is in another band.
    let greatest = Quantity::new(QUANTITY_MAX).unwrap();
    for (quantity, buy_now) in [(greatest, None), (Quantity::ONE, Some(10_100))] {
        let mut pair = Pair::of(vec![OpenLot {
            terms: terms(buy_now),
            ..lot(quantity)
        }]);
        let top = pair.fast.market().lots()[0].greatest_price();
        for (bidder, amount) in [(1, price(9_900)), (2, price(10_050).min(top)), (3, top)] {
            let (lot, caller) = (LotId(1), Caller::User(UserId(bidder)));
            // A lot that was bought accepts no more bids.
            let _ = pair.take(time(1), caller, Command::Bid { lot, price: amount });
            let restored = Engine::restore(pair.fast.snapshot()).unwrap();
            assert_eq!(restored.snapshot(), pair.fast.snapshot());
            assert_eq!(pair.slow.snapshot(), pair.fast.snapshot());
        }
        assert!(pair.fast.market().lots()[0].price().is_some());
    }
}

#[derive(Clone, Debug)]
enum Ask {
    /// Bids this far above the least bid.
    Bid {
        lot: LotId,
        bidder: UserId,
        by: By,
        above: i64,
    },
    Maximum {
        lot: LotId,
        bidder: UserId,
        above: i64,
    },
    Other(Command),
}

#[derive(Clone, Copy, Debug)]
enum By {
    User,
    Session,
}

/// Two engines of one market, one of which decides and the other verifies.
struct Pair {
    fast: Engine,
    slow: Engine,
    /// Every decision overwrites the previous one.
    record: Record,
}

impl Pair {
    fn of(lots: Vec<OpenLot>) -> Self {
        let engine = Engine::new(MARKET);
        let mut pair = Self {
            fast: engine.clone(),
            slow: engine,
            record: Record::default(),
        };
        let mut commands = vec![Command::ListStock(listing(0, 0, BASE, 0))];
        for user in 1..=TRADERS {
            commands.push(register(user, Role::Trader));
            commands.push(Command::OpenSession(Box::new(NewSession {
                user: UserId(user),
                token_hash: TokenHash([user as u8; 32]),
                expires_at: time(2 * CLOSE),
            })));
        }
        for command in commands {
            pair.take(time(0), Caller::Operator, command).unwrap();
        }
        for lot in lots {
            // Terms that leave no room for a bid are refused.
            let _ = pair.take(time(0), Caller::Operator, Command::OpenLot(Box::new(lot)));
        }
        pair
    }

    fn ask(&mut self, now: Timestamp, request: RequestId, ask: &Ask) -> Result<(), Reject> {
        while let Some(record) = self.fast.advance(now, || [7; 32]) {
            self.slow.verify(&record).unwrap();
        }
        match *ask {
            Ask::Bid {
                lot,
                bidder,
                by,
                above,
            } => {
                let price = self.price(lot, above);
                let caller = match by {
                    By::User => Caller::User(bidder),
                    By::Session => Caller::Session {
                        session: SessionId(u64::from(bidder.0)),
                        request,
                    },
                };
                self.take(now, caller, Command::Bid { lot, price })
            }
            Ask::Maximum { lot, bidder, above } => {
                let maximum = self.price(lot, above);
                self.take(
                    now,
                    Caller::User(bidder),
                    Command::BidMaximum { lot, maximum },
                )
            }
            Ask::Other(ref command) => self.take(now, Caller::Operator, command.clone()),
        }
    }

    fn price(&self, lot: LotId, above: i64) -> Price {
        let lot = self.fast.market().lot(lot);
        let least = lot.and_then(|lot| lot.least_bid().or(lot.price()));
        let units = least
            .map_or(BASE, Price::units)
            .saturating_add_signed(above);
        Price::from_units(units).unwrap_or(Price::MAX)
    }

    fn take(&mut self, now: Timestamp, caller: Caller, command: Command) -> Result<(), Reject> {
        let before = self.fast.snapshot();
        match self
            .fast
            .execute_into(now, caller, command, &mut self.record)
        {
            Ok(Executed::Decided(record)) => self.slow.verify(record).unwrap(),
            Ok(Executed::Repeated { .. }) => unreachable!("no request comes twice"),
            Err(refused) => {
                assert_eq!(self.fast.snapshot(), before, "a refusal changes nothing");
                return Err(refused);
            }
        }
        Ok(())
    }
}

fn any_ask() -> impl Strategy<Value = Ask> {
    let lot = (1..4_u32).prop_map(LotId);
    let bidder = prop_oneof![3 => 1..4_u32, 1 => 1..=TRADERS].prop_map(UserId);
    let above = prop_oneof![8 => 0..4_i64, 1 => -4..0_i64, 1 => 0..200_i64];
    let by = select(vec![By::User, By::Session]);
    let bid =
        (lot.clone(), bidder.clone(), by, above.clone()).prop_map(|(lot, bidder, by, above)| {
            Ask::Bid {
                lot,
                bidder,
                by,
                above,
            }
        });
    let maximum = (lot.clone(), bidder.clone(), above)
        .prop_map(|(lot, bidder, above)| Ask::Maximum { lot, bidder, above });
    let other = (lot, bidder, 0..5_u8).prop_map(|(lot, user, which)| {
        Ask::Other(match which {
            0 => Command::HaltLot { lot },
            1 => Command::ResumeLot { lot },
            2 => Command::SuspendUser { user },
            3 => Command::ReinstateUser { user },
            _ => Command::CloseLot { lot },
        })
    });
    prop_oneof![20 => bid, 2 => maximum, 1 => other]
}

fn any_lot() -> impl Strategy<Value = OpenLot> {
    let price = |to| option::weighted(0.2, (BASE + 15..to).prop_map(price));
    let quantity = select(vec![1, QUANTITY_MAX]).prop_map(|shares| Quantity::new(shares).unwrap());
    let opens = option::weighted(0.2, (1..50_u64).prop_map(time));
    let steps = prop_oneof![steps(), Just(Steps::flat(crate::lot::price(5)).unwrap())];
    (
        quantity,
        opens,
        steps,
        soft_close(),
        price(BASE + 40),
        price(BASE + 80),
    )
        .prop_map(
            |(quantity, opens_at, steps, soft_close, reserve, buy_now)| OpenLot {
                opens_at,
                terms: Terms::English(EnglishTerms {
                    steps,
                    buy_now: buy_now.max(reserve).filter(|_| buy_now.is_some()),
                    soft_close,
                }),
                reserve,
                ..lot(quantity)
            },
        )
}

fn lot(quantity: Quantity) -> OpenLot {
    OpenLot {
        symbol: symbol(0),
        quantity,
        opens_at: None,
        closes_at: time(CLOSE),
        terms: Terms::English(EnglishTerms::default()),
        reserve: None,
    }
}
