//! Bodies of messages: the bytes of a frame after kind and request number.

/// Defines structs whose fields are encoded in the order written; with a kind, they are bodies.
macro_rules! fields {
    ($(
        $(#[$doc:meta])*
        struct $name:ident $(= $kind:ident)? {
            $($(#[$field_doc:meta])* $field:ident: $of:ty,)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(with = "crate::encoding::wire")] pub $field: $of,)*
        }

        $crate::encoding::wire::as_serde!($name);
        #[cfg(feature = "schema")]
        $crate::encoding::schema::shaped_struct!(
            $name,
            $crate::message::body::definition!($name $($kind)?),
            $(#[$doc])* { $($(#[$field_doc])* $field: $of),* }
        );
        $(
            impl $crate::encoding::body::sealed::Sealed for $name {}

            impl $crate::encoding::body::Body for $name {
                const KIND: $crate::encoding::kind::Kind = $crate::encoding::kind::Kind::$kind;
            }
        )?
    )*};
}

/// Name of a struct's definition in the schema; a body is described within its message.
#[cfg(feature = "schema")]
macro_rules! definition {
    ($name:ident) => {
        Some(stringify!($name))
    };
    ($name:ident $kind:ident) => {
        None
    };
}
#[cfg(feature = "schema")]
pub(crate) use definition;

/// Defines enums without values: a number in the binary form, a name in JSON.
macro_rules! choice {
    (
        $(#[$doc:meta])*
        enum $name:ident { $($(#[$variant_doc:meta])* $number:literal = $variant:ident,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        $crate::encoding::core_types::in_order!($($number),*);
        $crate::encoding::wire::as_serde!($name);
        #[cfg(feature = "schema")]
        $crate::encoding::schema::shaped_enum!($name, $(#[$doc])* {
            $($(#[$variant_doc])* $number = $variant),*
        });
    };
}

mod connection;
mod session;
mod command;
mod lot;
mod order;
mod refused;
mod feed;
mod snapshot;
mod history;
mod account;
mod funds;
mod signed;
mod device;
mod peers;
mod activity;
mod lots;
mod day;

pub use account::{Account, AccountEntry, AccountFeed, DeadManOf, SetDeadMan, WatchAccount};
pub use activity::{Activity, ActivityBid, ActivityEntry, ActivityOf, ActivityPlace, GetActivity};
pub use command::{Accepted, Bid, BidMaximum, Done, ExtendLot, OpenLot, PublishProfit};
pub use connection::{Goodbye, Heartbeat, Hello, Ping, Pong, Welcome};
pub use day::{
    CancelAll, DayOrders, DayTrade, GetTrades, HaltAll, MovePhase, PlaceDayOrder, ReplaceDayOrder,
    ResumeAll, SetLimits, Trades,
};
pub use device::{
    AddDevice, AnswerStatement, Devices, Envelope, EnvelopeAnswer, EnvelopeCommand,
    EnvelopeStatement, GetSealingKey, ListDevices, ListedDevice, SealedAnswer, SealingKey,
    SealingKeyStatement,
};
pub use feed::{
    Feed, FeedEntry, FilteredFeed, Indicative, ResumePoint, Resumed, Resync, ResyncBecause, Watch,
    WatchSymbols,
};
pub use funds::{Balance, Deposit, GetBalance, ListedHolding, Withdraw};
pub use history::{GetHistory, History, HistoryBid};
pub use lot::{CancelLot, CloseLot, HaltLot, ReinstateUser, ResumeLot, SuspendUser};
pub use lots::{GetLots, Lots, LotsOf};
pub use order::{
    CancelOrder, GetLeastWinning, GetOrders, LeastWinning, Orders, PlaceOrder, ReplaceOrder,
};
pub use peers::{GetPeers, OfferPeer, PeerOffered, Peers};
pub use refused::Refused;
pub use session::{
    ChangePassword, CloseSession, ListSessions, ListedSession, LoggedIn, Login, Logout, Register,
    Resume, Sessions,
};
pub use signed::{
    BatchStatement, Checkpoint, CheckpointStatement, GetCheckpoint, GetMarketKey, GetReceipt,
    MarketKey, Receipt, ReceiptOf, SignedBatch, SignedCheckpoint, SignedSnapshot, SnapshotBytes,
    SnapshotStatement, WatchSigned,
};
pub use snapshot::{Follows, GetSnapshot, SnapshotPart, SnapshotUser};
