//! The header of PROXY protocol version 2, with which a proxy says for whom it connects.
//!
//! ```text
//!  0  12  0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a
//! 12   1  version and command: 20 LOCAL, 21 PROXY
//! 13   1  family and transport: 11 TCP over IPv4, 21 TCP over IPv6, ...
//! 14   2  length of the rest, big-endian
//! 16      source and destination address, source and destination port, then extensions
//! ```

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Maximum length behind the fixed part, in bytes: the addresses, and extensions such as the proxy's TLS details.
pub const REST_BYTES_MAX: u16 = 4_096;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const FIXED_BYTES: usize = 16;
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const TCP_4: u8 = 0x11;
const TCP_6: u8 = 0x21;
/// Lengths of the addresses and ports.
const ADDRESSES_4: u16 = 12;
const ADDRESSES_6: u16 = 36;

/// Reason why a connection of a proxy is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProxyHeaderError {
    /// The stream failed or ended within the header.
    #[error("the connection ended within the header of the PROXY protocol: {0}")]
    Io(#[from] io::Error),
    /// The first bytes are others.
    #[error(
        "the connection does not begin with the header of PROXY protocol version 2, which proxy-protocol = on expects \
         from the addresses of trusted-proxy"
    )]
    Missing,
    /// A version or command that does not exist.
    #[error(
        "the header of the PROXY protocol has the version and command {0:#04x}; known are 0x20 and 0x21"
    )]
    Command(u8),
    /// The header is too long or too short.
    #[error("the header of the PROXY protocol says {0} bytes; expected {1} to {REST_BYTES_MAX}")]
    Length(u16, u16),
}

/// Reads the header and nothing behind it. Returns the client's address; `None`: the proxy connects for itself, as
/// for a health check, or for something without an IP address.
///
/// # Errors
/// [`ProxyHeaderError`]: the connection cannot be used.
pub async fn read(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<IpAddr>, ProxyHeaderError> {
    let mut fixed = [0; FIXED_BYTES];
    // A client without the header may send less than 16 bytes and wait.
    let mut count = 0;
    while count < FIXED_BYTES {
        let read = stream.read(&mut fixed[count..]).await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        count += read;
        let of_signature = count.min(SIGNATURE.len());
        if fixed[..of_signature] != SIGNATURE[..of_signature] {
            return Err(ProxyHeaderError::Missing);
        }
    }
    let [command, family] = [fixed[12], fixed[13]];
    if command != LOCAL && command != PROXY {
        return Err(ProxyHeaderError::Command(command));
    }
    let rest = u16::from_be_bytes([fixed[14], fixed[15]]);
    let addresses = match (command, family) {
        (PROXY, TCP_4) => ADDRESSES_4,
        (PROXY, TCP_6) => ADDRESSES_6,
        _ => 0,
    };
    if rest < addresses || rest > REST_BYTES_MAX {
        return Err(ProxyHeaderError::Length(rest, addresses));
    }
    let mut bytes = [0; ADDRESSES_6 as usize];
    let bytes = &mut bytes[..usize::from(addresses)];
    stream.read_exact(bytes).await?;
    let source = match addresses {
        ADDRESSES_4 => bytes
            .first_chunk()
            .map(|source| IpAddr::V4(Ipv4Addr::from(*source))),
        ADDRESSES_6 => bytes
            .first_chunk()
            .map(|source: &[u8; 16]| IpAddr::V6(Ipv6Addr::from(*source)).to_canonical()),
        _ => None,
    };
    // Extensions are skipped.
    let mut left = usize::from(rest - addresses);
    let mut skipped = [0; 256];
    while left > 0 {
        let count = left.min(skipped.len());
        stream.read_exact(&mut skipped[..count]).await?;
        left -= count;
    }
    Ok(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEHIND: &[u8] = b"hello";

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([command, family]);
        bytes.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        bytes.extend(rest);
        bytes
    }

    fn four(source: [u8; 4]) -> Vec<u8> {
        let mut rest = source.to_vec();
        rest.extend([10, 9, 9, 9, 0x30, 0x39, 0x07, 0xe6]);
        rest
    }

    /// Reads the header; returns the result and what is left of the stream.
    async fn read_of(bytes: &[u8]) -> (Result<Option<IpAddr>, String>, Vec<u8>) {
        let mut stream = bytes;
        let read = read(&mut stream).await.map_err(|error| error.to_string());
        (read, stream.to_vec())
    }

    #[tokio::test]
    async fn the_client_is_read_and_not_a_byte_more() {
        let mut six = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7)
            .octets()
            .to_vec();
        six.extend([0; 20]);
        let mapped = Ipv4Addr::new(10, 1, 2, 3).to_ipv6_mapped().octets();
        let mapped = [&mapped[..], &[0; 20]].concat();
        let mut extended = four([10, 1, 2, 3]);
        extended.resize(usize::from(REST_BYTES_MAX), 7);
        for (command, family, rest, expected) in [
            (PROXY, TCP_4, four([10, 1, 2, 3]), Some("10.1.2.3")),
            (PROXY, TCP_4, extended, Some("10.1.2.3")),
            (PROXY, TCP_6, six, Some("2001:db8::7")),
            (PROXY, TCP_6, mapped, Some("10.1.2.3")),
            (LOCAL, TCP_4, four([10, 1, 2, 3]), None),
            (LOCAL, 0, Vec::new(), None),
            (PROXY, 0, vec![1; 7], None),
            // Sockets of the machine have no IP address.
            (PROXY, 0x31, vec![1; 216], None),
        ] {
            let mut bytes = header(command, family, &rest);
            bytes.extend(BEHIND);
            let (read, left) = read_of(&bytes).await;
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(read, Ok(expected), "{command:x} {family:x}");
            assert_eq!(left, BEHIND);
        }
    }

    #[tokio::test]
    async fn hostile_headers_are_refused_before_they_are_read() {
        let long = vec![0; usize::from(REST_BYTES_MAX) + 1];
        for (bytes, says) in [
            (
                header(PROXY, TCP_4, &long),
                "says 4097 bytes; expected 12 to 4096",
            ),
            (header(LOCAL, 0, &long), "says 4097 bytes; expected 0"),
            (header(PROXY, TCP_4, &[0; 11]), "says 11 bytes; expected 12"),
            (header(PROXY, TCP_6, &[0; 35]), "says 35 bytes; expected 36"),
            (header(0x22, TCP_4, &four([1; 4])), "command 0x22"),
            (header(0x11, TCP_4, &four([1; 4])), "command 0x11"),
            (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "does not begin"),
            // One byte is enough to know.
            (b"{".to_vec(), "does not begin"),
            (b"\r\n\r\n\0\r\nQUIX".to_vec(), "does not begin"),
            (Vec::new(), "ended within"),
            (
                header(PROXY, TCP_4, &four([1; 4]))[..27].to_vec(),
                "ended within",
            ),
        ] {
            let (read, _) = read_of(&bytes).await;
            let said = read.unwrap_err();
            assert!(said.contains(says), "{says:?} is not in: {said}");
        }
    }
}
