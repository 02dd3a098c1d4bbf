//! Requests of a session: each has one effect, as long as it is remembered.

use std::collections::BTreeMap;

use auction_core::limits::{DEVICES_PER_USER_MAX, OUTCOMES_KEPT, SESSIONS_PER_USER_MAX};
use auction_core::{
    Actor, Caller, Command, Countable, DeviceKey, Difference, Engine, Executed, Name, NewDevice,
    Profit, Record, Reject, ReplayError, RequestId, SecurityCode, Sequence, SessionId, Symbol,
    Timestamp, UserId,
};
use proptest::prelude::*;

use crate::laws::{MARKET, config};
use crate::steps::{Calls, Step, opening};

const COMPANY: UserId = UserId(5);
const SESSION: SessionId = SessionId(3);

/// A company's session: every profit it publishes is accepted.
struct Publisher {
    engine: Engine,
    records: Vec<Record>,
}

impl Publisher {
    fn new() -> Self {
        let mut publisher = Self {
            engine: Engine::new(MARKET),
            records: Vec::new(),
        };
        for step in opening(auction_core::AccountMode::Credit, Calls::None) {
            let Step::Ask {
                now,
                caller,
                command,
            } = step
            else {
                continue;
            };
            publisher.execute(now, caller, command).unwrap();
        }
        let session = auction_core::NewSession {
            user: COMPANY,
            token_hash: auction_core::TokenHash([5; 32]),
            expires_at: Timestamp::from_secs(60),
        };
        let command = Command::OpenSession(Box::new(session));
        let opened = publisher
            .execute(Timestamp::default(), Caller::Operator, command)
            .unwrap();
        assert_eq!(opened.reply(), auction_core::Reply::SessionOpened(SESSION));
        publisher
    }

    fn execute(
        &mut self,
        now: Timestamp,
        caller: Caller,
        command: Command,
    ) -> Result<Executed, Reject> {
        let executed = self.engine.execute(now, caller, command)?;
        if let Executed::Decided(record) = &executed {
            self.records.push(record.clone());
        }
        Ok(executed)
    }

    /// Returns the sequence of the record, and true if it was decided just now.
    fn publish(&mut self, request: u64, profit: i64) -> Result<(Sequence, bool), Reject> {
        let request = RequestId(request);
        let caller = Caller::Session {
            session: SESSION,
            request,
        };
        let now = self.engine.at();
        Ok(match self.execute(now, caller, profit_of(profit))? {
            Executed::Decided(record) => (record.sequence, true),
            Executed::Repeated { sequence, .. } => (sequence, false),
        })
    }

    fn begin_again_from_a_snapshot(&mut self) {
        self.engine = Engine::restore(self.engine.snapshot()).unwrap();
    }

    fn begin_again_from_the_records(&mut self) {
        self.engine = Engine::new(MARKET);
        for record in &self.records {
            self.engine.replay(record).unwrap();
        }
    }
}

fn profit_of(units: i64) -> Command {
    Command::PublishProfit {
        symbol: Symbol::parse("AAPL").unwrap(),
        security: SecurityCode::parse("01954").unwrap(),
        profit: Profit::from_units(units).unwrap(),
    }
}

#[test]
#[cfg_attr(miri, ignore = "a thousand outcomes take miri minutes")]
fn the_last_1024_outcomes_are_repeated_and_older_ones_are_stale() {
    let mut publisher = Publisher::new();
    let kept = OUTCOMES_KEPT as u64;
    let number = |request: u64| request * 10;
    let mut places = vec![Sequence(0)];
    for request in 1..=kept {
        let (place, anew) = publisher.publish(number(request), 1).unwrap();
        assert!(anew);
        places.push(place);
    }
    assert_eq!(
        publisher.publish(number(1), 1),
        Ok((places[1], false)),
        "the oldest of a full ring"
    );

    // One more removes the oldest.
    assert!(publisher.publish(number(kept + 1), 1).unwrap().1);
    type BeginAgain = fn(&mut Publisher);
    let beginnings: [BeginAgain; 3] = [
        |_| {},
        Publisher::begin_again_from_a_snapshot,
        Publisher::begin_again_from_the_records,
    ];
    for begin_again in beginnings {
        begin_again(&mut publisher);
        let before = publisher.engine.snapshot();
        let oldest = RequestId(number(2));
        for request in [0, 1, number(1), number(2) - 1] {
            let stale = Reject::StaleRequest {
                request: RequestId(request),
                oldest,
            };
            assert_eq!(publisher.publish(request, 1), Err(stale));
        }
        for request in 2..=kept {
            let told = publisher.publish(number(request), 1);
            assert_eq!(told, Ok((places[request as usize], false)));
        }
        let reused = Reject::RequestReused { request: oldest };
        assert_eq!(publisher.publish(number(2), 2), Err(reused));
        assert_eq!(publisher.engine.snapshot(), before);
    }

    // A number that was skipped, or refused, is still free while it is within the ring.
    assert!(publisher.publish(number(2) + 5, 1).unwrap().1);
    let stale = Reject::StaleRequest {
        request: RequestId(number(2)),
        oldest: RequestId(number(2) + 5),
    };
    assert_eq!(publisher.publish(number(2), 1), Err(stale));
    let session = publisher.engine.sessions().session(SESSION).unwrap();
    assert_eq!(session.last_request(), RequestId(number(kept + 1)));
}

#[test]
fn a_session_acts_for_its_own_user_alone() {
    let mut publisher = Publisher::new();
    let colleague = Command::Register(Box::new(auction_core::Registration {
        name: Name::parse("colleague").unwrap(),
        role: auction_core::Role::Company(Symbol::parse("AAPL").unwrap()),
        credential: auction_core::Credential::new(b"").unwrap(),
    }));
    let registered = publisher
        .execute(Timestamp::default(), Caller::Operator, colleague)
        .unwrap();
    let auction_core::Reply::Registered(colleague) = registered.reply() else {
        panic!("{registered:?}")
    };
    let mut verifier = publisher.engine.clone();
    publisher.publish(1, 1).unwrap();
    let mut record = publisher.records.pop().unwrap();
    record.actor = Actor::User(colleague);
    let sequence = record.sequence;
    let difference = Difference::OtherActor;
    let refused = Err(ReplayError::DecidedOtherwise {
        sequence,
        difference,
    });
    assert_eq!(verifier.verify(&record), refused);
}

#[test]
fn a_session_that_closed_itself_is_asked_nothing_more() {
    let mut publisher = Publisher::new();
    let caller = Caller::Session {
        session: SESSION,
        request: RequestId(1),
    };
    let close = Command::CloseSession { session: SESSION };
    let now = publisher.engine.at();
    publisher.execute(now, caller, close.clone()).unwrap();
    let closed = Err(Reject::SessionClosed { session: SESSION });
    assert_eq!(publisher.execute(now, caller, close), closed);
    assert_eq!(
        publisher.publish(2, 1),
        Err(Reject::SessionClosed { session: SESSION })
    );
}

#[test]
fn an_expired_session_still_hears_what_came_of_its_requests() {
    let mut publisher = Publisher::new();
    let done = publisher.publish(1, 1).unwrap();
    let expired_at = Timestamp::from_secs(60);
    let mut ask = |request, profit| {
        let caller = Caller::Session {
            session: SESSION,
            request: RequestId(request),
        };
        publisher.execute(expired_at, caller, profit_of(profit))
    };
    let Ok(Executed::Repeated { sequence, .. }) = ask(1, 1) else {
        panic!("it was done before")
    };
    assert_eq!(sequence, done.0);
    let expired = Err(Reject::SessionExpired {
        session: SESSION,
        expired_at,
    });
    assert_eq!(ask(2, 1), expired);
}

/// The expiry is exclusive: in the last microsecond a request is still decided.
#[test]
fn a_session_lives_until_the_microsecond_before_its_expiry() {
    for (micros, lives) in [(59_999_999, true), (60_000_000, false), (60_000_001, false)] {
        let mut publisher = Publisher::new();
        let caller = Caller::Session {
            session: SESSION,
            request: RequestId(1),
        };
        let now = Timestamp::from_micros(micros).unwrap();
        let decided = publisher.execute(now, caller, profit_of(1));
        assert_eq!(decided.is_ok(), lives, "{micros}");
    }
}

#[test]
fn a_17th_session_of_a_user_closes_their_oldest() {
    let mut publisher = Publisher::new();
    let open = |user| {
        Command::OpenSession(Box::new(auction_core::NewSession {
            user,
            token_hash: auction_core::TokenHash([6; 32]),
            expires_at: Timestamp::from_secs(60),
        }))
    };
    let now = publisher.engine.at();
    for count in 2..=SESSIONS_PER_USER_MAX {
        publisher
            .execute(now, Caller::Operator, open(COMPANY))
            .unwrap();
        assert_eq!(
            publisher.engine.sessions().sessions_of(COMPANY).len(),
            count
        );
    }
    publisher
        .execute(now, Caller::Operator, open(COMPANY))
        .unwrap();
    let of_company = publisher.engine.sessions().sessions_of(COMPANY);
    assert_eq!(of_company.len(), SESSIONS_PER_USER_MAX);
    assert!(!of_company.contains(&SESSION));
    assert_eq!(
        publisher.publish(1, 1),
        Err(Reject::SessionClosed { session: SESSION })
    );
}

proptest! {
    #![proptest_config(config(12, 1))]

    #[test]
    fn a_request_has_one_effect_in_whatever_order_requests_come(
        asked in proptest::collection::vec((0..4_000_u64, 0..8_i64), if cfg!(miri) { 10 } else { 3_000 }),
        again_at in 1..40_usize,
    ) {
        let mut publisher = Publisher::new();
        let mut done = BTreeMap::new();
        for (index, (request, profit)) in asked.into_iter().enumerate() {
            if index % (again_at * 25) == 0 {
                publisher.begin_again_from_a_snapshot();
            }
            let profit = profit / 7;
            let known = done.iter().rev().take(OUTCOMES_KEPT);
            let known: BTreeMap<u64, (i64, Sequence)> = known.map(|(key, value)| (*key, *value)).collect();
            let oldest = known.keys().next().copied().unwrap_or(0);
            let found = publisher.publish(request, profit);
            let request_id = RequestId(request);
            match known.get(&request) {
                Some((before, place)) if *before == profit => prop_assert_eq!(found, Ok((*place, false))),
                Some(_) => {
                    prop_assert_eq!(found, Err(Reject::RequestReused { request: request_id }));
                }
                None if known.len() == OUTCOMES_KEPT && request < oldest => {
                    let oldest = RequestId(oldest);
                    let stale = Reject::StaleRequest { request: request_id, oldest };
                    prop_assert_eq!(found, Err(stale));
                }
                None => {
                    let place = Sequence(publisher.records.len() as u64);
                    prop_assert_eq!(found, Ok((place, true)));
                    done.insert(request, (profit, place));
                }
            }
        }
    }
}

/// A trader with a session, and devices.
struct Owner {
    engine: Engine,
    session: SessionId,
    next: u64,
}

impl Owner {
    fn new() -> Self {
        let publisher = Publisher::new();
        Self {
            engine: publisher.engine,
            session: SessionId(1),
            next: 1,
        }
    }

    fn ask(&mut self, command: Command) -> Result<auction_core::Reply, Reject> {
        let caller = Caller::Session {
            session: self.session,
            request: RequestId(self.next),
        };
        self.next += 1;
        let now = self.engine.at();
        Ok(self.engine.execute(now, caller, command)?.reply())
    }

    fn add(&mut self, key: u8) -> Result<SessionId, Reject> {
        let added = self.ask(Command::AddDevice(Box::new(NewDevice {
            key: DeviceKey([key; 32]),
            label: Name::parse("laptop").unwrap(),
        })))?;
        match added {
            auction_core::Reply::SessionOpened(device) => Ok(device),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_account_has_eight_distinct_devices_that_no_login_closes() {
    let mut owner = Owner::new();
    let most = DEVICES_PER_USER_MAX as u8;
    let devices: Vec<_> = (0..most).map(|key| owner.add(key).unwrap()).collect();
    assert_eq!(owner.add(0), Err(Reject::Unchanged));
    let full = Reject::Full {
        what: Countable::Devices,
        most: most.into(),
    };
    assert_eq!(owner.add(most), Err(full));
    for _ in 0..2 * SESSIONS_PER_USER_MAX {
        let open = Command::OpenSession(Box::new(auction_core::NewSession {
            user: UserId(1),
            token_hash: auction_core::TokenHash([6; 32]),
            expires_at: Timestamp::from_secs(60),
        }));
        let now = owner.engine.at();
        owner.engine.execute(now, Caller::Operator, open).unwrap();
    }
    let sessions = owner.engine.sessions();
    let known: Vec<_> = sessions.devices_of(UserId(1)).map(|(id, _)| id).collect();
    assert_eq!(known, devices);
    let open = sessions.sessions_of(UserId(1)).len();
    assert_eq!(open, devices.len() + SESSIONS_PER_USER_MAX);
}

#[test]
fn a_device_remembers_its_requests_until_it_is_closed() {
    let mut owner = Owner::new();
    let device = owner.add(1).unwrap();
    // Far beyond the expiry of every session with a token.
    let now = Timestamp::from_secs(1 << 32);
    let caller = Caller::Session {
        session: device,
        request: RequestId(7),
    };
    let second = Command::AddDevice(Box::new(NewDevice {
        key: DeviceKey([2; 32]),
        label: Name::parse("phone").unwrap(),
    }));
    let first = owner.engine.execute(now, caller, second.clone()).unwrap();
    let again = owner.engine.execute(now, caller, second.clone()).unwrap();
    assert!(matches!(first, Executed::Decided(_)) && matches!(again, Executed::Repeated { .. }));
    assert_eq!(first.reply(), again.reply());
    let close = Command::CloseSession { session: device };
    let others = Caller::User(UserId(2));
    let closed = Reject::SessionClosed { session: device };
    assert_eq!(
        owner.engine.execute(now, others, close.clone()),
        Err(closed)
    );
    let own = Caller::User(UserId(1));
    owner.engine.execute(now, own, close).unwrap();
    assert_eq!(owner.engine.execute(now, caller, second), Err(closed));
}
