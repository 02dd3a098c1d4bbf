//! Feeds and snapshots, and the state of the public market after each: from a market with random commands that runs
//! until every public event has occurred, those of trading days apart.

use std::collections::BTreeSet;

use auction_core::{
    AccountMode, Amount, Asset, Caller, Command, Credential, Engine, FeedSequence, Listing, Market,
    MarketId, Name, Price, Profit, PublicEvent, Record, Registration, RequestId, Role,
    SecurityCode, SessionId, Symbol, Term, Terms, Timestamp, UserId,
};
use auction_proto::{
    ClientMessage, Feed, FeedEntry, SCHEMA_JSON, ServerMessage, SnapshotPart, encode_frame,
};
use serde_json::{Value, json};

use super::vector::hex;

const MARKET: MarketId = MarketId([
    0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f,
]);
/// 2026-11-22 13:00 UTC.
const BEGIN: Timestamp = Timestamp::from_secs(1_795_352_400);
/// The run ends after at least this number of commits, once every event has occurred.
const COMMITS_MIN: usize = 260;
/// Number of feed steps folded after a snapshot.
const STEPS_FROM_SNAPSHOT: usize = 60;
/// Cash of each trader: some of their bids exceed it.
const TRADERS_CASH: u64 = 10_000_000_000;
/// Maximum number of turns; the run has failed if it is not complete by then.
const TURNS_MAX: usize = 200_000;

pub fn vectors() -> Vec<Value> {
    let mut run = Run::new();
    let (early, middle) = run.drive(&all_that_can_happen(), Run::turn);
    let mut vectors = run.vectors("a market", middle);
    vectors.extend(wrong(early));
    vectors
}

/// A market, and the messages that it has sent.
pub(super) struct Run {
    pub(super) engine: Engine,
    pub(super) now: Timestamp,
    pub(super) random: SplitMix,
    /// Fold of all messages, from which the digest after each step is computed as a client computes it.
    public: Market,
    /// Decided events that are not yet sent: commits contain the events of several commands.
    pending: Vec<FeedEntry>,
    steps: Vec<Value>,
    happened: BTreeSet<String>,
}

impl Run {
    pub(super) fn new() -> Self {
        Self {
            engine: Engine::new(MARKET),
            now: BEGIN,
            random: SplitMix(0x000a_0c71_0e5e_ed00),
            public: Market::new(MARKET),
            pending: Vec::new(),
            steps: Vec::new(),
            happened: BTreeSet::new(),
        }
    }

    /// Vectors of the whole run, and of its second half from a snapshot.
    pub(super) fn vectors(&self, name: &str, (snapshot, from): (Value, usize)) -> Vec<Value> {
        let rest = self.steps[from..].iter().take(STEPS_FROM_SNAPSHOT);
        let from_snapshot: Vec<_> = [&snapshot].into_iter().chain(rest).collect();
        let market = hex(&MARKET.0);
        vec![
            json!({"name": format!("{name} from its beginning"), "market": market, "steps": self.steps}),
            json!({"name": format!("{name} from a snapshot"), "market": market, "steps": from_snapshot}),
        ]
    }

    /// Runs the market turn by turn until everything has happened; returns its state just after a lot has closed, and a
    /// snapshot from the middle of the run with the step that follows it.
    pub(super) fn drive(
        &mut self,
        everything: &BTreeSet<String>,
        turn: fn(&mut Self),
    ) -> (Market, (Value, usize)) {
        self.begin();
        let (mut early, mut middle) = (None, None);
        for _ in 0..TURNS_MAX {
            if self.steps.len() >= COMMITS_MIN && self.happened.is_superset(everything) {
                return early.zip(middle).expect("there was a middle");
            }
            if early.is_none() && self.public.lots().iter().any(|lot| lot.is_closed()) {
                early = Some(self.public.clone());
            }
            if self.steps.len() >= COMMITS_MIN / 2 && middle.is_none() {
                middle = Some((snapshot(&mut self.public), self.steps.len()));
            }
            self.advance();
            turn(self);
            if self.random.below(3) > 0 {
                self.commit();
            }
        }
        let missing: Vec<_> = everything.difference(&self.happened).collect();
        panic!("it never happened: {missing:?}");
    }

    fn begin(&mut self) {
        for number in 1..=3 {
            self.list(number, 1_0000 * u64::from(number), -5);
        }
        let company = Role::Company(symbol(1));
        let users = [
            ("ann", Role::Trader),
            ("bob", Role::Trader),
            ("cyd", Role::Trader),
            ("dee", Role::Trader),
            ("s1.inc", company),
            ("auctioneer-1", Role::Auctioneer),
        ];
        for (name, role) in users {
            let registration = Registration {
                name: Name::parse(name).expect("a name"),
                role,
                credential: Credential::new(b"").expect("short"),
            };
            self.execute(Caller::Operator, Command::Register(Box::new(registration)));
        }
        // Includes the digest of a market on credit.
        self.commit();
        let mode = AccountMode::Funds;
        self.execute(Caller::Operator, Command::SetAccounts { mode });
        for trader in 1..=4 {
            let asset = Asset::Cash(Amount::from_units(TRADERS_CASH).expect("an amount"));
            let user = UserId(trader);
            self.execute(Caller::Operator, Command::Deposit { user, asset });
        }
        self.commit();
    }

    fn list(&mut self, number: u32, price: u64, profit: i64) {
        let listing = Listing {
            symbol: symbol(number),
            security: security(number),
            price: Price::from_units(price).expect("a price"),
            profit: Profit::from_units(profit).expect("a profit"),
        };
        self.execute(Caller::Operator, Command::ListStock(listing));
    }

    /// Lets some time pass.
    fn advance(&mut self) {
        let micros = self.now.micros() + self.random.below(12_000_000);
        self.now = Timestamp::from_micros(micros).expect("not the year 9999");
        let seed = self.random.seed();
        while let Some(record) = self.engine.advance(self.now, || seed) {
            self.keep(&record);
        }
    }

    fn turn(&mut self) {
        let auctioneer = Caller::User(UserId(6));
        let trader = Caller::User(UserId(1 + self.random.below(4) as u32));
        match self.random.below(40) {
            0 => {
                let (number, price) = (1 + self.random.below(3), self.random.below(20_0000));
                let profit = i64::try_from(self.random.below(7)).expect("small") - 3;
                self.list(number as u32, price, profit);
            }
            1 => {
                let profit = self.random.below(1_000_000).to_string();
                let publish = json!({"symbol": "S1", "security": "00001", "profit": profit});
                self.ask(Caller::User(UserId(5)), "publish_profit", publish);
            }
            2..=4 => {
                let open = self.lot_to_open();
                self.ask(auctioneer, "open_lot", open);
            }
            5..=9 => {
                let (kind, body) = self.order_to_auctioneer();
                self.ask(auctioneer, kind, body);
            }
            _ => {
                let (kind, body) = self.offer();
                self.ask(trader, kind, body);
            }
        }
    }

    /// One of the lots; younger ones are chosen more often.
    fn lot(&mut self) -> u64 {
        let lots = self.engine.market().lots().len() as u64;
        1 + lots.saturating_sub(1).saturating_sub(self.random.below(8))
    }

    fn lot_to_open(&mut self) -> Value {
        let steps = json!([{"from": "0.00", "step": "0.01"}, {"from": "2.00", "step": "0.25"}]);
        let english = |buy_now: Value, mode: &str, most: Value| {
            json!({"english": {
                "steps": steps, "buy_now": buy_now,
                "soft_close": {"mode": mode, "extend_within": "60000000", "extend_by": "45000000", "extensions_max": most},
            }})
        };
        let dutch = |floor: &str| json!({"dutch": {"start": "9.00", "step": "0.50", "interval": "20000000", "floor": floor}});
        let call = |book: &str, collar: Value, random_end: &str, no_cancel: Value| {
            json!({"call": {
                "tick": "0.0001", "book": book, "collar": collar, "extensions_max": 1, "market_extension": true,
                "extend_by": "60000000", "random_end": random_end, "no_cancel": no_cancel,
            }})
        };
        let collar = json!({"absolute": "1.00", "basis_points": 500});
        let (terms, may_have_reserve) = match self.random.below(13) {
            0 => (english(json!(null), "add", json!(null)), true),
            1 => (english(json!("20.00"), "reset", json!(3)), true),
            2 => (english(json!("12.00"), "add", json!(1)), false),
            3 => (dutch("1.00"), false),
            4 => (dutch("8.50"), false),
            5 => (json!({"sealed": {"pricing": "first_price"}}), true),
            6 => (json!({"sealed": {"pricing": "second_price"}}), true),
            7 => (
                json!({"uniform": {"pricing": "uniform", "priority": "time", "bids_max": 3}}),
                true,
            ),
            8 => (
                json!({"uniform": {"pricing": "uniform", "priority": "pro_rata", "bids_max": 2}}),
                false,
            ),
            9 => (call("open", collar, "20000000", json!("30000000")), false),
            10 => (call("closed", json!(null), "0", json!(null)), false),
            11 => (call("closed", collar, "0", json!(null)), false),
            _ => (
                json!({"uniform": {"pricing": "pay_as_bid", "priority": "pro_rata", "bids_max": 8}}),
                true,
            ),
        };
        let in_secs = |run: &mut Self, least: u64| {
            let secs = least + run.random.below(240);
            (run.now.micros() + secs * 1_000_000).to_string()
        };
        let opens_at = match self.random.below(4) {
            0 => json!(in_secs(self, 1)),
            _ => json!(null),
        };
        let closes_at = in_secs(self, 260);
        let reserve = match self.random.below(2) {
            0 if may_have_reserve => json!("7.00"),
            _ => json!(null),
        };
        let symbol = symbol(1 + self.random.below(3) as u32).to_string();
        // A sealed bid is for the whole lot, and orders of a call auction for round lots: small ones trade more
        // often.
        let most = if terms.get("sealed").or(terms.get("call")).is_some() {
            1
        } else {
            100
        };
        let quantity = (1 + self.random.below(most)).to_string();
        json!({
            "symbol": symbol, "quantity": quantity, "opens_at": opens_at, "closes_at": closes_at,
            "terms": terms, "reserve": reserve,
        })
    }

    fn order_to_auctioneer(&mut self) -> (&'static str, Value) {
        let lot = self.lot();
        match self.random.below(12) {
            0 => ("cancel_lot", json!({"lot": lot})),
            1 => ("close_lot", json!({"lot": lot})),
            2 => {
                let closes_at = self.now.micros() + 300_000_000;
                (
                    "extend_lot",
                    json!({"lot": lot, "closes_at": closes_at.to_string()}),
                )
            }
            3..=5 => ("halt_lot", json!({"lot": lot})),
            _ => ("resume_lot", json!({"lot": lot})),
        }
    }

    /// A trader's request, usually one that fits the lot's format.
    fn offer(&mut self) -> (&'static str, Value) {
        let lot = self.lot();
        let quantity = (1 + self.random.below(60)).to_string();
        let units = 1_0000 + self.random.below(14_0000);
        let price = Price::from_units(units).expect("a price").to_string();
        let order = 1 + self.random.below(4);
        let found = self.engine.market().lots().get(lot as usize - 1);
        let takes_orders =
            found.is_some_and(|lot| !matches!(lot.terms, Terms::English(_) | Terms::Dutch(_)));
        let is_call = found.is_some_and(|lot| matches!(lot.terms, Terms::Call(_)));
        let whole = found.map_or(1, |lot| lot.quantity.get()).to_string();
        if is_call && self.random.below(8) > 1 {
            let side = ["buy", "sell"][self.random.below(2) as usize];
            let limit = match self.random.below(6) {
                0 => json!(null),
                _ => json!(price),
            };
            let order = json!({"lot": lot, "side": side, "quantity": quantity, "limit": limit});
            return ("place_order", order);
        }
        match self.random.below(8) {
            0 => ("cancel_order", json!({"lot": lot, "order": order})),
            1 => (
                "replace_order",
                json!({"lot": lot, "order": order, "quantity": quantity, "limit": price}),
            ),
            2..=4 if takes_orders => (
                "place_order",
                json!({"lot": lot, "side": "buy", "quantity": whole, "limit": price}),
            ),
            _ if takes_orders => (
                "place_order",
                json!({"lot": lot, "side": "buy", "quantity": quantity, "limit": price}),
            ),
            2 | 3 => ("bid_maximum", json!({"lot": lot, "maximum": price})),
            _ => ("bid", json!({"lot": lot, "price": price})),
        }
    }

    /// Applies a client's request. A refused request changes nothing and sends nothing.
    pub(super) fn ask(&mut self, caller: Caller, kind: &str, body: Value) {
        let line = json!({"request": "1", kind: body}).to_string();
        let (_, message) = ClientMessage::decode_json(line.as_bytes())
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        let command = message.into_command(SessionId(0));
        self.execute(caller, command.expect("it is a command"));
    }

    pub(super) fn execute(&mut self, caller: Caller, command: Command) {
        if let Ok(executed) = self.engine.execute(self.now, caller, command)
            && let Some(record) = executed.into_record()
        {
            self.keep(&record);
        }
    }

    fn keep(&mut self, record: &Record) {
        for event in record.public_events() {
            let entry = FeedEntry {
                at: record.at,
                event: event.clone(),
            };
            let json = serde_json::to_value(&entry).expect("it is JSON");
            collect_names(&json["event"], &mut self.happened);
            self.pending.push(entry);
        }
    }

    fn commit(&mut self) {
        let entries = core::mem::take(&mut self.pending);
        let after = self.public.feed_sequence();
        for feed in Feed::of_commit(MARKET, Term(1), after, entries) {
            feed.apply_to(&mut self.public).expect("it follows");
            self.steps.push(step(&feed.into(), &mut self.public));
        }
    }
}

/// The names of all public events and of their possible values, from the schema.
fn all_that_can_happen() -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(SCHEMA_JSON).expect("the schema is JSON");
    let of = [
        "PublicEvent",
        "ExtensionCause",
        "Terms",
        "SoftCloseMode",
        "SealedPricing",
        "UniformPricing",
        "MarginalPriority",
        "ReserveStatus",
        "Outcome",
        "SoldBy",
        "UnsoldBecause",
        "AllocatedBy",
        "BookShown",
    ];
    let mut all = names_of(&schema, &of);
    // Those of trading days have vectors of their own.
    all.retain(|name| !super::days::EVENTS.contains(&name.as_str()));
    all
}

/// Names of all cases of these types.
pub(super) fn names_of(schema: &Value, types: &[&str]) -> BTreeSet<String> {
    let cases = types
        .iter()
        .flat_map(|of| schema["$defs"][of]["oneOf"].as_array().expect(of));
    let name = |case: &Value| {
        case["const"]
            .as_str()
            .or(case["required"][0].as_str())
            .map(String::from)
    };
    cases
        .map(|case| name(case).expect("a case has a name"))
        .collect()
}

/// Collects all names and texts within a value.
fn collect_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            names.insert(text.clone());
        }
        Value::Array(all) => all.iter().for_each(|value| collect_names(value, names)),
        Value::Object(fields) => {
            for (name, value) in fields {
                names.insert(name.clone());
                collect_names(value, names);
            }
        }
        _ => {}
    }
}

fn step(message: &ServerMessage, market: &mut Market) -> Value {
    let mut bytes = Vec::new();
    message.encode(RequestId(0), &mut bytes);
    json!({
        "hex": hex(&bytes),
        "feed_sequence": market.feed_sequence().0.to_string(),
        "digest": market.digest().to_string(),
    })
}

fn snapshot(market: &mut Market) -> Value {
    let mut bytes = Vec::new();
    for part in SnapshotPart::of_market(market) {
        encode_frame(RequestId(2), &part, &mut bytes);
    }
    json!({
        "hex": hex(&bytes),
        "feed_sequence": market.feed_sequence().0.to_string(),
        "digest": market.digest().to_string(),
    })
}

/// Messages that do not continue the market's current state.
fn wrong(mut market: Market) -> Vec<Value> {
    let snapshot = snapshot(&mut market);
    let at = market.feed_sequence();
    let closed = market
        .lots()
        .iter()
        .find(|lot| lot.is_closed())
        .expect("a lot has closed")
        .id;
    let entry = |event: PublicEvent| FeedEntry { at: BEGIN, event };
    let user = |number: u32, name: &str| PublicEvent::UserRegistered {
        user: UserId(number),
        name: Name::parse(name).expect("a name"),
        role: Role::Trader,
    };
    let halted = |lot| PublicEvent::LotHalted { lot };
    let one = |event| feed(MARKET, at, vec![entry(event)]);
    let cases = [
        (
            "of another market",
            feed(MarketId([9; 16]), at, vec![entry(user(7, "new"))]),
            "other_market",
        ),
        (
            "that leaves something out",
            feed(MARKET, at.next(), vec![entry(user(7, "new"))]),
            "gap",
        ),
        (
            "that comes again",
            feed(MARKET, FeedSequence(at.0 - 1), vec![entry(user(7, "new"))]),
            "gap",
        ),
        (
            "whose end is not that of its events",
            Feed {
                through: at,
                ..one(user(7, "new"))
            },
            "wrong_end",
        ),
        (
            "a user whose number is not the next",
            one(user(9, "new")),
            "contradiction",
        ),
        ("a name that is taken", one(user(7, "ann")), "contradiction"),
        (
            "a lot that is not there",
            one(halted(auction_core::LotId(100_000))),
            "contradiction",
        ),
        (
            "a lot that has closed",
            one(halted(closed)),
            "contradiction",
        ),
    ];
    let cases = cases.into_iter().map(|(name, feed, error)| {
        let mut bytes = Vec::new();
        encode_frame(RequestId(0), &feed, &mut bytes);
        let wrong = json!({"hex": hex(&bytes), "error": error});
        json!({"name": format!("a feed, wrong: {name}"), "market": hex(&MARKET.0), "steps": [snapshot, wrong]})
    });
    cases.collect()
}

fn feed(market: MarketId, after: FeedSequence, entries: Vec<FeedEntry>) -> Feed {
    Feed::of_commit(market, Term(1), after, entries).remove(0)
}

pub(super) fn symbol(number: u32) -> Symbol {
    Symbol::parse(&format!("S{number}")).expect("a symbol")
}

fn security(number: u32) -> SecurityCode {
    SecurityCode::parse(&format!("{number:05}")).expect("a code")
}

/// Steele, Lea and Flood's SplitMix64.
pub(super) struct SplitMix(u64);

impl SplitMix {
    /// Seed for a random end.
    fn seed(&mut self) -> [u8; 32] {
        core::array::from_fn(|_| self.below(256) as u8)
    }

    /// A number below `most`.
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }
}
