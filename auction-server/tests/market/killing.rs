//! Common parts of the kill tests with lots of every format: the participants and their requests until the server is
//! killed, and the expected content of the journal.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auction_core::{
    CallTerms, Collar, Command, DutchTerms, EnglishTerms, LotId, MarginalPriority, OrderId, Price,
    Quantity, Record, RequestId, SealedPricing, SealedTerms, SessionId, Side, Span, Symbol, Terms,
    Timestamp, UniformPricing, UniformTerms, UserId,
};
use auction_proto::{
    Bid, BidMaximum, CancelLot, CancelOrder, CloseLot, Code, ExtendLot, Fault, HaltLot, OpenLot,
    PlaceOrder, ReinstateUser, ReplaceOrder, ResumeLot, SuspendUser, decode_records,
};
use auction_server::testing::cli::export;
use auction_server::testing::config::data_dir::DataDir;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::ledger::{Ask, Client, Outcome};
use crate::line::Line;
use crate::test_market::{DEADLINE, LOOK_EVERY, Server, TestMarket};

/// Minimum number of acknowledgements before each kill.
const ACKNOWLEDGED_MIN: u32 = 150;
/// Number of stocks for lots: `S1` and so on.
pub const STOCKS: u32 = 6;
const TRADERS: u32 = 4;
const IN_FLIGHT: usize = 16;

/// A generator with a seed from the environment, or with a new one, which is printed.
pub fn random() -> ChaCha20Rng {
    let seed = match std::env::var("AUCTION_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => rand::random(),
    };
    eprintln!("AUCTION_TEST_SEED={seed}");
    ChaCha20Rng::seed_from_u64(seed)
}

/// The auctioneer, and the traders.
pub fn names() -> impl Iterator<Item = String> {
    let traders = (1..=TRADERS).map(|n| format!("trader-{n}"));
    std::iter::once("ann".to_owned()).chain(traders)
}

/// All clients send the requests that `next` returns for their index, within the limit in flight, until the server is
/// killed after enough acknowledgements, at a random moment.
pub fn play(
    server: Server,
    clients: &mut [Client],
    random: &mut ChaCha20Rng,
    next: impl Fn(usize, &mut ChaCha20Rng) -> Ask + Sync,
) {
    let address = server.address();
    let acknowledged = &AtomicU32::new(0);
    let enough = ACKNOWLEDGED_MIN + random.next_u32() % 150;
    let moment = Duration::from_micros(random.next_u64() % 3_000);
    let begun = &Barrier::new(clients.len() + 1);
    let next = &next;
    thread::scope(|scope| {
        for (number, client) in clients.iter_mut().enumerate() {
            let mut random = ChaCha20Rng::seed_from_u64(random.next_u64());
            scope.spawn(move || {
                let line = client.resume(address);
                begun.wait();
                client.until_gone(line, acknowledged, |in_flight| match (number, in_flight) {
                    (0, ..2) | (1.., ..IN_FLIGHT) => Some(next(number, &mut random)),
                    _ => None,
                });
            });
        }
        begun.wait();
        let begun = Instant::now();
        while acknowledged.load(Ordering::Relaxed) < enough {
            assert!(begun.elapsed() < DEADLINE, "too few are acknowledged");
            thread::sleep(LOOK_EVERY.min(Duration::from_millis(1)));
        }
        thread::sleep(moment);
        server.kill();
    });
}

pub fn below(random: &mut ChaCha20Rng, most: u32) -> u32 {
    random.next_u32() % most
}

/// Mostly one of the first lots, sometimes one that was opened later, or will be.
pub fn some_lot(first: u32, random: &mut ChaCha20Rng) -> LotId {
    let most = if below(random, 4) == 0 { 60 } else { first };
    LotId(1 + below(random, most))
}

/// The subject of a trader's request.
pub struct About {
    pub lot: LotId,
    pub quantity: Quantity,
    pub price: Price,
}

/// A random request of a trader: many are refused, and those may leave no trace.
pub fn trader_asks(about: About, random: &mut ChaCha20Rng) -> Ask {
    let About {
        lot,
        quantity,
        price,
    } = about;
    let order = OrderId(1 + below(random, 12));
    let side = if below(random, 4) == 0 {
        Side::Sell
    } else {
        Side::Buy
    };
    let limit = (below(random, 8) > 0).then_some(price);
    let message = match below(random, 10) {
        0 => return Ask::Bid(Bid { lot, price }),
        1 => {
            return Ask::Maximum(BidMaximum {
                lot,
                maximum: price,
            });
        }
        2..=6 => PlaceOrder {
            lot,
            side,
            quantity,
            limit,
        }
        .into(),
        7 | 8 => ReplaceOrder {
            lot,
            order,
            quantity,
            limit,
        }
        .into(),
        _ => CancelOrder { lot, order }.into(),
    };
    Ask::Other(message)
}

/// A random request of an auctioneer. Halted lots are soon resumed, and suspended users soon reinstated. The first
/// lots, `kept` of them, stay open.
pub fn auctioneer_asks(kept: u32, user: UserId, random: &mut ChaCha20Rng) -> Ask {
    let lot = some_lot(kept, random);
    let later = LotId(kept + 1 + below(random, 40));
    Ask::Other(match below(random, 12) {
        0..=3 => open(random).into(),
        4 => {
            let closes_at = in_millis(7_200_000 + u64::from(below(random, 7_200_000)));
            ExtendLot { lot, closes_at }.into()
        }
        5 => HaltLot { lot }.into(),
        6 | 7 => ResumeLot { lot }.into(),
        8 => CancelLot { lot: later }.into(),
        9 => CloseLot { lot: later }.into(),
        10 => SuspendUser { user }.into(),
        _ => ReinstateUser { user }.into(),
    })
}

/// A lot of any format: for long, for so short that it becomes due during the test, or for later.
fn open(random: &mut ChaCha20Rng) -> OpenLot {
    let price = |units| Price::from_units(units).unwrap();
    let terms = match below(random, 7) {
        0 | 1 => Terms::Dutch(DutchTerms {
            start: price(4_500_000),
            step: price(100),
            interval: Span::from_secs(1),
            floor: price(1_000_000),
        }),
        2 => Terms::English(EnglishTerms::default()),
        3 => Terms::Sealed(SealedTerms {
            pricing: SealedPricing::SecondPrice,
        }),
        4 => Terms::Sealed(SealedTerms {
            pricing: SealedPricing::FirstPrice,
        }),
        5 => Terms::Call(CallTerms {
            tick: price(1),
            collar: Some(Collar {
                absolute: price(100_000),
                basis_points: 0,
            }),
            market_extension: true,
            random_end: Span::from_micros(100_000).unwrap(),
            ..CallTerms::default()
        }),
        _ => Terms::Uniform(UniformTerms {
            pricing: UniformPricing::Uniform,
            priority: MarginalPriority::ProRata,
            bids_max: 5,
        }),
    };
    let (opens_at, closes_at) = match below(random, 4) {
        0 => (None, in_millis(200 + u64::from(below(random, 1_000)))),
        1 => (Some(in_millis(300)), in_millis(7_200_000)),
        _ => (None, in_millis(7_200_000)),
    };
    OpenLot {
        symbol: Symbol::parse(&format!("S{}", 1 + below(random, STOCKS))).unwrap(),
        quantity: match terms {
            Terms::Uniform(_) => Quantity::new(300).unwrap(),
            _ => Quantity::ONE,
        },
        opens_at,
        closes_at,
        terms,
        reserve: None,
    }
}

pub fn in_millis(millis: u64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(now.as_micros() as u64 + millis * 1_000).unwrap()
}

/// All records of the journal, with public and private parts together.
pub fn records(test_market: &TestMarket) -> Vec<Record> {
    let mut reader = export::open(&DataDir::new(test_market.path())).unwrap();
    let mut records = Vec::new();
    while let Some(frame) = reader.next_view().unwrap() {
        records.extend(decode_records(frame.public, frame.private).map(Result::unwrap));
    }
    records
}

/// Checks that every answered request is in the journal exactly once and unchanged; that no refused one is; and that
/// nothing else is there.
pub fn check_journal(when: &str, records: &[Record], clients: &[Client]) {
    let mut held: BTreeMap<(SessionId, RequestId), &Command> = BTreeMap::new();
    for record in records {
        let Some(request) = record.request else {
            continue;
        };
        let twice = held.insert(request, &record.command);
        assert_eq!(twice, None, "{when}: {request:?} was done twice");
    }
    for client in clients {
        for (number, ask, outcome) in client.asked() {
            let request = (client.session, number);
            let found = held.remove(&request);
            let asked = ask.command(client.session);
            match outcome {
                Outcome::Accepted(_) => {
                    assert_eq!(
                        found,
                        Some(&asked),
                        "{when}: {request:?} of {}",
                        client.name
                    );
                }
                Outcome::Refused(code) => {
                    assert_eq!(found, None, "{when}: {request:?} was refused with {code}");
                    assert_eq!(code.fault(), Fault::Market, "{when}: {request:?}");
                }
                Outcome::Unknown => {
                    assert!(
                        found.is_none_or(|found| *found == asked),
                        "{when}: {request:?}"
                    );
                }
            }
        }
    }
    assert!(held.is_empty(), "{when}: nobody asked for {held:?}");
}

/// The auctioneer ends all halts and closes all lots.
pub fn close_all(server: &Server, ann: &mut Client) {
    let mut line = ann.resume(server.address());
    for lot in Line::open(server.address()).snapshot().lots() {
        let lot = lot.id;
        for message in [
            ResumeLot { lot }.into(),
            CloseLot { lot }.into(),
            CancelLot { lot }.into(),
        ] {
            ann.ask(&mut line, Ask::Other(message));
            line.flush().unwrap();
            let told = ann.hear(&mut line).unwrap().expect("the server runs");
            if let Outcome::Refused(code) = told {
                assert_ne!(code, Code::NOT_PERMITTED);
            }
        }
    }
    assert_eq!(Line::open(server.address()).snapshot().open_lots(), 0);
}
