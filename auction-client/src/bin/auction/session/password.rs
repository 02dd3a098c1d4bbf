//! Source of the password: the environment, else standard input if it is not a terminal, else a prompt. Never an
//! argument, which every user of the machine can see.

use std::io::{self, BufRead, IsTerminal as _};

use auction_client::Secret;
use auction_proto::limits::PASSWORD_BYTES_MAX;

use crate::output::failure::Failure;
use crate::session::no_echo;

const VARIABLE: &str = "AUCTION_PASSWORD";

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

async fn away_from_the_connection(
    ask: impl FnOnce() -> Result<Secret, Failure> + Send + 'static,
) -> Result<Secret, Failure> {
    let asked = tokio::task::spawn_blocking(ask).await;
    asked.unwrap_or_else(|error| Err(Failure::failed(error.to_string())))
}

fn find(asked: Prompts) -> Result<Secret, Failure> {
    match std::env::var(VARIABLE) {
        Ok(text) if !text.is_empty() => return secret(text),
        Ok(_) | Err(std::env::VarError::NotPresent) => {}
        Err(error) => return Err(Failure::usage(format!("{VARIABLE}: {error}"))),
    }
    if !io::stdin().is_terminal() {
        return secret(first_line(io::stdin().lock())?);
    }
    ask(asked)
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
            "no password: set {VARIABLE}, or give it as the first line of standard input, or type \
             it at a terminal"
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
