//! Address of a server: `HOST:PORT`, or a host alone; with `tls://` in front when it speaks TLS.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Default port of a market's server.
const PORT: u16 = 2022;
const TLS: &str = "tls://";

/// Address of a server, with its protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    pub scheme: Scheme,
    /// `HOST:PORT`.
    pub address: String,
}

/// Protocol for talking to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Plain,
    Tls,
}

impl ServerAddress {
    /// Returns the same address with another protocol.
    pub fn with_scheme(&self, scheme: Scheme) -> Self {
        let address = self.address.clone();
        Self { scheme, address }
    }

    /// Returns the host without the port.
    pub fn host(&self) -> &str {
        let host = self.address.rsplit_once(':');
        host.map_or(&self.address, |(host, _)| host)
    }
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, text) = match text.strip_prefix(TLS) {
            Some(rest) => (Scheme::Tls, rest),
            None => (Scheme::Plain, text),
        };
        let bare_v6 = text.parse::<Ipv6Addr>().is_ok();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !bare_v6 => (host, port.parse().ok()),
            _ => (text, Some(PORT)),
        };
        let in_brackets = host.starts_with('[') && host.ends_with(']');
        let plain = !host.is_empty()
            && !host.contains(|char: char| char.is_whitespace() || "/@".contains(char));
        let address = match port {
            Some(port) if bare_v6 => format!("[{host}]:{port}"),
            Some(port) if plain && (in_brackets || !host.contains(':')) => format!("{host}:{port}"),
            _ => {
                return Err(
                    "is no address; expected for example 127.0.0.1:2022, or tls://market.example"
                        .into(),
                );
            }
        };
        Ok(Self { scheme, address })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Plain => "",
            Scheme::Tls => TLS,
        };
        write!(f, "{scheme}{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port_or_the_usual_one() {
        let parse = |text: &str| {
            let parsed = text.parse::<ServerAddress>();
            parsed.ok().map(|address| address.to_string())
        };
        for (text, expected) in [
            ("127.0.0.1:2022", Some("127.0.0.1:2022")),
            ("market.example", Some("market.example:2022")),
            ("localhost:9", Some("localhost:9")),
            ("[::1]:2023", Some("[::1]:2023")),
            ("[::1]", None),
            ("::1", Some("[::1]:2022")),
            ("tls://market.example", Some("tls://market.example:2022")),
            ("tls://[::1]:2023", Some("tls://[::1]:2023")),
            ("tls://::1", Some("tls://[::1]:2022")),
            ("tls://tls://host", None),
            ("tls://", None),
            ("", None),
            (":2022", None),
            ("host:port", None),
            ("host:99999", None),
            ("http://host:80", None),
            ("a b:1", None),
        ] {
            assert_eq!(parse(text).as_deref(), expected, "{text:?}");
        }
        let named: ServerAddress = "tls://[::1]:2023".parse().unwrap();
        assert_eq!((named.scheme, named.host()), (Scheme::Tls, "[::1]"));
    }
}
