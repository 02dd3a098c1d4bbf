//! Origins and host names that this server accepts from browsers.
//!
//! A browser sends a page's cookies, and lets a page reach the machines that its user can reach. So a request from a
//! page of another site is refused by its `Origin`, and a request through a foreign name that points here (DNS
//! rebinding) by its `Host`. Programs send no `Origin`, so this check does not apply to them.

use std::net::{IpAddr, SocketAddr};

use hyper::StatusCode;
use hyper::header::{HOST, ORIGIN};
use hyper::http::uri::Authority;

use crate::gateway::http::{Request, Response, field, text};

/// Host names of this server.
#[derive(Clone, Debug)]
pub struct AllowedOrigins {
    listens: IpAddr,
    public: Vec<String>,
}

impl AllowedOrigins {
    /// Names of the listening address and of this machine, and the `public` ones in lower case.
    #[must_use]
    pub fn new(listens: SocketAddr, public: Vec<String>) -> Self {
        Self {
            listens: listens.ip(),
            public,
        }
    }

    /// Returns the names for a self-signed certificate.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = ["localhost", "127.0.0.1", "::1"].map(String::from).into();
        if !self.listens.is_loopback() && !self.listens.is_unspecified() {
            names.push(self.listens.to_string());
        }
        names.extend(self.public.iter().cloned());
        names
    }

    /// Checks that a request names this server, and that no page of another origin sent it.
    ///
    /// # Errors
    /// The answer 403, with the reason.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Box<Response>> {
        let host = field(request, HOST);
        let authority = request.uri().authority().map(Authority::as_str);
        let unknown = [Some(host), authority].into_iter().flatten();
        if let Some(unknown) = unknown.into_iter().find(|name| !self.knows(name)) {
            let why = format!(
                "this server does not go by the name {unknown:?}; its operator can give it with --public-host\n"
            );
            return Err(Box::new(text(StatusCode::FORBIDDEN, why)));
        }
        if request.headers().contains_key(ORIGIN) && !self.allows(field(request, ORIGIN), host) {
            let why = "pages of other origins may not use this server\n";
            return Err(Box::new(text(StatusCode::FORBIDDEN, why)));
        }
        Ok(())
    }

    /// Returns whether the `Host` field names this server.
    #[must_use]
    pub fn knows(&self, authority: &str) -> bool {
        let Some(host) = host_of(authority) else {
            return false;
        };
        let host = host.to_ascii_lowercase();
        if host == "localhost" || self.public.contains(&host) {
            return true;
        }
        // An IP address cannot be rebound. A server that listens on all addresses accepts any.
        let address: Option<IpAddr> = host.parse().ok();
        address.is_some_and(|address| {
            address.is_loopback() || address == self.listens || self.listens.is_unspecified()
        })
    }

    /// Returns whether a page of `origin` may send requests to the server that it reaches as `authority`: a page of the
    /// server itself, or of one of its public names.
    #[must_use]
    pub fn allows(&self, origin: &str, authority: &str) -> bool {
        let Some((scheme, own)) = origin.split_once("://") else {
            return false;
        };
        let is_web = matches!(scheme, "http" | "https");
        let is_same = own.eq_ignore_ascii_case(authority);
        let host = host_of(own).map(str::to_ascii_lowercase);
        is_web && (is_same || host.is_some_and(|host| self.public.contains(&host)))
    }

    /// Returns whether the `Host` field is one of the public names, which belong to this server alone.
    #[must_use]
    pub fn is_public(&self, authority: &str) -> bool {
        let host = host_of(authority).map(str::to_ascii_lowercase);
        host.is_some_and(|host| self.public.contains(&host))
    }
}

/// Returns the host of `host` or `host:port`, without the brackets of IPv6. `None` for anything else: a name before an
/// `@`, for example, is not the host.
fn host_of(authority: &str) -> Option<&str> {
    let (host, after) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = match after.strip_prefix(':') {
        Some(port) => port.is_empty() || port.parse::<u16>().is_ok() && !port.starts_with('+'),
        None => after.is_empty(),
    };
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    (is_port && host.bytes().all(is_plain)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(listens: &str) -> AllowedOrigins {
        AllowedOrigins::new(listens.parse().unwrap(), vec!["auction.test".to_owned()])
    }

    #[test]
    fn the_server_knows_its_own_names_and_no_other() {
        let local = origins("127.0.0.1:2022");
        for known in [
            "localhost",
            "LOCALHOST:2022",
            "127.0.0.1:2022",
            "127.0.0.2",
            "[::1]:2022",
            "auction.test",
            "Auction.test:443",
        ] {
            assert!(local.knows(known), "{known}");
        }
        for foreign in [
            "",
            "evil.test",
            "localhost.evil.test",
            "auction.test.evil.test",
            "127.0.0.1.evil.test",
            "10.0.0.1",
            "[2001:db8::1]:2022",
            "[::1",
            "[::1]2022",
            "127.0.0.1@evil.test",
            "127.0.0.1:2022@evil.test",
            "localhost:2022@evil.test",
            "localhost:@evil.test",
            "localhost:65536",
            "localhost:+1",
            "localhost:1:2",
            "localhost/evil.test",
            "localhost evil.test",
            "evil.test#localhost",
        ] {
            assert!(!local.knows(foreign), "{foreign}");
        }
        assert!(origins("10.0.0.1:2022").knows("10.0.0.1:2022"));
        assert!(origins("0.0.0.0:2022").knows("10.0.0.1:2022"));
        assert!(!origins("0.0.0.0:2022").knows("evil.test:2022"));
        assert!(local.knows("localhost:65535") && local.knows("localhost:"));
        assert!(local.is_public("AUCTION.test:443") && !local.is_public("localhost"));
    }

    #[test]
    fn only_pages_of_the_server_itself_are_allowed() {
        let local = origins("127.0.0.1:2022");
        let cases = [
            ("http://localhost:2022", "localhost:2022", true),
            ("https://auction.test", "auction.test", true),
            ("https://auction.test", "127.0.0.1:2022", true),
            ("http://localhost:3000", "localhost:2022", false),
            ("http://127.0.0.1:2022", "localhost:2022", false),
            ("http://evil.test", "localhost:2022", false),
            ("http://localhost:2022.evil.test", "localhost:2022", false),
            ("file://localhost:2022", "localhost:2022", false),
            ("https://auction.test@evil.test", "localhost:2022", false),
            ("null", "localhost:2022", false),
            ("", "", false),
        ];
        for (origin, authority, allowed) in cases {
            assert_eq!(
                local.allows(origin, authority),
                allowed,
                "{origin} {authority}"
            );
        }
    }
}
