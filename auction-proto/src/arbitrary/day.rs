//! The trading day.

use alloc::vec;
use alloc::vec::Vec;

use auction_core::limits::DAY_PHASES_MAX;
use auction_core::{
    AccountEvent, Collar, Command, CorridorKind, DayBook, DayHaltCause, DayOrder, DayOrderState,
    DayPhase, DayReply, DayRest, DayStatistics, DayTerms, FillRole, LapseReason, Outcome,
    OwnDayOrder, PhaseBegan, PrivateEvent, PublicEvent, Reply, ScheduledPhase, SelfTrade,
    ShownOrder, ShownOrders, StandingDayOrder, TimeInForce, TraderLimits,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::market::{call_terms, extension_cause, outcome};
use super::value::{
    amount, commitment, lot_id, maybe_price, number, order_id, price, quantity, side, small, span,
    timestamp, user_id,
};
use crate::encoding::list::List;
use crate::message::body::{
    CancelAll, DayOrders, DayTrade, Follows, GetTrades, HaltAll, MovePhase, PlaceDayOrder,
    ReplaceDayOrder, ResumeAll, SetLimits, Trades,
};
use crate::message::{ClientMessage, ServerMessage};

/// Maximum number of elements of an arbitrary list.
const ELEMENTS_MAX: usize = 4;

pub(super) fn questions() -> BoxedStrategy<ClientMessage> {
    let replaced = (lot_id(), order_id(), quantity(), maybe_price());
    let times = (option::of(timestamp()), option::of(timestamp()));
    prop_oneof![
        (lot_id(), order()).prop_map(|(lot, order)| PlaceDayOrder { lot, order }.into()),
        (replaced, option::of(quantity())).prop_map(|((lot, order, quantity, limit), believed)| {
            ReplaceDayOrder {
                lot,
                order,
                quantity,
                limit,
                believed,
            }
            .into()
        }),
        (option::of(user_id()), option::of(lot_id())).prop_map(|(trader, lot)| CancelAll {
            trader,
            lot
        }
        .into()),
        (lot_id(), any::<u8>(), timestamp()).prop_map(|(lot, phase, ends_at)| {
            MovePhase {
                lot,
                phase,
                ends_at,
            }
            .into()
        }),
        Just(HaltAll {}.into()),
        Just(ResumeAll {}.into()),
        (option::of(user_id()), option::of(limits())).prop_map(|(trader, limits)| SetLimits {
            trader,
            limits
        }
        .into()),
        (lot_id(), number(u64::MAX), times, small()).prop_map(
            |(lot, after, (since, until), limit)| {
                GetTrades {
                    lot,
                    after,
                    since,
                    until,
                    limit,
                }
                .into()
            }
        ),
    ]
    .boxed()
}

pub(super) fn answers() -> BoxedStrategy<ServerMessage> {
    let orders = vec(standing(), 0..=ELEMENTS_MAX);
    let trade = (
        (number(u64::MAX), timestamp()),
        (price(), number(u64::MAX)),
        option::of(side()),
        option::of(number(u64::MAX)),
    );
    let trade = trade.prop_map(
        |((number, at), (price, quantity), aggressor, resting)| DayTrade {
            number,
            at,
            price,
            quantity,
            aggressor,
            resting,
        },
    );
    let trades = vec(trade, 0..=ELEMENTS_MAX);
    prop_oneof![
        (any::<u32>(), follows(), orders).prop_map(|(index, follows, orders)| {
            DayOrders {
                index,
                follows,
                orders: List::new(orders).expect("they are few"),
            }
            .into()
        }),
        (lot_id(), follows(), trades).prop_map(|(lot, follows, trades)| {
            Trades {
                lot,
                follows,
                trades: List::new(trades).expect("they are few"),
            }
            .into()
        }),
    ]
    .boxed()
}

pub(super) fn follows() -> BoxedStrategy<Follows> {
    prop_oneof![
        Just(Follows::Nothing),
        Just(Follows::More),
        timestamp().prop_map(Follows::Halted),
    ]
    .boxed()
}

pub(super) fn terms() -> BoxedStrategy<DayTerms> {
    let phases = (phase(), span()).prop_map(|(phase, begins_after)| ScheduledPhase {
        phase,
        begins_after,
    });
    let corridors = (option::of(collar()), option::of(collar()));
    let volatility = (span(), span(), small());
    (
        call_terms(),
        vec(phases, 0..=DAY_PHASES_MAX),
        corridors,
        volatility,
    )
        .prop_map(|(call, phases, corridors, volatility)| {
            let (static_corridor, dynamic_corridor) = corridors;
            let (volatility_length, volatility_random_end, interruptions_max) = volatility;
            DayTerms {
                call,
                phases,
                static_corridor,
                dynamic_corridor,
                volatility_length,
                volatility_random_end,
                interruptions_max,
            }
        })
        .boxed()
}

fn collar() -> BoxedStrategy<Collar> {
    (price(), small())
        .prop_map(|(absolute, basis_points)| Collar {
            absolute,
            basis_points,
        })
        .boxed()
}

fn phase() -> BoxedStrategy<DayPhase> {
    select(&DayPhase::ALL[..]).boxed()
}

fn order() -> BoxedStrategy<DayOrder> {
    let life = prop_oneof![
        Just(TimeInForce::Day),
        timestamp().prop_map(TimeInForce::Until),
        Just(TimeInForce::ImmediateOrCancel),
        Just(TimeInForce::FillOrKill),
        Just(TimeInForce::AtOpen),
        Just(TimeInForce::AtClose),
        Just(TimeInForce::Auction),
    ];
    let self_trade = select(
        &[
            SelfTrade::Refuse,
            SelfTrade::CancelNewest,
            SelfTrade::CancelOldest,
            SelfTrade::CancelBoth,
            SelfTrade::Decrement,
        ][..],
    );
    let content = (side(), quantity(), maybe_price());
    (content, life, any::<bool>(), self_trade)
        .prop_map(
            |((side, quantity, limit), time_in_force, post_only, self_trade)| DayOrder {
                side,
                quantity,
                limit,
                time_in_force,
                post_only,
                self_trade,
            },
        )
        .boxed()
}

fn standing() -> BoxedStrategy<StandingDayOrder> {
    let state = select(&[DayOrderState::Parked, DayOrderState::Resting][..]);
    let traded = (number(u64::MAX), any::<u128>());
    (lot_id(), order_id(), order(), traded, state)
        .prop_map(
            |(lot, order, content, (traded, value), state)| StandingDayOrder {
                lot,
                order: OwnDayOrder {
                    order,
                    content,
                    traded,
                    value,
                    state,
                },
            },
        )
        .boxed()
}

fn limits() -> BoxedStrategy<TraderLimits> {
    let order = (
        option::of(quantity()),
        option::of(amount()),
        option::of(small()),
    );
    let position = (option::of(number(u64::MAX)), option::of(number(u64::MAX)));
    (order, position, option::of(small()))
        .prop_map(|(order, (long, short), orders_per_second)| {
            let (order_quantity, order_value, open_orders) = order;
            TraderLimits {
                order_quantity,
                order_value,
                open_orders,
                long,
                short,
                orders_per_second,
            }
        })
        .boxed()
}

pub(super) fn day_outcome() -> BoxedStrategy<Outcome> {
    (
        maybe_price(),
        maybe_price(),
        any::<u128>(),
        number(u64::MAX),
    )
        .prop_map(|(close, average, volume, trades)| Outcome::Day {
            close,
            average,
            volume,
            trades,
        })
        .boxed()
}

pub(super) fn book() -> BoxedStrategy<DayBook> {
    let running = (option::of(phase()), timestamp(), any::<u8>());
    let ends = vec((timestamp(), span()), 0..=DAY_PHASES_MAX);
    let call = (
        maybe_price(),
        option::of(collar()),
        small(),
        small(),
        any::<bool>(),
    );
    let halt = (
        option::of(commitment()),
        option::of(halt_cause()),
        any::<bool>(),
        small(),
    );
    let last = (maybe_price(), number(u64::MAX));
    (
        running,
        ends,
        call,
        halt,
        (last, statistics(), shown_orders()),
    )
        .prop_map(|(running, ends, call, halt, (last, statistics, orders))| {
            let (phase, phase_ends_at, phase_index) = running;
            let (ends, lengths) = ends.into_iter().unzip();
            let (reference, collar, traders, extensions, market_extended) = call;
            let (end, halt, resumes_by_call, interruptions) = halt;
            let (last_call, last_number) = last;
            DayBook {
                phase,
                phase_ends_at,
                phase_index,
                ends,
                lengths,
                reference,
                collar,
                traders,
                extensions,
                market_extended,
                end,
                halt,
                resumes_by_call,
                interruptions,
                last_call,
                last_number,
                statistics,
                orders,
            }
        })
        .boxed()
}

fn statistics() -> BoxedStrategy<DayStatistics> {
    let prices = (
        maybe_price(),
        maybe_price(),
        maybe_price(),
        maybe_price(),
        maybe_price(),
    );
    (prices, any::<u128>(), any::<u128>(), number(u64::MAX))
        .prop_map(|(prices, volume, value, trades)| {
            let (open, high, low, last, close) = prices;
            DayStatistics {
                open,
                high,
                low,
                last,
                close,
                volume,
                value,
                trades,
            }
        })
        .boxed()
}

/// Orders in the order in which a book lists them, so that reading them gives the same ones.
fn shown_orders() -> BoxedStrategy<ShownOrders> {
    let numbers = btree_set(number(u64::MAX), 0..=ELEMENTS_MAX);
    let contents = vec((side(), price(), quantity()), ELEMENTS_MAX);
    (numbers, contents)
        .prop_map(|(numbers, contents)| {
            let orders: Vec<_> = numbers
                .into_iter()
                .zip(contents)
                .map(|(number, (side, price, open))| ShownOrder {
                    number,
                    side,
                    price,
                    open,
                })
                .collect();
            ShownOrders::from_orders(orders).expect("numbers of a set")
        })
        .boxed()
}

fn halt_cause() -> BoxedStrategy<DayHaltCause> {
    select(&[DayHaltCause::CrossedAtCollar, DayHaltCause::Interruptions][..]).boxed()
}

pub(super) fn public_event() -> BoxedStrategy<PublicEvent> {
    let began = (lot_id(), phase(), any::<u8>(), timestamp(), price());
    let shown = (lot_id(), number(u64::MAX), side(), price(), quantity());
    let traded = (lot_id(), number(u64::MAX), price(), quantity());
    let corridor = select(&[CorridorKind::Static, CorridorKind::Dynamic][..]);
    prop_oneof![
        (began, option::of(collar())).prop_map(
            |((lot, phase, index, ends_at, reference), collar)| {
                PublicEvent::PhaseBegan(PhaseBegan {
                    lot,
                    phase,
                    index,
                    ends_at,
                    reference,
                    collar,
                })
            }
        ),
        (lot_id(), timestamp(), extension_cause()).prop_map(|(lot, ends_at, cause)| {
            PublicEvent::PhaseExtended {
                lot,
                ends_at,
                cause,
            }
        }),
        (lot_id(), any::<u8>(), timestamp()).prop_map(|(lot, phase, ends_at)| {
            PublicEvent::PhaseMoved {
                lot,
                phase,
                ends_at,
            }
        }),
        (lot_id(), outcome(), option::of(number(u64::MAX))).prop_map(|(lot, outcome, trade)| {
            PublicEvent::CallUncrossed {
                lot,
                outcome,
                trade,
            }
        }),
        shown.prop_map(|(lot, number, side, price, open)| PublicEvent::OrderShown {
            lot,
            number,
            side,
            price,
            open,
        }),
        (lot_id(), number(u64::MAX), quantity())
            .prop_map(|(lot, number, open)| PublicEvent::OrderReduced { lot, number, open }),
        (lot_id(), number(u64::MAX))
            .prop_map(|(lot, number)| PublicEvent::OrderGone { lot, number }),
        (traded, number(u64::MAX), side()).prop_map(
            |((lot, number, price, quantity), resting, aggressor)| PublicEvent::Traded {
                lot,
                number,
                price,
                quantity,
                resting,
                aggressor,
            }
        ),
        (lot_id(), price(), corridor).prop_map(|(lot, price, corridor)| {
            PublicEvent::Interrupted {
                lot,
                price,
                corridor,
            }
        }),
        (lot_id(), halt_cause()).prop_map(|(lot, cause)| PublicEvent::DayHalted { lot, cause }),
        Just(PublicEvent::MarketHalted),
        Just(PublicEvent::MarketResumed),
    ]
    .boxed()
}

pub(super) fn command() -> BoxedStrategy<Command> {
    let commands = questions().prop_map(|message| {
        let session = auction_core::SessionId(1);
        message.into_command(session)
    });
    commands
        .prop_filter_map("a question is no command", |command| command)
        .boxed()
}

fn lapse_reason() -> BoxedStrategy<LapseReason> {
    select(
        &[
            LapseReason::Rest,
            LapseReason::FillOrKill,
            LapseReason::SelfTrade,
            LapseReason::Uncross,
            LapseReason::Until,
            LapseReason::Close,
            LapseReason::Funds,
        ][..],
    )
    .boxed()
}

fn fill_role() -> BoxedStrategy<FillRole> {
    select(&[FillRole::Maker, FillRole::Taker, FillRole::Call][..]).boxed()
}

pub(super) fn private_event() -> BoxedStrategy<PrivateEvent> {
    let own = || (lot_id(), user_id(), order_id());
    let fill = (
        number(u64::MAX),
        price(),
        quantity(),
        fill_role(),
        number(u64::MAX),
    );
    let lefts = (number(u64::MAX), number(u64::MAX));
    let count = (small(), small(), any::<bool>());
    prop_oneof![
        (own(), order()).prop_map(|((lot, trader, order), content)| {
            PrivateEvent::DayOrderAccepted {
                lot,
                trader,
                order,
                content,
            }
        }),
        (own(), quantity(), maybe_price(), any::<bool>()).prop_map(
            |((lot, trader, order), quantity, limit, keeps_place)| {
                PrivateEvent::DayOrderReplaced {
                    lot,
                    trader,
                    order,
                    quantity,
                    limit,
                    keeps_place,
                }
            }
        ),
        (own(), quantity()).prop_map(|((lot, trader, order), open)| {
            PrivateEvent::DayOrderParked {
                lot,
                trader,
                order,
                open,
            }
        }),
        (own(), quantity()).prop_map(|((lot, trader, order), open)| {
            PrivateEvent::DayOrderRests {
                lot,
                trader,
                order,
                open,
            }
        }),
        (own(), fill).prop_map(
            |((lot, trader, order), (trade, price, quantity, role, left))| {
                PrivateEvent::DayOrderFilled {
                    lot,
                    trader,
                    order,
                    trade,
                    price,
                    quantity,
                    role,
                    left,
                }
            }
        ),
        (own(), order_id(), quantity(), lefts).prop_map(
            |((lot, trader, resting), incoming, quantity, (resting_left, incoming_left))| {
                PrivateEvent::DayOrdersDecremented {
                    lot,
                    trader,
                    resting,
                    incoming,
                    quantity,
                    resting_left,
                    incoming_left,
                }
            }
        ),
        (own(), quantity(), lapse_reason()).prop_map(
            |((lot, trader, order), quantity, because)| PrivateEvent::DayOrderLapsed {
                lot,
                trader,
                order,
                quantity,
                because,
            }
        ),
        own().prop_map(|(lot, trader, order)| PrivateEvent::OrderKept { lot, trader, order }),
        (user_id(), option::of(lot_id()), count).prop_map(
            |(trader, lot, (cancelled, kept, more))| PrivateEvent::AllCancelled {
                trader,
                lot,
                cancelled,
                kept,
                more,
            }
        ),
        (option::of(user_id()), option::of(limits()))
            .prop_map(|(trader, limits)| PrivateEvent::LimitsSet { trader, limits }),
    ]
    .boxed()
}

/// The same events, as their owner sees them.
pub(super) fn account_event() -> BoxedStrategy<AccountEvent> {
    private_event()
        .prop_map(|event| match event {
            PrivateEvent::DayOrderAccepted {
                lot,
                order,
                content,
                ..
            } => AccountEvent::DayOrderAccepted {
                lot,
                order,
                content,
            },
            PrivateEvent::DayOrderReplaced {
                lot,
                order,
                quantity,
                limit,
                keeps_place,
                ..
            } => AccountEvent::DayOrderReplaced {
                lot,
                order,
                quantity,
                limit,
                keeps_place,
            },
            PrivateEvent::DayOrderParked {
                lot, order, open, ..
            } => AccountEvent::DayOrderParked { lot, order, open },
            PrivateEvent::DayOrderRests {
                lot, order, open, ..
            } => AccountEvent::DayOrderRests { lot, order, open },
            PrivateEvent::DayOrderFilled {
                lot,
                order,
                trade,
                price,
                quantity,
                role,
                left,
                ..
            } => AccountEvent::DayOrderFilled {
                lot,
                order,
                trade,
                price,
                quantity,
                role,
                left,
            },
            PrivateEvent::DayOrdersDecremented {
                lot,
                resting,
                incoming,
                quantity,
                resting_left,
                incoming_left,
                ..
            } => AccountEvent::DayOrdersDecremented {
                lot,
                resting,
                incoming,
                quantity,
                resting_left,
                incoming_left,
            },
            PrivateEvent::DayOrderLapsed {
                lot,
                order,
                quantity,
                because,
                ..
            } => AccountEvent::DayOrderLapsed {
                lot,
                order,
                quantity,
                because,
            },
            PrivateEvent::OrderKept { lot, order, .. } => AccountEvent::OrderKept { lot, order },
            PrivateEvent::AllCancelled {
                lot,
                cancelled,
                kept,
                more,
                ..
            } => AccountEvent::AllCancelled {
                lot,
                cancelled,
                kept,
                more,
            },
            PrivateEvent::LimitsSet { limits, .. } => AccountEvent::LimitsSet { limits },
            _ => unreachable!("events of days alone are drawn"),
        })
        .boxed()
}

pub(super) fn reply() -> BoxedStrategy<Reply> {
    let rest = prop_oneof![
        Just(DayRest::None),
        quantity().prop_map(|open| DayRest::Rests { open }),
        quantity().prop_map(|open| DayRest::Parked { open }),
        quantity().prop_map(|open| DayRest::Keeps { open }),
        (quantity(), lapse_reason())
            .prop_map(|(quantity, because)| DayRest::Lapsed { quantity, because }),
    ];
    prop_oneof![
        (order_id(), number(u64::MAX), any::<u128>(), rest).prop_map(
            |(order, traded, value, rest)| {
                Reply::DayOrder(DayReply {
                    order,
                    traded,
                    value,
                    rest,
                })
            }
        ),
        (small(), small(), any::<bool>()).prop_map(|(cancelled, kept, more)| {
            Reply::AllCancelled {
                cancelled,
                kept,
                more,
            }
        }),
    ]
    .boxed()
}
