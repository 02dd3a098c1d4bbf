//! auction-core
#![no_std]

extern crate alloc;

pub mod limits;
mod money;
mod time;
mod symbol;
mod id;
mod rules;
pub mod clearing;
mod command;
mod event;
mod reject;
mod lot;
mod roster;
mod directory;
mod digest;
mod market;
mod deadlines;
mod engine;
mod snapshot;

pub use command::{
    Actor, Caller, Command, Credential, EnglishTerms, Listing, NewSession, OpenLot, Registration,
    Role, Terms, TokenHash,
};
pub use digest::Digest;
pub use directory::{Stock, User};
pub use engine::{Difference, Engine, Executed, ReplayError};
pub use event::{
    BidAccepted, BidReply, Event, Events, ExtensionCause, LotOpened, Outcome, PrivateEvent,
    PublicEvent, Record, Reply, ReserveStatus, SoldBy, UnsoldBecause,
};
pub use id::{FeedSequence, LotId, MarketId, RequestId, Sequence, SessionId, Term, UserId};
pub use lot::{Book, EnglishBook, Lot, Phase};
pub use market::{FoldError, Market, MarketParts};
pub use money::{Amount, MoneyError, Price, Profit, Quantity, UNITS_PER_CURRENCY};
pub use reject::{Countable, Reject, TermsError};
pub use roster::{Roster, Session};
pub use rules::{RULES_VERSION, SoftClose, SoftCloseMode, StepBand, Steps, StepsError};
pub use snapshot::{SNAPSHOT_VERSION, Snapshot};
pub use symbol::{Name, NameError, SecurityCode, Symbol};
pub use time::{Span, Timestamp};
