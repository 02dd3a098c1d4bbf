//! `auction sessions`, `auction sessions revoke N`

use auction_client::{Code, Sessions};
use auction_core::SessionId;
use serde_json::{Value, json};

use crate::args::SessionsAction;
use crate::output::colour::Colour;
use crate::output::failure::Failure;
use crate::output::table::{Side, Table, Tone};
use crate::output::time::moment;
use crate::session::Context;

pub async fn run(context: &Context, action: Option<SessionsAction>) -> Result<(), Failure> {
    let own = context.resume().await?.session;
    match action {
        None => list(context).await,
        Some(SessionsAction::Revoke { session }) => revoke(context, session, own).await,
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let sessions = context.client.sessions().await?;
    context
        .out
        .print(|colour| text(&sessions, colour), || as_json(&sessions))
}

async fn revoke(context: &Context, session: SessionId, own: SessionId) -> Result<(), Failure> {
    let closed = context.client.close_session(session).await;
    closed.map_err(|error| match error.refused() {
        // The named session is not open; the requesting session may be.
        Some(refused) if refused.code == Code::SESSION_CLOSED && session != own => {
            let message = format!("you have no open session {session}; see `auction sessions`");
            Failure::refused(Code::SESSION_CLOSED, message)
        }
        _ => error.into(),
    })?;
    if session == own {
        context.forget()?;
    }
    context.out.print(
        |_| format!("Session {session} is closed."),
        || json!({ "session": session.0, "revoked": true }),
    )
}

fn text(sessions: &Sessions, colour: Colour) -> String {
    let mut table = Table::new(&[
        ("SESSION", Side::Right),
        ("OPENED", Side::Left),
        ("EXPIRES", Side::Left),
        ("", Side::Left),
    ]);
    for listed in &sessions.sessions {
        let here = if listed.current { "this one" } else { "" };
        let cells = vec![
            listed.session.to_string(),
            moment(listed.opened_at),
            moment(listed.expires_at),
            here.to_owned(),
        ];
        table.row(Tone::Usual, cells);
    }
    table.print(colour)
}

fn as_json(sessions: &Sessions) -> Value {
    let listed = sessions.sessions.iter().map(|listed| {
        json!({
            "session": listed.session.0,
            "opened_at": listed.opened_at.to_string(),
            "expires_at": listed.expires_at.to_string(),
            "current": listed.current,
        })
    });
    json!({ "sessions": listed.collect::<Vec<_>>() })
}
