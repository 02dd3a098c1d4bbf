//! Connections that break at random bytes, thousands of them, and servers that are killed meanwhile: each client's fold
//! equals the server's, nothing is missing or repeated, and every request is done once.
//!
//! `AUCTION_TEST_SEED` repeats a run; `AUCTION_TEST_DISCONNECTS` makes a longer one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use auction_client::{Bid, Client, RequestError, Secret, Update};
use auction_core::{Digest, FeedSequence, LotId, Market, Name, Price, PublicEvent};
use auction_proto::Done;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::fragile::Breaker;
use crate::line::{Line, PASSWORD};
use crate::test_market::{DEADLINE, LOOK_EVERY, TestMarket};

/// Number of connections that break, unless the environment sets it.
const DISCONNECTS: u64 = 2_000;
/// Number of kills of the server meanwhile.
const KILLS: u64 = 3;
const TRADERS: u64 = 8;
const WATCHERS: usize = 24;
const LOTS: u32 = 6;
const IN_FLIGHT: usize = 4;
/// Maximum number of bytes before a connection breaks: some break in their greeting, some after dozens of messages.
const BYTES_MAX: u64 = 6_000;

fn setting(name: &str, usually: u64) -> u64 {
    std::env::var(name).map_or(usually, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folds_and_requests_stay_exact_over_breaks_and_kills() {
    let seed = setting("AUCTION_TEST_SEED", rand::random());
    let disconnects = setting("AUCTION_TEST_DISCONNECTS", DISCONNECTS);
    eprintln!("AUCTION_TEST_SEED={seed} AUCTION_TEST_DISCONNECTS={disconnects}");
    let test_market = TestMarket::with_lots(LOTS);
    let accounts = (1..=TRADERS).map(|n| format!("trader-{n},trader,{PASSWORD},\n"));
    test_market.write(
        "users.csv",
        &format!(
            "name,role,password,symbol\n{}",
            accounts.collect::<String>()
        ),
    );
    let mut server = test_market.open();
    let address = server.address();
    let test_market = test_market.set("listen", &address.to_string());

    let breaker = Breaker::new(seed, BYTES_MAX);
    let (end, ended) = watch::channel(None);
    let mut watchers = JoinSet::new();
    for _ in 0..WATCHERS {
        watchers.spawn(follow(connected(address, &breaker).await, ended.clone()));
    }
    let enough = Arc::new(AtomicBool::new(false));
    let cents = Arc::new(AtomicU64::new(200));
    let mut traders = JoinSet::new();
    for number in 1..=TRADERS {
        let client = connected(address, &breaker).await;
        traders.spawn(bid(client, number, cents.clone(), enough.clone()));
    }

    for kill in 1..=KILLS + 1 {
        let due = disconnects * kill / (KILLS + 1);
        let begun = Instant::now();
        let mut before = breaker.broken();
        let mut changed = begun;
        while breaker.broken() < due {
            if breaker.broken() > before {
                (before, changed) = (breaker.broken(), Instant::now());
            }
            assert!(changed.elapsed() < DEADLINE, "nothing breaks any more");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if kill <= KILLS {
            server.kill();
            server = test_market.open();
        }
    }
    enough.store(true, Ordering::Relaxed);
    breaker.stop();
    let told = traders.join_all().await;
    let again: usize = told.iter().map(|ledger| ledger.told_again).sum();
    assert!(again > 0, "no answer was lost on its way");
    let told = told.into_iter().flat_map(|ledger| ledger.acknowledged);

    let mut market = Line::open(address).snapshot();
    end.send_replace(Some((market.feed_sequence(), market.digest())));
    let resumed = watchers.join_all().await;
    assert!(
        resumed.iter().sum::<u64>() > 0,
        "no feed went on where it was"
    );
    server.kill();

    let mut held = BTreeMap::new();
    for row in test_market.export("bids") {
        *held.entry((row[2].clone(), row[4].clone())).or_insert(0) += 1;
    }
    let mut once = BTreeMap::new();
    for bid in told {
        assert_eq!(once.insert(bid.clone(), 1), None, "{bid:?} was told twice");
    }
    assert_eq!(once, held);
    assert_eq!(test_market.verified_digest(), market.digest().to_string());
}

/// Answers to a trader.
#[derive(Default)]
struct Ledger {
    /// Name and amount of every bid that was acknowledged.
    acknowledged: Vec<(String, String)>,
    /// Number of bids that were done before they were sent for the last time.
    told_again: usize,
}

/// A client whose connections all break.
async fn connected(address: SocketAddr, breaker: &Breaker) -> Client {
    loop {
        let breaker = breaker.clone();
        let connect = move || {
            let breaker = breaker.clone();
            async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(breaker.fragile(stream))
            }
        };
        // The first connection may break as well.
        if let Ok(client) = Client::connect_with(connect).await {
            return client.with_answer_timeout(DEADLINE);
        }
    }
}

/// Bids until `enough` is set.
async fn bid(
    client: Client,
    number: u64,
    cents: Arc<AtomicU64>,
    enough: Arc<AtomicBool>,
) -> Ledger {
    let name = format!("trader-{number}");
    loop {
        let password = Secret::new(PASSWORD.to_owned()).unwrap();
        match client.login(Name::parse(&name).unwrap(), password).await {
            Ok(_) => break,
            // The library does not repeat a login; this loop does.
            Err(RequestError::Refused(refused)) => panic!("{}", refused.message),
            Err(_) => {}
        }
    }
    let mut ledger = Ledger::default();
    while !enough.load(Ordering::Relaxed) {
        let mut in_flight = Vec::new();
        for _ in 0..IN_FLIGHT {
            // Each amount is offered once in all, so that a bid done twice would show.
            let amount = cents.fetch_add(1, Ordering::Relaxed);
            let price = Price::from_units(amount * 100).unwrap();
            let lot = LotId(u32::try_from(amount).unwrap() % LOTS + 1);
            in_flight.push((price, client.submit(Bid { lot, price }).await.unwrap()));
        }
        for (price, answer) in in_flight {
            match answer.await {
                Ok(placed) if placed.bid.leads => {
                    ledger.told_again += usize::from(placed.done == Done::Before);
                    let told = (name.clone(), price.to_string());
                    ledger.acknowledged.push(told);
                }
                Ok(placed) => panic!("an open bid leads: {placed:?}"),
                // Another one was faster.
                Err(RequestError::Refused(_)) => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    ledger
}

/// Follows the market to its end, and returns how often the feed was resumed.
async fn follow(client: Client, mut end: watch::Receiver<Option<(FeedSequence, Digest)>>) -> u64 {
    let mut watch = loop {
        if let Ok(watch) = client.watch().await {
            break watch;
        }
    };
    let mut at = watch.market().feed_sequence();
    let mut resumed = 0;
    loop {
        let last = *end.borrow();
        if let Some((last, digest)) = last {
            assert!(at <= last, "seen more than there is");
            if at == last {
                assert_eq!(own_digest(watch.market()), digest);
                return resumed;
            }
        }
        let update = tokio::select! {
            update = watch.next() => update,
            _ = end.changed() => continue,
        };
        match update {
            Update::Event {
                feed_sequence,
                event,
                ..
            } => {
                assert_eq!(feed_sequence, at.next(), "no gap, and nothing twice");
                if let PublicEvent::BidAccepted(bid) = &event {
                    let lot = watch.market().lot(bid.lot).unwrap();
                    assert_eq!(lot.price(), Some(bid.price));
                }
                at = feed_sequence;
            }
            Update::Live => resumed += 1,
            Update::Snapshot => {
                assert!(watch.market().feed_sequence() >= at, "what was seen stays");
                at = watch.market().feed_sequence();
            }
            Update::Indicative(_) | Update::Reconnecting { .. } => {}
            Update::Gap(gap) => panic!("{gap}"),
            Update::Equivocation(fraud) => panic!("{}", fraud.conflict),
        }
    }
}

fn own_digest(market: &Market) -> Digest {
    market.clone().digest()
}
