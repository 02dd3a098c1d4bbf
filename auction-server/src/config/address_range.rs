//! Ranges of IP addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An IP network: all addresses that begin with the same bits as `address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    /// Number of these bits.
    prefix: u32,
}

/// A text is no address and no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a network, for example 10.0.0.5, 10.0.0.0/8 or ::1")]
pub struct ParseAddressRangeError;

impl AddressRange {
    /// Returns whether it holds all addresses of a family.
    #[must_use]
    pub fn is_all(self) -> bool {
        self.prefix == 0
    }

    /// Returns whether the address lies in the range. An IPv4 address is the same in its IPv6 form.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let (own, own_bits) = bits(self.address);
        let (other, other_bits) = bits(address.to_canonical());
        // A shift by all bits, for an empty prefix, leaves nothing to compare.
        let differs = (own ^ other)
            .checked_shr(own_bits - self.prefix)
            .unwrap_or(0);
        own_bits == other_bits && differs == 0
    }
}

impl FromStr for AddressRange {
    type Err = ParseAddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ParseAddressRangeError)?;
        let address = address.to_canonical();
        let (_, all) = bits(address);
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| ParseAddressRangeError)?,
            None => all,
        };
        if prefix > all {
            return Err(ParseAddressRangeError);
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The bits of an address, and their number.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        let range: AddressRange = range.parse().unwrap();
        range.contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_ends_at_its_last_address() {
        for (range, within, outside) in [
            ("10.0.0.5", "10.0.0.5", "10.0.0.6"),
            ("10.0.0.5/32", "10.0.0.5", "10.0.0.4"),
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.3/8", "10.0.0.0", "9.255.255.255"),
            ("10.0.0.0/31", "10.0.0.1", "10.0.0.2"),
            ("::1", "::1", "::2"),
            ("fd00::/8", "fdff::1", "fe00::"),
            ("fd00::/127", "fd00::1", "fd00::2"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ] {
            assert!(contains(range, within), "{range} {within}");
            assert!(!contains(range, outside), "{range} {outside}");
        }
        assert!(contains("0.0.0.0/0", "255.255.255.255"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "ffff::1"));
        assert!(!contains("::/0", "10.0.0.1"));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::1/129",
            "10.0.0",
            "a",
            "10.0.0.0/-1",
        ] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }
}
