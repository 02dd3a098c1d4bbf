//! Following the user's account: its state, then every event of it, over a connection that is restored automatically.

use std::collections::VecDeque;
use std::time::Duration;

use auction_core::{
    AccountEvent, DayOrderState, FillRole, LotId, OrderId, OwnDayOrder, Price, Quantity, RequestId,
    SessionId, StandingDayOrder, StandingLead, StandingOrder, Timestamp,
};
use auction_proto::{
    Account, AccountEntry, DayOrders, DeadManOf, Fault, Follows, Refused, Resume, ServerMessage,
    Token, WatchAccount,
};

use crate::connection::feed_connection::{Connecting, Dialer, FeedConnection};
use crate::connection::refusal;
use crate::error::ConnectionError;

/// Request ids of a connection.
const RESUME: RequestId = RequestId(2);
const WATCH: RequestId = RequestId(3);

/// The user's account as it changes. [`next`](Self::next) returns one update at a time; until the next call,
/// [`state`](Self::state) is the state right after that update.
///
/// There is no place to resume from: after a lost connection the newest state comes ([`AccountUpdate::Snapshot`]),
/// without the single events in between. Results of lots that closed meanwhile are public: a [`Watch`](crate::Watch)
/// misses none of them.
///
/// Its connection is logged in with the session, so it also keeps a dead-man switch of the session from firing.
pub struct AccountWatch {
    dialer: Dialer,
    token: Token,
    standing: AccountState,
    entries: VecDeque<AccountEntry>,
    link: Link,
}

/// State of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// Open sessions with a dead-man switch.
    pub dead_men: Vec<DeadManOf>,
    /// Lots that the user leads, and the user's maximum for each.
    pub leads: Vec<StandingLead>,
    /// Orders on lots that have not closed.
    pub orders: Vec<StandingOrder>,
    /// Orders on trading days that have not closed, with the open quantity as their quantity.
    pub day_orders: Vec<StandingDayOrder>,
}

/// An update of an account.
#[derive(Clone, Debug)]
pub enum AccountUpdate {
    /// An event, already applied to [`AccountWatch::state`].
    Event {
        /// Time of the event.
        at: Timestamp,
        /// The event.
        event: AccountEvent,
    },
    /// A new state: after a lost connection, or because the reader was too slow for single events.
    Snapshot,
    /// The connection was lost; the next attempt follows after a wait.
    Reconnecting {
        /// Reason of the loss, or of the last failed attempt.
        because: ConnectionError,
        /// Wait before the next attempt.
        wait: Duration,
    },
    /// The session has ended, and with it this watch: log in again. No further updates come.
    Ended(Box<Refused>),
}

/// A part of an order on a trading day that traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The lot.
    pub lot: LotId,
    /// The user's number for the order.
    pub order: OrderId,
    /// Number of the trade on the lot.
    pub trade: u64,
    /// Price of each share.
    pub price: Price,
    /// Shares traded.
    pub quantity: Quantity,
    /// Part of the order in the trade.
    pub role: FillRole,
    /// Shares that the order still has; zero: it is over.
    pub left: u64,
}

impl AccountUpdate {
    /// Returns the fill that the update reports, if it is one of an order on a trading day.
    ///
    /// ```no_run
    /// # async fn fills(client: auction_client::Client, token: auction_client::Token) {
    /// # use auction_client::AccountUpdate;
    /// let Ok(mut account) = client.watch_account(token).await else { return };
    /// loop {
    ///     let update = account.next().await;
    ///     if let Some(fill) = update.fill() {
    ///         println!("order {}: {} at {}; {} left", fill.order, fill.quantity, fill.price, fill.left);
    ///     }
    ///     if let AccountUpdate::Ended(_) = update { return }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn fill(&self) -> Option<Fill> {
        match *self {
            Self::Event {
                event:
                    AccountEvent::DayOrderFilled {
                        lot,
                        order,
                        trade,
                        price,
                        quantity,
                        role,
                        left,
                    },
                ..
            } => Some(Fill {
                lot,
                order,
                trade,
                price,
                quantity,
                role,
                left,
            }),
            _ => None,
        }
    }
}

struct Begun(Box<Subscription>, AccountState);

enum Link {
    Connecting(Connecting<Begun>),
    Live(Box<Subscription>),
    Over(Box<Refused>),
}

/// A connection with a subscription to the account.
struct Subscription {
    connection: FeedConnection,
    /// The session, once the server has named it.
    session: Option<SessionId>,
    /// Received parts of a new state.
    parts: Option<AccountState>,
}

impl AccountWatch {
    pub(crate) async fn begin(dialer: Dialer, token: Token) -> Result<Self, ConnectionError> {
        let Begun(subscription, standing) =
            subscribe(&dialer, Duration::ZERO, token.clone()).await?;
        Ok(Self {
            dialer,
            token,
            standing,
            entries: VecDeque::new(),
            link: Link::Live(subscription),
        })
    }

    /// Returns the state after the last update returned.
    #[must_use]
    pub fn state(&self) -> &AccountState {
        &self.standing
    }

    /// Waits for the next update. A lost connection is retried as long as this is called. Cancel-safe: nothing is lost
    /// when the future is dropped.
    pub async fn next(&mut self) -> AccountUpdate {
        loop {
            if let Some(AccountEntry { at, event }) = self.entries.pop_front() {
                self.standing.apply(&event);
                if let (AccountEvent::SessionClosed { session }, Link::Live(subscription)) =
                    (event, &self.link)
                    && subscription.session == Some(session)
                {
                    // The answer to the next subscription gives the reason.
                    self.reconnect(Duration::ZERO);
                }
                return AccountUpdate::Event { at, event };
            }
            let update = match &mut self.link {
                Link::Over(refused) => return AccountUpdate::Ended(refused.clone()),
                Link::Connecting(connecting) => {
                    let begun = connecting.as_mut().await;
                    begun.map(|Begun(subscription, standing)| {
                        self.link = Link::Live(subscription);
                        self.standing = standing;
                        Some(AccountUpdate::Snapshot)
                    })
                }
                Link::Live(subscription) => {
                    let received = subscription.connection.next().await;
                    received.and_then(|received| self.handle(received.message))
                }
            };
            match update {
                Ok(None) => {}
                Ok(Some(update)) => return update,
                Err(error) => return self.lost(error),
            }
        }
    }

    fn handle(&mut self, message: ServerMessage) -> Result<Option<AccountUpdate>, ConnectionError> {
        self.dialer.succeeded();
        match message {
            ServerMessage::AccountFeed(feed) => self.entries = feed.entries.into_iter().collect(),
            ServerMessage::Account(part) => {
                if let Link::Live(subscription) = &mut self.link
                    && let Some(standing) = subscription.part(part)
                {
                    self.standing = standing;
                    return Ok(Some(AccountUpdate::Snapshot));
                }
            }
            ServerMessage::DayOrders(part) => {
                if let Link::Live(subscription) = &mut self.link
                    && let Some(standing) = subscription.day_part(part)
                {
                    self.standing = standing;
                    return Ok(Some(AccountUpdate::Snapshot));
                }
            }
            ServerMessage::Goodbye(_) | ServerMessage::Refused(_) => return Err(refusal(message)),
            // Answers to requests that this connection never sends: ignored.
            _ => {}
        }
        Ok(None)
    }

    fn lost(&mut self, because: ConnectionError) -> AccountUpdate {
        if let ConnectionError::Refused(refused) = &because
            && refused.code.fault() == Fault::Session
        {
            self.link = Link::Over(refused.clone());
            return AccountUpdate::Ended(refused.clone());
        }
        let wait = self.dialer.next_wait();
        self.reconnect(wait);
        AccountUpdate::Reconnecting { because, wait }
    }

    fn reconnect(&mut self, wait: Duration) {
        self.link = Link::Connecting(subscribe(&self.dialer, wait, self.token.clone()));
    }
}

impl Subscription {
    /// Adds a part of a state; returns the state once it is complete.
    fn part(&mut self, part: Account) -> Option<AccountState> {
        let standing = match part.index {
            0 => self.parts.insert(AccountState::default()),
            _ => self.parts.as_mut()?,
        };
        standing.dead_men.extend(part.dead_men);
        standing.leads.extend(part.leads);
        standing.orders.extend(part.orders);
        self.complete(part.follows)
    }

    /// Adds a part with orders on trading days.
    fn day_part(&mut self, part: DayOrders) -> Option<AccountState> {
        self.parts.as_mut()?.day_orders.extend(part.orders);
        self.complete(part.follows)
    }

    fn complete(&mut self, follows: Follows) -> Option<AccountState> {
        match follows {
            Follows::More => None,
            Follows::Nothing | Follows::Halted(_) => self.parts.take(),
        }
    }
}

impl AccountState {
    fn apply(&mut self, event: &AccountEvent) {
        match *event {
            AccountEvent::OrderPlaced(order) => self.orders.push(order),
            AccountEvent::OrderReplaced {
                lot,
                order,
                quantity,
                limit,
            } => {
                let is_it = |standing: &&mut StandingOrder| is(standing, lot, order);
                if let Some(standing) = self.orders.iter_mut().find(is_it) {
                    (standing.quantity, standing.limit) = (quantity, limit);
                }
            }
            AccountEvent::OrderCancelled { lot, order } => {
                self.orders.retain(|standing| !is(standing, lot, order));
                self.leave_day_order(lot, order, 0);
            }
            AccountEvent::OrderFilled { lot, order, .. }
            | AccountEvent::OrderLapsed { lot, order } => {
                self.orders.retain(|standing| !is(standing, lot, order));
            }
            AccountEvent::Leads(lead) => {
                self.leads.retain(|before| before.lot != lead.lot);
                self.leads.push(lead);
            }
            AccountEvent::Outbid { lot, .. }
            | AccountEvent::Won { lot, .. }
            | AccountEvent::Unsold { lot } => self.leads.retain(|before| before.lot != lot),
            AccountEvent::DeadManSet { session, grace } => {
                self.clear_dead_man(session);
                let armed = grace.map(|grace| DeadManOf { session, grace });
                self.dead_men.extend(armed);
            }
            AccountEvent::SessionClosed { session } => self.clear_dead_man(session),
            AccountEvent::DayOrderAccepted {
                lot,
                order,
                content,
            } => self.day_orders.push(StandingDayOrder {
                lot,
                order: OwnDayOrder {
                    order,
                    content,
                    traded: 0,
                    value: 0,
                    state: DayOrderState::Resting,
                },
            }),
            AccountEvent::DayOrderReplaced {
                lot,
                order,
                quantity,
                limit,
                ..
            } => {
                if let Some(own) = self.day_order(lot, order) {
                    (own.content.quantity, own.content.limit) = (quantity, limit);
                }
            }
            AccountEvent::DayOrderParked { lot, order, .. } => {
                if let Some(own) = self.day_order(lot, order) {
                    own.state = DayOrderState::Parked;
                }
            }
            AccountEvent::DayOrderRests { lot, order, .. } => {
                if let Some(own) = self.day_order(lot, order) {
                    own.state = DayOrderState::Resting;
                }
            }
            AccountEvent::DayOrderFilled {
                lot,
                order,
                price,
                quantity,
                left,
                ..
            } => {
                if let Some(own) = self.day_order(lot, order) {
                    own.traded += quantity.get();
                    own.value += u128::from(price.units()) * u128::from(quantity.get());
                }
                self.leave_day_order(lot, order, left);
            }
            AccountEvent::DayOrdersDecremented {
                lot,
                resting,
                incoming,
                resting_left,
                incoming_left,
                ..
            } => {
                self.leave_day_order(lot, resting, resting_left);
                self.leave_day_order(lot, incoming, incoming_left);
            }
            AccountEvent::DayOrderLapsed { lot, order, .. } => self.leave_day_order(lot, order, 0),
            AccountEvent::DeadManFired { .. }
            | AccountEvent::Deposited { .. }
            | AccountEvent::Withdrawn { .. }
            | AccountEvent::SessionOpened { .. }
            | AccountEvent::Suspended
            | AccountEvent::Reinstated
            | AccountEvent::OrderKept { .. }
            | AccountEvent::AllCancelled { .. }
            | AccountEvent::LimitsSet { .. } => {}
        }
    }

    fn day_order(&mut self, lot: LotId, order: OrderId) -> Option<&mut OwnDayOrder> {
        let mut all = self.day_orders.iter_mut();
        let found = all.find(|standing| (standing.lot, standing.order.order) == (lot, order));
        found.map(|standing| &mut standing.order)
    }

    /// Sets the open shares of an order; without any it is gone.
    fn leave_day_order(&mut self, lot: LotId, order: OrderId, left: u64) {
        match (Quantity::new(left), self.day_order(lot, order)) {
            (Some(open), Some(own)) => own.content.quantity = open,
            (None, _) => self
                .day_orders
                .retain(|standing| (standing.lot, standing.order.order) != (lot, order)),
            (Some(_), None) => {}
        }
    }

    fn clear_dead_man(&mut self, session: SessionId) {
        self.dead_men.retain(|dead_man| dead_man.session != session);
    }
}

fn is(standing: &StandingOrder, lot: LotId, order: OrderId) -> bool {
    (standing.lot, standing.order) == (lot, order)
}

/// Connects, resumes the session, and waits for the account's state.
fn subscribe(dialer: &Dialer, wait: Duration, token: Token) -> Connecting<Begun> {
    dialer.connect(wait, async move |mut connection| {
        connection.queue(RESUME, &Resume { token });
        connection.queue(WATCH, &WatchAccount {});
        let mut subscription = Box::new(Subscription {
            connection,
            session: None,
            parts: None,
        });
        loop {
            match subscription.connection.next().await?.message {
                ServerMessage::Account(part) => {
                    if let Some(standing) = subscription.part(part) {
                        return Ok(Begun(subscription, standing));
                    }
                }
                ServerMessage::DayOrders(part) => {
                    if let Some(standing) = subscription.day_part(part) {
                        return Ok(Begun(subscription, standing));
                    }
                }
                ServerMessage::LoggedIn(logged_in) => {
                    subscription.session = Some(logged_in.session)
                }
                ServerMessage::Heartbeat(_) | ServerMessage::AccountFeed(_) => {}
                other => return Err(refusal(other)),
            }
        }
    })
}
