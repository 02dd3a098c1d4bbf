//! A client of the real-time stock auction.
//!
//! [`Client`] sends requests: it logs in, bids and reads, with many requests in flight at a time. [`Watch`] follows the
//! public market and every event as it happens. Both reconnect by themselves, carry out nothing twice, and report every
//! gap.
//!
//! ```no_run
//! use auction_client::{Client, RequestError, Secret, Update};
//! use auction_core::{Name, Price, Symbol};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("127.0.0.1:2022").await?;
//! client.login(Name::parse("mia")?, Secret::new("correct horse".into())?).await?;
//!
//! let market = client.snapshot().await?;
//! let lot = *market.lots_of(Symbol::parse("AAPL")?).last().ok_or("no lot of AAPL")?;
//! match client.bid(lot, Price::parse("1.40")?).await {
//!     Ok(placed) if placed.bid.leads => println!("you lead"),
//!     Ok(_) => println!("accepted, and someone's hidden maximum is higher"),
//!     // Nothing was done. A refusal contains the remedy.
//!     Err(RequestError::Refused(refused)) => println!("{}; {:?}", refused.message, refused.price),
//!     // It may have been accepted: look at the market before bidding again.
//!     Err(RequestError::OutcomeUnknown(because)) => println!("no answer: {because}"),
//!     // It was never sent.
//!     Err(RequestError::NotConnected(because)) => println!("not sent: {because}"),
//! }
//!
//! let mut watch = client.watch().await?;
//! while watch.market().open_lots() > 0 {
//!     if let Update::Event { at, event, .. } = watch.next().await {
//!         println!("{at} {event:?}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Many requests at a time
//! [`Client::submit`] sends a request and returns its answer as a future, so that more requests can follow before it
//! arrives:
//!
//! ```no_run
//! # use auction_client::{Bid, Client};
//! # use auction_core::{LotId, Price};
//! # async fn ladder(client: Client) -> Result<(), Box<dyn std::error::Error>> {
//! let mut answers = Vec::new();
//! for units in [14_000, 14_100, 14_200] {
//!     let price = Price::from_units(units).ok_or("too large")?;
//!     answers.push(client.submit(Bid { lot: LotId(1), price }).await?);
//! }
//! for answer in answers {
//!     println!("{:?}", answer.await?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Exactly once
//! Request ids rise within a session. The server keeps the outcomes of the latest accepted requests: a request that is
//! sent again after a lost connection, even to a restarted server, is answered with its first outcome. So the caller
//! sees a lost connection only when it lasts: then [`RequestError`] distinguishes a request that was never sent from
//! one whose outcome is unknown.
//!
//! # The user's account
//! [`Client::watch_account`] reports what concerns the user alone: orders and leads of every session, and their
//! outcomes. [`Client::set_dead_man`] cancels the user's open orders if this session dies.
//!
//! # Signed data
//! [`Client::market_key`] returns the key to keep on first use. [`Client::receipt`] returns the proof that a request is
//! in the market's journal, which anyone who has the key can check; [`Client::checkpoint_since`] proves that no record
//! of a journal that the market had signed was dropped, changed or reordered.
//!
//! # Relays
//! A client that cannot reach the server seals its requests into envelopes that anyone can relay: `Device` (feature
//! `seal`) signs and seals, and accepts only answers signed by the market. A [`Relay`] holds no key and can read
//! nothing.
//!
//! # Transports
//! [`Client::connect_tls`] speaks TLS 1.3 (with the feature `tls`) and trusts what a [`Trust`] names: the system's root
//! certificates, given authorities, or a single certificate by its [`Fingerprint`]. [`Client::connect_with`] takes any
//! function that opens a stream of bytes: a pipe within the process, a simulated network, TLS over another stream
//! ([`Tls`]). Timers use tokio's clock, so tests can run it faster.

// Bottom-up, here and in every `mod.rs`: a module uses only the modules listed before it.
pub mod limits;
mod fingerprint;
mod error;
mod connection;
mod audit;
mod feed;
mod client;
#[cfg(feature = "p2p")]
pub mod peer;

pub use auction_proto::{
    Accepted, Activity, ActivityBid, ActivityEntry, ActivityOf, ActivityPlace, AddDevice, Balance,
    Bid, BidMaximum, CancelAll, CancelLot, CancelOrder, ChangePassword, CloseLot, CloseSession,
    Code, DayTrade, DeadManOf, Deposit, Devices, Done, Envelope, EnvelopeCommand, ExtendLot, Fault,
    GetActivity, GetBalance, GetCheckpoint, GetHistory, GetLeastWinning, GetLots, GetMarketKey,
    GetOrders, GetPeers, GetReceipt, GetSealingKey, GetSnapshot, GetTrades, HaltAll, HaltLot,
    History, HistoryBid, Indicative, ListDevices, ListSessions, ListedDevice, ListedHolding,
    ListedSession, LoggedIn, Login, Logout, Lots, LotsOf, MarketKey, MovePhase, OfferPeer, OpenLot,
    PeerOffered, Peers, PlaceDayOrder, PlaceOrder, PublicKey, PublishProfit, Receipt, ReceiptOf,
    Refused, Register, ReinstateUser, ReplaceDayOrder, ReplaceOrder, Resume, ResumeAll, ResumeLot,
    SealedAnswer, SealingKey, Secret, SecretError, Sessions, SetDeadMan, SetLimits,
    SignedCheckpoint, SuspendUser, Token, Trades, Welcome, Withdraw,
};
pub use audit::equivocation::{Equivocation, EquivocationDetector};
pub use audit::evidence::{EvidenceError, NotAsSigned, SignedIn};
pub use audit::{Counts, Proof, ProofError, ReplayedRecord, Verifier};
#[cfg(feature = "seal")]
pub use client::device::{Device, DeviceError, Sealed};
pub use client::relay::{Relay, RelayError};
pub use client::request::{AllCancelled, BidPlaced, Request};
pub use client::signed::SignedError;
pub use client::{Client, InFlight, tcp};
pub use connection::clock::ServerClock;
#[cfg(feature = "tls")]
pub use connection::tls::{Tls, TlsStream, Trust};
pub use error::{BidError, ConnectionError, RequestError, TlsError};
pub use feed::account::{AccountState, AccountUpdate, AccountWatch, Fill};
pub use feed::signed::{Signed, SignedFeed};
pub use feed::{Gap, Update, Watch};
pub use fingerprint::{Fingerprint, FingerprintError};
