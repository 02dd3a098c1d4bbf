//! Devices and sealed messages: under published keys and with published randomness, so that a client in another
//! language can open the envelope, and make an identical one.

use auction_core::{DeviceKey, FeedSequence, Price, Reply, RequestId, SessionId};
use auction_proto::seal::OpeningKey;
use auction_proto::{
    Accepted, AddDevice, AnswerStatement, Bid, ClientMessage, Devices, Done, Envelope,
    EnvelopeAnswer, EnvelopeCommand, EnvelopeStatement, GetSealingKey, List, ListDevices,
    ListedDevice, SealingKeyStatement, ServerMessage, SigningKey,
};

use super::{MARKET, at, name, signed};

/// The device's key: `44` 32 times.
pub fn device() -> SigningKey {
    SigningKey::new(&[0x44; 32])
}

/// The market's opening key: derived from `55` 32 times.
pub fn market_opens_with() -> OpeningKey {
    OpeningKey::new(&[0x55; 32])
}

/// The trader's opening key for the answer: derived from `66` 32 times.
pub fn trader_opens_with() -> OpeningKey {
    OpeningKey::new(&[0x66; 32])
}

pub fn statement() -> EnvelopeStatement {
    EnvelopeStatement {
        market: MARKET,
        device: SessionId(300),
        request: RequestId(8),
        expires_at: at(60),
        answer_key: trader_opens_with().public(),
        command: EnvelopeCommand::Bid(Bid {
            lot: auction_core::LotId(3),
            price: Price::parse("1.40").unwrap(),
        }),
    }
}

/// Sealed with the randomness `77` 32 times.
pub fn envelope() -> Envelope {
    let to = SealingKeyStatement {
        market: MARKET,
        key: market_opens_with().public(),
    };
    statement().seal(&device(), &to, &[0x77; 32]).unwrap()
}

pub fn answer() -> AnswerStatement {
    AnswerStatement {
        market: MARKET,
        envelope: envelope().hash(),
        time: at(8),
        answer: EnvelopeAnswer::Accepted(Accepted {
            feed_sequence: FeedSequence(1_001),
            done: Done::Now,
            reply: Reply::Done,
        }),
    }
}

fn key() -> DeviceKey {
    DeviceKey(device().public().0)
}

pub fn client() -> Vec<(&'static str, ClientMessage)> {
    let label = name("laptop");
    vec![
        ("add_device", AddDevice { key: key(), label }.into()),
        ("list_devices", ListDevices {}.into()),
        ("get_sealing_key", GetSealingKey {}.into()),
        ("envelope", envelope().into()),
    ]
}

pub fn answers() -> Vec<(&'static str, ServerMessage)> {
    let laptop = ListedDevice {
        device: SessionId(300),
        label: name("laptop"),
        key: key(),
        added_at: at(7),
    };
    let devices = List::new(vec![laptop]).unwrap();
    let answer_key = trader_opens_with().public();
    let sealed = answer().seal(&signed::key(), &answer_key, &[0x78; 32]);
    vec![
        ("devices", Devices { devices }.into()),
        (
            "sealing_key",
            market_opens_with().signed(MARKET, &signed::key()).into(),
        ),
        ("sealed_answer", sealed.unwrap().into()),
    ]
}
