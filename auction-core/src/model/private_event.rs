//! Private events: they are only in the journal.

use alloc::boxed::Box;

use crate::clearing::call::Side;
use crate::model::command::{Access, Asset, Credential, NewDevice, TokenHash};
use crate::model::day::{DayOrder, FillRole, LapseReason, TraderLimits};
use crate::{LotId, OrderId, Price, Quantity, RandomEnd, SessionId, Span, Timestamp, UserId};

/// An event that only the market may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateEvent {
    /// The data that a user's login is checked against was set.
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
        /// User of the session.
        user: UserId,
        /// SHA-256 of its token.
        token_hash: TokenHash,
        /// Expiry time, exclusive: from then on its requests are refused.
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
    /// A trader set a hidden maximum.
    MaximumSet {
        /// The lot.
        lot: LotId,
        /// The trader.
        bidder: UserId,
        /// The highest price they accept.
        maximum: Price,
        /// True if they lead with it.
        leads: bool,
    },
    /// A trader placed a hidden order.
    OrderPlaced {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The trader's number for the order on this lot.
        order: OrderId,
        /// Buy or sell.
        side: Side,
        /// Number of shares.
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
        /// New number of shares.
        quantity: Quantity,
        /// New worst price that it accepts; `None`: any.
        limit: Option<Price>,
    },
    /// A trader cancelled a hidden order.
    OrderCancelled {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order.
        order: OrderId,
    },
    /// A user is suspended: they cannot act until they are reinstated.
    UserSuspended {
        /// The user.
        user: UserId,
    },
    /// A user is no longer suspended.
    UserReinstated {
        /// The user.
        user: UserId,
    },
    /// The dead-man switch of a session was set or cleared. It outlives its session until it is cleared, which happens
    /// once its user's orders are cancelled.
    DeadManSet {
        /// The session.
        session: SessionId,
        /// User of the session.
        user: UserId,
        /// Time that the session may be disconnected; `None`: it has no switch.
        grace: Option<Span>,
    },
    /// Cash or shares were deposited into a trader's account.
    Deposited {
        /// The trader.
        user: UserId,
        /// Cash or shares.
        asset: Asset,
    },
    /// Cash or shares were withdrawn from a trader's account.
    Withdrawn {
        /// The trader.
        user: UserId,
        /// Cash or shares.
        asset: Asset,
    },
    /// All orders of a trader on a lot are withdrawn: the trader was suspended.
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
        /// The end.
        end: RandomEnd,
    },
    /// A device was added to an account: a session whose requests its key signs, until it is closed.
    DeviceAdded {
        /// Number of the session.
        session: SessionId,
        /// User of the session.
        user: UserId,
        /// Its key and its name.
        device: Box<NewDevice>,
    },
    /// An order of a trading day was accepted. The events that follow say what became of it.
    DayOrderAccepted {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The trader's number for the order on this lot.
        order: OrderId,
        /// Its content.
        content: DayOrder,
    },
    /// An order of a trading day was replaced. If it lost its place, it comes in as a new one, and the events that follow
    /// say what became of it.
    DayOrderReplaced {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order.
        order: OrderId,
        /// New number of open shares.
        quantity: Quantity,
        /// New worst price that it accepts; `None`: any.
        limit: Option<Price>,
        /// True if it kept its place.
        keeps_place: bool,
    },
    /// An order, or its rest, is parked: hidden, until its call begins.
    DayOrderParked {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order.
        order: OrderId,
        /// Its open shares.
        open: Quantity,
    },
    /// An order, or its rest, takes its place in the book, behind all others at its price.
    DayOrderRests {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order.
        order: OrderId,
        /// Its open shares.
        open: Quantity,
    },
    /// An order traded.
    DayOrderFilled {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order.
        order: OrderId,
        /// Number of the trade.
        trade: u64,
        /// Price of each share.
        price: Price,
        /// Shares traded.
        quantity: Quantity,
        /// Part of the order in the trade.
        role: FillRole,
        /// Shares it still has; zero: it has left the book.
        left: u64,
    },
    /// Two orders of a trader met, and both lost shares without a trade.
    DayOrdersDecremented {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order that rested.
        resting: OrderId,
        /// The order that came in.
        incoming: OrderId,
        /// Shares that each lost.
        quantity: Quantity,
        /// Shares that the resting order still has; zero: it has left the book.
        resting_left: u64,
        /// Shares that the incoming order still has.
        incoming_left: u64,
    },
    /// An order, or its rest, lapsed.
    DayOrderLapsed {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order.
        order: OrderId,
        /// Its open shares.
        quantity: Quantity,
        /// Reason.
        because: LapseReason,
    },
    /// A cancel-all found this order, which cannot be cancelled now.
    OrderKept {
        /// The lot.
        lot: LotId,
        /// The trader.
        trader: UserId,
        /// The order.
        order: OrderId,
    },
    /// A cancel-all is complete: the orders before it in the record were cancelled or kept.
    AllCancelled {
        /// The trader.
        trader: UserId,
        /// The lot; `None`: all lots.
        lot: Option<LotId>,
        /// Number of orders that were cancelled.
        cancelled: u32,
        /// Number of orders that could not be cancelled.
        kept: u32,
        /// True if the trader has more orders, which another cancel-all cancels.
        more: bool,
    },
    /// Limits for trading days were set.
    LimitsSet {
        /// The trader; `None`: every trader without limits of their own.
        trader: Option<UserId>,
        /// The limits.
        limits: Option<TraderLimits>,
    },
    /// An account was locked, unlocked or closed.
    AccessSet {
        /// The user.
        user: UserId,
        /// Access from now on.
        access: Access,
    },
}

impl PrivateEvent {
    /// Returns the lot of the event.
    pub(crate) fn lot(&self) -> Option<LotId> {
        match self {
            Self::ReserveSet { lot, .. }
            | Self::MaximumSet { lot, .. }
            | Self::OrderPlaced { lot, .. }
            | Self::OrderReplaced { lot, .. }
            | Self::OrderCancelled { lot, .. }
            | Self::OrdersWithdrawn { lot, .. }
            | Self::EndDrawn { lot, .. }
            | Self::DayOrderAccepted { lot, .. }
            | Self::DayOrderReplaced { lot, .. }
            | Self::DayOrderParked { lot, .. }
            | Self::DayOrderRests { lot, .. }
            | Self::DayOrderFilled { lot, .. }
            | Self::DayOrdersDecremented { lot, .. }
            | Self::DayOrderLapsed { lot, .. }
            | Self::OrderKept { lot, .. } => Some(*lot),
            Self::CredentialSet { .. }
            | Self::SessionOpened { .. }
            | Self::SessionClosed { .. }
            | Self::UserSuspended { .. }
            | Self::UserReinstated { .. }
            | Self::DeadManSet { .. }
            | Self::Deposited { .. }
            | Self::Withdrawn { .. }
            | Self::DeviceAdded { .. }
            | Self::AllCancelled { .. }
            | Self::LimitsSet { .. }
            | Self::AccessSet { .. } => None,
        }
    }
}
