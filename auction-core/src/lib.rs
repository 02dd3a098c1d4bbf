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
//! The modules in reading order, none of which uses a later one: values that cannot be invalid (money, time,
//! symbols, ids), the rules' arithmetic, what can be asked and what is decided (command, event, record, reject), lots
//! with one file a format, users and sessions, the public market and its digest, and the engine on top.
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
mod money;
mod time;
mod symbol;
mod id;
mod rules;
mod random_end;
pub mod clearing;
mod command;
mod event;
mod record;
mod reject;
mod ledger;
mod lot;
mod roster;
mod directory;
mod digest;
mod market;
mod deadlines;
mod engine;
mod account;
pub mod audit;
mod snapshot;
pub mod manual;

pub use account::{AccountEvent, Accounts};
pub use clearing::allocation::MarginalPriority;
pub use clearing::call::{Collar, Indicative, LadderStep, Quote, Side};
pub use clearing::sealed::SealedPricing;
pub use clearing::uniform::UniformPricing;
pub use command::{
    AccountMode, Actor, Asset, BookShown, CallTerms, Caller, Command, Credential, DeviceKey,
    DutchTerms, EnglishTerms, Listing, NewDevice, NewSession, OpenLot, Registration, Role,
    SealedTerms, Terms, TokenHash, UniformTerms,
};
pub use digest::Digest;
pub use directory::{Stock, User};
pub use engine::{Difference, Engine, Executed, ReplayError};
pub use event::{
    AllocatedBy, BidAccepted, Candidates, Event, Events, ExtensionCause, LotOpened, NoCrossBecause,
    OpenedBid, Outcome, PrivateEvent, PublicEvent, ReserveStatus, SoldBy, UnsoldBecause,
};
pub use id::{
    FeedSequence, LotId, MarketId, OrderId, RequestId, Sequence, SessionId, Term, UserId,
};
pub use ledger::{AuditError, Balance, Holding, House, Issue, Ledger};
pub use lot::{
    Book, BookDepth, CallBook, DutchBook, EnglishBook, LeastWinning, Lot, OrderState, OwnOrder,
    Phase, SealedBook, StandingLead, StandingOrder, Taken, UniformBook,
};
pub use market::{FoldError, Market, MarketParts};
pub use money::{Amount, MoneyError, Price, Profit, Quantity, QuantityError, UNITS_PER_CURRENCY};
pub use random_end::{EndCommitment, RandomEnd, Seed};
pub use record::{BidReply, Record, Reply};
pub use reject::{Countable, Reject, TermsError};
pub use roster::{DeadMan, Roster, Session, Speaker};
pub use rules::{
    ParseStepsError, RULES_VERSION, SoftClose, SoftCloseMode, StepBand, Steps, StepsError,
};
pub use snapshot::{SNAPSHOT_VERSION, Snapshot};
pub use symbol::{Name, NameError, SecurityCode, Symbol};
pub use time::{ParseSpanError, Span, Timestamp};

/// How many cases a property of a unit test tries; miri is some thousand times slower.
#[cfg(test)]
fn property_config() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}
