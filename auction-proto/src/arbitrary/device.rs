//! Devices, envelopes and answers. Sealed content is arbitrary bytes: without the key they look like a real seal.

use proptest::array::uniform32;
use proptest::collection::vec;
use proptest::prelude::*;

use super::signed::signing_key;
use super::value::{device_key, market_id, name, session_id, timestamp};
use crate::encoding::list::List;
use crate::limits::{ANSWER_BYTES, ENVELOPE_BYTES};
use crate::message::body::{
    AddDevice, Devices, Envelope, GetSealingKey, ListDevices, ListedDevice, SealedAnswer,
    SealingKey, SealingKeyStatement,
};
use crate::message::{ClientMessage, ServerMessage};

pub(super) fn questions() -> BoxedStrategy<ClientMessage> {
    prop_oneof![
        (device_key(), name()).prop_map(|(key, label)| AddDevice { key, label }.into()),
        Just(ListDevices {}.into()),
        Just(GetSealingKey {}.into()),
        vec(any::<u8>(), 0..=ENVELOPE_BYTES).prop_map(|sealed| {
            let sealed = sealed.try_into().expect("they are within the limit");
            Envelope { sealed }.into()
        }),
    ]
    .boxed()
}

pub(super) fn answers() -> BoxedStrategy<ServerMessage> {
    let device = (session_id(), name(), device_key(), timestamp());
    let device = device.prop_map(|(device, label, key, added_at)| ListedDevice {
        device,
        label,
        key,
        added_at,
    });
    prop_oneof![
        vec(device, 0..=4).prop_map(|devices| {
            let devices = List::new(devices).expect("few are drawn");
            Devices { devices }.into()
        }),
        (market_id(), uniform32(any::<u8>())).prop_map(|(market, key)| {
            SealingKey::sign(&SealingKeyStatement { market, key }, &signing_key()).into()
        }),
        vec(any::<u8>(), 0..=ANSWER_BYTES).prop_map(|sealed| {
            let sealed = sealed.try_into().expect("they are within the limit");
            SealedAnswer { sealed }.into()
        }),
    ]
    .boxed()
}
