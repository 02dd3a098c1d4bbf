//! A refusal: the reason, and the values that would be valid.

use auction_core::clearing::dutch::PriceClockError;
use auction_core::{Amount, Price, Reject, SecurityCode, Symbol, TermsError, Timestamp};

use crate::encoding::code::Code;
use crate::encoding::text::Text;
use crate::limits::MESSAGE_BYTES_MAX;

fields! {
    /// Answers a request that was refused. Nothing was done, and the server does not remember it, so that
    /// the same number can be used again. The meaning of the fields depends on the [code](Code).
    struct Refused = REFUSED {
        /// Reason, for programs.
        code: Code,
        /// Reason and a valid alternative, for people, in English.
        message: Text<MESSAGE_BYTES_MAX>,
        /// The price that would be valid, or the limit.
        price: Option<Price>,
        /// The time that matters.
        at: Option<Timestamp>,
        /// The number of the named item, or a limit.
        number: Option<u64>,
        /// The stock.
        symbol: Option<Symbol>,
        /// Its security code.
        security: Option<SecurityCode>,
        /// Cash that it needs, beside the cash that is reserved for it already.
        needed: Option<Amount>,
        /// Cash that is available for it.
        available: Option<Amount>,
    }
}

impl Refused {
    /// Creates a refusal with its reason only.
    #[must_use]
    pub fn new(code: Code, message: impl core::fmt::Display) -> Self {
        Self {
            code,
            message: Text::of(message),
            price: None,
            at: None,
            number: None,
            symbol: None,
            security: None,
            needed: None,
            available: None,
        }
    }

    /// Adds the price that would be valid.
    #[must_use]
    pub fn with_price(mut self, price: Price) -> Self {
        self.price = Some(price);
        self
    }

    /// Adds the time that matters.
    #[must_use]
    pub fn with_time(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn with_number(mut self, number: impl Into<u64>) -> Self {
        self.number = Some(number.into());
        self
    }

    /// Adds a stock.
    #[must_use]
    pub fn with_symbol(mut self, symbol: Symbol) -> Self {
        self.symbol = Some(symbol);
        self
    }

    /// Adds the cash that the command needs.
    #[must_use]
    pub fn with_needed(mut self, needed: Amount) -> Self {
        self.needed = Some(needed);
        self
    }

    /// Adds the cash that is available.
    #[must_use]
    pub fn with_available(mut self, available: Amount) -> Self {
        self.available = Some(available);
        self
    }

    /// Adds a security code.
    #[must_use]
    pub fn with_security(mut self, security: SecurityCode) -> Self {
        self.security = Some(security);
        self
    }
}

impl From<Reject> for Refused {
    fn from(reject: Reject) -> Self {
        let refused = Self::new(Code::from(&reject), reject);
        match reject {
            Reject::BidTooLow { least } | Reject::MaximumTooLow { least } => {
                refused.with_price(least)
            }
            Reject::PriceTooHigh { greatest } => refused.with_price(greatest),
            Reject::PriceStillAbove { price } => refused.with_price(price),
            Reject::UnknownLot { lot }
            | Reject::LotHasBids { lot }
            | Reject::TakesBids { lot }
            | Reject::TakesDayOrders { lot }
            | Reject::TakesOrders { lot } => refused.with_number(lot.0),
            Reject::LotNotBegun { lot, opens_at } => refused.with_number(lot.0).with_time(opens_at),
            Reject::LotHalted { lot, since } => refused.with_number(lot.0).with_time(since),
            Reject::UnknownOrder { order } => refused.with_number(order.0),
            Reject::TooManyOrders { most } => refused.with_number(most),
            Reject::OffTick { above, .. } => refused.with_price(above),
            Reject::OffRoundLot { round_lot } => refused.with_number(round_lot.get()),
            Reject::AmountTooLarge { price, most } => refused.with_price(price).with_number(most),
            Reject::WouldSelfTrade { own: Some(own) } => refused.with_price(own),
            Reject::NoCancelNow { since } | Reject::MarketHalted { since } => {
                refused.with_time(since)
            }
            Reject::UntilPassed { until } => refused.with_time(until),
            Reject::WouldTrade { price } | Reject::NotAtClose { price } => {
                refused.with_price(price)
            }
            Reject::OpenDiffers { open } => refused.with_number(open.get()),
            Reject::OverLimit { most, .. } => refused.with_number(most),
            Reject::PhaseOver { first, .. } => refused.with_number(first),
            Reject::PhaseEnd { after, .. } => refused.with_time(after),
            Reject::WholeLotOnly { quantity } => refused.with_number(quantity.get()),
            Reject::LotClosed { lot, closed_at } => refused.with_number(lot.0).with_time(closed_at),
            Reject::UnknownSymbol { symbol } => refused.with_symbol(symbol),
            Reject::UnknownUser { user } => refused.with_number(user.0),
            Reject::NotYourStock { own } => refused.with_symbol(own),
            Reject::WrongSecurity { symbol, security } => {
                refused.with_symbol(symbol).with_security(security)
            }
            Reject::SessionClosed { session } => refused.with_number(session.0),
            Reject::SessionExpired {
                session,
                expired_at,
            } => refused.with_number(session.0).with_time(expired_at),
            Reject::StaleRequest { oldest, .. } => refused.with_number(oldest.0),
            Reject::RequestReused { request } => refused.with_number(request.0),
            Reject::CloseNotLater { after } => refused.with_time(after),
            Reject::NotDue { closes_at } => refused.with_time(closes_at),
            Reject::Full { most, .. } => refused.with_number(most),
            Reject::InsufficientFunds { needed, available } => {
                refused.with_needed(needed).with_available(available)
            }
            Reject::InsufficientShares {
                symbol, available, ..
            } => refused.with_symbol(symbol).with_number(available),
            Reject::NoAccount { user } => refused.with_number(user.0),
            Reject::TooMuchCash { most } => refused.with_available(most),
            Reject::TooManyShares { symbol, most } => refused.with_symbol(symbol).with_number(most),
            Reject::Terms(TermsError::Reserve { least, .. } | TermsError::BuyNow { least, .. }) => {
                refused.with_price(least)
            }
            Reject::Terms(TermsError::Start { greatest } | TermsError::Tick { greatest }) => {
                refused.with_price(greatest)
            }
            Reject::Terms(TermsError::PriceClock(PriceClockError::Floor { start })) => {
                refused.with_price(start)
            }
            Reject::Terms(
                TermsError::Close
                | TermsError::Opening
                | TermsError::BasePrice
                | TermsError::NoReserve
                | TermsError::PriceClock(PriceClockError::ZeroStep | PriceClockError::ZeroInterval)
                | TermsError::BidsEach
                | TermsError::NoReserveInCall
                | TermsError::Windows
                | TermsError::Steps(_),
            )
            | Reject::Terms(TermsError::Schedule(_))
            | Reject::NotInPhase { .. }
            | Reject::PostOnlyMustRest
            | Reject::WouldSelfTrade { own: None }
            | Reject::LimitNeeded
            | Reject::BuysOnly
            | Reject::Suspended
            | Reject::AccountLocked
            | Reject::AccountClosed
            | Reject::AccountsFixed { .. }
            | Reject::OnCredit
            | Reject::AlreadyLeading
            | Reject::NoHigherBid
            | Reject::NameTaken { .. }
            | Reject::NotPermitted { .. }
            | Reject::NotByOperator
            | Reject::Unchanged => refused,
        }
    }
}
