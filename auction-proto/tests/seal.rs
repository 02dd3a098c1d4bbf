//! Envelopes and their answers: only the right key opens them, and nothing that was changed on the way opens.

use std::collections::BTreeSet;

use auction_core::{
    DeviceKey, FeedSequence, LotId, MarketId, OrderId, Price, Quantity, Reply, RequestId,
    SessionId, Side, Timestamp,
};
use auction_proto::arbitrary::{lot_id, price, timestamp};
use auction_proto::seal::{OpeningKey, SealError};
use auction_proto::{
    Accepted, AnswerStatement, Bid, BidMaximum, CancelOrder, Code, Done, Envelope, EnvelopeAnswer,
    EnvelopeCommand, EnvelopeStatement, PlaceOrder, Refused, ReplaceOrder, SealedAnswer,
    SealingKeyStatement, SigningKey,
};
use proptest::array::uniform32;
use proptest::prelude::*;

const MARKET: MarketId = MarketId([7; 16]);
const OTHER: MarketId = MarketId([8; 16]);

fn device() -> SigningKey {
    SigningKey::new(&[0x44; 32])
}

fn key_of(device: &SigningKey) -> DeviceKey {
    DeviceKey(device.public().0)
}

fn market_key() -> SigningKey {
    SigningKey::new(&[0x42; 32])
}

fn market_opens_with() -> OpeningKey {
    OpeningKey::new(&[0x55; 32])
}

fn trader_opens_with() -> OpeningKey {
    OpeningKey::new(&[0x66; 32])
}

fn to(market: MarketId) -> SealingKeyStatement {
    let key = market_opens_with().public();
    SealingKeyStatement { market, key }
}

fn statement(command: EnvelopeCommand) -> EnvelopeStatement {
    EnvelopeStatement {
        market: MARKET,
        device: SessionId(u64::MAX),
        request: RequestId(u64::MAX),
        expires_at: Timestamp::MAX,
        answer_key: trader_opens_with().public(),
        command,
    }
}

fn bid() -> EnvelopeCommand {
    let price = Price::parse("1.40").unwrap();
    EnvelopeCommand::Bid(Bid {
        lot: LotId(3),
        price,
    })
}

fn sealed(command: EnvelopeCommand) -> Envelope {
    let sealed = statement(command).seal(&device(), &to(MARKET), &[0x77; 32]);
    sealed.unwrap()
}

fn answer(answer: EnvelopeAnswer, envelope: &Envelope) -> AnswerStatement {
    AnswerStatement {
        market: MARKET,
        envelope: envelope.hash(),
        time: Timestamp::MAX,
        answer,
    }
}

fn sealed_answer(statement: &AnswerStatement) -> SealedAnswer {
    let answer_key = trader_opens_with().public();
    let sealed = statement.seal(&market_key(), &answer_key, &[0x78; 32]);
    sealed.unwrap()
}

/// The largest possible refusal.
fn refused() -> EnvelopeAnswer {
    let refused = Refused::new(Code(u16::MAX), "x".repeat(1_000));
    let refused = refused
        .with_price(Price::from_units(auction_core::limits::PRICE_MAX).unwrap())
        .with_time(Timestamp::MAX)
        .with_number(u64::MAX)
        .with_symbol(auction_core::Symbol::parse("ABCDEFGH").unwrap())
        .with_security(auction_core::SecurityCode::parse("0123456789012345").unwrap())
        .with_needed(auction_core::Amount::from_units(auction_core::limits::AMOUNT_MAX).unwrap())
        .with_available(
            auction_core::Amount::from_units(auction_core::limits::AMOUNT_MAX).unwrap(),
        );
    EnvelopeAnswer::Refused(refused)
}

fn accepted() -> EnvelopeAnswer {
    EnvelopeAnswer::Accepted(Accepted {
        feed_sequence: FeedSequence(u64::MAX),
        done: Done::Before,
        reply: Reply::Done,
    })
}

fn every_bit(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..8 * bytes.len()).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    })
}

#[test]
fn all_envelopes_are_equally_long_and_so_are_all_answers() {
    let (lot, order) = (LotId(u32::MAX), OrderId(u32::MAX));
    let greatest = Price::from_units(auction_core::limits::PRICE_MAX).unwrap();
    let quantity = Quantity::new(auction_core::limits::QUANTITY_MAX).unwrap();
    let commands = [
        bid(),
        EnvelopeCommand::BidMaximum(BidMaximum {
            lot,
            maximum: greatest,
        }),
        EnvelopeCommand::PlaceOrder(PlaceOrder {
            lot,
            side: Side::Buy,
            quantity,
            limit: Some(greatest),
        }),
        EnvelopeCommand::ReplaceOrder(ReplaceOrder {
            lot,
            order,
            quantity,
            limit: Some(greatest),
        }),
        EnvelopeCommand::CancelOrder(CancelOrder { lot, order }),
    ];
    let lengths: BTreeSet<usize> = commands
        .into_iter()
        .map(|command| sealed(command).sealed.len())
        .collect();
    assert_eq!(lengths, [auction_proto::limits::ENVELOPE_BYTES].into());
    let envelope = sealed(bid());
    let lengths: BTreeSet<usize> = [accepted(), refused()]
        .into_iter()
        .map(|told| sealed_answer(&answer(told, &envelope)).sealed.len())
        .collect();
    assert_eq!(lengths, [auction_proto::limits::ANSWER_BYTES].into());
}

#[test]
fn an_envelope_with_any_bit_flipped_does_not_open() {
    let envelope = sealed(bid());
    assert!(envelope.open(MARKET, &market_opens_with()).is_ok());
    // X25519 ignores one bit of a key; HPKE does not, because it hashes the key as received.
    for (bit, changed) in every_bit(&envelope.sealed).enumerate() {
        let changed = Envelope {
            sealed: changed.try_into().unwrap(),
        };
        let opened = changed.open(MARKET, &market_opens_with());
        assert_eq!(opened.err(), Some(SealError::Sealed), "bit {bit}");
        assert_ne!(changed.hash(), envelope.hash(), "bit {bit}");
    }
}

#[test]
fn an_answer_with_any_bit_flipped_does_not_open() {
    let envelope = sealed(bid());
    let honest = sealed_answer(&answer(accepted(), &envelope));
    let market = (MARKET, &market_key().public());
    let open = |answer: &SealedAnswer| answer.open(&envelope.hash(), &trader_opens_with(), market);
    assert!(open(&honest).is_ok());
    for (bit, changed) in every_bit(&honest.sealed).enumerate() {
        let changed = SealedAnswer {
            sealed: changed.try_into().unwrap(),
        };
        assert_eq!(open(&changed).err(), Some(SealError::Sealed), "bit {bit}");
    }
}

#[test]
fn a_peer_that_knows_every_public_key_cannot_make_up_an_answer() {
    let envelope = sealed(bid());
    let told = answer(refused(), &envelope);
    let answer_key = trader_opens_with().public();
    // The peer can seal to the trader if it guesses the key, which only the envelope contains; but it cannot sign as
    // the market.
    let forged = told.seal(&device(), &answer_key, &[0x79; 32]).unwrap();
    let market = (MARKET, &market_key().public());
    let opened = forged.open(&envelope.hash(), &trader_opens_with(), market);
    assert!(matches!(opened, Err(SealError::Signature(_))), "{opened:?}");
}

#[test]
fn the_answer_to_another_envelope_does_not_open() {
    let (first, second) = (
        sealed(bid()),
        statement(bid()).seal(&device(), &to(MARKET), &[0x70; 32]),
    );
    let to_second = sealed_answer(&answer(accepted(), &second.unwrap()));
    let market = (MARKET, &market_key().public());
    let opened = to_second.open(&first.hash(), &trader_opens_with(), market);
    assert_eq!(opened.err(), Some(SealError::Sealed));
}

#[test]
fn an_envelope_does_not_open_for_another_market_with_its_key() {
    let envelope = sealed(bid());
    let opened = envelope.open(OTHER, &market_opens_with());
    assert_eq!(opened.err(), Some(SealError::Sealed));
    // Nor does an envelope open whose statement names another market than the one it is sealed for.
    let inside = EnvelopeStatement {
        market: OTHER,
        ..statement(bid())
    };
    let envelope = inside.seal(&device(), &to(MARKET), &[0x77; 32]).unwrap();
    let opened = envelope.open(MARKET, &market_opens_with());
    assert_eq!(opened.err(), Some(SealError::Sealed));
}

#[test]
fn what_another_device_signed_is_not_this_ones() {
    let opened = sealed(bid()).open(MARKET, &market_opens_with()).unwrap();
    assert!(opened.verify(key_of(&device())).is_ok());
    let other = SigningKey::new(&[0x45; 32]);
    assert!(opened.verify(key_of(&other)).is_err());
    assert!(opened.verify(DeviceKey([0; 32])).is_err());
}

#[test]
fn nothing_is_sealed_to_a_key_that_everyone_could_open() {
    let none = SealingKeyStatement {
        market: MARKET,
        key: [0; 32],
    };
    let sealed = statement(bid()).seal(&device(), &none, &[0x77; 32]);
    assert_eq!(sealed.err(), Some(SealError::Key));
}

#[test]
fn secrets_do_not_show_when_they_are_printed() {
    let shown = format!("{:?} {:?}", market_opens_with(), sealed(bid()));
    assert_eq!(shown, "OpeningKey(..) Envelope { sealed: Bytes(560) }");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_request_arrives_unchanged_and_no_two_seals_are_alike(
        lot in lot_id(), price in price(), expires_at in timestamp(), numbers in any::<(u64, u64)>(),
        randomness in uniform32(any::<u8>()), other in uniform32(any::<u8>()),
    ) {
        let statement = EnvelopeStatement {
            device: SessionId(numbers.0),
            request: RequestId(numbers.1),
            expires_at,
            ..statement(EnvelopeCommand::Bid(Bid { lot, price }))
        };
        let envelope = statement.seal(&device(), &to(MARKET), &randomness).unwrap();
        let opened = envelope.open(MARKET, &market_opens_with()).unwrap();
        prop_assert_eq!(&opened.statement, &statement);
        prop_assert!(opened.verify(key_of(&device())).is_ok());
        let again = statement.seal(&device(), &to(MARKET), &other).unwrap();
        prop_assert_eq!(again == envelope, randomness == other);
    }

    #[test]
    fn garbage_does_not_open(bytes in proptest::collection::vec(any::<u8>(), 0..=560)) {
        let envelope = Envelope { sealed: bytes.try_into().unwrap() };
        prop_assert!(envelope.open(MARKET, &market_opens_with()).is_err());
    }
}
