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

/// Maximum number of characters of a client's text that a refusal repeats.
const SHOWN_CHARS_MAX: usize = 100;

/// Request that is not for this server, or not from one of its pages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Foreign {
    /// It names a host that this server is not.
    #[error(
        "this server does not go by the name {host:?}; its operator can give it with --public-host"
    )]
    Host {
        /// Beginning of the name.
        host: String,
    },
    /// It came from a page of another origin.
    #[error(
        "pages of other origins may not use this server: {origin:?} asks for {host:?}; its operator can give the name with \
         --public-host"
    )]
    Origin {
        /// Beginning of the page's origin.
        origin: String,
        /// Beginning of the host that the page asked for.
        host: String,
    },
}

impl Foreign {
    /// Returns the answer, with the reason.
    pub(crate) fn refusal(&self) -> Response {
        text(StatusCode::FORBIDDEN, format!("{self}\n"))
    }
}

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

    /// Checks that a request names this server, and that no page of another origin sent it. A trusted proxy
    /// (`is_proxied`) may [leave the port out](Self::allows).
    ///
    /// # Errors
    /// The name or the origin that is foreign.
    pub(crate) fn check(&self, request: &Request, is_proxied: bool) -> Result<(), Foreign> {
        let host = field(request, HOST);
        let authority = request.uri().authority().map(Authority::as_str);
        let names = [Some(host), authority].into_iter().flatten();
        if let Some(name) = names.into_iter().find(|name| !self.knows(name)) {
            return Err(Foreign::Host { host: shown(name) });
        }
        let is_page = request.headers().contains_key(ORIGIN);
        let origin = field(request, ORIGIN);
        if is_page && !self.allows(origin, host, is_proxied) {
            let (origin, host) = (shown(origin), shown(host));
            return Err(Foreign::Origin { origin, host });
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
    /// server itself, or of one of its public names. A trusted proxy (`is_proxied`) may leave the port out of the
    /// authority, as nginx's `$host` does: then the origin's port is not compared.
    #[must_use]
    pub fn allows(&self, origin: &str, authority: &str, is_proxied: bool) -> bool {
        let Some((scheme, own)) = origin.split_once("://") else {
            return false;
        };
        let is_web = matches!(scheme, "http" | "https");
        let is_same = own.eq_ignore_ascii_case(authority);
        let host = host_of(own).map(str::to_ascii_lowercase);
        let has_port = authority
            .rsplit(']')
            .next()
            .is_some_and(|end| end.contains(':'));
        let theirs = host_of(authority).map(str::to_ascii_lowercase);
        let is_same_host = is_proxied && !has_port && host.is_some() && theirs == host;
        let is_public = host.is_some_and(|host| self.public.contains(&host));
        is_web && (is_same || is_same_host || is_public)
    }

    /// Returns whether the `Host` field is one of the public names, which belong to this server alone.
    #[must_use]
    pub fn is_public(&self, authority: &str) -> bool {
        let host = host_of(authority).map(str::to_ascii_lowercase);
        host.is_some_and(|host| self.public.contains(&host))
    }
}

/// Returns the beginning of a client's text.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
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
            for is_proxied in [false, true] {
                assert_eq!(
                    local.allows(origin, authority, is_proxied),
                    allowed,
                    "{origin} {authority}"
                );
            }
        }
    }

    #[test]
    fn a_trusted_proxy_may_leave_the_port_out() {
        let local = origins("127.0.0.1:2022");
        for (origin, authority, allowed) in [
            ("https://localhost:8443", "localhost", true),
            ("https://[::1]:8443", "[::1]", true),
            ("https://localhost:8443", "localhost:443", false),
            ("https://[::1]:8443", "[::1]:443", false),
            ("https://evil.test:8443", "localhost", false),
            ("file://localhost", "localhost", false),
        ] {
            assert_eq!(local.allows(origin, authority, true), allowed, "{origin}");
            assert!(!local.allows(origin, authority, false), "{origin}");
        }
    }
}
