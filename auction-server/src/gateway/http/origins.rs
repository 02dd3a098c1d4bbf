//! Which pages may talk to this server from a browser.
//!
//! A browser sends a page's cookies and lets it reach the machines its user can reach. So a request that a page
//! of another site makes is refused by its `Origin`, and one that came by a foreign name that was made to point
//! here (DNS rebinding) by its `Host`. Programs send no `Origin`, and are not concerned.

use std::net::{IpAddr, SocketAddr};

/// The names that this server goes by.
#[derive(Clone, Debug)]
pub struct AllowedOrigins {
    listens: IpAddr,
    public: Vec<String>,
}

impl AllowedOrigins {
    /// Those of where it listens, of this machine, and `public` ones in small letters.
    #[must_use]
    pub fn new(listens: SocketAddr, public: Vec<String>) -> Self {
        Self {
            listens: listens.ip(),
            public,
        }
    }

    /// The names that a certificate made here is for.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = ["localhost", "127.0.0.1", "::1"].map(String::from).into();
        if !self.listens.is_loopback() && !self.listens.is_unspecified() {
            names.push(self.listens.to_string());
        }
        names.extend(self.public.iter().cloned());
        names
    }

    /// Whether the server goes by what stands in `Host`.
    #[must_use]
    pub fn knows(&self, authority: &str) -> bool {
        let host = host_of(authority).to_ascii_lowercase();
        if host == "localhost" || self.public.contains(&host) {
            return true;
        }
        // A number cannot be made to point elsewhere. One that listens everywhere goes by any.
        let address: Option<IpAddr> = host.parse().ok();
        address.is_some_and(|address| {
            address.is_loopback() || address == self.listens || self.listens.is_unspecified()
        })
    }

    /// Whether a page of `origin` may ask the server that it reaches as `authority`: a page of the server itself,
    /// or of one of its public names.
    #[must_use]
    pub fn allows(&self, origin: &str, authority: &str) -> bool {
        let Some((scheme, own)) = origin.split_once("://") else {
            return false;
        };
        let is_web = matches!(scheme, "http" | "https");
        let is_same = own.eq_ignore_ascii_case(authority);
        let host = host_of(own).to_ascii_lowercase();
        is_web && (is_same || self.public.contains(&host))
    }
}

/// The host of `host:port`, without the brackets of IPv6.
fn host_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    authority.split(':').next().unwrap_or_default()
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
        ] {
            assert_eq!(local.knows(foreign), foreign == "[::1", "{foreign}");
        }
        assert!(origins("10.0.0.1:2022").knows("10.0.0.1:2022"));
        assert!(origins("0.0.0.0:2022").knows("10.0.0.1:2022"));
        assert!(!origins("0.0.0.0:2022").knows("evil.test:2022"));
    }

    #[test]
    fn a_page_of_the_server_is_allowed_and_one_of_another_site_or_port_is_not() {
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
