//! Passwords: argon2id, as PHC strings (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`).
//!
//! The cost is that of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use auction_core::Credential;
use zeroize::Zeroizing;

/// Maximum length of a password, in bytes: a longer one does not fit a login message.
pub const PASSWORD_BYTES_MAX: usize = auction_proto::limits::PASSWORD_BYTES_MAX;
/// Memory of one hash, in KiB, and the minimum for an imported hash.
pub const MEMORY_KIB: u32 = 19 * 1_024;
/// Passes over the memory. For an imported hash, memory times passes is at least as much.
pub const PASSES: u32 = 2;
/// Lanes.
pub const LANES: u32 = 1;
/// Maximum memory of an imported hash, in KiB: a login must not exhaust the machine's memory.
pub const MEMORY_KIB_MAX: u32 = 256 * 1_024;
/// Maximum of memory times passes of an imported hash, in KiB: 256 MiB four times over.
pub const WORK_KIB_MAX: u32 = 4 * MEMORY_KIB_MAX;
/// Maximum number of lanes of an imported hash.
pub const LANES_MAX: u32 = 8;
const SALT_BYTES: usize = 16;
const HASH_BYTES_MIN: usize = 16;

/// A hash without a known password, with the same cost as all hashes made here: a login with an unknown name
/// is checked against it, so that it takes as long as any other.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdC4uLg$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password, kept as briefly as possible: its `Debug` shows nothing, and its memory is wiped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a text of 1 to [`PASSWORD_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`PasswordError`] for another length.
    pub fn new(text: String) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text);
        match text.len() {
            0 => Err(PasswordError::Empty),
            1..=PASSWORD_BYTES_MAX => Ok(Self(text)),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// Passes the text to `look`, which must not keep it.
    pub(crate) fn reveal<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        look(&self.0)
    }

    /// Returns the hash to store, with a new salt. Takes tens of milliseconds and [`MEMORY_KIB`] of memory.
    #[must_use]
    pub fn hash(&self) -> Credential {
        self.hash_in(&mut Memory::default())
    }

    /// Like [`hash`](Self::hash), in reused memory.
    #[must_use]
    pub fn hash_in(&self, memory: &mut Memory) -> Credential {
        const IN_RANGE: &str = "the parameters, the salt and the length are in range";
        let salt: [u8; SALT_BYTES] = rand::random();
        let argon2 = argon2();
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        memory
            .run(&argon2, self, &salt, &mut output)
            .expect(IN_RANGE);
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon2.params()).expect(IN_RANGE),
            salt: Some(Salt::new(&salt).expect(IN_RANGE)),
            hash: Some(Output::new(&output).expect(IN_RANGE)),
        };
        Credential::new(hash.to_string().as_bytes()).expect("a PHC string of these lengths fits")
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Reason why a text is not a valid password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Empty.
    #[error("a password is not empty")]
    Empty,
    /// Too long.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
}

/// The memory for hashing, kept from one hash to the next: if blocks of this size and alignment are freed and allocated
/// each time, some systems' allocators collect many times their size.
#[derive(Debug, Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    fn run(
        &mut self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let blocks = argon2.params().block_count();
        self.0.resize(blocks.max(self.0.len()), Block::new());
        let password = password.0.as_bytes();
        let memory = &mut self.0[..blocks];
        let ran = argon2.hash_password_into_with_memory(password, salt, output, memory);
        // Extra memory for an imported hash is not kept.
        self.0.truncate(MEMORY_KIB as usize);
        self.0.shrink_to_fit();
        ran
    }
}

/// Checks logins, and counts the checks.
#[derive(Debug, Default)]
pub struct Checker {
    checks: AtomicU64,
}

impl Checker {
    /// Checks the password of an account with exactly one verification, also for an account that does not exist
    /// (`None`), which is never right. Takes tens of milliseconds.
    pub fn check(
        &self,
        credential: Option<&Credential>,
        password: &Password,
        memory: &mut Memory,
    ) -> bool {
        self.checks.fetch_add(1, Ordering::Relaxed);
        let stored = credential.and_then(|credential| str::from_utf8(credential.as_bytes()).ok());
        let hash = stored.and_then(|text| PasswordHash::new(text).ok());
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| PasswordHash::new(NOBODY).expect("a valid constant"));
        let is_right = is_right(&hash, password, memory);
        is_known && is_right
    }

    /// Number of verifications so far.
    #[must_use]
    pub fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }
}

/// Imports a hash that was made elsewhere.
///
/// # Errors
/// [`HashError`] when it is not an argon2id hash, too cheap to protect a password, or too costly to check.
pub fn import(text: &str) -> Result<Credential, HashError> {
    let hash = PasswordHash::new(text).map_err(|_| HashError::NoHash)?;
    let algorithm = hash.algorithm.as_str();
    if algorithm != Algorithm::Argon2id.as_str() {
        return Err(HashError::Algorithm);
    }
    if hash.version != Some(Version::V0x13.into()) {
        return Err(HashError::Version);
    }
    let names = hash.params.iter().map(|(name, _)| name.to_string());
    if !names.eq(["m", "t", "p"]) {
        return Err(HashError::NoHash);
    }
    let params = Params::try_from(&hash).map_err(|_| HashError::NoHash)?;
    let has_salt = hash.salt.is_some();
    let has_output = hash
        .hash
        .is_some_and(|output| output.len() >= HASH_BYTES_MIN);
    if !has_salt || !has_output {
        return Err(HashError::NoHash);
    }
    let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() < MEMORY_KIB || work < u64::from(MEMORY_KIB * PASSES) {
        return Err(HashError::TooCheap);
    }
    if params.m_cost() > MEMORY_KIB_MAX
        || work > u64::from(WORK_KIB_MAX)
        || params.p_cost() > LANES_MAX
    {
        return Err(HashError::TooCostly);
    }
    Credential::new(text.as_bytes()).ok_or(HashError::NoHash)
}

/// Reason why a hash cannot be imported. No message shows the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Invalid format.
    #[error(
        "is no password hash; expected a PHC string such as $argon2id$v=19$m=19456,t=2,p=1$salt$hash"
    )]
    NoHash,
    /// Another algorithm.
    #[error("is of another algorithm; expected argon2id")]
    Algorithm,
    /// Another version of the algorithm.
    #[error("is of another version of argon2; expected v=19")]
    Version,
    /// Too cheap.
    #[error("is too cheap; expected at least m={MEMORY_KIB},t={PASSES},p={LANES}")]
    TooCheap,
    /// Too costly.
    #[error(
        "is too costly to check at each login; expected at most m={MEMORY_KIB_MAX}, m*t={WORK_KIB_MAX} \
         and p={LANES_MAX}"
    )]
    TooCostly,
}

/// One verification, compared in constant time; `false` for a hash that was not made by argon2id.
fn is_right(hash: &PasswordHash, password: &Password, memory: &mut Memory) -> bool {
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
        return false;
    };
    let Ok(params) = Params::try_from(hash) else {
        return false;
    };
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; Output::MAX_LENGTH];
    let output = &mut output[..expected.len()];
    let ran = memory.run(&argon2, password, salt, output);
    // `Output` compares in constant time.
    ran.is_ok() && Output::new(output).is_ok_and(|output| output == *expected)
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the cost is in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    #[test]
    fn only_the_right_password_logs_in_and_each_costs_one_check() {
        let (checker, mut memory) = (Checker::default(), Memory::default());
        let mia = password("correct horse").hash();
        let other_salt = password("correct horse").hash();
        assert_ne!(mia, other_salt);
        assert!(checker.check(Some(&mia), &password("correct horse"), &mut memory));
        assert!(!checker.check(Some(&mia), &password("correct horse "), &mut memory));
        assert!(!checker.check(None, &password("correct horse"), &mut memory));
        let broken = Credential::new(b"not a hash").unwrap();
        assert!(!checker.check(Some(&broken), &password("correct horse"), &mut memory));
        assert_eq!(checker.checks(), 4);
    }

    #[test]
    fn nobodys_hash_and_every_hash_made_here_could_be_imported() {
        assert_eq!(import(NOBODY).unwrap().as_bytes(), NOBODY.as_bytes());
        let made = password("x").hash();
        let text = str::from_utf8(made.as_bytes()).unwrap();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(import(text), Ok(made.clone()));
    }

    #[test]
    fn a_hash_is_imported_only_if_it_protects_and_does_not_exhaust() {
        let with = |head: &str| {
            import(&format!(
                "{head}$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            ))
            .map(|_| ())
        };
        let cases = [
            ("$argon2id$v=19$m=19456,t=2,p=1", Ok(())),
            ("$argon2id$v=19$m=65536,t=3,p=4", Ok(())),
            ("$argon2id$v=19$m=47104,t=1,p=1", Ok(())),
            ("$argon2id$v=19$m=262144,t=4,p=8", Ok(())),
            ("$argon2id$v=19$m=19455,t=9,p=1", Err(HashError::TooCheap)),
            ("$argon2id$v=19$m=19456,t=1,p=1", Err(HashError::TooCheap)),
            ("$argon2id$v=19$m=262145,t=1,p=1", Err(HashError::TooCostly)),
            (
                "$argon2id$v=19$m=4294967295,t=1,p=1",
                Err(HashError::TooCostly),
            ),
            (
                "$argon2id$v=19$m=19456,t=4294967295,p=1",
                Err(HashError::TooCostly),
            ),
            ("$argon2id$v=19$m=19456,t=2,p=9", Err(HashError::TooCostly)),
            ("$argon2i$v=19$m=19456,t=2,p=1", Err(HashError::Algorithm)),
            ("$argon2id$v=16$m=19456,t=2,p=1", Err(HashError::Version)),
            ("$argon2id$m=19456,t=2,p=1", Err(HashError::Version)),
            ("$scrypt$ln=16,r=8,p=1", Err(HashError::Algorithm)),
            ("$2b$12", Err(HashError::NoHash)),
            (
                "$argon2id$v=19$m=19456,t=2,p=1,data=AAAA",
                Err(HashError::NoHash),
            ),
            ("", Err(HashError::NoHash)),
        ];
        for (head, expected) in cases {
            assert_eq!(with(head), expected, "{head}");
        }
        assert_eq!(
            import("$argon2id$v=19$m=19456,t=2,p=1"),
            Err(HashError::NoHash)
        );
        assert_eq!(import("hunter2"), Err(HashError::NoHash));
    }

    #[test]
    fn a_password_has_1_to_128_bytes_and_never_shows_itself() {
        assert_eq!(
            Password::new(String::new()).unwrap_err(),
            PasswordError::Empty
        );
        assert_eq!(
            Password::new("x".repeat(129)).unwrap_err(),
            PasswordError::TooLong
        );
        assert_eq!(format!("{:?}", password("secret")), "Password(..)");
    }
}
