//! What the market keeps of its users beside their public names: credentials, sessions, and the outcomes of
//! their latest requests.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use crate::limits::{DEVICES_PER_USER_MAX, OUTCOMES_KEPT, SESSIONS_PER_USER_MAX};
use crate::model::command::{Credential, DeviceKey, NewDevice, TokenHash};
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
    dead_men: BTreeMap<SessionId, DeadMan>,
}

/// The dead-man switch of a session, which may have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeadMan {
    /// Whose the session is or was.
    pub user: UserId,
    /// How long it may be away.
    pub grace: Span,
}

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Session {
    /// Whose it is.
    pub user: UserId,
    /// Who speaks for it.
    pub speaker: Speaker,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// From here on it is refused.
    pub expires_at: Timestamp,
    outcomes: VecDeque<Remembered>,
}

/// Who speaks for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Speaker {
    /// Whoever shows the token that has this SHA-256: a client on a line of its own.
    Token(TokenHash),
    /// Whoever signs with the secret half of this key: a device of the account, whose envelopes anyone carries. It does
    /// not expire.
    Device(NewDevice),
}

/// What came of a request. Sessions keep a thousand each, so that it is small.
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
    /// A plain bid took the lead at its price, and nothing else came of it.
    Led { lot: LotId, price: Price },
    /// Anything else: what was asked, and what was told.
    Other(Box<(Command, Reply)>),
}

impl Outcome {
    /// The outcome of a command; it can go where another one was.
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

/// What is told of a bid that leads at its price.
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
    /// The highest number of an accepted request; a client goes on above it.
    #[must_use]
    #[inline]
    pub fn last_request(&self) -> RequestId {
        self.outcomes
            .back()
            .map_or(RequestId(0), |last| last.request)
    }

    /// The record of a request, if it was accepted and is remembered.
    #[must_use]
    pub fn record_of(&self, request: RequestId) -> Option<Sequence> {
        let outcomes = &self.outcomes;
        let at = outcomes.binary_search_by_key(&request, |kept| kept.request);
        at.ok().map(|at| outcomes[at].sequence)
    }

    /// What came of this very request, if it was accepted and is remembered.
    ///
    /// # Errors
    /// [`Reject::RequestReused`] when it was another request that had this number, [`Reject::StaleRequest`] when the
    /// number is below all that are remembered.
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
        // One that was sent again after a later one was done finds its place.
        let at = self.outcomes.partition_point(|kept| kept.request < request);
        self.outcomes.insert(at, remembered);
    }

    /// Remembers a plain bid that [is new](Sessions::session_for_new_request), led at its price, and did nothing else.
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

    /// Forgets the oldest of as many as are kept.
    #[inline]
    fn make_room(&mut self) -> Option<Remembered> {
        let is_full = self.outcomes.len() == OUTCOMES_KEPT;
        is_full.then(|| self.outcomes.pop_front()).flatten()
    }
}

impl Sessions {
    /// The bytes that a user's login is checked against.
    #[must_use]
    pub fn credential(&self, user: UserId) -> Option<&Credential> {
        self.credentials.get(user.index()?)?.as_ref()
    }

    /// An open session. It may have expired: compare `expires_at`.
    #[must_use]
    pub fn session(&self, session: SessionId) -> Option<&Session> {
        self.sessions.get(&session)
    }

    /// All open sessions, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.sessions.iter().map(|(id, session)| (*id, session))
    }

    /// A user's open sessions, the oldest first, devices among them.
    #[must_use]
    pub fn sessions_of(&self, user: UserId) -> &[SessionId] {
        self.by_user.get(&user).map_or(&[], Vec::as_slice)
    }

    /// A user's devices, the oldest first.
    pub fn devices_of(&self, user: UserId) -> impl Iterator<Item = (SessionId, DeviceKey)> {
        let own = self.sessions_of(user).iter();
        own.filter_map(|id| match self.sessions[id].speaker {
            Speaker::Device(device) => Some((*id, device.key)),
            Speaker::Token(_) => None,
        })
    }

    /// Whether a user can do nothing for now.
    #[must_use]
    #[inline(always)]
    pub fn is_suspended(&self, user: UserId) -> bool {
        // Every bid asks, and mostly nobody is.
        !self.suspended.is_empty() && self.is_among_suspended(user)
    }

    #[cold]
    fn is_among_suspended(&self, user: UserId) -> bool {
        self.suspended.contains(&user)
    }

    /// All suspended users, by number.
    pub fn suspended(&self) -> impl Iterator<Item = UserId> {
        self.suspended.iter().copied()
    }

    /// The dead-man switch of a session.
    #[must_use]
    pub fn dead_man(&self, session: SessionId) -> Option<DeadMan> {
        self.dead_men.get(&session).copied()
    }

    /// All sessions with a dead-man switch, those that have ended among them while orders are still to be pulled.
    pub fn dead_men(&self) -> impl Iterator<Item = (SessionId, DeadMan)> {
        self.dead_men.iter().map(|(id, dead_man)| (*id, *dead_man))
    }

    pub(crate) fn set_dead_man(&mut self, session: SessionId, user: UserId, grace: Option<Span>) {
        match grace {
            Some(grace) => self.dead_men.insert(session, DeadMan { user, grace }),
            None => self.dead_men.remove(&session),
        };
    }

    pub(crate) fn suspend(&mut self, user: UserId) {
        self.suspended.insert(user);
    }

    pub(crate) fn reinstate(&mut self, user: UserId) {
        self.suspended.remove(&user);
    }

    /// The open session that asks, at `now`.
    pub(crate) fn open_session(&self, session: SessionId) -> Result<&Session, Reject> {
        self.sessions
            .get(&session)
            .ok_or(Reject::SessionClosed { session })
    }

    /// The open session that asks, at `now`, if this request is above all that it has done, and its user is not
    /// suspended.
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

    /// The session that makes room for another one of the user. It is never a device: those are counted apart.
    pub(crate) fn to_retire(&self, user: UserId) -> Option<SessionId> {
        let own = self.sessions_of(user).iter();
        let mut open = own.filter(|id| matches!(self.sessions[*id].speaker, Speaker::Token(_)));
        let oldest = open.next()?;
        (1 + open.count() >= SESSIONS_PER_USER_MAX).then_some(*oldest)
    }

    /// Whether a user can have another device, with this key.
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
