//! The wire and journal formats of the real-time stock auction: bytes and JSON, and nothing that waits. `SPEC.md`
//! beside this crate is the same for those who write a client in another language.
//!
//! # A connection
//! A client sends the [`PREFACE`]; then [frames](Frame) go both ways. A frame holds a [`Kind`], the number of
//! the request that it is or answers, and a body. [`encode_frame`] writes one, [`FrameDecoder`] finds them in
//! bytes that come split anywhere. [`ClientMessage`] and [`ServerMessage`] are all bodies there are; their
//! fields are values of `auction-core`, checked when they are read.
//!
//! ```
//! use auction_core::{Price, RequestId};
//! use auction_proto::{Code, FrameDecoder, Refused, ServerMessage, limits};
//!
//! // What a server says,
//! let refused = Refused::new(Code::BID_TOO_LOW, "the least bid is 1.41");
//! let refused = refused.with_price(Price::parse("1.41")?);
//! let mut bytes = Vec::new();
//! ServerMessage::from(refused).encode(RequestId(7), &mut bytes);
//!
//! // and how a client reads it, in two pieces.
//! let mut decoder = FrameDecoder::new(limits::FRAME_BYTES_MAX);
//! let (mut first, mut second) = bytes.split_at(9);
//! assert!(decoder.next_frame(&mut first)?.is_none());
//! let frame = decoder.next_frame(&mut second)?.expect("the rest has come");
//! assert_eq!(frame.request, RequestId(7));
//! match ServerMessage::decode(frame.kind, frame.body)? {
//!     ServerMessage::Refused(refused) => {
//!         assert_eq!(refused.code, Code::BID_TOO_LOW);
//!         assert_eq!(refused.price, Some(Price::parse("1.41")?));
//!     }
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A market over the wire
//! [`SnapshotPart::of_market`] and [`SnapshotAssembler`] carry a market as it stands, [`Feed::of_commit`] and
//! [`Feed::apply_to`] what happens in it from there on.
//!
//! # The journal
//! [`encode_record`] and [`decode_records`] are the bytes of the journal's [records](record): a part that
//! everyone may see, and a part that only the market sees. [`public_journal`] is the file that anyone can check.
//!
//! # JSON
//! Every message implements serde's traits, and in a human-readable format it stands as a JavaScript or Python
//! program can read it: prices and 64-bit numbers as strings, ids as numbers, bytes as hexadecimal digits. The
//! same conversation can be held in lines of JSON: [`ClientMessage::decode_json`],
//! [`ServerMessage::encode_json`], [`LineDecoder`].
//!
//! # Schema
//! [`SCHEMA_JSON`] describes every message in both encodings, [`ASYNCAPI_JSON`] what answers what: both are made
//! from the types (feature `schema`), for clients in other languages. `conformance/` holds messages and feeds with
//! what must come of them.
//!
//! # Explained
//! [`explain::explain`] says of each stretch of a connection's bytes what it is, and where and how they are wrong.
//!
//! # Strict
//! Bytes come from strangers. A length is checked before anything is taken for it, a list and a text have
//! limits, no type is recursive, every value has one encoding, and what was read is the whole body. A type
//! that says it is a [`List`] of at most so many can be trusted to be.
//!
//! # Where the forms stand
//! How a core type lies in bytes is written in a *form* of this crate, beside the core's definition: the
//! compiler objects when they come apart, and a change of the core never changes a byte. Numbers of kinds,
//! codes and variants are written down and permanent.
#![no_std]

extern crate alloc;

pub mod limits;
mod version;
mod kind;
mod wire;
mod code;
mod list;
mod text;
mod bytes;
mod secret;
mod signature;
#[cfg(feature = "schema")]
mod shape;
mod form;
mod body;
mod codec;
mod frame;
mod lines;
mod json;
mod message;
pub mod explain;
mod feed;
mod snapshot;
mod chain;
pub mod record;
pub mod public_journal;
mod statement;
pub mod merkle;
mod receipt;
mod fraud;
#[cfg(feature = "seal")]
pub mod seal;
#[cfg(feature = "schema")]
pub mod schema;
#[cfg(feature = "proptest")]
pub mod strategies;

pub use body::{
    Accepted, Account, AccountEntry, AccountFeed, Activity, ActivityBid, ActivityEntry, ActivityOf,
    ActivityPlace, AddDevice, AnswerStatement, Balance, BatchStatement, Bid, BidMaximum, Body,
    CancelLot, CancelOrder, Checkpoint, CheckpointStatement, CloseLot, CloseSession, DeadManOf,
    Deposit, Devices, Done, Envelope, EnvelopeAnswer, EnvelopeCommand, EnvelopeStatement,
    ExtendLot, Feed, FeedEntry, FilteredFeed, Follows, GetActivity, GetBalance, GetCheckpoint,
    GetHistory, GetLeastWinning, GetMarketKey, GetOrders, GetPeers, GetReceipt, GetSealingKey,
    GetSnapshot, Goodbye, HaltLot, Heartbeat, Hello, History, HistoryBid, Indicative, LeastWinning,
    ListDevices, ListSessions, ListedDevice, ListedHolding, ListedSession, LoggedIn, Login, Logout,
    MarketKey, OfferPeer, OpenLot, Orders, PeerOffered, Peers, Ping, PlaceOrder, Pong,
    PublishProfit, Receipt, ReceiptOf, Refused, Register, ReinstateUser, ReplaceOrder, Resume,
    ResumeLot, ResumePoint, Resumed, Resync, ResyncBecause, SealedAnswer, SealingKey,
    SealingKeyStatement, Sessions, SetDeadMan, SignedBatch, SignedCheckpoint, SignedSnapshot,
    SnapshotBytes, SnapshotPart, SnapshotStatement, SnapshotUser, SuspendUser, Watch, WatchAccount,
    WatchSigned, WatchSymbols, Welcome, Withdraw,
};
pub use bytes::Bytes;
pub use chain::Chain;
pub use code::{Code, Fault};
pub use feed::FeedError;
pub use frame::{Frame, FrameDecoder, FrameError, HEADER_BYTES, PREFACE, encode_frame};
pub use fraud::{AnySigned, AnyStatement, Conflict, FraudProof, NoFraud};
pub use json::{JsonError, encode_line};
pub use kind::{Kind, Sender};
pub use lines::{LineDecoder, LineError};
pub use list::{List, TooMany};
pub use message::{BodyError, ClientMessage, ServerMessage, decode_body};
pub use public_journal::{
    PublicFrame, PublicJournalDecoder, PublicJournalError, PublicPart, append_opening,
    begin_public_journal, end_public_journal,
};
pub use receipt::{Proven, ReceiptError};
pub use record::{
    Asked, Opening, Openings, PublicRecord, PublicRecords, RECORD_VERSION, RecordError, Records,
    SALT_BYTES, decode_openings, decode_public_records, decode_records, encode_record,
    has_private_part,
};
pub use secret::{Secret, SecretError, Token};
pub use signature::{
    KeyFingerprint, KeyFingerprintError, PublicKey, Signature, SignatureError, SigningKey,
};
pub use snapshot::{SnapshotAssembler, SnapshotError, SnapshotParts};
pub use statement::{BatchBuilder, BatchError, StatementError, StatementHead};
pub use text::{Text, TextError};
pub use version::{VERSION, VERSION_OLDEST, version_in_common};

/// How programs talk to the auction, to the byte: `SPEC.md`, in Markdown.
pub const SPEC_MD: &str = include_str!("../SPEC.md");
/// All messages as JSON Schema, in the form of lines: `schema/v1/schema.json`, which is made from the types.
pub const SCHEMA_JSON: &str = include_str!("../schema/v1/schema.json");
/// The conversations of the protocol as AsyncAPI 3, beside [`SCHEMA_JSON`]: `schema/v1/asyncapi.json`.
pub const ASYNCAPI_JSON: &str = include_str!("../schema/v1/asyncapi.json");
