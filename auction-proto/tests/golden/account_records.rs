//! Records about accounts: changed passwords, locked and closed accounts.

use auction_core::{
    Access, Actor, Command, Credential, CredentialChange, Event, PrivateEvent, Record, RequestId,
    SessionId, UserId,
};

use crate::records::record;

pub fn records() -> Vec<(&'static str, Record)> {
    let user = UserId(2);
    let session = SessionId(300);
    let credential = Credential::new(b"$argon2id$v=19$another").unwrap();
    let closed = |session| Event::Private(PrivateEvent::SessionClosed { session });
    let set = || {
        Event::Private(PrivateEvent::CredentialSet {
            user,
            credential: credential.clone(),
        })
    };
    let change = |keep| {
        Command::from(CredentialChange {
            user,
            credential: credential.clone(),
            keep,
        })
    };
    let access = |access, mut events: Vec<Event>| {
        events.insert(0, Event::Private(PrivateEvent::AccessSet { user, access }));
        record(
            Actor::Operator,
            None,
            Command::SetAccess { user, access },
            events,
        )
    };
    vec![
        (
            "set_credential",
            record(
                Actor::User(user),
                Some((session, RequestId(8))),
                change(Some(session)),
                vec![set(), closed(SessionId(299)), closed(SessionId(301))],
            ),
        ),
        (
            "set_credential_by_operator",
            record(
                Actor::Operator,
                None,
                change(None),
                vec![set(), closed(session)],
            ),
        ),
        (
            "lock_account",
            access(Access::Locked, vec![closed(session)]),
        ),
        ("unlock_account", access(Access::Open, Vec::new())),
        ("close_account", access(Access::Closed, Vec::new())),
    ]
}
