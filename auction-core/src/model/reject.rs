//! Why a command was refused. A rejection carries the remedy where there is one, changes nothing, and is not
//! journalled.

use crate::clearing::call::own_limit;
use crate::clearing::dutch::PriceClockError;
use crate::limits::BIDS_PER_TRADER_MAX;
use crate::model::command::{AccountMode, Role};
use crate::model::steps::StepsError;
use crate::{
    Amount, LotId, Name, OrderId, Price, Quantity, RequestId, SecurityCode, SessionId, Symbol,
    Timestamp, UserId,
};

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The price is below the least bid.
    #[error("the least bid is {least}")]
    BidTooLow {
        /// The smallest bid that would be accepted now.
        least: Price,
    },
    /// The leader's new maximum is not above their own.
    #[error("you lead already; a higher maximum is at least {least}")]
    MaximumTooLow {
        /// The smallest maximum that would be accepted now.
        least: Price,
    },
    /// The leader bid against themself.
    #[error("you lead already; raise your maximum instead")]
    AlreadyLeading,
    /// The price is above what can be bid for the lot.
    #[error("the greatest price for this lot is {greatest}")]
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
    /// The lot takes no more bids.
    #[error("lot {lot} closed at {closed_at}")]
    LotClosed {
        /// The lot.
        lot: LotId,
        /// When it closed.
        closed_at: Timestamp,
    },
    /// The lot takes no bids yet.
    #[error("lot {lot} opens at {opens_at}")]
    LotNotBegun {
        /// The lot.
        lot: LotId,
        /// When it opens.
        opens_at: Timestamp,
    },
    /// The lot takes nothing but cancels now.
    #[error("lot {lot} was halted at {since}; it goes on when the auctioneer resumes it")]
    LotHalted {
        /// The lot.
        lot: LotId,
        /// When it was halted.
        since: Timestamp,
    },
    /// The lot has bids, and so cannot be taken back.
    #[error("lot {lot} has bids and cannot be cancelled; close it instead")]
    LotHasBids {
        /// The lot.
        lot: LotId,
    },
    /// The lot's format takes other bids: open ones, not orders or maxima.
    #[error("lot {lot} takes open bids only: bid a price")]
    TakesBids {
        /// The lot.
        lot: LotId,
    },
    /// The lot's format takes other bids: sealed orders.
    #[error("lot {lot} takes sealed orders: place an order with a quantity and a limit")]
    TakesOrders {
        /// The lot.
        lot: LotId,
    },
    /// A Dutch lot is dearer than what the trader accepts.
    #[error("the price is still {price}")]
    PriceStillAbove {
        /// The price now.
        price: Price,
    },
    /// There is no such order of this trader.
    #[error("you have no order {order} on this lot")]
    UnknownOrder {
        /// The order asked for.
        order: OrderId,
    },
    /// The trader has as many orders on the lot as they can.
    #[error("you have {most} of {most} orders on this lot; replace or cancel one")]
    TooManyOrders {
        /// How many a trader can have.
        most: u32,
    },
    /// Orders on this lot have a limit.
    #[error("orders on this lot need a limit: the highest price you pay")]
    LimitNeeded,
    /// Only its owner sells on this lot.
    #[error("on this lot traders buy only")]
    BuysOnly,
    /// The lot is sold as a whole.
    #[error("the lot is sold as a whole: bid for {quantity} shares")]
    WholeLotOnly {
        /// The lot's quantity.
        quantity: Quantity,
    },
    /// The limit is not on the tick of a call auction.
    #[error("a limit is a multiple of the tick, {tick}, and not zero; the next higher is {above}")]
    OffTick {
        /// The tick.
        tick: Price,
        /// The next higher price on the tick, or the highest there is.
        above: Price,
    },
    /// The quantity is not in round lots.
    #[error("a quantity is a multiple of the round lot, {round_lot}")]
    OffRoundLot {
        /// The round lot.
        round_lot: Quantity,
    },
    /// Price x quantity of an order is too much; for a market order the price is the greatest it could trade at.
    #[error("at a price of {price} an order is for at most {most} shares")]
    AmountTooLarge {
        /// The limit, or the greatest price a market order could trade at.
        price: Price,
        /// The greatest quantity at that price.
        most: u64,
    },
    /// The order could trade with another of the same trader.
    #[error("it could trade with your own order {}; cancel that first, or choose another limit", own_limit(.own))]
    WouldSelfTrade {
        /// The limit of the trader's most willing order of the other side; `None`: a market order.
        own: Option<Price>,
    },
    /// A call auction is about to end: orders can be added or improved.
    #[error(
        "since {since} orders can only be added or improved: a better price, for no lower quantity"
    )]
    NoCancelNow {
        /// When that began.
        since: Timestamp,
    },
    /// The user is suspended.
    #[error("your account is suspended; ask the auctioneer")]
    Suspended,
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
    /// The name belongs to someone.
    #[error("the name {name} is taken; choose another")]
    NameTaken {
        /// The name.
        name: Name,
    },
    /// The command is for others.
    #[error("{}", not_permitted(.role))]
    NotPermitted {
        /// The role of the one who asked.
        role: Role,
    },
    /// The operator asked for what is not theirs: bids come from traders, and lots close when they are due.
    #[error("the operator may not do this: traders bid, and lots close when they are due")]
    NotByOperator,
    /// A company published for another's stock.
    #[error("your account publishes for {own} alone")]
    NotYourStock {
        /// The company's own stock.
        own: Symbol,
    },
    /// The code named is not the stock's.
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
        /// When.
        expired_at: Timestamp,
    },
    /// The request's number is older than all that are remembered: it may have been done, and is not done now.
    #[error("request {request} is stale: older than {oldest}, the oldest that is remembered")]
    StaleRequest {
        /// The number.
        request: RequestId,
        /// The oldest number that is remembered.
        oldest: RequestId,
    },
    /// The request's number was used for something else.
    #[error("request {request} was used for another command; take a higher number")]
    RequestReused {
        /// The number.
        request: RequestId,
    },
    /// The lot's terms cannot be.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The new close is not later, or too late.
    #[error("the new close must be after {after}, and at most 366 days from now")]
    CloseNotLater {
        /// The present close, or now.
        after: Timestamp,
    },
    /// The lot is not due.
    #[error("the lot closes at {closes_at}")]
    NotDue {
        /// When it will be.
        closes_at: Timestamp,
    },
    /// Nothing would change.
    #[error("nothing would change")]
    Unchanged,
    /// The account has less free cash than this takes.
    #[error("this takes {needed}, and {available} is free in the account")]
    InsufficientFunds {
        /// What it takes, beside what is reserved for it already.
        needed: Amount,
        /// What is free.
        available: Amount,
    },
    /// The account has fewer free shares than this takes.
    #[error("this takes {needed} shares of {symbol}, and {available} are free in the account")]
    InsufficientShares {
        /// The stock.
        symbol: Symbol,
        /// How many it takes, beside those that are reserved for it already.
        needed: u64,
        /// How many are free.
        available: u64,
    },
    /// How traders pay is fixed.
    #[error("this market runs on {mode}, which is fixed before its first lot")]
    AccountsFixed {
        /// How they pay.
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
    /// There would be more cash in the market than it can count.
    #[error("this market can take {most} more in cash")]
    TooMuchCash {
        /// How much can still be deposited.
        most: Amount,
    },
    /// There would be more shares in the market than it can count.
    #[error("this market can take {most} more shares of {symbol}")]
    TooManyShares {
        /// The stock.
        symbol: Symbol,
        /// How many can still be deposited.
        most: u64,
    },
    /// The market has as many of these as it can hold.
    #[error("the market is full: at most {most} {what}")]
    Full {
        /// What there are too many of.
        what: Countable,
        /// How many there can be.
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

/// Things of which a market holds a limited number.
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
    /// Call auctions that one trader has orders in.
    CallsOfTrader,
    /// Devices of one account.
    Devices,
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
        })
    }
}

/// Why terms cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// The lot would close at once, or too late.
    #[error("a lot closes after it opens, and at most 366 days later")]
    Close,
    /// The lot would open at once, or too late.
    #[error("a scheduled lot opens after now, and at most 366 days on")]
    Opening,
    /// Nobody could bid: the first least bid is above the greatest price.
    #[error("the base price leaves no room for a first bid")]
    BasePrice,
    /// The reserve is out of order.
    #[error("a reserve is from {least}, the first least bid, to {greatest}")]
    Reserve {
        /// The first least bid.
        least: Price,
        /// The greatest price that can be bid for the lot.
        greatest: Price,
    },
    /// The buy-now price is out of order.
    #[error("a buy-now price is from {least}, the reserve or the first least bid, to {greatest}")]
    BuyNow {
        /// The smallest that can be.
        least: Price,
        /// The greatest price that can be bid for the lot.
        greatest: Price,
    },
    /// A Dutch lot has no reserve.
    #[error("a Dutch lot has no reserve; its floor is the least it is sold for")]
    NoReserve,
    /// A Dutch lot begins too high.
    #[error("the start of a falling price is at most {greatest} for this quantity")]
    Start {
        /// The greatest price for the lot.
        greatest: Price,
    },
    /// The falling price is none.
    #[error(transparent)]
    PriceClock(#[from] PriceClockError),
    /// Traders could have no bids, or too many.
    #[error("a trader can have 1 to {BIDS_PER_TRADER_MAX} bids on a lot")]
    BidsEach,
    /// A call auction has no reserve.
    #[error("a call auction has no reserve: its sellers name their limits")]
    NoReserveInCall,
    /// The tick of a call auction is out of order.
    #[error("a tick is from 0.0001 to {greatest} for this round lot")]
    Tick {
        /// The greatest price of a round lot.
        greatest: Price,
    },
    /// A call auction would have no time in which orders can be cancelled.
    #[error(
        "the random end and the no-cancel window together are shorter than the call, and than an extension"
    )]
    Windows,
    /// The step table is none.
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
