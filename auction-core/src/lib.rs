//! The stock auction itself: rules, records and the public market, without IO.
//!
//! ```
//! # mod beginning { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/opening.rs")); }
//! # use beginning::opening;
//! use auction_core::{Caller, Command, Engine, LotId, MarketId, Price, Timestamp, UserId};
//!
//! let mut engine = Engine::new(MarketId([7; 16]));
//! for command in opening() { // a stock, traders, a lot that closes after 300 s
//!     engine.execute(Timestamp::from_secs(0), Caller::Operator, command)?;
//! }
//! let bid = Command::Bid { lot: LotId(1), price: Price::parse("1.40")? };
//! engine.execute(Timestamp::from_secs(1), Caller::User(UserId(1)), bid)?;
//! engine.advance(Timestamp::from_secs(300), || [7; 32]); // what is due closes
//! println!("{:?}", engine.market().lot(LotId(1)).unwrap().outcome());
//! # assert!(engine.market().lot(LotId(1)).unwrap().outcome().is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The engine is pure: time comes in as an argument, and what goes out is a [`Record`] of each decision. Write
//! the records to a journal, and the journal gives the same market again, to the last bit, anywhere: the crate
//! is `no_std` (with `alloc`), has no floats, threads, clocks or randomness, and runs in a browser too.
//!
//! Read on in the [manual]; [`manual::embed`] shows the loop that a program puts around the engine. The
//! examples `embed` and `replay` are whole programs.
//!
//! # The tower
//! The rooms in reading order; each uses only those above it:
//!
//! | room | holds |
//! |---|---|
//! | `types` | values that cannot be invalid: money, time, symbols, ids |
//! | [`clearing`] | the arithmetic of each format: who gets how much, at which price |
//! | `model` | commands, rejections, events and records, and the terms of lots |
//! | `account` | the ledger of cash and shares, sessions, and each user's view of their account |
//! | `lot` | lots, with one file a format |
//! | `market` | the public market, a fold of public events, and its digest |
//! | `engine` | decides commands, applies records, replays and verifies |
//! | [`audit`] | checks a journal whose private parts are hidden |
//!
//! # Features
//! - `serde`: [`Snapshot`] and what it is made of can be written and read. The form is the engine's own and
//!   not for keeping.
//!
//! The minimum supported Rust version is 1.89.
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
pub use account::standing::{StandingLead, StandingOrder};
pub use account::view::{AccountEvent, Accounts};
pub use clearing::allocation::MarginalPriority;
pub use clearing::call::{Collar, Indicative, LadderStep, Quote, Side};
pub use clearing::sealed::SealedPricing;
pub use clearing::uniform::UniformPricing;
pub use engine::snapshot::{SNAPSHOT_VERSION, Snapshot};
pub use engine::{Difference, Engine, Executed, ReplayError};
pub use lot::{
    Book, BookDepth, CallBook, DutchBook, EnglishBook, Lot, OrderState, OwnOrder, Phase,
    SealedBook, Taken, UniformBook, WinningThreshold,
};
pub use market::digest::Digest;
pub use market::{FoldError, Market, MarketParts};
pub use model::command::{
    AccountMode, Actor, Asset, BookShown, CallTerms, Caller, Command, Credential, DeviceKey,
    DutchTerms, EnglishTerms, Listing, NewDevice, NewSession, OpenLot, Registration, Role,
    SealedTerms, Terms, TokenHash, UniformTerms,
};
pub use model::event::{
    AllocatedBy, BidAccepted, Candidates, Event, Events, ExtensionCause, LotOpened, NoCrossBecause,
    OpenedBid, Outcome, PrivateEvent, PublicEvent, ReserveStatus, SoldBy, UnsoldBecause,
};
pub use model::listing::{Stock, User};
pub use model::random_end::{EndCommitment, RandomEnd, Seed};
pub use model::record::{BidReply, Record, Reply};
pub use model::reject::{Countable, Reject, TermsError};
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
pub use types::time::{Span, Timestamp};

/// How many cases a property of a unit test tries; miri is some thousand times slower.
#[cfg(test)]
fn property_config() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}
