//! Asking for a password: from the environment, from a person, or from standard input; never an argument, which
//! every user of the machine could see.

use std::io::{self, BufRead as _, IsTerminal as _};

use zeroize::Zeroizing;

use crate::platform::password::{PASSWORD_BYTES_MAX, Password, PasswordError};

/// The variable that holds the password.
pub const PASSWORD_VARIABLE: &str = "AUCTION_PASSWORD";

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// It is none.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// It was typed differently the second time.
    #[error("the two passwords differ")]
    Differ,
    /// It cannot be read.
    #[error(
        "the password cannot be read: {0}; set {PASSWORD_VARIABLE}, or give it on standard input"
    )]
    Io(#[from] io::Error),
}

/// Asks for a new password: the variable if it is set, twice at a terminal, else the first line of standard input.
///
/// # Errors
/// [`PromptError`].
pub fn new_password() -> Result<Password, PromptError> {
    if let Ok(text) = std::env::var(PASSWORD_VARIABLE) {
        return Ok(Password::new(text)?);
    }
    if !io::stdin().is_terminal() {
        return Ok(Password::new(first_line(io::stdin().lock())?)?);
    }
    let first = Zeroizing::new(rpassword::prompt_password("Password: ")?);
    let second = Zeroizing::new(rpassword::prompt_password("Once more: ")?);
    if first != second {
        return Err(PromptError::Differ);
    }
    Ok(Password::new(first.to_string())?)
}

fn first_line(input: impl io::BufRead) -> io::Result<String> {
    let mut line = String::new();
    // One byte more than a password and a line's end: a longer one is refused, not cut.
    input
        .take(PASSWORD_BYTES_MAX as u64 + 3)
        .read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}
