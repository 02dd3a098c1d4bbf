//! Messages of each side as one type.

pub(crate) mod body;
pub(crate) mod json;
pub mod explain;
pub(crate) mod feed;
pub(crate) mod snapshot;
#[cfg(feature = "seal")]
pub mod seal;

use alloc::vec::Vec;

use auction_core::{Command, RequestId, SessionId};
use serde::de::{Error as _, MapAccess};
use serde::{Deserialize, Serialize};

use crate::encoding::body::Body;
use crate::encoding::codec::{self, Stopped};
use crate::encoding::kind::Kind;
use crate::encoding::wire::Own;
use crate::framing::frame::encode_frame;
use crate::message::body::{
    Accepted, Account, AccountFeed, Activity, AddDevice, Balance, Bid, BidMaximum, CancelAll,
    CancelLot, CancelOrder, ChangePassword, CloseLot, CloseSession, DayOrders, Deposit, Devices,
    Envelope, ExtendLot, Feed, FilteredFeed, GetActivity, GetBalance, GetCheckpoint, GetHistory,
    GetLeastWinning, GetLots, GetMarketKey, GetOrders, GetPeers, GetReceipt, GetSealingKey,
    GetSnapshot, GetTrades, Goodbye, HaltAll, HaltLot, Heartbeat, Hello, History, Indicative,
    LeastWinning, ListDevices, ListSessions, LoggedIn, Login, Logout, Lots, MarketKey, MovePhase,
    OfferPeer, OpenLot, Orders, PeerOffered, Peers, Ping, PlaceDayOrder, PlaceOrder, Pong,
    PublishProfit, Receipt, Refused, Register, ReinstateUser, ReplaceDayOrder, ReplaceOrder,
    Resume, ResumeAll, ResumeLot, Resumed, Resync, SealedAnswer, SealingKey, Sessions, SetDeadMan,
    SetLimits, SignedBatch, SignedCheckpoint, SignedSnapshot, SnapshotBytes, SnapshotPart,
    SuspendUser, Trades, Watch, WatchAccount, WatchSigned, WatchSymbols, Welcome, Withdraw,
};
use crate::message::json::{JsonError, Kinds, decode_line, encode_line};

/// Reason why a body is not a valid message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The kind is not known, or not sent by this side. The frame can be skipped.
    #[error("{0} is not known here")]
    UnknownKind(Kind),
    /// The bytes are not a body of the kind: too few, too many, out of range, or not in their only encoding.
    #[error(
        "the body of {0} is malformed: its bytes end early, go on too long, or hold a value out of range"
    )]
    Malformed(Kind),
}

macro_rules! messages {
    ($($(#[$doc:meta])* enum $message:ident { $($body:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $message {
            $(#[doc = concat!("See [`", stringify!($body), "`](crate::", stringify!($body), ").")] $body($body),)*
        }

        impl $message {
            /// Reads the body of a kind.
            ///
            /// # Errors
            /// [`BodyError`] when this side does not send the kind, or the bytes are not a body of it.
            pub fn decode(kind: Kind, body: &[u8]) -> Result<Self, BodyError> {
                match kind {
                    $(<$body as Body>::KIND => decode_body(body).map(Self::$body),)*
                    _ => Err(BodyError::UnknownKind(kind)),
                }
            }

            /// Returns position and reason of a failed read; `None` when the bytes are a valid body, or when this
            /// side does not send the kind.
            pub(crate) fn stopped(kind: Kind, body: &[u8]) -> Option<Stopped> {
                match kind {
                    $(<$body as Body>::KIND => codec::read_or_stop::<$body>(body).err(),)*
                    _ => None,
                }
            }

            /// The kind.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$body(_) => <$body as Body>::KIND,)*
                }
            }

            /// Appends the message as a line of JSON, with its request number.
            pub fn encode_json(&self, request: RequestId, out: &mut Vec<u8>) {
                match self {
                    $(Self::$body(body) => encode_line(request, body, out),)*
                }
            }

            /// Reads a message and its request number from a line of JSON.
            ///
            /// # Errors
            /// [`JsonError`] names the field that is wrong.
            pub fn decode_json(line: &[u8]) -> Result<(RequestId, Self), JsonError> {
                decode_line(line)
            }

            /// Appends the frame of the message.
            pub fn encode(&self, request: RequestId, out: &mut Vec<u8>) {
                match self {
                    $(Self::$body(body) => encode_frame(request, body, out),)*
                }
            }
        }

        #[cfg(feature = "schema")]
        impl $message {
            /// Returns each kind of this side, and the schema of its body.
            pub(crate) fn shapes(generator: &mut schemars::SchemaGenerator) -> Vec<(Kind, schemars::Schema)> {
                alloc::vec![$((<$body as Body>::KIND, <$body as crate::encoding::schema::Shaped>::shape(generator))),*]
            }
        }

        impl Kinds for $message {
            fn has(kind: Kind) -> bool {
                matches!(kind, $(<$body as Body>::KIND)|*)
            }

            fn from_entry<'de, A: MapAccess<'de>>(kind: Kind, entries: &mut A) -> Result<Self, A::Error> {
                match kind {
                    $(<$body as Body>::KIND => entries.next_value::<Own<$body>>().map(|own| Self::$body(own.0)),)*
                    _ => Err(A::Error::custom("is not sent by this side")),
                }
            }
        }

        $(impl From<$body> for $message {
            fn from(body: $body) -> Self {
                Self::$body(body)
            }
        })*
    )*};
}

messages! {
    /// A message of a client.
    enum ClientMessage {
        Hello,
        Register,
        Login,
        Resume,
        Logout,
        ListSessions,
        CloseSession,
        Bid,
        BidMaximum,
        PublishProfit,
        OpenLot,
        ExtendLot,
        Watch,
        GetSnapshot,
        GetHistory,
        Ping,
        WatchSymbols,
        CloseLot,
        CancelLot,
        HaltLot,
        ResumeLot,
        SuspendUser,
        ReinstateUser,
        PlaceOrder,
        ReplaceOrder,
        CancelOrder,
        GetLeastWinning,
        WatchAccount,
        SetDeadMan,
        Deposit,
        Withdraw,
        GetBalance,
        GetOrders,
        GetMarketKey,
        WatchSigned,
        GetCheckpoint,
        GetReceipt,
        AddDevice,
        ListDevices,
        GetSealingKey,
        Envelope,
        OfferPeer,
        GetPeers,
        GetActivity,
    CancelAll, ChangePassword, GetLots, GetTrades, HaltAll, MovePhase, PlaceDayOrder, ReplaceDayOrder, ResumeAll, SetLimits,
    }

    /// A message of a server.
    enum ServerMessage {
        Welcome,
        Refused,
        Accepted,
        LoggedIn,
        Sessions,
        SnapshotPart,
        Resumed,
        Feed,
        Heartbeat,
        Pong,
        History,
        Goodbye,
        FilteredFeed,
        Resync,
        LeastWinning,
        Account,
        AccountFeed,
        Balance,
        Orders,
        Indicative,
        MarketKey,
        SignedBatch,
        SignedSnapshot,
        SnapshotBytes,
        SignedCheckpoint,
        Receipt,
        Devices,
        SealingKey,
        SealedAnswer,
        PeerOffered,
        Peers,
        Activity,
    DayOrders, Lots, Trades,
    }
}

impl ClientMessage {
    /// Returns the command in this message of a session; `None` for a message that is not a command.
    #[must_use]
    pub fn into_command(self, session: SessionId) -> Option<Command> {
        match self {
            Self::Logout(_) => Some(Command::CloseSession { session }),
            Self::CloseSession(body) => Some(body.into()),
            Self::Bid(body) => Some(body.into()),
            Self::BidMaximum(body) => Some(body.into()),
            Self::PublishProfit(body) => Some(body.into()),
            Self::OpenLot(body) => Some(body.into()),
            Self::ExtendLot(body) => Some(body.into()),
            Self::CloseLot(body) => Some(body.into()),
            Self::CancelLot(body) => Some(body.into()),
            Self::HaltLot(body) => Some(body.into()),
            Self::ResumeLot(body) => Some(body.into()),
            Self::SuspendUser(body) => Some(body.into()),
            Self::ReinstateUser(body) => Some(body.into()),
            Self::PlaceOrder(body) => Some(body.into()),
            Self::ReplaceOrder(body) => Some(body.into()),
            Self::CancelOrder(body) => Some(body.into()),
            Self::SetDeadMan(SetDeadMan { grace }) => Some(Command::SetDeadMan { session, grace }),
            Self::Deposit(body) => Some(body.into()),
            Self::Withdraw(body) => Some(body.into()),
            Self::AddDevice(body) => Some(body.into()),
            Self::PlaceDayOrder(body) => Some(body.into()),
            Self::ReplaceDayOrder(body) => Some(body.into()),
            Self::CancelAll(body) => Some(body.into()),
            Self::MovePhase(body) => Some(body.into()),
            Self::HaltAll(body) => Some(body.into()),
            Self::ResumeAll(body) => Some(body.into()),
            Self::SetLimits(body) => Some(body.into()),
            Self::Hello(_)
            | Self::ChangePassword(_)
            | Self::Register(_)
            | Self::Login(_)
            | Self::Resume(_)
            | Self::ListSessions(_)
            | Self::Watch(_)
            | Self::WatchSymbols(_)
            | Self::GetLeastWinning(_)
            | Self::WatchAccount(_)
            | Self::GetBalance(_)
            | Self::GetOrders(_)
            | Self::GetSnapshot(_)
            | Self::GetHistory(_)
            | Self::GetMarketKey(_)
            | Self::WatchSigned(_)
            | Self::GetCheckpoint(_)
            | Self::GetReceipt(_)
            | Self::ListDevices(_)
            | Self::GetSealingKey(_)
            | Self::Envelope(_)
            | Self::OfferPeer(_)
            | Self::GetPeers(_)
            | Self::GetActivity(_)
            | Self::GetLots(_)
            | Self::GetTrades(_)
            | Self::Ping(_) => None,
        }
    }
}

/// Reads the body of a kind that the caller knows.
///
/// # Errors
/// [`BodyError::Malformed`] when the bytes are not a body of this kind.
pub fn decode_body<B: Body>(body: &[u8]) -> Result<B, BodyError> {
    codec::read(body).map_err(|_| BodyError::Malformed(B::KIND))
}
