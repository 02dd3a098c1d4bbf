//! Following one's own account: what stands of it, then everything that happens to it, over a connection that
//! mends itself.

use std::collections::VecDeque;
use std::time::Duration;

use auction_core::{
    AccountEvent, LotId, OrderId, RequestId, SessionId, StandingLead, StandingOrder, Timestamp,
};
use auction_proto::{
    Account, AccountEntry, DeadManOf, Fault, Follows, Refused, Resume, ServerMessage, Token,
    WatchAccount,
};

use crate::connection::feed_connection::{Connecting, Live, Route};
use crate::connection::refusal;
use crate::error::ConnectionError;

/// The numbers of the requests of a connection.
const RESUME: RequestId = RequestId(2);
const WATCH: RequestId = RequestId(3);

/// One's own account as it changes. [`next`](Self::next) gives what happens, one thing at a time; until the next
/// call, [`standing`](Self::standing) is what stands right after it.
///
/// There is no place to resume from: after a lost connection the newest state comes
/// ([`AccountUpdate::Standing`]), and what happened meanwhile is not told one by one. What lots that closed
/// meanwhile brought is public: a [`Watch`](crate::Watch) misses none of it.
///
/// Its connection speaks for the session, so that it also keeps a dead-man switch of the session from firing.
pub struct AccountWatch {
    route: Route,
    token: Token,
    standing: Standing,
    entries: VecDeque<AccountEntry>,
    line: Line,
}

/// What stands of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Open sessions with a dead-man switch.
    pub dead_men: Vec<DeadManOf>,
    /// Lots that one leads, and the highest that one has offered for each.
    pub leads: Vec<StandingLead>,
    /// Orders on lots that have not closed.
    pub orders: Vec<StandingOrder>,
}

/// What happened to an account.
#[derive(Clone, Debug)]
pub enum AccountUpdate {
    /// Something happened, and [`AccountWatch::standing`] has it.
    Event {
        /// When.
        at: Timestamp,
        /// What.
        event: AccountEvent,
    },
    /// The state was taken anew: after a lost connection, or because this was too slow for all that happened.
    Standing,
    /// The connection was lost; another is tried after a while.
    Reconnecting {
        /// Why it was lost, or why the last try failed.
        because: ConnectionError,
        /// When the next try begins.
        wait: Duration,
    },
    /// The session is over, and this with it: log in again. Nothing else comes.
    Ended(Box<Refused>),
}

struct Begun(Box<Asked>, Standing);

enum Line {
    Connecting(Connecting<Begun>),
    Live(Box<Asked>),
    Over(Box<Refused>),
}

/// A connection on which the account was asked for.
struct Asked {
    live: Live,
    /// The session, once the server has named it.
    session: Option<SessionId>,
    /// Parts that have come of a state that is told anew.
    parts: Option<Standing>,
}

impl AccountWatch {
    pub(crate) async fn begin(route: Route, token: Token) -> Result<Self, ConnectionError> {
        let Begun(asked, standing) = ask(&route, Duration::ZERO, token.clone()).await?;
        Ok(Self {
            route,
            token,
            standing,
            entries: VecDeque::new(),
            line: Line::Live(asked),
        })
    }

    /// What stands after the last update that was given.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Waits for the next update. A lost connection is tried again as long as this is called. Dropped before it is
    /// done, nothing is lost.
    pub async fn next(&mut self) -> AccountUpdate {
        loop {
            if let Some(AccountEntry { at, event }) = self.entries.pop_front() {
                self.standing.apply(&event);
                if let (AccountEvent::SessionClosed { session }, Line::Live(asked)) =
                    (event, &self.line)
                    && asked.session == Some(session)
                {
                    // The server says why when this is asked for again.
                    self.reconnect(Duration::ZERO);
                }
                return AccountUpdate::Event { at, event };
            }
            let update = match &mut self.line {
                Line::Over(refused) => return AccountUpdate::Ended(refused.clone()),
                Line::Connecting(connecting) => {
                    let begun = connecting.as_mut().await;
                    begun.map(|Begun(asked, standing)| {
                        self.line = Line::Live(asked);
                        self.standing = standing;
                        Some(AccountUpdate::Standing)
                    })
                }
                Line::Live(asked) => {
                    let received = asked.live.next().await;
                    received.and_then(|received| self.take(received.message))
                }
            };
            match update {
                Ok(None) => {}
                Ok(Some(update)) => return update,
                Err(error) => return self.lost(error),
            }
        }
    }

    fn take(&mut self, message: ServerMessage) -> Result<Option<AccountUpdate>, ConnectionError> {
        self.route.succeeded();
        match message {
            ServerMessage::AccountFeed(feed) => self.entries = feed.entries.into_iter().collect(),
            ServerMessage::Account(part) => {
                if let Line::Live(asked) = &mut self.line
                    && let Some(standing) = asked.part(part)
                {
                    self.standing = standing;
                    return Ok(Some(AccountUpdate::Standing));
                }
            }
            ServerMessage::Goodbye(_) | ServerMessage::Refused(_) => return Err(refusal(message)),
            // What this never asks is no harm.
            _ => {}
        }
        Ok(None)
    }

    fn lost(&mut self, because: ConnectionError) -> AccountUpdate {
        if let ConnectionError::Refused(refused) = &because
            && refused.code.fault() == Fault::Session
        {
            self.line = Line::Over(refused.clone());
            return AccountUpdate::Ended(refused.clone());
        }
        let wait = self.route.next_wait();
        self.reconnect(wait);
        AccountUpdate::Reconnecting { because, wait }
    }

    fn reconnect(&mut self, wait: Duration) {
        self.line = Line::Connecting(ask(&self.route, wait, self.token.clone()));
    }
}

impl Asked {
    /// Takes a part of a state; gives the state when it is whole.
    fn part(&mut self, part: Account) -> Option<Standing> {
        let standing = match part.index {
            0 => self.parts.insert(Standing::default()),
            _ => self.parts.as_mut()?,
        };
        standing.dead_men.extend(part.dead_men);
        standing.leads.extend(part.leads);
        standing.orders.extend(part.orders);
        match part.follows {
            Follows::More => None,
            Follows::Nothing => self.parts.take(),
        }
    }
}

impl Standing {
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
            AccountEvent::OrderCancelled { lot, order }
            | AccountEvent::OrderFilled { lot, order, .. }
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
            AccountEvent::DeadManFired { .. }
            | AccountEvent::Deposited { .. }
            | AccountEvent::Withdrawn { .. }
            | AccountEvent::SessionOpened { .. }
            | AccountEvent::Suspended
            | AccountEvent::Reinstated => {}
        }
    }

    fn clear_dead_man(&mut self, session: SessionId) {
        self.dead_men.retain(|dead_man| dead_man.session != session);
    }
}

fn is(standing: &StandingOrder, lot: LotId, order: OrderId) -> bool {
    (standing.lot, standing.order) == (lot, order)
}

/// Connects, goes on with the session, and waits for what stands.
fn ask(route: &Route, wait: Duration, token: Token) -> Connecting<Begun> {
    route.connect(wait, async move |mut live| {
        live.ask(RESUME, &Resume { token });
        live.ask(WATCH, &WatchAccount {});
        let mut asked = Box::new(Asked {
            live,
            session: None,
            parts: None,
        });
        loop {
            match asked.live.next().await?.message {
                ServerMessage::Account(part) => {
                    if let Some(standing) = asked.part(part) {
                        return Ok(Begun(asked, standing));
                    }
                }
                ServerMessage::LoggedIn(logged_in) => asked.session = Some(logged_in.session),
                ServerMessage::Heartbeat(_) | ServerMessage::AccountFeed(_) => {}
                other => return Err(refusal(other)),
            }
        }
    })
}
