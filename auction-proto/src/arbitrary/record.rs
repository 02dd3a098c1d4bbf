//! Records of the journal.

use alloc::boxed::Box;
use alloc::vec;

use auction_core::{
    Access, Actor, Command, CredentialChange, Event, NewDevice, NewSession, OpenLot, PrivateEvent,
    Record, Registration,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::day::{self, public_event};
use super::market::{listing, terms};
use super::value::{
    account_mode, asset, credential, device_key, lot_id, maybe_price, name, order_id, price,
    profit, quantity, random_end, request_id, role, security, seed, sequence, session_id, side,
    span, symbol, timestamp, token_hash, user_id,
};

/// Any record. Its events need not be those that its command causes.
pub fn record() -> BoxedStrategy<Record> {
    let actor = prop_oneof![
        Just(Actor::Clock),
        Just(Actor::Operator),
        user_id().prop_map(Actor::User),
    ];
    let event = prop_oneof![
        public_event().prop_map(Event::Public),
        private_event().prop_map(Event::Private),
    ];
    let request = option::of((session_id(), request_id()));
    let place = (sequence(), timestamp(), any::<u16>());
    (place, actor, request, command(), vec(event, 1..=4))
        .prop_map(
            |((sequence, at, rules), actor, request, command, events)| Record {
                sequence,
                at,
                rules,
                actor,
                request,
                command,
                events: events.into_iter().collect(),
            },
        )
        .boxed()
}

fn command() -> BoxedStrategy<Command> {
    let times = (option::of(timestamp()), timestamp());
    let open = (symbol(), quantity(), times, terms(), maybe_price());
    let placed = (lot_id(), side(), quantity(), maybe_price());
    let replaced = (lot_id(), order_id(), quantity(), maybe_price());
    prop_oneof![
        day::command(),
        listing().prop_map(Command::ListStock),
        open.prop_map(|(symbol, quantity, times, terms, reserve)| {
            let (opens_at, closes_at) = times;
            Command::OpenLot(Box::new(OpenLot {
                symbol,
                quantity,
                opens_at,
                closes_at,
                terms,
                reserve,
            }))
        }),
        (lot_id(), timestamp()).prop_map(|(lot, closes_at)| Command::ExtendLot { lot, closes_at }),
        lot_id().prop_map(|lot| Command::CloseDue { lot }),
        (name(), role(), credential()).prop_map(|(name, role, credential)| {
            Command::Register(Box::new(Registration {
                name,
                role,
                credential,
            }))
        }),
        (user_id(), token_hash(), timestamp()).prop_map(|(user, token_hash, expires_at)| {
            Command::OpenSession(Box::new(NewSession {
                user,
                token_hash,
                expires_at,
            }))
        }),
        session_id().prop_map(|session| Command::CloseSession { session }),
        (user_id(), credential(), option::of(session_id())).prop_map(|(user, credential, keep)| {
            CredentialChange {
                user,
                credential,
                keep,
            }
            .into()
        }),
        (user_id(), access()).prop_map(|(user, access)| Command::SetAccess { user, access }),
        (lot_id(), price()).prop_map(|(lot, price)| Command::Bid { lot, price }),
        (lot_id(), price()).prop_map(|(lot, maximum)| Command::BidMaximum { lot, maximum }),
        (symbol(), security(), profit()).prop_map(|(symbol, security, profit)| {
            Command::PublishProfit {
                symbol,
                security,
                profit,
            }
        }),
        about_lot(),
        user_id().prop_map(|user| Command::SuspendUser { user }),
        user_id().prop_map(|user| Command::ReinstateUser { user }),
        placed.prop_map(|(lot, side, quantity, limit)| Command::PlaceOrder {
            lot,
            side,
            quantity,
            limit,
        }),
        replaced.prop_map(|(lot, order, quantity, limit)| Command::ReplaceOrder {
            lot,
            order,
            quantity,
            limit,
        }),
        (lot_id(), order_id()).prop_map(|(lot, order)| Command::CancelOrder { lot, order }),
        (session_id(), option::of(span()))
            .prop_map(|(session, grace)| Command::SetDeadMan { session, grace }),
        account_mode().prop_map(|mode| Command::SetAccounts { mode }),
        (user_id(), asset()).prop_map(|(user, asset)| Command::Deposit { user, asset }),
        (user_id(), asset()).prop_map(|(user, asset)| Command::Withdraw { user, asset }),
        (lot_id(), seed()).prop_map(|(lot, seed)| Command::DrawEnd { lot, seed }),
        (device_key(), name())
            .prop_map(|(key, label)| Command::AddDevice(NewDevice { key, label }.into())),
    ]
    .boxed()
}

fn about_lot() -> BoxedStrategy<Command> {
    prop_oneof![
        lot_id().prop_map(|lot| Command::OpenDue { lot }),
        lot_id().prop_map(|lot| Command::CloseLot { lot }),
        lot_id().prop_map(|lot| Command::CancelLot { lot }),
        lot_id().prop_map(|lot| Command::HaltLot { lot }),
        lot_id().prop_map(|lot| Command::ResumeLot { lot }),
    ]
    .boxed()
}

/// Any private event.
pub fn private_event() -> BoxedStrategy<PrivateEvent> {
    let session = (session_id(), user_id(), token_hash(), timestamp());
    let order = (lot_id(), user_id(), order_id());
    prop_oneof![
        day::private_event(),
        (user_id(), credential())
            .prop_map(|(user, credential)| PrivateEvent::CredentialSet { user, credential }),
        session.prop_map(|(session, user, token_hash, expires_at)| {
            PrivateEvent::SessionOpened {
                session,
                user,
                token_hash,
                expires_at,
            }
        }),
        session_id().prop_map(|session| PrivateEvent::SessionClosed { session }),
        (lot_id(), price()).prop_map(|(lot, reserve)| PrivateEvent::ReserveSet { lot, reserve }),
        (lot_id(), user_id(), price(), any::<bool>()).prop_map(|(lot, bidder, maximum, leads)| {
            PrivateEvent::MaximumSet {
                lot,
                bidder,
                maximum,
                leads,
            }
        }),
        (order.clone(), side(), quantity(), maybe_price()).prop_map(
            |((lot, trader, order), side, quantity, limit)| PrivateEvent::OrderPlaced {
                lot,
                trader,
                order,
                side,
                quantity,
                limit,
            }
        ),
        (order.clone(), quantity(), maybe_price()).prop_map(
            |((lot, trader, order), quantity, limit)| PrivateEvent::OrderReplaced {
                lot,
                trader,
                order,
                quantity,
                limit,
            }
        ),
        order.prop_map(|(lot, trader, order)| PrivateEvent::OrderCancelled { lot, trader, order }),
        user_id().prop_map(|user| PrivateEvent::UserSuspended { user }),
        (user_id(), access()).prop_map(|(user, access)| PrivateEvent::AccessSet { user, access }),
        user_id().prop_map(|user| PrivateEvent::UserReinstated { user }),
        (session_id(), user_id(), option::of(span())).prop_map(|(session, user, grace)| {
            PrivateEvent::DeadManSet {
                session,
                user,
                grace,
            }
        }),
        (user_id(), asset()).prop_map(|(user, asset)| PrivateEvent::Deposited { user, asset }),
        (user_id(), asset()).prop_map(|(user, asset)| PrivateEvent::Withdrawn { user, asset }),
        (lot_id(), user_id())
            .prop_map(|(lot, trader)| PrivateEvent::OrdersWithdrawn { lot, trader }),
        (lot_id(), random_end()).prop_map(|(lot, end)| PrivateEvent::EndDrawn { lot, end }),
        (session_id(), user_id(), device_key(), name()).prop_map(|(session, user, key, label)| {
            PrivateEvent::DeviceAdded {
                session,
                user,
                device: NewDevice { key, label }.into(),
            }
        }),
    ]
    .boxed()
}

fn access() -> impl Strategy<Value = Access> + Clone {
    select(&[Access::Open, Access::Locked, Access::Closed][..])
}
