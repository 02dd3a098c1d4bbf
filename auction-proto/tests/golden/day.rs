//! The trading day. Its requests are numbered separately.

use auction_core::{
    AccountEvent, Book, CallTerms, Collar, CorridorKind, DayBook, DayHaltCause, DayOrder,
    DayOrderState, DayPhase, DayReply, DayRest, DayStatistics, DayTerms, ExtensionCause,
    FeedSequence, FillRole, LadderStep, LapseReason, Lot, LotId, LotOpened, OrderId, Outcome,
    OwnDayOrder, Phase, PhaseBegan, PublicEvent, Quantity, Reply, RequestId, ScheduledPhase,
    SelfTrade, ShownOrder, ShownOrders, Side, Span, StandingDayOrder, Term, Terms, TimeInForce,
    TraderLimits, UserId,
};
use auction_proto::{
    Accepted, AccountEntry, AccountFeed, CancelAll, ClientMessage, Code, DayOrders, DayTrade, Done,
    Feed, FeedEntry, Follows, GetTrades, HaltAll, List, MovePhase, OpenLot, PlaceDayOrder, Refused,
    ReplaceDayOrder, ResumeAll, ServerMessage, SetLimits, SnapshotPart, Trades,
};

use super::{MARKET, at, price, symbol, text};

const FIRST: u64 = 1_201;
const LOT: LotId = LotId(6);

fn shares(number: u64) -> Quantity {
    Quantity::new(number).unwrap()
}

pub fn terms() -> DayTerms {
    let phase = |phase, after| ScheduledPhase {
        phase,
        begins_after: Span::from_secs(after),
    };
    let collar = |absolute, basis_points| Collar {
        absolute: price(absolute),
        basis_points,
    };
    DayTerms {
        call: CallTerms {
            collar: Some(collar("0", 1_000)),
            random_end: Span::from_secs(30),
            ..CallTerms::default()
        },
        phases: vec![
            phase(DayPhase::PreOpen, 0),
            phase(DayPhase::Call, 300),
            phase(DayPhase::Continuous, 600),
            phase(DayPhase::Call, 4_200),
            phase(DayPhase::AtLast, 4_500),
        ],
        static_corridor: Some(collar("0", 500)),
        dynamic_corridor: Some(collar("0.10", 0)),
        volatility_length: Span::from_secs(120),
        volatility_random_end: Span::from_secs(10),
        interruptions_max: 16,
    }
}

pub fn order() -> DayOrder {
    DayOrder {
        side: Side::Buy,
        quantity: shares(500),
        limit: Some(price("12.50")),
        time_in_force: TimeInForce::Day,
        post_only: false,
        self_trade: SelfTrade::Refuse,
    }
}

pub fn limits() -> TraderLimits {
    TraderLimits {
        order_quantity: Some(shares(10_000)),
        order_value: Some(auction_core::Amount::parse("100000").unwrap()),
        open_orders: Some(50),
        long: Some(20_000),
        short: None,
        orders_per_second: Some(100),
    }
}

pub fn client() -> Vec<(&'static str, RequestId, ClientMessage)> {
    let place = |order| PlaceDayOrder { lot: LOT, order };
    let immediate = DayOrder {
        side: Side::Sell,
        limit: None,
        time_in_force: TimeInForce::ImmediateOrCancel,
        self_trade: SelfTrade::Decrement,
        ..order()
    };
    let until = DayOrder {
        time_in_force: TimeInForce::Until(at(3_000)),
        post_only: true,
        self_trade: SelfTrade::CancelOldest,
        ..order()
    };
    let replace = ReplaceDayOrder {
        lot: LOT,
        order: OrderId(4),
        quantity: shares(300),
        limit: Some(price("12.50")),
        believed: Some(shares(500)),
    };
    let set = |trader, limits| SetLimits { trader, limits };
    let trades = GetTrades {
        lot: LOT,
        after: 0,
        since: None,
        until: None,
        limit: 4_096,
    };
    numbered([
        ("place_day_order", place(order()).into()),
        ("place_day_order_ioc", place(immediate).into()),
        ("place_day_order_until", place(until).into()),
        ("replace_day_order", replace.clone().into()),
        (
            "replace_day_order_market",
            ReplaceDayOrder {
                limit: None,
                believed: None,
                ..replace
            }
            .into(),
        ),
        (
            "cancel_all",
            CancelAll {
                trader: None,
                lot: None,
            }
            .into(),
        ),
        (
            "cancel_all_of_trader",
            CancelAll {
                trader: Some(UserId(2)),
                lot: Some(LOT),
            }
            .into(),
        ),
        (
            "move_phase",
            MovePhase {
                lot: LOT,
                phase: 2,
                ends_at: at(4_300),
            }
            .into(),
        ),
        ("halt_all", HaltAll {}.into()),
        ("resume_all", ResumeAll {}.into()),
        ("set_limits", set(Some(UserId(2)), Some(limits())).into()),
        ("set_limits_none", set(None, None).into()),
        ("get_trades", trades.clone().into()),
        (
            "get_trades_between",
            GetTrades {
                after: 17,
                since: Some(at(700)),
                until: Some(at(800)),
                limit: 10,
                ..trades
            }
            .into(),
        ),
        (
            "open_lot_day",
            OpenLot {
                symbol: symbol("AAPL"),
                quantity: Quantity::ONE,
                opens_at: None,
                closes_at: at(4_620),
                terms: Terms::from(terms()),
                reserve: None,
            }
            .into(),
        ),
    ])
}

pub fn answers() -> Vec<(&'static str, RequestId, ServerMessage)> {
    let accepted = |reply| Accepted {
        feed_sequence: FeedSequence(1_001),
        done: Done::Now,
        reply,
    };
    let placed = |traded, value, rest| {
        accepted(Reply::DayOrder(DayReply {
            order: OrderId(4),
            traded,
            value,
            rest,
        }))
    };
    let cancelled = Reply::AllCancelled {
        cancelled: 12,
        kept: 1,
        more: false,
    };
    let trade = |number, secs, of, quantity, aggressor, resting| DayTrade {
        number,
        at: at(secs),
        price: price(of),
        quantity,
        aggressor,
        resting,
    };
    let trades = Trades {
        lot: LOT,
        follows: Follows::More,
        trades: List::new(vec![
            trade(1, 600, "12.40", 900, None, None),
            trade(2, 700, "12.45", 200, Some(Side::Buy), Some(3)),
        ])
        .unwrap(),
    };
    let lapsed = DayRest::Lapsed {
        quantity: shares(300),
        because: LapseReason::Rest,
    };
    numbered_from(FIRST + 100, {
        let mut messages: Vec<(&'static str, ServerMessage)> = vec![
            (
                "accepted_day_order",
                placed(200, 24_900_000, DayRest::Rests { open: shares(300) }).into(),
            ),
            (
                "accepted_day_order_filled",
                placed(500, 62_250_000, DayRest::None).into(),
            ),
            (
                "accepted_day_order_lapsed",
                placed(200, 24_900_000, lapsed).into(),
            ),
            (
                "accepted_day_order_parked",
                placed(0, 0, DayRest::Parked { open: shares(500) }).into(),
            ),
            (
                "accepted_day_order_kept",
                placed(0, 0, DayRest::Keeps { open: shares(400) }).into(),
            ),
            ("accepted_cancel_all", accepted(cancelled).into()),
            ("refused_not_in_phase", refused().into()),
            ("trades", trades.into()),
            ("day_orders", day_orders().into()),
            ("account_feed_day", account_feed().into()),
            ("snapshot_day", snapshot(Follows::Nothing, 1).into()),
            (
                "snapshot_day_halted",
                snapshot(Follows::Halted(at(5)), 2).into(),
            ),
        ];
        messages.extend(feeds());
        messages
    })
}

fn refused() -> Refused {
    Refused::new(
        Code::NOT_IN_PHASE,
        text::<{ auction_proto::limits::MESSAGE_BYTES_MAX }>(
            "in this call phase orders are: day, until, auction",
        ),
    )
}

fn day_orders() -> DayOrders {
    let own = |order, content, traded, value, state| StandingDayOrder {
        lot: LOT,
        order: OwnDayOrder {
            order: OrderId(order),
            content,
            traded,
            value,
            state,
        },
    };
    let at_close = DayOrder {
        time_in_force: TimeInForce::AtClose,
        limit: None,
        ..order()
    };
    DayOrders {
        index: 1,
        follows: Follows::Nothing,
        orders: List::new(vec![
            own(4, order(), 200, 24_900_000, DayOrderState::Resting),
            own(5, at_close, 0, 0, DayOrderState::Parked),
        ])
        .unwrap(),
    }
}

fn account_feed() -> AccountFeed {
    let (lot, order) = (LOT, OrderId(4));
    let fill = |role, left| AccountEvent::DayOrderFilled {
        lot,
        order,
        trade: 2,
        price: price("12.45"),
        quantity: shares(200),
        role,
        left,
    };
    let lapse = |because| AccountEvent::DayOrderLapsed {
        lot,
        order,
        quantity: shares(300),
        because,
    };
    let mut events = vec![
        AccountEvent::DayOrderAccepted {
            lot,
            order,
            content: self::order(),
        },
        AccountEvent::DayOrderReplaced {
            lot,
            order,
            quantity: shares(300),
            limit: Some(price("12.40")),
            keeps_place: false,
        },
        AccountEvent::DayOrderParked {
            lot,
            order,
            open: shares(300),
        },
        AccountEvent::DayOrderRests {
            lot,
            order,
            open: shares(300),
        },
        fill(FillRole::Maker, 300),
        fill(FillRole::Taker, 0),
        fill(FillRole::Call, 1),
        AccountEvent::DayOrdersDecremented {
            lot,
            resting: OrderId(3),
            incoming: order,
            quantity: shares(10),
            resting_left: 0,
            incoming_left: 290,
        },
    ];
    let reasons = [
        LapseReason::Rest,
        LapseReason::FillOrKill,
        LapseReason::SelfTrade,
        LapseReason::Uncross,
        LapseReason::Until,
        LapseReason::Close,
        LapseReason::Funds,
    ];
    events.extend(reasons.map(lapse));
    events.extend([
        AccountEvent::OrderKept { lot, order },
        AccountEvent::AllCancelled {
            lot: None,
            cancelled: 12,
            kept: 1,
            more: false,
        },
        AccountEvent::LimitsSet {
            limits: Some(limits()),
        },
    ]);
    let entries = events
        .into_iter()
        .map(|event| AccountEntry { at: at(7), event });
    AccountFeed {
        entries: List::new(entries.collect()).unwrap(),
    }
}

fn shown(number: u64, side: Side, of: &str, open: u64) -> ShownOrder {
    ShownOrder {
        number,
        side,
        price: price(of),
        open: shares(open),
    }
}

fn snapshot(follows: Follows, index: u32) -> SnapshotPart {
    let book = DayBook {
        phase: Some(DayPhase::Continuous),
        phase_ends_at: at(4_200),
        phase_index: 2,
        ends: [300, 600, 4_200, 4_500, 4_620].map(at).to_vec(),
        lengths: [300, 300, 3_600, 300, 120].map(Span::from_secs).to_vec(),
        reference: Some(price("12.40")),
        collar: None,
        traders: 0,
        extensions: 0,
        market_extended: false,
        end: None,
        halt: Some(DayHaltCause::CrossedAtCollar),
        resumes_by_call: true,
        interruptions: 1,
        last_call: Some(price("12.40")),
        last_number: 7,
        statistics: DayStatistics {
            open: Some(price("12.40")),
            high: Some(price("12.45")),
            low: Some(price("12.40")),
            last: Some(price("12.45")),
            close: None,
            volume: 1_100,
            value: 136_500_000,
            trades: 2,
        },
        orders: ShownOrders::from_orders([
            shown(7, Side::Buy, "12.40", 300),
            shown(4, Side::Buy, "12.30", 100),
            shown(3, Side::Sell, "12.45", 50),
        ])
        .unwrap(),
    };
    let lot = Lot {
        id: LOT,
        symbol: symbol("AAPL"),
        quantity: Quantity::ONE,
        base_price: price("12"),
        opened_at: at(0),
        closes_at: at(4_620),
        extensions: 0,
        terms: Terms::from(terms()),
        phase: Phase::Open,
        halted_since: Some(at(5)),
        book: Book::Day(Box::new(book)),
    };
    SnapshotPart {
        market: MARKET,
        index,
        follows,
        feed_sequence: FeedSequence(1_000),
        at: at(7),
        accounts: auction_core::AccountMode::Credit,
        users: List::default(),
        stocks: List::default(),
        lots: List::new(vec![lot]).unwrap(),
    }
}

/// All public events of a trading day, each with its name.
pub fn public_events() -> Vec<(&'static str, PublicEvent)> {
    let lot = LOT;
    let began = PhaseBegan {
        lot,
        phase: DayPhase::Call,
        index: 1,
        ends_at: at(600),
        reference: price("12"),
        collar: terms().call.collar,
    };
    let crossed = Outcome::Crossed {
        price: price("12.40"),
        volume: 900,
        surplus: -100,
        by: LadderStep::Surplus,
        candidates: None,
        traders: 4,
    };
    let day = Outcome::Day {
        close: Some(price("12.45")),
        average: Some(price("12.4091")),
        volume: 1_100,
        trades: 2,
    };
    vec![
        (
            "feed_day_opened",
            PublicEvent::LotOpened(Box::new(LotOpened {
                lot,
                symbol: symbol("AAPL"),
                quantity: Quantity::ONE,
                base_price: price("12"),
                opens_at: None,
                closes_at: at(4_620),
                terms: Terms::from(terms()),
                has_reserve: false,
            })),
        ),
        ("feed_phase_began", PublicEvent::PhaseBegan(began)),
        (
            "feed_phase_extended",
            PublicEvent::PhaseExtended {
                lot,
                ends_at: at(660),
                cause: ExtensionCause::Volatility,
            },
        ),
        (
            "feed_phase_moved",
            PublicEvent::PhaseMoved {
                lot,
                phase: 2,
                ends_at: at(4_300),
            },
        ),
        (
            "feed_call_uncrossed",
            PublicEvent::CallUncrossed {
                lot,
                outcome: crossed,
                trade: Some(1),
            },
        ),
        (
            "feed_order_shown",
            PublicEvent::OrderShown {
                lot,
                number: 3,
                side: Side::Sell,
                price: price("12.45"),
                open: shares(250),
            },
        ),
        (
            "feed_order_reduced",
            PublicEvent::OrderReduced {
                lot,
                number: 3,
                open: shares(240),
            },
        ),
        ("feed_order_gone", PublicEvent::OrderGone { lot, number: 4 }),
        (
            "feed_traded",
            PublicEvent::Traded {
                lot,
                number: 2,
                price: price("12.45"),
                quantity: shares(200),
                resting: 3,
                aggressor: Side::Buy,
            },
        ),
        (
            "feed_interrupted",
            PublicEvent::Interrupted {
                lot,
                price: price("13.10"),
                corridor: CorridorKind::Static,
            },
        ),
        (
            "feed_interrupted_dynamic",
            PublicEvent::Interrupted {
                lot,
                price: price("12.60"),
                corridor: CorridorKind::Dynamic,
            },
        ),
        (
            "feed_day_halted",
            PublicEvent::DayHalted {
                lot,
                cause: DayHaltCause::Interruptions,
            },
        ),
        ("feed_market_halted", PublicEvent::MarketHalted),
        ("feed_market_resumed", PublicEvent::MarketResumed),
        (
            "feed_day_closed",
            PublicEvent::LotClosed { lot, outcome: day },
        ),
    ]
}

fn feeds() -> Vec<(&'static str, ServerMessage)> {
    let feed = |event| {
        let entry = FeedEntry { at: at(7), event };
        let feed = Feed::of_commit(MARKET, Term(1), FeedSequence(1_000), [entry]);
        ServerMessage::from(feed[0].clone())
    };
    let events = public_events().into_iter();
    events.map(|(name, event)| (name, feed(event))).collect()
}

fn numbered<M>(
    messages: impl IntoIterator<Item = (&'static str, M)>,
) -> Vec<(&'static str, RequestId, M)> {
    numbered_from(FIRST, messages)
}

/// Numbers the answers; what a server says without a request has number 0.
fn numbered_from<M>(
    first: u64,
    messages: impl IntoIterator<Item = (&'static str, M)>,
) -> Vec<(&'static str, RequestId, M)> {
    (first..)
        .zip(messages)
        .map(|(request, (name, message))| {
            let unasked = name.starts_with("feed_") || name.starts_with("account_feed");
            let request = if unasked { 0 } else { request };
            (name, RequestId(request), message)
        })
        .collect()
}
