//! The engine's events, in the oracle's words.

use auction_core::{
    DayHaltCause, DayPhase, Event as Told, ExtensionCause, FillRole, LapseReason, NoCrossBecause,
    OrderId, Outcome, PhaseBegan, PrivateEvent, PublicEvent, Record, Reject, TraderLimit, UserId,
};

use super::market::OPENS_AT;
use super::oracle::{Event, Extension, HaltedBy, Id, Kind, Limit, NoPrice, Refusal, Why};

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
            assert!(!orders.contains(&(trader, order)), "a number is given once");
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
            let at = record.at.micros() - OPENS_AT;
            Event::Phase(kind(*phase), at, ends_at.micros() - OPENS_AT)
        }
        PublicEvent::PhaseExtended { ends_at, cause, .. } => {
            let cause = match cause {
                ExtensionCause::Volatility => Extension::Volatility,
                ExtensionCause::MarketOrders => Extension::MarketOrders,
                other => panic!("a call is not extended by {other:?}"),
            };
            Event::Extended(cause, ends_at.micros() - OPENS_AT)
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
            Event::Moved(usize::from(*phase), ends_at.micros() - OPENS_AT)
        }
        PublicEvent::LotClosed { .. } => Event::Closed(record.at.micros() - OPENS_AT),
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
        Reject::LotHalted { .. } => Refusal::LotHalted,
        Reject::LotClosed { .. } => Refusal::LotClosed,
        Reject::NotInPhase { phase, .. } => Refusal::NotInPhase(kind(phase)),
        Reject::OffTick { .. } => Refusal::OffTick,
        Reject::OffRoundLot { .. } => Refusal::OffRoundLot,
        Reject::MarketHalted { .. } => Refusal::MarketHalted,
        Reject::PhaseOver { first, phases } => {
            Refusal::PhaseOver(usize::from(first), usize::from(phases))
        }
        Reject::PhaseEnd { after, before } => {
            Refusal::PhaseEnd(after.micros() - OPENS_AT, before.micros() - OPENS_AT)
        }
        Reject::CloseNotLater { after } => Refusal::CloseNotLater(after.micros() - OPENS_AT),
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
        Reject::UntilPassed { .. } => Refusal::UntilPassed,
        Reject::PostOnlyMustRest => Refusal::PostOnlyMustRest,
        Reject::WouldTrade { price } => Refusal::WouldTrade(price.units()),
        Reject::WouldSelfTrade { .. } => Refusal::WouldSelfTrade,
        Reject::NotAtClose { price } => Refusal::NotAtClose(price.units()),
        Reject::UnknownOrder { .. } => Refusal::UnknownOrder,
        Reject::Unchanged => Refusal::Unchanged,
        Reject::OpenDiffers { open } => Refusal::OpenDiffers(open.get()),
        Reject::NoCancelNow { .. } => Refusal::NoCancelNow,
        Reject::InsufficientFunds { needed, available } => {
            Refusal::Funds(needed.units(), available.units())
        }
        Reject::InsufficientShares {
            needed, available, ..
        } => Refusal::Shares(needed, available),
        ref other => panic!("the oracle knows no such refusal: {other:?}"),
    }
}
