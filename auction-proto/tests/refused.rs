//! Refusals: the values and text of each rejection, and the permanent codes.

use auction_core::clearing::dutch::PriceClockError;
use auction_core::{
    AccountMode, Amount, Countable, DayPhase, LotId, Name, OrderId, OrderKind, OrderKinds, Price,
    Quantity, Reject, RequestId, Role, ScheduleError, SecurityCode, SessionId, StepsError, Symbol,
    TermsError, Timestamp, TraderLimit, UserId,
};
use auction_proto::{Code, Fault, Refused};

#[test]
fn every_rejection_has_its_code_and_carries_its_remedy() {
    let price = Price::parse("1.40").unwrap();
    let (least, greatest) = (price, Price::MAX);
    let at = Timestamp::from_secs(300);
    let symbol = Symbol::parse("AAPL").unwrap();
    let security = SecurityCode::parse("01954").unwrap();
    let name = Name::parse("mia").unwrap();
    let (needed, available) = (Amount::parse("12").unwrap(), Amount::parse("9.5").unwrap());
    let (lot, user, session) = (LotId(3), UserId(4), SessionId(5));
    let (request, oldest) = (RequestId(6), RequestId(7));
    let bare = |code| Refused::new(code, "");
    let steps = |error| Reject::Terms(TermsError::Steps(error));
    let clock = |error| Reject::Terms(TermsError::PriceClock(error));
    let cases = [
        (
            Reject::BidTooLow { least },
            bare(Code::BID_TOO_LOW).with_price(least),
        ),
        (
            Reject::MaximumTooLow { least },
            bare(Code::MAXIMUM_TOO_LOW).with_price(least),
        ),
        (Reject::AlreadyLeading, bare(Code::ALREADY_LEADING)),
        (
            Reject::PriceTooHigh { greatest },
            bare(Code::PRICE_TOO_HIGH).with_price(greatest),
        ),
        (Reject::NoHigherBid, bare(Code::NO_HIGHER_BID)),
        (
            Reject::UnknownLot { lot },
            bare(Code::UNKNOWN_LOT).with_number(3_u32),
        ),
        (
            Reject::LotClosed { lot, closed_at: at },
            bare(Code::LOT_CLOSED).with_number(3_u32).with_time(at),
        ),
        (
            Reject::UnknownSymbol { symbol },
            bare(Code::UNKNOWN_SYMBOL).with_symbol(symbol),
        ),
        (
            Reject::UnknownUser { user },
            bare(Code::UNKNOWN_USER).with_number(4_u32),
        ),
        (Reject::NameTaken { name }, bare(Code::NAME_TAKEN)),
        (
            Reject::NotPermitted { role: Role::Trader },
            bare(Code::NOT_PERMITTED),
        ),
        (Reject::NotByOperator, bare(Code::NOT_BY_OPERATOR)),
        (
            Reject::NotYourStock { own: symbol },
            bare(Code::NOT_YOUR_STOCK).with_symbol(symbol),
        ),
        (
            Reject::WrongSecurity { symbol, security },
            bare(Code::WRONG_SECURITY)
                .with_symbol(symbol)
                .with_security(security),
        ),
        (
            Reject::SessionClosed { session },
            bare(Code::SESSION_CLOSED).with_number(5_u32),
        ),
        (
            Reject::SessionExpired {
                session,
                expired_at: at,
            },
            bare(Code::SESSION_EXPIRED).with_number(5_u32).with_time(at),
        ),
        (
            Reject::StaleRequest { request, oldest },
            bare(Code::STALE_REQUEST).with_number(7_u32),
        ),
        (
            Reject::RequestReused { request },
            bare(Code::REQUEST_REUSED).with_number(6_u32),
        ),
        (Reject::Terms(TermsError::Close), bare(Code::TERMS_CLOSE)),
        (
            Reject::Terms(TermsError::BasePrice),
            bare(Code::TERMS_BASE_PRICE),
        ),
        (
            Reject::Terms(TermsError::Reserve { least, greatest }),
            bare(Code::TERMS_RESERVE).with_price(least),
        ),
        (
            Reject::Terms(TermsError::BuyNow { least, greatest }),
            bare(Code::TERMS_BUY_NOW).with_price(least),
        ),
        (steps(StepsError::BandCount), bare(Code::STEPS_BAND_COUNT)),
        (steps(StepsError::FirstBand), bare(Code::STEPS_FIRST_BAND)),
        (steps(StepsError::ZeroStep), bare(Code::STEPS_ZERO)),
        (steps(StepsError::NotRising), bare(Code::STEPS_NOT_RISING)),
        (
            Reject::OffTick {
                tick: least,
                above: greatest,
            },
            bare(Code::OFF_TICK).with_price(greatest),
        ),
        (
            Reject::OffRoundLot {
                round_lot: Quantity::ONE,
            },
            bare(Code::OFF_ROUND_LOT).with_number(1_u32),
        ),
        (
            Reject::AmountTooLarge { price, most: 9 },
            bare(Code::AMOUNT_TOO_LARGE)
                .with_price(price)
                .with_number(9_u32),
        ),
        (
            Reject::WouldSelfTrade { own: Some(price) },
            bare(Code::WOULD_SELF_TRADE).with_price(price),
        ),
        (
            Reject::WouldSelfTrade { own: None },
            bare(Code::WOULD_SELF_TRADE),
        ),
        (
            Reject::NoCancelNow { since: at },
            bare(Code::NO_CANCEL_NOW).with_time(at),
        ),
        (
            Reject::Terms(TermsError::NoReserveInCall),
            bare(Code::TERMS_NO_RESERVE_IN_CALL),
        ),
        (
            Reject::Terms(TermsError::Tick { greatest }),
            bare(Code::TERMS_TICK).with_price(greatest),
        ),
        (
            Reject::Terms(TermsError::Windows),
            bare(Code::TERMS_WINDOWS),
        ),
        (
            Reject::CloseNotLater { after: at },
            bare(Code::CLOSE_NOT_LATER).with_time(at),
        ),
        (
            Reject::NotDue { closes_at: at },
            bare(Code::NOT_DUE).with_time(at),
        ),
        (Reject::Unchanged, bare(Code::UNCHANGED)),
        (
            Reject::Full {
                what: Countable::Lots,
                most: 9,
            },
            bare(Code::MARKET_FULL).with_number(9_u32),
        ),
        (
            Reject::LotNotBegun { lot, opens_at: at },
            bare(Code::LOT_NOT_BEGUN).with_number(3_u32).with_time(at),
        ),
        (
            Reject::LotHalted { lot, since: at },
            bare(Code::LOT_HALTED).with_number(3_u32).with_time(at),
        ),
        (
            Reject::LotHasBids { lot },
            bare(Code::LOT_HAS_BIDS).with_number(3_u32),
        ),
        (
            Reject::TakesBids { lot },
            bare(Code::TAKES_BIDS).with_number(3_u32),
        ),
        (
            Reject::TakesOrders { lot },
            bare(Code::TAKES_ORDERS).with_number(3_u32),
        ),
        (
            Reject::PriceStillAbove { price },
            bare(Code::PRICE_STILL_ABOVE).with_price(price),
        ),
        (
            Reject::UnknownOrder { order: OrderId(8) },
            bare(Code::UNKNOWN_ORDER).with_number(8_u32),
        ),
        (
            Reject::TooManyOrders { most: 9 },
            bare(Code::TOO_MANY_ORDERS).with_number(9_u32),
        ),
        (Reject::LimitNeeded, bare(Code::LIMIT_NEEDED)),
        (Reject::BuysOnly, bare(Code::BUYS_ONLY)),
        (
            Reject::WholeLotOnly {
                quantity: Quantity::ONE,
            },
            bare(Code::WHOLE_LOT_ONLY).with_number(1_u32),
        ),
        (Reject::Suspended, bare(Code::SUSPENDED)),
        (Reject::AccountLocked, bare(Code::ACCOUNT_LOCKED)),
        (Reject::AccountClosed, bare(Code::ACCOUNT_CLOSED)),
        (
            Reject::Terms(TermsError::Opening),
            bare(Code::TERMS_OPENING),
        ),
        (
            Reject::Terms(TermsError::NoReserve),
            bare(Code::TERMS_NO_RESERVE),
        ),
        (
            Reject::Terms(TermsError::Start { greatest }),
            bare(Code::TERMS_START).with_price(greatest),
        ),
        (
            clock(PriceClockError::Floor { start: price }),
            bare(Code::TERMS_FLOOR).with_price(price),
        ),
        (clock(PriceClockError::ZeroStep), bare(Code::TERMS_FALL)),
        (
            clock(PriceClockError::ZeroInterval),
            bare(Code::TERMS_INTERVAL),
        ),
        (
            Reject::Terms(TermsError::BidsEach),
            bare(Code::TERMS_BIDS_EACH),
        ),
        (
            Reject::InsufficientFunds { needed, available },
            bare(Code::INSUFFICIENT_FUNDS)
                .with_needed(needed)
                .with_available(available),
        ),
        (
            Reject::InsufficientShares {
                symbol,
                needed: 12,
                available: 9,
            },
            bare(Code::INSUFFICIENT_SHARES)
                .with_symbol(symbol)
                .with_number(9_u32),
        ),
        (
            Reject::AccountsFixed {
                mode: AccountMode::Funds,
            },
            bare(Code::ACCOUNTS_FIXED),
        ),
        (Reject::OnCredit, bare(Code::ON_CREDIT)),
        (
            Reject::MarketHalted { since: at },
            bare(Code::MARKET_HALTED).with_time(at),
        ),
        (
            Reject::TakesDayOrders { lot },
            bare(Code::TAKES_DAY_ORDERS).with_number(3_u32),
        ),
        (
            Reject::NotInPhase {
                phase: DayPhase::Call,
                accepted: OrderKinds::of(&[OrderKind::Day, OrderKind::Until]),
            },
            bare(Code::NOT_IN_PHASE),
        ),
        (
            Reject::UntilPassed { until: at },
            bare(Code::UNTIL_PASSED).with_time(at),
        ),
        (
            Reject::WouldTrade { price },
            bare(Code::WOULD_TRADE).with_price(price),
        ),
        (Reject::PostOnlyMustRest, bare(Code::POST_ONLY_MUST_REST)),
        (
            Reject::OpenDiffers {
                open: Quantity::new(9).unwrap(),
            },
            bare(Code::OPEN_DIFFERS).with_number(9_u32),
        ),
        (
            Reject::NotAtClose { price },
            bare(Code::NOT_AT_CLOSE).with_price(price),
        ),
        (
            Reject::OverLimit {
                limit: TraderLimit::OpenOrders,
                most: 9,
            },
            bare(Code::OVER_LIMIT).with_number(9_u32),
        ),
        (
            Reject::PhaseOver {
                first: 2,
                phases: 4,
            },
            bare(Code::PHASE_OVER).with_number(2_u32),
        ),
        (
            Reject::PhaseEnd {
                after: at,
                before: Timestamp::from_secs(400),
            },
            bare(Code::PHASE_END).with_time(at),
        ),
        (
            Reject::Terms(TermsError::Schedule(ScheduleError::Volatility)),
            bare(Code::TERMS_SCHEDULE),
        ),
        (
            Reject::NoAccount { user },
            bare(Code::NO_ACCOUNT).with_number(4_u32),
        ),
        (
            Reject::TooMuchCash { most: available },
            bare(Code::TOO_MUCH_CASH).with_available(available),
        ),
        (
            Reject::TooManyShares { symbol, most: 9 },
            bare(Code::TOO_MANY_SHARES)
                .with_symbol(symbol)
                .with_number(9_u32),
        ),
    ];
    for (reject, mut expected) in cases {
        let refused = Refused::from(reject);
        assert_eq!(&*refused.message, reject.to_string());
        expected.message = refused.message.clone();
        assert_eq!(refused, expected);
    }
}

#[test]
fn the_numbers_and_names_of_codes_are_these_for_ever() {
    let table: Vec<_> = Code::ALL
        .iter()
        .map(|code| format!("{} {code}", code.0))
        .collect();
    let expected = "\
1000 bid_too_low
1001 maximum_too_low
1002 already_leading
1003 price_too_high
1004 no_higher_bid
1005 unknown_lot
1006 lot_closed
1007 unknown_symbol
1008 unknown_user
1009 name_taken
1010 not_permitted
1011 not_your_stock
1012 wrong_security
1013 close_not_later
1014 not_due
1015 unchanged
1016 market_full
1017 terms_close
1018 terms_base_price
1019 terms_reserve
1020 terms_buy_now
1021 steps_band_count
1022 steps_first_band
1023 steps_zero
1024 steps_not_rising
1025 not_by_operator
1026 lot_not_begun
1027 lot_halted
1028 lot_has_bids
1029 takes_bids
1030 takes_orders
1031 price_still_above
1032 unknown_order
1033 too_many_orders
1034 limit_needed
1035 buys_only
1036 whole_lot_only
1037 suspended
1038 terms_opening
1039 terms_no_reserve
1040 terms_start
1041 terms_floor
1042 terms_fall
1043 terms_interval
1044 terms_bids_each
1045 insufficient_funds
1046 insufficient_shares
1047 accounts_fixed
1048 on_credit
1049 no_account
1050 too_much_cash
1051 too_many_shares
1052 off_tick
1053 off_round_lot
1054 amount_too_large
1055 would_self_trade
1056 no_cancel_now
1057 terms_no_reserve_in_call
1058 terms_tick
1059 terms_windows
1060 market_halted
1061 takes_day_orders
1062 not_in_phase
1063 until_passed
1064 would_trade
1065 post_only_must_rest
1066 open_differs
1067 not_at_close
1068 over_limit
1069 phase_over
1070 phase_end
1071 terms_schedule
2000 malformed
2001 unknown_kind
2002 version_unsupported
2003 frame_too_large
2004 out_of_order
2005 stale_request
2006 request_reused
2007 timed_out
2008 too_slow
2009 tls_required
2010 no_receipt
2011 envelope_unreadable
2012 envelope_expired
3000 not_logged_in
3001 bad_credentials
3002 already_logged_in
3003 session_closed
3004 session_expired
3005 unknown_device
3006 account_locked
3007 account_closed
4000 busy
4001 slow_down
4002 too_many_connections
4003 shutting_down
4004 internal";
    assert_eq!(table.join("\n"), expected);
}

#[test]
fn an_unknown_code_survives_and_still_tells_whose_turn_it_is() {
    let cases = [
        (1_999, Fault::Market),
        (2_999, Fault::Request),
        (3_999, Fault::Session),
        (4_999, Fault::Server),
        (5_000, Fault::Unknown),
        (999, Fault::Unknown),
    ];
    for (number, fault) in cases {
        let code = Code(number);
        assert_eq!((code.name(), code.fault()), (None, fault));
        assert_eq!(code.to_string(), number.to_string());
    }
}
