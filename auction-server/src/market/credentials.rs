//! Accounts and open sessions: a projection of durable events for checking logins.
//!
//! Behind a lock that a bid never takes: it changes only with accounts and sessions.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use auction_core::{
    Access, Credential, DeviceKey, Engine, Name, NewDevice, PrivateEvent, PublicEvent, Role,
    SessionId, Speaker, Timestamp, TokenHash, UserId,
};

use crate::market::group_commit::Committed;
use crate::market::live_session::{Close, LiveSession};

/// All accounts and open sessions.
#[derive(Default)]
pub struct Credentials(RwLock<Tables>);

#[derive(Default)]
struct Tables {
    accounts: Vec<Account>,
    by_name: HashMap<Name, UserId>,
    sessions: HashMap<TokenHash, (OpenSession, Arc<Close>)>,
    tokens: HashMap<SessionId, TokenHash>,
    by_user: BTreeSet<(UserId, SessionId)>,
    devices: HashMap<SessionId, Device>,
    devices_by_user: BTreeSet<(UserId, SessionId)>,
}

/// An account, and the credential for its login.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user.
    pub user: UserId,
    /// The name.
    pub name: Name,
    /// The role.
    pub role: Role,
    /// The stored password hash; `None`: nobody can log in.
    pub credential: Option<Credential>,
    /// Access of the user.
    pub access: Access,
}

/// An open session. It may have expired.
#[derive(Clone, Copy, Debug)]
pub struct OpenSession {
    /// Its number.
    pub session: SessionId,
    /// Its user.
    pub user: UserId,
    /// The time at which it was opened.
    pub opened_at: Timestamp,
    /// The time from which it is refused.
    pub expires_at: Timestamp,
}

/// A device of an account: a session for which its key signs.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// The number of its session.
    pub session: SessionId,
    /// Its user.
    pub user: UserId,
    /// The key that verifies its envelopes.
    pub key: DeviceKey,
    /// The name that its user gave it.
    pub label: Name,
    /// The time at which it was added.
    pub added_at: Timestamp,
}

impl Credentials {
    /// The accounts and sessions of an engine whose whole state is durable.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        let mut tables = Tables::default();
        for (index, user) in engine.market().users().iter().enumerate() {
            let id = UserId(u32::try_from(index + 1).expect("users are numbered in 32 bits"));
            tables.account(
                id,
                user.name,
                user.role,
                engine.sessions().credential(id).cloned(),
            );
            tables.accounts[index].access = engine.sessions().access(id);
        }
        for (id, session) in engine.sessions().iter() {
            match session.speaker {
                Speaker::Token(token_hash) => tables.session(
                    token_hash,
                    OpenSession {
                        session: id,
                        user: session.user,
                        opened_at: session.opened_at,
                        expires_at: session.expires_at,
                    },
                ),
                Speaker::Device(NewDevice { key, label }) => tables.device(Device {
                    session: id,
                    user: session.user,
                    key,
                    label,
                    added_at: session.opened_at,
                }),
            }
        }
        Self(RwLock::new(tables))
    }

    /// The account with a name.
    #[must_use]
    pub fn account(&self, name: Name) -> Option<Account> {
        let tables = self.read();
        let user = *tables.by_name.get(&name)?;
        tables.find(user).cloned()
    }

    /// At most so many accounts, by number, behind the first `after` ones.
    #[must_use]
    pub fn accounts(&self, after: usize, most: usize) -> Vec<Account> {
        let tables = self.read();
        tables
            .accounts
            .iter()
            .skip(after)
            .take(most)
            .cloned()
            .collect()
    }

    /// The account of a user.
    #[must_use]
    pub fn account_of(&self, user: UserId) -> Option<Account> {
        self.read().find(user).cloned()
    }

    /// The open session with a token, and its account. The session may have expired.
    #[must_use]
    pub fn session(&self, token: &TokenHash) -> Option<(LiveSession, Account)> {
        let tables = self.read();
        let session = tables.live(token)?;
        let account = tables.find(session.user)?.clone();
        Some((session, account))
    }

    /// An open session, as a connection holds it. It may have expired.
    #[must_use]
    pub fn live(&self, session: SessionId) -> Option<LiveSession> {
        let tables = self.read();
        tables.live(tables.tokens.get(&session)?)
    }

    /// Returns whether a session has not been closed; it may have expired.
    #[must_use]
    pub fn is_open(&self, session: SessionId) -> bool {
        self.read().tokens.contains_key(&session)
    }

    /// A user's open sessions, the oldest first, without devices.
    #[must_use]
    pub fn sessions_of(&self, user: UserId) -> Vec<OpenSession> {
        let tables = self.read();
        let all = (user, SessionId(0))..=(user, SessionId(u64::MAX));
        let open = tables.by_user.range(all);
        open.map(|(_, session)| tables.sessions[&tables.tokens[session]].0)
            .collect()
    }

    /// A device that has not been removed.
    #[must_use]
    pub fn device(&self, session: SessionId) -> Option<Device> {
        self.read().devices.get(&session).copied()
    }

    /// A user's devices, the oldest first.
    #[must_use]
    pub fn devices_of(&self, user: UserId) -> Vec<Device> {
        let tables = self.read();
        let all = (user, SessionId(0))..=(user, SessionId(u64::MAX));
        let own = tables.devices_by_user.range(all);
        own.map(|(_, device)| tables.devices[device]).collect()
    }

    /// Applies durable events.
    pub fn on_commit(&self, committed: &Committed) {
        let names = committed.public().filter_map(|(_, event)| match event {
            PublicEvent::UserRegistered { user, name, role } => Some((*user, *name, *role)),
            _ => None,
        });
        let mut names = names.peekable();
        if committed.private().next().is_none() && names.peek().is_none() {
            return;
        }
        let mut tables = self.write();
        for (user, name, role) in names {
            tables.account(user, name, role, None);
        }
        for (at, event) in committed.private() {
            tables.apply(at, event);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn find(&self, user: UserId) -> Option<&Account> {
        self.accounts.get((user.0 as usize).checked_sub(1)?)
    }

    fn account(&mut self, user: UserId, name: Name, role: Role, credential: Option<Credential>) {
        assert_eq!(
            user.0 as usize,
            self.accounts.len() + 1,
            "users are numbered in order"
        );
        self.accounts.push(Account {
            user,
            name,
            role,
            credential,
            access: Access::Open,
        });
        self.by_name.insert(name, user);
    }

    fn session(&mut self, token: TokenHash, session: OpenSession) {
        self.tokens.insert(session.session, token);
        self.by_user.insert((session.user, session.session));
        self.sessions.insert(token, (session, Arc::default()));
    }

    fn live(&self, token: &TokenHash) -> Option<LiveSession> {
        let (open, close) = self.sessions.get(token)?;
        Some(LiveSession {
            session: open.session,
            user: open.user,
            expires_at: open.expires_at,
            close: close.clone(),
        })
    }

    fn device(&mut self, device: Device) {
        self.devices_by_user.insert((device.user, device.session));
        self.devices.insert(device.session, device);
    }

    fn apply(&mut self, at: Timestamp, event: &PrivateEvent) {
        match event {
            PrivateEvent::CredentialSet { user, credential } => {
                let index = user.0 as usize - 1;
                self.accounts[index].credential = Some(credential.clone());
            }
            PrivateEvent::AccessSet { user, access } => {
                self.accounts[user.0 as usize - 1].access = *access;
            }
            PrivateEvent::SessionOpened {
                session,
                user,
                token_hash,
                expires_at,
            } => {
                let (session, user, expires_at) = (*session, *user, *expires_at);
                self.session(
                    *token_hash,
                    OpenSession {
                        session,
                        user,
                        opened_at: at,
                        expires_at,
                    },
                );
            }
            PrivateEvent::SessionClosed { session } => {
                let token = self.tokens.remove(session);
                if let Some((open, close)) = token.and_then(|token| self.sessions.remove(&token)) {
                    self.by_user.remove(&(open.user, *session));
                    close.note();
                }
                if let Some(removed) = self.devices.remove(session) {
                    self.devices_by_user.remove(&(removed.user, *session));
                }
            }
            PrivateEvent::DeviceAdded {
                session,
                user,
                device,
            } => self.device(Device {
                session: *session,
                user: *user,
                key: device.key,
                label: device.label,
                added_at: at,
            }),
            PrivateEvent::ReserveSet { .. }
            | PrivateEvent::MaximumSet { .. }
            | PrivateEvent::OrderPlaced { .. }
            | PrivateEvent::OrderReplaced { .. }
            | PrivateEvent::OrderCancelled { .. }
            | PrivateEvent::UserSuspended { .. }
            | PrivateEvent::UserReinstated { .. }
            | PrivateEvent::DeadManSet { .. }
            | PrivateEvent::Deposited { .. }
            | PrivateEvent::Withdrawn { .. }
            | PrivateEvent::OrdersWithdrawn { .. }
            | PrivateEvent::EndDrawn { .. }
            | PrivateEvent::DayOrderAccepted { .. }
            | PrivateEvent::DayOrderReplaced { .. }
            | PrivateEvent::DayOrderParked { .. }
            | PrivateEvent::DayOrderRests { .. }
            | PrivateEvent::DayOrderFilled { .. }
            | PrivateEvent::DayOrdersDecremented { .. }
            | PrivateEvent::DayOrderLapsed { .. }
            | PrivateEvent::OrderKept { .. }
            | PrivateEvent::AllCancelled { .. }
            | PrivateEvent::LimitsSet { .. } => {}
        }
    }
}
