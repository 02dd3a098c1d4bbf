//! The market's time, when the machine's clock is or was wrong: the same time everywhere, which continues steadily from
//! the journal's last record.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use auction_core::{
    EnglishTerms, LotId, Price, Quantity, Reply, SoftClose, SoftCloseMode, Span, Symbol, Terms,
    Timestamp,
};
use auction_proto::{Bid, Code, OpenLot, Ping, ServerMessage};
use auction_server::testing::config::{Config, Given, OnOutage, Origin, Setting, resolve};
use auction_server::testing::platform::clock::{Machine, STANDSTILL, ThisMachine};
use auction_server::testing::server::{Server, StartError};
use rustix::process::Signal;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::line::{Line, PASSWORD, Watcher, hello};
use crate::person::Person;
use crate::test_market::{TestMarket, ended, text, until};

const TWO_HOURS: Span = Span::from_secs(7_200);
/// Tolerance: longer than any of these tests, and far less than the difference of the clocks.
const SAME: Span = Span::from_secs(600);

/// A machine whose clocks the test sets.
#[derive(Default)]
struct Set {
    utc: AtomicU64,
    boot: AtomicU64,
}

impl Set {
    fn at(utc: Timestamp) -> Arc<Self> {
        let set = Self::default();
        set.utc.store(utc.micros(), Ordering::SeqCst);
        Arc::new(set)
    }

    fn pass(&self, span: Span) {
        self.utc.fetch_add(span.micros(), Ordering::SeqCst);
        self.boot.fetch_add(span.micros(), Ordering::SeqCst);
    }
}

impl Machine for Set {
    fn utc(&self) -> Timestamp {
        Timestamp::from_micros(self.utc.load(Ordering::SeqCst)).unwrap()
    }

    fn since_boot(&self) -> Duration {
        Duration::from_micros(self.boot.load(Ordering::SeqCst))
    }
}

/// This machine with its clock in a time zone east of here.
struct East;

impl Machine for East {
    fn utc(&self) -> Timestamp {
        ThisMachine.utc().saturating_add(TWO_HOURS)
    }

    fn since_boot(&self) -> Duration {
        ThisMachine.since_boot()
    }
}

/// A server within this process, on a machine that the test provides.
struct Within {
    address: SocketAddr,
    ops: SocketAddr,
    opening: String,
    shutdown: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Within {
    fn start(config: &Config, machine: Arc<dyn Machine>) -> Result<Self, StartError> {
        let runtime = Runtime::new().unwrap();
        let tell = &mut |_| {};
        let server = runtime.block_on(Server::start_on(machine, config, tell))?;
        let (address, ops) = (server.address(), server.ops_address().unwrap());
        let opening = server.startup_text().to_owned();
        let (shutdown, asked) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let asked = async { drop(asked.await) };
            runtime.block_on(server.run(asked)).unwrap();
        });
        Ok(Self {
            address,
            ops,
            opening,
            shutdown,
            thread,
        })
    }

    fn metric(&self, name: &str) -> f64 {
        let mut stream = TcpStream::connect(self.ops).unwrap();
        let host = self.ops;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let mut lines = answer.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.expect(name).parse().unwrap()
    }

    fn end(self) {
        drop(self.shutdown);
        self.thread.join().unwrap();
    }
}

fn config(test_market: &TestMarket) -> Config {
    let given = |setting, text: &str| Given {
        setting,
        text: text.to_owned(),
        origin: Origin::Flag,
    };
    let settings = vec![
        given(Setting::Listen, "127.0.0.1:0"),
        given(Setting::OpsListen, "127.0.0.1:0"),
        given(Setting::Heartbeat, "60s"),
        given(Setting::Data, test_market.path().to_str().unwrap()),
        given(Setting::OpenFor, "1h"),
        given(Setting::ExtendWithin, "0s"),
        given(Setting::ExtendBy, "20s"),
    ];
    resolve(settings).unwrap().config
}

fn told_time(line: &mut Line) -> Timestamp {
    match line.ask(&Ping {
        client_time: Timestamp::default(),
    }) {
        ServerMessage::Pong(pong) => pong.server_time,
        other => panic!("{other:?} is no pong"),
    }
}

#[track_caller]
fn assert_same(one: Timestamp, other: Timestamp) {
    let apart = one.since(other).max(other.since(one));
    assert!(apart < SAME, "{one} and {other}");
}

#[test]
fn a_clock_set_back_two_hours_leaves_one_time_for_everything() {
    let test_market = TestMarket::with_lots(2);
    test_market.write(
        "users.csv",
        &format!("name,role,password\nann,auctioneer,{PASSWORD}\n"),
    );
    let before = Within::start(&config(&test_market), Arc::new(East)).unwrap();
    assert!(!before.opening.contains("clock"), "{}", before.opening);
    let mut mia = Line::trader(before.address, "mia");
    mia.bid(1, "1.50").unwrap();
    let token = mia.log_in("mia", PASSWORD);
    assert!(token.is_err(), "she is logged in");
    before.end();

    let behind = "behind the market's last record";
    let checked = ended(&mut test_market.program(&["config", "check"]));
    let said = text(checked.stderr);
    assert!(checked.status.success() && said.contains(behind), "{said}");
    let mut add = test_market.program(&["user", "add", "kim", "--role", "trader"]);
    let said = text(ended(add.env("AUCTION_PASSWORD", PASSWORD)).stderr);
    assert!(said.contains(behind), "{said}");

    let server = test_market.open();
    server.until_said(behind);
    server.until_printed(behind);
    let expected = ThisMachine.utc().saturating_add(TWO_HOURS);

    let mut line = Line::open(server.address());
    assert_same(told_time(&mut line), expected);
    let market = line.snapshot();
    let lot = market.lot(LotId(1)).unwrap();
    let hour = Span::from_secs(3_600);
    assert_same(lot.closes_at, expected.saturating_add(hour));
    let status = Person::at(server.address()).does("status");
    let prefix = |time: Timestamp| time.to_string()[..13].to_owned();
    let told = status["server_time"].as_str().unwrap();
    assert!(
        [expected, expected.saturating_add(SAME)]
            .map(prefix)
            .contains(&told[..13].to_owned()),
        "{status}"
    );

    // Sessions from the time two hours ahead stay valid; a new login is not expired.
    let mut tom = Line::trader(server.address(), "tom");
    let placed = tom.bid(1, "1.60").unwrap();
    assert!(matches!(placed.reply, Reply::Bid(bid) if bid.leads && bid.extended_to.is_none()));
    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    let mut watcher = Watcher::begin(server.address());
    let closes_at = told_time(&mut ann).saturating_add(Span::from_secs(1));
    let short = open_english(&mut ann, "S1", closes_at);
    let closed_at = watcher.until_some(|market| {
        let lot = market.lot(short)?;
        lot.is_closed().then_some(lot.closes_at)
    });
    assert_eq!(closed_at, closes_at);
    assert!(told_time(&mut line) >= closes_at, "not before it is time");
    server.end();
    test_market.verified();

    // Again, with a short heartbeat interval.
    let test_market = test_market.set("heartbeat", "1s");
    let server = test_market.open();
    let mut greeted = Line::silent(server.address());
    greeted.raw(&auction_proto::PREFACE);
    let ServerMessage::Welcome(welcome) = greeted.ask(&hello()) else {
        panic!("no welcome")
    };
    assert_same(welcome.time, expected);
    let heartbeat = loop {
        if let (_, ServerMessage::Heartbeat(heartbeat)) = greeted.next().unwrap().unwrap() {
            break heartbeat;
        }
    };
    assert_same(heartbeat.time, expected);
    server.end();
}

#[test]
fn a_round_that_begins_behind_the_last_record_has_full_length() {
    let test_market = TestMarket::with_stocks("Security,Symbol,Price,Profit\n1,A,1,0\n2,B,1,0\n");
    test_market.write(
        "lots.csv",
        "symbol,format,opens_in,open_for\nA,english,,30s\nB,english,10s,30s\n",
    );
    let mut config = config(&test_market);
    config.on_outage = OnOutage::Close;
    let right = Timestamp::from_secs(1_800_000_000);
    let ahead = Set::at(right.saturating_add(TWO_HOURS));
    let server = Within::start(&config, ahead.clone()).unwrap();
    let closes_at = Line::open(server.address)
        .snapshot()
        .lot(LotId(2))
        .unwrap()
        .closes_at;
    assert_eq!(closes_at, ahead.utc().saturating_add(Span::from_secs(40)));
    ahead.pass(Span::from_secs(40));
    let mut watcher = Watcher::begin(server.address);
    watcher.until_some(|market| (market.open_lots() == 0).then_some(()));
    server.end();

    let machine = Set::at(right);
    let server = Within::start(&config, machine.clone()).unwrap();
    assert_eq!(server.metric("auction_clock_offset_seconds"), 7_240.0);
    assert!(
        server.opening.contains("2h 40s behind"),
        "{}",
        server.opening
    );
    let mut line = Line::trader(server.address, "mia");
    let begun = told_time(&mut line);
    assert_eq!(begun, closes_at, "it goes on from the last record");
    assert_eq!(line.snapshot().open_lots(), 2, "a new round");
    assert_eq!(line.bid(4, "2").unwrap_err().code, Code::LOT_NOT_BEGUN);

    let almost = Span::from_micros(10_000_000 - 1).unwrap();
    let micro = Span::from_micros(1).unwrap();
    machine.pass(almost);
    assert_eq!(line.bid(4, "2").unwrap_err().code, Code::LOT_NOT_BEGUN);
    machine.pass(micro);
    line.bid(4, "2").unwrap();
    // The wall clock is set right, back, and to the year 9999: this closes no lot.
    for utc in [right, Timestamp::default(), Timestamp::MAX] {
        machine.utc.store(utc.micros(), Ordering::SeqCst);
        assert_eq!(told_time(&mut line).since(begun), Span::from_secs(10));
    }
    machine.utc.store(right.micros(), Ordering::SeqCst);
    machine.pass(Span::from_secs(10));
    machine.pass(almost);
    line.bid(3, "2").unwrap();
    machine.pass(micro);
    let refused = line.bid(3, "9").unwrap_err();
    let closed_at = begun.saturating_add(Span::from_secs(30));
    assert_eq!(
        (refused.code, refused.at),
        (Code::LOT_CLOSED, Some(closed_at))
    );
    server.end();
    test_market.verified();
}

/// A lot of 30 s, extended by a minute at each outage.
fn standing_still(config_of: impl FnOnce(&mut Config)) -> (TestMarket, Within, Arc<Set>, Line) {
    let test_market = TestMarket::with_stocks("Security,Symbol,Price,Profit\n1,A,1,0\n2,B,1,0\n");
    test_market.write(
        "lots.csv",
        "symbol,format,open_for\nA,english,30s\nB,english,60s\n",
    );
    let mut config = config(&test_market);
    config_of(&mut config);
    let machine = Set::at(Timestamp::from_secs(1_800_000_000));
    let server = Within::start(&config, machine.clone()).unwrap();
    let mut mia = Line::trader(server.address, "mia");
    // In steps without a standstill: before each answer the sequencer has looked at the clock.
    for _ in 0..29 {
        machine.pass(Span::from_secs(1));
        assert_eq!(mia.bid(2, "0.01").unwrap_err().code, Code::BID_TOO_LOW);
    }
    (test_market, server, machine, mia)
}

#[test]
fn a_standstill_over_a_close_is_an_outage_that_allows_bids() {
    let (test_market, server, machine, mut mia) = standing_still(|_| {});
    assert_eq!(server.metric("auction_standstills_total"), 0.0);
    machine.pass(STANDSTILL);
    machine.pass(Span::from_micros(1).unwrap());
    let now = machine.utc();
    mia.bid(1, "2").unwrap();
    let market = mia.snapshot();
    let closes_at = now.saturating_add(Span::from_secs(20));
    assert_eq!(market.lot(LotId(1)).unwrap().closes_at, closes_at);
    let other = market.lot(LotId(2)).unwrap();
    assert_eq!(other.closes_at.since(other.opened_at), Span::from_secs(60));
    assert_eq!(server.metric("auction_standstills_total"), 1.0);

    for _ in 0..4 {
        machine.pass(STANDSTILL);
        assert_eq!(mia.bid(2, "0.01").unwrap_err().code, Code::BID_TOO_LOW);
    }
    let refused = mia.bid(1, "9").unwrap_err();
    assert_eq!(
        (refused.code, refused.at),
        (Code::LOT_CLOSED, Some(closes_at))
    );
    assert_eq!(server.metric("auction_standstills_total"), 1.0);
    server.end();
    test_market.verified();
}

#[test]
fn a_hiccup_is_no_standstill_and_outages_may_close_lots() {
    let close: fn(&mut Config) = |config| config.on_outage = OnOutage::Close;
    let extend: fn(&mut Config) = |_| {};
    for (on_outage, passes) in [(extend, STANDSTILL), (close, TWO_HOURS)] {
        let (_house, server, machine, mut mia) = standing_still(on_outage);
        let due = machine.utc().saturating_add(Span::from_secs(1));
        machine.pass(passes);
        let refused = mia.bid(1, "2").unwrap_err();
        assert_eq!((refused.code, refused.at), (Code::LOT_CLOSED, Some(due)));
        server.end();
    }
}

#[test]
fn a_stopped_process_accepts_timely_bids_when_it_continues() {
    let test_market = TestMarket::with_lots(1).set("extend-by", "1h");
    test_market.write(
        "users.csv",
        &format!("name,role,password\nann,auctioneer,{PASSWORD}\n"),
    );
    let server = test_market.open();
    let mut ann = Line::open(server.address());
    ann.log_in("ann", PASSWORD).unwrap();
    let mut mia = Line::trader(server.address(), "mia");
    let stopped = (0..5).find_map(|_| {
        let closes_at = told_time(&mut ann).saturating_add(Span::from_secs(4));
        let lot = open_english(&mut ann, "S1", closes_at);
        server.stop();
        let request = mia.send(&Bid {
            lot,
            price: Price::parse("2").unwrap(),
        });
        mia.flush().unwrap();
        let stopped_at = ThisMachine.utc();
        // On a busy machine it may have been too late.
        let in_time = stopped_at < closes_at;
        if !in_time {
            server.signal(Signal::CONT);
        }
        in_time.then_some((lot, closes_at, request, stopped_at))
    });
    let (lot, closes_at, request, stopped_at) = stopped.expect("a machine with some time");
    let goes_on_at = stopped_at
        .max(closes_at)
        .saturating_add(STANDSTILL)
        .saturating_add(Span::from_secs(1));
    until("it stands still", || {
        (ThisMachine.utc() > goes_on_at).then_some(())
    });
    server.signal(Signal::CONT);
    let answer = mia.answer(request);
    assert!(matches!(answer, ServerMessage::Accepted(_)), "{answer:?}");
    let extended = mia.snapshot().lot(lot).unwrap().closes_at;
    assert!(extended >= goes_on_at.saturating_add(Span::from_secs(3_600)));
    server.until_said("the server stood still");
    server.end();
    test_market.verified();
}

/// An English lot that bids do not extend.
fn open_english(auctioneer: &mut Line, symbol: &str, closes_at: Timestamp) -> LotId {
    let terms = EnglishTerms {
        soft_close: SoftClose {
            extend_within: Span::ZERO,
            extend_by: Span::ZERO,
            mode: SoftCloseMode::Add,
            extensions_max: None,
        },
        ..EnglishTerms::default()
    };
    let opened = auctioneer.command(&OpenLot {
        symbol: Symbol::parse(symbol).unwrap(),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at,
        terms: Terms::English(terms),
        reserve: None,
    });
    match opened.unwrap().reply {
        Reply::LotOpened(lot) => lot,
        other => panic!("{other:?} opens no lot"),
    }
}

/// Each call's end is drawn from the last minute before its close; an outage covers most of that minute.
#[test]
fn calls_whose_random_end_fell_into_an_outage_are_extended() {
    const CALLS: u32 = 20;
    let test_market = TestMarket::with_lots(CALLS);
    let rows = (1..=CALLS).map(|n| format!("S{n},call,61s,60s,1s\n"));
    let header = "symbol,format,open_for,random_end,extend_by\n".to_owned();
    let lots: String = std::iter::once(header).chain(rows).collect();
    test_market.write("lots.csv", &lots);
    let machine = Set::at(Timestamp::from_secs(1_800_000_000));
    let server = Within::start(&config(&test_market), machine.clone()).unwrap();
    let mut mia = Line::trader(server.address, "mia");
    machine.pass(Span::from_secs(1));
    assert!(mia.bid(1, "1").is_err(), "the ends are drawn by now");
    server.end();
    machine.pass(Span::from_secs(57));

    let server = Within::start(&config(&test_market), machine.clone()).unwrap();
    let market = Line::open(server.address).snapshot();
    assert_eq!(market.open_lots(), CALLS as usize);
    let extended = market.lots().iter().filter(|lot| {
        assert!(lot.closes_at > machine.utc());
        lot.closes_at.since(lot.opened_at) > Span::from_secs(61)
    });
    assert!(extended.count() > 0);
    server.end();
    test_market.verified();
}
