//! Records of the trading day: one of each command; together they contain all its events.

use auction_core::{
    Actor, Command, DayOrder, Event, FillRole, LapseReason, LotId, OrderId, PrivateEvent, Quantity,
    Record, RequestId, SessionId, TimeInForce, UserId,
};

use crate::messages::day::{limits, order, public_events};
use crate::messages::{at, price};
use crate::records::record;

pub fn records() -> Vec<(&'static str, Record)> {
    let lot = LotId(6);
    let trader = UserId(2);
    let order_id = OrderId(4);
    let shares = |number| Quantity::new(number).unwrap();
    let asked = Some((SessionId(300), RequestId(8)));
    let mia = Actor::User(trader);
    let public = |name: &str| {
        let events = public_events();
        let found = events.into_iter().find(|(of, _)| *of == name);
        Event::Public(found.unwrap().1)
    };
    let private = Event::Private;
    let fill = |role, left| {
        private(PrivateEvent::DayOrderFilled {
            lot,
            trader,
            order: order_id,
            trade: 2,
            price: price("12.45"),
            quantity: shares(200),
            role,
            left,
        })
    };
    let lapsed = |because| {
        private(PrivateEvent::DayOrderLapsed {
            lot,
            trader,
            order: order_id,
            quantity: shares(300),
            because,
        })
    };
    let limits_set = |trader| {
        private(PrivateEvent::LimitsSet {
            trader,
            limits: Some(limits()),
        })
    };
    let by_auctioneer = |command, events| record(Actor::User(UserId(9)), asked, command, events);
    let parked = DayOrder {
        time_in_force: TimeInForce::AtClose,
        ..order()
    };
    vec![
        (
            "place_day_order",
            record(
                mia,
                asked,
                Command::PlaceDayOrder {
                    lot,
                    order: order(),
                },
                vec![
                    private(PrivateEvent::DayOrderAccepted {
                        lot,
                        trader,
                        order: order_id,
                        content: order(),
                    }),
                    public("feed_traded"),
                    fill(FillRole::Taker, 300),
                    fill(FillRole::Maker, 0),
                    public("feed_order_shown"),
                    private(PrivateEvent::DayOrderRests {
                        lot,
                        trader,
                        order: order_id,
                        open: shares(300),
                    }),
                ],
            ),
        ),
        (
            "place_day_order_parked",
            record(
                mia,
                asked,
                Command::PlaceDayOrder { lot, order: parked },
                vec![
                    private(PrivateEvent::DayOrderAccepted {
                        lot,
                        trader,
                        order: order_id,
                        content: parked,
                    }),
                    private(PrivateEvent::DayOrderParked {
                        lot,
                        trader,
                        order: order_id,
                        open: shares(500),
                    }),
                ],
            ),
        ),
        (
            "replace_day_order",
            record(
                mia,
                asked,
                Command::ReplaceDayOrder {
                    lot,
                    order: order_id,
                    quantity: shares(300),
                    limit: Some(price("12.40")),
                    believed: None,
                },
                vec![
                    private(PrivateEvent::DayOrderReplaced {
                        lot,
                        trader,
                        order: order_id,
                        quantity: shares(300),
                        limit: Some(price("12.40")),
                        keeps_place: false,
                    }),
                    public("feed_order_gone"),
                    public("feed_order_reduced"),
                    private(PrivateEvent::DayOrdersDecremented {
                        lot,
                        trader,
                        resting: OrderId(3),
                        incoming: order_id,
                        quantity: shares(10),
                        resting_left: 240,
                        incoming_left: 290,
                    }),
                    public("feed_interrupted"),
                    public("feed_day_halted"),
                ],
            ),
        ),
        (
            "cancel_all",
            record(
                mia,
                asked,
                Command::CancelAll {
                    trader: None,
                    lot: Some(lot),
                },
                vec![
                    private(PrivateEvent::OrderCancelled {
                        lot,
                        trader,
                        order: order_id,
                    }),
                    public("feed_order_gone"),
                    private(PrivateEvent::OrderKept {
                        lot,
                        trader,
                        order: OrderId(5),
                    }),
                    private(PrivateEvent::AllCancelled {
                        trader,
                        lot: Some(lot),
                        cancelled: 1,
                        kept: 1,
                        more: false,
                    }),
                ],
            ),
        ),
        (
            "move_phase",
            by_auctioneer(
                Command::MovePhase {
                    lot,
                    phase: 2,
                    ends_at: at(4_300),
                },
                vec![public("feed_phase_moved")],
            ),
        ),
        (
            "halt_all",
            by_auctioneer(Command::HaltAll, vec![public("feed_market_halted")]),
        ),
        (
            "resume_all",
            by_auctioneer(Command::ResumeAll, vec![public("feed_market_resumed")]),
        ),
        (
            "set_limits",
            by_auctioneer(
                Command::SetLimits {
                    trader: Some(trader),
                    limits: Some(limits()),
                },
                vec![limits_set(Some(trader))],
            ),
        ),
        (
            "set_limits_of_all",
            by_auctioneer(
                Command::SetLimits {
                    trader: None,
                    limits: Some(limits()),
                },
                vec![limits_set(None)],
            ),
        ),
        (
            "phase_due",
            record(
                Actor::Clock,
                None,
                Command::CloseDue { lot },
                vec![
                    public("feed_call_uncrossed"),
                    fill(FillRole::Call, 1),
                    lapsed(LapseReason::Uncross),
                    lapsed(LapseReason::SelfTrade),
                    public("feed_phase_extended"),
                    public("feed_phase_began"),
                ],
            ),
        ),
        (
            "day_closed",
            record(
                Actor::Clock,
                None,
                Command::CloseDue { lot },
                vec![lapsed(LapseReason::Close), public("feed_day_closed")],
            ),
        ),
    ]
}
