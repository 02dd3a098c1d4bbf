//! Bids through others: sealed envelopes at the real server, and every way in which who carries them can cheat.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use auction_client::{Device, Sealed};
use auction_core::{LotId, MarketId, Name, Price, RequestId, SessionId, Span, Timestamp};
use auction_proto::{
    AddDevice, Bid, BidMaximum, CloseSession, Code, Done, Envelope, EnvelopeAnswer,
    EnvelopeCommand, GetMarketKey, GetSealingKey, HaltLot, ListDevices, ListedDevice, Ping,
    PublicKey, ResumeLot, SealedAnswer, SealingKeyStatement, ServerMessage, SigningKey,
    SuspendUser, limits,
};

use serde_json::json;

use crate::house::{House, Server, until};
use crate::line::Line;
use crate::person::Person;

const LOT: LotId = LotId(1);

/// What anyone can ask the server.
fn market_of(line: &mut Line) -> (MarketId, PublicKey, SealingKeyStatement) {
    let ServerMessage::MarketKey(key) = line.ask(&GetMarketKey {}) else {
        panic!("no key")
    };
    let ServerMessage::SealingKey(sealing) = line.ask(&GetSealingKey {}) else {
        panic!("no key to seal to")
    };
    let sealing = sealing.verify(key.market, &key.key).unwrap();
    (key.market, key.key, sealing)
}

/// A trader's device: it never speaks to the server itself.
struct Away {
    device: Device,
    to: SealingKeyStatement,
    clock: (Timestamp, Instant),
}

impl Away {
    /// Adds a device over a trader's own line.
    fn of(line: &mut Line) -> Self {
        let key = SigningKey::new(&rand::random());
        let (market, market_key, to) = market_of(line);
        let number = add(line, &key, "laptop").unwrap();
        let device = Device {
            market,
            market_key,
            number,
            key,
        };
        let clock = clock_of(line);
        Self { device, to, clock }
    }

    /// So far ahead of the server's time, or a moment less.
    fn in_seconds(&self, secs: u64) -> Timestamp {
        let (told, at) = self.clock;
        let passed = Span::from_micros(at.elapsed().as_micros() as u64).unwrap();
        let now = told.saturating_add(passed);
        now.saturating_add(Span::from_secs(secs))
    }

    fn seal_until(&self, request: u64, price: &str, expires_at: Timestamp) -> Sealed {
        let price = Price::parse(price).unwrap();
        let command = EnvelopeCommand::Bid(Bid { lot: LOT, price });
        self.seal_as(request, command, expires_at)
    }

    /// A leader's raise.
    fn seal_maximum(&self, request: u64, maximum: &str) -> Sealed {
        let command = EnvelopeCommand::BidMaximum(BidMaximum {
            lot: LOT,
            maximum: Price::parse(maximum).unwrap(),
        });
        self.seal_as(request, command, self.in_seconds(60))
    }

    fn seal_as(&self, request: u64, command: EnvelopeCommand, expires_at: Timestamp) -> Sealed {
        let request = RequestId(request);
        let sealed = self.device.seal(request, command, expires_at, &self.to);
        sealed.unwrap()
    }

    fn seal(&self, request: u64, price: &str) -> Sealed {
        self.seal_until(request, price, self.in_seconds(60))
    }

    fn read(&self, sealed: &Sealed, answer: &SealedAnswer) -> EnvelopeAnswer {
        self.device.open(sealed, answer).unwrap().answer
    }

    /// Has it carried over a line, and reads the answer: when it was done, or why not.
    fn ask(&self, line: &mut Line, sealed: &Sealed) -> Result<Done, Code> {
        match self.read(sealed, &carried(line, sealed.envelope())) {
            EnvelopeAnswer::Accepted(accepted) => Ok(accepted.done),
            EnvelopeAnswer::Refused(refused) => Err(refused.code),
        }
    }
}

fn add(line: &mut Line, key: &SigningKey, label: &str) -> Result<SessionId, Code> {
    let added = line.command(&AddDevice {
        key: auction_core::DeviceKey(key.public().0),
        label: Name::parse(label).unwrap(),
    });
    match added.map_err(|refused| refused.code)?.reply {
        auction_core::Reply::SessionOpened(device) => Ok(device),
        other => panic!("{other:?}"),
    }
}

fn devices(line: &mut Line) -> Vec<ListedDevice> {
    match line.ask(&ListDevices {}) {
        ServerMessage::Devices(devices) => devices.devices.into_vec(),
        other => panic!("{other:?}"),
    }
}

/// The server's time, and when it was told.
fn clock_of(line: &mut Line) -> (Timestamp, Instant) {
    let client_time = Timestamp::default();
    match line.ask(&Ping { client_time }) {
        ServerMessage::Pong(pong) => (pong.server_time, Instant::now()),
        other => panic!("{other:?}"),
    }
}

fn carried(line: &mut Line, envelope: &Envelope) -> SealedAnswer {
    match line.ask(envelope) {
        ServerMessage::SealedAnswer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// Why an envelope is refused for everyone to read.
fn refused(line: &mut Line, envelope: &Envelope) -> Code {
    match line.ask(envelope) {
        ServerMessage::Refused(refused) => refused.code,
        other => panic!("{other:?}"),
    }
}

fn bids(address: SocketAddr) -> u32 {
    let market = Line::open(address).snapshot();
    market.lot(LOT).unwrap().bids()
}

/// An auctioneer's line.
fn with_auctioneer(house: &House) -> impl Fn(&Server) -> Line {
    house.write(
        "users.csv",
        &format!(
            "name,role,password\nann,auctioneer,{}\n",
            crate::line::PASSWORD
        ),
    );
    |server: &Server| {
        let mut ann = Line::open(server.address());
        ann.log_in("ann", crate::line::PASSWORD).unwrap();
        ann
    }
}

#[test]
fn an_honest_relay_carries_a_bid_it_cannot_read_and_the_answer_is_the_markets() {
    let house = House::with_lots(1);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let away = Away::of(&mut mia);
    // A stranger without an account.
    let mut relay = Line::open(server.address());
    let low = away.seal(1, "0.10");
    let told = carried(&mut relay, low.envelope());
    let EnvelopeAnswer::Refused(refused) = away.read(&low, &told) else {
        panic!("it is refused")
    };
    assert_eq!(refused.code, Code::BID_TOO_LOW);
    let sealed = away.seal(1, "1.40");
    let answer = carried(&mut relay, sealed.envelope());
    let EnvelopeAnswer::Accepted(accepted) = away.read(&sealed, &answer) else {
        panic!("it is accepted")
    };
    assert_eq!(accepted.done, Done::Now);
    let market = Line::open(server.address()).snapshot();
    let lot = market.lot(LOT).unwrap();
    assert_eq!(lot.leader(), market.user_named(Name::parse("mia").unwrap()));
    // What is refused and what is accepted look alike from outside.
    assert_eq!(told.sealed.len(), answer.sealed.len());
    assert_eq!(low.envelope().sealed.len(), sealed.envelope().sealed.len());
    // The device has a session of its own, which no line speaks for.
    assert_eq!(devices(&mut mia).len(), 1);
    let listed = mia.sessions();
    assert!(
        listed
            .iter()
            .all(|session| session.session != away.device.number)
    );
    server.end();
}

#[test]
fn a_relay_that_replays_or_many_that_carry_the_same_have_one_effect_and_one_answer() {
    let house = House::with_lots(1);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let away = Away::of(&mut mia);
    let sealed = away.seal(1, "1.40");
    let mut relays: Vec<_> = (0..8).map(|_| Line::open(server.address())).collect();
    // All at once, then each again.
    let sent: Vec<_> = relays
        .iter_mut()
        .map(|relay| {
            let request = relay.send(sealed.envelope());
            relay.flush().unwrap();
            request
        })
        .collect();
    let mut answers = BTreeSet::new();
    for (relay, request) in relays.iter_mut().zip(sent) {
        let ServerMessage::SealedAnswer(answer) = relay.answer(request) else {
            panic!("no answer")
        };
        answers.insert(answer.sealed.to_vec());
        answers.insert(carried(relay, sealed.envelope()).sealed.to_vec());
    }
    assert_eq!(answers.len(), 1, "byte by byte the same");
    assert_eq!(bids(server.address()), 1);
    // The same request in a new envelope, as one who heard nothing sends it.
    let again = away.seal(1, "1.40");
    assert_eq!(away.ask(&mut relays[0], &again), Ok(Done::Before));
    let other = away.seal(1, "1.50");
    assert_eq!(away.ask(&mut relays[1], &other), Err(Code::REQUEST_REUSED));
    assert_eq!(bids(server.address()), 1);
    server.end();
}

#[test]
fn a_bid_that_was_refused_does_not_come_back_when_it_would_be_accepted() {
    let house = House::with_lots(1);
    let ann = with_auctioneer(&house);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let away = Away::of(&mut mia);
    let mut ann = ann(&server);
    let mut relay = Line::open(server.address());
    ann.command(&HaltLot { lot: LOT }).unwrap();
    let sealed = away.seal(1, "1.40");
    assert_eq!(away.ask(&mut relay, &sealed), Err(Code::LOT_HALTED));
    ann.command(&ResumeLot { lot: LOT }).unwrap();
    assert_eq!(
        away.ask(&mut relay, &sealed),
        Err(Code::LOT_HALTED),
        "the same envelope, the same answer"
    );
    assert_eq!(bids(server.address()), 0);
    // Whose it is can ask anew, with the same number.
    assert_eq!(away.ask(&mut relay, &away.seal(1, "1.40")), Ok(Done::Now));
    server.end();
}

#[test]
fn a_relay_that_replays_after_the_server_was_killed_changes_nothing() {
    let house = House::with_lots(1);
    let ann = with_auctioneer(&house);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let mut away = Away::of(&mut mia);
    let mut relay = Line::open(server.address());
    let done = away.seal(1, "1.40");
    assert_eq!(away.ask(&mut relay, &done), Ok(Done::Now));
    ann(&server).command(&HaltLot { lot: LOT }).unwrap();
    let halted = away.seal_maximum(2, "1.50");
    assert_eq!(away.ask(&mut relay, &halted), Err(Code::LOT_HALTED));
    server.kill();

    let server = house.open();
    ann(&server).command(&ResumeLot { lot: LOT }).unwrap();
    let mut relay = Line::open(server.address());
    away.clock = clock_of(&mut relay);
    assert_eq!(away.ask(&mut relay, &done), Ok(Done::Before), "as it was");
    assert_eq!(
        away.ask(&mut relay, &halted),
        Err(Code::ENVELOPE_EXPIRED),
        "what was refused before the start is not decided after it"
    );
    assert_eq!(bids(server.address()), 1);
    // What is sealed after the start is.
    let anew = away.seal_maximum(2, "1.50");
    assert_eq!(away.ask(&mut relay, &anew), Ok(Done::Now));
    server.kill();
    house.verified();
}

#[test]
fn an_expired_envelope_is_not_done_and_one_that_was_done_is_told_so_all_the_same() {
    let house = House::with_lots(1);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let away = Away::of(&mut mia);
    let mut relay = Line::open(server.address());
    let long_ago = away.seal_until(1, "1.40", Timestamp::from_secs(1));
    assert_eq!(away.ask(&mut relay, &long_ago), Err(Code::ENVELOPE_EXPIRED));
    assert_eq!(bids(server.address()), 0);
    assert_eq!(away.ask(&mut relay, &away.seal(1, "1.40")), Ok(Done::Now));
    // A relay that kept the answer back cannot have the market say now that nothing was done.
    assert_eq!(away.ask(&mut relay, &long_ago), Ok(Done::Before));
    // One from the future could come back for as long as it likes.
    let far = away.seal_until(2, "1.50", away.in_seconds(3_600));
    let answer = carried(&mut relay, far.envelope());
    let EnvelopeAnswer::Refused(refused) = away.read(&far, &answer) else {
        panic!("it is refused")
    };
    assert_eq!(refused.code, Code::ENVELOPE_EXPIRED);
    let theirs = refused.at.expect("the server's time");
    assert!(
        theirs < away.in_seconds(60)
            && theirs.saturating_add(Span::from_secs(600)) > away.in_seconds(0)
    );
    assert_eq!(bids(server.address()), 1);
    server.end();
}

#[test]
fn a_relay_that_flips_bits_or_brings_it_to_another_market_gets_nothing_done() {
    let (house, elsewhere) = (House::with_lots(1), House::with_lots(1));
    let (server, other) = (house.open(), elsewhere.open());
    let mut mia = Line::trader(server.address(), "mia");
    let away = Away::of(&mut mia);
    let sealed = away.seal(1, "1.40");
    let mut there = Line::trader(other.address(), "mia");
    Away::of(&mut there);
    assert_eq!(
        refused(&mut there, sealed.envelope()),
        Code::ENVELOPE_UNREADABLE
    );
    assert_eq!(bids(other.address()), 0);
    // A few places are enough here: that every bit counts is tested where it costs no connection.
    let mut relay = Line::open(server.address());
    for at in [0, 31, 32, 200, 543, 559] {
        let mut changed = sealed.envelope().sealed.to_vec();
        changed[at] ^= 1;
        let changed = Envelope {
            sealed: changed.try_into().unwrap(),
        };
        assert_eq!(
            refused(&mut relay, &changed),
            Code::ENVELOPE_UNREADABLE,
            "byte {at}"
        );
    }
    let short = Envelope {
        sealed: vec![0; 40].try_into().unwrap(),
    };
    assert_eq!(refused(&mut relay, &short), Code::ENVELOPE_UNREADABLE);
    assert_eq!(bids(server.address()), 0);
    assert_eq!(away.ask(&mut relay, &sealed), Ok(Done::Now));
    other.end();
    server.end();
}

#[test]
fn a_removed_device_and_one_that_another_key_signs_for_are_refused_at_once() {
    let house = House::with_lots(1);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let mut tom = Line::trader(server.address(), "tom");
    let (away, toms) = (Away::of(&mut mia), Away::of(&mut tom));
    let mut relay = Line::open(server.address());
    // Tom signs with his own key and says that he is mia's laptop.
    let posing = Away {
        device: Device {
            number: away.device.number,
            ..toms.device.clone()
        },
        to: away.to.clone(),
        clock: away.clock,
    };
    assert_eq!(
        posing.ask(&mut relay, &posing.seal(1, "1.40")),
        Err(Code::UNKNOWN_DEVICE)
    );
    // And cannot remove it.
    let session = away.device.number;
    let refused = tom.command(&CloseSession { session }).unwrap_err();
    assert_eq!(refused.code, Code::SESSION_CLOSED);
    let sealed = away.seal(1, "1.40");
    assert_eq!(away.ask(&mut relay, &away.seal(2, "1.30")), Ok(Done::Now));
    mia.command(&CloseSession { session }).unwrap();
    assert_eq!(away.ask(&mut relay, &sealed), Err(Code::UNKNOWN_DEVICE));
    assert_eq!(bids(server.address()), 1);
    assert_eq!(devices(&mut mia), []);
    server.end();
}

#[test]
fn a_suspended_trader_is_told_so_and_a_company_has_no_devices() {
    let house = House::with_lots(1);
    let ann = with_auctioneer(&house);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let away = Away::of(&mut mia);
    let mut ann = ann(&server);
    let user = Line::open(server.address()).snapshot();
    let user = user.user_named(Name::parse("mia").unwrap()).unwrap();
    ann.command(&SuspendUser { user }).unwrap();
    let mut relay = Line::open(server.address());
    let sealed = away.seal(1, "1.40");
    assert_eq!(away.ask(&mut relay, &sealed), Err(Code::SUSPENDED));
    let key = SigningKey::new(&[7; 32]);
    assert_eq!(add(&mut ann, &key, "phone"), Err(Code::NOT_PERMITTED));
    // Nothing of what was refused is said to whoever runs the server.
    let said = server.end_and_hear();
    for word in ["mia", "1.40", "laptop", "envelope"] {
        assert!(!said.contains(word), "{word:?} is in: {said}");
    }
}

#[test]
fn an_account_has_eight_devices_that_survive_the_server_and_no_key_twice() {
    let house = House::with_lots(1);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let key = |number: u8| SigningKey::new(&[number; 32]);
    for number in 1..=8 {
        add(&mut mia, &key(number), &format!("device-{number}")).unwrap();
    }
    assert_eq!(add(&mut mia, &key(1), "again"), Err(Code::UNCHANGED));
    assert_eq!(add(&mut mia, &key(9), "ninth"), Err(Code::MARKET_FULL));
    let before = devices(&mut mia);
    server.kill();
    let server = house.open();
    let mut mia = Line::open(server.address());
    mia.log_in("mia", crate::line::PASSWORD).unwrap();
    assert_eq!(devices(&mut mia), before);
    server.end();
}

#[test]
fn an_envelope_that_came_too_early_does_not_come_back_when_its_time_has_come() {
    let house = House::with_lots(1);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let away = Away::of(&mut mia);
    let mut relay = Line::open(server.address());
    let expires_at = away.in_seconds(65);
    let early = away.seal_until(1, "1.40", expires_at);
    until("its time has come", || {
        // One address may send so many a second.
        thread::sleep(Duration::from_millis(100));
        let answer = carried(&mut relay, early.envelope());
        let EnvelopeAnswer::Refused(refused) = away.read(&early, &answer) else {
            panic!("it was refused before")
        };
        assert_eq!(refused.code, Code::ENVELOPE_EXPIRED);
        let theirs = refused.at.expect("the server's time");
        (theirs.saturating_add(Span::from_secs(60)) >= expires_at).then_some(())
    });
    assert_eq!(away.ask(&mut relay, &early), Err(Code::ENVELOPE_EXPIRED));
    assert_eq!(bids(server.address()), 0);
    assert_eq!(away.ask(&mut relay, &away.seal(1, "1.40")), Ok(Done::Now));
    server.end();
}

/// What comes from one address has its limit before anything is opened, so that no flood takes the server's time from
/// others.
#[test]
fn a_flood_of_garbage_before_login_is_cut_short_and_traders_are_served() {
    let house = House::with_lots(1);
    let server = house.open();
    let mut mia = Line::trader(server.address(), "mia");
    let mut flood = Line::open(server.address());
    let garbage = || {
        let bytes: Vec<u8> = (0..limits::ENVELOPE_BYTES)
            .map(|_| rand::random())
            .collect();
        Envelope {
            sealed: bytes.try_into().unwrap(),
        }
    };
    let sent: Vec<_> = (0..1_000).map(|_| flood.send(&garbage())).collect();
    flood.flush().unwrap();
    let mut raised = 14_000;
    let mut codes: Vec<Code> = Vec::new();
    for request in sent {
        match flood.answer(request) {
            ServerMessage::Refused(refused) => codes.push(refused.code),
            other => panic!("{other:?}"),
        }
        if codes.len().is_multiple_of(100) {
            raised += 100;
            let maximum = Price::from_units(raised).unwrap();
            mia.command(&BidMaximum { lot: LOT, maximum }).unwrap();
        }
    }
    let count = |code| codes.iter().filter(|found| **found == code).count();
    let (opened, cut) = (count(Code::ENVELOPE_UNREADABLE), count(Code::SLOW_DOWN));
    assert_eq!(opened + cut, 1_000);
    assert!(cut > 0, "{opened} were opened");
    // And once the flood has ebbed, envelopes are taken from there again.
    let away = Away::of(&mut Line::trader(server.address(), "tom"));
    let answer = until("an envelope is taken", || {
        let sealed = away.seal(1, "5");
        match flood.ask(sealed.envelope()) {
            ServerMessage::SealedAnswer(answer) => Some(away.read(&sealed, &answer)),
            ServerMessage::Refused(refused) => {
                assert_eq!(refused.code, Code::SLOW_DOWN);
                None
            }
            other => panic!("{other:?}"),
        }
    });
    assert!(matches!(answer, EnvelopeAnswer::Accepted(_)), "{answer:?}");
    server.end();
}

#[test]
fn the_program_adds_a_device_and_bids_through_a_line_that_is_not_logged_in() {
    let house = House::with_lots(2);
    let server = house.open();
    let mia = Person::at(server.address());
    let run = |line: &str| mia.run(line);
    assert_eq!(run("register mia").code, 0);
    let early = run(&format!("bid S1 1.40 --through {}", server.address()));
    assert_eq!(early.code, 5, "{}", early.json);
    let message = early.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("auction device add"), "{message}");

    assert_eq!(run("login mia").code, 0);
    let added = run("device add --name laptop");
    assert_eq!(added.json["label"], "laptop", "{}", added.json);
    assert_eq!(run("device add").code, 3, "it is one already");
    assert_eq!(run("logout").code, 0);
    let through = |line: &str| run(&format!("{line} --through {}", server.address()));
    let bid = through("bid S1 1.40");
    assert_eq!(bid.json["leads"], true, "{}", bid.json);
    assert_eq!(bid.json["repeated"], false);
    // As if no answer had come.
    let again = through("bid S1 1.40 --request 1");
    assert_eq!(again.json["repeated"], true, "{}", again.json);
    let other = through("bid S1 1.50 --request 1");
    assert_eq!(other.json["error"]["code"], "request_reused");
    let low = through("bid S2 0.10");
    assert_eq!(
        (low.code, &low.json["error"]["code"]),
        (3, &json!("bid_too_low"))
    );
    assert_eq!(through("bid S2 1.40").json["leads"], true);

    assert_eq!(run("login mia").code, 0);
    let listed = run("device");
    assert_eq!(
        listed.json["devices"][0]["this_one"], true,
        "{}",
        listed.json
    );
    assert_eq!(run("device remove laptop").json["removed"], true);
    assert_eq!(through("bid S2 1.50").code, 5);
    assert_eq!(run("device").json["devices"], json!([]));
    server.end();
}
