//! The trading day: its terms, its orders, and the values of its events.

use alloc::vec::Vec;
use core::fmt;

use crate::clearing::book::SelfTrade;
use crate::clearing::call::{Collar, Side};
use crate::model::call_terms::CallTerms;
use crate::{Amount, OrderId, Price, Quantity, Span, Timestamp};

/// The public terms of a trading day: calls and continuous trading in one book.
///
/// The lot has no single seller: its [quantity](crate::OpenLot::quantity) is the *round lot*.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DayTerms {
    /// Terms of its calls; the tick holds all day.
    pub call: CallTerms,
    /// The phases, each until the next one begins, the last one until the close:
    /// `[pre-open] call {continuous call} [at-last]`, at most [`DAY_PHASES_MAX`](crate::limits::DAY_PHASES_MAX).
    pub phases: Vec<ScheduledPhase>,
    /// Greatest distance of a continuous trade from the last call's price; `None`: unlimited.
    pub static_corridor: Option<Collar>,
    /// Greatest distance of a continuous trade from the last trade's price; `None`: unlimited.
    pub dynamic_corridor: Option<Collar>,
    /// Duration of a volatility call; it is extended as other calls are.
    pub volatility_length: Span,
    /// Random end of a volatility call; shorter than the call. Zero: none.
    pub volatility_random_end: Span,
    /// Most volatility interruptions of the day; one more halts the lot.
    pub interruptions_max: u32,
}

impl DayTerms {
    /// Default greatest number of volatility interruptions.
    pub const INTERRUPTIONS_MAX: u32 = 16;

    /// Terms with these phases, and otherwise the defaults: those of a call, no corridors, volatility calls of
    /// 2 minutes.
    #[must_use]
    pub fn new(phases: Vec<ScheduledPhase>) -> Self {
        Self {
            call: CallTerms::default(),
            phases,
            static_corridor: None,
            dynamic_corridor: None,
            volatility_length: Span::from_secs(120),
            volatility_random_end: Span::ZERO,
            interruptions_max: Self::INTERRUPTIONS_MAX,
        }
    }
}

/// A phase of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ScheduledPhase {
    /// The phase; never [`DayPhase::Volatility`].
    pub phase: DayPhase,
    /// Time from the opening of the lot to the beginning of the phase; zero for the first.
    pub begins_after: Span,
}

/// A phase of a trading day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum DayPhase {
    /// Orders are parked for the opening call.
    PreOpen,
    /// A call: nothing executes before its uncross.
    Call,
    /// Orders trade at once.
    Continuous,
    /// A call that interrupts continuous trading; never in a schedule.
    Volatility,
    /// Trading at the closing price alone.
    AtLast,
}

impl DayPhase {
    /// All phases.
    pub const ALL: [Self; 5] = [
        Self::PreOpen,
        Self::Call,
        Self::Continuous,
        Self::Volatility,
        Self::AtLast,
    ];

    /// Returns the name used in flags, files and JSON: `at-last`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreOpen => "pre-open",
            Self::Call => "call",
            Self::Continuous => "continuous",
            Self::Volatility => "volatility",
            Self::AtLast => "at-last",
        }
    }

    /// Returns true for a call, scheduled or not.
    #[must_use]
    pub const fn is_call(self) -> bool {
        matches!(self, Self::Call | Self::Volatility)
    }
}

impl fmt::Display for DayPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reason why a schedule is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// There are no phases, or too many.
    #[error("a schedule has 1 to {most} phases")]
    Count {
        /// Maximum number of phases.
        most: u32,
    },
    /// The phases are not in an order that a day can have.
    #[error(
        "a schedule is [pre-open,] call {{, continuous, call}} [, at-last]: phase {number} does not fit"
    )]
    Order {
        /// The first phase that does not fit, counted from 1; one more than there are when a call is missing.
        number: u32,
    },
    /// A phase begins before or with the one before it, or after the close.
    #[error("phase {number} begins no later than the one before it, or no earlier than the close")]
    Times {
        /// The phase, counted from 1.
        number: u32,
    },
    /// A call is not longer than its random end and its no-cancel window together.
    #[error(
        "phase {number} is a call, and no longer than its random end and its no-cancel window together"
    )]
    Windows {
        /// The phase, counted from 1.
        number: u32,
    },
    /// A volatility call is not longer than its random end.
    #[error("a volatility call is longer than its random end")]
    Volatility,
}

/// Content of an order of a trading day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DayOrder {
    /// Buy or sell.
    pub side: Side,
    /// Number of shares.
    pub quantity: Quantity,
    /// The worst price it accepts for each share; `None`: a market order, which accepts any.
    pub limit: Option<Price>,
    /// Its life.
    pub time_in_force: TimeInForce,
    /// True for an order that must rest: it is refused if it would trade at once. For day and until limits.
    pub post_only: bool,
    /// Effect of meeting an order of the same trader in continuous trading.
    pub self_trade: SelfTrade,
}

/// Life of an order of a trading day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TimeInForce {
    /// To the close of the lot.
    #[default]
    Day,
    /// To this time, exclusive, or the close of the lot.
    Until(Timestamp),
    /// It trades at once as far as it can; the rest lapses.
    ImmediateOrCancel,
    /// It trades whole at once, or not at all.
    FillOrKill,
    /// For the opening call alone.
    AtOpen,
    /// For the closing call alone; parked until it begins.
    AtClose,
    /// For every call; parked between them.
    Auction,
}

impl TimeInForce {
    /// Returns the kind of an order with this life.
    #[must_use]
    pub const fn kind(self) -> OrderKind {
        match self {
            Self::Day => OrderKind::Day,
            Self::Until(_) => OrderKind::Until,
            Self::ImmediateOrCancel => OrderKind::ImmediateOrCancel,
            Self::FillOrKill => OrderKind::FillOrKill,
            Self::AtOpen => OrderKind::AtOpen,
            Self::AtClose => OrderKind::AtClose,
            Self::Auction => OrderKind::Auction,
        }
    }
}

/// Kinds of orders, of which each phase accepts some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum OrderKind {
    /// [`TimeInForce::Day`].
    Day,
    /// [`TimeInForce::Until`].
    Until,
    /// [`TimeInForce::ImmediateOrCancel`].
    ImmediateOrCancel,
    /// [`TimeInForce::FillOrKill`].
    FillOrKill,
    /// [`TimeInForce::AtOpen`].
    AtOpen,
    /// [`TimeInForce::AtClose`].
    AtClose,
    /// [`TimeInForce::Auction`].
    Auction,
    /// An order that must rest, whatever its life.
    PostOnly,
}

impl OrderKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Day,
        Self::Until,
        Self::ImmediateOrCancel,
        Self::FillOrKill,
        Self::AtOpen,
        Self::AtClose,
        Self::Auction,
        Self::PostOnly,
    ];

    /// Returns the name used in flags and messages: `at-close`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Until => "until",
            Self::ImmediateOrCancel => "ioc",
            Self::FillOrKill => "fok",
            Self::AtOpen => "at-open",
            Self::AtClose => "at-close",
            Self::Auction => "auction",
            Self::PostOnly => "post-only",
        }
    }
}

impl fmt::Display for OrderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of kinds of orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderKinds(u8);

impl OrderKinds {
    /// The set of these kinds.
    #[must_use]
    pub fn of(kinds: &[OrderKind]) -> Self {
        Self(kinds.iter().fold(0, |set, kind| set | 1 << *kind as u8))
    }

    /// Returns true if the kind is in the set.
    #[must_use]
    pub const fn contains(self, kind: OrderKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// Returns the kinds of the set, in the order of [`OrderKind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = OrderKind> {
        OrderKind::ALL
            .into_iter()
            .filter(move |kind| self.contains(*kind))
    }
}

/// Writes the names: `day, until, auction`.
impl fmt::Display for OrderKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, kind) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(kind.as_str())?;
        }
        Ok(())
    }
}

/// Part of an order in a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FillRole {
    /// It rested.
    Maker,
    /// It came in.
    Taker,
    /// It was in a call.
    Call,
}

/// Reason why an order, or what was left of it, lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LapseReason {
    /// An ioc or a market order in continuous trading: nothing more could trade at once.
    Rest,
    /// A fok could not trade whole.
    FillOrKill,
    /// It met, or could trade with, an order of the same trader.
    SelfTrade,
    /// The call for which it was is over.
    Uncross,
    /// Its time is over.
    Until,
    /// The lot closed.
    Close,
    /// The trader's cash or shares do not cover it.
    Funds,
}

impl LapseReason {
    /// Returns the reason in words: `its call is over`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rest => "nothing more could trade at once",
            Self::FillOrKill => "it could not trade whole",
            Self::SelfTrade => "it would have traded with your own order",
            Self::Uncross => "its call is over",
            Self::Until => "its time is over",
            Self::Close => "the lot closed",
            Self::Funds => "the account does not cover it",
        }
    }
}

/// The corridor that interrupts continuous trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CorridorKind {
    /// Around the last call's price.
    Static,
    /// Around the last trade's price.
    Dynamic,
}

/// Reason why a day halted without a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum DayHaltCause {
    /// Orders still cross after a call whose price the collar held.
    CrossedAtCollar,
    /// One more volatility interruption than the terms allow.
    Interruptions,
}

/// State of an order of a trading day, for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum DayOrderState {
    /// It waits, hidden, for its call.
    Parked,
    /// It has its place in the book, in a call or in continuous trading.
    Resting,
}

/// A live order of a trading day, for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OwnDayOrder {
    /// The trader's number for the order on this lot.
    pub order: OrderId,
    /// Its content, with the open quantity as its quantity.
    pub content: DayOrder,
    /// Shares that have traded since it was accepted.
    pub traded: u64,
    /// Sum of price x shares of them, in ten-thousandths: divided by the shares the average price.
    pub value: u128,
    /// State of the order.
    pub state: DayOrderState,
}

/// Most that a trader may do on trading days; `None`: unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TraderLimits {
    /// Shares of one order.
    pub order_quantity: Option<Quantity>,
    /// Limit x quantity of one order; for a market order the reference x quantity.
    pub order_value: Option<Amount>,
    /// Live orders on one lot.
    pub open_orders: Option<u32>,
    /// Shares bought less shares sold on one lot, if all open buy orders traded.
    pub long: Option<u64>,
    /// Shares sold less shares bought on one lot, if all open sell orders traded.
    pub short: Option<u64>,
    /// Orders and replacements in one second of the clock.
    pub orders_per_second: Option<u32>,
}

/// A limit of a trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TraderLimit {
    /// [`TraderLimits::order_quantity`].
    OrderQuantity,
    /// [`TraderLimits::order_value`], in ten-thousandths.
    OrderValue,
    /// [`TraderLimits::open_orders`].
    OpenOrders,
    /// [`TraderLimits::long`].
    Long,
    /// [`TraderLimits::short`].
    Short,
    /// [`TraderLimits::orders_per_second`].
    OrdersPerSecond,
}

impl TraderLimit {
    /// Returns the limit in words: `shares of one order`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OrderQuantity => "shares of one order",
            Self::OrderValue => "ten-thousandths of price x quantity of one order",
            Self::OpenOrders => "open orders on one lot",
            Self::Long => "shares long on one lot",
            Self::Short => "shares short on one lot",
            Self::OrdersPerSecond => "orders a second",
        }
    }
}

/// Statistics of a trading day, a fold of its trades. An uncross is one trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DayStatistics {
    /// Price of the first trade.
    pub open: Option<Price>,
    /// The highest price of a trade.
    pub high: Option<Price>,
    /// The lowest price of a trade.
    pub low: Option<Price>,
    /// Price of the last trade.
    pub last: Option<Price>,
    /// The closing price, once it is known: that of the closing call, otherwise the last trade's.
    pub close: Option<Price>,
    /// Shares traded.
    pub volume: u128,
    /// Sum of price x shares, in ten-thousandths.
    pub value: u128,
    /// Number of trades; also the number of the last trade.
    pub trades: u64,
}

impl DayStatistics {
    /// Returns the volume-weighted average price, value / volume, rounded half up to a ten-thousandth.
    #[must_use]
    pub fn average(&self) -> Option<Price> {
        if self.volume == 0 {
            return None;
        }
        let (whole, rest) = (self.value / self.volume, self.value % self.volume);
        let average = whole + u128::from(rest * 2 >= self.volume);
        u64::try_from(average).ok().and_then(Price::from_units)
    }

    /// Counts a trade.
    pub(crate) fn traded(&mut self, price: Price, shares: u64) {
        self.open = self.open.or(Some(price));
        self.high = Some(self.high.map_or(price, |high| high.max(price)));
        self.low = Some(self.low.map_or(price, |low| low.min(price)));
        self.last = Some(price);
        self.volume += u128::from(shares);
        self.value += u128::from(shares) * u128::from(price.units());
        self.trades += 1;
    }
}

/// Result of an order or a replacement of a trading day, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DayReply {
    /// The trader's number for the order on this lot.
    pub order: OrderId,
    /// Shares that traded at once.
    pub traded: u64,
    /// Sum of price x shares of them, in ten-thousandths.
    pub value: u128,
    /// Fate of the rest.
    pub rest: DayRest,
}

/// Fate of the rest of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum DayRest {
    /// There is no rest.
    None,
    /// It has a place in the book: of continuous trading, or of a call.
    Rests {
        /// Its shares.
        open: Quantity,
    },
    /// It waits, hidden, for its call.
    Parked {
        /// Its shares.
        open: Quantity,
    },
    /// A replaced order keeps its place, in the book or parked.
    Keeps {
        /// Its shares.
        open: Quantity,
    },
    /// It lapsed.
    Lapsed {
        /// Its shares.
        quantity: Quantity,
        /// The reason.
        because: LapseReason,
    },
}
