//! The activity of traders, against what was asked and what the engine says itself.

use std::collections::BTreeMap;

use auction_core::{
    Actor, CallTerms, Caller, Command, DutchTerms, Engine, EnglishTerms, Executed, LotId,
    MarginalPriority, OrderId, OrderState, Outcome, OwnOrder, Price, Quantity, Record, Role,
    SealedPricing, SealedTerms, Side, Span, Terms, Timestamp, UniformPricing, UniformTerms, UserId,
};
use auction_proto::limits::ACTIVITY_ENTRIES_MAX;
use auction_proto::{ActivityEntry, ActivityOf};
use auction_server::testing::projections::activity::ActivityIndex;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::stage::{START, Stage, open};

const TRADERS: u32 = 3;
const LOTS: u32 = 6;

/// Something that someone tries; the engine may refuse it.
#[derive(Clone, Debug)]
struct Try {
    user: u32,
    lot: u32,
    what: u8,
    price: u64,
    quantity: u64,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = (1..=TRADERS, 1..=LOTS, 0..12_u8, 1..40_u64, 1..30_u64);
    let one = one.prop_map(|(user, lot, what, price, quantity)| Try {
        user,
        lot,
        what,
        price,
        quantity,
    });
    vec(one, 0..120)
}

fn price(cents: u64) -> Price {
    Price::from_units(cents * 100).unwrap()
}

/// Lots of every format, and traders.
fn stage(records: &mut Vec<Record>) -> Stage {
    let mut stage = Stage::in_memory();
    stage.list("AAPL", "01954", "0.01", "0");
    stage.register("mia", Role::Trader);
    stage.register("tom", Role::Trader);
    stage.register("ida", Role::Trader);
    let parts = |pricing| {
        Terms::Uniform(UniformTerms {
            pricing,
            priority: MarginalPriority::Time,
            bids_max: 3,
        })
    };
    let formats = [
        (1, Terms::English(EnglishTerms::default())),
        (100, parts(UniformPricing::Uniform)),
        (
            10,
            Terms::Sealed(SealedTerms {
                pricing: SealedPricing::SecondPrice,
            }),
        ),
        (
            5,
            Terms::Dutch(DutchTerms {
                start: price(30),
                step: price(1),
                interval: Span::from_secs(10),
                floor: price(1),
            }),
        ),
        (1, Terms::Call(CallTerms::default())),
        (50, parts(UniformPricing::PayAsBid)),
    ];
    for (quantity, terms) in formats {
        let open = open("AAPL", quantity, None, terms);
        execute(&mut stage.engine, records, 1, Caller::Operator, open);
    }
    stage
}

fn execute(
    engine: &mut Engine,
    records: &mut Vec<Record>,
    secs: u64,
    caller: Caller,
    command: Command,
) {
    let now = Timestamp::from_secs(START + secs);
    if let Ok(Executed::Decided(record)) = engine.execute(now, caller, command) {
        records.push(record.clone());
    }
}

fn command(
    engine: &Engine,
    Try {
        user,
        lot,
        what,
        price: cents,
        quantity,
    }: &Try,
) -> (Caller, Command) {
    let (lot, trader) = (LotId(*lot), UserId(*user));
    let quantity = Quantity::new(*quantity).unwrap();
    let limit = Some(price(*cents));
    let own = engine.orders_of(lot, trader).unwrap_or_default();
    let order = own.last().map_or(OrderId(1), |own| own.order);
    let command = match what {
        0..=2 => Command::Bid {
            lot,
            price: price(*cents),
        },
        3 => Command::BidMaximum {
            lot,
            maximum: price(*cents),
        },
        4..=7 => Command::PlaceOrder {
            lot,
            side: if *what == 7 { Side::Sell } else { Side::Buy },
            quantity: match lot.0 {
                3 => Quantity::new(10).unwrap(),
                _ => quantity,
            },
            limit,
        },
        8 => Command::ReplaceOrder {
            lot,
            order,
            quantity,
            limit,
        },
        9 | 10 => Command::CancelOrder { lot, order },
        _ if *cents < 20 => return (Caller::Operator, Command::SuspendUser { user: trader }),
        _ => return (Caller::Operator, Command::ReinstateUser { user: trader }),
    };
    (Caller::User(trader), command)
}

/// A user's activity, a page at a time.
fn paged(index: &ActivityIndex, user: UserId, limit: u32) -> Vec<ActivityEntry> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = index.page(user, before, limit);
        let least = usize::try_from(limit.max(1)).unwrap();
        assert!(page.entries.len() <= least.min(ACTIVITY_ENTRIES_MAX));
        assert!(page.next.is_none() || page.entries.len() == least.min(ACTIVITY_ENTRIES_MAX));
        all.extend(page.entries.into_vec());
        match page.next {
            Some(next) => before = Some(next),
            None => return all,
        }
    }
}

/// Checks the activity of everyone against the engine, and against what the records say was asked.
fn check(engine: &Engine, index: &ActivityIndex, records: &[Record]) {
    let mut bids: BTreeMap<(UserId, LotId), (Timestamp, Price, bool)> = BTreeMap::new();
    let mut placed: BTreeMap<(UserId, LotId), u32> = BTreeMap::new();
    for record in records {
        let Actor::User(user) = record.actor else {
            continue;
        };
        match record.command {
            Command::Bid { lot, price } => {
                // A Dutch lot is taken at the price of the moment, which can be lower.
                let lot_price = engine.market().lot(lot).and_then(|lot| lot.price());
                let price = if lot.0 == 4 {
                    lot_price.unwrap()
                } else {
                    price
                };
                bids.insert((user, lot), (record.at, price, false));
            }
            Command::BidMaximum { lot, maximum } => {
                bids.insert((user, lot), (record.at, maximum, true));
            }
            Command::PlaceOrder { lot, .. } => *placed.entry((user, lot)).or_default() += 1,
            _ => {}
        }
    }
    for user in (1..=TRADERS).map(UserId) {
        let all = paged(index, user, 1_024);
        assert_eq!(paged(index, user, 1), all, "page by page it is the same");
        assert_eq!(paged(index, user, 0), all, "0 counts as 1");
        assert_eq!(paged(index, user, 7), all);
        let places: Vec<_> = all
            .iter()
            .map(|entry| (entry.place().lot, entry.place().order))
            .collect();
        assert!(places.windows(2).all(|pair| pair[0] > pair[1]));
        for lot in (1..=LOTS).map(LotId) {
            let here = all.iter().filter(|entry| entry.lot == lot);
            let found = engine.market().lot(lot).unwrap();
            let mut orders: Vec<OwnOrder> = Vec::new();
            let (mut cancelled, mut has_bid) = (0, false);
            for entry in here {
                match &entry.what {
                    ActivityOf::Order(order) => orders.push(*order),
                    ActivityOf::Cancelled(count) => cancelled = *count,
                    ActivityOf::Bid(bid) => {
                        has_bid = true;
                        let expected = (entry.at, bid.price, bid.hidden);
                        assert_eq!(bids.get(&(user, lot)), Some(&expected));
                        assert_eq!(bid.leads, found.leader() == Some(user));
                        let state = match found.outcome() {
                            None => OrderState::Live,
                            Some(Outcome::Sold { winner, price, .. }) if winner == user => {
                                OrderState::Closed {
                                    filled: found.quantity.get(),
                                    price: Some(price),
                                }
                            }
                            Some(_) => OrderState::Closed {
                                filled: 0,
                                price: None,
                            },
                        };
                        assert_eq!(bid.state, state);
                    }
                }
            }
            assert_eq!(has_bid, bids.contains_key(&(user, lot)));
            orders.reverse();
            assert_eq!(
                orders,
                engine.orders_of(lot, user).unwrap(),
                "user {user}, lot {lot}"
            );
            let placed = placed.get(&(user, lot)).copied().unwrap_or(0);
            assert_eq!(cancelled as usize + orders.len(), placed as usize);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_activity_of_every_trader_is_what_the_engine_and_their_requests_say(tries in tries()) {
        let mut records = Vec::new();
        let mut stage = stage(&mut records);
        let mut index = ActivityIndex::default();
        for (secs, tried) in (2..).zip(&tries) {
            let (caller, command) = command(&stage.engine, tried);
            execute(&mut stage.engine, &mut records, secs, caller, command);
        }
        let mut taken = records.len();
        records.iter().for_each(|record| index.take(record).unwrap());
        check(&stage.engine, &index, &records);
        while let Some(record) = stage.engine.advance(Timestamp::from_secs(START + 10_000), || [7; 32]) {
            records.push(record.clone());
        }
        records[taken..].iter().for_each(|record| index.take(record).unwrap());
        taken = records.len();
        prop_assert!(taken >= LOTS as usize);
        prop_assert!(stage.engine.market().lots().iter().all(|lot| lot.is_closed()));
        check(&stage.engine, &index, &records);
    }
}

#[test]
fn a_record_of_a_lot_that_is_not_known_is_refused() {
    let mut records = Vec::new();
    let mut stage = stage(&mut records);
    let bid = Command::Bid {
        lot: LotId(1),
        price: price(5),
    };
    execute(
        &mut stage.engine,
        &mut records,
        2,
        Caller::User(UserId(1)),
        bid,
    );
    let bid = records.pop().unwrap();
    let mut index = ActivityIndex::default();
    let error = index.take(&bid).unwrap_err();
    assert_eq!(error.to_string(), "lot 1 is not known");
    let second = &records[1];
    let error = ActivityIndex::default().take(second).unwrap_err();
    assert_eq!(error.to_string(), "lot 2 opened where 1 was expected");
}
