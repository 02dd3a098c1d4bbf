//! Files with signed data: JSON in the protocol's own form, beside the market's key.
//!
//! ```json
//! {"market_key": {"market": "..", "key": ".."}, "fingerprint": "..", "receipt": {..}}
//! ```
//! Instead of `receipt` there can be `checkpoint`, or `fraud`: two messages, each `{"signed_batch": {..}}` or the like.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use auction_client::{Equivocation, MarketKey, Receipt, SignedCheckpoint};
use auction_proto::{AnySigned, EquivocationProof, KeyFingerprint, SignedBatch, SignedSnapshot};
use serde_json::{Value, json};

use crate::output::failure::Failure;
use crate::session::market_key::KeyStore;
use crate::session::state_dir;

/// Largest file to read, in bytes: two signed snapshots of the largest market fit.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// File name that means standard output.
const STANDARD_OUTPUT: &str = "-";
/// Maximum number of kept proofs of fraud.
const FRAUDS_MAX: u32 = 1_000;

/// Content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    Receipt(Receipt),
    Checkpoint(SignedCheckpoint),
    Equivocation(EquivocationProof),
}

/// Signed data, with the market and key that the file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    pub key: MarketKey,
    pub signed: Signed,
}

impl ProofFile {
    /// Reads a file without checking its content.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let failed = |why: String| Failure::failed(format!("{}: {why}", file.display()));
        let mut bytes = Vec::new();
        let opened = File::open(file).map_err(|error| failed(error.to_string()))?;
        let read = opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(failed("it is too large for anything signed".to_owned()));
        }
        parse(&bytes).ok_or_else(|| {
            let why = "it is no receipt, checkpoint or proof of fraud as this program writes them";
            failed(why.to_owned()).with_code("not_signed")
        })
    }

    /// Returns the market's key, if it is the known one: by the typed fingerprint, else the kept key.
    pub fn known_key(
        &self,
        typed: Option<KeyFingerprint>,
        state_dir: &Path,
    ) -> Result<MarketKey, Failure> {
        let found = self.key.key.fingerprint();
        let (expected, whence) = match typed {
            Some(typed) => (typed, "given by --key"),
            None => match KeyStore::new(state_dir, self.key.market).load()? {
                Some(kept) => (kept.key.fingerprint(), "kept for this market"),
                None => {
                    let market = self.key.market;
                    let message = format!(
                        "it is signed with the key {found}, and no key of market {market} is known here. If this is the \
                         market's fingerprint, as its server prints it and its operator tells it, give it: --key {found}"
                    );
                    let failure = Failure::failed(message).with_code("key_unknown");
                    return Err(failure.with_remedy("key", json!(found.to_string())));
                }
            },
        };
        if found == expected {
            return Ok(self.key.clone());
        }
        let message = format!("it is signed with the key {found}, and {expected} was {whence}");
        Err(Failure::failed(message)
            .with_code("other_key")
            .with_remedy("key", json!(found.to_string())))
    }

    /// Writes the file: to the given path, else under its default name here. Other files are not overwritten. Returns
    /// the path, or nothing for standard output.
    pub fn write(&self, out: Option<&Path>, name: String) -> Result<Option<PathBuf>, Failure> {
        let text = format!("{}\n", self.json());
        if out == Some(Path::new(STANDARD_OUTPUT)) {
            io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(None);
        }
        let file = out.map_or_else(|| PathBuf::from(name), Path::to_owned);
        let failed = |error: io::Error| Failure::failed(format!("{}: {error}", file.display()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // A receipt shows a bid that may be hidden: only its owner may read the file.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let created = options.open(&file);
        match created {
            Ok(mut opened) => opened.write_all(text.as_bytes()).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = Self::read(&file).ok();
                if !there.is_some_and(|there| there.is_replaced_by(self)) {
                    let why =
                        io::Error::other("something else is there; name another file with --out");
                    return Err(failed(why));
                }
                fs::write(&file, text).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(Some(file))
    }

    /// Returns true if replacement loses nothing: the other is a receipt of the same record, or has the same place.
    fn is_replaced_by(&self, other: &Self) -> bool {
        let same = match (&self.signed, &other.signed) {
            (Signed::Receipt(here), Signed::Receipt(there)) => here.record == there.record,
            (Signed::Checkpoint(here), Signed::Checkpoint(there)) => {
                let place = |signed: &SignedCheckpoint| {
                    let statement = signed.verify(self.key.market, &self.key.key);
                    statement.ok().map(|statement| statement.checkpoint)
                };
                place(here).is_some_and(|here| Some(here) == place(there))
            }
            _ => false,
        };
        same && self.key == other.key
    }

    pub fn json(&self) -> Value {
        let mut value = json!({
            "market_key": &self.key,
            "fingerprint": self.key.key.fingerprint().to_string(),
        });
        match &self.signed {
            Signed::Receipt(receipt) => value["receipt"] = json!(receipt),
            Signed::Checkpoint(checkpoint) => value["checkpoint"] = json!(checkpoint),
            Signed::Equivocation(proof) => {
                value["fraud"] = json!([any(&proof.first), any(&proof.second)]);
            }
        }
        value
    }
}

/// Keeps a proof of fraud in the state folder, and returns the file.
pub fn keep_fraud(
    state_dir: &Path,
    key: &MarketKey,
    fraud: &Equivocation,
) -> Result<PathBuf, Failure> {
    let proof = ProofFile {
        key: key.clone(),
        signed: Signed::Equivocation(fraud.proof.clone()),
    };
    let folder = state_dir.join("frauds");
    let names = (1..=FRAUDS_MAX).map(|number| folder.join(format!("fraud-{number}.json")));
    for file in names {
        match ProofFile::read(&file) {
            Ok(there) if there == proof => return Ok(file),
            Ok(_) => {}
            Err(_) if file.exists() => {}
            Err(_) => {
                let kept = state_dir::keep(&file, format!("{}\n", proof.json()).as_bytes());
                let failed = |error| Failure::failed(format!("{}: {error}", file.display()));
                return kept.map(|()| file.clone()).map_err(failed);
            }
        }
    }
    let folder = folder.display();
    Err(Failure::failed(format!(
        "{folder} is full of proofs of fraud"
    )))
}

fn any(signed: &AnySigned) -> Value {
    match signed {
        AnySigned::Batch(batch) => json!({ "signed_batch": batch }),
        AnySigned::Snapshot(snapshot) => json!({ "signed_snapshot": snapshot }),
        AnySigned::Checkpoint(checkpoint) => json!({ "signed_checkpoint": checkpoint }),
    }
}

fn parse(bytes: &[u8]) -> Option<ProofFile> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let of = |name: &str| value.get(name).cloned();
    let key = serde_json::from_value(of("market_key")?).ok()?;
    let signed = if let Some(receipt) = of("receipt") {
        Signed::Receipt(serde_json::from_value(receipt).ok()?)
    } else if let Some(checkpoint) = of("checkpoint") {
        Signed::Checkpoint(serde_json::from_value(checkpoint).ok()?)
    } else {
        let fraud = of("fraud")?;
        let [first, second] = fraud.as_array()?.as_slice() else {
            return None;
        };
        Signed::Equivocation(EquivocationProof {
            first: parse_any(first)?,
            second: parse_any(second)?,
        })
    };
    Some(ProofFile { key, signed })
}

fn parse_any(value: &Value) -> Option<AnySigned> {
    let of = |name: &str| value.get(name).cloned();
    if let Some(batch) = of("signed_batch") {
        let batch: SignedBatch = serde_json::from_value(batch).ok()?;
        return Some(AnySigned::Batch(batch));
    }
    if let Some(snapshot) = of("signed_snapshot") {
        let snapshot: SignedSnapshot = serde_json::from_value(snapshot).ok()?;
        return Some(AnySigned::Snapshot(snapshot));
    }
    let checkpoint = serde_json::from_value(of("signed_checkpoint")?).ok()?;
    Some(AnySigned::Checkpoint(checkpoint))
}
