//! The trading day: `auction order` on one, `auction cancel-all`, `move-phase`, `halt --all`, `resume --all`, `limits`.

use auction_client::{
    AllCancelled, CancelAll, Code, HaltAll, MovePhase, PlaceDayOrder, ReplaceDayOrder, ResumeAll,
    SetLimits,
};
use auction_core::{
    DayOrder, Lot, LotId, Name, OrderId, Price, Quantity, SelfTrade, TimeInForce, Timestamp,
    TraderLimits, UserId,
};
use serde_json::json;

use super::order_entry::{Order, verb};
use crate::args::day::{DayFlags, LimitFlags, MoveEnd, SelfTradeWord, TifWord};
use crate::args::target::{Target, Which};
use crate::output::day;
use crate::output::failure::Failure;
use crate::session::Context;

/// Places an order on a trading day, and reports what traded at once.
pub async fn place_on(
    context: &Context,
    lot: &Lot,
    order: Order,
    flags: DayFlags,
) -> Result<(), Failure> {
    let now = context.client.clock().now();
    let content = DayOrder {
        side: order.side,
        quantity: order.quantity,
        limit: order.limit,
        time_in_force: time_in_force(flags, now),
        post_only: flags.post_only,
        self_trade: self_trade(flags.self_trade),
    };
    let asked = context.request(PlaceDayOrder {
        lot: lot.id,
        order: content,
    });
    let (reply, request) = asked.await?;
    context.out.print(
        |_| day::placed_text(&title(lot), Some(order.side), &reply),
        || {
            let mut fields = json!({
                "accepted": true,
                "lot": lot.id.0,
                "symbol": lot.symbol.as_str(),
                "order": reply.order.0,
                "state": "placed",
                "request": request.0.to_string(),
                "side": verb(order.side),
                "quantity": order.quantity.get(),
                "limit": crate::output::json::price(order.limit),
            });
            day::placed_json(&mut fields, &reply);
            fields
        },
    )
}

/// Replaces an order of a trading day, and reports what traded at once.
pub async fn replace_on(
    context: &Context,
    lot: &Lot,
    order: OrderId,
    quantity: Quantity,
    limit: Option<Price>,
) -> Result<(), Failure> {
    let asked = context.request(ReplaceDayOrder {
        lot: lot.id,
        order,
        quantity,
        limit,
        believed: None,
    });
    let (reply, request) = asked.await?;
    context.out.print(
        |_| day::placed_text(&title(lot), None, &reply),
        || {
            let mut fields = json!({
                "accepted": true,
                "lot": lot.id.0,
                "symbol": lot.symbol.as_str(),
                "order": order.0,
                "state": "replaced",
                "request": request.0.to_string(),
                "quantity": quantity.get(),
                "limit": crate::output::json::price(limit),
            });
            day::placed_json(&mut fields, &reply);
            fields
        },
    )
}

pub async fn cancel_all(
    context: &Context,
    target: Option<Target>,
    number: Option<LotId>,
    trader: Option<Name>,
) -> Result<(), Failure> {
    context.resume().await?;
    let market = context.client.snapshot().await?;
    let lot = target
        .map(|target| target.open_lot(&market, number))
        .transpose()?
        .map(|lot| lot.id);
    let of = trader.map(|name| user_named(&market, name)).transpose()?;
    let mut all = AllCancelled {
        cancelled: 0,
        kept: 0,
        more: true,
    };
    while all.more {
        let asked = context.request(CancelAll { trader: of, lot });
        let (next, _) = asked.await?;
        all.cancelled += next.cancelled;
        all.kept = next.kept;
        // Orders that cannot be cancelled must not be asked for for ever.
        all.more = next.more && next.cancelled > 0;
    }
    context.out.print(
        |_| {
            let of = trader.map_or(String::new(), |name| format!(" of {name}"));
            day::all_cancelled_text(all, &of)
        },
        || {
            json!({
                "accepted": true,
                "cancelled": all.cancelled,
                "kept": all.kept,
                "lot": lot.map(|lot| lot.0),
                "trader": trader.map(|name| name.to_string()),
            })
        },
    )
}

pub async fn move_phase(
    context: &Context,
    which: Which,
    phase: u8,
    end: MoveEnd,
) -> Result<(), Failure> {
    context.resume().await?;
    let market = context.client.snapshot().await?;
    let lot = which.target.unclosed_lot(&market, which.lot)?;
    let Some(index) = phase.checked_sub(1) else {
        let message = "phases are counted from 1";
        return Err(Failure::usage(message));
    };
    let now = context.client.clock().now();
    let planned = match &lot.book {
        auction_core::Book::Day(book) => book.ends.get(usize::from(index)).copied(),
        _ => None,
    };
    let ends_at = end.moment(planned.unwrap_or(now), now);
    let asked = context.client.ask(MovePhase {
        lot: lot.id,
        phase: index,
        ends_at,
    });
    asked.await?;
    context.out.print(
        |_| format!("{}: phase {phase} ends at {ends_at} now.", title(lot)),
        || {
            json!({
                "accepted": true,
                "lot": lot.id.0,
                "symbol": lot.symbol.as_str(),
                "phase": phase,
                "ends_at": ends_at.to_string(),
            })
        },
    )
}

/// Halts the whole market, or resumes it.
pub async fn halt_all(context: &Context, halts: bool) -> Result<(), Failure> {
    context.resume().await?;
    match halts {
        true => context.client.ask(HaltAll {}).await?,
        false => context.client.ask(ResumeAll {}).await?,
    };
    context.out.print(
        |_| match halts {
            true => "The whole market is halted: it accepts only cancellations.".to_owned(),
            false => "The market goes on; its times are later by the halt.".to_owned(),
        },
        || json!({"accepted": true, "halted": halts}),
    )
}

pub async fn limits(
    context: &Context,
    trader: Option<Name>,
    flags: LimitFlags,
) -> Result<(), Failure> {
    context.resume().await?;
    let market = context.client.snapshot().await?;
    let of = trader.map(|name| user_named(&market, name)).transpose()?;
    let limits = TraderLimits {
        order_quantity: flags.order_quantity,
        order_value: flags.order_value,
        open_orders: flags.open_orders,
        long: flags.long,
        short: flags.short,
        orders_per_second: flags.orders_per_second,
    };
    let limits = (!flags.none).then_some(limits);
    let set = SetLimits { trader: of, limits };
    context.client.ask(set).await?;
    let whose = trader.map_or("every trader".to_owned(), |name| name.to_string());
    context.out.print(
        |_| match limits {
            Some(_) => format!("The limits of {whose} are set."),
            None => format!("The limits of {whose} are cleared."),
        },
        || json!({"accepted": true, "trader": trader.map(|name| name.to_string()), "set": limits.is_some()}),
    )
}

fn user_named(market: &auction_core::Market, name: Name) -> Result<UserId, Failure> {
    market.user_named(name).ok_or_else(|| {
        let message = format!("there is no user {name}; accounts are made with `auction register`");
        Failure::refused(Code::UNKNOWN_USER, message)
    })
}

fn time_in_force(flags: DayFlags, now: Timestamp) -> TimeInForce {
    if let Some(until) = flags.until {
        return TimeInForce::Until(until.moment(now));
    }
    match flags.tif {
        None | Some(TifWord::Day) => TimeInForce::Day,
        Some(TifWord::Ioc) => TimeInForce::ImmediateOrCancel,
        Some(TifWord::Fok) => TimeInForce::FillOrKill,
        Some(TifWord::AtOpen) => TimeInForce::AtOpen,
        Some(TifWord::AtClose) => TimeInForce::AtClose,
        Some(TifWord::Auction) => TimeInForce::Auction,
    }
}

fn self_trade(word: Option<SelfTradeWord>) -> SelfTrade {
    match word {
        None | Some(SelfTradeWord::Refuse) => SelfTrade::Refuse,
        Some(SelfTradeWord::CancelNewest) => SelfTrade::CancelNewest,
        Some(SelfTradeWord::CancelOldest) => SelfTrade::CancelOldest,
        Some(SelfTradeWord::CancelBoth) => SelfTrade::CancelBoth,
        Some(SelfTradeWord::Decrement) => SelfTrade::Decrement,
    }
}

fn title(lot: &Lot) -> String {
    format!("{} #{}", lot.symbol, lot.id)
}
