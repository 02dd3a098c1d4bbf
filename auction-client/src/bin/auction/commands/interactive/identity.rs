//! Who the person is: remembered, logged in now, or only looking.

use std::io::{self, IsTerminal as _};

use auction_client::{LoggedIn, Secret};
use auction_core::Name;

use crate::commands::interactive::line_reader::Lines;
use crate::commands::interactive::parse::{Door, door};
use crate::output::failure::Failure;
use crate::session::Desk;
use crate::session::password::{Asked, prompt};

/// Who the person is.
#[derive(Clone, Copy, Debug)]
pub enum Identity {
    Known(Name),
    OnlyLooking,
}

impl Identity {
    pub fn name(self) -> Option<Name> {
        match self {
            Self::Known(name) => Some(name),
            Self::OnlyLooking => None,
        }
    }
}

/// Goes on with the session that is remembered, or asks. `None`: the person left.
pub async fn establish(desk: &Desk, lines: &mut Lines) -> Result<Option<Identity>, Failure> {
    match desk.resume().await {
        Ok(LoggedIn { name, .. }) => {
            desk.out.line(&format!("You are logged in as {name}."))?;
            Ok(Some(Identity::Known(name)))
        }
        Err(failure) if failure.asks_for_login() => ask(desk, lines).await,
        Err(failure) => Err(failure),
    }
}

/// Asks until there is an identity, or the person leaves.
pub async fn ask(desk: &Desk, lines: &mut Lines) -> Result<Option<Identity>, Failure> {
    loop {
        desk.out
            .prompt("Log in, register, or only look? (l, r, n; q leaves) ")?;
        let Some(line) = lines.next().await else {
            return Ok(None);
        };
        let choice = match door(&line) {
            Some(Door::Look) => return Ok(Some(Identity::OnlyLooking)),
            Some(Door::Leave) => return Ok(None),
            Some(choice) => choice,
            None => continue,
        };
        desk.out.prompt("name: ")?;
        let Some(line) = lines.next().await else {
            return Ok(None);
        };
        let name = match Name::parse(&line) {
            Ok(name) => name,
            Err(error) => {
                desk.out.line(&format!("{line:?} {error}"))?;
                continue;
            }
        };
        match enter(desk, lines, choice, name).await {
            Ok(()) => return Ok(Some(Identity::Known(name))),
            Err(failure) => desk.out.line(failure.message())?,
        }
    }
}

async fn enter(desk: &Desk, lines: &mut Lines, choice: Door, name: Name) -> Result<(), Failure> {
    let asked = if choice == Door::Register {
        Asked::Twice
    } else {
        Asked::Once
    };
    let password = if io::stdin().is_terminal() {
        prompt(asked).await?
    } else {
        // Nobody can see what a pipe brings, and nobody types it twice.
        let line = lines.next().await.unwrap_or_default();
        Secret::new(line).map_err(|error| Failure::usage(error.to_string()))?
    };
    if choice == Door::Register {
        desk.client.register(name, password.clone()).await?;
    }
    let logged_in = desk.client.login(name, password).await?;
    desk.remember(&logged_in)?;
    desk.out.line(&format!("Welcome, {name}."))
}
