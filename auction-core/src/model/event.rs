//! What was decided. Public events make the feed; private ones stay with the market.

use alloc::boxed::Box;
use alloc::vec::Vec;

use smallvec::SmallVec;

use crate::clearing::call::{LadderStep, Quote, Side};
use crate::model::command::{
    AccountMode, Asset, Credential, Listing, NewDevice, Role, Terms, TokenHash,
};
use crate::{
    EndCommitment, LotId, Name, OrderId, Price, Profit, Quantity, RandomEnd, SessionId, Span,
    Symbol, Timestamp, UserId,
};

/// The events of one record: mostly one or two, then without allocation.
pub type Events = SmallVec<[Event; 2]>;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Everyone may know.
    Public(PublicEvent),
    /// Only the market knows.
    Private(PrivateEvent),
}

/// What everyone may know. Hidden values cannot leak by mistake: this type has no place for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicEvent {
    /// A stock is listed, or listed anew.
    StockListed(Listing),
    /// A user is known from here on by this number.
    UserRegistered {
        /// The number.
        user: UserId,
        /// The name.
        name: Name,
        /// What they may do.
        role: Role,
    },
    /// A lot takes bids from here on, or from a time it names.
    LotOpened(Box<LotOpened>),
    /// A bid on an English lot was accepted, or a Dutch lot was taken.
    BidAccepted(BidAccepted),
    /// The close of a lot moved.
    LotExtended {
        /// The lot.
        lot: LotId,
        /// The new close.
        closes_at: Timestamp,
        /// Why.
        cause: ExtensionCause,
    },
    /// A lot takes no more bids.
    LotClosed {
        /// The lot.
        lot: LotId,
        /// What came of it, and why.
        outcome: Outcome,
    },
    /// A company published the profit of its stock.
    ProfitPublished {
        /// The stock.
        symbol: Symbol,
        /// The profit.
        profit: Profit,
    },
    /// A scheduled lot takes bids from here on.
    LotBegan {
        /// The lot.
        lot: LotId,
    },
    /// A lot takes nothing but cancels until it is resumed.
    LotHalted {
        /// The lot.
        lot: LotId,
    },
    /// A halted lot goes on.
    LotResumed {
        /// The lot.
        lot: LotId,
        /// When it opened or will open, later by the length of the halt.
        opened_at: Timestamp,
        /// When it closes, later by the length of the halt.
        closes_at: Timestamp,
    },
    /// So many traders have a sealed bid on a lot: all that is told of them before the close.
    BiddersCounted {
        /// The lot.
        lot: LotId,
        /// How many.
        bidders: u32,
    },
    /// Sealed bids of a lot that closes in the same record, at most
    /// [`BIDS_OPENED_MAX`](crate::limits::BIDS_OPENED_MAX): all of them, in the order of their time, take as many
    /// events as it needs.
    BidsOpened {
        /// The lot.
        lot: LotId,
        /// The bids.
        bids: Vec<OpenedBid>,
    },
    /// Traders pay so from here on.
    AccountsSet {
        /// How.
        mode: AccountMode,
    },
    /// A call auction has begun, and this is the price it measures by.
    ReferenceFixed {
        /// The lot.
        lot: LotId,
        /// The stock's last uncross price, else its base price, rounded down to the tick; zero: there is none.
        reference: Price,
    },
    /// The random end of a call auction is fixed from here on.
    EndCommitted {
        /// The lot.
        lot: LotId,
        /// What it will be checked against when it is opened.
        commitment: EndCommitment,
    },
    /// The random end of a call auction, which is over or has lapsed.
    EndOpened {
        /// The lot.
        lot: LotId,
        /// What was committed to.
        end: RandomEnd,
    },
}

impl PublicEvent {
    /// The lot that it happened to.
    #[must_use]
    pub fn lot(&self) -> Option<LotId> {
        match self {
            Self::LotOpened(opened) => Some(opened.lot),
            Self::BidAccepted(bid) => Some(bid.lot),
            Self::LotExtended { lot, .. }
            | Self::LotClosed { lot, .. }
            | Self::LotBegan { lot }
            | Self::LotHalted { lot }
            | Self::LotResumed { lot, .. }
            | Self::BiddersCounted { lot, .. }
            | Self::BidsOpened { lot, .. }
            | Self::ReferenceFixed { lot, .. }
            | Self::EndCommitted { lot, .. }
            | Self::EndOpened { lot, .. } => Some(*lot),
            Self::StockListed(_)
            | Self::UserRegistered { .. }
            | Self::ProfitPublished { .. }
            | Self::AccountsSet { .. } => None,
        }
    }
}

/// A sealed bid as everyone sees it after the close, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedBid {
    /// Who bid.
    pub bidder: UserId,
    /// The bidder's number for it on this lot.
    pub order: OrderId,
    /// What it offered for each share.
    pub price: Price,
    /// How many shares it wanted.
    pub quantity: Quantity,
    /// How many it gets.
    pub filled: u64,
    /// What each of them costs; `None`: it gets none.
    pub pays: Option<Price>,
}

/// A lot as it opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotOpened {
    /// The lot's number.
    pub lot: LotId,
    /// The stock.
    pub symbol: Symbol,
    /// How many shares; of a call auction the round lot.
    pub quantity: Quantity,
    /// The stock's listed price when the lot opened.
    pub base_price: Price,
    /// When it opens, if that is later.
    pub opens_at: Option<Timestamp>,
    /// When it closes, exclusive.
    pub closes_at: Timestamp,
    /// The format, and its public terms.
    pub terms: Terms,
    /// Whether there is a reserve; its price is hidden.
    pub has_reserve: bool,
}

/// An accepted bid on an English or a Dutch lot, and how the lot stands after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BidAccepted {
    /// The lot.
    pub lot: LotId,
    /// Who bid.
    pub bidder: UserId,
    /// What they bid, when they bid openly; a maximum stays hidden. On a Dutch lot the price taken.
    pub amount: Option<Price>,
    /// Who leads now.
    pub leader: UserId,
    /// The price now.
    pub price: Price,
    /// The smallest bid that would be accepted next; `None`: no higher one.
    pub least: Option<Price>,
    /// How many traders have bid on the lot.
    pub bidders: u32,
    /// The reserve now.
    pub reserve: ReserveStatus,
}

/// How a lot stands with its hidden reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ReserveStatus {
    /// There is no reserve.
    None,
    /// The price is below it: closing so sells nothing.
    NotMet,
    /// The price has reached it.
    Met,
}

/// Why a close moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionCause {
    /// A bid came near the close.
    SoftClose,
    /// The operator or an auctioneer moved it, after an outage for example.
    Ordered,
    /// The price of a call auction lay outside its collar.
    Volatility,
    /// Market orders of a call auction would have stayed unfilled.
    MarketOrders,
}

/// What came of a lot, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Outcome {
    /// One trader won the whole lot.
    Sold {
        /// Who.
        winner: UserId,
        /// What each share costs them.
        price: Price,
        /// The rule that decided.
        by: SoldBy,
        /// The highest that anyone else had offered, where others offer.
        runner_up: Option<Price>,
    },
    /// Nobody won.
    Unsold {
        /// The rule that decided.
        because: UnsoldBecause,
        /// The highest that anyone had shown to offer; of sealed bids the highest.
        highest: Option<Price>,
    },
    /// The lot was sold in parts.
    Allocated {
        /// How many shares were sold.
        sold: u64,
        /// How many traders get shares.
        buyers: u32,
        /// The lowest accepted price: at a uniform price all pay it.
        lowest: Price,
        /// The rule that decided who gets how many.
        by: AllocatedBy,
        /// The highest price of a bid that got nothing, bids below the reserve among them.
        highest_rejected: Option<Price>,
    },
    /// A call auction was uncrossed: what traded, traded at one price.
    Crossed {
        /// The price.
        price: Price,
        /// How many shares changed hands.
        volume: u64,
        /// What was wanted at the price beyond what was offered; negative: offered beyond what was wanted.
        surplus: i64,
        /// The step of the ladder that decided.
        by: LadderStep,
        /// The lowest and the highest limit with the greatest volume of all; `None`: only market orders traded.
        candidates: Option<Candidates>,
        /// How many traders bought or sold.
        traders: u32,
    },
    /// A call auction ended and nothing traded.
    NoCross {
        /// The rule that decided.
        because: NoCrossBecause,
        /// The highest limit to buy.
        best_buy: Option<Quote>,
        /// The lowest limit to sell.
        best_sell: Option<Quote>,
    },
}

impl Outcome {
    /// Whether the lot was taken back.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Unsold {
                because: UnsoldBecause::Cancelled,
                ..
            }
        )
    }
}

/// The rule by which a lot was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SoldBy {
    /// The highest bid at the close: the English price, or the winner's own sealed bid.
    HighestBid,
    /// A bid at the buy-now price.
    BuyNow,
    /// The first to take it, at the price of that moment.
    FirstTake,
    /// The highest sealed bid, at the price of the second highest.
    SecondHighestBid,
    /// The highest sealed bid, at the reserve, which is above the second highest.
    Reserve,
    /// The highest sealed bid, at the least that can be bid: nobody else did, and there is no higher reserve.
    LeastBid,
}

impl SoldBy {
    /// The rule in words for people, to follow a price: `the second highest bid`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::HighestBid => "the highest bid",
            Self::BuyNow => "the buy-now price",
            Self::FirstTake => "the first to take it",
            Self::SecondHighestBid => "the second highest bid",
            Self::Reserve => "the reserve",
            Self::LeastBid => "the least that can be bid",
        }
    }
}

/// The rule by which a lot was sold in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AllocatedBy {
    /// There was enough for every bid that reached the reserve.
    EnoughForAll,
    /// By price, and at the price where the shares ran out by time.
    Time,
    /// By price, and at the price where the shares ran out in proportion.
    ProRata,
}

impl AllocatedBy {
    /// The rule in words for people: `there was enough for all`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::EnoughForAll => "there was enough for all",
            Self::Time => "the highest prices first, then the earliest",
            Self::ProRata => "the highest prices first, then in proportion",
        }
    }
}

/// The rule by which a lot was not sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum UnsoldBecause {
    /// Nobody bid.
    NoBids,
    /// The price had not reached the reserve.
    ReserveNotMet,
    /// The lot was taken back before its first bid.
    Cancelled,
}

impl UnsoldBecause {
    /// The reason in words for people: `the reserve was not met`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoBids => "no bids",
            Self::ReserveNotMet => "the reserve was not met",
            Self::Cancelled => "taken back",
        }
    }
}

/// Limits of a call auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Candidates {
    /// The lowest of them.
    pub lowest: Price,
    /// The highest of them.
    pub highest: Price,
}

/// The rule by which nothing traded in a call auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum NoCrossBecause {
    /// No buyer and seller would have met at any price.
    NothingCrosses,
    /// Only market orders would have traded, and there was no limit and no reference to price them by.
    NoPrice,
    /// Nothing would have traded at the bound of the collar that is nearest to the price.
    Collar,
}

impl NoCrossBecause {
    /// The reason in words for people: `nothing crosses`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NothingCrosses => "nothing crosses",
            Self::NoPrice => "market orders alone have no price",
            Self::Collar => "nothing crosses within the collar",
        }
    }
}

/// What only the market knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateEvent {
    /// A user's login is checked against this.
    CredentialSet {
        /// The user.
        user: UserId,
        /// Opaque bytes.
        credential: Credential,
    },
    /// A session was opened.
    SessionOpened {
        /// Its number.
        session: SessionId,
        /// Whose it is.
        user: UserId,
        /// SHA-256 of its token.
        token_hash: TokenHash,
        /// From here on it is refused.
        expires_at: Timestamp,
    },
    /// A session was closed.
    SessionClosed {
        /// Its number.
        session: SessionId,
    },
    /// A lot has this reserve.
    ReserveSet {
        /// The lot.
        lot: LotId,
        /// The price.
        reserve: Price,
    },
    /// A trader stated a hidden maximum.
    MaximumSet {
        /// The lot.
        lot: LotId,
        /// The trader.
        bidder: UserId,
        /// The highest price they accept.
        maximum: Price,
        /// Whether they lead with it.
        leads: bool,
    },
    /// A trader placed a hidden order.
    OrderPlaced {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The trader's number for it on this lot.
        order: OrderId,
        /// Whether it buys or sells.
        side: Side,
        /// How many shares.
        quantity: Quantity,
        /// The worst price it accepts; `None`: any.
        limit: Option<Price>,
    },
    /// A trader replaced a hidden order.
    OrderReplaced {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order.
        order: OrderId,
        /// How many shares from now on.
        quantity: Quantity,
        /// The worst price it accepts from now on; `None`: any.
        limit: Option<Price>,
    },
    /// A trader took a hidden order back.
    OrderCancelled {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order.
        order: OrderId,
    },
    /// A user can do nothing more until they are reinstated.
    UserSuspended {
        /// The user.
        user: UserId,
    },
    /// A user is no longer suspended.
    UserReinstated {
        /// The user.
        user: UserId,
    },
    /// The dead-man switch of a session was set or cleared. It outlives its session until it is cleared: then its
    /// user's orders have been pulled.
    DeadManSet {
        /// The session.
        session: SessionId,
        /// Whose it is.
        user: UserId,
        /// How long it may be away; `None`: it has no switch.
        grace: Option<Span>,
    },
    /// Something was paid into a trader's account.
    Deposited {
        /// The trader.
        user: UserId,
        /// What.
        asset: Asset,
    },
    /// Something was paid out of a trader's account.
    Withdrawn {
        /// The trader.
        user: UserId,
        /// What.
        asset: Asset,
    },
    /// All orders of a trader on a lot are taken back: the trader was suspended.
    OrdersWithdrawn {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
    },
    /// The random end of a call auction was drawn.
    EndDrawn {
        /// The lot.
        lot: LotId,
        /// When it is.
        end: RandomEnd,
    },
    /// A device was added to an account: a session that its key speaks for, until it is closed.
    DeviceAdded {
        /// The number of the session.
        session: SessionId,
        /// Whose it is.
        user: UserId,
        /// Its key and its name.
        device: Box<NewDevice>,
    },
}

impl PrivateEvent {
    /// The lot that it happened to.
    pub(crate) fn lot(&self) -> Option<LotId> {
        match self {
            Self::ReserveSet { lot, .. }
            | Self::MaximumSet { lot, .. }
            | Self::OrderPlaced { lot, .. }
            | Self::OrderReplaced { lot, .. }
            | Self::OrderCancelled { lot, .. }
            | Self::OrdersWithdrawn { lot, .. }
            | Self::EndDrawn { lot, .. } => Some(*lot),
            Self::CredentialSet { .. }
            | Self::SessionOpened { .. }
            | Self::SessionClosed { .. }
            | Self::UserSuspended { .. }
            | Self::UserReinstated { .. }
            | Self::DeadManSet { .. }
            | Self::Deposited { .. }
            | Self::Withdrawn { .. }
            | Self::DeviceAdded { .. } => None,
        }
    }
}

impl Event {
    /// The lot that it happened to.
    pub(crate) fn lot(&self) -> Option<LotId> {
        match self {
            Self::Public(event) => event.lot(),
            Self::Private(event) => event.lot(),
        }
    }
}
