//! Changed credentials, and locked and closed accounts.

use auction_core::{
    Access, Caller, Command, Credential, CredentialChange, DeviceKey, Engine, Event, Executed,
    Name, NewDevice, NewSession, PrivateEvent, Record, Registration, Reject, Reply, RequestId,
    SessionId, Timestamp, TokenHash, UserId,
};

use crate::laws::MARKET;

const MIA: UserId = UserId(1);
const TOM: UserId = UserId(2);

struct House {
    engine: Engine,
    records: Vec<Record>,
}

impl House {
    fn new() -> Self {
        let mut house = Self {
            engine: Engine::new(MARKET),
            records: Vec::new(),
        };
        for name in ["mia", "tom"] {
            let name = Name::parse(name).unwrap();
            house.operator(Registration::trader(name).into()).unwrap();
        }
        house
    }

    fn execute(&mut self, caller: Caller, command: Command) -> Result<Record, Reject> {
        match self.engine.execute(Timestamp::default(), caller, command)? {
            Executed::Decided(record) => {
                self.records.push(record.clone());
                Ok(record)
            }
            Executed::Repeated { .. } => panic!("nothing is repeated"),
        }
    }

    fn operator(&mut self, command: Command) -> Result<Record, Reject> {
        self.execute(Caller::Operator, command)
    }

    fn open_session(&mut self, user: UserId) -> Result<SessionId, Reject> {
        let token = u8::try_from(self.records.len()).unwrap();
        let new = NewSession {
            user,
            token_hash: TokenHash([token; 32]),
            expires_at: Timestamp::from_secs(60),
        };
        match self.operator(new.into())?.reply() {
            Reply::SessionOpened(session) => Ok(session),
            other => panic!("{other:?}"),
        }
    }

    fn access(&mut self, access: Access) -> Result<Record, Reject> {
        self.operator(Command::SetAccess { user: MIA, access })
    }

    /// Checks that replay and snapshot give the same engine.
    fn assert_kept(&self) {
        let mut replayed = Engine::new(MARKET);
        for record in &self.records {
            replayed.replay(record).unwrap();
        }
        assert_eq!(replayed.snapshot(), self.engine.snapshot());
        let restored = Engine::restore(self.engine.snapshot()).unwrap();
        assert_eq!(restored.snapshot(), self.engine.snapshot());
    }
}

fn credential(text: &str) -> Credential {
    Credential::new(text.as_bytes()).unwrap()
}

fn change(user: UserId, keep: Option<SessionId>) -> Command {
    CredentialChange {
        user,
        credential: credential("new"),
        keep,
    }
    .into()
}

fn closed(record: &Record) -> Vec<u64> {
    let closed = record.events.iter().filter_map(|event| match event {
        Event::Private(PrivateEvent::SessionClosed { session }) => Some(session.0),
        _ => None,
    });
    closed.collect()
}

#[test]
fn a_changed_credential_closes_every_other_session_and_device() {
    let mut house = House::new();
    let here = house.open_session(MIA).unwrap();
    let there = house.open_session(MIA).unwrap();
    let stranger = house.open_session(TOM).unwrap();
    let device = NewDevice {
        key: DeviceKey([7; 32]),
        label: Name::parse("phone").unwrap(),
    };
    let asks = |session, request| Caller::Session {
        session,
        request: RequestId(request),
    };
    house.execute(asks(here, 1), device.into()).unwrap();
    // Nobody changes another's, and nobody keeps a session of another.
    assert!(matches!(
        house.execute(asks(stranger, 1), change(MIA, None)),
        Err(Reject::NotPermitted { .. })
    ));
    assert_eq!(
        house.execute(asks(here, 2), change(MIA, Some(stranger))),
        Err(Reject::SessionClosed { session: stranger })
    );
    let record = house.execute(asks(here, 3), change(MIA, Some(here)));
    assert_eq!(closed(&record.unwrap()), [there.0, stranger.0 + 1]);
    let sessions = house.engine.sessions();
    assert_eq!(sessions.credential(MIA), Some(&credential("new")));
    assert_eq!(sessions.sessions_of(MIA), [here]);
    assert_eq!(sessions.sessions_of(TOM), [stranger]);
    let record = house.operator(change(MIA, None)).unwrap();
    assert_eq!(closed(&record), [here.0]);
    house.assert_kept();
}

#[test]
fn a_locked_account_opens_no_session_until_it_is_unlocked() {
    let mut house = House::new();
    let here = house.open_session(MIA).unwrap();
    assert_eq!(house.access(Access::Open), Err(Reject::Unchanged));
    assert_eq!(closed(&house.access(Access::Locked).unwrap()), [here.0]);
    assert_eq!(house.access(Access::Locked), Err(Reject::Unchanged));
    assert_eq!(house.open_session(MIA), Err(Reject::AccountLocked));
    house.open_session(TOM).unwrap();
    // The operator can set a password before unlocking.
    house.operator(change(MIA, None)).unwrap();
    assert_eq!(house.open_session(MIA), Err(Reject::AccountLocked));
    house.assert_kept();
    assert_eq!(closed(&house.access(Access::Open).unwrap()), []);
    house.open_session(MIA).unwrap();
    house.assert_kept();
}

#[test]
fn a_closed_account_stays_closed_and_its_name_taken() {
    let mut house = House::new();
    house.access(Access::Closed).unwrap();
    assert_eq!(house.open_session(MIA), Err(Reject::AccountClosed));
    for access in [Access::Open, Access::Locked] {
        assert_eq!(house.access(access), Err(Reject::AccountClosed));
    }
    assert_eq!(house.access(Access::Closed), Err(Reject::Unchanged));
    assert_eq!(
        house.operator(change(MIA, None)),
        Err(Reject::AccountClosed)
    );
    let name = Name::parse("mia").unwrap();
    let again = house.operator(Registration::trader(name).into());
    assert_eq!(again, Err(Reject::NameTaken { name }));
    house.assert_kept();
}

#[test]
fn only_the_operator_locks_accounts() {
    let mut house = House::new();
    for caller in [MIA, TOM] {
        let lock = Command::SetAccess {
            user: MIA,
            access: Access::Locked,
        };
        let refused = house.execute(Caller::User(caller), lock);
        assert!(matches!(refused, Err(Reject::NotPermitted { .. })));
    }
    let user = UserId(3);
    let lock = Command::SetAccess {
        user,
        access: Access::Locked,
    };
    assert_eq!(house.operator(lock), Err(Reject::UnknownUser { user }));
    assert_eq!(
        house.operator(change(user, None)),
        Err(Reject::UnknownUser { user })
    );
}
