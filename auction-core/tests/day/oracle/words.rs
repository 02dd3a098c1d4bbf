//! Terms, orders, commands, refusals and events of the oracle's trading day, in numbers: prices in ten-thousandths, times
//! in any unit.

pub use auction_core::clearing::call::{LadderStep, Side};

/// Number of an order: its place in the list of all orders that were accepted.
pub type Id = usize;

pub type Owner = u32;

/// Kind of a phase. A volatility call is in no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    PreOpen,
    Call,
    Continuous,
    AtLast,
    Volatility,
    Closed,
}

/// Greatest distance from a reference: the greater of an absolute and a relative one, in basis points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collar {
    pub absolute: u64,
    pub basis_points: u64,
}

impl Collar {
    pub fn doubled(self) -> Self {
        Self {
            absolute: 2 * self.absolute,
            basis_points: 2 * self.basis_points,
        }
    }

    /// Greatest distance from this reference that is inside.
    pub fn reach(self, reference: u64) -> u64 {
        self.absolute.max(reference * self.basis_points / 10_000)
    }

    /// Returns true if the price is inside. A reference of zero binds nothing.
    pub fn has(self, reference: u64, price: u64) -> bool {
        reference == 0 || price.abs_diff(reference) <= self.reach(reference)
    }
}

#[derive(Clone, Debug)]
pub struct Terms {
    pub tick: u64,
    pub round_lot: u64,
    /// Price of the stock's last uncross, otherwise the base price.
    pub reference: u64,
    pub collar: Option<Collar>,
    pub static_corridor: Option<Collar>,
    pub dynamic_corridor: Option<Collar>,
    pub extensions_max: u32,
    pub extend_by: u64,
    pub market_extension: bool,
    pub random_end: u64,
    pub no_cancel: Option<u64>,
    pub volatility_length: u64,
    pub volatility_random_end: u64,
    pub interruptions_max: u32,
    /// Kind and beginning of each phase.
    pub phases: Vec<(Kind, u64)>,
    pub closes_at: u64,
    pub draw: Draw,
    /// Traders pay from accounts.
    pub funds: bool,
    /// The lot was announced before it opens.
    pub is_scheduled: bool,
    /// Levels of the book are shown in calls.
    pub is_open_book: bool,
}

/// Source of the random ends: a number, modulo the possible ones.
#[derive(Clone, Debug)]
pub enum Draw {
    /// One after the other.
    Listed(Vec<u64>),
    /// Always the same.
    Number(u128),
}

impl Draw {
    pub fn number(&self, drawn: usize) -> u128 {
        match self {
            Self::Listed(numbers) => numbers.get(drawn).copied().unwrap_or(0).into(),
            Self::Number(number) => *number,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tif {
    Day,
    Until(u64),
    Ioc,
    Fok,
    AtOpen,
    AtClose,
    Auction,
}

/// Rule for an incoming order that meets one of its own trader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnOrder {
    Refuse,
    CancelNewest,
    CancelOldest,
    CancelBoth,
    Decrement,
}

/// An order as it is sent; `limit: None` is a market order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    pub side: Side,
    pub quantity: u64,
    pub limit: Option<u64>,
    pub tif: Tif,
    pub own: OwnOrder,
    pub post_only: bool,
}

/// An order that is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: Id,
    pub owner: Owner,
    pub side: Side,
    pub open: u64,
    pub limit: Option<u64>,
    pub tif: Tif,
    pub own: OwnOrder,
    pub post_only: bool,
    /// Rank of its last acceptance, which a replacement that loses the place renews.
    pub accepted: u64,
    /// Rank in the book; `None` while it is parked.
    pub place: Option<u64>,
}

impl Order {
    /// Returns true if its limit allows this price.
    pub fn takes(&self, price: u64) -> bool {
        self.limit.is_none_or(|limit| match self.side {
            Side::Buy => limit >= price,
            Side::Sell => limit <= price,
        })
    }

    /// Returns true if the two could trade at some price.
    pub fn could_trade_with(&self, other: &Self) -> bool {
        self.side != other.side
            && match (self.limit, other.limit) {
                (Some(limit), _) => other.takes(limit),
                (None, _) => true,
            }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Enter(NewOrder),
    Replace {
        id: Id,
        quantity: u64,
        limit: Option<u64>,
        /// Open quantity that the trader believes in.
        believed: Option<u64>,
    },
    Cancel(Id),
    CancelAll,
}

/// Command of the auctioneer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Halt,
    Resume,
    Close,
    Suspend(Owner),
    Reinstate(Owner),
    CancelAllOf(Owner),
    /// Moves the end of a phase of the schedule.
    Move {
        index: usize,
        ends_at: u64,
    },
    /// Moves the close of the lot to a later time.
    Extend(u64),
    /// Cancels the lot, without a trade or an order.
    CancelLot,
    HaltAll,
    ResumeAll,
    /// Sets a trader's limits, or everybody's who has none of their own.
    Limit(Option<Owner>, Option<Limits>),
}

/// Most that a trader may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub order_quantity: Option<u64>,
    pub order_value: Option<u64>,
    pub open_orders: Option<u64>,
    pub long: Option<u64>,
    pub short: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    OrderQuantity,
    OrderValue,
    OpenOrders,
    Long,
    Short,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Suspended,
    /// Since when.
    LotHalted(u64),
    LotClosed,
    /// Since when.
    MarketHalted(u64),
    /// The first phase that can be moved, and the number of phases.
    PhaseOver(usize, usize),
    /// Bounds of a phase's end, both exclusive.
    PhaseEnd(u64, u64),
    /// The new close must be after this.
    CloseNotLater(u64),
    LotHasBids,
    OverLimit(Limit, u64),
    NotInPhase(Kind),
    /// The next higher limit on the tick.
    OffTick(u64),
    OffRoundLot,
    UntilPassed(u64),
    PostOnlyMustRest,
    WouldTrade(u64),
    /// The limit of the own order.
    WouldSelfTrade(Option<u64>),
    NotAtClose(u64),
    UnknownOrder,
    Unchanged,
    OpenDiffers(u64),
    /// Since when.
    NoCancelNow(u64),
    /// Cash needed in addition, and free cash.
    Funds(u64, u64),
    /// Shares needed in addition, and free shares.
    Shares(u64, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    Until,
    Uncross,
    Close,
    SelfTrade,
    Fok,
    Rest,
    Funds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltedBy {
    Auctioneer,
    CrossedAtCollar,
    Interruptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    Volatility,
    MarketOrders,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPrice {
    NothingCrosses,
    Collar,
    NoReference,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Phase(Kind, u64, u64),
    Uncross {
        price: u64,
        volume: u64,
        surplus: i64,
        by: LadderStep,
        /// Shares that each order traded, if any, by number.
        fills: Vec<(Id, u64)>,
    },
    NoPrice(NoPrice),
    Extended(Extension, u64),
    Trade {
        resting: Id,
        incoming: Id,
        price: u64,
        quantity: u64,
    },
    Decremented {
        resting: Id,
        incoming: Id,
        quantity: u64,
    },
    Rests(Id, u64),
    Parked(Id, u64),
    Replaced {
        id: Id,
        quantity: u64,
        kept: bool,
    },
    Lapsed(Id, u64, Why),
    Cancelled(Id, u64),
    Kept(Id),
    Halted(HaltedBy),
    Resumed(u64),
    /// The price at which an order would have traded next, and whether it is outside the static corridor.
    Interrupted {
        price: u64,
        is_static: bool,
    },
    Closed(u64),
    Moved(usize, u64),
}
