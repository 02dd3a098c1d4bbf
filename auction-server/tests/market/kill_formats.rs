//! `kill -9` again and again while lots of every format are open and bid on, and while the auctioneer opens, halts,
//! extends and closes them: what was acknowledged is in the journal exactly once, and is what was asked.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auction_core::{
    Actor, Book, Command, DutchTerms, EnglishTerms, LotId, MarginalPriority, Market, OpenedBid,
    OrderId, Outcome as LotOutcome, Price, PublicEvent, Quantity, Record, RequestId, SealedPricing,
    SealedTerms, SessionId, Side, Span, Symbol, Terms, Timestamp, UniformPricing, UniformTerms,
    UserId,
};
use auction_proto::{
    Bid, BidMaximum, CancelLot, CancelOrder, CloseLot, Code, ExtendLot, Fault, HaltLot, OpenLot,
    PlaceOrder, ReinstateUser, ReplaceOrder, ResumeLot, SuspendUser, decode_records,
};
use auction_server::export;
use auction_server::folder::DataFolder;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::house::{DEADLINE, House, LOOK_EVERY, Server, until};
use crate::ledger::{Ask, Client, Outcome};
use crate::line::{Line, PASSWORD};

const KILLS: u32 = 8;
/// So many acknowledgements come before each kill, at least.
const ACKNOWLEDGED_MIN: u32 = 150;
const STOCKS: u32 = 6;
const TRADERS: u32 = 4;
const IN_FLIGHT: usize = 16;
/// How many acknowledged requests each client asks for again after a restart.
const ASKED_AGAIN: usize = 12;
/// Lots of a file, of every format; the auctioneer opens more.
const LOTS: &str = "\
symbol,format,quantity,opens_in,open_for,reserve,step,start,interval,floor,priority,bids_max
S1,english,,,2h,,,,,,,
S1,english,,,2h,50,banded,,,,,
S2,dutch,,,2h,,0.01,490,1h,1,,
S3,sealed-first,,,2h,,,,,,,
S3,vickrey,,,2h,5,,,,,,
S4,uniform,1000,,2h,,,,,,time,40
S5,pay-as-bid,500,,2h,3,,,,,pro-rata,40
S6,vickrey,,1h,2h,,,,,,,
";
const LOTS_OF_FILE: u32 = 8;

#[test]
fn with_all_formats_open_nothing_acknowledged_is_lost_doubled_or_changed_by_kills() {
    let seed = match std::env::var("AUCTION_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => rand::random(),
    };
    eprintln!("AUCTION_TEST_SEED={seed}");
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let house = House::with_lots(STOCKS).set("on-outage", "close");
    house.write("lots.csv", LOTS);
    house.write("users.csv", &accounts());

    let mut server = house.open();
    let market = Line::open(server.address()).snapshot();
    assert_eq!(market.lots().len(), LOTS_OF_FILE as usize);
    let mut clients: Vec<Client> = names()
        .map(|name| Client::log_in(server.address(), &name).0)
        .collect();
    let mut settled = 0;
    for kill in 1..=KILLS {
        play(server, &mut clients, &market, &mut random);
        // The house is dark: what lies on the disk is all there is.
        check_journal(&format!("kill {kill}"), &records(&house), &clients);
        house.verified_digest();

        server = house.open();
        let address = server.address();
        // Lots may fall due between one look and the next.
        until("the market is what its journal makes", || {
            let held = house.verified_digest();
            let shown = Line::open(address).snapshot().digest().to_string();
            (held == shown).then_some(())
        });
        for client in &mut clients {
            let mut line = client.resume(address);
            settled += client.settle(&mut line);
            client.asks_again(&mut line, ASKED_AGAIN);
        }
        check_journal(&format!("restart {kill}"), &records(&house), &clients);
    }
    assert!(settled > 0, "no kill came while requests were in flight");

    close_all(&server, &mut clients[0]);
    let mut market = Line::open(server.address()).snapshot();
    server.end();
    assert_eq!(house.verified_digest(), market.digest().to_string());
    let records = records(&house);
    check_journal("the end", &records, &clients);
    check_opened(&records, &market);
    check_outcomes(&market);
    assert_eq!(house.export("results").len(), market.lots().len());
}

/// The auctioneer, and the traders.
fn names() -> impl Iterator<Item = String> {
    let traders = (1..=TRADERS).map(|n| format!("trader-{n}"));
    std::iter::once("ann".to_owned()).chain(traders)
}

fn accounts() -> String {
    let rows = names().enumerate().map(|(number, name)| {
        let role = if number == 0 { "auctioneer" } else { "trader" };
        format!("{name},{role},{PASSWORD}\n")
    });
    std::iter::once("name,role,password\n".to_owned())
        .chain(rows)
        .collect()
}

/// Everyone at once, until the server is killed after enough acknowledgements, at a random moment.
fn play(server: Server, clients: &mut [Client], market: &Market, random: &mut ChaCha20Rng) {
    let address = server.address();
    let acknowledged = &AtomicU32::new(0);
    let enough = ACKNOWLEDGED_MIN + random.next_u32() % 150;
    let moment = Duration::from_micros(random.next_u64() % 3_000);
    let begun = &Barrier::new(clients.len() + 1);
    let suspended = market.user_named(clients[1].name.parse().unwrap()).unwrap();
    thread::scope(|scope| {
        for (number, client) in clients.iter_mut().enumerate() {
            let mut random = ChaCha20Rng::seed_from_u64(random.next_u64());
            scope.spawn(move || {
                let line = client.resume(address);
                begun.wait();
                client.until_gone(line, acknowledged, |in_flight| match (number, in_flight) {
                    (0, ..2) => Some(auctioneer_asks(suspended, &mut random)),
                    (1.., ..IN_FLIGHT) => Some(trader_asks(&mut random)),
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

fn below(random: &mut ChaCha20Rng, most: u32) -> u32 {
    random.next_u32() % most
}

/// Mostly a lot of the file, sometimes one that was opened later, or will be.
fn some_lot(random: &mut ChaCha20Rng) -> LotId {
    let most = if below(random, 4) == 0 {
        60
    } else {
        LOTS_OF_FILE
    };
    LotId(1 + below(random, most))
}

fn some_price(random: &mut ChaCha20Rng) -> Price {
    Price::from_units(u64::from(10_000 + below(random, 5_000_000))).unwrap()
}

fn some_quantity(random: &mut ChaCha20Rng) -> Quantity {
    // Sealed lots take bids for all of their one share.
    let shares = [1, 1, 1 + u64::from(below(random, 200))][below(random, 3) as usize];
    Quantity::new(shares).unwrap()
}

/// Anything a trader can ask, on any lot: much of it is refused, and none of that may leave a trace.
fn trader_asks(random: &mut ChaCha20Rng) -> Ask {
    let lot = some_lot(random);
    let order = OrderId(1 + below(random, 12));
    let side = if below(random, 4) == 0 {
        Side::Sell
    } else {
        Side::Buy
    };
    let quantity = some_quantity(random);
    let price = some_price(random);
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

/// Anything an auctioneer can ask. What is halted is soon resumed, and who is suspended soon reinstated.
fn auctioneer_asks(user: UserId, random: &mut ChaCha20Rng) -> Ask {
    let lot = some_lot(random);
    // Lots of the file stay open, so that there are always lots of every format.
    let later = LotId(LOTS_OF_FILE + 1 + below(random, 40));
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

/// A lot of any format: for long, for so short that it falls due while all go on, or for later.
fn open(random: &mut ChaCha20Rng) -> OpenLot {
    let price = |units| Price::from_units(units).unwrap();
    let terms = match below(random, 6) {
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

/// All records of the journal, public and private parts together.
pub fn records(house: &House) -> Vec<Record> {
    let mut reader = export::open(&DataFolder::new(house.path())).unwrap();
    let mut records = Vec::new();
    while let Some(frame) = reader.next_view().unwrap() {
        records.extend(decode_records(frame.public, frame.private).map(Result::unwrap));
    }
    records
}

/// What anyone was told is in the journal exactly once, and is what they asked; what was refused is not there; and
/// nothing is there that nobody asked.
fn check_journal(when: &str, records: &[Record], clients: &[Client]) {
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
fn close_all(server: &Server, ann: &mut Client) {
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

/// A trader's live bid, as a plain list keeps it: whose, which, how many, how much.
type Live = (UserId, OrderId, Quantity, Price);

/// The sealed bids that every lot opened at its close are those that were placed, as replaced and not taken back, in
/// the order of their time: worked out here from what was asked alone.
fn check_opened(records: &[Record], market: &Market) {
    let mut numbers: BTreeMap<(LotId, UserId), u32> = BTreeMap::new();
    let mut live: BTreeMap<LotId, Vec<Live>> = BTreeMap::new();
    let mut opened: BTreeMap<LotId, Vec<OpenedBid>> = BTreeMap::new();
    for record in records {
        let Actor::User(user) = record.actor else {
            opened_by(record, &mut opened);
            continue;
        };
        match record.command {
            Command::PlaceOrder {
                lot,
                quantity,
                limit,
                ..
            } => {
                let number = numbers.entry((lot, user)).or_default();
                *number += 1;
                let bid = (user, OrderId(*number), quantity, limit.unwrap());
                live.entry(lot).or_default().push(bid);
            }
            Command::ReplaceOrder {
                lot,
                order,
                quantity,
                limit,
            } => {
                let live = live.get_mut(&lot).unwrap();
                let at = live.iter().position(|bid| (bid.0, bid.1) == (user, order));
                live.remove(at.unwrap());
                live.push((user, order, quantity, limit.unwrap()));
            }
            Command::CancelOrder { lot, order } => {
                let live = live.get_mut(&lot).unwrap();
                let at = live.iter().position(|bid| (bid.0, bid.1) == (user, order));
                live.remove(at.unwrap());
            }
            _ => opened_by(record, &mut opened),
        }
    }
    let mut bids = 0;
    for lot in market.lots() {
        let is_sealed = matches!(lot.book, Book::Sealed(_) | Book::Uniform(_));
        let placed = live.remove(&lot.id).unwrap_or_default();
        let told = opened.remove(&lot.id).unwrap_or_default();
        assert!(is_sealed || placed.is_empty(), "lot {}", lot.id);
        let as_live = |bid: &OpenedBid| (bid.bidder, bid.order, bid.quantity, bid.price);
        let told_live: Vec<Live> = told.iter().map(as_live).collect();
        assert_eq!(told_live, placed, "lot {}", lot.id);
        let filled: u64 = told.iter().map(|bid| bid.filled).sum();
        assert!(filled <= lot.quantity.get(), "lot {}", lot.id);
        for bid in &told {
            assert!(bid.filled <= bid.quantity.get());
            assert!(bid.pays.is_none_or(|pays| pays <= bid.price));
        }
        bids += placed.len();
    }
    assert!(bids > 0, "nobody bid in secret");
}

fn opened_by(record: &Record, opened: &mut BTreeMap<LotId, Vec<OpenedBid>>) {
    for event in record.public_events() {
        if let PublicEvent::BidsOpened { lot, bids } = event {
            opened.entry(*lot).or_default().extend(bids);
        }
    }
}

/// Lots of every format came to something.
fn check_outcomes(market: &Market) {
    let mut sold: BTreeMap<&str, u32> = BTreeMap::new();
    for lot in market.lots() {
        let has_sold = !matches!(lot.outcome(), Some(LotOutcome::Unsold { .. }));
        *sold.entry(lot.terms.format()).or_default() += u32::from(has_sold);
    }
    assert!(sold.values().all(|sold| *sold > 0), "{sold:?}");
    assert_eq!(sold.len(), 6, "{sold:?}");
}
