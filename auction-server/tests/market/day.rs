//! A trading day on the real server: `kill -9` in each phase, and every acknowledged request is answered again as it was.

use auction_core::{
    Book, DayBook, DayOrder, DayPhase, DayRest, DayTerms, LotId, Outcome, Phase, Quantity, Reply,
    RequestId, Schedule, SelfTrade, Side, Span, Terms, TimeInForce, Timestamp,
};
use auction_proto::{
    Accepted, CancelAll, ClientMessage, Code, DayTrade, Done, GetTrades, HaltAll, Hello, MovePhase,
    OpenLot, PREFACE, Ping, PlaceDayOrder, ReplaceDayOrder, ResumeAll, ServerMessage, SetDeadMan,
    Text, Token,
};

use crate::line::{Line, PASSWORD};
use crate::person::Person;
use crate::proof::{prove, public_journal};
use crate::test_market::{Server, TestMarket, until};

/// The day: the first lot is one of the round.
const DAY: LotId = LotId(2);

/// A client that survives its server, and everything that was acknowledged to it.
struct Client {
    token: Token,
    next: u64,
    acknowledged: Vec<(RequestId, ClientMessage, Accepted)>,
}

impl Client {
    fn log_in(server: &Server, name: &str) -> Self {
        let mut line = Line::open(server.address());
        if name != "ann" {
            line.register(name).unwrap();
        }
        let logged_in = line.log_in(name, PASSWORD).unwrap();
        Self {
            token: logged_in.token.unwrap(),
            next: 1,
            acknowledged: Vec::new(),
        }
    }

    fn line(&self, server: &Server) -> Line {
        let mut line = Line::open(server.address());
        line.resume(&self.token).unwrap();
        line
    }

    fn ask(&mut self, server: &Server, message: impl Into<ClientMessage>) -> Result<Reply, Code> {
        let message = message.into();
        let request = RequestId(1_000 + self.next);
        self.next += 1;
        let mut line = self.line(server);
        line.send_message_as(request, &message);
        match line.answer(request) {
            ServerMessage::Accepted(accepted) => {
                let reply = accepted.reply;
                self.acknowledged.push((request, message, accepted));
                Ok(reply)
            }
            ServerMessage::Refused(refused) => Err(refused.code),
            other => panic!("{other:?}"),
        }
    }

    /// Sends everything that was acknowledged again: it was done before, with the same reply.
    fn asks_again(&self, server: &Server) {
        let mut line = self.line(server);
        for (request, message, accepted) in &self.acknowledged {
            line.send_message_as(*request, message);
            let ServerMessage::Accepted(again) = line.answer(*request) else {
                panic!("{message:?} was acknowledged");
            };
            let as_before = (again.done, again.reply) == (Done::Before, accepted.reply);
            assert!(as_before, "{message:?}: {again:?}");
        }
    }

    fn order(&mut self, server: &Server, order: DayOrder) -> Result<(u64, DayRest), Code> {
        let placed = PlaceDayOrder { lot: DAY, order };
        self.ask(server, placed).map(|reply| match reply {
            Reply::DayOrder(reply) => (reply.traded, reply.rest),
            other => panic!("{other:?}"),
        })
    }
}

fn order(side: Side, shares: u64, limit: &str) -> DayOrder {
    DayOrder {
        side,
        quantity: Quantity::new(shares).unwrap(),
        limit: Some(limit.parse().unwrap()),
        time_in_force: TimeInForce::Day,
        post_only: false,
        self_trade: SelfTrade::Refuse,
    }
}

fn rests(shares: u64) -> DayRest {
    let open = Quantity::new(shares).unwrap();
    DayRest::Rests { open }
}

fn day(server: &Server) -> Option<DayBook> {
    let market = Line::open(server.address()).snapshot();
    let lot = market.lot(DAY).unwrap();
    match (&lot.phase, &lot.book) {
        (Phase::Open, Book::Day(book)) => Some((**book).clone()),
        _ => None,
    }
}

/// Ends the running phase a moment from now, and waits for the next one; `None`: for the close.
fn next_phase(server: &Server, ann: &mut Client, index: u8, next: Option<DayPhase>) {
    let mut line = Line::open(server.address());
    let client_time = Timestamp::from_secs(0);
    let ServerMessage::Pong(pong) = line.ask(&Ping { client_time }) else {
        panic!("no pong");
    };
    let ends_at = pong.server_time.saturating_add(Span::from_secs(1));
    let moved = MovePhase {
        lot: DAY,
        phase: index,
        ends_at,
    };
    ann.ask(server, moved).unwrap();
    until("the next phase", || {
        let phase = day(server).and_then(|book| book.phase);
        (phase == next).then_some(())
    });
}

#[test]
fn a_day_survives_a_kill_in_each_phase_and_can_be_proved() {
    let test_market = TestMarket::with_lots(1).set("on-outage", "close");
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    let mut server = test_market.open();
    let [mut ann, mut mia, mut tom] =
        ["ann", "mia", "tom"].map(|name| Client::log_in(&server, name));
    let schedule: Schedule = "call 1h, continuous 1h, call 1h, at-last 1h"
        .parse()
        .unwrap();
    let closes_at = {
        let mut line = Line::open(server.address());
        let lot = line.snapshot();
        lot.lots()[0]
            .opened_at
            .saturating_add(Span::from_secs(6 * 3_600))
    };
    let open = OpenLot {
        symbol: "S1".parse().unwrap(),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at,
        terms: Terms::from(DayTerms {
            volatility_length: Span::from_secs(20),
            ..DayTerms::new(schedule.phases)
        }),
        reserve: None,
    };
    assert_eq!(ann.ask(&server, open), Ok(Reply::LotOpened(DAY)));
    let kill = |server: Server, clients: &[&Client]| {
        let before = day(&server);
        server.kill();
        let digest = test_market.verified_digest();
        let server = test_market.open();
        let mut line = Line::open(server.address());
        assert_eq!(line.snapshot().digest().to_string(), digest);
        assert_eq!(day(&server), before, "the day is as it was");
        clients.iter().for_each(|client| client.asks_again(&server));
        server
    };

    // The opening call: nothing trades before its uncross.
    assert_eq!(
        mia.order(&server, order(Side::Sell, 10, "10")),
        Ok((0, rests(10)))
    );
    assert_eq!(
        tom.order(&server, order(Side::Buy, 4, "10")),
        Ok((0, rests(4)))
    );
    let at_once = DayOrder {
        time_in_force: TimeInForce::ImmediateOrCancel,
        ..order(Side::Buy, 4, "10")
    };
    assert_eq!(tom.order(&server, at_once), Err(Code::NOT_IN_PHASE));
    server = kill(server, &[&ann, &mia, &tom]);

    // Continuous trading: at once, at the resting order's price.
    next_phase(&server, &mut ann, 0, Some(DayPhase::Continuous));
    let book = day(&server).unwrap();
    assert_eq!(book.statistics.trades, 1, "the uncross");
    assert_eq!(book.orders.len(), 1, "6 are left to sell");
    assert_eq!(
        tom.order(&server, order(Side::Buy, 8, "10.50")),
        Ok((6, rests(2)))
    );
    let post_only = DayOrder {
        post_only: true,
        ..order(Side::Sell, 1, "10")
    };
    assert_eq!(mia.order(&server, post_only), Err(Code::WOULD_TRADE));
    let replace = ReplaceDayOrder {
        lot: DAY,
        order: auction_core::OrderId(2),
        quantity: Quantity::ONE,
        limit: Some("10.50".parse().unwrap()),
        believed: Quantity::new(2),
    };
    assert!(tom.ask(&server, replace).is_ok());
    let at_close = DayOrder {
        time_in_force: TimeInForce::AtClose,
        ..order(Side::Sell, 5, "10")
    };
    let open = Quantity::new(5).unwrap();
    assert_eq!(
        mia.order(&server, at_close),
        Ok((0, DayRest::Parked { open }))
    );
    server = kill(server, &[&ann, &mia, &tom]);
    assert_eq!(
        day(&server).unwrap().orders.len(),
        1,
        "what is parked is hidden"
    );

    // A halt of the whole market takes cancels alone.
    ann.ask(&server, HaltAll {}).unwrap();
    server = kill(server, &[&ann]);
    let refused = tom.order(&server, order(Side::Buy, 1, "10"));
    assert_eq!(refused, Err(Code::MARKET_HALTED));
    let all = CancelAll {
        trader: None,
        lot: Some(DAY),
    };
    let cancelled = Reply::AllCancelled {
        cancelled: 1,
        kept: 0,
        more: false,
    };
    assert_eq!(tom.ask(&server, all), Ok(cancelled));
    ann.ask(&server, ResumeAll {}).unwrap();
    // It goes on through a call of its own.
    until("the call after the halt", || {
        let phase = day(&server)?.phase;
        (phase == Some(DayPhase::Volatility)).then_some(())
    });
    server = kill(server, &[&ann, &tom]);

    // The closing call, which ends the one that interrupted.
    next_phase(&server, &mut ann, 1, Some(DayPhase::Call));
    assert_eq!(
        tom.order(&server, order(Side::Buy, 3, "11")),
        Ok((0, rests(3)))
    );
    server = kill(server, &[&ann, &mia, &tom]);
    next_phase(&server, &mut ann, 2, Some(DayPhase::AtLast));
    let book = day(&server).unwrap();
    assert_eq!(book.statistics.trades, 3);
    let close = book.statistics.close.unwrap();
    let sells = DayOrder {
        limit: None,
        ..order(Side::Sell, 1, "1")
    };
    let waits = mia.order(&server, sells);
    assert_eq!(waits, Ok((0, rests(1))), "it waits at the closing price");
    server = kill(server, &[&ann, &mia, &tom]);
    let limit = close.to_string();
    assert_eq!(
        tom.order(&server, order(Side::Buy, 1, &limit)),
        Ok((1, DayRest::None))
    );
    next_phase(&server, &mut ann, 3, None);

    // All four trades, in two pages.
    let mut line = Line::open(server.address());
    let mut page = |after, limit| {
        let asked = GetTrades {
            lot: DAY,
            after,
            since: None,
            until: None,
            limit,
        };
        match line.ask(&asked) {
            ServerMessage::Trades(page) => page,
            other => panic!("{other:?}"),
        }
    };
    let (first, rest) = (page(0, 3), page(3, 3));
    assert!(first.follows.is_more() && !rest.follows.is_more());
    let trades: Vec<_> = first.trades.iter().chain(&rest.trades).collect();
    let quantities: Vec<_> = trades.iter().map(|trade| trade.quantity).collect();
    assert_eq!(quantities, [4, 6, 3, 1]);
    assert_eq!(
        (trades[0].aggressor, trades[1].aggressor),
        (None, Some(Side::Buy))
    );

    let person = Person::at(server.address());
    let shown = |line: &str| {
        let output = person.command(line).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let csv = shown("trades #2 --csv");
    assert_eq!(csv[0], "trade,time,price,quantity,aggressor,resting");
    let row = |trade: &DayTrade| {
        let aggressor = trade.aggressor.map_or("", |side| side.as_str());
        let resting = trade.resting.map_or_else(String::new, |of| of.to_string());
        let (number, at, price, quantity) = (trade.number, trade.at, trade.price, trade.quantity);
        format!("{number},{at},{price},{quantity},{aggressor},{resting}")
    };
    let rows: Vec<String> = trades.iter().map(|trade| row(trade)).collect();
    assert_eq!(csv[1..], rows);
    assert_eq!(shown("trades #2 --csv --last 1")[1..], rows[3..]);
    // From the second to the last, exclusive.
    let range = format!(
        "trades #2 --csv --from {} --to {}",
        trades[1].at, trades[3].at
    );
    assert_eq!(shown(&range)[1..], rows[1..3]);
    assert_eq!(shown(&format!("{range} --last 1"))[1..], rows[2..3]);
    let json = shown("trades #2 --last 2");
    assert_eq!(json.len(), 2);
    let last: serde_json::Value = serde_json::from_str(&json[1]).unwrap();
    assert_eq!(
        (&last["trade"], &last["quantity"]),
        (&"4".into(), &"1".into())
    );
    let refused = person.run("trades #1");
    assert_eq!(refused.code, 1, "{}", refused.json);

    let mut market = Line::open(server.address()).snapshot();
    let Phase::Closed { outcome, .. } = &market.lot(DAY).unwrap().phase else {
        panic!("it has closed");
    };
    let Outcome::Day { volume, trades, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((*volume, *trades), (14, 4));
    server.end();
    assert_eq!(test_market.verified_digest(), market.digest().to_string());
    let proof = prove(&public_journal(&test_market)).unwrap();
    assert_eq!(proof.market, market, "anyone can prove it");
}

/// Moves the end of the running phase to a second from now, kills the server, and starts it when the end has passed.
fn kill_over_the_end(
    test_market: &TestMarket,
    server: Server,
    clients: &mut [Client],
    index: u8,
) -> (Server, Timestamp) {
    let mut line = Line::open(server.address());
    let ServerMessage::Pong(pong) = line.ask(&Ping {
        client_time: Timestamp::from_secs(0),
    }) else {
        panic!("no pong");
    };
    let ends_at = pong.server_time.saturating_add(Span::from_secs(1));
    let moved = MovePhase {
        lot: DAY,
        phase: index,
        ends_at,
    };
    clients[0].ask(&server, moved).unwrap();
    server.kill();
    until("the end of the phase", || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        (since.unwrap().as_micros() > u128::from(ends_at.micros())).then_some(())
    });
    let server = test_market.open();
    for client in clients {
        client.asks_again(&server);
    }
    (server, ends_at)
}

/// Time without a record before a restart; longer than a start takes.
const IDLE: Span = Span::from_secs(6);

/// UTC of this machine, which is the market's time in these tests.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_micros(since.unwrap().as_micros().try_into().unwrap()).unwrap()
}

fn day_of_two_phases(on_outage: &str) -> (TestMarket, Server, [Client; 3]) {
    let test_market = TestMarket::with_lots(1).set("on-outage", on_outage);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    let server = test_market.open();
    let mut clients = ["ann", "mia", "tom"].map(|name| Client::log_in(&server, name));
    let schedule: Schedule = "call 1h, continuous 1h, call 1h".parse().unwrap();
    let opened_at = Line::open(server.address()).snapshot().lots()[0].opened_at;
    let open = OpenLot {
        symbol: "S1".parse().unwrap(),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: opened_at.saturating_add(Span::from_secs(4 * 3_600)),
        terms: Terms::from(DayTerms::new(schedule.phases)),
        reserve: None,
    };
    assert_eq!(clients[0].ask(&server, open), Ok(Reply::LotOpened(DAY)));
    (test_market, server, clients)
}

#[test]
fn no_phase_passes_while_the_market_is_down() {
    let (test_market, server, mut clients) = day_of_two_phases("extend");
    let ten = order(Side::Sell, 10, "10");
    assert_eq!(clients[1].order(&server, ten), Ok((0, rests(10))));
    let before = day(&server).unwrap();

    // The call goes on for what was left of it, and so does the rest of the day.
    let (server, ended) = kill_over_the_end(&test_market, server, &mut clients, 0);
    let after = day(&server).unwrap();
    assert_eq!((after.phase, after.phase_index), (Some(DayPhase::Call), 0));
    let down = after.phase_ends_at.since(ended);
    assert!(down >= Span::from_secs(1), "{down}");
    for index in 1..3 {
        assert_eq!(after.ends[index], before.ends[index].saturating_add(down));
    }
    let four = order(Side::Buy, 4, "10");
    assert_eq!(clients[2].order(&server, four), Ok((0, rests(4))));

    // Continuous trading goes on through a call.
    next_phase(&server, &mut clients[0], 0, Some(DayPhase::Continuous));
    let six = order(Side::Buy, 2, "10");
    let done = clients[2].order(&server, six);
    assert_eq!(done, Ok((2, DayRest::None)));
    let (server, ended) = kill_over_the_end(&test_market, server, &mut clients, 1);
    let after = day(&server).unwrap();
    assert_eq!(after.phase, Some(DayPhase::Volatility));
    assert_eq!(after.phase_index, 1);
    assert!(after.ends[1] > ended, "{:?}", after.ends);

    // Each client was answered as before, and all of it can be proved. An outage in which no phase ends changes nothing.
    server.kill();
    let server = test_market.open();
    assert_eq!(day(&server), Some(after));
    let market = Line::open(server.address()).snapshot();
    server.end();
    let digest = market.clone().digest().to_string();
    assert_eq!(test_market.verified_digest(), digest);
}

#[test]
fn an_idle_market_that_restarts_loses_the_time_of_the_restart() {
    let (test_market, server, mut clients) = day_of_two_phases("extend");
    let seen_file = test_market.path().join("journal/last-seen.tmp");
    let seen = || {
        let text = std::fs::read_to_string(&seen_file).ok()?;
        Timestamp::from_micros(text.parse().ok()?)
    };
    let began_at = now();
    let ends_at = began_at
        .saturating_add(IDLE)
        .saturating_add(Span::from_secs(5));
    let moved = MovePhase {
        lot: DAY,
        phase: 0,
        ends_at,
    };
    clients[0].ask(&server, moved).unwrap();
    // No record from here on.
    let idle_until = began_at.saturating_add(IDLE);
    until("the market is idle", || {
        seen().filter(|seen| *seen >= idle_until)
    });
    server.kill();
    let last_seen = seen().unwrap();
    assert!(last_seen < ends_at, "the machine is too slow for this test");
    until("the end of the phase", || (now() > ends_at).then_some(()));
    let server = test_market.open();
    let down = day(&server).unwrap().phase_ends_at.since(ends_at);
    let at_most = now().since(last_seen);
    assert!(Span::ZERO < down && down <= at_most, "{down} of {at_most}");
    server.end();
    assert!(seen().unwrap() > ends_at);
}

#[test]
fn phases_that_ended_in_an_outage_are_over_if_so_set() {
    let (test_market, server, mut clients) = day_of_two_phases("close");
    let ten = order(Side::Sell, 10, "10");
    assert_eq!(clients[1].order(&server, ten), Ok((0, rests(10))));
    let (server, _) = kill_over_the_end(&test_market, server, &mut clients, 0);
    let after = day(&server).unwrap();
    assert_eq!(after.phase, Some(DayPhase::Continuous));
    assert_eq!(after.orders.len(), 1);
    server.end();
}

#[test]
fn a_market_with_a_day_ends_and_refuses_clients_of_version_1() {
    let test_market = TestMarket::with_lots(1);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    let server = test_market.open();
    let hello = Hello {
        version_min: 1,
        version_max: 1,
        client: Text::of("old"),
    };
    let mut old = Line::silent(server.address());
    old.raw(&PREFACE);
    let ServerMessage::Welcome(welcome) = old.ask(&hello) else {
        panic!("version 1 is spoken while nothing needs version 2");
    };
    assert_eq!(welcome.version, 1);

    let mut ann = Client::log_in(&server, "ann");
    ann.ask(&server, HaltAll {}).unwrap();
    assert_eq!(old.last_words(), Some(Code::VERSION_UNSUPPORTED));
    let server = {
        server.kill();
        test_market.open()
    };
    let mut old = Line::silent(server.address());
    old.raw(&PREFACE);
    let ServerMessage::Refused(refused) = old.ask(&hello) else {
        panic!("the halt cannot be told in version 1");
    };
    assert_eq!(
        (refused.code, refused.number),
        (Code::VERSION_UNSUPPORTED, Some(2))
    );
    ann.asks_again(&server);
}

/// Clients of version 1 are closed for good by a day: an operator decides that.
#[test]
fn with_days_off_no_day_opens_and_version_1_stays() {
    let test_market = TestMarket::with_lots(1).set("trading-days", "off");
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    let server = test_market.open();
    let mut ann = Client::log_in(&server, "ann");
    let schedule: Schedule = "call 1h".parse().unwrap();
    let opened_at = Line::open(server.address()).snapshot().lots()[0].opened_at;
    let open = OpenLot {
        symbol: "S1".parse().unwrap(),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: opened_at.saturating_add(Span::from_secs(2 * 3_600)),
        terms: Terms::from(DayTerms::new(schedule.phases)),
        reserve: None,
    };
    assert_eq!(ann.ask(&server, open), Err(Code::NOT_PERMITTED));
    assert_eq!(ann.ask(&server, HaltAll {}), Err(Code::NOT_PERMITTED));
    let mut old = Line::silent(server.address());
    old.raw(&PREFACE);
    let hello = Hello {
        version_min: 1,
        version_max: 1,
        client: Text::of("old"),
    };
    assert!(matches!(old.ask(&hello), ServerMessage::Welcome(_)));
    server.end();

    test_market.write("lots.csv", "symbol,format,schedule\nS1,day,call 1h\n");
    let mut check = test_market.program(&["config", "check"]);
    let checked = check.env("AUCTION_TRADING_DAYS", "off").output().unwrap();
    assert!(!checked.status.success());
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(said.contains("--trading-days off"), "{said}");
}

#[test]
fn a_dead_mans_switch_cancels_the_orders_of_a_day() {
    let test_market = TestMarket::with_lots(1);
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    let server = test_market.open();
    let [mut ann, mut mia] = ["ann", "mia"].map(|name| Client::log_in(&server, name));
    let schedule: Schedule = "call 1h, continuous 1h, call 1h".parse().unwrap();
    let opened_at = Line::open(server.address()).snapshot().lots()[0].opened_at;
    let open = OpenLot {
        symbol: "S1".parse().unwrap(),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: opened_at.saturating_add(Span::from_secs(4 * 3_600)),
        terms: Terms::from(DayTerms::new(schedule.phases)),
        reserve: None,
    };
    assert_eq!(ann.ask(&server, open), Ok(Reply::LotOpened(DAY)));
    next_phase(&server, &mut ann, 0, Some(DayPhase::Continuous));
    assert_eq!(
        mia.order(&server, order(Side::Sell, 10, "10")),
        Ok((0, rests(10)))
    );
    assert_eq!(day(&server).unwrap().orders.len(), 1);
    // Her connection ends with the answer, and the grace begins.
    let grace = Some(Span::from_secs(1));
    mia.ask(&server, SetDeadMan { grace }).unwrap();
    until("her order is cancelled", || {
        day(&server)?.orders.is_empty().then_some(())
    });
    server.end();
}
