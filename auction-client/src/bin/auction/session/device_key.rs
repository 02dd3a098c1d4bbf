//! The key of this device, with which it signs requests through relays.
//!
//! `HOME/devices/HOST_PORT.json`, readable by its owner only: the key, the market, the market's signing key, and the
//! number of the next request, so that none of them has to be requested from a relay.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use auction_client::{Device, MarketKey};
use auction_core::{MarketId, Name, RequestId, SessionId};
use auction_proto::{PublicKey, SigningKey};
use serde_json::{Value, json};

use crate::output::failure::Failure;
use crate::session::state_dir::{self, ReservedFile};

/// File with the device's key for the market of one server.
#[derive(Clone, Debug)]
pub struct DeviceFile(PathBuf);

/// A device that was added on this machine.
pub struct StoredDevice {
    pub user: Name,
    pub label: Name,
    pub market: MarketKey,
    pub number: SessionId,
    /// The secret half of its key.
    pub secret: [u8; 32],
    /// The number of its next request.
    pub next: RequestId,
}

impl StoredDevice {
    /// Converts to the library's type.
    pub fn device(&self) -> Device {
        Device {
            market: self.market.market,
            market_key: self.market.key,
            number: self.number,
            key: SigningKey::new(&self.secret),
        }
    }
}

impl DeviceFile {
    pub fn new(state_dir: &Path, server: &str) -> Self {
        let name = format!("{}.json", state_dir::file_name(server));
        Self(state_dir.join("devices").join(name))
    }

    /// Returns the device, if there is one.
    pub fn load(&self) -> Result<Option<StoredDevice>, Failure> {
        let text = match fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.cannot("read", &error)),
        };
        let kept = parse(&text).ok_or_else(|| {
            let file = self.0.display();
            Failure::failed(format!(
                "{file} is damaged: restore it, or remove it and add this device again with `auction device add`"
            ))
        })?;
        Ok(Some(kept))
    }

    /// Keeps the device, replacing the previous one.
    pub fn save(&self, kept: &StoredDevice) -> Result<(), Failure> {
        self.save_in(self.reserve()?, kept)
    }

    /// Reserves the file of a device, so that keeping one cannot fail later because of disk space or permissions.
    pub fn reserve(&self) -> Result<ReservedFile, Failure> {
        ReservedFile::reserve(&self.0).map_err(|error| self.cannot("write", &error))
    }

    /// Keeps the device in the reserved file, replacing the previous one.
    pub fn save_in(&self, reserved: ReservedFile, kept: &StoredDevice) -> Result<(), Failure> {
        let saved = reserved.keep(print(kept).as_bytes());
        saved.map_err(|error| self.cannot("write", &error))
    }

    /// Forgets the device.
    pub fn forget(&self) -> Result<(), Failure> {
        state_dir::remove(&self.0).map_err(|error| self.cannot("remove", &error))
    }

    fn cannot(&self, what: &str, error: &io::Error) -> Failure {
        Failure::failed(format!("cannot {what} {}: {error}", self.0.display()))
    }
}

fn print(kept: &StoredDevice) -> String {
    let value = json!({
        "user": kept.user.as_str(),
        "label": kept.label.as_str(),
        "market": kept.market.market.to_string(),
        "market_key": hex(&kept.market.key.0),
        "device": kept.number.0,
        "secret": hex(&kept.secret),
        "next_request": kept.next.0,
    });
    format!("{value}\n")
}

fn parse(text: &str) -> Option<StoredDevice> {
    let value: Value = serde_json::from_str(text).ok()?;
    let text = |field: &str| value.get(field)?.as_str();
    Some(StoredDevice {
        user: Name::parse(text("user")?).ok()?,
        label: Name::parse(text("label")?).ok()?,
        market: MarketKey {
            market: MarketId(unhex(text("market")?)?),
            key: PublicKey(unhex(text("market_key")?)?),
        },
        number: SessionId(value.get("device")?.as_u64()?),
        secret: unhex(text("secret")?)?,
        next: RequestId(value.get("next_request")?.as_u64()?),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a text takes all");
        digits
    })
}

fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N || !digits.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> StoredDevice {
        StoredDevice {
            user: Name::parse("mia").unwrap(),
            label: Name::parse("laptop").unwrap(),
            market: MarketKey {
                market: MarketId([7; 16]),
                key: PublicKey([8; 32]),
            },
            number: SessionId(300),
            secret: std::array::from_fn(|at| at as u8 * 8),
            next: RequestId(12),
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_kept_for_its_owner_only_until_it_is_forgotten() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let file = DeviceFile::new(home.path(), "127.0.0.1:2022");
        assert!(file.load().unwrap().is_none());
        file.save(&kept()).unwrap();
        assert_eq!(print(&file.load().unwrap().unwrap()), print(&kept()));
        let mode = fs::metadata(&file.0).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(
            &file.0,
            print(&kept()).replace("\"secret\":\"00", "\"secret\":\""),
        )
        .unwrap();
        let damaged = file.load().err().unwrap();
        assert!(damaged.message().contains("is damaged"));
        file.forget().unwrap();
        assert!(file.load().unwrap().is_none());
    }
}
