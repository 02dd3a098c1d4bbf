//! A client of the real-time stock auction.
//!
//! [`Client`] asks: it logs in, bids and reads, with many requests on their way at a time. [`Watch`] follows:
//! the market as everyone sees it, and every event as it happens. Both mend a lost connection by themselves,
//! and neither does anything twice or misses anything in silence.
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
//!     // Nothing was done. A refusal names what would be right.
//!     Err(RequestError::Refused(refused)) => println!("{}; {:?}", refused.message, refused.price),
//!     // It may have been done: look at the market before bidding again.
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
//! # Many at a time
//! [`Client::submit`] hands a request over and gives its answer as a future, so that others can follow before
//! it comes:
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
//! # What is done once
//! Within a session every request has a rising number. The server keeps the outcomes of the latest accepted
//! ones: a request that is sent again after a lost connection, also to a server that was started anew, is
//! answered with what came of it the first time. So a lost connection shows to the caller only when it lasts:
//! then [`RequestError`] tells a request that was never sent from one whose outcome is not known.
//!
//! # One's own account
//! [`Client::watch_account`] tells what concerns the user alone: orders and leads from every session, and what
//! comes of them. [`Client::set_dead_man`] has the user's open orders pulled should this session die.
//!
//! # What the market signs
//! [`Client::market_key`] tells the key to keep at the first time. [`Client::receipt`] gives the proof that what one
//! asked for stands in the market's journal, which anyone who has the key can check; [`Client::checkpoint_since`], that
//! nothing of a journal that the market had signed was dropped, changed or reordered.
//!
//! # Through others
//! Who has no line to the server seals what it asks into an envelope that anyone can carry: `Device` (feature `seal`)
//! signs and seals, and believes no answer but the market's own. A [`Relay`] holds no key and reads nothing.
//!
//! # Over anything
//! [`Client::connect_tls`] speaks TLS 1.3 (with the feature `tls`), and trusts whom a [`Trust`] says: the machine's
//! authorities, one's own, or one certificate alone, by its [`Fingerprint`]. [`Client::connect_with`] takes any way
//! to a stream of bytes: a pipe within the process, a simulated network, TLS over another's stream ([`Tls`]). Time is tokio's, so that tests can run it as fast as they like.

// Bottom-up, here and in every `mod.rs`: a module uses only those listed before it.
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
    Bid, BidMaximum, CancelLot, CancelOrder, CloseLot, CloseSession, Code, DeadManOf, Deposit,
    Devices, Done, Envelope, EnvelopeCommand, ExtendLot, Fault, GetActivity, GetBalance,
    GetCheckpoint, GetHistory, GetLeastWinning, GetMarketKey, GetOrders, GetPeers, GetReceipt,
    GetSealingKey, GetSnapshot, HaltLot, History, HistoryBid, Indicative, ListDevices,
    ListSessions, ListedDevice, ListedHolding, ListedSession, LoggedIn, Login, Logout, MarketKey,
    OfferPeer, OpenLot, PeerOffered, Peers, PlaceOrder, PublicKey, PublishProfit, Receipt,
    ReceiptOf, Refused, Register, ReinstateUser, ReplaceOrder, Resume, ResumeLot, SealedAnswer,
    SealingKey, Secret, SecretError, Sessions, SetDeadMan, SignedCheckpoint, SuspendUser, Token,
    Welcome, Withdraw,
};
pub use audit::equivocation::{Equivocation, EquivocationDetector};
pub use audit::evidence::{EvidenceError, NotAsSigned, SignedIn};
pub use audit::{Counts, Proof, ProofError, ReplayedRecord, Verifier};
#[cfg(feature = "seal")]
pub use client::device::{Device, DeviceError, Sealed};
pub use client::relay::{Relay, RelayError};
pub use client::request::{BidPlaced, Request};
pub use client::signed::SignedError;
pub use client::{Client, InFlight, tcp};
pub use connection::clock::ServerClock;
#[cfg(feature = "tls")]
pub use connection::tls::{Tls, TlsStream, Trust};
pub use error::{BidError, ConnectionError, RequestError, TlsError};
pub use feed::account::{AccountState, AccountUpdate, AccountWatch};
pub use feed::signed::{Signed, SignedFeed};
pub use feed::{Gap, Update, Watch};
pub use fingerprint::{Fingerprint, FingerprintError};
