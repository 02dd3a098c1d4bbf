//! Hidden data leaves no trace, neither of its values nor of hidden actions: two markets that differ only in it show
//! everyone the same.

use auction_core::{
    AccountMode, Amount, Asset, BookShown, CallTerms, Caller, Collar, Command, Credential, Engine,
    EnglishTerms, Executed, Listing, LotId, MarginalPriority, Name, OpenLot, OrderId, Price,
    Profit, PublicEvent, Quantity, Record, Registration, Reject, Reply, Role, SealedPricing,
    SealedTerms, SecurityCode, Side, Symbol, Terms, Timestamp, UniformPricing, UniformTerms,
    UserId,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::laws::{MARKET, config};
use crate::lot::{price, time};
use crate::offers::Order;

const TRADERS: u32 = 4;
const ENGLISH: LotId = LotId(1);
const SEALED: LotId = LotId(2);
const UNIFORM: LotId = LotId(3);
/// One has a closed book, one an open book.
const CALLS: [LotId; 2] = [LotId(4), LotId(5)];
const BASE: u64 = 50;
/// More than all that these traders could owe; their balances may exceed it further.
const ENOUGH: u64 = 1 << 38;

#[derive(Clone, Debug)]
struct Step {
    user: UserId,
    command: Command,
}

fn user() -> impl Strategy<Value = UserId> {
    (1..=TRADERS).prop_map(UserId)
}

/// Orders on calls and in sealed lots: each trader is on one side of a call, so that nobody trades with themselves.
fn order(lots: Vec<LotId>) -> impl Strategy<Value = Step> {
    let limit = prop_oneof![6 => (1..100_u64).prop_map(Some), 1 => Just(None)];
    let what = (0..6_u32, 1..4_u32, 1..50_u64, limit);
    (select(lots), user(), what).prop_map(|(lot, user, (what, order, shares, limit))| {
        let order = OrderId(order);
        let is_call = CALLS.contains(&lot);
        let side = match user.0 % 2 {
            0 if is_call => Side::Sell,
            _ => Side::Buy,
        };
        let quantity = match lot {
            SEALED => Quantity::ONE,
            _ => Quantity::new(shares).unwrap(),
        };
        let limit = limit.filter(|_| is_call).or((!is_call).then_some(60));
        let limit = limit.map(price);
        let order = Order {
            lot,
            order,
            side,
            quantity,
            limit,
        };
        let command = match what {
            0 => order.cancel(),
            1 => order.replace(),
            _ => order.place(),
        };
        Step { user, command }
    })
}

fn bid() -> impl Strategy<Value = Step> {
    (user(), BASE..9_000, any::<bool>()).prop_map(|(user, amount, openly)| {
        let (lot, price) = (ENGLISH, price(amount));
        let command = match openly {
            true => Command::Bid { lot, price },
            false => Command::BidMaximum {
                lot,
                maximum: price,
            },
        };
        Step { user, command }
    })
}

/// A market, and everything it has shown.
struct Shown {
    engine: Engine,
    public: Vec<(Timestamp, PublicEvent)>,
}

impl Shown {
    fn open(mode: AccountMode) -> Self {
        let mut shown = Self {
            engine: Engine::new(MARKET),
            public: Vec::new(),
        };
        let symbol = Symbol::parse("AAPL").unwrap();
        shown.operates(Command::ListStock(Listing {
            symbol,
            security: SecurityCode::parse("01954").unwrap(),
            price: price(BASE),
            profit: Profit::default(),
        }));
        for user in 1..=TRADERS {
            shown.operates(Command::Register(Box::new(Registration {
                name: Name::parse(&format!("trader-{user}")).unwrap(),
                role: Role::Trader,
                credential: Credential::new(&[7; 32]).unwrap(),
            })));
        }
        if mode == AccountMode::Funds {
            shown.operates(Command::SetAccounts { mode });
        }
        let call = |book| {
            Terms::Call(CallTerms {
                tick: Price::UNIT,
                book,
                // Without it a market order to buy could cost more than anyone's balance.
                collar: Some(Collar {
                    absolute: price(1_000),
                    basis_points: 0,
                }),
                ..CallTerms::default()
            })
        };
        let all = [
            Terms::English(EnglishTerms::default()),
            Terms::Sealed(SealedTerms {
                pricing: SealedPricing::SecondPrice,
            }),
            Terms::Uniform(UniformTerms {
                pricing: UniformPricing::Uniform,
                priority: MarginalPriority::Time,
                bids_max: 3,
            }),
            call(BookShown::Closed),
            call(BookShown::Open),
        ];
        for terms in all {
            shown.operates(Command::OpenLot(Box::new(OpenLot {
                symbol,
                quantity: Quantity::ONE,
                opens_at: None,
                closes_at: time(100),
                terms,
                reserve: None,
            })));
        }
        shown
    }

    fn operates(&mut self, command: Command) -> Record {
        let done = self.engine.execute(time(0), Caller::Operator, command);
        self.take(done.unwrap().into_record().unwrap())
    }

    fn pay(&mut self, user: UserId, asset: Asset) {
        let record = self.operates(Command::Deposit { user, asset });
        assert_eq!(record.public_events().count(), 0, "not even a gap");
    }

    fn asks(&mut self, step: &Step) -> Result<Reply, Reject> {
        let asked = self
            .engine
            .execute(time(1), Caller::User(step.user), step.command.clone());
        match asked? {
            Executed::Decided(record) => Ok(self.take(record).reply()),
            Executed::Repeated { .. } => panic!("nothing is asked twice"),
        }
    }

    fn take(&mut self, record: Record) -> Record {
        let events = record.public_events();
        self.public
            .extend(events.map(|event| (record.at, event.clone())));
        record
    }

    fn close(&mut self) {
        while let Some(record) = self.engine.advance(time(1 << 40), || [7; 32]) {
            self.take(record);
        }
    }
}

/// Returns the same command with other shares and another limit: equal values stay equal, and unequal ones unequal.
fn said_otherwise(command: &Command) -> Command {
    let mut command = command.clone();
    if let Command::PlaceOrder {
        quantity, limit, ..
    }
    | Command::ReplaceOrder {
        quantity, limit, ..
    } = &mut command
    {
        *quantity = Quantity::new(2 * quantity.get() + 1).unwrap();
        *limit = limit.map(|limit| price(300 - 2 * limit.units()));
    }
    command
}

proptest! {
    #![proptest_config(config(300, 2))]

    #[test]
    fn a_running_call_shows_only_the_indicative_and_trader_count(
        steps in proptest::collection::vec(order(CALLS.into()), 1..60),
    ) {
        let (mut one, mut other) = (Shown::open(AccountMode::Credit), Shown::open(AccountMode::Credit));
        for step in &steps {
            let (traders, shown) = (one.engine.market().clone(), one.public.len());
            let told = one.asks(step);
            let otherwise = Step { user: step.user, command: said_otherwise(&step.command) };
            prop_assert_eq!(told, other.asks(&otherwise));
            // Every public event counts one trader more or fewer.
            let now = one.engine.market();
            let moved = |lot: &LotId| {
                let bidders = |market: &auction_core::Market| market.lot(*lot).unwrap().bidders();
                bidders(now) != bidders(&traders)
            };
            let news = &one.public[shown..];
            prop_assert_eq!(news.len(), CALLS.iter().filter(|lot| moved(lot)).count());
            let counts = |(_, event): &(_, PublicEvent)| matches!(event, PublicEvent::BiddersCounted { .. });
            prop_assert!(news.iter().all(counts), "{:?}", news);
        }
        prop_assert_eq!(&one.public, &other.public);
        prop_assert_eq!(one.engine.market(), other.engine.market());
        prop_assert_eq!(one.engine.depth(CALLS[0]), None, "a closed book");
        prop_assert!(one.engine.depth(CALLS[1]).is_some());
    }

    #[test]
    fn a_traders_view_of_own_call_orders_is_independent_of_others(
        steps in proptest::collection::vec(order(CALLS.into()), 1..60),
    ) {
        let (mut busy, mut quiet) = (Shown::open(AccountMode::Credit), Shown::open(AccountMode::Credit));
        for step in &steps {
            let told = busy.asks(step);
            if step.user == UserId(1) {
                prop_assert_eq!(told, quiet.asks(step));
            }
        }
        for lot in CALLS {
            let own = |shown: &Shown| shown.engine.orders_of(lot, UserId(1));
            prop_assert_eq!(own(&busy), own(&quiet));
        }
    }

    #[test]
    fn what_traders_own_shows_in_nothing_whatever_they_do_with_it(
        steps in proptest::collection::vec(
            prop_oneof![
                2 => order([CALLS.as_slice(), &[SEALED, UNIFORM]].concat()),
                1 => bid(),
            ],
            1..60,
        ),
        more in proptest::collection::vec(1..ENOUGH, TRADERS as usize),
    ) {
        let markets = [vec![0; TRADERS as usize], more].map(|more| {
            let mut shown = Shown::open(AccountMode::Funds);
            let mut told = Vec::new();
            for (user, more) in (1..).zip(more) {
                let cash = Asset::Cash(Amount::from_units(ENOUGH + more).unwrap());
                shown.pay(UserId(user), cash);
                let symbol = Symbol::parse("AAPL").unwrap();
                let quantity = Quantity::new(ENOUGH / 2 + more).unwrap();
                shown.pay(UserId(user), Asset::Shares { symbol, quantity });
            }
            for step in &steps {
                told.push(shown.asks(step));
            }
            shown.close();
            assert_eq!(shown.engine.market().open_lots(), 0);
            (shown.public, shown.engine.market().clone(), told)
        });
        let [poor, rich] = markets;
        prop_assert_eq!(poor, rich);
    }
}
