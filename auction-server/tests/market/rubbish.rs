//! Garbage on the wire: any bytes are refused or end their own connection, and the market continues.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpStream};

use auction_core::{LotId, Price, RequestId};
use auction_proto::{
    Bid, Code, Hello, Kind, PREFACE, Ping, Refused, ServerMessage, Text, encode_frame, limits,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::line::{Line, PASSWORD, hello};
use crate::test_market::{TestMarket, until};

const STRANGERS: u64 = 300;

/// A frame of any kind and body.
fn frame(kind: u16, request: u64, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(2 + 8 + body.len()).unwrap();
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(request.to_le_bytes());
    bytes.extend(body);
    bytes
}

/// Answer to a raw body.
fn refused(line: &mut Line, kind: Kind, body: &[u8]) -> Refused {
    let request = 1_000_000;
    line.raw(&frame(kind.0, request, body));
    match line.answer(RequestId(request)) {
        ServerMessage::Refused(refused) => refused,
        other => panic!("{kind} {body:02x?}: {other:?}"),
    }
}

fn still_serves(line: &mut Line) {
    let pong = line.ask(&Ping {
        client_time: Default::default(),
    });
    assert!(matches!(pong, ServerMessage::Pong(_)), "{pong:?}");
}

#[test]
fn invalid_prices_and_lots_are_refused_on_an_open_connection() {
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut line = Line::trader(server.address(), "mia");
    let greatest = 9_999_999_999_999_u64;
    let prices: [(Vec<u8>, Code); 10] = [
        (varint(0), Code::BID_TOO_LOW),
        (varint(1), Code::BID_TOO_LOW),
        (varint(10_099), Code::BID_TOO_LOW),
        (varint(greatest + 1), Code::MALFORMED),
        // Twenty digits.
        (varint(u64::MAX), Code::MALFORMED),
        // More than 64 bits; not the shortest form; cut short; empty; too long.
        ([vec![0xff; 10], vec![1]].concat(), Code::MALFORMED),
        (vec![0x80, 0x80, 0x00], Code::MALFORMED),
        (vec![0xff, 0xff], Code::MALFORMED),
        (vec![], Code::MALFORMED),
        ([varint(20_000), vec![0]].concat(), Code::MALFORMED),
    ];
    for kind in [Kind::BID, Kind::BID_MAXIMUM] {
        for (price, expected) in &prices {
            let body = [varint(1), price.clone()].concat();
            assert_eq!(
                refused(&mut line, kind, &body).code,
                *expected,
                "{body:02x?}"
            );
        }
        for lot in [0, 3, u64::from(u32::MAX)] {
            let body = [varint(lot), varint(20_000)].concat();
            let refused = refused(&mut line, kind, &body);
            assert_eq!(
                (refused.code, refused.number),
                (Code::UNKNOWN_LOT, Some(lot))
            );
        }
        let body = [varint(1 << 32), varint(20_000)].concat();
        assert_eq!(refused(&mut line, kind, &body).code, Code::MALFORMED);
    }
    let least = Some(Price::parse("1.01").unwrap());
    assert_eq!(line.bid(1, "0").unwrap_err().price, least);

    // The maximum price can be bid, and nothing above it.
    line.bid(1, "999999999.9999").unwrap();
    let mut tom = Line::trader(server.address(), "tom");
    assert_eq!(
        tom.bid(1, "999999999.9999").unwrap_err().code,
        Code::NO_HIGHER_BID
    );
    still_serves(&mut line);
    assert_eq!(test_market.export("bids").len(), 1);
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[test]
fn names_and_passwords_that_are_none_are_refused() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut line = Line::open(server.address());
    let text = |text: &str| [varint(text.len() as u64), text.as_bytes().to_vec()].concat();
    let long = "x".repeat(33);
    for name in [
        "",
        "a",
        "MIA",
        "_a",
        ".a",
        "a b",
        "a,b",
        "=1+1",
        "m\u{fc}ller",
        "a\n",
        "a\0",
        "\u{202e}abc",
        &long,
    ] {
        for kind in [Kind::REGISTER, Kind::LOGIN] {
            let body = [text(name), text(PASSWORD)].concat();
            assert_eq!(
                refused(&mut line, kind, &body).code,
                Code::MALFORMED,
                "{name:?}"
            );
        }
    }
    let long = "x".repeat(129);
    for password in ["", &long] {
        let body = [text("mia"), text(password)].concat();
        assert_eq!(
            refused(&mut line, Kind::REGISTER, &body).code,
            Code::MALFORMED
        );
    }
    // Bytes that are not UTF-8.
    let body = [vec![2, 0xff, 0xfe], text(PASSWORD)].concat();
    assert_eq!(
        refused(&mut line, Kind::REGISTER, &body).code,
        Code::MALFORMED
    );
    for name in ["0a", "a.b-c_d", &"y".repeat(32)] {
        line.register(name).unwrap();
    }
    assert_eq!(test_market.export("users").len(), 3);
}

#[test]
fn unknown_and_unexpected_kinds_are_refused_and_skipped() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut line = Line::silent(server.address());
    line.raw(&PREFACE);
    let early = line.ask(&Ping {
        client_time: Default::default(),
    });
    assert!(matches!(early, ServerMessage::Refused(refused) if refused.code == Code::OUT_OF_ORDER));
    assert!(matches!(line.ask(&hello()), ServerMessage::Welcome(_)));
    let again = line.ask(&hello());
    assert!(matches!(again, ServerMessage::Refused(refused) if refused.code == Code::OUT_OF_ORDER));
    // Kinds of the server, and unknown ones.
    for kind in [0, 128, 130, 255, 999, u16::MAX] {
        let refused = refused(&mut line, Kind(kind), &[1, 2, 3]);
        assert_eq!(
            (refused.code, refused.number),
            (Code::UNKNOWN_KIND, Some(u64::from(kind)))
        );
    }
    still_serves(&mut line);
}

#[test]
fn a_version_that_is_not_spoken_is_refused_with_the_one_that_is() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut line = Line::silent(server.address());
    line.raw(&PREFACE);
    let answer = line.ask(&Hello {
        version_min: 7,
        version_max: 9,
        client: Text::of("test"),
    });
    assert!(
        matches!(&answer, ServerMessage::Refused(refused) if refused.code == Code::VERSION_UNSUPPORTED && refused.number == Some(2)),
        "{answer:?}"
    );
    assert_eq!(line.last_words(), Some(Code::VERSION_UNSUPPORTED));
}

#[test]
fn bytes_that_are_no_frames_end_their_connection_with_a_word() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let too_long = u32::try_from(limits::REQUEST_BYTES_MAX + 1).unwrap();
    let cases = [
        (too_long.to_le_bytes(), Code::FRAME_TOO_LARGE),
        (u32::MAX.to_le_bytes(), Code::FRAME_TOO_LARGE),
        (9_u32.to_le_bytes(), Code::MALFORMED),
        (0_u32.to_le_bytes(), Code::MALFORMED),
    ];
    for (length, expected) in cases {
        let mut line = Line::open(server.address());
        line.raw(&length);
        line.flush().unwrap();
        assert_eq!(line.last_words(), Some(expected), "{length:02x?}");
    }
    // The longest possible frame is read to its end.
    let mut line = Line::open(server.address());
    let body = vec![1; limits::REQUEST_BYTES_MAX - 10];
    assert_eq!(refused(&mut line, Kind::BID, &body).code, Code::MALFORMED);
    still_serves(&mut line);

    let mut line = Line::silent(server.address());
    line.raw(&[PREFACE[0], PREFACE[1], 0, 0]);
    line.flush().unwrap();
    assert_eq!(line.last_words(), Some(Code::MALFORMED));
}

#[test]
fn whoever_sends_and_goes_has_asked_and_harms_nobody() {
    let test_market = TestMarket::with_lots(1);
    let server = test_market.open();
    let mut line = Line::trader(server.address(), "mia");
    line.send(&Bid {
        lot: LotId(1),
        price: Price::parse("1.50").unwrap(),
    });
    line.flush().unwrap();
    drop(line);
    until("the bid is there", || {
        (test_market.export("bids").len() == 1).then_some(())
    });
    still_serves(&mut Line::open(server.address()));
}

#[test]
fn random_bytes_and_frames_that_are_cut_short_change_nothing() {
    let seed = rand::random();
    eprintln!("seed {seed}");
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let test_market = TestMarket::with_lots(2);
    let server = test_market.open();
    let mut mia = Line::trader(server.address(), "mia");
    mia.bid(1, "1.50").unwrap();
    let before = mia.snapshot();
    for stranger in 0..STRANGERS {
        send_rubbish(server.address(), stranger % 3, &mut random);
    }
    assert_eq!(mia.snapshot(), before);
    mia.bid(2, "1.50").unwrap();
    let said = server.end_and_hear();
    assert!(!said.contains("panicked"), "{said}");
    test_market.verified_digest();
}

fn send_rubbish(address: SocketAddr, sort: u64, random: &mut ChaCha20Rng) {
    let mut bytes = PREFACE.to_vec();
    encode_frame(RequestId(1), &hello(), &mut bytes);
    let mut noise = vec![0; random.next_u32() as usize % 2_000];
    random.fill_bytes(&mut noise);
    match sort {
        // From the first byte on; after the greeting; and whole frames of known kinds.
        0 => bytes = noise,
        1 => bytes.extend(noise),
        _ => noise.chunks(64).for_each(|body| {
            let kind = (random.next_u32() % 20) as u16;
            bytes.extend(frame(kind, random.next_u64(), body));
        }),
    }
    let cut = random.next_u32() as usize % 20;
    bytes.truncate(bytes.len().saturating_sub(cut));
    let mut stream = TcpStream::connect(address).unwrap();
    // The server may have closed before it has read everything.
    let _ = stream.write_all(&bytes);
    if random.next_u32().is_multiple_of(2) {
        let _ = stream.shutdown(Shutdown::Write);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    }
}
