//! What can be asked of the market, and by whom.

use alloc::boxed::Box;
use core::fmt;

use crate::clearing::allocation::MarginalPriority;
use crate::clearing::call::{Collar, Side};
use crate::clearing::sealed::SealedPricing;
use crate::clearing::uniform::UniformPricing;
use crate::limits::CREDENTIAL_BYTES_MAX;
use crate::{
    Amount, LotId, Name, OrderId, Price, Profit, Quantity, RequestId, SecurityCode, Seed,
    SessionId, SoftClose, Span, Steps, Symbol, Timestamp, UserId,
};

/// Who asks. The shell knows; a message never says it of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The program that runs the market.
    Operator,
    /// A user whom the embedding program has identified by its own means. Nothing is remembered of the
    /// request, so that a repetition is a new request.
    User(UserId),
    /// A logged-in session and its number for this request: asked again, the request has no second effect.
    Session {
        /// The session.
        session: SessionId,
        /// The client's number for the request.
        request: RequestId,
    },
}

/// Who acted, as a record tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Time itself: a deadline was due.
    Clock,
    /// The program that runs the market.
    Operator,
    /// A user.
    User(UserId),
}

/// What can be asked of the market.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Command {
    /// Lists a stock, or lists it anew with other values. Operator, auctioneer.
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
    /// Closes a lot that is due. Decided by [`Engine::advance`](crate::Engine::advance) alone.
    CloseDue {
        /// The lot.
        lot: LotId,
    },
    /// Makes an account. Operator.
    Register(Box<Registration>),
    /// Opens a session for a user whose password the operator has checked. Operator.
    OpenSession(Box<NewSession>),
    /// Closes a session. Operator, or the user whose session it is.
    CloseSession {
        /// The session.
        session: SessionId,
    },
    /// Bids openly. On an English lot a new leader stands at this price; on a Dutch lot the bidder takes it at
    /// the price of the moment, if that is no higher. Trader.
    Bid {
        /// The lot.
        lot: LotId,
        /// The price offered for each share.
        price: Price,
    },
    /// States a hidden maximum on an English lot: the market bids for the trader up to it. Trader.
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
        /// The stock's code, so that a slip of the symbol hits no other stock.
        security: SecurityCode,
        /// The profit.
        profit: Profit,
    },
    /// Opens a scheduled lot that is due. Decided by [`Engine::advance`](crate::Engine::advance) alone.
    OpenDue {
        /// The lot.
        lot: LotId,
    },
    /// Closes a lot early: it is settled now by its rules, without an extension. Operator, auctioneer.
    CloseLot {
        /// The lot.
        lot: LotId,
    },
    /// Takes a lot back before its first bid: nothing is sold. Operator, auctioneer.
    CancelLot {
        /// The lot.
        lot: LotId,
    },
    /// Stops a lot's time: it takes nothing but cancels until it is resumed. Operator, auctioneer.
    HaltLot {
        /// The lot.
        lot: LotId,
    },
    /// Lets a halted lot go on: its opening and its close come later by as long as it was halted. Operator,
    /// auctioneer.
    ResumeLot {
        /// The lot.
        lot: LotId,
    },
    /// Lets a user do nothing more until they are reinstated; what they have bid binds. Operator, auctioneer.
    SuspendUser {
        /// The user.
        user: UserId,
    },
    /// Ends a suspension. Operator, auctioneer.
    ReinstateUser {
        /// The user.
        user: UserId,
    },
    /// Places a hidden order on a lot that takes them. Trader.
    PlaceOrder {
        /// The lot.
        lot: LotId,
        /// Whether it buys or sells.
        side: Side,
        /// How many shares.
        quantity: Quantity,
        /// The worst price it accepts for each share; `None`: any.
        limit: Option<Price>,
    },
    /// Replaces an order of one's own. Its number stays; its place in time is new where the format says so.
    /// Trader.
    ReplaceOrder {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// How many shares from now on.
        quantity: Quantity,
        /// The worst price it accepts from now on; `None`: any.
        limit: Option<Price>,
    },
    /// Takes an order of one's own back. Trader.
    CancelOrder {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
    },
    /// Sets the dead-man switch of a session: when nobody speaks for it for so long, or it ends, its user's open
    /// orders are to be pulled. The market only remembers it; the shell sees who speaks, and cancels. Trader, of a
    /// session of their own; the operator clears it once a session has ended and the orders are pulled.
    SetDeadMan {
        /// The session.
        session: SessionId,
        /// How long it may be away; `None` clears the switch.
        grace: Option<Span>,
    },
    /// Says whether traders bid on credit or with what is in their accounts; before the first lot. Operator.
    SetAccounts {
        /// How they pay.
        mode: AccountMode,
    },
    /// Pays into a trader's account, from outside the market. Operator, auctioneer.
    Deposit {
        /// The trader.
        user: UserId,
        /// What.
        asset: Asset,
    },
    /// Pays out of a trader's account what is free. Operator, auctioneer.
    Withdraw {
        /// The trader.
        user: UserId,
        /// What.
        asset: Asset,
    },
    /// Fixes the random end of a call auction. Decided by [`Engine::advance`](crate::Engine::advance) alone, with
    /// a seed that its caller draws.
    DrawEnd {
        /// The lot.
        lot: LotId,
        /// Numbers drawn at random.
        seed: Seed,
    },
    /// Adds a device to the account of who asks: a session that speaks by envelopes which the device's key signs.
    /// Trader.
    AddDevice(Box<NewDevice>),
}

impl Command {
    /// Whether the command holds what others must not see: a credential, a token, a reserve, a maximum, an
    /// order, a suspension, a payment, a random end, a device. Such a command stands in the private part of its record, whole and with its actor.
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
            | Self::AddDevice(_) => true,
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
            | Self::SetAccounts { .. } => false,
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

impl From<NewDevice> for Command {
    fn from(device: NewDevice) -> Self {
        Self::AddDevice(Box::new(device))
    }
}

/// How the traders of a market pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AccountMode {
    /// Without limit: the market says who owes what to whom, and they settle elsewhere.
    #[default]
    Credit,
    /// With the cash and the shares in their accounts: a bid reserves what it can cost, a close settles.
    Funds,
}

/// The word that settings and messages use.
impl fmt::Display for AccountMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Credit => "credit",
            Self::Funds => "funds",
        })
    }
}

/// What an account can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Asset {
    /// Money; more than none.
    Cash(Amount),
    /// Shares of a listed stock.
    Shares {
        /// The stock.
        symbol: Symbol,
        /// How many.
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
    /// The profit known so far.
    pub profit: Profit,
}

impl Listing {
    /// A stock whose profit is not known yet.
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
    /// How many shares; of a call auction the round lot.
    pub quantity: Quantity,
    /// When it opens, after now and at most 366 days on; `None`: now.
    pub opens_at: Option<Timestamp>,
    /// When it closes, exclusive; after it opens, and at most 366 days on.
    pub closes_at: Timestamp,
    /// The format, and its public terms.
    pub terms: Terms,
    /// Below this price nothing is sold; hidden from everyone. A Dutch lot has none: its floor is public. A call
    /// auction has none: its sellers name their limits.
    pub reserve: Option<Price>,
}

impl OpenLot {
    /// A lot that opens now, without reserve.
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
    /// Descending: the first to take it wins.
    Dutch(DutchTerms),
    /// One sealed bid a trader for the whole lot.
    Sealed(SealedTerms),
    /// Sealed bids for parts of the lot.
    Uniform(UniformTerms),
    /// Two-sided: orders to buy and to sell that trade all at once, at one price.
    Call(CallTerms),
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

/// The public terms of an English lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EnglishTerms {
    /// By how much a bid must rise.
    pub steps: Steps,
    /// A plain bid of this price wins at once, while the reserve is not met (without a reserve: before the
    /// first bid).
    pub buy_now: Option<Price>,
    /// How late bids move the close.
    pub soft_close: SoftClose,
}

/// The public terms of a Dutch lot: `max(floor, start - step x intervals passed)`, halts left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DutchTerms {
    /// The price at the opening.
    pub start: Price,
    /// By how much the price falls.
    pub step: Price,
    /// How long each price stands.
    pub interval: Span,
    /// The lowest price; it stays to the close.
    pub floor: Price,
}

/// The public terms of a sealed lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedTerms {
    /// What the winner pays.
    pub pricing: SealedPricing,
}

/// The public terms of a lot that is sold in parts to sealed bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniformTerms {
    /// What those who get shares pay.
    pub pricing: UniformPricing,
    /// Who is served first at the price where the shares run out.
    pub priority: MarginalPriority,
    /// How many live bids a trader can have, at most
    /// [`BIDS_PER_TRADER_MAX`](crate::limits::BIDS_PER_TRADER_MAX).
    pub bids_max: u32,
}

impl UniformTerms {
    /// How many live bids a trader can have, where nobody says otherwise.
    pub const BIDS_MAX: u32 = 10;
}

/// The public terms of a call auction.
///
/// Nobody sells the lot as a whole: its [quantity](OpenLot::quantity) is the *round lot*, and orders are for
/// multiples of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CallTerms {
    /// The grid of limits; not zero.
    pub tick: Price,
    /// Whether the book is published while the call runs.
    pub book: BookShown,
    /// How far from the reference the price may be; `None`: anywhere. Outside, the call is extended, and when it
    /// has been as often as it can be, the price is the nearer bound.
    pub collar: Option<Collar>,
    /// How often a price outside the collar extends the call.
    pub extensions_max: u32,
    /// Whether the call is extended, once, when market orders would stay unfilled.
    pub market_extension: bool,
    /// How long an extension is; longer than the random end and the no-cancel window together.
    pub extend_by: Span,
    /// The uncross comes at a random moment so long before the close, or at the close; zero: at the close.
    pub random_end: Span,
    /// So long before the random end, and to the uncross, orders can only be added or improved; `None`: there is
    /// no such window.
    pub no_cancel: Option<Span>,
}

/// A tick of 0.01, a closed book, no collar, no random end, no no-cancel window.
impl Default for CallTerms {
    fn default() -> Self {
        Self {
            tick: Price::from_units(100).expect("a small price"),
            book: BookShown::Closed,
            collar: None,
            extensions_max: 1,
            market_extension: false,
            extend_by: Span::from_secs(60),
            random_end: Span::ZERO,
            no_cancel: None,
        }
    }
}

/// Whether the book of a call auction is published while it runs. What an uncross now would give is published
/// either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BookShown {
    /// Quantities by price are, near the crossing.
    Open,
    /// Nothing more is.
    Closed,
}

/// What a user may do.
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

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Registration {
    /// The name, unique in the market.
    pub name: Name,
    /// What the user may do.
    pub role: Role,
    /// What the operator will check a login against.
    pub credential: Credential,
}

impl Registration {
    /// A trader.
    #[must_use]
    pub fn trader(name: Name) -> Self {
        Self::new(name, Role::Trader)
    }

    /// The company of a stock.
    #[must_use]
    pub fn company(name: Name, symbol: Symbol) -> Self {
        Self::new(name, Role::Company(symbol))
    }

    /// An auctioneer.
    #[must_use]
    pub fn auctioneer(name: Name) -> Self {
        Self::new(name, Role::Auctioneer)
    }

    /// An account with an [empty credential](Credential::empty), for a program that knows its users by its own means.
    #[must_use]
    pub fn new(name: Name, role: Role) -> Self {
        Self {
            name,
            role,
            credential: Credential::empty(),
        }
    }

    /// The same account with a credential.
    #[must_use]
    pub fn with_credential(self, credential: Credential) -> Self {
        Self { credential, ..self }
    }
}

/// Opaque bytes that the operator checks a login against, such as an argon2id string; at most
/// [`CREDENTIAL_BYTES_MAX`]. Its `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Credential(Box<[u8]>);

impl Credential {
    /// Takes bytes, or gives `None` for more than [`CREDENTIAL_BYTES_MAX`].
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= CREDENTIAL_BYTES_MAX).then(|| Self(bytes.into()))
    }

    /// No bytes: of a user who does not log in here.
    #[must_use]
    pub fn empty() -> Self {
        Self(Box::default())
    }

    /// The bytes.
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

/// A session to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewSession {
    /// Whose it is.
    pub user: UserId,
    /// SHA-256 of the token that the client keeps.
    pub token_hash: TokenHash,
    /// From here on the session is refused.
    pub expires_at: Timestamp,
}

/// SHA-256 of a session's token. Its `Debug` shows nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// A device to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewDevice {
    /// The public half of its key.
    pub key: DeviceKey,
    /// What the trader calls it.
    pub label: Name,
}

/// The public half of a device's key: opaque bytes, whose signatures the operator checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeviceKey(pub [u8; 32]);
