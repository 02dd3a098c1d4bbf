//! Resumes a session in another run of a program or after a restart of the server: the first run logs in and keeps the
//! session's token, later runs need no password.
//!
//! ```sh
//! AUCTION_PASSWORD=correct-horse cargo run -p auction-client --example resume -- 127.0.0.1:2022 mia /tmp/mia.token
//! cargo run -p auction-client --example resume -- 127.0.0.1:2022 mia /tmp/mia.token
//! ```

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use auction_client::{Client, Fault, LoggedIn, RequestError, Secret, Token};
use auction_core::Name;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, name, file] = arguments.as_slice() else {
        return Err("give ADDRESS NAME FILE".into());
    };
    let password = std::env::var("AUCTION_PASSWORD").ok();
    println!("{}", run(address, name, password, Path::new(file)).await?);
    Ok(())
}

/// Logs in or resumes, and returns a description of the session.
pub async fn run(
    address: &str,
    name: &str,
    password: Option<String>,
    file: &Path,
) -> Result<String, Box<dyn Error>> {
    let client = Client::connect(address.to_owned()).await?;
    if let Some(session) = resumed(&client, file).await? {
        let (number, last) = (session.session, session.last_request);
        // The client continues with request ids above the last one.
        return Ok(format!(
            "resumed session {number}, whose last command was {last}"
        ));
    }
    let password = password.ok_or("not logged in: give a password in AUCTION_PASSWORD")?;
    let session = client
        .login(Name::parse(name)?, Secret::new(password)?)
        .await?;
    let token = session.token.ok_or("a login brings a token")?;
    keep(file, &token)?;
    Ok(format!(
        "logged in, session {}, until {}",
        session.session, session.expires_at
    ))
}

/// Resumes the session of the kept token, if it is still open.
async fn resumed(client: &Client, file: &Path) -> Result<Option<LoggedIn>, Box<dyn Error>> {
    let kept = match fs::read(file) {
        Ok(kept) => kept,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let token = kept.try_into().map_err(|_| "the file holds no token")?;
    match client.resume(Token::new(token)).await {
        Ok(session) => Ok(Some(session)),
        // Closed or expired: log in again.
        Err(RequestError::Refused(refused)) if refused.code.fault() == Fault::Session => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Keeps the token. Anyone who has it can act as the user, so the file is readable by its owner only.
fn keep(file: &Path, token: &Token) -> Result<(), Box<dyn Error>> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(token.reveal())?;
    Ok(())
}
