//! Sealing, signing and opening of envelopes and their answers (feature `seal`): HPKE (RFC 9180) in base mode, with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305, around an Ed25519 signature.
//!
//! ```text
//! sealed    enc (32) | ciphertext of the contents, and its tag (16)
//! contents  length of the statement, u16 little-endian | statement | signature (64) | zeros
//! info      purpose | market (16), and for an answer the SHA-256 of its envelope (32)
//! signed    purpose | enc | statement
//! ```
//!
//! Only the signature inside identifies the sender of an envelope: programs that carry it do not learn who it is. The
//! market is part of HPKE's `info`, so that an envelope to one market does not open for another market with the same
//! key; `enc` is signed, so that even the market cannot pass the contents on under another seal. An answer is sealed to
//! a key from its envelope, and bound to that envelope: no other answer of the market opens in its place.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use auction_core::{DeviceKey, MarketId};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use sha2::{Digest as _, Sha256};

use crate::encoding::codec;
use crate::limits::{ANSWER_CONTENTS_BYTES, ENVELOPE_CONTENTS_BYTES};
use crate::message::body::{
    AnswerStatement, Envelope, EnvelopeStatement, SealedAnswer, SealingKey, SealingKeyStatement,
};
use crate::signature::{PublicKey, Signature, SignatureError, SigningKey};

const ENVELOPE_PURPOSE: &[u8] = b"auction.envelope.1";
const ANSWER_PURPOSE: &[u8] = b"auction.answer.1";

/// Bytes of HPKE's encapsulated key.
const ENC_BYTES: usize = 32;
/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 64;
/// Bytes of the length before a statement.
const LENGTH_BYTES: usize = 2;

type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
type Public = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// Reason why sealed bytes are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes do not open with this key: they were sealed to another key, or for another market or envelope, or
    /// were changed on the way.
    #[error(
        "it does not open: it was sealed to another key or for another market, or changed on the way"
    )]
    Sealed,
    /// The bytes open, but their contents are invalid.
    #[error("it opens, and what is in it is malformed")]
    Malformed,
    /// The bytes open, but the signature inside is by another key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The key to seal to is not valid: a message sealed to it would not be secret.
    #[error("the key to seal to is no X25519 key")]
    Key,
}

/// Secret half of a key that others seal to: a market's key, or one that a trader makes for a single answer. Its
/// `Debug` shows nothing of it, and it is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct OpeningKey {
    private: Private,
    public: [u8; 32],
}

impl OpeningKey {
    /// Derives the key from these 32 bytes (`DeriveKeyPair` of RFC 9180). They must come from a secure source of
    /// randomness; wipe them afterwards.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        let (private, public) = X25519HkdfSha256::derive_keypair(secret);
        let public = public.to_bytes().into();
        Self { private, public }
    }

    /// Returns the public half, which others seal to.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// Returns the market's signed statement of this key.
    #[must_use]
    pub fn signed(&self, market: MarketId, key: &SigningKey) -> SealingKey {
        let statement = SealingKeyStatement {
            market,
            key: self.public,
        };
        SealingKey::sign(&statement, key)
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpeningKey(..)")
    }
}

/// An opened envelope, whose signature must still be checked with the key of its device.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The request.
    pub statement: EnvelopeStatement,
    contents: Contents,
}

impl Opened {
    /// Checks the device's signature.
    ///
    /// # Errors
    /// [`SignatureError`] when it is not by this key.
    pub fn verify(&self, device: DeviceKey) -> Result<(), SignatureError> {
        self.contents.verify(ENVELOPE_PURPOSE, &PublicKey(device.0))
    }
}

impl EnvelopeStatement {
    /// Signs the request with the device's key, and seals it to a market's key. `randomness` must be 32 bytes from a
    /// secure source, drawn for this envelope only.
    ///
    /// # Errors
    /// [`SealError::Key`] when the market's key is not valid.
    pub fn seal(
        &self,
        device: &SigningKey,
        market_key: &SealingKeyStatement,
        randomness: &[u8; 32],
    ) -> Result<Envelope, SealError> {
        let mut statement = Vec::new();
        codec::append(self, &mut statement);
        let info = info(ENVELOPE_PURPOSE, self.market, &[]);
        let to = (&market_key.key, info.as_slice());
        let signer = (ENVELOPE_PURPOSE, device);
        let sealed = seal(to, signer, &statement, ENVELOPE_CONTENTS_BYTES, randomness)?;
        let sealed = sealed.try_into().expect("all envelopes are equally long");
        Ok(Envelope { sealed })
    }
}

impl Envelope {
    /// Returns the SHA-256 of the sealed bytes, which identifies this envelope.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&*self.sealed).into()
    }

    /// Opens the envelope. The signature must still be checked: [`Opened::verify`].
    ///
    /// # Errors
    /// [`SealError::Sealed`] and [`SealError::Malformed`].
    pub fn open(&self, market: MarketId, key: &OpeningKey) -> Result<Opened, SealError> {
        let info = info(ENVELOPE_PURPOSE, market, &[]);
        let contents = open(&self.sealed, &info, key, ENVELOPE_CONTENTS_BYTES)?;
        let statement: EnvelopeStatement =
            codec::read(&contents.statement).map_err(|_| SealError::Malformed)?;
        if statement.market != market {
            return Err(SealError::Sealed);
        }
        Ok(Opened {
            statement,
            contents,
        })
    }
}

impl AnswerStatement {
    /// Signs the answer with the market's key, and seals it to the key from the envelope. `randomness` must be 32
    /// bytes from a secure source, drawn for this answer only.
    ///
    /// # Errors
    /// [`SealError::Key`] when the envelope's key is not valid.
    pub fn seal(
        &self,
        market: &SigningKey,
        answer_key: &[u8; 32],
        randomness: &[u8; 32],
    ) -> Result<SealedAnswer, SealError> {
        let mut statement = Vec::new();
        codec::append(self, &mut statement);
        let info = info(ANSWER_PURPOSE, self.market, &self.envelope);
        let signer = (ANSWER_PURPOSE, market);
        let to = (answer_key, info.as_slice());
        let sealed = seal(to, signer, &statement, ANSWER_CONTENTS_BYTES, randomness)?;
        let sealed = sealed.try_into().expect("all answers are equally long");
        Ok(SealedAnswer { sealed })
    }
}

impl SealedAnswer {
    /// Opens the answer to an envelope: `envelope` is [its hash](Envelope::hash), `key` the secret half of the key in
    /// it.
    ///
    /// # Errors
    /// [`SealError`] when the bytes are not the market's answer to this envelope, or were changed.
    pub fn open(
        &self,
        envelope: &[u8; 32],
        key: &OpeningKey,
        (market, market_key): (MarketId, &PublicKey),
    ) -> Result<AnswerStatement, SealError> {
        let info = info(ANSWER_PURPOSE, market, envelope);
        let contents = open(&self.sealed, &info, key, ANSWER_CONTENTS_BYTES)?;
        contents.verify(ANSWER_PURPOSE, market_key)?;
        let statement: AnswerStatement =
            codec::read(&contents.statement).map_err(|_| SealError::Malformed)?;
        if statement.market != market || statement.envelope != *envelope {
            return Err(SealError::Sealed);
        }
        Ok(statement)
    }
}

/// Sealed contents: a statement, and its signature under this seal.
#[derive(Clone, Debug)]
struct Contents {
    enc: [u8; ENC_BYTES],
    statement: Vec<u8>,
    signature: Signature,
}

impl Contents {
    fn verify(&self, purpose: &[u8], key: &PublicKey) -> Result<(), SignatureError> {
        let signed = [&self.enc, &*self.statement].concat();
        key.verify(purpose, &signed, &self.signature)
    }
}

fn info(purpose: &[u8], market: MarketId, envelope: &[u8]) -> Vec<u8> {
    [purpose, &market.0, envelope].concat()
}

fn seal(
    (to, info): (&[u8; 32], &[u8]),
    (purpose, signer): (&[u8], &SigningKey),
    statement: &[u8],
    contents_bytes: usize,
    randomness: &[u8; 32],
) -> Result<Vec<u8>, SealError> {
    let to = Public::from_bytes(to).map_err(|_| SealError::Key)?;
    let mut drawn = Drawn(Some(*randomness));
    let (enc, mut context) = hpke::setup_sender_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
    >(&OpModeS::Base, &to, info, &mut drawn)
    .map_err(|_| SealError::Key)?;
    let enc: [u8; ENC_BYTES] = enc.to_bytes().into();
    let signature = signer.sign(purpose, &[&enc, statement].concat());
    let length = u16::try_from(statement.len()).expect("a statement is short");
    let mut contents = Vec::with_capacity(contents_bytes);
    contents.extend_from_slice(&length.to_le_bytes());
    contents.extend_from_slice(statement);
    contents.extend_from_slice(&signature.0);
    assert!(
        contents.len() <= contents_bytes,
        "every statement keeps within its contents"
    );
    contents.resize(contents_bytes, 0);
    let sealed = context.seal(&contents, &[]);
    let sealed = sealed.expect("the first message of a context is sealed");
    Ok([&enc, &*sealed].concat())
}

fn open(
    sealed: &[u8],
    info: &[u8],
    key: &OpeningKey,
    contents_bytes: usize,
) -> Result<Contents, SealError> {
    let (enc, ciphertext) = sealed.split_first_chunk().ok_or(SealError::Sealed)?;
    let encapsulated = Encapsulated::from_bytes(enc).map_err(|_| SealError::Sealed)?;
    let context = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key.private,
        &encapsulated,
        info,
    );
    let mut context = context.map_err(|_| SealError::Sealed)?;
    let contents = context.open(ciphertext, &[]);
    let contents = contents.map_err(|_| SealError::Sealed)?;
    if contents.len() != contents_bytes {
        return Err(SealError::Malformed);
    }
    read_contents(*enc, &contents).ok_or(SealError::Malformed)
}

fn read_contents(enc: [u8; ENC_BYTES], contents: &[u8]) -> Option<Contents> {
    let (length, rest) = contents.split_first_chunk::<LENGTH_BYTES>()?;
    let (statement, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    let (signature, zeros) = rest.split_first_chunk::<SIGNATURE_BYTES>()?;
    zeros.iter().all(|byte| *byte == 0).then(|| Contents {
        enc,
        statement: statement.to_vec(),
        signature: Signature(*signature),
    })
}

/// Returns the bytes that the caller drew, once: a `no_std` crate has no source of randomness.
struct Drawn(Option<[u8; 32]>);

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("a key is made of bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a key is made of bytes")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let drawn = self.0.take().expect("one key is made");
        bytes.copy_from_slice(&drawn);
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}
