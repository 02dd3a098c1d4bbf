//! Fingerprint of a certificate, for comparing by eye and for pinning.

use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` shows it: `AB:CD:...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// Error for a text that is not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no SHA-256 fingerprint; expected 64 hexadecimal digits, with or without colons, as the server prints it"
)]
pub struct FingerprintError;

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: Vec<char> = text.chars().filter(|char| *char != ':').collect();
        let (pairs, []) = digits.as_chunks::<2>() else {
            return Err(FingerprintError);
        };
        let pairs: &[[char; 2]; 32] = pairs.try_into().map_err(|_| FingerprintError)?;
        let digit = |char: char| char.to_digit(16).ok_or(FingerprintError);
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = (digit(*high)? * 16 + digit(*low)?) as u8;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_with_and_without_colons_and_written_with_them() {
        let fingerprint = Fingerprint(std::array::from_fn(|at| at as u8 * 8));
        let text = fingerprint.to_string();
        assert!(text.starts_with("00:08:10:18:"), "{text}");
        for spelled in [text.clone(), text.replace(':', ""), text.to_lowercase()] {
            assert_eq!(spelled.parse(), Ok(fingerprint), "{spelled}");
        }
        let long = format!("{text}:00");
        for wrong in ["", "00", &text[1..], &long, &text.replace('8', "g"), "é"] {
            assert_eq!(
                wrong.parse::<Fingerprint>(),
                Err(FingerprintError),
                "{wrong}"
            );
        }
    }
}
