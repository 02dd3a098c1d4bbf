//! Records whose bytes are kept for ever, each under a name, and each alone in its batch.

use auction_core::{
    AccountMode, Actor, Command, Credential, DeviceKey, EnglishTerms, Event, ExtensionCause, LotId,
    NewDevice, NewSession, OpenLot, OrderId, Outcome, PrivateEvent, Profit, PublicEvent, Quantity,
    Record, Registration, RequestId, Role, SecurityCode, Seed, Sequence, SessionId, Side, Span,
    Terms, TokenHash, UnsoldBecause, UserId,
};

use crate::messages::{
    allocated, at, bid_accepted, bids_opened, cash, listing, lot_opened, name, price, random_end,
    shares, symbol,
};

/// Salt of all records. A journal draws a new one for each record.
pub const SALT: [u8; 16] = [0x5a; 16];

/// Name and record: one of each command; together they contain all events.
pub fn records() -> Vec<(&'static str, Record)> {
    let lot = LotId(3);
    let user = UserId(2);
    let session = SessionId(300);
    let mia = Actor::User(user);
    let asked = Some((session, RequestId(8)));
    let open = OpenLot {
        symbol: symbol("AAPL"),
        quantity: Quantity::ONE,
        opens_at: None,
        closes_at: at(300),
        terms: Terms::English(EnglishTerms::default()),
        reserve: None,
    };
    let reserved = OpenLot {
        reserve: Some(price("2")),
        ..open.clone()
    };
    let credential = Credential::new(b"$argon2id$v=19$example").unwrap();
    let registration = Registration {
        name: name("mia"),
        role: Role::Trader,
        credential: credential.clone(),
    };
    let token_hash = TokenHash([0xef; 32]);
    let expires_at = at(86_400);
    let outcome = Outcome::Unsold {
        because: UnsoldBecause::NoBids,
        highest: None,
    };
    let extended = |cause| {
        Event::Public(PublicEvent::LotExtended {
            lot,
            closes_at: at(360),
            cause,
        })
    };
    let profit = Profit::parse("9800").unwrap();
    let security = SecurityCode::parse("01954").unwrap();
    let opened = Event::Public(PublicEvent::LotOpened(Box::new(lot_opened())));
    let bid = |amount| Event::Public(PublicEvent::BidAccepted(bid_accepted(amount)));
    let by_operator = |command, events| record(Actor::Operator, None, command, events);
    vec![
        (
            "list_stock",
            by_operator(
                Command::ListStock(listing()),
                vec![Event::Public(PublicEvent::StockListed(listing()))],
            ),
        ),
        (
            "open_lot",
            by_operator(Command::OpenLot(Box::new(open)), vec![opened.clone()]),
        ),
        (
            "open_lot_with_reserve",
            by_operator(
                Command::OpenLot(Box::new(reserved)),
                vec![
                    opened,
                    Event::Private(PrivateEvent::ReserveSet {
                        lot,
                        reserve: price("2"),
                    }),
                ],
            ),
        ),
        (
            "extend_lot",
            by_operator(
                Command::ExtendLot {
                    lot,
                    closes_at: at(360),
                },
                vec![extended(ExtensionCause::Ordered)],
            ),
        ),
        (
            "close_due",
            record(
                Actor::Clock,
                None,
                Command::CloseDue { lot },
                vec![Event::Public(PublicEvent::LotClosed { lot, outcome })],
            ),
        ),
        (
            "register",
            by_operator(
                Command::Register(Box::new(registration)),
                vec![
                    Event::Public(PublicEvent::UserRegistered {
                        user,
                        name: name("mia"),
                        role: Role::Trader,
                    }),
                    Event::Private(PrivateEvent::CredentialSet { user, credential }),
                ],
            ),
        ),
        (
            "open_session",
            by_operator(
                Command::OpenSession(Box::new(NewSession {
                    user,
                    token_hash,
                    expires_at,
                })),
                vec![
                    Event::Private(PrivateEvent::SessionClosed {
                        session: SessionId(9),
                    }),
                    Event::Private(PrivateEvent::SessionOpened {
                        session,
                        user,
                        token_hash,
                        expires_at,
                    }),
                ],
            ),
        ),
        (
            "close_session",
            record(
                mia,
                asked,
                Command::CloseSession { session },
                vec![Event::Private(PrivateEvent::SessionClosed { session })],
            ),
        ),
        (
            "bid",
            record(
                mia,
                asked,
                Command::Bid {
                    lot,
                    price: price("1.40"),
                },
                vec![bid(Some("1.40")), extended(ExtensionCause::SoftClose)],
            ),
        ),
        (
            "bid_maximum",
            record(
                mia,
                asked,
                Command::BidMaximum {
                    lot,
                    maximum: price("12.50"),
                },
                vec![
                    Event::Private(PrivateEvent::MaximumSet {
                        lot,
                        bidder: user,
                        maximum: price("12.50"),
                        leads: true,
                    }),
                    bid(None),
                ],
            ),
        ),
        (
            "publish_profit",
            record(
                mia,
                asked,
                Command::PublishProfit {
                    symbol: symbol("AAPL"),
                    security,
                    profit,
                },
                vec![Event::Public(PublicEvent::ProfitPublished {
                    symbol: symbol("AAPL"),
                    profit,
                })],
            ),
        ),
    ]
    .into_iter()
    .chain(of_a_lots_life())
    .chain(of_orders())
    .chain(of_accounts())
    .chain(later())
    .collect()
}

fn of_a_lots_life() -> Vec<(&'static str, Record)> {
    let lot = LotId(3);
    let user = UserId(2);
    let public = |event| vec![Event::Public(event)];
    let by_operator = |command, events| record(Actor::Operator, None, command, events);
    let outcome = Outcome::Unsold {
        because: UnsoldBecause::Cancelled,
        highest: None,
    };
    let resumed = PublicEvent::LotResumed {
        lot,
        opened_at: at(40),
        closes_at: at(340),
    };
    vec![
        (
            "open_due",
            record(
                Actor::Clock,
                None,
                Command::OpenDue { lot },
                public(PublicEvent::LotBegan { lot }),
            ),
        ),
        (
            "close_lot",
            by_operator(
                Command::CloseLot { lot },
                vec![
                    Event::Public(bids_opened()),
                    Event::Public(PublicEvent::LotClosed {
                        lot,
                        outcome: allocated(),
                    }),
                ],
            ),
        ),
        (
            "cancel_lot",
            by_operator(
                Command::CancelLot { lot },
                public(PublicEvent::LotClosed { lot, outcome }),
            ),
        ),
        (
            "halt_lot",
            by_operator(
                Command::HaltLot { lot },
                public(PublicEvent::LotHalted { lot }),
            ),
        ),
        (
            "resume_lot",
            by_operator(Command::ResumeLot { lot }, public(resumed)),
        ),
        (
            "suspend_user",
            by_operator(
                Command::SuspendUser { user },
                vec![Event::Private(PrivateEvent::UserSuspended { user })],
            ),
        ),
        (
            "reinstate_user",
            by_operator(
                Command::ReinstateUser { user },
                vec![Event::Private(PrivateEvent::UserReinstated { user })],
            ),
        ),
        (
            "set_dead_man",
            by_operator(
                Command::SetDeadMan {
                    session: SessionId(7),
                    grace: Some(Span::from_secs(10)),
                },
                vec![Event::Private(PrivateEvent::DeadManSet {
                    session: SessionId(7),
                    user,
                    grace: Some(Span::from_secs(10)),
                })],
            ),
        ),
    ]
}

fn of_orders() -> Vec<(&'static str, Record)> {
    let (lot, trader, order) = (LotId(3), UserId(2), OrderId(1));
    let (side, quantity) = (Side::Buy, Quantity::new(500).unwrap());
    let limit = Some(price("12.50"));
    let counted = |bidders| Event::Public(PublicEvent::BiddersCounted { lot, bidders });
    let asked = Some((SessionId(300), RequestId(8)));
    let by_mia = |command, events| record(Actor::User(trader), asked, command, events);
    vec![
        (
            "place_order",
            by_mia(
                Command::PlaceOrder {
                    lot,
                    side,
                    quantity,
                    limit,
                },
                vec![
                    Event::Private(PrivateEvent::OrderPlaced {
                        lot,
                        trader,
                        order,
                        side,
                        quantity,
                        limit,
                    }),
                    counted(1),
                ],
            ),
        ),
        (
            "replace_order",
            by_mia(
                Command::ReplaceOrder {
                    lot,
                    order,
                    quantity,
                    limit,
                },
                vec![Event::Private(PrivateEvent::OrderReplaced {
                    lot,
                    trader,
                    order,
                    quantity,
                    limit,
                })],
            ),
        ),
        (
            "cancel_order",
            by_mia(
                Command::CancelOrder { lot, order },
                vec![
                    Event::Private(PrivateEvent::OrderCancelled { lot, trader, order }),
                    counted(0),
                ],
            ),
        ),
    ]
}

fn of_accounts() -> Vec<(&'static str, Record)> {
    let user = UserId(2);
    let by_operator = |command, event| record(Actor::Operator, None, command, vec![event]);
    let mode = AccountMode::Funds;
    let (added, taken) = (shares(500), cash("12.5"));
    vec![
        (
            "set_accounts",
            by_operator(
                Command::SetAccounts { mode },
                Event::Public(PublicEvent::AccountsSet { mode }),
            ),
        ),
        (
            "deposit",
            by_operator(
                Command::Deposit { user, asset: added },
                Event::Private(PrivateEvent::Deposited { user, asset: added }),
            ),
        ),
        (
            "withdraw",
            by_operator(
                Command::Withdraw { user, asset: taken },
                Event::Private(PrivateEvent::Withdrawn { user, asset: taken }),
            ),
        ),
    ]
}

fn later() -> Vec<(&'static str, Record)> {
    let (lot, trader, end) = (LotId(3), UserId(2), random_end());
    let commitment = end.commitment(lot);
    let seed = Seed([0x33; 32]);
    let device = NewDevice {
        key: DeviceKey([0xd0; 32]),
        label: name("laptop"),
    };
    vec![
        (
            "draw_end",
            record(
                Actor::Clock,
                None,
                Command::DrawEnd { lot, seed },
                vec![
                    Event::Private(PrivateEvent::EndDrawn { lot, end }),
                    Event::Public(PublicEvent::EndCommitted { lot, commitment }),
                ],
            ),
        ),
        (
            "add_device",
            record(
                Actor::User(trader),
                Some((SessionId(9), RequestId(16))),
                Command::AddDevice(Box::new(device)),
                vec![Event::Private(PrivateEvent::DeviceAdded {
                    session: SessionId(300),
                    user: trader,
                    device: Box::new(device),
                })],
            ),
        ),
        (
            "suspend_user_with_orders",
            record(
                Actor::Operator,
                None,
                Command::SuspendUser { user: trader },
                vec![
                    Event::Private(PrivateEvent::UserSuspended { user: trader }),
                    Event::Private(PrivateEvent::OrdersWithdrawn { lot, trader }),
                    Event::Public(PublicEvent::BiddersCounted { lot, bidders: 1 }),
                ],
            ),
        ),
    ]
}

pub fn record(
    actor: Actor,
    request: Option<(SessionId, RequestId)>,
    command: Command,
    events: Vec<Event>,
) -> Record {
    Record {
        sequence: Sequence(1_234),
        at: at(7),
        rules: 1,
        actor,
        request,
        command,
        events: events.into_iter().collect(),
    }
}
