//! The journal's records, from the engine to bytes and back.

use auction_core::{
    Caller, Command, Credential, Engine, EnglishTerms, Listing, MarketId, Name, NewSession,
    OpenLot, Price, Profit, Quantity, Record, Registration, RequestId, Role, SecurityCode,
    SessionId, Symbol, Terms, Timestamp, TokenHash,
};
use auction_proto::{RecordError, decode_public_records, decode_records, encode_record};

const SALT: [u8; 16] = [7; 16];

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

/// A short life of a market, with open and hidden commands.
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
        closes_at: Timestamp::from_secs(300),
        terms: Terms::English(EnglishTerms::default()),
        reserve: Some(price("2")),
    };
    let session = |user| NewSession {
        user: auction_core::UserId(user),
        token_hash: TokenHash([9; 32]),
        expires_at: Timestamp::from_secs(1_000_000),
    };
    let lot = auction_core::LotId(1);
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
    while let Some(record) = engine.advance(Timestamp::from_secs(1_000)) {
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
