//! The deciding cases of the rules, by the oracle alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::oracle::{
    Collar, Command, Control, Day, Draw, Event, Extension, HaltedBy, Id, Kind, LadderStep,
    NewOrder, NoPrice, Order, OwnOrder, Refusal, Side, Terms, Tif, Why,
};
use super::pair::Pair;
use super::steps::Concrete;

#[test]
fn the_oracle_ends_every_deciding_case_as_published() {
    for (terms, case) in cases() {
        Case::new(terms).check(&case);
    }
}

#[test]
fn the_engine_ends_every_deciding_case_as_the_oracle_does() {
    for (terms, case) in cases() {
        let mut pair = Pair::new(terms, &[]);
        let mut names = Vec::new();
        for command in case["commands"].as_array().unwrap() {
            pair.advance(number(&command[0]));
            let accepted = pair.day.accepted;
            pair.ask(concrete(&command[1], &command[2], &names));
            if pair.day.accepted > accepted {
                names.push(text(&command[2]["name"]));
            }
        }
        if let Some(until) = case["until"].as_u64() {
            pair.advance(until);
        }
        pair.holds_again();
    }
}

fn cases() -> Vec<(Terms, Value)> {
    let document: Value = serde_json::from_str(include_str!("../vectors/day.json")).unwrap();
    let cases = document["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 42);
    let with_terms = |case: &Value| {
        let mut terms = document["default_terms"].clone();
        for (name, value) in case["terms"].as_object().unwrap() {
            terms[name] = value.clone();
        }
        (terms_of(&terms), case.clone())
    };
    cases.iter().map(with_terms).collect()
}

struct Case {
    day: Day,
    /// Name of each order, by number.
    names: Vec<String>,
    /// Number of events seen.
    seen: usize,
}

impl Case {
    fn new(terms: Terms) -> Self {
        Self {
            day: Day::open(terms),
            names: Vec::new(),
            seen: 0,
        }
    }

    fn check(mut self, case: &Value) {
        let commands = case["commands"].as_array().unwrap();
        let mut lists = case["expect"].as_array().unwrap().iter();
        for command in commands {
            let at = number(&command[0]);
            self.day.advance(at);
            let refused = self.execute(&command[1], &command[2]);
            let mut happened = self.happened();
            happened.extend(refused);
            let expected = lists.next().unwrap();
            assert_eq!(
                &Value::from(happened),
                expected,
                "{} {command}",
                case["name"]
            );
        }
        if let Some(until) = case["until"].as_u64() {
            self.day.advance(until);
            assert_eq!(
                &Value::from(self.happened()),
                lists.next().unwrap(),
                "{}",
                case["name"]
            );
        }
        assert_eq!(lists.next(), None);
        assert_eq!(kind(self.day.phase.kind), case["phase"], "{}", case["name"]);
        assert_eq!(self.book(), case["book"], "{}", case["name"]);
        if let Some(statistics) = case.get("stats") {
            assert_eq!(&self.statistics(), statistics, "{}", case["name"]);
        }
    }

    /// Executes a command, and returns why it was refused.
    fn execute(&mut self, who: &Value, command: &Value) -> Option<Value> {
        let answer = match concrete(who, command, &self.names) {
            Concrete::Trader(owner, command) => self.day.execute(owner, command),
            Concrete::Control(control) => self.day.run(control),
        };
        if command["do"] == "enter" && answer.is_ok() {
            self.names.push(text(&command["name"]));
        }
        let reasons = answer.err()?;
        assert_eq!(reasons.len(), 1, "a case has one fault: {reasons:?}");
        Some(refusal(reasons[0]))
    }

    fn happened(&mut self) -> Vec<Value> {
        let new = &self.day.events[self.seen..];
        self.seen = self.day.events.len();
        // The cases show an interruption by the phase that follows.
        let shown = |event: &&Event| !matches!(event, Event::Interrupted { .. });
        new.iter()
            .filter(shown)
            .map(|event| self.written(event))
            .collect()
    }

    fn written(&self, event: &Event) -> Value {
        let name = |id: Id| self.names[id].clone();
        match event {
            Event::Phase(phase, at, ends_at) => json!(["phase", kind(*phase), at, ends_at]),
            Event::Uncross {
                price,
                volume,
                surplus,
                by,
                fills,
            } => {
                let fills = fills.iter().map(|(id, filled)| (name(*id), *filled));
                let fills: BTreeMap<String, u64> = fills.collect();
                json!(["uncross", price, volume, surplus, step(*by), fills])
            }
            Event::NoPrice(NoPrice::NothingCrosses) => json!(["no-price", "nothing-crosses"]),
            Event::NoPrice(why) => json!(["no-price", format!("{why:?}")]),
            Event::Extended(Extension::Volatility, ends) => json!(["extended", "volatility", ends]),
            Event::Extended(Extension::MarketOrders, ends) => json!(["extended", "market", ends]),
            Event::Trade {
                resting,
                incoming,
                price,
                quantity,
            } => json!(["trade", name(*resting), name(*incoming), price, quantity]),
            Event::Decremented {
                resting,
                incoming,
                quantity,
            } => json!(["decremented", name(*resting), name(*incoming), quantity]),
            Event::Rests(id, open) => json!(["rests", name(*id), open]),
            Event::Parked(id, open) => json!(["parked", name(*id), open]),
            Event::Replaced { id, quantity, kept } => {
                json!([
                    "replaced",
                    name(*id),
                    quantity,
                    if *kept { "kept" } else { "anew" }
                ])
            }
            Event::Lapsed(id, quantity, because) => {
                json!(["lapsed", name(*id), quantity, why(*because)])
            }
            Event::Cancelled(id, quantity) => json!(["cancelled", name(*id), quantity]),
            Event::Kept(id) => json!(["kept", name(*id)]),
            Event::Halted(HaltedBy::Auctioneer) => json!(["halted", "auctioneer"]),
            Event::Halted(by) => json!(["halted", format!("{by:?}")]),
            Event::Resumed(shift) => json!(["resumed", shift]),
            Event::Interrupted { price, .. } => json!(["interrupted", price]),
            Event::Moved(index, ends_at) => json!(["moved", index, ends_at]),
            Event::Closed(at) => json!(["closed", at]),
        }
    }

    fn book(&self) -> Value {
        let row = |order: &Order| json!([self.names[order.id], order.open, order.limit]);
        let mut book = json!({});
        let sides = [
            ("buys", self.day.by_priority(Side::Buy)),
            ("sells", self.day.by_priority(Side::Sell)),
            ("parked", self.day.parked()),
        ];
        for (side, orders) in sides {
            if !orders.is_empty() {
                book[side] = orders.iter().map(row).collect();
            }
        }
        book
    }

    fn statistics(&self) -> Value {
        let of_day = self.day.statistics();
        json!({
            "open": of_day.open,
            "high": of_day.high,
            "low": of_day.low,
            "last": of_day.last,
            "close": of_day.last,
            "volume": of_day.volume,
            "value": of_day.value as u64,
            "trades": of_day.trades,
            "vwap": of_day.average,
        })
    }
}

fn concrete(who: &Value, command: &Value, names: &[String]) -> Concrete {
    let id = |name: &Value| names.iter().position(|other| name == other).unwrap();
    let of_trader = match command["do"].as_str().unwrap() {
        "halt" => return Concrete::Control(Control::Halt),
        "resume" => return Concrete::Control(Control::Resume),
        "close" => return Concrete::Control(Control::Close),
        "suspend" => return Concrete::Control(Control::Suspend(owner(&command["of"]))),
        "cancel_all" => Command::CancelAll,
        "enter" => Command::Enter(new_order(command)),
        "cancel" => Command::Cancel(id(&command["name"])),
        "replace" => Command::Replace {
            id: id(&command["name"]),
            quantity: number(&command["qty"]),
            limit: command["limit"].as_u64(),
            believed: command["open"].as_u64(),
        },
        other => panic!("no command: {other}"),
    };
    Concrete::Trader(owner(who), of_trader)
}

fn terms_of(terms: &Value) -> Terms {
    let corridor = |name: &str| {
        let of_terms = &terms[name];
        (!of_terms.is_null()).then(|| Collar {
            absolute: number(&of_terms[0]),
            basis_points: number(&of_terms[1]),
        })
    };
    let phases = terms["phases"].as_array().unwrap().iter();
    let ends = terms["ends"].as_array().unwrap().iter();
    Terms {
        tick: number(&terms["tick"]),
        round_lot: number(&terms["round_lot"]),
        reference: number(&terms["reference"]),
        collar: corridor("collar"),
        static_corridor: corridor("static"),
        dynamic_corridor: corridor("dynamic"),
        extensions_max: number(&terms["extensions_max"]) as u32,
        extend_by: number(&terms["extend_by"]),
        market_extension: terms["market_extension"].as_bool().unwrap(),
        random_end: number(&terms["random_end"]),
        no_cancel: terms["no_cancel"].as_u64(),
        volatility_length: number(&terms["volatility_length"]),
        volatility_random_end: number(&terms["volatility_random_end"]),
        interruptions_max: 16,
        phases: phases
            .map(|phase| (phase_of(&phase[0]), number(&phase[1])))
            .collect(),
        closes_at: number(&terms["closes_at"]),
        draw: Draw::Listed(ends.map(number).collect()),
        funds: false,
        is_scheduled: false,
        is_open_book: false,
    }
}

fn new_order(command: &Value) -> NewOrder {
    NewOrder {
        side: match command["side"].as_str().unwrap() {
            "B" => Side::Buy,
            "S" => Side::Sell,
            other => panic!("no side: {other}"),
        },
        quantity: number(&command["qty"]),
        limit: command["limit"].as_u64(),
        tif: match command["tif"].as_str() {
            None => Tif::Day,
            Some("until") => Tif::Until(number(&command["until"])),
            Some("ioc") => Tif::Ioc,
            Some("fok") => Tif::Fok,
            Some("at-open") => Tif::AtOpen,
            Some("at-close") => Tif::AtClose,
            Some("auction") => Tif::Auction,
            Some(other) => panic!("no time in force: {other}"),
        },
        own: match command["self"].as_str() {
            None => OwnOrder::Refuse,
            Some("cancel-newest") => OwnOrder::CancelNewest,
            Some("cancel-oldest") => OwnOrder::CancelOldest,
            Some("cancel-both") => OwnOrder::CancelBoth,
            Some("decrement") => OwnOrder::Decrement,
            Some(other) => panic!("no self-trade mode: {other}"),
        },
        post_only: command["post_only"].as_bool().unwrap_or(false),
    }
}

fn refusal(reason: Refusal) -> Value {
    match reason {
        Refusal::NotInPhase(phase) => json!(["refused", "NotInPhase", kind(phase)]),
        Refusal::WouldTrade(price) => json!(["refused", "WouldTrade", price]),
        Refusal::NotAtClose(price) => json!(["refused", "NotAtClose", price]),
        Refusal::OpenDiffers(open) => json!(["refused", "OpenDiffers", open]),
        // Of the others a case says no numbers.
        other => {
            let name = format!("{other:?}");
            json!(["refused", name.split('(').next()])
        }
    }
}

const KINDS: [(Kind, &str); 6] = [
    (Kind::PreOpen, "pre-open"),
    (Kind::Call, "call"),
    (Kind::Continuous, "continuous"),
    (Kind::AtLast, "at-last"),
    (Kind::Volatility, "volatility"),
    (Kind::Closed, "closed"),
];

fn kind(kind: Kind) -> &'static str {
    KINDS.iter().find(|(other, _)| *other == kind).unwrap().1
}

fn phase_of(name: &Value) -> Kind {
    KINDS.iter().find(|(_, other)| name == other).unwrap().0
}

fn step(step: LadderStep) -> &'static str {
    match step {
        LadderStep::Market => "market",
        LadderStep::Volume => "volume",
        LadderStep::Surplus => "surplus",
        LadderStep::Pressure => "pressure",
        LadderStep::Reference => "reference",
        LadderStep::Collar => "collar",
    }
}

fn why(why: Why) -> &'static str {
    match why {
        Why::Until => "until",
        Why::Uncross => "uncross",
        Why::Close => "close",
        Why::SelfTrade => "self-trade",
        Why::Fok => "fok",
        Why::Rest => "rest",
        Why::Funds => "funds",
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().into()
}

/// A trader's number: the place of the name in the alphabet of names.
fn owner(name: &Value) -> u32 {
    let names = ["ben", "mia", "tom", "zoe"];
    let found = names.iter().position(|other| name == other);
    found.unwrap_or_else(|| panic!("no trader: {name}")) as u32
}
