//! Devices of an account, and the messages that reach the market through others: sealed envelopes, sealed answers.
//!
//! A device is a session without a connection of its own: its key signs instead. Its request travels in an
//! [`Envelope`] that anyone can carry and only the market can open; the result travels in a [`SealedAnswer`] that
//! only the device can open. The module `seal` (feature `seal`) defines the sealing; a program that only carries them
//! does not need it.

use auction_core::{DeviceKey, MarketId, Name, RequestId, SessionId, Timestamp};

use super::{Accepted, Bid, BidMaximum, CancelOrder, PlaceOrder, Refused, ReplaceOrder};
use crate::encoding::bytes::Bytes;
use crate::encoding::list::List;
use crate::encoding::wire::as_serde;
use crate::limits::{
    ANSWER_BYTES, DEVICES_LISTED_MAX, ENVELOPE_BYTES, SEALING_KEY_STATEMENT_BYTES_MAX,
};
use crate::signature::Signature;

fields! {
    /// Adds a device to the account of the session: from here on the market takes envelopes that its key signs. For
    /// traders. Answered by [`Accepted`] with `session_opened`: a device is a session, and is removed by
    /// [`CloseSession`](super::CloseSession).
    struct AddDevice = ADD_DEVICE {
        /// The public half of the device's key: Ed25519.
        key: DeviceKey,
        /// The user's name for it.
        label: Name,
    }

    /// Asks for the user's devices. Answered by [`Devices`].
    struct ListDevices = LIST_DEVICES {}

    /// Answers [`ListDevices`].
    struct Devices = DEVICES {
        /// The devices, the oldest first.
        devices: List<ListedDevice, DEVICES_LISTED_MAX>,
    }

    /// One of the user's devices.
    struct ListedDevice {
        /// The number of its session.
        device: SessionId,
        /// The user's name for it.
        label: Name,
        /// The public half of its key.
        key: DeviceKey,
        /// Time at which it was added.
        added_at: Timestamp,
    }

    /// Asks for the key that envelopes are sealed to. Needs no session. Answered by [`SealingKey`].
    struct GetSealingKey = GET_SEALING_KEY {}

    /// Answers [`GetSealingKey`]. The market has signed it, so that anyone can pass it on.
    struct SealingKey = SEALING_KEY {
        /// A [`SealingKeyStatement`].
        statement: Bytes<SEALING_KEY_STATEMENT_BYTES_MAX>,
        /// Over `auction.sealing-key.1` and the statement.
        signature: Signature,
    }

    /// Statement of a [`SealingKey`].
    struct SealingKeyStatement {
        /// The market.
        market: MarketId,
        /// The key: X25519.
        key: [u8; 32],
    }

    /// A request of a device, sealed to the market; anyone can carry it. Needs no session. Answered by
    /// [`SealedAnswer`]; only if it cannot be opened, or not now, by a refusal that everyone on the way can read.
    struct Envelope = ENVELOPE {
        /// HPKE's encapsulated key, then the sealed bytes: all envelopes are equally long.
        sealed: Bytes<ENVELOPE_BYTES>,
    }

    /// Statement of an [`Envelope`].
    struct EnvelopeStatement {
        /// The market.
        market: MarketId,
        /// The device: the number of its session.
        device: SessionId,
        /// The number of the request: numbers rise within a device, and each request is done only once.
        request: RequestId,
        /// Time by the server's clock from which on the request is no longer done; at most 60 seconds in the future.
        expires_at: Timestamp,
        /// Key to which the answer is sealed: an X25519 key of this envelope only.
        answer_key: [u8; 32],
        /// The request.
        command: EnvelopeCommand,
    }

    /// Answers [`Envelope`].
    struct SealedAnswer = SEALED_ANSWER {
        /// HPKE's encapsulated key, then the sealed bytes: all answers are equally long.
        sealed: Bytes<ANSWER_BYTES>,
    }

    /// Statement of a [`SealedAnswer`].
    struct AnswerStatement {
        /// The market.
        market: MarketId,
        /// SHA-256 of the sealed bytes of the envelope that it answers.
        envelope: [u8; 32],
        /// Time of the answer, by the server's clock.
        time: Timestamp,
        /// The result.
        answer: EnvelopeAnswer,
    }
}

/// Requests that an envelope can contain: bids and orders of a trader.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EnvelopeCommand {
    /// See [`Bid`].
    Bid(#[serde(with = "crate::encoding::wire")] Bid),
    /// See [`BidMaximum`].
    BidMaximum(#[serde(with = "crate::encoding::wire")] BidMaximum),
    /// See [`PlaceOrder`].
    PlaceOrder(#[serde(with = "crate::encoding::wire")] PlaceOrder),
    /// See [`ReplaceOrder`].
    ReplaceOrder(#[serde(with = "crate::encoding::wire")] ReplaceOrder),
    /// See [`CancelOrder`].
    CancelOrder(#[serde(with = "crate::encoding::wire")] CancelOrder),
}

crate::encoding::core_types::in_order!(0, 1, 2, 3, 4);
as_serde!(EnvelopeCommand);
#[cfg(feature = "schema")]
crate::encoding::schema::shaped_enum!(EnvelopeCommand, {
    0 = Bid(Bid),
    1 = BidMaximum(BidMaximum),
    2 = PlaceOrder(PlaceOrder),
    3 = ReplaceOrder(ReplaceOrder),
    4 = CancelOrder(CancelOrder)
});

/// Result of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EnvelopeAnswer {
    /// The request was done, and is durable.
    Accepted(#[serde(with = "crate::encoding::wire")] Accepted),
    /// The request was not done.
    Refused(#[serde(with = "crate::encoding::wire")] Refused),
}

crate::encoding::core_types::in_order!(0, 1);
as_serde!(EnvelopeAnswer);
#[cfg(feature = "schema")]
crate::encoding::schema::shaped_enum!(EnvelopeAnswer, {
    0 = Accepted(Accepted),
    1 = Refused(Refused)
});

impl From<EnvelopeCommand> for auction_core::Command {
    fn from(command: EnvelopeCommand) -> Self {
        match command {
            EnvelopeCommand::Bid(body) => body.into(),
            EnvelopeCommand::BidMaximum(body) => body.into(),
            EnvelopeCommand::PlaceOrder(body) => body.into(),
            EnvelopeCommand::ReplaceOrder(body) => body.into(),
            EnvelopeCommand::CancelOrder(body) => body.into(),
        }
    }
}

impl From<AddDevice> for auction_core::Command {
    fn from(body: AddDevice) -> Self {
        let AddDevice { key, label } = body;
        Self::AddDevice(auction_core::NewDevice { key, label }.into())
    }
}
