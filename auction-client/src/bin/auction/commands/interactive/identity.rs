//! Identity of the user: remembered, logged in now, or anonymous.

use std::io::{self, IsTerminal as _};

use auction_client::{LoggedIn, Secret};
use auction_core::Name;

use crate::commands::interactive::line_reader::LineReader;
use crate::commands::interactive::parse::{LoginChoice, login_choice};
use crate::output::failure::Failure;
use crate::session::Context;
use crate::session::password::{Prompts, prompt};

/// Identity of the user.
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

/// Resumes the remembered session, or asks. `None`: the user left.
pub async fn establish(
    context: &Context,
    lines: &mut LineReader,
) -> Result<Option<Identity>, Failure> {
    match context.resume().await {
        Ok(LoggedIn { name, .. }) => {
            context.out.line(&format!("You are logged in as {name}."))?;
            Ok(Some(Identity::Known(name)))
        }
        Err(failure) if failure.asks_for_login() => ask(context, lines).await,
        Err(failure) => Err(failure),
    }
}

/// Asks until there is an identity, or the user leaves.
pub async fn ask(context: &Context, lines: &mut LineReader) -> Result<Option<Identity>, Failure> {
    loop {
        context
            .out
            .prompt("Log in, register, or only look? (l, r, n; q leaves) ")?;
        let Some(line) = lines.next().await else {
            return Ok(None);
        };
        let choice = match login_choice(&line) {
            Some(LoginChoice::Look) => return Ok(Some(Identity::OnlyLooking)),
            Some(LoginChoice::Leave) => return Ok(None),
            Some(choice) => choice,
            None => continue,
        };
        context.out.prompt("name: ")?;
        let Some(line) = lines.next().await else {
            return Ok(None);
        };
        let name = match Name::parse(&line) {
            Ok(name) => name,
            Err(error) => {
                context.out.line(&format!("{line:?} {error}"))?;
                continue;
            }
        };
        match enter(context, lines, choice, name).await {
            Ok(()) => return Ok(Some(Identity::Known(name))),
            Err(failure) => context.out.line(failure.message())?,
        }
    }
}

async fn enter(
    context: &Context,
    lines: &mut LineReader,
    choice: LoginChoice,
    name: Name,
) -> Result<(), Failure> {
    let asked = if choice == LoginChoice::Register {
        Prompts::Twice
    } else {
        Prompts::Once
    };
    let password = if io::stdin().is_terminal() {
        prompt(asked).await?
    } else {
        // Input from a pipe is not shown, and needs no confirmation.
        let line = lines.next().await.unwrap_or_default();
        Secret::new(line).map_err(|error| Failure::usage(error.to_string()))?
    };
    match choice {
        LoginChoice::Register => context.register_and_log_in(name, password).await?,
        _ => context.log_in(name, password).await?,
    };
    context.out.line(&format!("Welcome, {name}."))
}
