//! The wire and journal formats of the real-time stock auction: bytes and JSON, without I/O. `SPEC.md`
//! in this crate describes the same for authors of clients in other languages.
//!
//! # A connection
//! A client sends the [`PREFACE`]; then [frames](Frame) go both ways. A frame holds a [`Kind`], the number of
//! the request that it is or answers, and a body. [`encode_frame`] writes a frame, [`FrameDecoder`] finds frames in
//! bytes that arrive split anywhere. [`ClientMessage`] and [`ServerMessage`] contain all bodies; their fields are
//! values of `auction-core`, checked when they are read.
//!
//! ```
//! use auction_core::{Price, RequestId};
//! use auction_proto::{Code, FrameDecoder, Refused, ServerMessage, limits};
//!
//! // A server writes an answer,
//! let refused = Refused::new(Code::BID_TOO_LOW, "the least bid is 1.41");
//! let refused = refused.with_price(Price::parse("1.41")?);
//! let mut bytes = Vec::new();
//! ServerMessage::from(refused).encode(RequestId(7), &mut bytes);
//!
//! // and a client reads it in two pieces.
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
//! [`SnapshotPart::of_market`] and [`SnapshotAssembler`] transfer the current state of a market, [`Feed::of_commit`]
//! and [`Feed::apply_to`] the events after it.
//!
//! # The journal
//! [`encode_record`] and [`decode_records`] write and read the journal's [records](record): a part that everyone
//! may see, and a part that only the market sees. [`public_journal`] is the file that anyone can check.
//!
//! # JSON
//! Every message implements serde's traits. Its human-readable form suits JavaScript and Python programs: prices and
//! 64-bit numbers are strings, ids are numbers, bytes are hexadecimal digits. A connection can also use lines of JSON
//! for all messages: [`ClientMessage::decode_json`],
//! [`ServerMessage::encode_json`], [`LineDecoder`].
//!
//! # Schema
//! [`SCHEMA_JSON`] describes every message in both encodings, [`ASYNCAPI_JSON`] requests and their answers: both are
//! generated from the types (feature `schema`), for clients in other languages. `conformance/` contains messages and
//! feeds with their expected results.
//!
//! # Explained
//! [`explain::explain`] describes each range of a connection's bytes, and the place and reason of an error.
//!
//! # Strict
//! Input is not trusted. A length is checked before memory is allocated for it, lists and texts have limits, no type
//! is recursive, every value has one encoding, and a body must be read to its last byte. A [`List`] never has more
//! elements than the limit in its type.
//!
//! # The tower
//! The modules in reading order; each uses only those above it:
//!
//! | module | content |
//! |---|---|
//! | `encoding` | single values as bytes and JSON, among them the types of `auction-core` |
//! | `signature` | keys and signatures |
//! | `framing` | messages in a stream: binary frames, lines of JSON |
//! | `message` | all messages, snapshots and feeds |
//! | `journal` | [records](record), and the [public journal](public_journal) |
//! | `proof` | signed statements, [Merkle proofs](merkle), receipts, proofs of equivocation |
//! | `schema` | the documents that describe all messages |
//! | `arbitrary` | arbitrary messages and records, for tests |
//!
//! The bytes of a core type are defined in this crate (`encoding::core_types`), apart from the core's definition: the
//! compiler reports a difference between the two, and a change of the core never changes a byte. Numbers of kinds,
//! codes and variants are written explicitly and are permanent.
#![no_std]

extern crate alloc;

/// The core, whose types appear in the signatures of this crate.
pub use auction_core;

pub mod limits;
mod encoding;
mod signature;
mod framing;
mod message;
mod journal;
mod proof;
#[cfg(feature = "schema")]
pub mod schema;
#[cfg(feature = "proptest")]
pub mod arbitrary;

pub use encoding::body::Body;
pub use encoding::bytes::Bytes;
pub use encoding::code::{Code, Fault};
pub use encoding::kind::{Kind, Sender};
pub use encoding::list::{List, TooMany};
pub use encoding::secret::{Secret, SecretError, Token};
pub use encoding::text::{Text, TextError, disturbs_display};
pub use encoding::version::{VERSION, VERSION_OF_DAYS, VERSION_OLDEST, version_in_common};
pub use framing::frame::{Frame, FrameDecoder, FrameError, HEADER_BYTES, PREFACE, encode_frame};
pub use framing::lines::{LineDecoder, LineError};
pub use journal::chain::Chain;
pub use journal::public_journal::{
    PublicFrame, PublicJournalDecoder, PublicJournalError, PublicPart, append_opening,
    begin_public_journal, end_public_journal,
};
pub use journal::record::{
    Opening, Openings, PublicRecord, PublicRecords, RECORD_VERSION, RecordError, RecordedCommand,
    Records, SALT_BYTES, decode_openings, decode_public_records, decode_records, encode_record,
    has_private_part,
};
pub use journal::{public_journal, record};
pub use message::body::{
    Accepted, Account, AccountEntry, AccountFeed, Activity, ActivityBid, ActivityEntry, ActivityOf,
    ActivityPlace, AddDevice, AnswerStatement, Balance, BatchStatement, Bid, BidMaximum, CancelAll,
    CancelLot, CancelOrder, ChangePassword, Checkpoint, CheckpointStatement, CloseLot,
    CloseSession, DayOrders, DayTrade, DeadManOf, Deposit, Devices, Done, Envelope, EnvelopeAnswer,
    EnvelopeCommand, EnvelopeStatement, ExtendLot, Feed, FeedEntry, FilteredFeed, Follows,
    GetActivity, GetBalance, GetCheckpoint, GetHistory, GetLeastWinning, GetLots, GetMarketKey,
    GetOrders, GetPeers, GetReceipt, GetSealingKey, GetSnapshot, GetTrades, Goodbye, HaltAll,
    HaltLot, Heartbeat, Hello, History, HistoryBid, Indicative, LeastWinning, ListDevices,
    ListSessions, ListedDevice, ListedHolding, ListedSession, LoggedIn, Login, Logout, Lots,
    LotsOf, MarketKey, MovePhase, OfferPeer, OpenLot, Orders, PeerOffered, Peers, Ping,
    PlaceDayOrder, PlaceOrder, Pong, PublishProfit, Receipt, ReceiptOf, Refused, Register,
    ReinstateUser, ReplaceDayOrder, ReplaceOrder, Resume, ResumeAll, ResumeLot, ResumePoint,
    Resumed, Resync, ResyncBecause, SealedAnswer, SealingKey, SealingKeyStatement, Sessions,
    SetDeadMan, SetLimits, SignedBatch, SignedCheckpoint, SignedSnapshot, SnapshotBytes,
    SnapshotPart, SnapshotStatement, SnapshotUser, SuspendUser, Trades, Watch, WatchAccount,
    WatchSigned, WatchSymbols, Welcome, Withdraw,
};
pub use message::explain;
pub use message::feed::FeedError;
pub use message::json::{JsonError, encode_line};
#[cfg(feature = "seal")]
pub use message::seal;
pub use message::snapshot::{SnapshotAssembler, SnapshotError, SnapshotParts};
pub use message::{BodyError, ClientMessage, ServerMessage, decode_body};
pub use proof::equivocation::{
    AnySigned, AnyStatement, Conflict, EquivocationProof, NoEquivocation,
};
pub use proof::merkle;
pub use proof::receipt::{Proven, ReceiptError};
pub use proof::statement::{BatchBuilder, BatchError, StatementError, StatementHead};
pub use signature::{
    KeyFingerprint, KeyFingerprintError, PublicKey, Signature, SignatureError, SigningKey,
};

/// Specification of the protocol, to the byte: `SPEC.md`, in Markdown.
pub const SPEC_MD: &str = include_str!("../SPEC.md");
/// JSON Schema of all messages, in the form of lines: `schema/v1/schema.json`, which is generated from the types.
pub const SCHEMA_JSON: &str = include_str!("../schema/v1/schema.json");
/// AsyncAPI 3 document of the protocol's operations, which refers to [`SCHEMA_JSON`]: `schema/v1/asyncapi.json`.
pub const ASYNCAPI_JSON: &str = include_str!("../schema/v1/asyncapi.json");
