//! The wire and journal formats of the real-time stock auction: bytes and JSON, and nothing that waits.
//!
//! A connection begins with the [`PREFACE`]; then [frames](Frame) go both ways: [`encode_frame`] writes one,
//! [`FrameDecoder`] finds them in bytes split anywhere. A frame holds a [`Kind`], the number of the request
//! that it is or answers, and a body: [`ClientMessage`] and [`ServerMessage`] are all there are. Their fields
//! are the core's values, checked when they are read. The same messages travel as lines of JSON:
//! [`ClientMessage::decode_json`], [`ServerMessage::encode_json`], [`LineDecoder`].
//!
//! [`SnapshotPart::of_market`] and [`SnapshotAssembler`] carry a market over the wire, [`Feed::of_commit`] and
//! [`Feed::apply_to`] what happens in it. [`encode_record`] and [`decode_records`] are the journal's bytes.
#![no_std]

extern crate alloc;

pub mod limits;
mod kind;
mod wire;
mod code;
mod list;
mod text;
mod secret;
mod form;
mod body;
mod codec;
mod frame;
mod lines;
mod json;
mod message;
mod feed;
mod snapshot;
pub mod record;
#[cfg(feature = "proptest")]
pub mod strategies;

pub use body::{
    Accepted, Bid, BidMaximum, Body, CloseSession, Done, ExtendLot, Feed, FeedEntry, FilteredFeed,
    Follows, GetHistory, GetSnapshot, Goodbye, Heartbeat, Hello, History, HistoryBid, ListSessions,
    ListedSession, LoggedIn, Login, Logout, OpenLot, Ping, Pong, PublishProfit, Refused, Register,
    Resume, ResumePoint, Resumed, Resync, ResyncBecause, Sessions, SnapshotPart, SnapshotUser,
    Watch, WatchSymbols, Welcome,
};
pub use code::{Code, Fault};
pub use feed::FeedError;
pub use frame::{Frame, FrameDecoder, FrameError, HEADER_BYTES, PREFACE, encode_frame};
pub use json::{JsonError, encode_line};
pub use kind::{Kind, Sender};
pub use lines::{LineDecoder, LineError};
pub use list::{List, TooMany};
pub use message::{BodyError, ClientMessage, ServerMessage, decode_body};
pub use record::{
    Asked, PublicRecord, PublicRecords, RECORD_VERSION, RecordError, Records, SALT_BYTES,
    decode_public_records, decode_records, encode_record,
};
pub use secret::{Secret, SecretError, Token};
pub use snapshot::{SnapshotAssembler, SnapshotError, SnapshotParts};
pub use text::{Text, TextError};

/// The version of the protocol that this crate speaks.
pub const VERSION: u16 = 1;
