//! Markets for the measurements.

use auction_core::{
    AccountMode, Amount, Asset, BookShown, CallTerms, Caller, Command, Credential, Engine,
    EnglishTerms, Listing, LotId, MarketId, Name, NewSession, OpenLot, Price, Profit, Quantity,
    Record, Registration, RequestId, Role, SecurityCode, SessionId, Symbol, Terms, Timestamp,
    TokenHash, UserId,
};

/// Number of traders in a market of English lots.
pub const TRADERS: u32 = 8;
/// Number of traders in a call auction.
pub const CALL_TRADERS: u32 = 500;
/// Number of lots in a market of English lots.
pub const LOTS: u32 = 512;
/// Time of the bids; the lots close long after it.
pub const NOW: Timestamp = Timestamp::from_secs(1);

const CLOSES_AT: Timestamp = Timestamp::from_secs(100_000);

/// A market of English lots.
pub fn english(accounts: AccountMode) -> Engine {
    let terms = Terms::English(EnglishTerms::default());
    market(accounts, TRADERS, LOTS, &terms)
}

/// A market with one call auction.
pub fn call() -> Engine {
    let terms = CallTerms {
        book: BookShown::Open,
        ..CallTerms::default()
    };
    market(AccountMode::Credit, CALL_TRADERS, 1, &Terms::Call(terms))
}

fn market(accounts: AccountMode, traders: u32, lots: u32, terms: &Terms) -> Engine {
    let mut engine = Engine::new(MarketId([7; 16]));
    let symbol = Symbol::parse("AAPL").expect("a symbol");
    let mut commands = vec![Command::ListStock(Listing {
        symbol,
        security: SecurityCode::parse("01954").expect("a code"),
        price: Price::ZERO,
        profit: Profit::default(),
    })];
    if accounts == AccountMode::Funds {
        commands.push(Command::SetAccounts { mode: accounts });
    }
    for number in 1..=traders {
        let user = UserId(number);
        commands.push(Command::Register(Box::new(Registration {
            name: Name::parse(&format!("trader-{number}")).expect("a name"),
            role: Role::Trader,
            credential: Credential::new(b"").expect("a short credential"),
        })));
        commands.push(Command::OpenSession(Box::new(NewSession {
            user,
            token_hash: TokenHash([0; 32]),
            expires_at: CLOSES_AT,
        })));
        if accounts == AccountMode::Funds {
            let cash = Amount::from_units(1_000_000_000_000).expect("below the ceiling");
            let asset = Asset::Cash(cash);
            commands.push(Command::Deposit { user, asset });
        }
    }
    let open = OpenLot {
        symbol,
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: CLOSES_AT,
        terms: terms.clone(),
        reserve: None,
    };
    commands.extend((0..lots).map(|_| Command::OpenLot(Box::new(open.clone()))));
    for command in commands {
        let start = Timestamp::default();
        let done = engine.execute(start, Caller::Operator, command);
        done.expect("the operator may");
    }
    engine
}

/// A bid: lots come in a scattered order, each time with another trader and a higher price.
#[derive(Clone, Copy)]
pub struct Bid {
    pub lot: LotId,
    pub trader: UserId,
    pub price: Price,
    number: u64,
}

impl Bid {
    /// The bids of a market of English lots from the first on.
    pub fn all() -> impl Iterator<Item = Self> {
        (0_u64..).map(|number| {
            let lots = u64::from(LOTS);
            let (round, place) = (number / lots, number % lots);
            // The step is odd, so that each round visits every lot once.
            let lot = LotId(u32::try_from(place * 213 % lots).expect("below the lots") + 1);
            let trader = (round % u64::from(TRADERS)) as u32 + 1;
            let price = Price::from_units((round + 1) * 100).expect("prices stay in range");
            Self {
                lot,
                trader: UserId(trader),
                price,
                number: number + 1,
            }
        })
    }

    pub fn command(self) -> Command {
        let Self { lot, price, .. } = self;
        Command::Bid { lot, price }
    }

    pub fn by_user(self) -> Caller {
        Caller::User(self.trader)
    }

    pub fn by_session(self) -> Caller {
        Caller::Session {
            session: SessionId(u64::from(self.trader.0)),
            request: RequestId(self.number),
        }
    }
}

/// Record of a bid of a session.
pub fn record_of_a_bid() -> Record {
    let mut engine = english(AccountMode::Credit);
    let bid = Bid::all().next().expect("bids go on");
    let executed = engine.execute(NOW, bid.by_session(), bid.command());
    let record = executed.expect("a first bid is accepted").into_record();
    record.expect("it was decided just now")
}
