//! `kill -9` in the middle of bidding, repeatedly: acknowledged requests exist exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use auction_core::{LotId, Market, Price, Profit, PublicEvent, Reply, SecurityCode, Symbol};
use auction_proto::{Bid, BidMaximum, Code, PublishProfit, ServerMessage};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::ledger::{Ask, Client, Row, assert_same, assert_within, exported};
use crate::line::{Line, PASSWORD, Watcher};
use crate::test_market::{DEADLINE, LOOK_EVERY, Server, TestMarket};

const KILLS: u32 = 22;
/// Minimum number of acknowledgements before each kill.
const ACKNOWLEDGED_MIN: u32 = 200;
const LOTS: u32 = 24;
/// Lots with a higher number take hidden maxima too.
const PLAIN_LOTS: u32 = 16;
const TRADERS: u32 = 4;
const IN_FLIGHT: usize = 16;
/// Number of acknowledged requests that each client sends again after a restart.
const ASKED_AGAIN: usize = 8;

#[test]
fn acknowledged_requests_exist_exactly_once_after_each_kill() {
    let seed = match std::env::var("AUCTION_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => rand::random(),
    };
    eprintln!("AUCTION_TEST_SEED={seed}");
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    // Every bid of the first hours extends its lot, so that closing times are tested too.
    let test_market = TestMarket::with_lots(LOTS)
        .set("extend-within", "2h")
        .set("extend-by", "1s");
    test_market.write("users.csv", &accounts());
    interrupt_starts(&test_market, 3, &mut random);

    let server = test_market.open();
    let mut market = Line::open(server.address()).snapshot();
    let mut stage = Stage::begin(&server, &market);
    let mut server = Some(server);
    for cycle in 1..=KILLS {
        let running = server.take().unwrap_or_else(|| test_market.open());
        stage.recover(&test_market, running.address(), &market);
        let seen = stage.play(running, &mut random);

        // No server runs: only the files on the disk are left.
        let rows = exported(&test_market);
        for client in &stage.clients {
            assert_within(&format!("kill {cycle}"), client.rows(&market), &rows);
        }
        assert_within(&format!("seen before kill {cycle}"), seen.rows, &rows);
        let digest = test_market.verified_digest();
        if random.next_u32().is_multiple_of(4) {
            interrupt_starts(&test_market, 1, &mut random);
        }
        let running = test_market.open();
        market = Line::open(running.address()).snapshot();
        assert_eq!(market.digest().to_string(), digest);
        assert!(seen.feed_sequence <= market.feed_sequence().0);
        server = Some(running);
    }
    let server = server.expect("it was started after the last kill");
    stage.recover(&test_market, server.address(), &market);
    assert!(
        stage.settled > 0,
        "no kill came while requests were in flight"
    );
    server.end();
    assert_eq!(
        test_market.read("client.csv"),
        client_csv(&exported(&test_market))
    );
}

/// Two companies, and the traders.
fn accounts() -> String {
    let mut accounts = format!(
        "name,role,password,symbol\nfirst-company,company,{PASSWORD},S1\nsecond-company,company,{PASSWORD},S2\n"
    );
    for n in 1..=TRADERS {
        accounts.push_str(&format!("trader-{n},trader,{PASSWORD},\n"));
    }
    accounts
}

/// Kills servers before they accept connections, or shortly after.
fn interrupt_starts(test_market: &TestMarket, count: u32, random: &mut ChaCha20Rng) {
    for _ in 0..count {
        let server = Server::spawn(test_market.server());
        thread::sleep(Duration::from_millis(random.next_u64() % 60));
        server.kill();
    }
}

fn client_csv(rows: &[Row]) -> String {
    let latest: BTreeMap<_, _> = rows
        .iter()
        .map(|[user, symbol, price]| ((user, symbol), price))
        .collect();
    let lines = latest
        .iter()
        .map(|((user, symbol), price)| format!("{user},{symbol},{price}\n"));
    std::iter::once("name,symbol,bit\n".to_owned())
        .chain(lines)
        .collect()
}

/// All participants.
struct Stage {
    /// Traders, then companies.
    clients: Vec<Client>,
    prices: Vec<AtomicU64>,
    closes_at: Vec<u64>,
    names: Names,
    /// Number of requests sent again because a kill left their outcome unknown.
    settled: usize,
}

/// Accounts that were created over the network.
#[derive(Default)]
struct Names {
    acknowledged: BTreeSet<String>,
    /// Requested, without an answer.
    unknown: Option<String>,
    next: u32,
}

/// The view of a watcher until the kill.
struct Seen {
    rows: Vec<Row>,
    feed_sequence: u64,
}

impl Stage {
    fn begin(server: &Server, market: &Market) -> Self {
        let companies = ["first-company", "second-company"].map(str::to_owned);
        let names = (1..=TRADERS)
            .map(|n| format!("trader-{n}"))
            .chain(companies);
        Self {
            clients: names
                .map(|name| Client::log_in(server.address(), &name).0)
                .collect(),
            prices: (0..LOTS).map(|_| AtomicU64::new(101)).collect(),
            closes_at: market
                .lots()
                .iter()
                .map(|lot| lot.closes_at.micros())
                .collect(),
            names: Names::default(),
            settled: 0,
        }
    }

    /// Resumes every session, settles open requests, and compares all answers with the journal.
    fn recover(&mut self, test_market: &TestMarket, address: SocketAddr, begun_with: &Market) {
        for client in &mut self.clients {
            let mut line = client.resume(address);
            self.settled += client.settle(&mut line);
            client.asks_again(&mut line, ASKED_AGAIN);
        }
        self.names.settle(address);

        let market = Line::open(address).snapshot();
        let rows = exported(test_market);
        let told = self.clients.iter().flat_map(|client| client.rows(&market));
        assert_same("bids", told, &rows);
        self.check_lots(&market);
        self.check_profits(&market);
        self.check_users(test_market, &market);
        assert!(market.feed_sequence() >= begun_with.feed_sequence());
    }

    /// Checks that closing times are the latest that anyone saw, and prices the highest.
    fn check_lots(&mut self, market: &Market) {
        let mut prices = BTreeMap::new();
        for (_, reply) in self.clients.iter().flat_map(Client::accepted) {
            let Reply::Bid(bid) = reply else { continue };
            let closes_at = &mut self.closes_at[bid.lot.0 as usize - 1];
            *closes_at = (*closes_at).max(bid.extended_to.map_or(0, |at| at.micros()));
            let price = prices.entry(bid.lot).or_insert(bid.price);
            *price = (*price).max(bid.price);
        }
        assert_eq!(market.lots().len(), LOTS as usize);
        for (lot, closes_at) in market.lots().iter().zip(&self.closes_at) {
            assert_eq!(lot.closes_at.micros(), *closes_at, "lot {}", lot.id);
            let price = prices.get(&lot.id).copied().flatten();
            assert_eq!(lot.price(), price, "lot {}", lot.id);
        }
    }

    /// Checks that the profit of a stock is the last that its company published.
    fn check_profits(&self, market: &Market) {
        for company in &self.clients[TRADERS as usize..] {
            let last = company.accepted().last();
            if let Some((Ask::Profit(publish), _)) = last {
                let stock = market.stock(publish.symbol).unwrap();
                assert_eq!(stock.profit, publish.profit);
            }
        }
    }

    /// Checks that every acknowledged account exists once, and no other.
    fn check_users(&self, test_market: &TestMarket, market: &Market) {
        let users: Vec<String> = test_market
            .export("users")
            .into_iter()
            .map(|row| row[0].clone())
            .collect();
        let told: BTreeSet<&String> = self
            .names
            .acknowledged
            .iter()
            .chain(self.clients.iter().map(|client| &client.name))
            .collect();
        let held: BTreeSet<&String> = users.iter().collect();
        assert_eq!((told, users.len()), (held.clone(), held.len()));
        assert_eq!(users.len(), market.users().len());
    }

    /// Runs all clients at once, until the server is killed after enough acknowledgements, at a random moment.
    fn play(&mut self, server: Server, random: &mut ChaCha20Rng) -> Seen {
        let address = server.address();
        let acknowledged = AtomicU32::new(0);
        let enough = ACKNOWLEDGED_MIN + random.next_u32() % 200;
        let moment = Duration::from_micros(random.next_u64() % 3_000);
        let (clients, names, prices) = (&mut self.clients, &mut self.names, &self.prices);
        // The kill comes after all have begun: clients, the watcher, the registering thread, and this thread.
        let begun = &Barrier::new(clients.len() + 3);
        thread::scope(|scope| {
            let acknowledged = &acknowledged;
            let watching = scope.spawn(move || {
                let watcher = Watcher::begin(address);
                begun.wait();
                watch(watcher)
            });
            for (number, client) in clients.iter_mut().enumerate() {
                let mut random = ChaCha20Rng::seed_from_u64(random.next_u64());
                scope.spawn(move || {
                    let is_trader = number < TRADERS as usize;
                    let line = client.resume(address);
                    begun.wait();
                    client.until_gone(line, acknowledged, |in_flight| {
                        match (is_trader, in_flight) {
                            (true, ..IN_FLIGHT) => Some(random_bid(prices, &mut random)),
                            (false, ..2) => Some(profit(number, &mut random)),
                            _ => None,
                        }
                    });
                });
            }
            scope.spawn(move || {
                let line = Line::open(address);
                begun.wait();
                names.register_until_gone(line, acknowledged);
            });

            begun.wait();
            let begun = Instant::now();
            while acknowledged.load(Ordering::Relaxed) < enough {
                assert!(begun.elapsed() < DEADLINE, "too few are acknowledged");
                thread::sleep(LOOK_EVERY.min(Duration::from_millis(1)));
            }
            thread::sleep(moment);
            server.kill();
            watching.join().unwrap()
        })
    }
}

/// A bid above all sent for its lot.
fn random_bid(prices: &[AtomicU64], random: &mut ChaCha20Rng) -> Ask {
    let number = random.next_u32() % LOTS;
    let lot = LotId(number + 1);
    let cents = prices[number as usize].fetch_add(1, Ordering::Relaxed);
    let price = Price::from_units(cents * 100).unwrap();
    if number >= PLAIN_LOTS && !random.next_u32().is_multiple_of(4) {
        Ask::Maximum(BidMaximum {
            lot,
            maximum: price,
        })
    } else {
        Ask::Bid(Bid { lot, price })
    }
}

fn profit(number: usize, random: &mut ChaCha20Rng) -> Ask {
    let stock = number - TRADERS as usize + 1;
    Ask::Profit(PublishProfit {
        symbol: Symbol::parse(&format!("S{stock}")).unwrap(),
        security: SecurityCode::parse(&format!("{stock:05}")).unwrap(),
        // Practically never the same twice: publishing the current value is refused.
        profit: Profit::from_units((random.next_u64() >> 8) as i64).unwrap(),
    })
}

/// Watches until the connection ends.
fn watch(mut watcher: Watcher) -> Seen {
    let mut rows = Vec::new();
    while let Ok(Some(events)) = watcher.next() {
        let market = watcher.market();
        for (_, event) in events {
            if let PublicEvent::BidAccepted(bid) = event {
                let name = market.user(bid.bidder).unwrap().name.to_string();
                let symbol = market.lot(bid.lot).unwrap().symbol.to_string();
                let price = bid.amount.unwrap_or(bid.price).to_string();
                rows.push([name, symbol, price]);
            }
        }
    }
    let feed_sequence = watcher.market().feed_sequence().0;
    Seen {
        rows,
        feed_sequence,
    }
}

impl Names {
    fn register_until_gone(&mut self, mut line: Line, acknowledged: &AtomicU32) {
        loop {
            self.next += 1;
            let name = format!("new-{}", self.next);
            let request = line.send_registration(&name);
            self.unknown = Some(name);
            let answered = line.flush().and_then(|()| line.next());
            match answered {
                Ok(Some((of, message))) if of == request => {
                    let ServerMessage::Accepted(_) = message else {
                        panic!("{message:?}");
                    };
                    self.acknowledged.extend(self.unknown.take());
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                _ => return,
            }
        }
    }

    /// Requests the account again whose creation was not answered, and logs in with one that was.
    fn settle(&mut self, address: SocketAddr) {
        let mut line = Line::open(address);
        if let Some(name) = self.unknown.take() {
            match line.register(&name) {
                Ok(_) => {}
                Err(refused) => assert_eq!(refused.code, Code::NAME_TAKEN),
            }
            self.acknowledged.insert(name);
        }
        if let Some(name) = self.acknowledged.last() {
            line.log_in(name, PASSWORD).unwrap();
        }
    }
}
