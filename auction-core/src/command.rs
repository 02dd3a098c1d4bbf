//! What can be asked of the market, and by whom.

use alloc::boxed::Box;
use core::fmt;

use crate::limits::CREDENTIAL_BYTES_MAX;
use crate::{
    LotId, Name, Price, Profit, Quantity, RequestId, SecurityCode, SessionId, SoftClose, Steps,
    Symbol, Timestamp, UserId,
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
    /// Opens a lot of a listed stock. Operator, auctioneer.
    OpenLot(Box<OpenLot>),
    /// Moves the close of an open lot to a later time. Operator, auctioneer.
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
    /// Bids openly: a new leader stands at this price. Trader.
    Bid {
        /// The lot.
        lot: LotId,
        /// The price offered for each share.
        price: Price,
    },
    /// States a hidden maximum: the market bids for the trader up to it. Trader.
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
}

impl Command {
    /// Whether the command holds what others must not see: a credential, a token, a reserve, a maximum. Such
    /// a command stands in the private part of its record, whole and with its actor.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        match self {
            Self::Register(_)
            | Self::OpenSession(_)
            | Self::CloseSession { .. }
            | Self::BidMaximum { .. } => true,
            Self::OpenLot(open) => open.reserve.is_some(),
            Self::ListStock(_)
            | Self::ExtendLot { .. }
            | Self::CloseDue { .. }
            | Self::Bid { .. }
            | Self::PublishProfit { .. } => false,
        }
    }
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

/// A lot to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OpenLot {
    /// The stock.
    pub symbol: Symbol,
    /// How many shares.
    pub quantity: Quantity,
    /// When it closes, exclusive; after now, and at most 366 days on.
    pub closes_at: Timestamp,
    /// The format, and its public terms.
    pub terms: Terms,
    /// Below this price the lot is not sold; hidden from everyone.
    pub reserve: Option<Price>,
}

/// The format of a lot and its public terms.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Terms {
    /// Ascending, open.
    English(EnglishTerms),
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

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// Bids.
    Trader,
    /// Publishes the profit of one stock; does not bid.
    Company(Symbol),
    /// Opens, extends and closes lots; does not bid.
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
