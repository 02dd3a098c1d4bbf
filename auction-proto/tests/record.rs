//! The journal's records, from the engine to bytes and back.

use auction_core::{
    Actor, Caller, Command, Credential, Engine, EnglishTerms, Event, Listing, LotId, MarketId,
    Name, NewSession, OpenLot, Price, Profit, PublicEvent, Quantity, Record, Registration,
    RequestId, Role, SecurityCode, Sequence, SessionId, Symbol, Terms, Timestamp, TokenHash,
};
use auction_proto::{RecordError, arbitrary, decode_public_records, decode_records, encode_record};
use proptest::prelude::*;

const SALT: [u8; 16] = [7; 16];

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

/// Records of a short market, with public and hidden commands.
fn records() -> Vec<Record> {
    let mut engine = Engine::new(MarketId([1; 16]));
    let symbol = Symbol::parse("AAPL").unwrap();
    let listing = Listing {
        symbol,
        security: SecurityCode::parse("01954").unwrap(),
        price: price("1.39"),
        profit: Profit::parse("9800").unwrap(),
    };
    let register = |name: &str| {
        let name = Name::parse(name).unwrap();
        let role = Role::Trader;
        let credential = Credential::new(b"argon2").unwrap();
        Command::Register(Box::new(Registration {
            name,
            role,
            credential,
        }))
    };
    let open = OpenLot {
        symbol,
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: Timestamp::from_secs(300),
        terms: Terms::English(EnglishTerms::default()),
        reserve: Some(price("2")),
    };
    let session = |user| NewSession {
        user: auction_core::UserId(user),
        token_hash: TokenHash([9; 32]),
        expires_at: Timestamp::from_secs(1_000_000),
    };
    let lot = LotId(1);
    let asks = |session, request| Caller::Session {
        session: SessionId(session),
        request: RequestId(request),
    };
    let steps = [
        (Caller::Operator, Command::ListStock(listing)),
        (Caller::Operator, Command::OpenLot(Box::new(open))),
        (Caller::Operator, register("mia")),
        (Caller::Operator, register("noah")),
        (Caller::Operator, Command::OpenSession(Box::new(session(1)))),
        (Caller::Operator, Command::OpenSession(Box::new(session(2)))),
        (
            asks(1, 1),
            Command::Bid {
                lot,
                price: price("1.40"),
            },
        ),
        (
            asks(2, 1),
            Command::BidMaximum {
                lot,
                maximum: price("3"),
            },
        ),
        (
            asks(1, 2),
            Command::Bid {
                lot,
                price: price("2.50"),
            },
        ),
        (
            asks(1, 3),
            Command::CloseSession {
                session: SessionId(1),
            },
        ),
    ];
    let mut records = Vec::new();
    for (second, (caller, command)) in steps.into_iter().enumerate() {
        let now = Timestamp::from_secs(second as u64 + 1);
        let executed = engine.execute(now, caller, command).unwrap();
        records.push(executed.into_record().unwrap());
    }
    while let Some(record) = engine.advance(Timestamp::from_secs(1_000), || [7; 32]) {
        records.push(record);
    }
    records
}

fn encode(records: &[Record]) -> (Vec<u8>, Vec<u8>) {
    let (mut public, mut private) = (Vec::new(), Vec::new());
    for record in records {
        encode_record(record, &SALT, &mut public, &mut private);
    }
    (public, private)
}

#[test]
fn records_come_back_as_they_were_from_their_two_parts() {
    let records = records();
    let (public, private) = encode(&records);
    let decoded: Result<Vec<_>, _> = decode_records(&public, &private).collect();
    assert_eq!(decoded.unwrap(), records);
}

#[test]
fn a_public_copy_shows_what_is_public_and_commits_to_the_rest() {
    let records = records();
    let (public, _) = encode(&records);
    let decoded: Vec<_> = decode_public_records(&public).map(Result::unwrap).collect();
    assert_eq!(decoded.len(), records.len());
    for (shown, record) in decoded.iter().zip(&records) {
        assert_eq!(shown.sequence, record.sequence);
        assert_eq!(shown.asked.is_none(), record.command.is_hidden());
        let public_events: Vec<_> = shown.events.iter().flatten().collect();
        assert_eq!(public_events, record.public_events().collect::<Vec<_>>());
    }
}

#[test]
fn no_bit_of_a_private_part_can_be_flipped_unseen() {
    let records = records();
    let (public, private) = encode(&records);
    for bit in 0..private.len() * 8 {
        let mut flipped = private.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = decode_records(&public, &flipped).find_map(Result::err);
        assert!(error.is_some(), "bit {bit} was flipped unseen");
    }
}

#[test]
fn private_parts_without_their_records_are_refused() {
    let (_, private) = encode(&records());
    let error = decode_records(&[], &private).next().unwrap().unwrap_err();
    assert_eq!(
        error,
        RecordError::PrivateLeft {
            bytes: private.len()
        }
    );
}

/// Result of decoding a batch of records whose bytes were changed.
fn refusal(change: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>)) -> Option<RecordError> {
    let (mut public, mut private) = encode(&records());
    change(&mut public, &mut private);
    let mut records = decode_records(&public, &private);
    let error = records.find_map(Result::err);
    assert!(records.next().is_none(), "something came after an error");
    error
}

#[test]
fn bytes_that_are_no_records_are_refused_with_the_reason() {
    let (public, private) = encode(&records());
    let version = RecordError::Version { found: 2 };
    assert_eq!(refusal(|public, _| public[0] = 2), Some(version));
    assert_eq!(refusal(|_, private| private[0] = 2), Some(version));
    let second = 1 + 4 + u32::from_le_bytes(public[1..5].try_into().unwrap()) as usize;
    assert_eq!(
        refusal(|public, _| public.truncate(second + 3)),
        Some(RecordError::Truncated { offset: second })
    );
    // The first record with a private part is the second: a lot with a reserve.
    let sequence = Sequence(2);
    assert_eq!(
        refusal(|_, private| private.clear()),
        Some(RecordError::PrivateMissing { sequence })
    );
    assert_eq!(
        refusal(|_, private| *private.get_mut(30).unwrap() ^= 1),
        Some(RecordError::Commitment { sequence })
    );
    // The length is in the last three bytes, after a version of one byte.
    assert_eq!(
        refusal(|public, _| public[2] = 1),
        Some(RecordError::Malformed { offset: 1 })
    );
    let left = RecordError::PrivateLeft {
        bytes: private.len(),
    };
    assert_eq!(refusal(|public, _| public.clear()), Some(left));
}

/// A record whose bytes mark a hidden command as public.
#[test]
fn a_hidden_command_in_a_public_part_is_malformed() {
    let command = Command::CloseSession {
        session: SessionId(1),
    };
    let open = Command::CloseDue { lot: LotId(1) };
    let record = |command| Record {
        sequence: Sequence(1),
        at: Timestamp::default(),
        rules: 1,
        actor: Actor::Operator,
        request: None,
        command,
        events: [Event::Public(profit())].into_iter().collect(),
    };
    let (mut public, private) = encode(&[record(open)]);
    assert!(private.is_empty());
    // Version, length, sequence, time, rules, not hidden, operator, no request, command 3 of lot 1.
    assert_eq!(public[5..13], [1, 0, 1, 0, 1, 0, 3, 1]);
    public[11] = 6;
    let error = decode_public_records(&public).next().unwrap().unwrap_err();
    assert_eq!(error, RecordError::Malformed { offset: 1 });
    let (public, private) = encode(&[record(command)]);
    assert!(decode_records(&public, &private).all(|record| record.is_ok()));
}

fn profit() -> PublicEvent {
    PublicEvent::ProfitPublished {
        symbol: Symbol::parse("AAPL").unwrap(),
        profit: Profit::default(),
    }
}

proptest! {
    #[test]
    fn any_records_come_back_from_their_batch(
        records in prop::collection::vec(arbitrary::record(), 0..6),
    ) {
        let (public, private) = encode(&records);
        let decoded: Result<Vec<_>, _> = decode_records(&public, &private).collect();
        prop_assert_eq!(decoded.unwrap(), records);
    }

    #[test]
    fn no_hidden_value_stands_in_the_public_bytes(
        units in 1_u64 << 35..=auction_core::limits::PRICE_MAX,
        record in arbitrary::record(),
    ) {
        // A price of six or more bytes does not occur there by chance.
        let maximum = Price::from_units(units).unwrap();
        let lot = LotId(1);
        let hidden = Record {
            command: Command::BidMaximum { lot, maximum },
            events: [Event::Public(profit())].into_iter().collect(),
            ..record
        };
        let (public, private) = encode(&[hidden]);
        let needle: Vec<u8> = varint(units);
        let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        prop_assert!(holds(&private));
        prop_assert!(!holds(&public));
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
