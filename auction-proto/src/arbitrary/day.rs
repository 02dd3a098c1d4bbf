//! The trading day.

use alloc::vec;

use auction_core::{
    AccountEvent, Command, CorridorKind, DayReply, DayRest, FillRole, LapseReason, PhaseBegan,
    PrivateEvent, PublicEvent, Reply,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::day_terms::{collar, extension_cause, halt_cause, limits, order, phase, standing};
use super::market::{outcome, public_event_of_lots};
use super::value::{
    lot_id, maybe_price, number, order_id, price, quantity, side, small, timestamp, user_id,
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

/// Orders in the order in which a book lists them, so that reading them gives the same ones.
/// Any public event.
pub fn public_event() -> BoxedStrategy<PublicEvent> {
    prop_oneof![2 => public_event_of_lots(), 1 => day_event()].boxed()
}

fn day_event() -> BoxedStrategy<PublicEvent> {
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
