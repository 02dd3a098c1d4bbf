//! A network that loses and delays packets and has partitions, by seed: all clients reach the server's state, and each
//! request is done once.
//!
//! `AUCTION_TEST_SEED` repeats the faults of a run; `AUCTION_TEST_NETWORKS` sets the number of seeds. The server's
//! threads run in real time: the network waits for them after every step.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use auction_client::{Bid, Client, RequestError, Token, Update};
use auction_core::{Digest, FeedSequence, LotId, Price};
use auction_proto::Done;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use turmoil::net::{TcpListener, TcpStream};
use turmoil::{Builder, Sim};

use crate::stage::Stage;

/// Number of networks to test, unless the environment sets it.
const NETWORKS: u64 = 3;
const LOTS: u32 = 4;
const TRADERS: u32 = 3;
const WATCHERS: u32 = 4;
const IN_FLIGHT: usize = 4;
const PORT: u16 = 2022;
const TICK: Duration = Duration::from_millis(5);
/// Duration of the faults.
const BAD_FOR: Duration = Duration::from_secs(60);
/// Time limit for the requests under way after the faults.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// Number of steps between two faults.
const FAULT_EVERY: u64 = 100;

fn setting(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().unwrap())
}

#[test]
fn a_bad_network_loses_no_feed_event_and_repeats_no_request() {
    let first = setting("AUCTION_TEST_SEED").unwrap_or_else(rand::random);
    let networks = setting("AUCTION_TEST_NETWORKS").unwrap_or(NETWORKS);
    for number in 0..networks {
        let seed = first.wrapping_add(number);
        eprintln!("AUCTION_TEST_SEED={seed}");
        Play::of(seed).run();
    }
}

/// State that all participants share.
#[derive(Clone, Default)]
struct Shared {
    /// True when no more bids are to be made.
    enough: Rc<Cell<bool>>,
    /// Next amount: each is offered only once in total.
    cents: Rc<Cell<u64>>,
    /// Amounts that were acknowledged.
    told: Rc<RefCell<BTreeSet<u64>>>,
    /// Number of them that had already been done before the last repetition of their request.
    told_again: Rc<Cell<u64>>,
    /// Number of finished bids, acknowledged or refused.
    answered: Rc<Cell<u64>>,
    resumed: Rc<Cell<u64>>,
    /// Position of the feed's end, once it is known, and the digest there.
    end: Rc<Cell<Option<(FeedSequence, Digest)>>>,
}

struct Play {
    stage: Rc<Stage>,
    shared: Shared,
    random: ChaCha20Rng,
    sim: Sim<'static>,
}

impl Play {
    fn of(seed: u64) -> Self {
        let stage = Rc::new(Stage::new(LOTS, TRADERS, Duration::from_millis(20)));
        let shared = Shared::default();
        shared.cents.set(200);
        let mut sim = Builder::new()
            .rng_seed(seed)
            .tick_duration(TICK)
            .simulation_duration(BAD_FOR + GOOD_FOR)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(80))
            .tcp_capacity(65_536)
            .build();
        let serving = stage.clone();
        sim.host("server", move || {
            let stage = serving.clone();
            async move {
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    tokio::task::spawn_local(stage.serve(stream));
                }
            }
        });
        for number in 1..=TRADERS {
            let token = stage.tokens[number as usize - 1].clone();
            let shared = shared.clone();
            sim.client(format!("trader-{number}"), async move {
                bid(token, shared).await;
                Ok(())
            });
        }
        for number in 1..=WATCHERS {
            let shared = shared.clone();
            sim.client(format!("watcher-{number}"), async move {
                follow(shared).await;
                Ok(())
            });
        }
        Self {
            stage,
            shared,
            random: ChaCha20Rng::seed_from_u64(seed),
            sim,
        }
    }

    fn run(mut self) {
        let mut steps = 0;
        let mut cut = Vec::new();
        while self.sim.elapsed() < BAD_FOR {
            if steps % FAULT_EVERY == 0 {
                self.fault(&mut cut);
            }
            steps += 1;
            self.step();
        }
        for who in cut.drain(..) {
            self.sim.repair(who, "server".to_owned());
        }
        self.sim.set_fail_rate(0.0);
        self.shared.enough.set(true);
        // Traders end with their last answer; then the feed has an end.
        let mut is_over = false;
        while !is_over {
            is_over = self.step();
            let traders_gone = (1..=TRADERS).all(|number| {
                let name = format!("trader-{number}");
                !self.sim.is_host_running(name)
            });
            if traders_gone && self.shared.end.get().is_none() {
                let mut market = self.stage.market();
                let end = (market.feed_sequence(), market.digest());
                self.shared.end.set(Some(end));
            }
        }
        self.compare();
    }

    /// Does one step of the network; then the server's threads process its messages.
    fn step(&mut self) -> bool {
        let is_over = self.sim.step().unwrap();
        self.stage.settle();
        is_over
    }

    /// Begins another fault, and ends some.
    fn fault(&mut self, cut: &mut Vec<String>) {
        let who = |number: u32| match number.checked_sub(TRADERS) {
            None => format!("trader-{}", number + 1),
            Some(number) => format!("watcher-{}", number + 1),
        };
        let chosen = who(self.random.next_u32() % (TRADERS + WATCHERS));
        while cut.len() > 2 || (!cut.is_empty() && self.random.next_u32().is_multiple_of(2)) {
            self.sim.repair(cut.remove(0), "server".to_owned());
        }
        let server = "server".to_owned();
        match self.random.next_u32() % 4 {
            // Neither side receives from the other, and neither gets an error.
            0 => self.sim.partition(chosen.clone(), server),
            // Half open: one side still receives from the other.
            1 => self.sim.partition_oneway(chosen.clone(), server),
            2 => self.sim.partition_oneway(server, chosen.clone()),
            _ => {
                let millis = u64::from(self.random.next_u32() % 400);
                let latency = Duration::from_millis(1 + millis);
                return self.sim.set_link_latency(chosen, server, latency);
            }
        }
        cut.push(chosen);
        // Sometimes a segment is lost.
        let rate = f64::from(self.random.next_u32() % 3) / 1_000.0;
        self.sim.set_fail_rate(rate);
    }

    fn compare(&self) {
        let Shared {
            told,
            told_again,
            answered,
            resumed,
            ..
        } = &self.shared;
        let market = self.stage.market();
        let bids: u32 = market.lots().iter().map(|lot| lot.bids()).sum();
        assert_eq!(told.borrow().len(), bids as usize, "each is done once");
        for lot in market.lots() {
            let of_lot = |amount: &&u64| lot_of(**amount) == lot.id;
            let highest = told.borrow().iter().rev().find(of_lot).copied();
            let price = lot.price().map(|price| price.units() / 100);
            assert_eq!(price, highest, "lot {}", lot.id);
        }
        eprintln!(
            "{bids} bids accepted of {}, {} told again, {} feeds resumed",
            answered.get(),
            told_again.get(),
            resumed.get()
        );
        assert!(
            bids > 0 && resumed.get() > 0,
            "the network was not bad enough, or too bad"
        );
    }
}

fn lot_of(cents: u64) -> LotId {
    LotId(u32::try_from(cents).unwrap() % LOTS + 1)
}

async fn connected() -> Client {
    loop {
        let connect = || TcpStream::connect(("server", PORT));
        if let Ok(client) = Client::connect_with(connect).await {
            return client.with_answer_timeout(BAD_FOR + GOOD_FOR);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Bids until it is enough, with several requests under way, and counts the answers.
async fn bid(token: Token, shared: Shared) {
    let client = connected().await;
    client.resume(token).await.unwrap();
    while !shared.enough.get() {
        let mut in_flight = Vec::new();
        for _ in 0..IN_FLIGHT {
            let cents = shared.cents.replace(shared.cents.get() + 1);
            let price = Price::from_units(cents * 100).unwrap();
            let lot = lot_of(cents);
            in_flight.push((cents, client.submit(Bid { lot, price }).await.unwrap()));
        }
        for (cents, answer) in in_flight {
            match answer.await {
                Ok(placed) => {
                    assert!(shared.told.borrow_mut().insert(cents), "told twice");
                    let again = u64::from(placed.done == Done::Before);
                    shared.told_again.set(shared.told_again.get() + again);
                }
                Err(RequestError::Refused(_)) => {}
                Err(error) => panic!("{error}"),
            }
            shared.answered.set(shared.answered.get() + 1);
        }
    }
}

/// Follows the feed to its end.
async fn follow(shared: Shared) {
    let client = connected().await;
    let mut watch = loop {
        match client.watch().await {
            Ok(watch) => break watch,
            // A cut can refuse at once, and a host has a limited number of ports.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let mut at = watch.market().feed_sequence();
    loop {
        if let Some((end, digest)) = shared.end.get()
            && at == end
        {
            assert_eq!(watch.market().clone().digest(), digest);
            return;
        }
        let look = tokio::time::sleep(Duration::from_millis(100));
        let update = tokio::select! {
            update = watch.next() => update,
            () = look => continue,
        };
        match update {
            Update::Event { feed_sequence, .. } => {
                assert_eq!(feed_sequence, at.next(), "no gap, and nothing twice");
                at = feed_sequence;
            }
            Update::Live => shared.resumed.set(shared.resumed.get() + 1),
            Update::Snapshot => panic!("the server has all that was missed"),
            Update::Indicative(_) | Update::Reconnecting { .. } => {}
            Update::Gap(gap) => panic!("{gap}"),
            Update::Equivocation(fraud) => panic!("{}", fraud.conflict),
        }
    }
}
