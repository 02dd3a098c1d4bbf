//! Repeated `kill -9` in a market that runs on funds, from its first start on: deposits are made once, won lots are
//! paid and owned once, and cash and shares are conserved to the unit.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use auction_core::{
    Actor, Amount, Asset, Command, Engine, Lot, LotId, Market, Outcome as LotOutcome, OwnOrder,
    Price, PublicEvent, Quantity, Record, Side, Symbol, Terms, UserId,
};
use auction_proto::{ClientMessage, Code, Deposit, GetBalance, GetOrders, ServerMessage, Withdraw};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

use crate::killing::{
    About, STOCKS, auctioneer_asks, below, check_journal, close_all, names, play, random, records,
    some_lot, trader_asks,
};
use crate::ledger::{Ask, Client, Outcome};
use crate::line::{Line, PASSWORD};
use crate::test_market::{Server, TestMarket, until};

const KILLS: u32 = 6;
/// Number of kills while the first start imports the accounts and their deposits, or shortly before or after.
const KILLS_AT_START: u32 = 4;
/// Number of acknowledged requests that each client sends again after a restart.
const ASKED_AGAIN: usize = 12;
/// Lots of a file, of every format; the auctioneer opens more.
const LOTS: &str = "\
symbol,format,quantity,open_for,step,start,interval,floor,priority,bids_max,tick,collar
S1,english,,2h,,,,,,,,
S1,english,3,2h,,,,,,,,
S2,dutch,2,2h,0.01,39,1h,1,,,,
S3,sealed-first,,2h,,,,,,,,
S3,vickrey,,2h,,,,,,,,
S4,uniform,100,2h,,,,,time,40,,
S5,pay-as-bid,50,2h,,,,,pro-rata,40,,
S6,call,,2h,,,,,,,0.0001,
S6,call,2,2h,,,,,,,0.0001,40
";
const LOTS_OF_FILE: u32 = 9;
/// Initial cash of each trader.
const CASH: &str = "2000.0001";
const SHARES: u64 = 300;

#[test]
fn on_funds_kills_never_repeat_or_lose_a_payment() {
    let mut random = random();
    let test_market = TestMarket::with_lots(STOCKS)
        .set("on-outage", "close")
        .set("accounts", "funds");
    test_market.write("lots.csv", LOTS);
    test_market.write("users.csv", &accounts());
    for _ in 0..KILLS_AT_START {
        let server = Server::spawn(test_market.server());
        thread::sleep(Duration::from_millis(random.next_u64() % 400));
        server.kill();
    }

    let mut server = test_market.open();
    let market = Line::open(server.address()).snapshot();
    let mut clients: Vec<Client> = names()
        .map(|name| Client::log_in(server.address(), &name).0)
        .collect();
    let traders: Vec<UserId> = clients[1..]
        .iter()
        .map(|client| market.user_named(client.name.parse().unwrap()).unwrap())
        .collect();
    let asks = |number, random: &mut ChaCha20Rng| match (number, below(random, 3)) {
        (0, 0) => Ask::Other(pays(&traders, random)),
        (0, _) => auctioneer_asks(LOTS_OF_FILE, traders[0], random),
        _ => trader_asks(about(random), random),
    };
    for kill in 1..=KILLS {
        play(server, &mut clients, &mut random, asks);
        // No server runs: only the files on the disk are left.
        let held = records(&test_market);
        check_journal(&format!("kill {kill}"), &held, &clients);
        check_books(&format!("kill {kill}"), &held, &market, &traders);
        let verified = test_market.verified();
        assert!(verified.contains("the accounts balance"), "{verified}");

        server = test_market.open();
        let address = server.address();
        // Lots may become due between one look and the next.
        until("the market is what its journal makes", || {
            let held = test_market.verified_digest();
            let shown = Line::open(address).snapshot().digest().to_string();
            (held == shown).then_some(())
        });
        for client in &mut clients {
            let mut line = client.resume(address);
            client.settle(&mut line);
            client.asks_again(&mut line, ASKED_AGAIN);
        }
    }

    close_all(&server, &mut clients[0]);
    let market = Line::open(server.address()).snapshot();
    let told: Vec<_> = clients[1..]
        .iter()
        .map(|client| Told::of(&server, client, &market))
        .collect();
    server.end();
    let held = records(&test_market);
    check_journal("the end", &held, &clients);
    let engine = check_books("the end", &held, &market, &traders);
    for ((told, trader), client) in told.iter().zip(&traders).zip(&clients[1..]) {
        // No lot is open, so nothing is reserved; and all balances match the journal.
        assert_eq!(told.reserved, 0, "{}", client.name);
        let fills = |lot| told.orders.get(&lot).cloned().unwrap_or_default();
        let books = Books::of(&held, *trader, &market, fills);
        assert_eq!(told.books, books, "{}", client.name);
    }
    let house_of = engine.ledger().unwrap().house();
    assert!(house_of.proceeds().units() > 0, "no lot was sold");
    let traded = |lot: &Lot| matches!(lot.outcome(), Some(LotOutcome::Crossed { .. }));
    assert!(market.lots().iter().any(traded), "no call traded");
    let refused = |client: &Client| {
        let outcomes = client.asked().map(|(_, _, outcome)| outcome);
        let short = Outcome::Refused(Code::INSUFFICIENT_FUNDS);
        outcomes.filter(|outcome| *outcome == short).count()
    };
    assert!(
        clients.iter().map(refused).sum::<usize>() > 0,
        "all could pay all"
    );
}

fn accounts() -> String {
    let mut rows = format!("name,role,password,cash,holdings\nann,auctioneer,{PASSWORD},,\n");
    for name in names().skip(1) {
        rows += &format!("{name},trader,{PASSWORD},{CASH},S6:{SHARES} S1:{SHARES}\n");
    }
    rows
}

/// A deposit to a trader, or a withdrawal.
fn pays(traders: &[UserId], random: &mut ChaCha20Rng) -> ClientMessage {
    let user = traders[below(random, traders.len() as u32) as usize];
    let asset = match below(random, 3) {
        0 => Asset::Shares {
            symbol: Symbol::parse("S6").unwrap(),
            quantity: Quantity::new(1 + u64::from(below(random, 100))).unwrap(),
        },
        _ => Asset::Cash(Amount::from_units(1 + u64::from(below(random, 5_000_000))).unwrap()),
    };
    match below(random, 2) {
        0 => Deposit { user, asset }.into(),
        _ => Withdraw { user, asset }.into(),
    }
}

fn about(random: &mut ChaCha20Rng) -> About {
    let shares = [1, 2, 1 + u64::from(below(random, 20))][below(random, 3) as usize];
    About {
        lot: some_lot(LOTS_OF_FILE, random),
        quantity: Quantity::new(shares).unwrap(),
        price: Price::from_units(u64::from(10_000 + below(random, 400_000))).unwrap(),
    }
}

/// All cash and all shares of a trader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Books {
    cash: i128,
    shares: BTreeMap<Symbol, i128>,
}

impl Books {
    /// Computed from deposits and withdrawals, from the public results of the lots, and from the trader's private
    /// messages about orders in calls.
    fn of(
        records: &[Record],
        trader: UserId,
        market: &Market,
        fills: impl Fn(LotId) -> Vec<OwnOrder>,
    ) -> Self {
        let mut books = Self::default();
        let lots: BTreeMap<LotId, (Symbol, Quantity, bool)> = records
            .iter()
            .flat_map(Record::public_events)
            .filter_map(|event| match event {
                PublicEvent::LotOpened(opened) => {
                    let opens = matches!(opened.terms, Terms::Sealed(_) | Terms::Uniform(_));
                    Some((opened.lot, (opened.symbol, opened.quantity, opens)))
                }
                _ => None,
            })
            .collect();
        assert!(market.lots().len() <= lots.len());
        for record in records {
            match record.command {
                Command::Deposit { user, asset } if user == trader => books.pay(1, asset),
                Command::Withdraw { user, asset } if user == trader => books.pay(-1, asset),
                _ => {}
            }
            for event in record.public_events() {
                match event {
                    PublicEvent::BidsOpened { lot, bids } => {
                        for bid in bids.iter().filter(|bid| bid.bidder == trader) {
                            let price = bid.pays.unwrap_or(Price::ZERO);
                            books.buy(lots[lot].0, bid.filled, price);
                        }
                    }
                    PublicEvent::LotClosed { lot, outcome } => {
                        let (symbol, quantity, opens) = lots[lot];
                        match *outcome {
                            // The winners of sealed lots are counted when the bids are opened.
                            LotOutcome::Sold { winner, price, .. }
                                if winner == trader && !opens =>
                            {
                                books.buy(symbol, quantity.get(), price);
                            }
                            LotOutcome::Crossed { price, .. } => {
                                for own in fills(*lot) {
                                    match own.side {
                                        Side::Buy => books.buy(symbol, own.filled(), price),
                                        Side::Sell => books.sell(symbol, own.filled(), price),
                                    }
                                }
                            }
                            _ => {}
                        }
                    }
                    _ => {}
                }
            }
        }
        books.shares.retain(|_, shares| *shares != 0);
        books
    }

    fn pay(&mut self, sign: i128, asset: Asset) {
        match asset {
            Asset::Cash(amount) => self.cash += sign * i128::from(amount.units()),
            Asset::Shares { symbol, quantity } => {
                *self.shares.entry(symbol).or_default() += sign * i128::from(quantity.get());
            }
        }
    }

    fn buy(&mut self, symbol: Symbol, shares: u64, price: Price) {
        self.cash -= i128::from(shares) * i128::from(price.units());
        *self.shares.entry(symbol).or_default() += i128::from(shares);
    }

    fn sell(&mut self, symbol: Symbol, shares: u64, price: Price) {
        self.cash += i128::from(shares) * i128::from(price.units());
        *self.shares.entry(symbol).or_default() -= i128::from(shares);
    }
}

/// The messages to a trader about their account, and about their orders in calls.
struct Told {
    books: Books,
    reserved: u64,
    orders: BTreeMap<LotId, Vec<OwnOrder>>,
}

impl Told {
    fn of(server: &Server, client: &Client, market: &Market) -> Self {
        let mut line = client.resume(server.address());
        let asked = GetBalance {
            user: None,
            after: None,
        };
        let ServerMessage::Balance(balance) = line.ask(&asked) else {
            panic!("{} is told no balance", client.name)
        };
        let holdings = balance.holdings.iter();
        let books = Books {
            cash: balance.cash.units().into(),
            shares: holdings
                .map(|held| {
                    assert_eq!(held.reserved, 0, "{}", client.name);
                    (held.symbol, i128::from(held.shares))
                })
                .collect(),
        };
        let is_call = |lot: &&Lot| matches!(lot.terms, Terms::Call(_));
        let calls = market.lots().iter().filter(is_call).map(|lot| lot.id);
        let orders = calls.map(|lot| match line.ask(&GetOrders { lot }) {
            ServerMessage::Orders(told) => (lot, told.orders.to_vec()),
            other => panic!("{other:?} lists no orders"),
        });
        Self {
            books,
            reserved: balance.reserved.units(),
            orders: orders.collect(),
        }
    }
}

/// Checks that a replay of the journal gives everyone what they should have, and nobody anything twice.
fn check_books(when: &str, records: &[Record], market: &Market, traders: &[UserId]) -> Engine {
    let mut engine = Engine::new(market.id());
    for record in records {
        engine.replay(record).unwrap();
        assert_eq!(engine.audit(), Ok(()), "{when}: {record:?}");
    }
    // The operator paid each account its initial deposit once, and nothing else.
    let by_operator = |trader: UserId| {
        let mut begun = Books::default();
        for record in records {
            if let (Actor::Operator, Command::Deposit { user, asset }) =
                (record.actor, &record.command)
                && *user == trader
            {
                begun.pay(1, *asset);
            }
        }
        begun
    };
    let cash: Amount = CASH.parse().unwrap();
    let shares = ["S1", "S6"].map(|symbol| (Symbol::parse(symbol).unwrap(), i128::from(SHARES)));
    let begins = Books {
        cash: cash.units().into(),
        shares: shares.into_iter().collect(),
    };
    for trader in traders.iter().copied() {
        assert_eq!(by_operator(trader), begins, "{when}: {trader}");
        let balance = engine.balance(trader).unwrap();
        let holdings = balance.holdings();
        let held = Books {
            cash: balance.cash().units().into(),
            shares: holdings
                .map(|(symbol, holding)| (symbol, i128::from(holding.shares)))
                .collect(),
        };
        let fills = |lot| engine.orders_of(lot, trader).unwrap();
        let books = Books::of(records, trader, market, fills);
        assert_eq!(held, books, "{when}: {trader}");
    }
    engine
}
