//! Reasons why a command is refused. A rejection says what would be accepted, if anything would; it changes nothing,
//! and is not journalled.

use crate::clearing::call::own_limit;
use crate::clearing::dutch::PriceClockError;
use crate::limits::BIDS_PER_TRADER_MAX;
use crate::model::command::{AccountMode, Role};
use crate::model::day::{DayPhase, OrderKinds, ScheduleError, TraderLimit};
use crate::model::steps::StepsError;
use crate::{
    Amount, LotId, Name, OrderId, Price, Quantity, RequestId, SecurityCode, SessionId, Symbol,
    Timestamp, UserId,
};

/// Reason why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The price is below the least bid.
    #[error("the least bid is {least}")]
    BidTooLow {
        /// The smallest bid that would be accepted now.
        least: Price,
    },
    /// The leader's new maximum is not above their current one.
    #[error("you lead already; a higher maximum is at least {least}")]
    MaximumTooLow {
        /// The smallest maximum that would be accepted now.
        least: Price,
    },
    /// The leader bid against themself.
    #[error("you lead already; raise your maximum instead")]
    AlreadyLeading,
    /// The price is above the greatest possible bid for the lot.
    #[error("for so many shares the greatest price is {greatest}")]
    PriceTooHigh {
        /// The greatest price that can be bid.
        greatest: Price,
    },
    /// No higher bid is possible.
    #[error("the price has reached the greatest there is; only the leader can raise their maximum")]
    NoHigherBid,
    /// There is no such lot.
    #[error("there is no lot {lot}")]
    UnknownLot {
        /// The lot asked for.
        lot: LotId,
    },
    /// The lot accepts no more bids.
    #[error("lot {lot} closed at {closed_at}")]
    LotClosed {
        /// The lot.
        lot: LotId,
        /// Time of the close.
        closed_at: Timestamp,
    },
    /// The lot does not accept bids yet.
    #[error("lot {lot} opens at {opens_at}")]
    LotNotBegun {
        /// The lot.
        lot: LotId,
        /// Opening time.
        opens_at: Timestamp,
    },
    /// The lot accepts only cancels now.
    #[error("lot {lot} was halted at {since}; it continues when the auctioneer resumes it")]
    LotHalted {
        /// The lot.
        lot: LotId,
        /// Start of the halt.
        since: Timestamp,
    },
    /// The lot has bids, and so cannot be cancelled.
    #[error("lot {lot} has bids and cannot be cancelled; close it instead")]
    LotHasBids {
        /// The lot.
        lot: LotId,
    },
    /// The lot's format accepts open bids, not orders or maxima.
    #[error("lot {lot} takes open bids only: bid a price")]
    TakesBids {
        /// The lot.
        lot: LotId,
    },
    /// The lot's format accepts sealed orders, not open bids.
    #[error("lot {lot} takes sealed orders: place an order with a quantity and a limit")]
    TakesOrders {
        /// The lot.
        lot: LotId,
    },
    /// The price of a Dutch lot is above what the trader accepts.
    #[error("the price is still {price}")]
    PriceStillAbove {
        /// The current price.
        price: Price,
    },
    /// The trader has no such order.
    #[error("you have no order {order} on this lot")]
    UnknownOrder {
        /// The order asked for.
        order: OrderId,
    },
    /// The trader has as many orders on the lot as allowed.
    #[error("you have {most} of {most} orders on this lot; replace or cancel one")]
    TooManyOrders {
        /// Maximum number of orders of a trader.
        most: u32,
    },
    /// Orders on this lot must have a limit.
    #[error("orders on this lot need a limit: the highest price you pay")]
    LimitNeeded,
    /// Only the lot's owner sells on this lot.
    #[error("on this lot traders buy only")]
    BuysOnly,
    /// The lot is sold as a whole.
    #[error("the lot is sold as a whole: bid for {quantity} shares")]
    WholeLotOnly {
        /// The lot's quantity.
        quantity: Quantity,
    },
    /// The limit is not on the tick of a call auction.
    #[error("a limit is a multiple of the tick, {tick}, and not zero; the next one is {above}")]
    OffTick {
        /// The tick.
        tick: Price,
        /// The next higher price on the tick, or the highest possible.
        above: Price,
    },
    /// The quantity is not a multiple of the round lot.
    #[error("a quantity is a multiple of the round lot, {round_lot}")]
    OffRoundLot {
        /// The round lot.
        round_lot: Quantity,
    },
    /// Price x quantity of an order is too large; for a market order the price is the greatest it could trade at.
    #[error("at a price of {price} an order is for at most {most} shares")]
    AmountTooLarge {
        /// The limit, or the greatest price a market order could trade at.
        price: Price,
        /// The greatest quantity at that price.
        most: u64,
    },
    /// The order could trade with another of the same trader.
    #[error("it could trade with your own order {}; cancel that first, or choose a limit that does not reach it", own_limit(.own))]
    WouldSelfTrade {
        /// The limit of the trader's most willing order of the other side; `None`: a market order.
        own: Option<Price>,
    },
    /// The no-cancel window of a call auction has begun: orders can only be added or improved.
    #[error(
        "since {since} orders can only be added or improved: a better price, for no lower quantity"
    )]
    NoCancelNow {
        /// Start of the window.
        since: Timestamp,
    },
    /// The user is suspended.
    #[error("your account is suspended; ask the auctioneer")]
    Suspended,
    /// The operator has locked the account: nobody can log in to it.
    #[error("this account is locked; ask the operator of this market to unlock it")]
    AccountLocked,
    /// The account is closed for good.
    #[error(
        "this account is closed for good, and its name stays taken; ask the operator of this market for another"
    )]
    AccountClosed,
    /// There is no such stock.
    #[error("there is no stock {symbol}")]
    UnknownSymbol {
        /// The symbol asked for.
        symbol: Symbol,
    },
    /// There is no such user.
    #[error("there is no user {user}")]
    UnknownUser {
        /// The user asked for.
        user: UserId,
    },
    /// The name belongs to another user.
    #[error("the name {name} is taken; choose another")]
    NameTaken {
        /// The name.
        name: Name,
    },
    /// The caller's role does not permit the command.
    #[error("{}", not_permitted(.role))]
    NotPermitted {
        /// Role of the caller.
        role: Role,
    },
    /// The operator sent a command that only others may send: bids come from traders, and lots close when they are due.
    #[error("the operator may not do this: traders bid, and lots close when they are due")]
    NotByOperator,
    /// A company published for another's stock.
    #[error("your account publishes only for {own}")]
    NotYourStock {
        /// The company's own stock.
        own: Symbol,
    },
    /// The given code is not the stock's.
    #[error("the security code of {symbol} is {security}")]
    WrongSecurity {
        /// The stock.
        symbol: Symbol,
        /// Its code.
        security: SecurityCode,
    },
    /// The session is not open: it was closed, or never was.
    #[error("session {session} is closed; log in again")]
    SessionClosed {
        /// The session.
        session: SessionId,
    },
    /// The session has expired.
    #[error("session {session} expired at {expired_at}; log in again")]
    SessionExpired {
        /// The session.
        session: SessionId,
        /// Expiry time.
        expired_at: Timestamp,
    },
    /// The request's number is below all remembered ones: it may have been executed before, and is not executed now.
    #[error("request {request} is stale: older than {oldest}, the oldest that is remembered")]
    StaleRequest {
        /// The number.
        request: RequestId,
        /// The oldest remembered number.
        oldest: RequestId,
    },
    /// The request's number was used for another command.
    #[error("request {request} was used for another command; take a higher number")]
    RequestReused {
        /// The number.
        request: RequestId,
    },
    /// The lot's terms are invalid.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The new close is not later, or too late.
    #[error("the new close must be after {after}, and at most 366 days from now")]
    CloseNotLater {
        /// The current close, or now.
        after: Timestamp,
    },
    /// The lot is not due.
    #[error("the lot closes at {closes_at}")]
    NotDue {
        /// Its closing time.
        closes_at: Timestamp,
    },
    /// The command would change nothing.
    #[error("nothing would change")]
    Unchanged,
    /// The account has less free cash than the command needs.
    #[error("this takes {needed}, and {available} is free in the account")]
    InsufficientFunds {
        /// Cash needed, in addition to what is already reserved for it.
        needed: Amount,
        /// Free cash.
        available: Amount,
    },
    /// The account has fewer free shares than the command needs.
    #[error("this takes {needed} shares of {symbol}, and {available} are free in the account")]
    InsufficientShares {
        /// The stock.
        symbol: Symbol,
        /// Shares needed, in addition to those already reserved for it.
        needed: u64,
        /// Free shares.
        available: u64,
    },
    /// The account mode is fixed.
    #[error("this market runs on {mode}, which is fixed before its first lot")]
    AccountsFixed {
        /// The account mode.
        mode: AccountMode,
    },
    /// Traders bid on credit: there are no accounts.
    #[error("this market runs on credit: there are no accounts")]
    OnCredit,
    /// Only traders have accounts.
    #[error("user {user} is no trader, and has no account")]
    NoAccount {
        /// The user.
        user: UserId,
    },
    /// The deposit would exceed the ceiling of cash in the market.
    #[error("this market can take {most} more in cash")]
    TooMuchCash {
        /// Cash that can still be deposited.
        most: Amount,
    },
    /// The deposit would exceed the ceiling of shares in the market.
    #[error("this market can take {most} more shares of {symbol}")]
    TooManyShares {
        /// The stock.
        symbol: Symbol,
        /// Shares that can still be deposited.
        most: u64,
    },
    /// The whole market accepts only cancels now.
    #[error("the market was halted at {since}; it continues when the auctioneer resumes it")]
    MarketHalted {
        /// Start of the halt.
        since: Timestamp,
    },
    /// The lot is a trading day, whose orders say how long they live.
    #[error("lot {lot} is a trading day: place an order with a time in force")]
    TakesDayOrders {
        /// The lot.
        lot: LotId,
    },
    /// The phase of a trading day does not accept such an order.
    #[error("in this {phase} phase orders are: {accepted}")]
    NotInPhase {
        /// The phase.
        phase: DayPhase,
        /// The kinds of orders that it accepts.
        accepted: OrderKinds,
    },
    /// An order is to live until a time that has come.
    #[error("the order would have ended at {until}; choose a later time")]
    UntilPassed {
        /// The time.
        until: Timestamp,
    },
    /// A post-only order would trade at once.
    #[error("it would trade at once, at {price}, and is to rest only; choose another limit")]
    WouldTrade {
        /// The price at which it would trade.
        price: Price,
    },
    /// Only limit orders for the day or until a time can be post-only.
    #[error("only a limit order for the day or until a time can be post-only")]
    PostOnlyMustRest,
    /// The trader believes in another open quantity.
    #[error("{open} shares of the order are open now")]
    OpenDiffers {
        /// The open quantity.
        open: Quantity,
    },
    /// Only orders that accept the closing price can trade at last.
    #[error("only the closing price, {price}, is traded now; choose a limit that accepts it")]
    NotAtClose {
        /// The closing price.
        price: Price,
    },
    /// The order is above a limit of the trader.
    #[error("your limit is {most} {}", .limit.label())]
    OverLimit {
        /// The limit.
        limit: TraderLimit,
        /// Its value.
        most: u64,
    },
    /// The lot has no such scheduled phase, or the phase is over.
    #[error("the lot has {phases} phases, and phase {first} is the first that can be moved")]
    PhaseOver {
        /// The first phase that is not over, counted from 0.
        first: u8,
        /// Number of phases.
        phases: u8,
    },
    /// The end of a phase would come too early or too late.
    #[error("this phase ends after {after}, and before {before}")]
    PhaseEnd {
        /// Now, or the end of the phase before it; for a call, its windows later.
        after: Timestamp,
        /// The end of the phase after it, for a call its windows earlier; or the latest close.
        before: Timestamp,
    },
    /// The market holds as many of these as allowed.
    #[error("the market is full: at most {most} {what}")]
    Full {
        /// The kind of item.
        what: Countable,
        /// Maximum number.
        most: u32,
    },
}

impl Reject {
    pub(crate) fn full(what: Countable, most: usize) -> Self {
        Self::Full {
            what,
            most: u32::try_from(most).unwrap_or(u32::MAX),
        }
    }
}

/// Items of which a market holds a limited number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Countable {
    /// Accounts.
    Users,
    /// Listed stocks.
    Stocks,
    /// Lots, closed ones included.
    Lots,
    /// Live sealed bids of one lot.
    SealedBids,
    /// Orders of one call auction.
    CallOrders,
    /// Call auctions in which one trader has orders.
    CallsOfTrader,
    /// Devices of one account.
    Devices,
    /// Live orders of one trading day.
    DayOrders,
}

impl core::fmt::Display for Countable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Users => "users",
            Self::Stocks => "stocks",
            Self::Lots => "lots",
            Self::SealedBids => "sealed bids on one lot",
            Self::CallOrders => "orders in one call auction",
            Self::CallsOfTrader => "call auctions with orders of one trader",
            Self::Devices => "devices of one account",
            Self::DayOrders => "orders on one trading day",
        })
    }
}

/// Reason why terms are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// The lot would close at once, or too late.
    #[error("a lot closes after it opens, and at most 366 days later")]
    Close,
    /// The lot would open at once, or too late.
    #[error("a scheduled lot opens after now, and at most 366 days from now")]
    Opening,
    /// No bid would be possible: the first least bid is above the greatest price.
    #[error("the base price leaves no room for a first bid")]
    BasePrice,
    /// The reserve is out of range.
    #[error("a reserve is from {least}, the first least bid, to {greatest}")]
    Reserve {
        /// The first least bid.
        least: Price,
        /// The greatest price that can be bid for the lot.
        greatest: Price,
    },
    /// The buy-now price is out of range.
    #[error("a buy-now price is from {least}, the reserve or the first least bid, to {greatest}")]
    BuyNow {
        /// The lowest allowed price.
        least: Price,
        /// The greatest price that can be bid for the lot.
        greatest: Price,
    },
    /// A Dutch lot has no reserve.
    #[error("a Dutch lot has no reserve; its floor is its lowest price")]
    NoReserve,
    /// The start price of a Dutch lot is too high.
    #[error("the start of a falling price is at most {greatest} for this quantity")]
    Start {
        /// The greatest price for the lot.
        greatest: Price,
    },
    /// The falling price is invalid.
    #[error(transparent)]
    PriceClock(#[from] PriceClockError),
    /// The number of bids of a trader is zero or too large.
    #[error("a trader can have 1 to {BIDS_PER_TRADER_MAX} bids on a lot")]
    BidsEach,
    /// A call auction has no reserve.
    #[error("a call auction has no reserve: its sellers name their limits")]
    NoReserveInCall,
    /// The tick of a call auction is out of range.
    #[error("a tick is from 0.0001 to {greatest} for this round lot")]
    Tick {
        /// The greatest price of a round lot.
        greatest: Price,
    },
    /// A call auction would leave no time in which orders can be cancelled.
    #[error(
        "the random end and the no-cancel window together are shorter than the call, and than an extension"
    )]
    Windows,
    /// The schedule of a trading day is invalid.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The step table is invalid.
    #[error(transparent)]
    Steps(#[from] StepsError),
}

fn not_permitted(role: &Role) -> &'static str {
    match role {
        Role::Trader => "a trader may not do this",
        Role::Company(_) => "a company publishes its profit and may not do this",
        Role::Auctioneer => "an auctioneer runs the lots and may not do this",
    }
}
