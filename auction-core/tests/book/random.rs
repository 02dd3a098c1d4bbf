//! Random commands, beside the oracle.

use auction_core::clearing::book::{
    Book, BookTerms, CancelAll, Corridor, End, Event, Execution, NewOrder, OrderKey, Outcome,
    PriceLevel, Refused, Replaced, Replacement, SelfTrade,
};
use auction_core::clearing::call::{Collar, Entry, Quote};
use auction_core::{Price, Quantity, Side, UserId};
use proptest::prelude::*;

use super::TICK;
use super::oracle::{Answer, Effect, Fate, Oracle, Plain};

#[derive(Clone, Debug)]
enum Command {
    Enter {
        order: NewOrder,
        corridor: Corridor,
    },
    Replace {
        pick: usize,
        stranger: bool,
        replacement: Replacement,
        believes_right: bool,
        always_anew: bool,
        corridor: Corridor,
    },
    Cancel {
        pick: usize,
        stranger: bool,
    },
    CancelAll {
        owner: UserId,
        step: u32,
    },
    AtLast {
        price: Price,
    },
}

/// The book and the oracle, and the key of the order at each place.
struct Pair {
    book: Book,
    oracle: Oracle,
    keys: Vec<OrderKey>,
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_commands_do_what_the_oracle_says(
        round_lot in prop_oneof![Just(1), Just(10)],
        orders_max in prop_oneof![4 => Just(1_000), 1 => 0..6_usize],
        commands in proptest::collection::vec(command(), 1..160),
    ) {
        let mut pair = Pair::new(round_lot, orders_max);
        for command in commands {
            pair.run(&command);
        }
    }
}

fn config() -> ProptestConfig {
    let is_long = std::env::var("AUCTION_LONG").is_ok_and(|value| value == "1");
    ProptestConfig {
        cases: match (cfg!(miri), is_long) {
            (true, _) => 4,
            (false, false) => 500,
            (false, true) => 125_000,
        },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Few prices and owners, so that orders meet.
fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        180 => (order(), corridor()).prop_map(|(order, corridor)| Command::Enter { order, corridor }),
        75 => (
            any::<usize>(), one_in(12), replacement(), any::<bool>(), one_in(6), corridor(),
        ).prop_map(|(pick, stranger, replacement, believes_right, always_anew, corridor)| {
            Command::Replace { pick, stranger, replacement, believes_right, always_anew, corridor }
        }),
        45 => (any::<usize>(), one_in(8)).prop_map(|(pick, stranger)| Command::Cancel { pick, stranger }),
        6 => (1..=4_u32, 1..4_u32).prop_map(|(owner, step)| Command::CancelAll { owner: UserId(owner), step }),
        // Once a day, and last.
        1 => ticks().prop_map(|price| Command::AtLast { price }),
    ]
}

fn one_in(cases: u32) -> impl Strategy<Value = bool> {
    (0..cases).prop_map(|case| case == 0)
}

fn ticks() -> impl Strategy<Value = Price> {
    (1..=12_u64).prop_map(|ticks| Price::from_units(ticks * TICK).unwrap())
}

fn limit() -> impl Strategy<Value = Price> {
    prop_oneof![
        40 => ticks(),
        // Off the tick, zero, and at the end of all prices.
        1 => (0..3 * TICK).prop_map(|units| Price::from_units(units).unwrap()),
        1 => (0..3 * TICK).prop_map(|units| Price::from_units(Price::MAX.units() - units).unwrap()),
    ]
}

fn quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![
        20 => (1..=8_u64).prop_map(|lots| Quantity::new(lots * 10).unwrap()),
        1 => (1..=80_u64).prop_map(|shares| Quantity::new(shares).unwrap()),
    ]
}

fn order() -> impl Strategy<Value = NewOrder> {
    let execution = prop_oneof![
        6 => Just(Execution::Day),
        1 => Just(Execution::PostOnly),
        2 => Just(Execution::ImmediateOrCancel),
        2 => Just(Execution::FillOrKill),
    ];
    let self_trade = prop_oneof![
        Just(SelfTrade::Refuse),
        Just(SelfTrade::CancelNewest),
        Just(SelfTrade::CancelOldest),
        Just(SelfTrade::CancelBoth),
        Just(SelfTrade::Decrement),
    ];
    let limit = prop_oneof![9 => limit().prop_map(Some), 1 => Just(None)];
    let entry = (any::<bool>(), quantity(), limit).prop_map(|(is_buy, quantity, limit)| Entry {
        side: if is_buy { Side::Buy } else { Side::Sell },
        quantity,
        limit,
    });
    (1..=4_u32, entry, execution, self_trade).prop_map(|(owner, entry, execution, self_trade)| {
        NewOrder {
            owner: UserId(owner),
            entry,
            execution,
            self_trade,
        }
    })
}

fn replacement() -> impl Strategy<Value = Replacement> {
    let believed = prop_oneof![3 => Just(None), 1 => quantity().prop_map(Some)];
    (limit(), quantity(), believed).prop_map(|(limit, quantity, believed)| Replacement {
        limit,
        quantity,
        believed,
    })
}

fn corridor() -> impl Strategy<Value = Corridor> {
    let collar = (ticks(), 0..6 * TICK).prop_map(|(reference, absolute)| {
        let absolute = Price::from_units(absolute).unwrap();
        let collar = Collar {
            absolute,
            basis_points: 0,
        };
        Corridor::OPEN.within(&collar, reference)
    });
    prop_oneof![2 => Just(Corridor::OPEN), 1 => collar]
}

impl Pair {
    fn new(round_lot: u64, orders_max: usize) -> Self {
        let terms = BookTerms {
            tick: Price::from_units(TICK).unwrap(),
            round_lot: Quantity::new(round_lot).unwrap(),
            orders_max: orders_max as u32,
        };
        let oracle = Oracle {
            tick: TICK,
            round_lot,
            orders_max,
            close: None,
            orders: Vec::new(),
            rested: 0,
        };
        Self {
            book: Book::new(terms).unwrap(),
            oracle,
            keys: Vec::new(),
        }
    }

    fn run(&mut self, command: &Command) {
        match command {
            Command::Enter { order, corridor } => {
                let expected = self.oracle.enter(order, corridor);
                let mut events = Vec::new();
                let outcome = self
                    .book
                    .enter(*order, corridor, |event| events.push(event));
                self.compare(expected, &events, outcome.map(Replaced::Anew));
            }
            Command::Replace {
                pick,
                stranger,
                replacement,
                believes_right,
                always_anew,
                corridor,
            } => self.replace(
                *pick,
                *stranger,
                replacement,
                *believes_right,
                *always_anew,
                corridor,
            ),
            Command::Cancel { pick, stranger } => {
                let Some((place, owner)) = self.picked(*pick, *stranger) else {
                    return;
                };
                let key = self.keys[place];
                let expected = self.oracle.cancel(place, key, owner);
                let cancelled = self.book.cancel(key, owner);
                assert_eq!(cancelled.map(|order| order.open.get()), expected);
            }
            Command::CancelAll { owner, step } => {
                let mut expected = self.oracle.cancel_all(*owner);
                let mut effects = Vec::new();
                let mut all = CancelAll::begin(&self.book, *owner);
                let keys = &self.keys;
                let mut sink = |event: Event| effects.push(Effect::of(&event, keys));
                while !self.book.cancel_all(&mut all, *step, &mut sink) {}
                let place = |effect: &Effect| match effect {
                    Effect::Cancelled(place, _) => *place,
                    other => panic!("only cancels: {other:?}"),
                };
                effects.sort_by_key(place);
                expected.sort_by_key(place);
                assert_eq!(effects, expected);
            }
            Command::AtLast { price } => {
                if self.oracle.close.is_none() && self.oracle.begin_at_last(*price) {
                    self.book.begin_at_last(*price);
                }
            }
        }
        self.compare_orders();
    }

    fn replace(
        &mut self,
        pick: usize,
        stranger: bool,
        replacement: &Replacement,
        believes_right: bool,
        always_anew: bool,
        corridor: &Corridor,
    ) {
        let Some((place, owner)) = self.picked(pick, stranger) else {
            return;
        };
        let mut replacement = *replacement;
        if believes_right {
            let open = self.oracle.orders.iter().find(|order| order.place == place);
            let open = open.and_then(|order| Quantity::new(order.open));
            replacement.believed = replacement.believed.and(open);
        }
        let key = self.keys[place];
        let expected = self
            .oracle
            .replace(place, key, owner, &replacement, corridor, always_anew);
        let mut events = Vec::new();
        let sink = |event| events.push(event);
        let replaced = if always_anew {
            let requeued = self.book.requeue(key, owner, replacement, corridor, sink);
            requeued.map(Replaced::Anew)
        } else {
            self.book.replace(key, owner, replacement, corridor, sink)
        };
        self.compare(expected, &events, replaced);
    }

    /// An order that has rested, often one that still does, and who asks.
    fn picked(&self, pick: usize, stranger: bool) -> Option<(usize, UserId)> {
        let live = &self.oracle.orders;
        if live.is_empty() || pick.is_multiple_of(8) {
            let place = (pick / 8).checked_rem(self.keys.len())?;
            return Some((place, UserId(pick as u32 % 4 + 1)));
        }
        let order = live[pick / 8 % live.len()];
        let owner = if stranger {
            order.owner.0 % 4 + 1
        } else {
            order.owner.0
        };
        Some((order.place, UserId(owner)))
    }

    fn compare(&mut self, expected: Answer, events: &[Event], got: Result<Replaced, Refused>) {
        let effects = events.iter().map(|event| Effect::of(event, &self.keys));
        let effects: Vec<Effect> = effects.collect();
        let got = got.map(|replaced| match replaced {
            Replaced::Kept => (effects.clone(), 0, Fate::Kept),
            Replaced::Anew(Outcome { traded, end }) => {
                let fate = match end {
                    End::Done => Fate::Done,
                    End::Rests { order, open } => {
                        let is_last = self.keys.iter().all(|key| *key < order);
                        assert!(is_last, "keys rise with places");
                        self.keys.push(order);
                        Fate::Rests(open.get())
                    }
                    End::Lapsed { quantity, because } => Fate::Lapsed(quantity.get(), because),
                    End::Interrupted { open, price } => Fate::Interrupted(open.get(), price),
                };
                (effects.clone(), traded, fate)
            }
        });
        assert!(got.is_ok() || events.is_empty(), "a refusal has no effects");
        assert_eq!(got, expected);
    }

    fn compare_orders(&self) {
        for side in [Side::Buy, Side::Sell] {
            let expected = self.oracle.by_priority(side);
            let orders: Vec<Plain> = self
                .book
                .orders(side)
                .map(|order| self.plain(&order))
                .collect();
            assert_eq!(orders, expected);
            let mut levels: Vec<PriceLevel> = Vec::new();
            for order in &expected {
                match levels.last_mut().filter(|level| level.price == order.limit) {
                    Some(level) => {
                        level.open += order.open;
                        level.orders += 1;
                    }
                    None => levels.push(PriceLevel {
                        price: order.limit,
                        open: order.open,
                        orders: 1,
                    }),
                }
            }
            let best = levels.first().map(|level| Quote {
                price: level.price,
                quantity: level.open,
            });
            assert_eq!(self.book.best(side), best);
            assert_eq!(self.book.levels(side).collect::<Vec<_>>(), levels);
        }
        let [buy, sell] = [Side::Buy, Side::Sell].map(|side| self.book.best(side));
        if let (Some(buy), Some(sell)) = (buy, sell) {
            assert!(buy.price < sell.price, "the book is not crossed");
        }
        let by_time: Vec<Plain> = self
            .book
            .orders_by_time()
            .map(|order| self.plain(&order))
            .collect();
        let mut expected = self.oracle.orders.clone();
        expected.sort_by_key(|order| order.place);
        assert_eq!(by_time, expected);
        assert_eq!(self.book.len(), expected.len());
    }

    fn plain(&self, order: &auction_core::clearing::book::Order) -> Plain {
        Plain {
            place: self.keys.iter().position(|key| *key == order.key).unwrap(),
            owner: order.owner,
            side: order.side,
            limit: order.limit,
            open: order.open.get(),
            execution: order.execution,
            self_trade: order.self_trade,
        }
    }
}
