//! Bids through relays: sealed envelopes at the real server, and every way in which a relay can cheat.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use auction_client::Device;
use auction_core::{Name, Price, Span, Timestamp};
use auction_proto::{
    BidMaximum, CloseSession, Code, Done, Envelope, EnvelopeAnswer, HaltLot, ResumeLot,
    ServerMessage, SigningKey, SuspendUser, limits,
};
use serde_json::json;

use crate::away::{Away, LOT, Stage, add, carried, devices};
use crate::line::Line;
use crate::person::Person;
use crate::test_market::{TestMarket, until};

/// Public reason for the refusal of an envelope.
fn refused(line: &mut Line, envelope: &Envelope) -> Code {
    match line.ask(envelope) {
        ServerMessage::Refused(refused) => refused.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_honest_relay_carries_a_bid_that_it_cannot_read() {
    let Stage {
        server,
        mut mia,
        away,
        mut relay,
        test_market: _house,
        ..
    } = Stage::set();
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
    // Refusals and acceptances look the same from outside.
    assert_eq!(told.sealed.len(), answer.sealed.len());
    assert_eq!(low.envelope().sealed.len(), sealed.envelope().sealed.len());
    // The device has a separate session, without a connection.
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
fn replays_and_many_relays_have_one_effect_and_one_answer() {
    let stage = Stage::set();
    let away = &stage.away;
    let sealed = away.seal(1, "1.40");
    let mut relays: Vec<_> = (0..8).map(|_| Line::open(stage.server.address())).collect();
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
    assert_eq!(stage.bids(), 1);
    // The same request in a new envelope, as sent by a client without an answer.
    let again = away.seal(1, "1.40");
    assert_eq!(away.ask(&mut relays[0], &again), Ok(Done::Before));
    let other = away.seal(1, "1.50");
    assert_eq!(away.ask(&mut relays[1], &other), Err(Code::REQUEST_REUSED));
    assert_eq!(stage.bids(), 1);
    stage.server.end();
}

#[test]
fn a_refused_bid_stays_refused_when_it_would_be_accepted() {
    let mut stage = Stage::set();
    let mut ann = stage.auctioneer();
    ann.command(&HaltLot { lot: LOT }).unwrap();
    let sealed = stage.away.seal(1, "1.40");
    assert_eq!(stage.ask(&sealed), Err(Code::LOT_HALTED));
    ann.command(&ResumeLot { lot: LOT }).unwrap();
    assert_eq!(
        stage.ask(&sealed),
        Err(Code::LOT_HALTED),
        "the same envelope, the same answer"
    );
    assert_eq!(stage.bids(), 0);
    // The owner can ask again, with the same number.
    let anew = stage.away.seal(1, "1.40");
    assert_eq!(stage.ask(&anew), Ok(Done::Now));
    stage.server.end();
}

#[test]
fn a_replay_after_a_kill_changes_nothing() {
    let mut stage = Stage::set();
    let done = stage.away.seal(1, "1.40");
    assert_eq!(stage.ask(&done), Ok(Done::Now));
    stage.auctioneer().command(&HaltLot { lot: LOT }).unwrap();
    let halted = stage.away.seal_maximum(2, "1.50");
    assert_eq!(stage.ask(&halted), Err(Code::LOT_HALTED));

    let mut stage = stage.kill();
    stage.auctioneer().command(&ResumeLot { lot: LOT }).unwrap();
    assert_eq!(stage.ask(&done), Ok(Done::Before), "as it was");
    assert_eq!(
        stage.ask(&halted),
        Err(Code::ENVELOPE_EXPIRED),
        "what was refused before the start is not decided after it"
    );
    assert_eq!(stage.bids(), 1);
    // An envelope sealed after the start is accepted.
    let anew = stage.away.seal_maximum(2, "1.50");
    assert_eq!(stage.ask(&anew), Ok(Done::Now));
    stage.server.kill();
    stage.test_market.verified();
}

#[test]
fn an_expired_envelope_is_refused_unless_it_was_done_before() {
    let mut stage = Stage::set();
    let long_ago = Timestamp::from_secs(1);
    let expired = stage.away.seal_until(1, "1.40", long_ago);
    assert_eq!(stage.ask(&expired), Err(Code::ENVELOPE_EXPIRED));
    assert_eq!(stage.bids(), 0);
    let sealed = stage.away.seal(1, "1.40");
    assert_eq!(stage.ask(&sealed), Ok(Done::Now));
    // A relay that withheld the answer cannot make the market deny now that it was done.
    assert_eq!(stage.ask(&expired), Ok(Done::Before));
    // One from the future could be replayed for as long as the relay likes.
    let away = &stage.away;
    let far = away.seal_until(2, "1.50", away.in_seconds(3_600));
    let answer = carried(&mut stage.relay, far.envelope());
    let EnvelopeAnswer::Refused(refused) = away.read(&far, &answer) else {
        panic!("it is refused")
    };
    assert_eq!(refused.code, Code::ENVELOPE_EXPIRED);
    let theirs = refused.at.expect("the server's time");
    assert!(
        theirs < away.in_seconds(60)
            && theirs.saturating_add(Span::from_secs(600)) > away.in_seconds(0)
    );
    assert_eq!(stage.bids(), 1);
    stage.server.end();
}

#[test]
fn flipped_bits_and_other_markets_get_an_envelope_refused() {
    let (mut stage, mut elsewhere) = (Stage::set(), Stage::set());
    let sealed = stage.away.seal(1, "1.40");
    assert_eq!(
        refused(&mut elsewhere.relay, sealed.envelope()),
        Code::ENVELOPE_UNREADABLE
    );
    assert_eq!(elsewhere.bids(), 0);
    // A few bytes are enough here: other tests cover every bit without a connection.
    for at in [0, 31, 32, 200, 543, 559] {
        let mut changed = sealed.envelope().sealed.to_vec();
        changed[at] ^= 1;
        let changed = Envelope {
            sealed: changed.try_into().unwrap(),
        };
        assert_eq!(
            refused(&mut stage.relay, &changed),
            Code::ENVELOPE_UNREADABLE,
            "byte {at}"
        );
    }
    let short = Envelope {
        sealed: vec![0; 40].try_into().unwrap(),
    };
    assert_eq!(refused(&mut stage.relay, &short), Code::ENVELOPE_UNREADABLE);
    assert_eq!(stage.bids(), 0);
    assert_eq!(stage.ask(&sealed), Ok(Done::Now));
    elsewhere.server.end();
    stage.server.end();
}

#[test]
fn removed_devices_and_forged_registrations_are_refused() {
    let mut stage = Stage::set();
    let mut tom = Line::trader(stage.server.address(), "tom");
    let toms = Away::of(&mut tom);
    let session = stage.away.device.number;
    // Tom signs with his own key and claims to be mia's laptop.
    let posing = Away {
        device: Device {
            number: session,
            ..toms.device.clone()
        },
        to: stage.away.to.clone(),
        clock: stage.away.clock,
    };
    assert_eq!(
        posing.ask(&mut stage.relay, &posing.seal(1, "1.40")),
        Err(Code::UNKNOWN_DEVICE)
    );
    // He cannot remove it either.
    let refused = tom.command(&CloseSession { session }).unwrap_err();
    assert_eq!(refused.code, Code::SESSION_CLOSED);
    let (sealed, low) = (stage.away.seal(1, "1.40"), stage.away.seal(2, "1.30"));
    assert_eq!(stage.ask(&low), Ok(Done::Now));
    stage.mia.command(&CloseSession { session }).unwrap();
    assert_eq!(stage.ask(&sealed), Err(Code::UNKNOWN_DEVICE));
    assert_eq!(stage.bids(), 1);
    assert_eq!(devices(&mut stage.mia), []);
    stage.server.end();
}

#[test]
fn a_suspended_trader_is_told_so_and_a_company_has_no_devices() {
    let mut stage = Stage::set();
    let mut ann = stage.auctioneer();
    let user = Line::open(stage.server.address()).snapshot();
    let user = user.user_named(Name::parse("mia").unwrap()).unwrap();
    ann.command(&SuspendUser { user }).unwrap();
    let sealed = stage.away.seal(1, "1.40");
    assert_eq!(stage.ask(&sealed), Err(Code::SUSPENDED));
    let key = SigningKey::new(&[7; 32]);
    assert_eq!(add(&mut ann, &key, "phone"), Err(Code::NOT_PERMITTED));
    // The operator sees no messages about the refusals.
    let said = stage.server.end_and_hear();
    for word in ["mia", "1.40", "laptop", "envelope"] {
        assert!(!said.contains(word), "{word:?} is in: {said}");
    }
}

#[test]
fn an_account_has_eight_lasting_devices_and_no_key_twice() {
    let mut stage = Stage::set();
    let mia = &mut stage.mia;
    let key = |number: u8| SigningKey::new(&[number; 32]);
    // One exists already.
    for number in 2..=8 {
        add(mia, &key(number), &format!("device-{number}")).unwrap();
    }
    assert_eq!(add(mia, &key(2), "again"), Err(Code::UNCHANGED));
    assert_eq!(add(mia, &key(9), "ninth"), Err(Code::MARKET_FULL));
    let before = devices(mia);
    assert_eq!(before.len(), 8);
    let mut stage = stage.kill();
    assert_eq!(devices(&mut stage.mia), before);
    stage.server.end();
}

#[test]
fn an_envelope_refused_as_too_early_stays_refused() {
    let mut stage = Stage::set();
    let away = &stage.away;
    let expires_at = away.in_seconds(65);
    let early = away.seal_until(1, "1.40", expires_at);
    until("its time has come", || {
        // One address may send a limited number per second.
        thread::sleep(Duration::from_millis(100));
        let answer = carried(&mut stage.relay, early.envelope());
        let EnvelopeAnswer::Refused(refused) = away.read(&early, &answer) else {
            panic!("it was refused before")
        };
        assert_eq!(refused.code, Code::ENVELOPE_EXPIRED);
        let theirs = refused.at.expect("the server's time");
        (theirs.saturating_add(Span::from_secs(60)) >= expires_at).then_some(())
    });
    assert_eq!(stage.ask(&early), Err(Code::ENVELOPE_EXPIRED));
    assert_eq!(stage.bids(), 0);
    let anew = stage.away.seal(1, "1.40");
    assert_eq!(stage.ask(&anew), Ok(Done::Now));
    stage.server.end();
}

/// Envelopes from one address are limited before any is opened, so that a flood does not take the server's time from
/// others.
#[test]
fn a_flood_before_login_is_limited_and_traders_are_served() {
    let Stage {
        server,
        mut mia,
        relay: mut flood,
        test_market: _house,
        ..
    } = Stage::set();
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
    // After the flood, envelopes from there are accepted again.
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
fn the_program_adds_a_device_and_bids_without_a_login() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
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
    // As if there had been no answer.
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
