//! The same day in an engine, with its records and a fold of its public events.

use auction_core::clearing::book::SelfTrade;
use auction_core::clearing::call;
use auction_core::{
    AccountMode, Amount, Asset, Book, BookShown, CallTerms, Caller, Command, Credential, DayBook,
    DayOrder, DayPhase, DayTerms, Engine, Executed, Listing, LotId, Market as PublicMarket,
    MarketId, Name, OpenLot, OrderId, Price, Profit, Quantity, Record, Registration, Reject, Reply,
    Role, ScheduledPhase, SecurityCode, Span, Symbol, Terms, TimeInForce, Timestamp, TraderLimits,
    UserId,
};

use super::laws::Laws;
use super::oracle::{
    self, Account, Collar, Control, Draw, Id, Kind, Limits, NewOrder, OwnOrder, Owner, Tif,
};
use super::steps::{Concrete, TRADERS};

pub const LOT: LotId = LotId(1);
pub const MARKET: MarketId = MarketId([7; 16]);
/// Time at which the lot opens: zero of the oracle's clock.
pub const OPENS_AT: u64 = 1_000_000;

pub struct Market {
    pub engine: Engine,
    pub records: Vec<Record>,
    /// Fold of the public events alone.
    pub public: PublicMarket,
    is_early: bool,
    draw: Draw,
    /// Number of random ends drawn.
    drawn: usize,
    /// Trader and number of each order that was accepted.
    pub orders: Vec<(UserId, OrderId)>,
    laws: Laws,
}

impl Market {
    pub fn open(terms: &oracle::Terms, accounts: &[Account]) -> Self {
        let engine = Engine::new(MARKET);
        let mut market = Self {
            public: engine.market().clone(),
            engine,
            records: Vec::new(),
            is_early: terms.is_scheduled,
            draw: terms.draw.clone(),
            drawn: 0,
            orders: Vec::new(),
            laws: Laws::default(),
        };
        market.set_up(terms, accounts);
        market.advance(0);
        market
    }

    fn set_up(&mut self, terms: &oracle::Terms, accounts: &[Account]) {
        let listing = Listing {
            symbol: symbol(),
            security: SecurityCode::parse("01954").unwrap(),
            price: price(terms.reference),
            profit: Profit::default(),
        };
        self.operate(Command::ListStock(listing));
        let traders = std::iter::repeat_n(Role::Trader, TRADERS as usize);
        for (number, role) in traders.chain([Role::Auctioneer]).enumerate() {
            let registration = Registration {
                name: Name::parse(&format!("user-{number}")).unwrap(),
                role,
                credential: Credential::new(b"secret").unwrap(),
            };
            self.operate(Command::Register(registration.into()));
        }
        if terms.funds {
            let mode = AccountMode::Funds;
            self.operate(Command::SetAccounts { mode });
        }
        for (owner, account) in (0..).zip(accounts).filter(|_| terms.funds) {
            let cash =
                (account.cash > 0).then(|| Asset::Cash(Amount::from_units(account.cash).unwrap()));
            let shares = Quantity::new(account.shares).map(|quantity| Asset::Shares {
                symbol: symbol(),
                quantity,
            });
            for asset in cash.into_iter().chain(shares) {
                let user = user(owner);
                self.operate(Command::Deposit { user, asset });
            }
        }
        self.operate(open_lot(terms, 0));
    }

    fn operate(&mut self, command: Command) {
        // Shortly before the lot opens, if it is announced.
        let at = match self.is_early {
            true => Timestamp::from_micros(OPENS_AT - 100).unwrap(),
            false => time(0),
        };
        let executed = self.engine.execute(at, Caller::Operator, command);
        let record = executed.unwrap().into_record().unwrap();
        self.take(record);
    }

    /// The lot's terms and its public state, by the public events alone.
    pub fn book(&self) -> Option<(&DayTerms, &DayBook)> {
        let lot = self.public.lot(LOT)?;
        match (&lot.terms, &lot.book) {
            (Terms::Day(terms), Book::Day(book)) => Some((terms, book)),
            _ => panic!("the lot is a trading day"),
        }
    }

    /// Decides all that is due until then.
    pub fn advance(&mut self, now: u64) {
        loop {
            let mut seed = [0; 32];
            seed[..16].copy_from_slice(&self.draw.number(self.drawn).to_le_bytes());
            let mut is_drawn = false;
            let record = self.engine.advance(time(now), || {
                is_drawn = true;
                seed
            });
            self.drawn += usize::from(is_drawn);
            match record {
                Some(record) => self.take(record),
                None => return,
            }
        }
    }

    pub fn ask(&mut self, now: u64, act: Concrete) -> Result<Reply, Reject> {
        let (caller, command) = self.command(act);
        self.execute(now, caller, command)
    }

    pub fn execute(&mut self, now: u64, caller: Caller, command: Command) -> Result<Reply, Reject> {
        let before = self.engine.snapshot();
        match self.engine.execute(time(now), caller, command) {
            Ok(Executed::Decided(record)) => {
                let reply = record.reply();
                self.take(record);
                Ok(reply)
            }
            Ok(Executed::Repeated { .. }) => panic!("requests without a session are not repeated"),
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

    fn take(&mut self, record: Record) {
        if let Some((terms, book)) = self.book() {
            let (terms, book) = (terms.clone(), book.clone());
            self.laws.check(&terms, &book, &record);
        }
        for event in record.public_events() {
            self.public.apply(record.at, event).unwrap();
        }
        self.records.push(record);
    }

    fn command(&self, act: Concrete) -> (Caller, Command) {
        let auctioneer = Caller::User(UserId(TRADERS + 1));
        let (lot, all) = (LOT, Some(LOT));
        match act {
            Concrete::Trader(owner, command) => {
                let caller = Caller::User(user(owner));
                (caller, self.trader_command(owner, command))
            }
            Concrete::Control(control) => {
                let command = match control {
                    Control::Halt => Command::HaltLot { lot },
                    Control::Resume => Command::ResumeLot { lot },
                    Control::Close => Command::CloseLot { lot },
                    Control::Suspend(owner) => Command::SuspendUser { user: user(owner) },
                    Control::Reinstate(owner) => Command::ReinstateUser { user: user(owner) },
                    Control::CancelAllOf(owner) => Command::CancelAll {
                        trader: Some(user(owner)),
                        lot: all,
                    },
                    Control::Move { index, ends_at } => Command::MovePhase {
                        lot,
                        phase: index as u8,
                        ends_at: time(ends_at),
                    },
                    Control::Extend(closes_at) => Command::ExtendLot {
                        lot,
                        closes_at: time(closes_at),
                    },
                    Control::CancelLot => Command::CancelLot { lot },
                    Control::HaltAll => Command::HaltAll,
                    Control::ResumeAll => Command::ResumeAll,
                    Control::Limit(owner, limits) => Command::SetLimits {
                        trader: owner.map(user),
                        limits: limits.map(trader_limits),
                    },
                };
                (auctioneer, command)
            }
        }
    }

    fn trader_command(&self, owner: Owner, command: oracle::Command) -> Command {
        let lot = LOT;
        match command {
            oracle::Command::Enter(new) => Command::PlaceDayOrder {
                lot,
                order: day_order(new),
            },
            oracle::Command::Replace {
                id,
                quantity: open,
                limit,
                believed,
            } => Command::ReplaceDayOrder {
                lot,
                order: self.order(owner, id),
                quantity: quantity(open),
                limit: limit.map(price),
                believed: believed.map(quantity),
            },
            oracle::Command::Cancel(id) => Command::CancelOrder {
                lot,
                order: self.order(owner, id),
            },
            oracle::Command::CancelAll => Command::CancelAll {
                trader: None,
                lot: Some(lot),
            },
        }
    }

    /// The trader's own number of an order. Numbers are each trader's own: a stranger's is one they never had.
    fn order(&self, owner: Owner, id: Id) -> OrderId {
        let found = self
            .orders
            .get(id)
            .filter(|(trader, _)| *trader == user(owner));
        found.map_or(OrderId(1_000_000), |(_, order)| *order)
    }

    /// Goes on with an engine restored from a snapshot.
    pub fn restore(&mut self) {
        let restored = Engine::restore(self.engine.snapshot()).unwrap();
        assert_eq!(restored.snapshot(), self.engine.snapshot());
        assert_eq!(restored.next_deadline(), self.engine.next_deadline());
        self.engine = restored;
    }

    /// Goes on with an engine that has replayed all records.
    pub fn replay(&mut self) {
        let replayed = self.replayed();
        assert_eq!(
            replayed.snapshot(),
            self.engine.snapshot(),
            "replay equals live"
        );
        assert_eq!(replayed.next_deadline(), self.engine.next_deadline());
        self.engine = replayed;
    }

    /// Returns an engine that has replayed all records.
    pub fn replayed(&self) -> Engine {
        let mut engine = Engine::new(MARKET);
        for record in &self.records {
            engine.replay(record).unwrap();
        }
        engine
    }

    /// Returns an engine that has decided all records again, and found the same.
    pub fn verified(&self) -> Engine {
        let mut engine = Engine::new(MARKET);
        for record in &self.records {
            engine.verify(record).unwrap();
        }
        engine
    }
}

/// A lot that opens then.
pub fn open_lot(terms: &oracle::Terms, now: u64) -> Command {
    let closes_at = time(now + terms.closes_at);
    let round_lot = quantity(terms.round_lot);
    let lot = OpenLot::new(symbol(), round_lot, closes_at, day_terms(terms));
    let opens_at = terms.is_scheduled.then(|| time(now));
    OpenLot { opens_at, ..lot }.into()
}

fn day_terms(terms: &oracle::Terms) -> Terms {
    let collar = |collar: Option<Collar>| {
        collar.map(|collar| call::Collar {
            absolute: price(collar.absolute),
            basis_points: collar.basis_points as u32,
        })
    };
    let span = Span::from_micros;
    let phases = terms.phases.iter().map(|(kind, begins_at)| ScheduledPhase {
        phase: phase(*kind),
        begins_after: span(*begins_at).unwrap(),
    });
    DayTerms {
        call: CallTerms {
            tick: price(terms.tick),
            collar: collar(terms.collar),
            extensions_max: terms.extensions_max,
            market_extension: terms.market_extension,
            extend_by: span(terms.extend_by).unwrap(),
            random_end: span(terms.random_end).unwrap(),
            no_cancel: terms.no_cancel.map(|window| span(window).unwrap()),
            book: match terms.is_open_book {
                true => BookShown::Open,
                false => BookShown::Closed,
            },
        },
        static_corridor: collar(terms.static_corridor),
        dynamic_corridor: collar(terms.dynamic_corridor),
        volatility_length: span(terms.volatility_length).unwrap(),
        volatility_random_end: span(terms.volatility_random_end).unwrap(),
        interruptions_max: terms.interruptions_max,
        ..DayTerms::new(phases.collect())
    }
    .into()
}

fn trader_limits(limits: Limits) -> TraderLimits {
    TraderLimits {
        order_quantity: limits.order_quantity.map(quantity),
        order_value: limits
            .order_value
            .map(|value| Amount::from_units(value).unwrap()),
        open_orders: limits.open_orders.map(|most| most as u32),
        long: limits.long,
        short: limits.short,
        orders_per_second: None,
    }
}

pub fn day_order(new: NewOrder) -> DayOrder {
    DayOrder {
        side: new.side,
        quantity: quantity(new.quantity),
        limit: new.limit.map(price),
        time_in_force: match new.tif {
            Tif::Day => TimeInForce::Day,
            Tif::Until(until) => TimeInForce::Until(time(until)),
            Tif::Ioc => TimeInForce::ImmediateOrCancel,
            Tif::Fok => TimeInForce::FillOrKill,
            Tif::AtOpen => TimeInForce::AtOpen,
            Tif::AtClose => TimeInForce::AtClose,
            Tif::Auction => TimeInForce::Auction,
        },
        post_only: new.post_only,
        self_trade: match new.own {
            OwnOrder::Refuse => SelfTrade::Refuse,
            OwnOrder::CancelNewest => SelfTrade::CancelNewest,
            OwnOrder::CancelOldest => SelfTrade::CancelOldest,
            OwnOrder::CancelBoth => SelfTrade::CancelBoth,
            OwnOrder::Decrement => SelfTrade::Decrement,
        },
    }
}

pub fn phase(kind: Kind) -> DayPhase {
    match kind {
        Kind::PreOpen => DayPhase::PreOpen,
        Kind::Call => DayPhase::Call,
        Kind::Continuous => DayPhase::Continuous,
        Kind::AtLast => DayPhase::AtLast,
        Kind::Volatility => DayPhase::Volatility,
        Kind::Closed => panic!("a closed lot is in no phase"),
    }
}

pub fn user(owner: Owner) -> UserId {
    UserId(owner + 1)
}

pub fn time(at: u64) -> Timestamp {
    Timestamp::from_micros(OPENS_AT + at).unwrap()
}

pub fn price(units: u64) -> Price {
    Price::from_units(units).unwrap()
}

pub fn quantity(shares: u64) -> Quantity {
    Quantity::new(shares).unwrap()
}

pub fn symbol() -> Symbol {
    Symbol::parse("AAPL").unwrap()
}
