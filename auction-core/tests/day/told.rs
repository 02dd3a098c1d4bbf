//! The engine's events, in the oracle's words.

use auction_core::{
    DayHaltCause, DayPhase, Event as Told, ExtensionCause, FillRole, LapseReason, NoCrossBecause,
    OrderId, OrderKind, Outcome, PhaseBegan, Price, PrivateEvent, PublicEvent, Record, Reject,
    Timestamp, TraderLimit, UserId,
};

use super::market::OPENS_AT;
use super::oracle::{Day, Event, Extension, HaltedBy, Id, Kind, Limit, NoPrice, Refusal, Tif, Why};

/// Translates the events of a record, and adds the orders that it accepts to the list. What an engine does not tell is
/// zero: see [`comparable`].
pub fn events(record: &Record, orders: &mut Vec<(UserId, OrderId)>) -> Vec<Event> {
    let mut told = Vec::new();
    // Fills of a call, and the first of the two fills of a trade.
    let (mut fills, mut half) = (Vec::new(), None);
    for event in record.events.iter() {
        match event {
            Told::Private(event) => {
                told.extend(private(event, orders, &mut fills, &mut half));
            }
            Told::Public(event) => told.extend(public(record, event)),
        }
    }
    assert_eq!(half, None, "a trade has two sides");
    fills.sort_unstable();
    for event in &mut told {
        if let Event::Uncross {
            fills: of_event, ..
        } = event
        {
            *of_event = std::mem::take(&mut fills);
        }
    }
    assert_eq!(fills, [], "a call's fills come with its price");
    told
}

/// An event of the oracle without what an engine does not tell.
pub fn comparable(event: &Event) -> Option<Event> {
    match event {
        Event::Cancelled(id, _) => Some(Event::Cancelled(*id, 0)),
        // The times that it moves are compared.
        Event::Resumed(_) => None,
        other => Some(other.clone()),
    }
}

type Half = Option<(u64, Id, FillRole, u64, u64)>;

fn private(
    event: &PrivateEvent,
    orders: &mut Vec<(UserId, OrderId)>,
    fills: &mut Vec<(Id, u64)>,
    half: &mut Half,
) -> Option<Event> {
    let found = |trader: UserId, order: OrderId| {
        let found = orders.iter().position(|other| *other == (trader, order));
        found.unwrap_or_else(|| panic!("{trader} has no order {order}"))
    };
    Some(match *event {
        PrivateEvent::DayOrderAccepted { trader, order, .. } => {
            let of_trader = orders.iter().filter(|(other, _)| *other == trader);
            assert_eq!(order.0 as usize, of_trader.count() + 1, "numbers are dense");
            orders.push((trader, order));
            return None;
        }
        PrivateEvent::DayOrderReplaced {
            trader,
            order,
            quantity,
            keeps_place,
            ..
        } => Event::Replaced {
            id: found(trader, order),
            quantity: quantity.get(),
            kept: keeps_place,
        },
        PrivateEvent::DayOrderParked {
            trader,
            order,
            open,
            ..
        } => Event::Parked(found(trader, order), open.get()),
        PrivateEvent::DayOrderRests {
            trader,
            order,
            open,
            ..
        } => Event::Rests(found(trader, order), open.get()),
        PrivateEvent::DayOrderFilled {
            trader,
            order,
            trade,
            price,
            quantity,
            role,
            ..
        } => {
            let id = found(trader, order);
            let (price, quantity) = (price.units(), quantity.get());
            if role == FillRole::Call {
                fills.push((id, quantity));
                return None;
            }
            let Some((of, other, other_role, at, shares)) = half.take() else {
                *half = Some((trade, id, role, price, quantity));
                return None;
            };
            assert_eq!(
                (of, at, shares),
                (trade, price, quantity),
                "both sides say the same"
            );
            let (resting, incoming) = match (other_role, role) {
                (FillRole::Maker, FillRole::Taker) => (other, id),
                (FillRole::Taker, FillRole::Maker) => (id, other),
                roles => panic!("a trade has a maker and a taker: {roles:?}"),
            };
            Event::Trade {
                resting,
                incoming,
                price,
                quantity,
            }
        }
        PrivateEvent::DayOrdersDecremented {
            trader,
            resting,
            incoming,
            quantity,
            ..
        } => Event::Decremented {
            resting: found(trader, resting),
            incoming: found(trader, incoming),
            quantity: quantity.get(),
        },
        PrivateEvent::DayOrderLapsed {
            trader,
            order,
            quantity,
            because,
            ..
        } => Event::Lapsed(found(trader, order), quantity.get(), why(because)),
        PrivateEvent::OrderCancelled { trader, order, .. } => {
            Event::Cancelled(found(trader, order), 0)
        }
        PrivateEvent::OrderKept { trader, order, .. } => Event::Kept(found(trader, order)),
        _ => return None,
    })
}

fn public(record: &Record, event: &PublicEvent) -> Option<Event> {
    Some(match event {
        PublicEvent::PhaseBegan(PhaseBegan { phase, ends_at, .. }) => {
            let at = clock(record.at);
            Event::Phase(kind(*phase), at, clock(*ends_at))
        }
        PublicEvent::PhaseExtended { ends_at, cause, .. } => {
            let cause = match cause {
                ExtensionCause::Volatility => Extension::Volatility,
                ExtensionCause::MarketOrders => Extension::MarketOrders,
                other => panic!("a call is not extended by {other:?}"),
            };
            Event::Extended(cause, clock(*ends_at))
        }
        PublicEvent::CallUncrossed { outcome, .. } => match *outcome {
            Outcome::Crossed {
                price,
                volume,
                surplus,
                by,
                ..
            } => Event::Uncross {
                price: price.units(),
                volume,
                surplus,
                by,
                fills: Vec::new(),
            },
            Outcome::NoCross { because, .. } => Event::NoPrice(match because {
                NoCrossBecause::Collar => NoPrice::Collar,
                NoCrossBecause::NoPrice => NoPrice::NoReference,
                NoCrossBecause::NothingCrosses => NoPrice::NothingCrosses,
            }),
            ref other => panic!("a call does not end so: {other:?}"),
        },
        PublicEvent::Interrupted {
            price, corridor, ..
        } => Event::Interrupted {
            price: price.units(),
            is_static: *corridor == auction_core::CorridorKind::Static,
        },
        PublicEvent::DayHalted { cause, .. } => Event::Halted(match cause {
            DayHaltCause::CrossedAtCollar => HaltedBy::CrossedAtCollar,
            DayHaltCause::Interruptions => HaltedBy::Interruptions,
        }),
        PublicEvent::LotHalted { .. } => Event::Halted(HaltedBy::Auctioneer),
        PublicEvent::PhaseMoved { phase, ends_at, .. } => {
            Event::Moved(usize::from(*phase), clock(*ends_at))
        }
        PublicEvent::LotClosed { .. } => Event::Closed(clock(record.at)),
        _ => return None,
    })
}

fn why(because: LapseReason) -> Why {
    match because {
        LapseReason::Rest => Why::Rest,
        LapseReason::FillOrKill => Why::Fok,
        LapseReason::SelfTrade => Why::SelfTrade,
        LapseReason::Uncross => Why::Uncross,
        LapseReason::Until => Why::Until,
        LapseReason::Close => Why::Close,
        LapseReason::Funds => Why::Funds,
    }
}

fn kind(phase: DayPhase) -> Kind {
    match phase {
        DayPhase::PreOpen => Kind::PreOpen,
        DayPhase::Call => Kind::Call,
        DayPhase::Continuous => Kind::Continuous,
        DayPhase::AtLast => Kind::AtLast,
        DayPhase::Volatility => Kind::Volatility,
    }
}

/// Translates a refusal.
pub fn refusal(reject: &Reject) -> Refusal {
    match *reject {
        Reject::Suspended => Refusal::Suspended,
        Reject::LotHalted { since, .. } => Refusal::LotHalted(clock(since)),
        Reject::LotClosed { .. } => Refusal::LotClosed,
        Reject::NotInPhase { phase, .. } => Refusal::NotInPhase(kind(phase)),
        Reject::OffTick { above, .. } => Refusal::OffTick(above.units()),
        Reject::OffRoundLot { .. } => Refusal::OffRoundLot,
        Reject::MarketHalted { since } => Refusal::MarketHalted(clock(since)),
        Reject::PhaseOver { first, phases } => {
            Refusal::PhaseOver(usize::from(first), usize::from(phases))
        }
        Reject::PhaseEnd { after, before } => Refusal::PhaseEnd(clock(after), clock(before)),
        Reject::CloseNotLater { after } => Refusal::CloseNotLater(clock(after)),
        Reject::LotHasBids { .. } => Refusal::LotHasBids,
        Reject::OverLimit { limit, most } => Refusal::OverLimit(
            match limit {
                TraderLimit::OrderQuantity => Limit::OrderQuantity,
                TraderLimit::OrderValue => Limit::OrderValue,
                TraderLimit::OpenOrders => Limit::OpenOrders,
                TraderLimit::Long => Limit::Long,
                TraderLimit::Short => Limit::Short,
                TraderLimit::OrdersPerSecond => panic!("the test sets no such limit"),
            },
            most,
        ),
        Reject::UntilPassed { until } => Refusal::UntilPassed(clock(until)),
        Reject::PostOnlyMustRest => Refusal::PostOnlyMustRest,
        Reject::WouldTrade { price } => Refusal::WouldTrade(price.units()),
        Reject::WouldSelfTrade { own } => Refusal::WouldSelfTrade(own.map(Price::units)),
        Reject::NotAtClose { price } => Refusal::NotAtClose(price.units()),
        Reject::UnknownOrder { .. } => Refusal::UnknownOrder,
        Reject::Unchanged => Refusal::Unchanged,
        Reject::OpenDiffers { open } => Refusal::OpenDiffers(open.get()),
        Reject::NoCancelNow { since } => Refusal::NoCancelNow(clock(since)),
        Reject::InsufficientFunds { needed, available } => {
            Refusal::Funds(needed.units(), available.units())
        }
        Reject::InsufficientShares {
            needed, available, ..
        } => Refusal::Shares(needed, available),
        ref other => panic!("the oracle knows no such refusal: {other:?}"),
    }
}

/// Returns true if a refusal names the kinds of orders that the oracle's phase takes.
pub fn names_accepted(reject: &Reject, day: &Day) -> bool {
    let Reject::NotInPhase { accepted, .. } = reject else {
        return true;
    };
    OrderKind::ALL.iter().all(|kind| {
        let takes = match kind {
            OrderKind::Day => day.takes(Tif::Day),
            OrderKind::Until => day.takes(Tif::Until(0)),
            OrderKind::ImmediateOrCancel => day.takes(Tif::Ioc),
            OrderKind::FillOrKill => day.takes(Tif::Fok),
            OrderKind::AtOpen => day.takes(Tif::AtOpen),
            OrderKind::AtClose => day.takes(Tif::AtClose),
            OrderKind::Auction => day.takes(Tif::Auction),
            OrderKind::PostOnly => day.takes_post_only(),
        };
        takes == accepted.contains(*kind)
    })
}

/// A time by the oracle's clock, which begins when the lot opens: the windows of a shortened call can begin before.
fn clock(at: Timestamp) -> u64 {
    at.micros().saturating_sub(OPENS_AT)
}
