//! Data of users that is not public: credentials, sessions, and the outcomes of their latest requests.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use crate::limits::{DEVICES_PER_USER_MAX, OUTCOMES_KEPT, SESSIONS_PER_USER_MAX};
use crate::model::command::{Access, Credential, DeviceKey, NewDevice, TokenHash};
use crate::model::record::{BidReply, Reply};
use crate::model::reject::Countable;
use crate::{
    Command, LotId, Price, Reject, RequestId, Sequence, SessionId, Span, Timestamp, UserId,
};

/// Credentials and sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sessions {
    credentials: Vec<Option<Credential>>,
    sessions: BTreeMap<SessionId, Session>,
    by_user: BTreeMap<UserId, Vec<SessionId>>,
    last_session: SessionId,
    suspended: BTreeSet<UserId>,
    /// Accounts that are not open.
    access: BTreeMap<UserId, Access>,
    dead_men: BTreeMap<SessionId, DeadMan>,
}

/// The dead-man switch of a session, which may have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeadMan {
    /// User of the session, which may have ended.
    pub user: UserId,
    /// Time that the session may be disconnected.
    pub grace: Span,
}

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Session {
    /// User of the session.
    pub user: UserId,
    /// Proof that a request must carry to belong to the session.
    pub speaker: Speaker,
    /// Opening time.
    pub opened_at: Timestamp,
    /// Expiry time, exclusive: from then on the session's requests are refused.
    pub expires_at: Timestamp,
    outcomes: VecDeque<Remembered>,
}

/// Proof that a request belongs to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Speaker {
    /// A token with this SHA-256: a client on its own connection.
    Token(TokenHash),
    /// A signature by the secret half of this key: a device of the account, whose signed envelopes can come over any
    /// connection. A device does not expire.
    Device(NewDevice),
}

/// Outcome of a request. A session keeps a thousand of them, so they are small.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Remembered {
    request: RequestId,
    sequence: Sequence,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Outcome {
    /// A plain bid took the lead at its price, and had no other effect.
    Led { lot: LotId, price: Price },
    /// Anything else: the command and its reply.
    Other(Box<(Command, Reply)>),
}

impl Outcome {
    /// Creates the outcome of a command, reusing the memory of `before` where possible.
    fn of(command: &Command, reply: Reply, before: Option<Self>) -> Self {
        match *command {
            Command::Bid { lot, price } if reply == led(lot, price) => Self::Led { lot, price },
            _ => {
                let other = (command.clone(), reply);
                Self::Other(match before {
                    Some(Self::Other(mut place)) => {
                        *place = other;
                        place
                    }
                    _ => Box::new(other),
                })
            }
        }
    }

    fn is_of(&self, command: &Command) -> bool {
        match self {
            Self::Led { lot, price } => {
                let (lot, price) = (*lot, *price);
                *command == Command::Bid { lot, price }
            }
            Self::Other(other) => other.0 == *command,
        }
    }

    fn reply(&self) -> Reply {
        match self {
            Self::Led { lot, price } => led(*lot, *price),
            Self::Other(other) => other.1,
        }
    }
}

/// Returns the reply to a bid that leads at its price.
fn led(lot: LotId, price: Price) -> Reply {
    Reply::Bid(BidReply {
        lot,
        leads: true,
        price: Some(price),
        extended_to: None,
        bought: false,
    })
}

impl Session {
    /// Returns the highest number of an accepted request; a client continues above it.
    #[must_use]
    #[inline]
    pub fn last_request(&self) -> RequestId {
        self.outcomes
            .back()
            .map_or(RequestId(0), |last| last.request)
    }

    /// Returns the record of a request, if it was accepted and is remembered.
    #[must_use]
    pub fn record_of(&self, request: RequestId) -> Option<Sequence> {
        let outcomes = &self.outcomes;
        let at = outcomes.binary_search_by_key(&request, |kept| kept.request);
        at.ok().map(|at| outcomes[at].sequence)
    }

    /// Returns the outcome of this very request, if it was accepted and is remembered.
    ///
    /// # Errors
    /// [`Reject::RequestReused`] when another request had this number, [`Reject::StaleRequest`] when the number is
    /// below all remembered ones.
    pub fn recall(
        &self,
        request: RequestId,
        command: &Command,
    ) -> Result<Option<(Sequence, Reply)>, Reject> {
        if self
            .outcomes
            .back()
            .is_none_or(|last| last.request < request)
        {
            return Ok(None);
        }
        match self
            .outcomes
            .binary_search_by_key(&request, |kept| kept.request)
        {
            Ok(at) if self.outcomes[at].outcome.is_of(command) => {
                let kept = &self.outcomes[at];
                Ok(Some((kept.sequence, kept.outcome.reply())))
            }
            Ok(_) => Err(Reject::RequestReused { request }),
            Err(0) if self.outcomes.len() >= OUTCOMES_KEPT => Err(Reject::StaleRequest {
                request,
                oldest: self.outcomes[0].request,
            }),
            Err(_) => Ok(None),
        }
    }

    fn remember(
        &mut self,
        request: RequestId,
        command: &Command,
        sequence: Sequence,
        reply: Reply,
    ) {
        let oldest = self.make_room().map(|oldest| oldest.outcome);
        let remembered = Remembered {
            request,
            sequence,
            outcome: Outcome::of(command, reply, oldest),
        };
        // Sorted: a request that is repeated after a later one can arrive out of order.
        let at = self.outcomes.partition_point(|kept| kept.request < request);
        self.outcomes.insert(at, remembered);
    }

    /// Remembers a plain bid that [is new](Sessions::session_for_new_request), led at its price, and had no other
    /// effect.
    #[inline(always)]
    pub(crate) fn remember_lead(
        &mut self,
        request: RequestId,
        sequence: Sequence,
        lot: LotId,
        price: Price,
    ) {
        self.make_room();
        let outcome = Outcome::Led { lot, price };
        self.outcomes.push_back(Remembered {
            request,
            sequence,
            outcome,
        });
    }

    /// Forgets the oldest outcome when the list is full, and returns it for reuse.
    #[inline]
    fn make_room(&mut self) -> Option<Remembered> {
        let is_full = self.outcomes.len() == OUTCOMES_KEPT;
        is_full.then(|| self.outcomes.pop_front()).flatten()
    }
}

impl Sessions {
    /// Returns the bytes that a user's login is checked against.
    #[must_use]
    pub fn credential(&self, user: UserId) -> Option<&Credential> {
        self.credentials.get(user.index()?)?.as_ref()
    }

    /// Returns an open session. It may have expired: compare `expires_at`.
    #[must_use]
    pub fn session(&self, session: SessionId) -> Option<&Session> {
        self.sessions.get(&session)
    }

    /// Returns all open sessions, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.sessions.iter().map(|(id, session)| (*id, session))
    }

    /// Returns a user's open sessions, the oldest first, devices included.
    #[must_use]
    pub fn sessions_of(&self, user: UserId) -> &[SessionId] {
        self.by_user.get(&user).map_or(&[], Vec::as_slice)
    }

    /// Returns a user's devices, the oldest first.
    pub fn devices_of(&self, user: UserId) -> impl Iterator<Item = (SessionId, DeviceKey)> {
        let own = self.sessions_of(user).iter();
        own.filter_map(|id| match self.sessions[id].speaker {
            Speaker::Device(device) => Some((*id, device.key)),
            Speaker::Token(_) => None,
        })
    }

    /// Returns true if a user is suspended and cannot act.
    #[must_use]
    #[inline(always)]
    pub fn is_suspended(&self, user: UserId) -> bool {
        // Checked at every bid, and usually nobody is suspended.
        !self.suspended.is_empty() && self.is_among_suspended(user)
    }

    #[cold]
    fn is_among_suspended(&self, user: UserId) -> bool {
        self.suspended.contains(&user)
    }

    /// Returns all suspended users, by number.
    pub fn suspended(&self) -> impl Iterator<Item = UserId> {
        self.suspended.iter().copied()
    }

    /// Returns the access of a user to their account.
    #[must_use]
    pub fn access(&self, user: UserId) -> Access {
        self.access.get(&user).copied().unwrap_or_default()
    }

    /// Returns the dead-man switch of a session.
    #[must_use]
    pub fn dead_man(&self, session: SessionId) -> Option<DeadMan> {
        self.dead_men.get(&session).copied()
    }

    /// Returns all sessions with a dead-man switch, including ended ones whose orders have yet to be cancelled.
    pub fn dead_men(&self) -> impl Iterator<Item = (SessionId, DeadMan)> {
        self.dead_men.iter().map(|(id, dead_man)| (*id, *dead_man))
    }

    pub(crate) fn set_dead_man(&mut self, session: SessionId, user: UserId, grace: Option<Span>) {
        match grace {
            Some(grace) => self.dead_men.insert(session, DeadMan { user, grace }),
            None => self.dead_men.remove(&session),
        };
    }

    pub(crate) fn set_access(&mut self, user: UserId, access: Access) {
        match access {
            Access::Open => self.access.remove(&user),
            Access::Locked | Access::Closed => self.access.insert(user, access),
        };
    }

    pub(crate) fn suspend(&mut self, user: UserId) {
        self.suspended.insert(user);
    }

    pub(crate) fn reinstate(&mut self, user: UserId) {
        self.suspended.remove(&user);
    }

    /// Returns the session of a request, if it is open at `now`.
    pub(crate) fn open_session(&self, session: SessionId) -> Result<&Session, Reject> {
        self.sessions
            .get(&session)
            .ok_or(Reject::SessionClosed { session })
    }

    /// Returns the session of a request, if it is open at `now`, the request's number is above all its earlier ones,
    /// and its user is not suspended.
    #[inline(always)]
    pub(crate) fn session_for_new_request(
        &mut self,
        now: Timestamp,
        (session, request): (SessionId, RequestId),
    ) -> Option<&mut Session> {
        let asking = self.sessions.get_mut(&session)?;
        let is_known = asking.last_request() >= request;
        let may_not = !self.suspended.is_empty() && self.suspended.contains(&asking.user);
        (!is_known && now < asking.expires_at && !may_not).then_some(asking)
    }

    pub(crate) fn next_session(&self) -> SessionId {
        SessionId(self.last_session.0 + 1)
    }

    /// Returns the session to close when the user opens one more than allowed. It is never a device: devices have their
    /// own limit.
    pub(crate) fn to_retire(&self, user: UserId) -> Option<SessionId> {
        let own = self.sessions_of(user).iter();
        let mut open = own.filter(|id| matches!(self.sessions[*id].speaker, Speaker::Token(_)));
        let oldest = open.next()?;
        (1 + open.count() >= SESSIONS_PER_USER_MAX).then_some(*oldest)
    }

    /// Checks that a user can have another device, with this key.
    pub(crate) fn admits_device(&self, user: UserId, key: DeviceKey) -> Result<(), Reject> {
        let mut count = 0;
        for (_, known) in self.devices_of(user) {
            if known == key {
                return Err(Reject::Unchanged);
            }
            count += 1;
        }
        if count < DEVICES_PER_USER_MAX {
            Ok(())
        } else {
            Err(Reject::full(Countable::Devices, DEVICES_PER_USER_MAX))
        }
    }

    pub(crate) fn set_credential(&mut self, user: UserId, credential: &Credential) {
        let index = user.index().expect("a registered user has an index");
        if self.credentials.len() <= index {
            self.credentials.resize(index + 1, None);
        }
        self.credentials[index] = Some(credential.clone());
    }

    pub(crate) fn session_opened(
        &mut self,
        session: SessionId,
        user: UserId,
        speaker: Speaker,
        opened_at: Timestamp,
        expires_at: Timestamp,
    ) {
        assert!(session > self.last_session, "session numbers rise");
        self.last_session = session;
        let outcomes = VecDeque::new();
        let opened = Session {
            user,
            speaker,
            opened_at,
            expires_at,
            outcomes,
        };
        self.sessions.insert(session, opened);
        self.by_user.entry(user).or_default().push(session);
    }

    pub(crate) fn session_closed(&mut self, session: SessionId) {
        let Some(closed) = self.sessions.remove(&session) else {
            return;
        };
        if let Some(open) = self.by_user.get_mut(&closed.user) {
            open.retain(|other| *other != session);
            if open.is_empty() {
                self.by_user.remove(&closed.user);
            }
        }
    }

    pub(crate) fn remember(
        &mut self,
        session: SessionId,
        request: RequestId,
        command: &Command,
        sequence: Sequence,
        reply: Reply,
    ) {
        // A session that closed itself is gone, and its outcomes with it.
        if let Some(session) = self.sessions.get_mut(&session) {
            session.remember(request, command, sequence, reply);
        }
    }
}
