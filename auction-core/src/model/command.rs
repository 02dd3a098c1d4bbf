//! Commands to the market, and their callers.

use alloc::boxed::Box;
use core::fmt;

use crate::clearing::allocation::MarginalPriority;
use crate::clearing::call::Side;
use crate::clearing::sealed::SealedPricing;
use crate::clearing::uniform::UniformPricing;
use crate::limits::CREDENTIAL_BYTES_MAX;
use crate::model::call_terms::CallTerms;
use crate::model::day::{DayOrder, DayTerms, TraderLimits};
use crate::{
    Amount, LotId, Name, OrderId, Price, Profit, Quantity, RequestId, SecurityCode, Seed,
    SessionId, SoftClose, Span, Steps, Symbol, Timestamp, UserId,
};

/// Sender of a command. The shell identifies it; a message never names its own sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The program that runs the market.
    Operator,
    /// A user whom the embedding program has identified by its own means. The request is not remembered, so a
    /// repetition is a new request.
    User(UserId),
    /// A logged-in session and its number for this request: a repetition has no second effect.
    Session {
        /// The session.
        session: SessionId,
        /// The client's number for the request.
        request: RequestId,
    },
}

/// The actor in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The clock: a deadline was due.
    Clock,
    /// The program that runs the market.
    Operator,
    /// A user.
    User(UserId),
}

/// A command to the market.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Command {
    /// Lists a stock, or lists it again with other values. Operator, auctioneer.
    ListStock(Listing),
    /// Opens a lot of a listed stock, now or later. Operator, auctioneer.
    OpenLot(Box<OpenLot>),
    /// Moves the close of a lot to a later time. Operator, auctioneer.
    ExtendLot {
        /// The lot.
        lot: LotId,
        /// The new close.
        closes_at: Timestamp,
    },
    /// Closes a lot that is due. Decided only by [`Engine::advance`](crate::Engine::advance).
    CloseDue {
        /// The lot.
        lot: LotId,
    },
    /// Creates an account. Operator.
    Register(Box<Registration>),
    /// Opens a session for a user whose password the operator has checked. Operator.
    OpenSession(Box<NewSession>),
    /// Closes a session. Operator, or the user whose session it is.
    CloseSession {
        /// The session.
        session: SessionId,
    },
    /// Bids openly. On an English lot a new leader sets the price to this bid; on a Dutch lot the bidder takes it at
    /// the current price, if that is no higher. Trader.
    Bid {
        /// The lot.
        lot: LotId,
        /// The price offered for each share.
        price: Price,
    },
    /// Sets a hidden maximum on an English lot: the market bids for the trader up to it. Trader.
    BidMaximum {
        /// The lot.
        lot: LotId,
        /// The highest price the trader accepts.
        maximum: Price,
    },
    /// Publishes the profit of the company's stock. Company, of its own stock.
    PublishProfit {
        /// The stock.
        symbol: Symbol,
        /// The stock's code, so that a mistyped symbol does not affect another stock.
        security: SecurityCode,
        /// The profit.
        profit: Profit,
    },
    /// Opens a scheduled lot that is due. Decided only by [`Engine::advance`](crate::Engine::advance).
    OpenDue {
        /// The lot.
        lot: LotId,
    },
    /// Closes a lot early: it is settled now by its rules, without an extension. Operator, auctioneer.
    CloseLot {
        /// The lot.
        lot: LotId,
    },
    /// Cancels a lot before its first bid: nothing is sold. Operator, auctioneer.
    CancelLot {
        /// The lot.
        lot: LotId,
    },
    /// Stops a lot's time: it accepts only cancels until it is resumed. Operator, auctioneer.
    HaltLot {
        /// The lot.
        lot: LotId,
    },
    /// Resumes a halted lot: its opening and its close are moved by the duration of the halt. Operator, auctioneer.
    ResumeLot {
        /// The lot.
        lot: LotId,
    },
    /// Suspends a user, who cannot act until they are reinstated; their bids stay binding. Operator, auctioneer.
    SuspendUser {
        /// The user.
        user: UserId,
    },
    /// Ends a suspension. Operator, auctioneer.
    ReinstateUser {
        /// The user.
        user: UserId,
    },
    /// Places a hidden order on a lot that accepts them. Trader.
    PlaceOrder {
        /// The lot.
        lot: LotId,
        /// Buy or sell.
        side: Side,
        /// Number of shares.
        quantity: Quantity,
        /// The worst price it accepts for each share; `None`: any.
        limit: Option<Price>,
    },
    /// Replaces one of the trader's own orders. Its number stays; its place in time is new where the format says so.
    /// Trader.
    ReplaceOrder {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// New number of shares.
        quantity: Quantity,
        /// New worst price that it accepts; `None`: any.
        limit: Option<Price>,
    },
    /// Cancels one of the trader's own orders. Trader.
    CancelOrder {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
    },
    /// Sets the dead-man switch of a session: when the session has been disconnected for this long, or ends, its user's
    /// open orders are to be cancelled. The market only remembers the switch; the shell observes connections, and
    /// cancels. Trader, for a session of their own; the operator clears it once a session has ended and the orders are
    /// cancelled.
    SetDeadMan {
        /// The session.
        session: SessionId,
        /// Time that the session may be disconnected; `None` clears the switch.
        grace: Option<Span>,
    },
    /// Sets the account mode, credit or funds, before the first lot. Operator.
    SetAccounts {
        /// The account mode.
        mode: AccountMode,
    },
    /// Deposits into a trader's account, from outside the market. Operator, auctioneer.
    Deposit {
        /// The trader.
        user: UserId,
        /// Cash or shares.
        asset: Asset,
    },
    /// Withdraws free cash or shares from a trader's account. Operator, auctioneer.
    Withdraw {
        /// The trader.
        user: UserId,
        /// Cash or shares.
        asset: Asset,
    },
    /// Fixes the random end of a call auction. Decided only by [`Engine::advance`](crate::Engine::advance), with a seed
    /// that its caller draws.
    DrawEnd {
        /// The lot.
        lot: LotId,
        /// Random numbers.
        seed: Seed,
    },
    /// Adds a device to the caller's account: a session whose requests are envelopes that the device's key signs.
    /// Trader.
    AddDevice(Box<NewDevice>),
    /// Places an order on a trading day. Trader.
    PlaceDayOrder {
        /// The lot.
        lot: LotId,
        /// Its content.
        order: DayOrder,
    },
    /// Replaces the limit and the open quantity of one of the trader's own orders on a trading day. Its number stays;
    /// its place is new unless the limit is the same and the quantity not raised. Trader.
    ReplaceDayOrder {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// New number of open shares.
        quantity: Quantity,
        /// New worst price that it accepts; `None`: any.
        limit: Option<Price>,
        /// Number of open shares that the trader believes in; with another one the replacement is refused.
        believed: Option<Quantity>,
    },
    /// Cancels all orders of a trader on call auctions and trading days that can be cancelled, and names the others.
    /// Trader, of their own; auctioneer and operator, of any trader.
    CancelAll {
        /// The trader; `None`: the caller.
        trader: Option<UserId>,
        /// The lot; `None`: all lots.
        lot: Option<LotId>,
    },
    /// Moves the end of a scheduled phase of a trading day. Operator, auctioneer.
    MovePhase {
        /// The lot.
        lot: LotId,
        /// The phase, counted from 0.
        phase: u8,
        /// The new end: after now and after the end of the phase before, before the end of the phase after. No call is
        /// made shorter than its random end and its no-cancel window together.
        ends_at: Timestamp,
    },
    /// Halts the whole market: it accepts only cancels, and its time stops, until it is resumed. Operator, auctioneer.
    HaltAll,
    /// Resumes a halted market: every deadline of its lots is moved by the duration of the halt. Operator, auctioneer.
    ResumeAll,
    /// Sets limits for trading days. Operator, auctioneer.
    SetLimits {
        /// The trader; `None`: every trader without limits of their own.
        trader: Option<UserId>,
        /// The limits; `None`: the trader has those of every trader again, or nobody has any.
        limits: Option<TraderLimits>,
    },
    /// Sets another credential for a user, and closes the user's sessions and devices except one. Operator, of any user;
    /// a user, of their own.
    SetCredential(Box<CredentialChange>),
    /// Locks, unlocks or closes an account; locking and closing also close its sessions and devices. Its bids and orders
    /// stay binding. Operator.
    SetAccess {
        /// The user.
        user: UserId,
        /// Access from now on.
        access: Access,
    },
}

impl Command {
    /// Returns true if the command holds data that others must not see: a credential, a token, a reserve, a maximum, an
    /// order, a suspension, a payment, a random end, a device. Such a command is in the private part of its record,
    /// complete and with its actor.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        match self {
            Self::Register(_)
            | Self::OpenSession(_)
            | Self::CloseSession { .. }
            | Self::BidMaximum { .. }
            | Self::SuspendUser { .. }
            | Self::ReinstateUser { .. }
            | Self::PlaceOrder { .. }
            | Self::ReplaceOrder { .. }
            | Self::CancelOrder { .. }
            | Self::SetDeadMan { .. }
            | Self::Deposit { .. }
            | Self::Withdraw { .. }
            | Self::DrawEnd { .. }
            | Self::AddDevice(_)
            | Self::PlaceDayOrder { .. }
            | Self::ReplaceDayOrder { .. }
            | Self::CancelAll { .. }
            | Self::SetLimits { .. }
            | Self::SetCredential(_)
            | Self::SetAccess { .. } => true,
            Self::OpenLot(open) => open.reserve.is_some(),
            Self::ListStock(_)
            | Self::ExtendLot { .. }
            | Self::CloseDue { .. }
            | Self::Bid { .. }
            | Self::PublishProfit { .. }
            | Self::OpenDue { .. }
            | Self::CloseLot { .. }
            | Self::CancelLot { .. }
            | Self::HaltLot { .. }
            | Self::ResumeLot { .. }
            | Self::SetAccounts { .. }
            | Self::MovePhase { .. }
            | Self::HaltAll
            | Self::ResumeAll => false,
        }
    }
}

impl From<Listing> for Command {
    fn from(listing: Listing) -> Self {
        Self::ListStock(listing)
    }
}

impl From<OpenLot> for Command {
    fn from(open: OpenLot) -> Self {
        Self::OpenLot(Box::new(open))
    }
}

impl From<Registration> for Command {
    fn from(registration: Registration) -> Self {
        Self::Register(Box::new(registration))
    }
}

impl From<NewSession> for Command {
    fn from(session: NewSession) -> Self {
        Self::OpenSession(Box::new(session))
    }
}

impl From<CredentialChange> for Command {
    fn from(change: CredentialChange) -> Self {
        Self::SetCredential(Box::new(change))
    }
}

impl From<NewDevice> for Command {
    fn from(device: NewDevice) -> Self {
        Self::AddDevice(Box::new(device))
    }
}

/// Payment mode of a market's traders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AccountMode {
    /// Without limit: the market records who owes what to whom, and they settle elsewhere.
    #[default]
    Credit,
    /// With the cash and the shares in their accounts: a bid reserves its greatest cost, a close settles.
    Funds,
}

/// Writes the word that settings and messages use.
impl fmt::Display for AccountMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Credit => "credit",
            Self::Funds => "funds",
        })
    }
}

/// Cash or shares in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Asset {
    /// Cash; more than zero.
    Cash(Amount),
    /// Shares of a listed stock.
    Shares {
        /// The stock.
        symbol: Symbol,
        /// Number of shares.
        quantity: Quantity,
    },
}

/// A row of the stock list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Listing {
    /// The ticker symbol, unique in the market.
    pub symbol: Symbol,
    /// The security code.
    pub security: SecurityCode,
    /// The base price of lots to be opened; may be zero.
    pub price: Price,
    /// The latest known profit.
    pub profit: Profit,
}

impl Listing {
    /// Creates a stock whose profit is not known yet.
    #[must_use]
    pub fn new(symbol: Symbol, security: SecurityCode, price: Price) -> Self {
        Self {
            symbol,
            security,
            price,
            profit: Profit::default(),
        }
    }
}

/// A lot to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OpenLot {
    /// The stock.
    pub symbol: Symbol,
    /// Number of shares; for a call auction and a trading day the round lot.
    pub quantity: Quantity,
    /// Opening time, after now and at most 366 days later; `None`: now.
    pub opens_at: Option<Timestamp>,
    /// Closing time, exclusive; after the opening, and at most 366 days after it.
    pub closes_at: Timestamp,
    /// The format, and its public terms.
    pub terms: Terms,
    /// Nothing is sold below this price; hidden from everyone. A Dutch lot has none: its floor is public. A call
    /// auction has none: its sellers name their limits.
    pub reserve: Option<Price>,
}

impl OpenLot {
    /// Creates a lot that opens now, without reserve.
    #[must_use]
    pub fn new(
        symbol: Symbol,
        quantity: Quantity,
        closes_at: Timestamp,
        terms: impl Into<Terms>,
    ) -> Self {
        Self {
            symbol,
            quantity,
            opens_at: None,
            closes_at,
            terms: terms.into(),
            reserve: None,
        }
    }
}

/// The format of a lot and its public terms.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Terms {
    /// Ascending, open.
    English(EnglishTerms),
    /// Descending: the first trader to take it wins.
    Dutch(DutchTerms),
    /// One sealed bid per trader for the whole lot.
    Sealed(SealedTerms),
    /// Sealed bids for parts of the lot.
    Uniform(UniformTerms),
    /// Two-sided: orders to buy and to sell that trade all at once, at one price.
    Call(CallTerms),
    /// Two-sided: calls and continuous trading in one book.
    Day(Box<DayTerms>),
}

macro_rules! terms_from {
    ($($terms:ident => $variant:ident),* $(,)?) => {$(
        impl From<$terms> for Terms {
            fn from(terms: $terms) -> Self {
                Self::$variant(terms)
            }
        }
    )*};
}

terms_from! {
    EnglishTerms => English,
    DutchTerms => Dutch,
    SealedTerms => Sealed,
    UniformTerms => Uniform,
    CallTerms => Call,
}

impl From<DayTerms> for Terms {
    fn from(terms: DayTerms) -> Self {
        Self::Day(Box::new(terms))
    }
}

/// The public terms of an English lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EnglishTerms {
    /// Minimum raise of a bid, by price.
    pub steps: Steps,
    /// A plain bid of this price wins at once, while the reserve is not met (without a reserve: before the
    /// first bid).
    pub buy_now: Option<Price>,
    /// Extension of the close by late bids.
    pub soft_close: SoftClose,
}

/// The public terms of a Dutch lot: `max(floor, start - step x intervals passed)`, halts excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DutchTerms {
    /// The price at the opening.
    pub start: Price,
    /// Amount of each fall of the price.
    pub step: Price,
    /// Time between two falls of the price.
    pub interval: Span,
    /// The lowest price, which lasts until the close.
    pub floor: Price,
}

/// The public terms of a sealed lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedTerms {
    /// Price rule.
    pub pricing: SealedPricing,
}

/// The public terms of a lot that is sold in parts to sealed bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformTerms {
    /// Price rule.
    pub pricing: UniformPricing,
    /// Rule by which bids are filled at the price where the shares run out.
    pub priority: MarginalPriority,
    /// Maximum number of live bids of a trader, at most [`BIDS_PER_TRADER_MAX`](crate::limits::BIDS_PER_TRADER_MAX).
    pub bids_max: u32,
}

impl UniformTerms {
    /// Default maximum number of live bids of a trader.
    pub const BIDS_MAX: u32 = 10;
}

/// Role of a user, with its permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// Bids.
    Trader,
    /// Publishes the profit of one stock; does not bid.
    Company(Symbol),
    /// Opens, halts and closes lots, and suspends users; does not bid.
    Auctioneer,
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Registration {
    /// The name, unique in the market.
    pub name: Name,
    /// The user's role.
    pub role: Role,
    /// The data that a login is checked against.
    pub credential: Credential,
}

impl Registration {
    /// Creates a trader's account.
    #[must_use]
    pub fn trader(name: Name) -> Self {
        Self::new(name, Role::Trader)
    }

    /// Creates the account of a stock's company.
    #[must_use]
    pub fn company(name: Name, symbol: Symbol) -> Self {
        Self::new(name, Role::Company(symbol))
    }

    /// Creates an auctioneer's account.
    #[must_use]
    pub fn auctioneer(name: Name) -> Self {
        Self::new(name, Role::Auctioneer)
    }

    /// Creates an account with an [empty credential](Credential::empty), for a program that identifies its users by its
    /// own means.
    #[must_use]
    pub fn new(name: Name, role: Role) -> Self {
        Self {
            name,
            role,
            credential: Credential::empty(),
        }
    }

    /// Returns the same account with a credential.
    #[must_use]
    pub fn with_credential(self, credential: Credential) -> Self {
        Self { credential, ..self }
    }
}

/// Opaque bytes that the operator checks a login against, such as an argon2id string; at most [`CREDENTIAL_BYTES_MAX`].
/// Its `Debug` hides them.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Credential(Box<[u8]>);

impl Credential {
    /// Creates a credential, or returns `None` for more than [`CREDENTIAL_BYTES_MAX`].
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= CREDENTIAL_BYTES_MAX).then(|| Self(bytes.into()))
    }

    /// Creates a credential without bytes, for a user who does not log in here.
    #[must_use]
    pub fn empty() -> Self {
        Self(Box::default())
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// Another credential for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CredentialChange {
    /// The user.
    pub user: UserId,
    /// The data that a login is checked against from now on.
    pub credential: Credential,
    /// The session that stays open; `None`: all are closed.
    pub keep: Option<SessionId>,
}

/// Access of a user to their account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Access {
    /// The user can log in.
    #[default]
    Open,
    /// Nobody can log in until the operator unlocks the account.
    Locked,
    /// Nobody can ever log in again; the name stays taken.
    Closed,
}

/// A session to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewSession {
    /// User of the session.
    pub user: UserId,
    /// SHA-256 of the token that the client keeps.
    pub token_hash: TokenHash,
    /// Expiry time, exclusive: from then on the session's requests are refused.
    pub expires_at: Timestamp,
}

/// SHA-256 of a session's token. Its `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// A new device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewDevice {
    /// The public half of its key.
    pub key: DeviceKey,
    /// The trader's name for it.
    pub label: Name,
}

/// The public half of a device's key: opaque bytes, whose signatures the operator checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeviceKey(pub [u8; 32]);
