//! The trading day: its orders, its trades, limits of traders, and the halt of the whole market.

use auction_core::{
    Command, DayOrder, LotId, OrderId, Price, Quantity, Side, StandingDayOrder, Timestamp,
    TraderLimits, UserId,
};

use super::snapshot::Follows;
use crate::encoding::list::List;
use crate::limits::{PART_ORDERS_MAX, TRADES_LISTED_MAX};

fields! {
    /// Places an order on a trading day. For traders. The answer says what traded at once, and what became of the rest.
    struct PlaceDayOrder = PLACE_DAY_ORDER {
        /// The lot.
        lot: LotId,
        /// The content of the order.
        order: DayOrder,
    }

    /// Replaces the limit and the open quantity of an order of the user on a trading day; its number stays. It keeps its
    /// place if the limit is the same and the quantity not raised. For traders. Answered as [`PlaceDayOrder`].
    struct ReplaceDayOrder = REPLACE_DAY_ORDER {
        /// The lot.
        lot: LotId,
        /// The order.
        order: OrderId,
        /// Number of open shares from now on.
        quantity: Quantity,
        /// The worst price it accepts from now on; nothing: any. JSON can leave it out.
        #[serde(default)]
        limit: Option<Price>,
        /// Number of open shares that the user believes in: with another, the replacement is refused. JSON can leave it
        /// out.
        #[serde(default)]
        believed: Option<Quantity>,
    }

    /// Cancels all orders of a trader on call auctions and trading days that can be cancelled; the answer counts the
    /// others. For traders, their own; for auctioneers, those of any trader.
    struct CancelAll = CANCEL_ALL {
        /// The trader; nothing: the user. JSON can leave it out.
        #[serde(default)]
        trader: Option<UserId>,
        /// The lot; nothing: all lots. JSON can leave it out.
        #[serde(default)]
        lot: Option<LotId>,
    }

    /// Moves the end of a phase of a trading day. For auctioneers.
    struct MovePhase = MOVE_PHASE {
        /// The lot.
        lot: LotId,
        /// The phase: its position in the schedule, from 0.
        phase: u8,
        /// The new end: after now and the end of the phase before, before the end of the phase after.
        ends_at: Timestamp,
    }

    /// Halts the whole market: it takes nothing but cancels, and its time stops. For auctioneers.
    struct HaltAll = HALT_ALL {}

    /// Lets a halted market go on: all times come later by the duration of the halt. For auctioneers.
    struct ResumeAll = RESUME_ALL {}

    /// Sets limits for trading days. For auctioneers.
    struct SetLimits = SET_LIMITS {
        /// The trader; nothing: every trader without limits of their own. JSON can leave it out.
        #[serde(default)]
        trader: Option<UserId>,
        /// The limits; nothing: those of every trader, or none. JSON can leave it out.
        #[serde(default)]
        limits: Option<TraderLimits>,
    }

    /// Asks for the trades of a trading day, the oldest first. Needs no session. Answered by [`Trades`].
    struct GetTrades = GET_TRADES {
        /// The lot.
        lot: LotId,
        /// Only trades with a higher number; 0: from the first.
        after: u64,
        /// Only trades at or after this time. JSON can leave it out.
        #[serde(default)]
        since: Option<Timestamp>,
        /// Only trades before this time. JSON can leave it out.
        #[serde(default)]
        until: Option<Timestamp>,
        /// Maximum number of trades; more than [`TRADES_LISTED_MAX`] count as that, and 0 as 1.
        limit: u32,
    }

    /// Answers [`GetTrades`].
    struct Trades = TRADES {
        /// The lot.
        lot: LotId,
        /// `More` if there are others behind these: ask again with the last number as `after`.
        follows: Follows,
        /// The trades, by number.
        trades: List<DayTrade, TRADES_LISTED_MAX>,
    }

    /// A trade of a trading day. An uncross is one trade.
    struct DayTrade {
        /// Its number on the lot, from 1.
        number: u64,
        /// Time of the trade.
        at: Timestamp,
        /// Price of each share.
        price: Price,
        /// Shares traded.
        quantity: u64,
        /// Side of the incoming order; nothing: the trade is an uncross.
        aggressor: Option<Side>,
        /// Public number of the order that rested; nothing: the trade is an uncross.
        resting: Option<u64>,
    }

    /// A part of the state of the user's account, behind the [`Account`](super::Account)s: orders on trading days.
    /// Sent only if there are any.
    struct DayOrders = DAY_ORDERS {
        /// The place of this part among the parts, [`Account`](super::Account)s included.
        index: u32,
        /// `More` if another part follows.
        follows: Follows,
        /// Orders on trading days that have not closed, by lot and order.
        orders: List<StandingDayOrder, PART_ORDERS_MAX>,
    }
}

macro_rules! commands {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl From<$name> for Command {
            fn from(body: $name) -> Self {
                let $name { $($field),* } = body;
                Self::$name { $($field),* }
            }
        }
    )*};
}

commands! {
    PlaceDayOrder { lot, order }
    ReplaceDayOrder { lot, order, quantity, limit, believed }
    CancelAll { trader, lot }
    MovePhase { lot, phase, ends_at }
    SetLimits { trader, limits }
}

impl From<HaltAll> for Command {
    fn from(HaltAll {}: HaltAll) -> Self {
        Self::HaltAll
    }
}

impl From<ResumeAll> for Command {
    fn from(ResumeAll {}: ResumeAll) -> Self {
        Self::ResumeAll
    }
}
