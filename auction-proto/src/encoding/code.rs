//! Codes of refusals: permanent numbers with permanent names, in one table. The thousands show who can act on a
//! refusal.

use core::fmt;

use auction_core::clearing::dutch::PriceClockError;
use auction_core::{Reject, StepsError, TermsError};
use serde::{Deserializer, Serializer};

use crate::encoding::kind::numbered;
use crate::encoding::wire::{Wire, read_text};

/// Reason for a refusal. A number that this version does not know is kept as it is, and its thousands still show who
/// can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

/// Party that can act on a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 1000 to 1999: the market's rules forbid it. The person decides what to do: a higher bid, another lot.
    Market,
    /// 2000 to 2999: the request is wrong, no matter who sends it. The client program has a bug.
    Request,
    /// 3000 to 3999: the requester is not known. Log in.
    Session,
    /// 4000 to 4999: the server cannot do it, or not now. Nothing was done; try again later.
    Server,
    /// Other numbers.
    Unknown,
}

numbered! {
    Code:

    /// The price is below the minimum bid. Carries the minimum bid as price.
    1000 BID_TOO_LOW "bid_too_low";
    /// The leader's new maximum is not above their current one. Carries the lowest valid maximum as price.
    1001 MAXIMUM_TOO_LOW "maximum_too_low";
    /// The leader bid against themself.
    1002 ALREADY_LEADING "already_leading";
    /// The price is above the greatest possible bid. Carries the greatest as price.
    1003 PRICE_TOO_HIGH "price_too_high";
    /// No higher bid is possible.
    1004 NO_HIGHER_BID "no_higher_bid";
    /// No lot has this number. Carries the number.
    1005 UNKNOWN_LOT "unknown_lot";
    /// The lot takes no more bids. Carries its number, and the time of its close as time.
    1006 LOT_CLOSED "lot_closed";
    /// No stock has this symbol. Carries the symbol.
    1007 UNKNOWN_SYMBOL "unknown_symbol";
    /// No user has this number. Carries the number.
    1008 UNKNOWN_USER "unknown_user";
    /// The name belongs to another user.
    1009 NAME_TAKEN "name_taken";
    /// The user's role does not permit this command.
    1010 NOT_PERMITTED "not_permitted";
    /// A company published a profit for another company's stock. Carries its own stock as symbol.
    1011 NOT_YOUR_STOCK "not_your_stock";
    /// The named code is not the stock's. Carries the stock's symbol and code.
    1012 WRONG_SECURITY "wrong_security";
    /// The new close is not later than the current one, or too late. Carries the time it must be after.
    1013 CLOSE_NOT_LATER "close_not_later";
    /// The lot is not due. Carries the time at which it will be.
    1014 NOT_DUE "not_due";
    /// The command would change nothing.
    1015 UNCHANGED "unchanged";
    /// The market already holds the maximum number of these. Carries the maximum as number.
    1016 MARKET_FULL "market_full";
    /// The terms close the lot immediately, or too late.
    1017 TERMS_CLOSE "terms_close";
    /// The base price leaves no room for a first bid.
    1018 TERMS_BASE_PRICE "terms_base_price";
    /// The reserve is outside its range. Carries the lowest valid reserve as price.
    1019 TERMS_RESERVE "terms_reserve";
    /// The buy-now price is outside its range. Carries the lowest valid one as price.
    1020 TERMS_BUY_NOW "terms_buy_now";
    /// The step table has no band, or too many.
    1021 STEPS_BAND_COUNT "steps_band_count";
    /// The step table does not begin at price 0.
    1022 STEPS_FIRST_BAND "steps_first_band";
    /// A step is 0.
    1023 STEPS_ZERO "steps_zero";
    /// The bands or the steps of the step table do not rise.
    1024 STEPS_NOT_RISING "steps_not_rising";
    /// The operator cannot do this.
    1025 NOT_BY_OPERATOR "not_by_operator";
    /// The lot takes no bids yet. Carries its number, and its opening time as time.
    1026 LOT_NOT_BEGUN "lot_not_begun";
    /// The lot is halted: it takes nothing but cancels. Carries its number, and the time since when it is halted as
    /// time.
    1027 LOT_HALTED "lot_halted";
    /// The lot has bids and therefore cannot be cancelled. Carries its number.
    1028 LOT_HAS_BIDS "lot_has_bids";
    /// The lot takes open bids only. Carries its number.
    1029 TAKES_BIDS "takes_bids";
    /// The lot takes sealed orders only. Carries its number.
    1030 TAKES_ORDERS "takes_orders";
    /// The current price of a Dutch lot is above the price that the trader accepts. Carries the current price.
    1031 PRICE_STILL_ABOVE "price_still_above";
    /// The trader has no such order on the lot. Carries the order's number.
    1032 UNKNOWN_ORDER "unknown_order";
    /// The trader has the maximum number of orders on the lot. Carries the maximum as number.
    1033 TOO_MANY_ORDERS "too_many_orders";
    /// Orders on this lot need a limit.
    1034 LIMIT_NEEDED "limit_needed";
    /// Traders can only buy on this lot.
    1035 BUYS_ONLY "buys_only";
    /// The lot is sold as a whole. Carries its quantity as number.
    1036 WHOLE_LOT_ONLY "whole_lot_only";
    /// The user's account is suspended.
    1037 SUSPENDED "suspended";
    /// The terms open the lot immediately, or too late.
    1038 TERMS_OPENING "terms_opening";
    /// A Dutch lot cannot have a reserve.
    1039 TERMS_NO_RESERVE "terms_no_reserve";
    /// The start of a Dutch lot is too high. Carries the greatest price.
    1040 TERMS_START "terms_start";
    /// The floor of a Dutch lot is 0, or above its start. Carries the start as price.
    1041 TERMS_FLOOR "terms_floor";
    /// The price of a Dutch lot falls by 0.
    1042 TERMS_FALL "terms_fall";
    /// The interval between the price steps of a Dutch lot is 0.
    1043 TERMS_INTERVAL "terms_interval";
    /// The terms allow each trader 0 bids, or too many.
    1044 TERMS_BIDS_EACH "terms_bids_each";
    /// The account has less free cash than the command needs. Carries the needed cash as needed, in addition to what
    /// is reserved for it already, and the free cash as available.
    1045 INSUFFICIENT_FUNDS "insufficient_funds";
    /// The account has fewer free shares than the command needs. Carries the symbol, and the free shares as number.
    1046 INSUFFICIENT_SHARES "insufficient_shares";
    /// The kind of accounts (credit or funds) of this market can no longer change.
    1047 ACCOUNTS_FIXED "accounts_fixed";
    /// The market runs on credit and has no accounts.
    1048 ON_CREDIT "on_credit";
    /// The user is not a trader and has no account. Carries the user's number.
    1049 NO_ACCOUNT "no_account";
    /// The market would hold more cash than it can count. Carries the cash that it can still take as available.
    1050 TOO_MUCH_CASH "too_much_cash";
    /// The market would hold more shares of a stock than it can count. Carries the symbol, and the shares that it can
    /// still take as number.
    1051 TOO_MANY_SHARES "too_many_shares";
    /// The limit is not a multiple of the call auction's tick. Carries the next higher multiple as price.
    1052 OFF_TICK "off_tick";
    /// The quantity is not a multiple of the round lot. Carries the round lot as number.
    1053 OFF_ROUND_LOT "off_round_lot";
    /// Price x quantity is too large. Carries the price, and the greatest quantity at this price as number.
    1054 AMOUNT_TOO_LARGE "amount_too_large";
    /// The order could trade with another order of the same trader. Carries the limit of that order as price, if it
    /// has one.
    1055 WOULD_SELF_TRADE "would_self_trade";
    /// Orders can only be added or improved now. Carries the time since when as time.
    1056 NO_CANCEL_NOW "no_cancel_now";
    /// A call auction cannot have a reserve.
    1057 TERMS_NO_RESERVE_IN_CALL "terms_no_reserve_in_call";
    /// The tick of a call auction is 0, or above the greatest price. Carries the greatest price.
    1058 TERMS_TICK "terms_tick";
    /// The windows of a call auction leave no time for cancelling orders.
    1059 TERMS_WINDOWS "terms_windows";
    /// The whole market is halted: it takes nothing but cancels. Carries the time since when as time.
    1060 MARKET_HALTED "market_halted";
    /// The lot is a trading day, whose orders are placed with `place_day_order`. Carries its number.
    1061 TAKES_DAY_ORDERS "takes_day_orders";
    /// The running phase of a trading day does not take such an order.
    1062 NOT_IN_PHASE "not_in_phase";
    /// The time until which the order was to live has come. Carries that time.
    1063 UNTIL_PASSED "until_passed";
    /// A post-only order would trade at once. Carries the price at which it would.
    1064 WOULD_TRADE "would_trade";
    /// Only limit orders for the day or until a time can be post-only.
    1065 POST_ONLY_MUST_REST "post_only_must_rest";
    /// The order has another number of open shares. Carries it as number.
    1066 OPEN_DIFFERS "open_differs";
    /// Only orders that accept the closing price can trade at last. Carries the closing price.
    1067 NOT_AT_CLOSE "not_at_close";
    /// The order is above a limit of the trader; the message names it. Carries its value as number.
    1068 OVER_LIMIT "over_limit";
    /// The schedule has no such phase, or the phase is over. Carries the first that can be moved as number.
    1069 PHASE_OVER "phase_over";
    /// The phase would end too early or too late. Carries the time it must be after.
    1070 PHASE_END "phase_end";
    /// The schedule of a trading day is invalid; the message names the phase.
    1071 TERMS_SCHEDULE "terms_schedule";

    /// The bytes or the text are not a valid message of their kind.
    2000 MALFORMED "malformed";
    /// No such kind, or not a kind that clients send. Carries the kind's number.
    2001 UNKNOWN_KIND "unknown_kind";
    /// The server speaks none of the offered versions. Carries the newest version that it speaks as number.
    2002 VERSION_UNSUPPORTED "version_unsupported";
    /// The frame is longer than the limit. Carries the limit as number. The connection ends.
    2003 FRAME_TOO_LARGE "frame_too_large";
    /// The request is not valid in this state of the connection: `hello` comes first, and once.
    2004 OUT_OF_ORDER "out_of_order";
    /// The request's number is older than all remembered ones: it may have been done before, and is not done now.
    /// Carries the oldest number remembered.
    2005 STALE_REQUEST "stale_request";
    /// The request's number was used for another command. Carries the number.
    2006 REQUEST_REUSED "request_reused";
    /// Nothing arrived for too long. The connection ends.
    2007 TIMED_OUT "timed_out";
    /// The client did not read the messages sent to it. The connection ends.
    2008 TOO_SLOW "too_slow";
    /// This port requires TLS, and the client does not use it. The connection ends.
    2009 TLS_REQUIRED "tls_required";
    /// No receipt is available: the request is no longer remembered, the record is not the user's, or the record is
    /// too large. Carries the number.
    2010 NO_RECEIPT "no_receipt";
    /// The envelope does not open, or its content is invalid.
    2011 ENVELOPE_UNREADABLE "envelope_unreadable";
    /// The envelope has expired and was not done, or it expires too late to be accepted. Carries the server's time.
    2012 ENVELOPE_EXPIRED "envelope_expired";

    /// The request needs a session, and the connection has none.
    3000 NOT_LOGGED_IN "not_logged_in";
    /// The name or the password is wrong; the message does not say which.
    3001 BAD_CREDENTIALS "bad_credentials";
    /// The connection has a session already: log out first.
    3002 ALREADY_LOGGED_IN "already_logged_in";
    /// The session is not open: it was closed, or never existed. Carries its number, if the request named one.
    3003 SESSION_CLOSED "session_closed";
    /// The session has expired. Carries its number, and the time at which it expired.
    3004 SESSION_EXPIRED "session_expired";
    /// The device was removed, or never added, or the signature is by another key. Carries the device's number.
    3005 UNKNOWN_DEVICE "unknown_device";
    /// The operator has locked the account. Only who has the right password learns it.
    3006 ACCOUNT_LOCKED "account_locked";
    /// The account is closed for good. Only who has the right password learns it.
    3007 ACCOUNT_CLOSED "account_closed";

    /// Too many requests are waiting already. Nothing was done.
    4000 BUSY "busy";
    /// Too many requests of this user or address. Carries the time from which on more are accepted.
    4001 SLOW_DOWN "slow_down";
    /// Too many connections.
    4002 TOO_MANY_CONNECTIONS "too_many_connections";
    /// The server is shutting down.
    4003 SHUTTING_DOWN "shutting_down";
    /// The server has failed; its log says why.
    4004 INTERNAL "internal";
}

impl Code {
    /// Party that can act on this refusal, derived from the thousands.
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self.0 {
            1000..=1999 => Fault::Market,
            2000..=2999 => Fault::Request,
            3000..=3999 => Fault::Session,
            4000..=4999 => Fault::Server,
            _ => Fault::Unknown,
        }
    }

    /// Parses the name of a code, or its number as text.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let named = Self::ALL.iter().find(|code| code.name() == Some(text));
        let numbered = || text.parse().ok().map(Self);
        let code = named.copied().or_else(numbered);
        code.ok_or("is no code; expected for example \"bid_too_low\"")
    }
}

/// Writes the name, or the number of an unknown code.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A number in the binary form; in JSON the name, or the digits of a number without a name.
impl Wire for Code {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.collect_str(self)
        } else {
            self.0.write(to)
        }
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            read_text(from, "a code such as \"bid_too_low\"", Self::parse)
        } else {
            u16::read(from).map(Self)
        }
    }
}

impl From<&Reject> for Code {
    fn from(reject: &Reject) -> Self {
        match reject {
            Reject::MarketHalted { .. } => Self::MARKET_HALTED,
            Reject::TakesDayOrders { .. } => Self::TAKES_DAY_ORDERS,
            Reject::NotInPhase { .. } => Self::NOT_IN_PHASE,
            Reject::UntilPassed { .. } => Self::UNTIL_PASSED,
            Reject::WouldTrade { .. } => Self::WOULD_TRADE,
            Reject::PostOnlyMustRest => Self::POST_ONLY_MUST_REST,
            Reject::OpenDiffers { .. } => Self::OPEN_DIFFERS,
            Reject::NotAtClose { .. } => Self::NOT_AT_CLOSE,
            Reject::OverLimit { .. } => Self::OVER_LIMIT,
            Reject::PhaseOver { .. } => Self::PHASE_OVER,
            Reject::PhaseEnd { .. } => Self::PHASE_END,
            Reject::BidTooLow { .. } => Self::BID_TOO_LOW,
            Reject::MaximumTooLow { .. } => Self::MAXIMUM_TOO_LOW,
            Reject::AlreadyLeading => Self::ALREADY_LEADING,
            Reject::PriceTooHigh { .. } => Self::PRICE_TOO_HIGH,
            Reject::NoHigherBid => Self::NO_HIGHER_BID,
            Reject::UnknownLot { .. } => Self::UNKNOWN_LOT,
            Reject::LotClosed { .. } => Self::LOT_CLOSED,
            Reject::UnknownSymbol { .. } => Self::UNKNOWN_SYMBOL,
            Reject::UnknownUser { .. } => Self::UNKNOWN_USER,
            Reject::NameTaken { .. } => Self::NAME_TAKEN,
            Reject::NotPermitted { .. } => Self::NOT_PERMITTED,
            Reject::NotByOperator => Self::NOT_BY_OPERATOR,
            Reject::NotYourStock { .. } => Self::NOT_YOUR_STOCK,
            Reject::WrongSecurity { .. } => Self::WRONG_SECURITY,
            Reject::SessionClosed { .. } => Self::SESSION_CLOSED,
            Reject::SessionExpired { .. } => Self::SESSION_EXPIRED,
            Reject::StaleRequest { .. } => Self::STALE_REQUEST,
            Reject::RequestReused { .. } => Self::REQUEST_REUSED,
            Reject::Terms(terms) => terms.into(),
            Reject::CloseNotLater { .. } => Self::CLOSE_NOT_LATER,
            Reject::NotDue { .. } => Self::NOT_DUE,
            Reject::Unchanged => Self::UNCHANGED,
            Reject::Full { .. } => Self::MARKET_FULL,
            Reject::LotNotBegun { .. } => Self::LOT_NOT_BEGUN,
            Reject::LotHalted { .. } => Self::LOT_HALTED,
            Reject::LotHasBids { .. } => Self::LOT_HAS_BIDS,
            Reject::TakesBids { .. } => Self::TAKES_BIDS,
            Reject::TakesOrders { .. } => Self::TAKES_ORDERS,
            Reject::PriceStillAbove { .. } => Self::PRICE_STILL_ABOVE,
            Reject::UnknownOrder { .. } => Self::UNKNOWN_ORDER,
            Reject::TooManyOrders { .. } => Self::TOO_MANY_ORDERS,
            Reject::LimitNeeded => Self::LIMIT_NEEDED,
            Reject::BuysOnly => Self::BUYS_ONLY,
            Reject::WholeLotOnly { .. } => Self::WHOLE_LOT_ONLY,
            Reject::Suspended => Self::SUSPENDED,
            Reject::AccountLocked => Self::ACCOUNT_LOCKED,
            Reject::AccountClosed => Self::ACCOUNT_CLOSED,
            Reject::InsufficientFunds { .. } => Self::INSUFFICIENT_FUNDS,
            Reject::InsufficientShares { .. } => Self::INSUFFICIENT_SHARES,
            Reject::AccountsFixed { .. } => Self::ACCOUNTS_FIXED,
            Reject::OnCredit => Self::ON_CREDIT,
            Reject::NoAccount { .. } => Self::NO_ACCOUNT,
            Reject::TooMuchCash { .. } => Self::TOO_MUCH_CASH,
            Reject::TooManyShares { .. } => Self::TOO_MANY_SHARES,
            Reject::OffTick { .. } => Self::OFF_TICK,
            Reject::OffRoundLot { .. } => Self::OFF_ROUND_LOT,
            Reject::AmountTooLarge { .. } => Self::AMOUNT_TOO_LARGE,
            Reject::WouldSelfTrade { .. } => Self::WOULD_SELF_TRADE,
            Reject::NoCancelNow { .. } => Self::NO_CANCEL_NOW,
        }
    }
}

impl From<&TermsError> for Code {
    fn from(error: &TermsError) -> Self {
        match error {
            TermsError::Schedule(_) => Self::TERMS_SCHEDULE,
            TermsError::Close => Self::TERMS_CLOSE,
            TermsError::BasePrice => Self::TERMS_BASE_PRICE,
            TermsError::Opening => Self::TERMS_OPENING,
            TermsError::NoReserve => Self::TERMS_NO_RESERVE,
            TermsError::Start { .. } => Self::TERMS_START,
            TermsError::PriceClock(PriceClockError::Floor { .. }) => Self::TERMS_FLOOR,
            TermsError::PriceClock(PriceClockError::ZeroStep) => Self::TERMS_FALL,
            TermsError::PriceClock(PriceClockError::ZeroInterval) => Self::TERMS_INTERVAL,
            TermsError::BidsEach => Self::TERMS_BIDS_EACH,
            TermsError::NoReserveInCall => Self::TERMS_NO_RESERVE_IN_CALL,
            TermsError::Tick { .. } => Self::TERMS_TICK,
            TermsError::Windows => Self::TERMS_WINDOWS,
            TermsError::Reserve { .. } => Self::TERMS_RESERVE,
            TermsError::BuyNow { .. } => Self::TERMS_BUY_NOW,
            TermsError::Steps(StepsError::BandCount) => Self::STEPS_BAND_COUNT,
            TermsError::Steps(StepsError::FirstBand) => Self::STEPS_FIRST_BAND,
            TermsError::Steps(StepsError::ZeroStep) => Self::STEPS_ZERO,
            TermsError::Steps(StepsError::NotRising) => Self::STEPS_NOT_RISING,
        }
    }
}
