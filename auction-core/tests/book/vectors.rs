//! The trading day's deciding cases, as far as they are about the book alone.
//!
//! Of a day the reader only knows that limit orders of a call are there when continuous trading begins, less what the
//! uncross has filled, and at last. A case runs to the first command that needs more of a lot: a
//! volatility call, an order that parks, a halt.

use std::collections::{BTreeMap, HashMap};

use auction_core::clearing::book::{
    Book, BookTerms, Corridor, End, Event, Execution, LapsedBecause, NewOrder, OrderKey, Outcome,
    Refused, Replaced, Replacement, SelfTrade,
};
use auction_core::clearing::call::{Collar, Entry, OrderError};
use auction_core::{Price, Side, UserId};
use serde_json::{Value, json};

use super::shares;

/// Cases whose commands all run, their book at the end included; and cases that run to the lot's part.
const WHOLE: [&str; 19] = [
    "vector 1: best price first, then the oldest, at the resting price",
    "vector 2: the rest of a limit order rests",
    "vector 3: a replacement keeps its place only at the same price, not raised",
    "vector 4: fok all or nothing; post-only never takes",
    "vector 4: ioc trades what it can",
    "vector 5: self-trade, refuse",
    "vector 5: self-trade, cancel-newest",
    "vector 5: self-trade, cancel-oldest",
    "vector 5: self-trade, cancel-both",
    "vector 5: self-trade, decrement",
    "vector 6: ioc never interrupts",
    "vector 6: fok trades inside the corridors or not at all",
    "vector 7: at-last trades at the closing price alone",
    "crossed after the closing call: no halt; at-last at the bound, the oldest first whatever the limit, the rest lapses with the close",
    "fok against own orders: what does not trade whole changes nothing",
    "a replacement trades at once; a refused one leaves the order in its place",
    "at-last without a closing cross: the last trade's price; oldest first, own orders as in continuous",
    "statistics: an uncross is one trade, at-last counts; value / volume rounded half up",
    "post-only: refused by any order it crosses, own or outside a corridor too; in a call it is a limit order",
];
const IN_PART: [&str; 8] = [
    "vector 6: a corridor is met, the rest enters the volatility call, continuous goes on; references move",
    "vector 6: the rest of a market order enters the call as a market order",
    "a volatility call past the end of continuous: the closing call begins late and keeps its length",
    "a volatility call: reference the last trade, the collar twice as wide, extended as a call is",
    "no base price: no corridor until there is a price",
    "an own order is dealt with before any corridor",
    "an interrupted rest that could trade with an own order lapses; the call is held",
    "no trade all day: no at-last, no prices",
];

#[test]
fn the_deciding_cases_for_the_book_alone_match_the_published() {
    let document: Value = serde_json::from_str(include_str!("../vectors/day.json")).unwrap();
    let cases = document["cases"].as_array().unwrap();
    let mut commands = 0;
    for name in WHOLE.iter().chain(&IN_PART) {
        let case = cases.iter().find(|case| case["name"] == **name);
        let case = case.unwrap_or_else(|| panic!("there is a case {name}"));
        let (ran, is_whole) = Day::new(case).run(case);
        assert_eq!(is_whole, WHOLE.contains(name), "{name}: {ran} commands ran");
        commands += ran;
    }
    assert_eq!(commands, 138);
}

/// The parts of a lot that are not its book.
struct Day {
    book: Book,
    phase: String,
    statics: Option<(Collar, Price)>,
    dynamic: Option<(Collar, Price)>,
    closing: Option<Price>,
    /// Orders of a call, by place.
    called: Vec<Named>,
    /// Orders that wait for the close at last.
    waiting: Vec<String>,
    /// The name and the limit of the order behind each key.
    names: HashMap<OrderKey, (String, Option<u64>)>,
    keys: BTreeMap<String, OrderKey>,
}

#[derive(Clone)]
struct Named {
    name: String,
    order: NewOrder,
}

impl Day {
    fn new(case: &Value) -> Self {
        let terms = &case["terms"];
        let reference = units(terms["reference"].as_u64().unwrap_or(100_000));
        let collar = |name: &str| {
            let bounds = terms[name].as_array()?;
            let collar = Collar {
                absolute: units(bounds[0].as_u64().unwrap()),
                basis_points: bounds[1].as_u64().unwrap() as u32,
            };
            Some((collar, reference))
        };
        Self {
            book: Book::new(BookTerms::default()).unwrap(),
            phase: String::new(),
            statics: collar("static"),
            dynamic: collar("dynamic"),
            closing: None,
            called: Vec::new(),
            waiting: Vec::new(),
            names: HashMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// Runs the commands that need only the book, and returns how many, and whether that was the case.
    fn run(&mut self, case: &Value) -> (usize, bool) {
        let commands = case["commands"].as_array().unwrap();
        let expect = case["expect"].as_array().unwrap();
        for (number, (command, expected)) in commands.iter().zip(expect).enumerate() {
            let mut expected: Vec<Value> = expected.as_array().unwrap().clone();
            while expected.first().is_some_and(|event| self.fell_due(event)) {
                expected.remove(0);
            }
            if self.phase == "closed" {
                return (number, false);
            }
            let name = &case["name"];
            if self.phase == "call" {
                self.in_call(command, &expected);
                continue;
            }
            // What exists in a phase is the lot's to say, and an interruption its to begin.
            if expected == [json!(["refused", "NotInPhase", "at-last"])] {
                continue;
            }
            let events = self.command(command);
            let interrupts = |event: &Value| event[0] == "phase" && event[1] == "volatility";
            if let Some(interrupted) = expected.iter().position(interrupts) {
                let rest = &expected[interrupted + 1];
                let expected_rest = json!(["interrupted", rest[1], rest[2]]);
                expected.truncate(interrupted);
                expected.push(expected_rest);
                assert_eq!(events, expected, "{name}: {command}");
                return (number + 1, false);
            }
            assert_eq!(events, expected, "{name}: {command}");
        }
        if case["phase"] == self.phase.as_str() && self.phase != "call" {
            self.compare(case);
        }
        (commands.len(), true)
    }

    /// Takes in what fell due before a command; `false`: it is the command's own.
    fn fell_due(&mut self, event: &Value) -> bool {
        match event[0].as_str().unwrap() {
            "phase" if event[1] == "volatility" => return false,
            "phase" => self.begin(event[1].as_str().unwrap()),
            "no-price" | "extended" => {}
            "uncross" => self.uncross(event),
            "lapsed" if event[3] == "close" => {}
            "closed" => self.phase = "closed".into(),
            _ => return false,
        }
        true
    }

    fn begin(&mut self, phase: &str) {
        let before = std::mem::replace(&mut self.phase, phase.into());
        if phase == "call" {
            let orders: Vec<_> = self.book.orders_by_time().collect();
            for order in orders {
                let (name, _) = self.names[&order.key].clone();
                let entry = Entry {
                    side: order.side,
                    quantity: order.open,
                    limit: Some(order.limit),
                };
                let order = NewOrder {
                    owner: order.owner,
                    entry,
                    execution: order.execution,
                    self_trade: order.self_trade,
                };
                self.called.push(Named { name, order });
            }
            self.book = Book::new(BookTerms::default()).unwrap();
            return;
        }
        if before != "call" {
            return;
        }
        if phase == "at-last" {
            let last_trade = self.dynamic.map(|(_, last)| last);
            self.book
                .begin_at_last(self.closing.or(last_trade).unwrap());
        }
        for Named { name, order } in std::mem::take(&mut self.called) {
            let entered = self
                .book
                .enter(order, &Corridor::OPEN, |event| panic!("{event:?}"));
            match entered {
                Ok(Outcome {
                    end: End::Rests { order: key, .. },
                    ..
                }) => {
                    self.name(key, &name, order.entry.limit);
                }
                // It waits for the close.
                Err(Refused::NotAtClose { .. }) => self.waiting.push(name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    fn uncross(&mut self, event: &Value) {
        let price = units(event[1].as_u64().unwrap());
        for reference in [&mut self.statics, &mut self.dynamic].into_iter().flatten() {
            reference.1 = price;
        }
        self.closing = Some(price);
        let fills = event[5].as_object().unwrap();
        self.called.retain_mut(|Named { name, order }| {
            let filled = fills.get(name).map_or(0, |filled| filled.as_u64().unwrap());
            let left = order.entry.quantity.get() - filled;
            if left > 0 {
                order.entry.quantity = shares(left);
            }
            left > 0
        });
    }

    /// Orders of a call are only kept.
    fn in_call(&mut self, command: &Value, expected: &[Value]) {
        let asked = &command[2];
        let name = asked["name"].as_str().unwrap().to_string();
        if asked["do"] == "replace" {
            let called = self.called.iter_mut().find(|called| called.name == name);
            called.unwrap().order.entry.limit = Some(units(asked["limit"].as_u64().unwrap()));
            return;
        }
        assert_eq!(expected, [json!(["rests", name, asked["qty"]])]);
        let order = order(command);
        self.called.push(Named { name, order });
    }

    fn command(&mut self, command: &Value) -> Vec<Value> {
        let asked = &command[2];
        let name = asked["name"].as_str().unwrap().to_string();
        let mut corridor = Corridor::OPEN;
        for (collar, reference) in self.statics.iter().chain(&self.dynamic) {
            corridor = corridor.within(collar, *reference);
        }
        let corridor = if self.phase == "at-last" {
            Corridor::OPEN
        } else {
            corridor
        };
        let mut effects = Vec::new();
        let sink = |event| effects.push(event);
        let owner = owner(command);
        match asked["do"].as_str().unwrap() {
            "enter" => {
                let order = order(command);
                let entered = self.book.enter(order, &corridor, sink);
                let mut events = self.effects(&name, &effects);
                events.extend(match entered {
                    Ok(outcome) => self.end(&name, order.entry.limit, &outcome),
                    Err(refused) => Some(refusal(&refused)),
                });
                events
            }
            "replace" => {
                let Some(key) = self.keys.get(&name).copied() else {
                    return vec![json!(["refused", "UnknownOrder"])];
                };
                let limit = units(asked["limit"].as_u64().unwrap());
                let quantity = shares(asked["qty"].as_u64().unwrap());
                let replacement = Replacement {
                    limit,
                    quantity,
                    believed: None,
                };
                let replaced = self.book.replace(key, owner, replacement, &corridor, sink);
                let place = if replaced == Ok(Replaced::Kept) {
                    "kept"
                } else {
                    "anew"
                };
                let told = json!(["replaced", name, quantity.get(), place]);
                match replaced {
                    Ok(Replaced::Kept) => vec![told],
                    Ok(Replaced::Anew(outcome)) => {
                        assert_eq!(effects.remove(0), Event::Replaced { order: key });
                        let mut events = vec![told];
                        events.extend(self.effects(&name, &effects));
                        events.extend(self.end(&name, Some(limit), &outcome));
                        events
                    }
                    Err(refused) => vec![refusal(&refused)],
                }
            }
            "cancel" => {
                let cancelled = self.book.cancel(self.keys[&name], owner);
                let open = cancelled.unwrap().open.get();
                vec![json!(["cancelled", name, open])]
            }
            other => panic!("the lot does it: {other}"),
        }
    }

    fn effects(&mut self, incoming: &str, effects: &[Event]) -> Vec<Value> {
        let tell = |effect: &Event| match *effect {
            Event::Trade {
                resting,
                price,
                quantity,
                ..
            } => {
                if let Some((_, last)) = &mut self.dynamic {
                    *last = price;
                } else {
                    // An open corridor: the last trade is wanted all the same.
                    let everywhere = Collar {
                        absolute: Price::MAX,
                        basis_points: 0,
                    };
                    self.dynamic = Some((everywhere, price));
                }
                json!([
                    "trade",
                    self.names[&resting].0,
                    incoming,
                    price.units(),
                    quantity.get()
                ])
            }
            Event::Decremented {
                resting, quantity, ..
            } => {
                json!([
                    "decremented",
                    self.names[&resting].0,
                    incoming,
                    quantity.get()
                ])
            }
            Event::Lapsed { resting, quantity } => {
                json!([
                    "lapsed",
                    self.names[&resting].0,
                    quantity.get(),
                    "self-trade"
                ])
            }
            other => panic!("{other:?}"),
        };
        effects.iter().map(tell).collect()
    }

    fn end(&mut self, name: &str, limit: Option<Price>, outcome: &Outcome) -> Option<Value> {
        match outcome.end {
            End::Done => None,
            End::Rests { order, open } => {
                self.name(order, name, limit);
                Some(json!(["rests", name, open.get()]))
            }
            End::Lapsed { quantity, because } => {
                let why = match because {
                    LapsedBecause::Rest => "rest",
                    LapsedBecause::FillOrKill => "fok",
                    LapsedBecause::SelfTrade => "self-trade",
                };
                Some(json!(["lapsed", name, quantity.get(), why]))
            }
            End::Interrupted { open, .. } => Some(json!(["interrupted", name, open.get()])),
        }
    }

    fn name(&mut self, key: OrderKey, name: &str, limit: Option<Price>) {
        let limit = limit.map(Price::units);
        self.names.insert(key, (name.into(), limit));
        self.keys.insert(name.into(), key);
    }

    fn compare(&self, case: &Value) {
        for (side, name) in [(Side::Buy, "buys"), (Side::Sell, "sells")] {
            let orders: Vec<Value> = self
                .book
                .orders(side)
                .map(|order| {
                    let (name, limit) = &self.names[&order.key];
                    json!([name, order.open.get(), limit])
                })
                .collect();
            let expected = case["book"][name].as_array().into_iter().flatten();
            let is_here = |order: &&Value| !self.waiting.iter().any(|name| order[0] == **name);
            let expected: Vec<Value> = expected.filter(is_here).cloned().collect();
            assert_eq!(orders, expected, "{}: {name}", case["name"]);
        }
    }
}

fn order(command: &Value) -> NewOrder {
    let asked = &command[2];
    let execution = match (asked["tif"].as_str(), asked["post_only"].as_bool()) {
        (_, Some(true)) => Execution::PostOnly,
        (None | Some("day"), _) => Execution::Day,
        (Some("ioc"), _) => Execution::ImmediateOrCancel,
        (Some("fok"), _) => Execution::FillOrKill,
        (Some(other), _) => panic!("the lot's: {other}"),
    };
    let self_trade = match asked["self"].as_str() {
        None | Some("refuse") => SelfTrade::Refuse,
        Some("cancel-newest") => SelfTrade::CancelNewest,
        Some("cancel-oldest") => SelfTrade::CancelOldest,
        Some("cancel-both") => SelfTrade::CancelBoth,
        Some("decrement") => SelfTrade::Decrement,
        Some(other) => panic!("no mode: {other}"),
    };
    NewOrder {
        owner: owner(command),
        entry: Entry {
            side: if asked["side"] == "B" {
                Side::Buy
            } else {
                Side::Sell
            },
            quantity: shares(asked["qty"].as_u64().unwrap()),
            limit: asked["limit"].as_u64().map(units),
        },
        execution,
        self_trade,
    }
}

fn owner(command: &Value) -> UserId {
    let name = command[1].as_str().unwrap();
    let names = ["mia", "tom", "zoe", "ben"];
    UserId(names.iter().position(|other| *other == name).unwrap() as u32 + 1)
}

fn refusal(refused: &Refused) -> Value {
    match refused {
        Refused::WouldTrade { price } => json!(["refused", "WouldTrade", price.units()]),
        Refused::NotAtClose { price } => json!(["refused", "NotAtClose", price.units()]),
        Refused::Order(OrderError::WouldSelfTrade { .. }) => json!(["refused", "WouldSelfTrade"]),
        Refused::Order(OrderError::Unchanged) => json!(["refused", "Unchanged"]),
        Refused::UnknownOrder { .. } => json!(["refused", "UnknownOrder"]),
        other => panic!("no case is refused so: {other}"),
    }
}

fn units(units: u64) -> Price {
    Price::from_units(units).unwrap()
}
