//! A market to act on: in memory, or with a journal, as a server has it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use auction_core::{
    CallTerms, Caller, Command, Credential, Engine, EnglishTerms, Executed, Listing, LotId,
    MarketId, Name, OpenLot, Price, Profit, Quantity, Record, Registration, Role, SecurityCode,
    Side, Symbol, Terms, Timestamp, UserId,
};
use auction_proto::encode_record;
use auction_server::testing::config::data_dir::DataDir;
use auction_server::testing::journal::{Batch, Journal, Key, Log, NewJournal, Options, RealDisk};
use auction_server::testing::projections::console_text::news;
use tempfile::TempDir;

/// 2026-11-22 13:00:00 UTC.
pub const START: u64 = 1_795_352_400;
/// What must never be told to anyone.
pub const SECRET: &str = "a-secret-credential";

/// A market, and what was announced of it.
pub struct Stage {
    pub engine: Engine,
    pub printed: String,
    disk: Option<(Journal, TempDir)>,
}

impl Stage {
    pub fn in_memory() -> Self {
        let engine = Engine::new(MarketId([1; 16]));
        Self {
            engine,
            printed: String::new(),
            disk: None,
        }
    }

    /// With a journal in a data folder of its own, which stays open as a running server's does.
    pub fn on_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = NewJournal {
            market: [1; 16],
            key: Key::new([2; 16]),
            term: 1,
        };
        let dir = DataDir::new(folder.path()).journal();
        let (journal, _) =
            Journal::open(
                Arc::new(RealDisk),
                &dir,
                Options::new(new),
                None,
                |_| Ok(()),
            )
            .unwrap();
        Self {
            disk: Some((journal, folder)),
            ..Self::in_memory()
        }
    }

    pub fn path(&self) -> &Path {
        self.disk.as_ref().unwrap().1.path()
    }

    pub fn folder(&self) -> DataDir {
        DataDir::new(self.path())
    }

    pub fn journal(&self) -> &Journal {
        &self.disk.as_ref().unwrap().0
    }

    pub fn run(&mut self, secs: u64, caller: Caller, command: Command) {
        let now = Timestamp::from_secs(START + secs);
        match self.engine.execute(now, caller, command).unwrap() {
            Executed::Decided(record) => self.take(&record),
            Executed::Repeated { .. } => unreachable!("no session asks"),
        }
    }

    /// Closes every lot, long after.
    pub fn close_all(&mut self) {
        while let Some(record) = self
            .engine
            .advance(Timestamp::from_secs(START + 10_000), || [7; 32])
        {
            self.take(&record);
        }
    }

    /// A record as the engine gave it, or not.
    pub fn take(&mut self, record: &Record) {
        if let Some((journal, _)) = &mut self.disk {
            let (mut public, mut private) = (Vec::new(), Vec::new());
            encode_record(record, &[3; 16], &mut public, &mut private);
            let batch = Batch {
                first: record.sequence.0,
                count: 1,
                public: &public,
                private: &private,
            };
            journal.append(&batch).unwrap();
        }
        for event in record.public_events() {
            if let Some(line) = news(self.engine.market(), record.at, event) {
                writeln!(self.printed, "{line}").unwrap();
            }
        }
    }

    pub fn operate(&mut self, secs: u64, command: Command) {
        self.run(secs, Caller::Operator, command);
    }

    pub fn list(&mut self, symbol: &str, security: &str, price: &str, profit: &str) {
        let listing = Listing {
            symbol: Symbol::parse(symbol).unwrap(),
            security: SecurityCode::parse(security).unwrap(),
            price: Price::parse(price).unwrap(),
            profit: Profit::parse(profit).unwrap(),
        };
        self.operate(0, Command::ListStock(listing));
    }

    pub fn open(&mut self, symbol: &str, quantity: u64, reserve: Option<&str>) {
        let terms = Terms::English(EnglishTerms::default());
        self.operate(0, open(symbol, quantity, reserve, terms));
    }

    pub fn register(&mut self, name: &str, role: Role) {
        let name = Name::parse(name).unwrap();
        let credential = Credential::new(SECRET.as_bytes()).unwrap();
        self.operate(
            1,
            Command::Register(Box::new(Registration {
                name,
                role,
                credential,
            })),
        );
    }

    pub fn bid(&mut self, secs: u64, user: u32, lot: u32, price: &str) {
        let price = Price::parse(price).unwrap();
        self.run(
            secs,
            Caller::User(UserId(user)),
            Command::Bid {
                lot: LotId(lot),
                price,
            },
        );
    }

    pub fn bid_maximum(&mut self, secs: u64, user: u32, lot: u32, maximum: &str) {
        let maximum = Price::parse(maximum).unwrap();
        let command = Command::BidMaximum {
            lot: LotId(lot),
            maximum,
        };
        self.run(secs, Caller::User(UserId(user)), command);
    }

    /// Two calls of a stock, with 20 shares more to buy in the first and to sell in the second; everything closed.
    pub fn play_calls(&mut self) {
        self.list("AAPL", "01954", "10", "0");
        self.register("mia", Role::Trader);
        self.register("tom", Role::Trader);
        for (lot, bought, sold) in [(1, 100, 80), (2, 50, 70)] {
            let terms = Terms::Call(CallTerms::default());
            self.operate(1, open("AAPL", 1, None, terms));
            for (user, side, quantity, limit) in
                [(1, Side::Buy, bought, "11"), (2, Side::Sell, sold, "10")]
            {
                let order = Command::PlaceOrder {
                    lot: LotId(lot),
                    side,
                    quantity: Quantity::new(quantity).unwrap(),
                    limit: Price::parse(limit).ok(),
                };
                self.run(2, Caller::User(UserId(user)), order);
            }
        }
        self.close_all();
    }

    /// Two stocks, three lots, four users, some bids, everything closed.
    pub fn play(&mut self) {
        self.list("AAPL", "01954", "1.32", "9350");
        self.list("BRK.B", "00007", "0", "0");
        self.open("AAPL", 100, None);
        self.open("BRK.B", 1, Some("50"));
        self.open("BRK.B", 1, None);
        self.register("mia", Role::Trader);
        self.register("tom", Role::Trader);
        self.register("apple", Role::Company(Symbol::parse("AAPL").unwrap()));
        self.register("ann", Role::Auctioneer);
        self.bid(2, 1, 1, "1.40");
        self.bid_maximum(3, 2, 1, "7.77");
        self.bid(4, 1, 1, "1.50");
        self.bid_maximum(5, 2, 1, "8.88");
        self.bid(6, 1, 2, "10");
    }
}

/// A lot, open for 300 s.
pub fn open(symbol: &str, quantity: u64, reserve: Option<&str>, terms: Terms) -> Command {
    Command::OpenLot(Box::new(OpenLot {
        symbol: Symbol::parse(symbol).unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        opens_at: None,
        closes_at: Timestamp::from_secs(START + 300),
        terms,
        reserve: reserve.map(|reserve| Price::parse(reserve).unwrap()),
    }))
}
