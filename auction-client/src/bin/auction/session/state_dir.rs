//! The remembered session: a file for each server and market, readable by its owner only.
//!
//! `HOME/sessions/HOST_PORT-MARKET.json`; the [trust](crate::session::trust) settings are
//! `HOME/servers/tls___HOST_PORT.json`; a market's [key](crate::session::market_key) is `HOME/keys/MARKET.json`; this
//! [device](crate::session::device_key) is `HOME/devices/HOST_PORT.json`; proofs of fraud are
//! `HOME/frauds/fraud-N.json`. The folders have mode 0700, the files 0600. A file is written under another name and
//! renamed, so that it is complete at every moment.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use auction_client::Token;
use auction_core::{MarketId, Name, SessionId, Timestamp};
use serde_json::{Value, json};

use crate::args::Shared;
use crate::output::failure::Failure;

/// The sessions of one market at one server.
#[derive(Clone, Debug)]
pub struct SessionStore {
    file: PathBuf,
}

/// A session that can be resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    pub name: Name,
    pub session: SessionId,
    pub token: Token,
    pub expires_at: Timestamp,
}

impl Shared {
    /// Returns the folder: the given one, or the default.
    pub fn state_dir(&self) -> Result<PathBuf, Failure> {
        self.home.clone().map_or_else(default_home, Ok)
    }
}

fn default_home() -> Result<PathBuf, Failure> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let folder = set("XDG_STATE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| set("LOCALAPPDATA"))
        .or_else(|| set("HOME").map(|home| home.join(".local").join("state")));
    let folder = folder.map(|folder| folder.join("auction"));
    folder.ok_or_else(|| {
        let message = "there is no place to remember the session; set AUCTION_HOME to a folder";
        Failure::usage(message)
    })
}

impl SessionStore {
    pub fn new(home: &Path, server: &str, market: MarketId) -> Self {
        let name = format!("{}-{market}.json", file_name(server));
        Self {
            file: home.join("sessions").join(name),
        }
    }

    /// Returns the session, if there is one. An unreadable file counts as none.
    pub fn load(&self) -> Result<Option<StoredSession>, Failure> {
        match fs::read_to_string(&self.file) {
            Ok(text) => Ok(parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.cannot("read", &error)),
        }
    }

    /// Reserves the file of a session, so that remembering one cannot fail later because of disk space or permissions.
    pub fn reserve(&self) -> Result<ReservedFile, Failure> {
        ReservedFile::reserve(&self.file).map_err(|error| self.cannot("write", &error))
    }

    /// Keeps the session in the reserved file, replacing the previous one.
    pub fn save(&self, reserved: ReservedFile, stored: &StoredSession) -> Result<(), Failure> {
        let kept = reserved.keep(print(stored).as_bytes());
        kept.map_err(|error| self.cannot("write", &error))
    }

    /// Forgets the session.
    pub fn forget(&self) -> Result<(), Failure> {
        remove(&self.file).map_err(|error| self.cannot("remove", &error))
    }

    fn cannot(&self, what: &str, error: &io::Error) -> Failure {
        Failure::failed(format!("cannot {what} {}: {error}", self.file.display()))
    }
}

/// Writes a complete file, replacing the previous one, in a folder that only its owner can read.
pub fn keep(file: &Path, bytes: &[u8]) -> io::Result<()> {
    ReservedFile::reserve(file)?.keep(bytes)
}

/// Space that is reserved before the content is known, so that a full or read-only disk is noticed first. Longer than a
/// session or the key of a device.
const RESERVED_BYTES: usize = 1_024;

/// A temporary file that replaces another once its content is written. Dropped before that, it is removed.
#[derive(Debug)]
pub struct ReservedFile {
    open: File,
    aside: PathBuf,
    file: PathBuf,
    is_kept: bool,
}

impl ReservedFile {
    /// Reserves space beside a file, in a folder that only its owner can read.
    pub fn reserve(file: &Path) -> io::Result<Self> {
        make_folder(file.parent().unwrap_or(Path::new(".")))?;
        // The process id keeps two programs that write at once apart.
        let aside = file.with_extension(format!("{}.new", std::process::id()));
        let mut reserved = Self {
            open: create_owned(&aside)?,
            aside,
            file: file.to_owned(),
            is_kept: false,
        };
        reserved.open.write_all(&[b' '; RESERVED_BYTES])?;
        reserved.open.sync_all()?;
        Ok(reserved)
    }

    /// Overwrites the reserved space with the content, and moves the file into place.
    pub fn keep(mut self, bytes: &[u8]) -> io::Result<()> {
        self.open.rewind()?;
        self.open.write_all(bytes)?;
        self.open.set_len(bytes.len() as u64)?;
        self.open.sync_all()?;
        fs::rename(&self.aside, &self.file)?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for ReservedFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // If this fails, a later process with this id overwrites it.
            let _ = fs::remove_file(&self.aside);
        }
    }
}

/// Removes a file, if it exists.
pub fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Converts a server's address to a part of a file name.
pub fn file_name(server: &str) -> String {
    let keep = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-');
    server
        .chars()
        .map(|char| if keep(char) { char } else { '_' })
        .collect()
}

fn print(stored: &StoredSession) -> String {
    let token: String = stored
        .token
        .reveal()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let value = json!({
        "name": stored.name.as_str(),
        "session": stored.session.0,
        "token": token,
        "expires_at_micros": stored.expires_at.micros(),
    });
    format!("{value}\n")
}

fn parse(text: &str) -> Option<StoredSession> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some(StoredSession {
        name: Name::parse(value.get("name")?.as_str()?).ok()?,
        session: SessionId(value.get("session")?.as_u64()?),
        token: token(value.get("token")?.as_str()?)?,
        expires_at: Timestamp::from_micros(value.get("expires_at_micros")?.as_u64()?)?,
    })
}

fn token(digits: &str) -> Option<Token> {
    let mut bytes = [0; 32];
    if digits.len() != 2 * bytes.len() || !digits.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(Token::new(bytes))
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // It may have existed with wider permissions.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(folder)
}

fn create_owned(file: &Path) -> io::Result<File> {
    // A file left by a crash may have other permissions: always create a new one.
    remove(file)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(name: &str) -> StoredSession {
        StoredSession {
            name: Name::parse(name).unwrap(),
            session: SessionId(7),
            token: Token::new(std::array::from_fn(|at| at as u8 * 8)),
            expires_at: Timestamp::from_secs(1_793_365_200),
        }
    }

    #[test]
    fn a_session_is_kept_by_server_and_market_until_it_is_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let at = |server, market| SessionStore::new(home.path(), server, MarketId([market; 16]));
        let here = at("127.0.0.1:2022", 1);
        assert_eq!(here.load().unwrap(), None);
        let save = |name| here.save(here.reserve().unwrap(), &stored(name)).unwrap();
        save("mia");
        save("tom");
        // An abandoned login leaves nothing behind, and forgets nothing.
        drop(here.reserve().unwrap());
        assert_eq!(here.load().unwrap(), Some(stored("tom")));
        assert_eq!(at("127.0.0.1:2023", 1).load().unwrap(), None);
        assert_eq!(at("127.0.0.1:2022", 2).load().unwrap(), None);
        here.forget().unwrap();
        here.forget().unwrap();
        assert_eq!(here.load().unwrap(), None);
        let left = fs::read_dir(home.path().join("sessions")).unwrap().count();
        assert_eq!(left, 0, "no temporary file is left");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("sessions");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let here = SessionStore::new(home.path(), "[::1]:2022", MarketId([1; 16]));
        here.save(here.reserve().unwrap(), &stored("mia")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&here.file), 0o600);
        assert!(
            here.file
                .ends_with("___1__2022-01010101010101010101010101010101.json")
        );
    }

    #[test]
    fn a_damaged_file_is_no_session() {
        for text in ["", "{", "{}", r#"{"name":"mia","session":1,"token":"zz"}"#] {
            assert_eq!(parse(text), None, "{text}");
        }
        let whole = print(&stored("mia"));
        assert_eq!(parse(&whole), Some(stored("mia")));
        assert_eq!(
            parse(&whole.replace("\"token\":\"00", "\"token\":\"")),
            None
        );
    }
}
