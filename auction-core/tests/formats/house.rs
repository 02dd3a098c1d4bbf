//! A market of one stock with four traders and an auctioneer, and short names for their commands.

use auction_core::{
    Caller, Command, Credential, Engine, Event, Executed, Listing, LotId, MarketId, Name, OpenLot,
    OpenedBid, OrderId, Outcome, Price, Profit, PublicEvent, Quantity, Record, Registration,
    Reject, Reply, Role, SecurityCode, Side, Symbol, Terms, Timestamp, UserId,
};

use crate::disclosed;

pub const A: UserId = UserId(1);
pub const B: UserId = UserId(2);
pub const C: UserId = UserId(3);
pub const D: UserId = UserId(4);
pub const AUCTIONEER: UserId = UserId(5);
pub const LOT: LotId = LotId(1);

pub struct House {
    pub engine: Engine,
    pub records: Vec<Record>,
    /// Seed of the random ends that are drawn.
    pub seed: [u8; 32],
}

/// Audits every test's records with public data alone.
impl Drop for House {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            disclosed::audit(MarketId([7; 16]), &self.records).unwrap();
        }
    }
}

impl House {
    pub fn new(base: &str) -> Self {
        Self::with_traders(base, 4)
    }

    /// Creates a house with this number of traders, and an auctioneer after them.
    pub fn with_traders(base: &str, traders: usize) -> Self {
        let mut house = Self {
            engine: Engine::new(MarketId([7; 16])),
            records: Vec::new(),
            seed: [7; 32],
        };
        let symbol = symbol();
        let listing = Command::ListStock(Listing {
            symbol,
            security: SecurityCode::parse("01954").unwrap(),
            price: price(base),
            profit: Profit::default(),
        });
        house.operate(0, listing).unwrap();
        let roles = std::iter::repeat_n(Role::Trader, traders).chain([Role::Auctioneer]);
        for (number, role) in roles.enumerate() {
            let registration = Registration {
                name: Name::parse(&format!("user-{number}")).unwrap(),
                role,
                credential: Credential::new(b"secret").unwrap(),
            };
            house
                .operate(0, Command::Register(registration.into()))
                .unwrap();
        }
        house
    }

    /// Creates a house with lot 1 open from 0 to 300 s.
    pub fn with_lot(base: &str, quantity: u64, reserve: Option<&str>, terms: Terms) -> Self {
        let mut house = Self::new(base);
        house.open(open(quantity, reserve, terms)).unwrap();
        house
    }

    pub fn open(&mut self, open: OpenLot) -> Result<Reply, Reject> {
        self.operate(0, Command::OpenLot(open.into()))
    }

    /// Sends a command of the operator; `at` in seconds.
    pub fn operate(&mut self, at: u64, command: Command) -> Result<Reply, Reject> {
        self.ask(micros(at * 1_000_000), Caller::Operator, command)
    }

    /// Sends a command of a user; `at` in seconds.
    pub fn user(&mut self, at: u64, user: UserId, command: Command) -> Result<Reply, Reject> {
        self.ask(micros(at * 1_000_000), Caller::User(user), command)
    }

    pub fn ask(
        &mut self,
        now: Timestamp,
        caller: Caller,
        command: Command,
    ) -> Result<Reply, Reject> {
        self.wait(now);
        let before = self.engine.snapshot();
        let executed = self.engine.execute(now, caller, command);
        match executed {
            Ok(executed) => {
                let reply = executed.reply();
                self.records.extend(Executed::into_record(executed));
                Ok(reply)
            }
            Err(reject) => {
                assert_eq!(
                    self.engine.snapshot(),
                    before,
                    "a rejection changes nothing"
                );
                Err(reject)
            }
        }
    }

    /// Decides everything that is due by `now`.
    pub fn wait(&mut self, now: Timestamp) {
        let seed = self.seed;
        while let Some(record) = self.engine.advance(now, || seed) {
            self.records.push(record);
        }
    }

    /// Bids a price for the whole lot.
    pub fn sealed_bid(&mut self, at: u64, user: UserId, limit: &str) -> Result<Reply, Reject> {
        let quantity = self.engine.market().lot(LOT).unwrap().quantity;
        self.order(at, user, quantity.get(), limit)
    }

    pub fn order(
        &mut self,
        at: u64,
        user: UserId,
        quantity: u64,
        limit: &str,
    ) -> Result<Reply, Reject> {
        self.user(at, user, buy(quantity, Some(limit)))
    }

    pub fn bidders(&self) -> u32 {
        self.engine.market().lot(LOT).unwrap().bidders()
    }

    /// Returns the outcome of lot 1 at its close.
    pub fn outcome(&mut self) -> Outcome {
        self.wait(micros(10_000_000_000));
        let outcome = self.engine.market().lot(LOT).unwrap().outcome();
        self.holds_on_replay();
        outcome.expect("the lot has closed")
    }

    /// Returns the bids opened at the close, in order.
    pub fn opened(&self) -> Vec<OpenedBid> {
        let events = self.records.iter().flat_map(Record::public_events);
        let bids = events.filter_map(|event| match event {
            PublicEvent::BidsOpened { bids, .. } => Some(bids.clone()),
            _ => None,
        });
        bids.flatten().collect()
    }

    /// Returns the public events of the last record.
    pub fn last_public(&self) -> Vec<PublicEvent> {
        let last = self.records.last().expect("something was decided");
        let public = last.events.iter().filter_map(|event| match event {
            Event::Public(event) => Some(event.clone()),
            Event::Private(_) => None,
        });
        public.collect()
    }

    /// Checks that a replay gives the same, and that the rules decide the same again.
    pub fn holds_on_replay(&self) {
        let mut replayed = Engine::new(MarketId([7; 16]));
        let mut verified = replayed.clone();
        for record in &self.records {
            replayed.replay(record).unwrap();
            verified.verify(record).unwrap();
        }
        assert_eq!(replayed.snapshot(), self.engine.snapshot());
        assert_eq!(verified.snapshot(), self.engine.snapshot());
        let restored = Engine::restore(self.engine.snapshot()).unwrap();
        assert_eq!(restored.snapshot(), self.engine.snapshot());
        assert_eq!(restored.next_deadline(), self.engine.next_deadline());
    }
}

pub fn open(quantity: u64, reserve: Option<&str>, terms: Terms) -> OpenLot {
    OpenLot {
        symbol: symbol(),
        quantity: self::quantity(quantity),
        opens_at: None,
        closes_at: Timestamp::from_secs(300),
        terms,
        reserve: reserve.map(price),
    }
}

pub fn buy(quantity: u64, limit: Option<&str>) -> Command {
    Command::PlaceOrder {
        lot: LOT,
        side: Side::Buy,
        quantity: self::quantity(quantity),
        limit: limit.map(price),
    }
}

pub fn replace(order: u32, quantity: u64, limit: &str) -> Command {
    Command::ReplaceOrder {
        lot: LOT,
        order: OrderId(order),
        quantity: self::quantity(quantity),
        limit: Some(price(limit)),
    }
}

pub fn cancel(order: u32) -> Command {
    Command::CancelOrder {
        lot: LOT,
        order: OrderId(order),
    }
}

pub fn bid(limit: &str) -> Command {
    Command::Bid {
        lot: LOT,
        price: price(limit),
    }
}

pub fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub fn quantity(shares: u64) -> Quantity {
    Quantity::new(shares).unwrap()
}

pub fn micros(at: u64) -> Timestamp {
    Timestamp::from_micros(at).unwrap()
}

fn symbol() -> Symbol {
    Symbol::parse("AAPL").unwrap()
}
