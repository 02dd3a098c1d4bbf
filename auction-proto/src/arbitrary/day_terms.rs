//! Terms, orders and books of the trading day, and what they share with calls.

use alloc::vec::Vec;

use auction_core::limits::DAY_PHASES_MAX;
use auction_core::{
    BookShown, CallTerms, Collar, DayBook, DayHaltCause, DayOrder, DayOrderState, DayPhase,
    DayStatistics, DayTerms, ExtensionCause, Outcome, OwnDayOrder, ScheduledPhase, SelfTrade,
    ShownOrder, ShownOrders, StandingDayOrder, TimeInForce, TraderLimits,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::value::{
    amount, commitment, lot_id, maybe_price, number, order_id, price, quantity, side, small, span,
    timestamp,
};

/// Maximum number of elements of an arbitrary list.
const ELEMENTS_MAX: usize = 4;

pub(super) fn call_terms() -> BoxedStrategy<CallTerms> {
    let book = select(&[BookShown::Open, BookShown::Closed][..]);
    let collar = (price(), small()).prop_map(|(absolute, basis_points)| Collar {
        absolute,
        basis_points,
    });
    let extensions = (small(), any::<bool>(), span());
    let windows = (span(), option::of(span()));
    (price(), book, option::of(collar), extensions, windows)
        .prop_map(|(tick, book, collar, extensions, windows)| {
            let (extensions_max, market_extension, extend_by) = extensions;
            let (random_end, no_cancel) = windows;
            CallTerms {
                tick,
                book,
                collar,
                extensions_max,
                market_extension,
                extend_by,
                random_end,
                no_cancel,
            }
        })
        .boxed()
}

pub(super) fn extension_cause() -> BoxedStrategy<ExtensionCause> {
    select(
        &[
            ExtensionCause::SoftClose,
            ExtensionCause::Ordered,
            ExtensionCause::Volatility,
            ExtensionCause::MarketOrders,
        ][..],
    )
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

pub(super) fn collar() -> BoxedStrategy<Collar> {
    (price(), small())
        .prop_map(|(absolute, basis_points)| Collar {
            absolute,
            basis_points,
        })
        .boxed()
}

pub(super) fn phase() -> BoxedStrategy<DayPhase> {
    select(&DayPhase::ALL[..]).boxed()
}

pub(super) fn order() -> BoxedStrategy<DayOrder> {
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

pub(super) fn standing() -> BoxedStrategy<StandingDayOrder> {
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

pub(super) fn limits() -> BoxedStrategy<TraderLimits> {
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

pub(super) fn statistics() -> BoxedStrategy<DayStatistics> {
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

pub(super) fn shown_orders() -> BoxedStrategy<ShownOrders> {
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

pub(super) fn halt_cause() -> BoxedStrategy<DayHaltCause> {
    select(&[DayHaltCause::CrossedAtCollar, DayHaltCause::Interruptions][..]).boxed()
}
