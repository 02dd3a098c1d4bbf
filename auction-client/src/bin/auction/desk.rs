//! Where a command stands: connected to a market, with the session that is remembered for it.

use std::str::FromStr;

use auction_client::{Client, Code, LoggedIn, RequestError};
use auction_core::{Market, Name};

use crate::cli::Shared;
use crate::failure::Failure;
use crate::home::{Remembered, Stored, default_home};
use crate::out::Out;
use crate::view::View;

/// The port of a market's server, when none is named.
const PORT: u16 = 2022;

/// A server as it was named: `HOST:PORT`, or a host alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress(pub String);

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare_v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !bare_v6 => (host, port.parse().ok()),
            _ => (text, Some(PORT)),
        };
        let in_brackets = host.starts_with('[') && host.ends_with(']');
        let plain = !host.is_empty()
            && !host.contains(|char: char| char.is_whitespace() || "/@".contains(char));
        match port {
            Some(port) if bare_v6 => Ok(Self(format!("[{host}]:{port}"))),
            Some(port) if plain && (in_brackets || !host.contains(':')) => {
                Ok(Self(format!("{host}:{port}")))
            }
            _ => Err("is no address; expected for example 127.0.0.1:2022".into()),
        }
    }
}

/// A connected command.
pub struct Desk {
    pub client: Client,
    pub out: Out,
    pub server: ServerAddress,
    remembered: Remembered,
}

impl Desk {
    /// Connects to the market.
    pub async fn connect(shared: &Shared) -> Result<Self, Failure> {
        let home = match &shared.home {
            Some(home) => home.clone(),
            None => default_home()?,
        };
        let client = Client::connect(shared.server.0.clone()).await?;
        let remembered = Remembered::new(&home, &shared.server.0, client.market_id());
        let (server, out) = (shared.server.clone(), Out::new(shared.form()));
        Ok(Self {
            client,
            out,
            server,
            remembered,
        })
    }

    /// Goes on with the session that is remembered.
    pub async fn resume(&self) -> Result<LoggedIn, Failure> {
        let Some(stored) = self.remembered.load()? else {
            let server = &self.server.0;
            let message = format!("not logged in at {server}; `auction login NAME` logs in");
            return Err(Failure::not_logged_in(message));
        };
        match self.client.resume(stored.token).await {
            Ok(logged_in) => Ok(logged_in),
            Err(RequestError::Refused(refused))
                if matches!(refused.code, Code::SESSION_CLOSED | Code::SESSION_EXPIRED) =>
            {
                self.remembered.forget()?;
                let name = stored.name;
                let message = format!(
                    "{name}'s session was closed or has expired; `auction login {name}` logs in again"
                );
                Err(Failure::not_logged_in(message))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Remembers a session that was opened.
    pub fn remember(&self, logged_in: &LoggedIn) -> Result<(), Failure> {
        let LoggedIn {
            name,
            session,
            expires_at,
            ..
        } = *logged_in;
        let token = logged_in.token.clone();
        let token = token.ok_or_else(|| Failure::failed("the server gave no token to remember"))?;
        self.remembered.save(&Stored {
            name,
            session,
            token,
            expires_at,
        })
    }

    /// Forgets the session.
    pub fn forget(&self) -> Result<(), Failure> {
        self.remembered.forget()
    }

    /// The session that is remembered, if any.
    pub fn stored(&self) -> Option<Stored> {
        // What only marks one's own name need not stop anyone from reading.
        self.remembered.load().ok().flatten()
    }

    /// Whose session is remembered. To read, it is not gone on with.
    pub fn own(&self) -> Option<Name> {
        self.stored().map(|stored| stored.name)
    }

    /// The market through the eyes of whoever is logged in, now.
    pub fn view<'a>(&self, market: &'a Market) -> View<'a> {
        View {
            market,
            own: self.own(),
            now: self.client.clock().now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port_or_the_usual_one() {
        let parse = |text: &str| text.parse::<ServerAddress>().ok().map(|address| address.0);
        for (text, expected) in [
            ("127.0.0.1:2022", Some("127.0.0.1:2022")),
            ("market.example", Some("market.example:2022")),
            ("localhost:9", Some("localhost:9")),
            ("[::1]:2023", Some("[::1]:2023")),
            ("[::1]", None),
            ("::1", Some("[::1]:2022")),
            ("", None),
            (":2022", None),
            ("host:port", None),
            ("host:99999", None),
            ("http://host:80", None),
            ("a b:1", None),
        ] {
            assert_eq!(parse(text).as_deref(), expected, "{text:?}");
        }
    }
}
