//! The stock auction itself: rules, records and the public market, without IO.
//!
//! ```
//! use auction_core::{
//!     Caller, Command, Engine, EnglishTerms, Listing, LotId, MarketId, OpenLot, Quantity, Registration,
//!     Timestamp, UserId,
//! };
//!
//! let (mut engine, mut journal, seed) = (Engine::new(MarketId([7; 16])), Vec::new(), || [7; 32]);
//! let mut turn = engine.turn(Timestamp::from_secs(0), seed, &mut journal);
//! turn.execute(Caller::Operator, Listing::new("AAPL".parse()?, "01954".parse()?, "1.00".parse()?))?;
//! turn.execute(Caller::Operator, Registration::trader("mia".parse()?))?;
//! let closes_at = Timestamp::from_secs(300);
//! let lot = OpenLot::new("AAPL".parse()?, Quantity::ONE, closes_at, EnglishTerms::default());
//! turn.execute(Caller::Operator, lot)?;
//! let mut turn = engine.turn(Timestamp::from_secs(1), seed, &mut journal);
//! turn.execute(Caller::User(UserId(1)), Command::Bid { lot: LotId(1), price: "1.40".parse()? })?;
//! engine.turn(closes_at, seed, &mut journal); // what is due closes
//! println!("{:?}", engine.market().lot(LotId(1)).unwrap().outcome());
//! # assert!(engine.market().lot(LotId(1)).unwrap().outcome().unwrap() != auction_core::Outcome::Unsold {
//! #     because: auction_core::UnsoldBecause::NoBids, highest: None });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The engine is pure: time is an argument, and the output is a [`Record`] of each decision. Write the records to a
//! journal; replaying it gives the same market again, bit for bit, on any machine: the crate is `no_std` (with
//! `alloc`), has no floats, threads, clocks or randomness, and runs in a browser too.
//!
//! The [manual] explains more; [`manual::embed`] shows the loop that a program runs around the engine. The examples
//! `embed` and `replay` are complete programs.
//!
//! # Modules
//! In reading order; each module uses only those above it:
//!
//! | module | content |
//! |---|---|
//! | `types` | values that cannot be invalid: money, time, symbols, ids |
//! | [`clearing`] | the arithmetic of each format: prices and fills |
//! | `model` | commands, rejections, events and records, and the terms of lots |
//! | `account` | the ledger of cash and shares, sessions, and each user's view of their account |
//! | `lot` | lots, with one file a format |
//! | `market` | the public market, a fold of public events, and its digest |
//! | `engine` | decides commands, applies records, replays and verifies |
//! | [`audit`] | checks a journal whose private parts are hidden |
//!
//! # Features
//! - `serde`: [`Snapshot`] and its parts can be serialized. The form is private to the engine and
//!   not meant for long-term storage.
//!
//! The minimum supported Rust version is 1.89.
//!
//! # Versions
//! Types that a later version of the rules extends are matched without a wildcard on purpose: a new variant of
//! [`Terms`], [`Book`], [`Outcome`], [`Command`], [`PublicEvent`] or [`Reject`] changes what a market means, and a
//! program that shows or stores markets must say what it does with it. Such a variant comes with a new minor version
//! before 1.0, and with a new major version after. An enum of mere names or labels is `#[non_exhaustive]`: [`Format`].
//! Raising the minimum supported Rust version is a minor change.
//!
//! # Tests under miri
//! `cargo +nightly miri test -p auction-core --lib --test english` takes a minute; `--test market` adds the
//! random markets, few and short under miri, and takes another.
#![no_std]

extern crate alloc;

pub mod limits;
mod types;
pub mod clearing;
mod model;
mod account;
mod lot;
mod market;
mod engine;
pub mod audit;
pub mod manual;

pub use account::ledger::{AuditError, Balance, Holding, House, Issue, Ledger};
pub use account::sessions::{DeadMan, Session, Sessions, Speaker};
pub use account::standing::{StandingDayOrder, StandingLead, StandingOrder};
pub use account::view::{AccountEvent, Accounts};
pub use clearing::allocation::MarginalPriority;
pub use clearing::book::SelfTrade;
pub use clearing::call::{Collar, Indicative, LadderStep, ParseSideError, Quote, Side};
pub use clearing::sealed::SealedPricing;
pub use clearing::uniform::UniformPricing;
pub use engine::snapshot::{SNAPSHOT_VERSION, Snapshot};
pub use engine::{Difference, Engine, Executed, ReplayError, Turn};
pub use lot::{
    Book, BookDepth, CallBook, DayBook, DutchBook, EnglishBook, Lot, OrderState, OwnOrder, Phase,
    SealedBook, ShownLevel, ShownOrder, ShownOrders, ShownTotals, Taken, UniformBook,
    WinningThreshold,
};
pub use market::digest::Digest;
pub use market::{FoldError, Market, MarketParts};
pub use model::call_terms::{BookShown, CallTerms};
pub use model::command::{
    Access, AccountMode, Actor, Asset, Caller, Command, Credential, CredentialChange, DeviceKey,
    DutchTerms, EnglishTerms, Listing, NewDevice, NewSession, OpenLot, Registration, Role,
    SealedTerms, Terms, TokenHash, UniformTerms,
};
pub use model::day::{
    CorridorKind, DayHaltCause, DayOrder, DayOrderState, DayPhase, DayReply, DayRest,
    DayStatistics, DayTerms, FillRole, LapseReason, OrderKind, OrderKinds, OwnDayOrder,
    ScheduleError, ScheduledPhase, TimeInForce, TraderLimit, TraderLimits,
};
pub use model::event::{
    AllocatedBy, BidAccepted, Candidates, Event, Events, ExtensionCause, LotOpened, NoCrossBecause,
    OpenedBid, Outcome, PhaseBegan, PrivateEvent, PublicEvent, ReserveStatus, SoldBy,
    UnsoldBecause,
};
pub use model::format::{Format, ParseFormatError};
pub use model::listing::{Stock, User};
pub use model::random_end::{EndCommitment, RandomEnd, Seed};
pub use model::record::{BidReply, Record, Reply};
pub use model::reject::{Countable, Reject, TermsError};
pub use model::schedule::{ParseScheduleError, Schedule};
pub use model::steps::{
    ParseStepsError, RULES_VERSION, SoftClose, SoftCloseMode, StepBand, Steps, StepsError,
};
pub use types::id::{
    FeedSequence, LotId, MarketId, OrderId, RequestId, Sequence, SessionId, Term, UserId,
};
pub use types::money::{
    Amount, MoneyError, Price, Profit, Quantity, QuantityError, UNITS_PER_CURRENCY,
};
pub use types::symbol::{Name, NameError, SecurityCode, Symbol};
pub use types::time::{ParseSpanError, Span, TimeError, Timestamp};

/// Compiles the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Returns the number of cases for a property of a unit test; miri is about a thousand times slower.
#[cfg(test)]
fn property_config() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}
