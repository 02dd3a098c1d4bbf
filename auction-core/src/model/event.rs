//! Events: decisions of the market. Public events form the feed; private ones are only in the journal.

use alloc::boxed::Box;
use alloc::vec::Vec;

use smallvec::SmallVec;

use crate::clearing::call::{Collar, LadderStep, Quote, Side};
use crate::model::command::{AccountMode, Listing, Role, Terms};
use crate::model::day::{CorridorKind, DayHaltCause, DayPhase};
use crate::{
    EndCommitment, LotId, Name, OrderId, Price, Profit, Quantity, RandomEnd, Symbol, Timestamp,
    UserId,
};

pub use crate::model::private_event::PrivateEvent;

/// The events of one record: mostly one or two, which need no allocation.
pub type Events = SmallVec<[Event; 2]>;

/// One event of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Visible to everyone.
    Public(PublicEvent),
    /// Visible only to the market.
    Private(PrivateEvent),
}

/// An event that everyone may see. Hidden values cannot leak by mistake: this type has no field for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicEvent {
    /// A stock is listed, or listed again.
    StockListed(Listing),
    /// A user is registered under this number.
    UserRegistered {
        /// The number.
        user: UserId,
        /// The name.
        name: Name,
        /// Their role.
        role: Role,
    },
    /// A lot accepts bids from now on, or from its opening time on.
    LotOpened(Box<LotOpened>),
    /// A bid on an English lot was accepted, or a Dutch lot was taken.
    BidAccepted(BidAccepted),
    /// The close of a lot moved.
    LotExtended {
        /// The lot.
        lot: LotId,
        /// The new close.
        closes_at: Timestamp,
        /// Reason.
        cause: ExtensionCause,
    },
    /// A lot accepts no more bids.
    LotClosed {
        /// The lot.
        lot: LotId,
        /// Outcome, and its reason.
        outcome: Outcome,
    },
    /// A company published the profit of its stock.
    ProfitPublished {
        /// The stock.
        symbol: Symbol,
        /// The profit.
        profit: Profit,
    },
    /// A scheduled lot accepts bids from now on.
    LotBegan {
        /// The lot.
        lot: LotId,
    },
    /// A lot accepts only cancels until it is resumed.
    LotHalted {
        /// The lot.
        lot: LotId,
    },
    /// A halted lot continues.
    LotResumed {
        /// The lot.
        lot: LotId,
        /// Opening time, past or future, moved by the duration of the halt.
        opened_at: Timestamp,
        /// Closing time, moved by the duration of the halt.
        closes_at: Timestamp,
    },
    /// The number of traders with a sealed bid on a lot changed: all that is public of them before the close.
    BiddersCounted {
        /// The lot.
        lot: LotId,
        /// Number of traders.
        bidders: u32,
    },
    /// Sealed bids of a lot that closes in the same record, at most
    /// [`BIDS_OPENED_MAX`](crate::limits::BIDS_OPENED_MAX): all bids, in the order of their time, are spread over as
    /// many events as needed.
    BidsOpened {
        /// The lot.
        lot: LotId,
        /// The bids.
        bids: Vec<OpenedBid>,
    },
    /// The account mode of the market was set.
    AccountsSet {
        /// The account mode.
        mode: AccountMode,
    },
    /// A call auction has begun, with this reference price.
    ReferenceFixed {
        /// The lot.
        lot: LotId,
        /// The stock's last uncross price, otherwise its base price, rounded down to the tick; zero: no reference.
        reference: Price,
    },
    /// The random end of a call auction is fixed.
    EndCommitted {
        /// The lot.
        lot: LotId,
        /// Commitment that the end is checked against when it is opened.
        commitment: EndCommitment,
    },
    /// The random end of a call auction is opened: the auction is over or was extended.
    EndOpened {
        /// The lot.
        lot: LotId,
        /// The end that was committed to.
        end: RandomEnd,
    },
    /// A phase of a trading day began, and the one before it ended.
    PhaseBegan(PhaseBegan),
    /// The end of the running call of a trading day moved.
    PhaseExtended {
        /// The lot.
        lot: LotId,
        /// The new end.
        ends_at: Timestamp,
        /// Reason.
        cause: ExtensionCause,
    },
    /// The end of a scheduled phase was moved by command.
    PhaseMoved {
        /// The lot.
        lot: LotId,
        /// The phase, counted from 0; it may be the running one.
        phase: u8,
        /// The new end.
        ends_at: Timestamp,
    },
    /// A call of a trading day was uncrossed.
    CallUncrossed {
        /// The lot.
        lot: LotId,
        /// [`Outcome::Crossed`] or [`Outcome::NoCross`].
        outcome: Outcome,
        /// Number of the trade; `None`: nothing traded.
        trade: Option<u64>,
    },
    /// An order of a trading day is shown, with its place behind all that are shown at its price (in trading at last:
    /// behind all that are shown). When continuous trading or trading at last begins, no order is shown yet.
    OrderShown {
        /// The lot.
        lot: LotId,
        /// Its public number: the next one, or the number that it had before a call.
        number: u64,
        /// Buy or sell.
        side: Side,
        /// Its limit; in trading at last the closing price.
        price: Price,
        /// Shares not yet traded.
        open: Quantity,
    },
    /// A shown order lost shares without a trade, and kept its place.
    OrderReduced {
        /// The lot.
        lot: LotId,
        /// Its public number.
        number: u64,
        /// Shares it still has.
        open: Quantity,
    },
    /// A shown order left the book without a trade.
    OrderGone {
        /// The lot.
        lot: LotId,
        /// Its public number.
        number: u64,
    },
    /// An incoming order traded with a shown one, at the shown one's price.
    Traded {
        /// The lot.
        lot: LotId,
        /// Number of the trade, the next one on the lot.
        number: u64,
        /// Price of each share.
        price: Price,
        /// Shares traded; the shown order lost as many, and has left the book if it had no more.
        quantity: Quantity,
        /// Public number of the shown order.
        resting: u64,
        /// Side of the incoming order.
        aggressor: Side,
    },
    /// An order would have traded outside a corridor, and interrupts continuous trading. A volatility call begins, or
    /// the lot is halted.
    Interrupted {
        /// The lot.
        lot: LotId,
        /// The price at which it would have traded next.
        price: Price,
        /// The corridor; the static one if it is outside both.
        corridor: CorridorKind,
    },
    /// A trading day accepts only cancels until it is resumed or closed. No command asked for it.
    DayHalted {
        /// The lot.
        lot: LotId,
        /// Reason.
        cause: DayHaltCause,
    },
    /// The whole market accepts only cancels until it is resumed.
    MarketHalted,
    /// A halted market continues: opening, close, phases and windows of every lot that is not halted itself are moved by
    /// the duration of the halt.
    MarketResumed,
}

/// The beginning of a phase of a trading day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseBegan {
    /// The lot.
    pub lot: LotId,
    /// The phase.
    pub phase: DayPhase,
    /// Its position in the schedule, from 0; that of the interrupted phase for a volatility call.
    pub index: u8,
    /// Its end; that of a call may come earlier by its random end, or later by extensions.
    pub ends_at: Timestamp,
    /// In a call the reference of its price; in continuous trading the centre of the static corridor; at last the closing
    /// price. Zero: none.
    pub reference: Price,
    /// The collar of a call.
    pub collar: Option<Collar>,
}

impl PublicEvent {
    /// Returns the lot of the event.
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
            | Self::EndOpened { lot, .. }
            | Self::PhaseBegan(PhaseBegan { lot, .. })
            | Self::PhaseExtended { lot, .. }
            | Self::PhaseMoved { lot, .. }
            | Self::CallUncrossed { lot, .. }
            | Self::OrderShown { lot, .. }
            | Self::OrderReduced { lot, .. }
            | Self::OrderGone { lot, .. }
            | Self::Traded { lot, .. }
            | Self::Interrupted { lot, .. }
            | Self::DayHalted { lot, .. } => Some(*lot),
            Self::StockListed(_)
            | Self::UserRegistered { .. }
            | Self::ProfitPublished { .. }
            | Self::AccountsSet { .. }
            | Self::MarketHalted
            | Self::MarketResumed => None,
        }
    }
}

/// A sealed bid that is public after the close, and its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedBid {
    /// The bidder.
    pub bidder: UserId,
    /// The bidder's number for the bid on this lot.
    pub order: OrderId,
    /// The price offered for each share.
    pub price: Price,
    /// The wanted number of shares.
    pub quantity: Quantity,
    /// Number of shares filled.
    pub filled: u64,
    /// Price of each of them; `None`: none is filled.
    pub pays: Option<Price>,
}

/// A lot as it opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotOpened {
    /// The lot's number.
    pub lot: LotId,
    /// The stock.
    pub symbol: Symbol,
    /// Number of shares; for a call auction and a trading day the round lot.
    pub quantity: Quantity,
    /// The stock's listed price when the lot opened.
    pub base_price: Price,
    /// Opening time, if it is later.
    pub opens_at: Option<Timestamp>,
    /// Closing time, exclusive.
    pub closes_at: Timestamp,
    /// The format, and its public terms.
    pub terms: Terms,
    /// True if there is a reserve; its price is hidden.
    pub has_reserve: bool,
}

/// An accepted bid on an English or a Dutch lot, and the state of the lot after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BidAccepted {
    /// The lot.
    pub lot: LotId,
    /// The bidder.
    pub bidder: UserId,
    /// Amount of an open bid; a maximum stays hidden. On a Dutch lot the price of the take.
    pub amount: Option<Price>,
    /// The leader after the bid.
    pub leader: UserId,
    /// The price after the bid.
    pub price: Price,
    /// The smallest bid that would be accepted next; `None`: no higher bid is possible.
    pub least: Option<Price>,
    /// Number of traders who have bid on the lot.
    pub bidders: u32,
    /// Status of the reserve after the bid.
    pub reserve: ReserveStatus,
}

/// Status of a hidden reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ReserveStatus {
    /// There is no reserve.
    None,
    /// The price is below it: if the lot closes now, nothing is sold.
    NotMet,
    /// The price has reached it.
    Met,
}

/// Reason why a close moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionCause {
    /// A bid came near the close.
    SoftClose,
    /// The operator or an auctioneer moved it, for example after an outage.
    Ordered,
    /// The price of a call auction was outside its collar.
    Volatility,
    /// Market orders of a call auction would have stayed unfilled.
    MarketOrders,
}

/// Outcome of a lot, and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Outcome {
    /// One trader won the whole lot.
    Sold {
        /// The winner.
        winner: UserId,
        /// Price of each share.
        price: Price,
        /// The rule that decided.
        by: SoldBy,
        /// The highest offer of all other traders, where others make offers.
        runner_up: Option<Price>,
    },
    /// Nobody won.
    Unsold {
        /// The rule that decided.
        because: UnsoldBecause,
        /// The highest public offer; for sealed bids the highest bid.
        highest: Option<Price>,
    },
    /// The lot was sold in parts.
    Allocated {
        /// Number of shares sold.
        sold: u64,
        /// Number of traders who get shares.
        buyers: u32,
        /// The lowest accepted price: with a uniform price all pay it.
        lowest: Price,
        /// The rule that decided the allocation.
        by: AllocatedBy,
        /// The highest price of a bid without a fill, bids below the reserve included.
        highest_rejected: Option<Price>,
    },
    /// A call auction was uncrossed: all trades happened at one price.
    Crossed {
        /// The price.
        price: Price,
        /// Number of shares traded.
        volume: u64,
        /// Quantity wanted at the price minus quantity offered.
        surplus: i64,
        /// The step of the ladder that decided.
        by: LadderStep,
        /// The lowest and the highest limit with the greatest volume; `None`: only market orders traded.
        candidates: Option<Candidates>,
        /// Number of traders who bought or sold.
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
    /// A trading day ended.
    Day {
        /// The closing price; `None`: nothing traded.
        close: Option<Price>,
        /// The volume-weighted average price; `None`: nothing traded.
        average: Option<Price>,
        /// Shares traded.
        volume: u128,
        /// Number of trades; an uncross is one.
        trades: u64,
    },
}

impl Outcome {
    /// Returns true if the lot was cancelled.
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
    /// The first trader to take it, at the price at that time.
    FirstTake,
    /// The highest sealed bid, at the price of the second highest.
    SecondHighestBid,
    /// The highest sealed bid, at the reserve, which is above the second highest.
    Reserve,
    /// The highest sealed bid, at the smallest allowed bid: there was no other bid, and there is no higher reserve.
    LeastBid,
}

impl SoldBy {
    /// Returns the rule in words, to be shown after a price: `the second highest bid`.
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
    /// Returns the rule in words: `there was enough for all`.
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
    /// The lot was cancelled before its first bid.
    Cancelled,
}

impl UnsoldBecause {
    /// Returns the reason in words: `the reserve was not met`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoBids => "no bids",
            Self::ReserveNotMet => "the reserve was not met",
            Self::Cancelled => "taken back",
        }
    }
}

/// Range of limits of a call auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Candidates {
    /// The lowest limit.
    pub lowest: Price,
    /// The highest limit.
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
    /// Nothing would have traded at the collar's bound nearest to the price.
    Collar,
}

impl NoCrossBecause {
    /// Returns the reason in words: `nothing crosses`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NothingCrosses => "nothing crosses",
            Self::NoPrice => "market orders alone have no price",
            Self::Collar => "nothing crosses within the collar",
        }
    }
}

impl Event {
    /// Returns the lot of the event.
    pub(crate) fn lot(&self) -> Option<LotId> {
        match self {
            Self::Public(event) => event.lot(),
            Self::Private(event) => event.lot(),
        }
    }
}
