//! Source of the password: the environment, else standard input if it is not a terminal, else a prompt. Never an
//! argument, which every user of the machine can see.

use std::io::{self, BufRead, IsTerminal as _};

use auction_client::Secret;
use auction_proto::limits::PASSWORD_BYTES_MAX;

use crate::output::failure::Failure;
use crate::session::no_echo;

const VARIABLE: &str = "AUCTION_PASSWORD";
const NEW_VARIABLE: &str = "AUCTION_NEW_PASSWORD";

/// Number of prompts: once for an existing password, twice for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompts {
    Once,
    Twice,
}

/// Reads the password. The connection is kept alive meanwhile.
pub async fn password(asked: Prompts) -> Result<Secret, Failure> {
    away_from_the_connection(move || find(asked)).await
}

/// Prompts at the terminal, without echo.
pub async fn prompt(asked: Prompts) -> Result<Secret, Failure> {
    away_from_the_connection(move || ask(asked)).await
}

/// Reads the present password and a new one: from the environment if both are there, else from the first two lines of
/// standard input if it is not a terminal, else from prompts.
pub async fn change() -> Result<(Secret, Secret), Failure> {
    away_from_the_connection(find_change).await
}

async fn away_from_the_connection<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let asked = tokio::task::spawn_blocking(ask).await;
    asked.unwrap_or_else(|error| Err(Failure::failed(error.to_string())))
}

fn find(asked: Prompts) -> Result<Secret, Failure> {
    if let Some(text) = variable(VARIABLE)? {
        return secret(text);
    }
    if !io::stdin().is_terminal() {
        return secret(first_line(io::stdin().lock())?);
    }
    ask(asked)
}

fn find_change() -> Result<(Secret, Secret), Failure> {
    match (variable(VARIABLE)?, variable(NEW_VARIABLE)?) {
        (Some(old), Some(new)) => return Ok((secret(old)?, secret(new)?)),
        (None, None) => {}
        // One of both from elsewhere: which of them a line of standard input is would be a guess.
        (Some(_), None) | (None, Some(_)) => {
            let message = format!(
                "set both {VARIABLE}, the present password, and {NEW_VARIABLE}, or none of them"
            );
            return Err(Failure::usage(message));
        }
    }
    if !io::stdin().is_terminal() {
        let mut input = io::stdin().lock();
        let old = first_line(&mut input)?;
        return Ok((secret(old)?, secret(first_line(&mut input)?)?));
    }
    let old = secret(line("present password: ")?)?;
    let new = secret(line("new password: ")?)?;
    if new != secret(line("the same again: ")?)? {
        return Err(Failure::usage("the two passwords differ; nothing was done"));
    }
    Ok((old, new))
}

fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(Failure::usage(format!("{name}: {error}"))),
    }
}

fn ask(asked: Prompts) -> Result<Secret, Failure> {
    let first = secret(line("password: ")?)?;
    if asked == Prompts::Twice && first != secret(line("the same again: ")?)? {
        return Err(Failure::usage("the two passwords differ; nothing was done"));
    }
    Ok(first)
}

fn line(prompt: &str) -> Result<String, Failure> {
    no_echo::line(prompt)
        .map_err(|error| Failure::usage(format!("cannot ask for the password: {error}")))
}

fn first_line(input: impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    // Two bytes for the line end, and one that shows that it is too long.
    let most = PASSWORD_BYTES_MAX as u64 + 3;
    let read = input.take(most).read_line(&mut line);
    read.map_err(|error| Failure::usage(format!("cannot read the password: {error}")))?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    if line.is_empty() {
        let message = format!(
            "no password: set {VARIABLE}, or give it as a line of standard input, or type it at a \
             terminal"
        );
        return Err(Failure::usage(message));
    }
    Ok(line)
}

fn secret(text: String) -> Result<Secret, Failure> {
    Secret::new(text).map_err(|error| Failure::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_without_its_end() {
        let read = |bytes: &[u8]| first_line(bytes).map_err(|error| error.message().to_owned());
        assert_eq!(read(b"secret\nrest\n"), Ok("secret".into()));
        assert_eq!(read(b" se cret \r\n"), Ok(" se cret ".into()));
        assert_eq!(read(b"secret"), Ok("secret".into()));
        assert!(read(b"").unwrap_err().starts_with("no password"));
        assert!(read(b"\n").unwrap_err().starts_with("no password"));
        let long = vec![b'x'; 10_000];
        assert!(
            secret(read(&long).unwrap()).is_err(),
            "a longer one is refused, not cut"
        );
    }
}
