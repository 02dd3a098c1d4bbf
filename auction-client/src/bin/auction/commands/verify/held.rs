//! Receipts and checkpoints to compare a journal with.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use auction_client::{Equivocation, EvidenceError, MarketKey, Verifier};
use auction_proto::{CheckpointStatement, Conflict, Proven};
use serde_json::{Value, json};

use super::Held;
use crate::commands::receipt::{describe, wrong_kind};
use crate::output::failure::Failure;
use crate::session::proof_file::{ProofFile, Signed as InFile, keep_fraud};

/// Signed statements, with their files.
#[derive(Default)]
pub struct Signed {
    receipts: Vec<(PathBuf, Proven)>,
    checkpoints: Vec<(PathBuf, CheckpointStatement)>,
}

impl Held<'_> {
    /// Reads and checks all files, and registers them with the verifier.
    pub fn hold(&self, verifier: &mut Verifier, home: &Path) -> Result<Signed, Failure> {
        let mut signed = Signed::default();
        for path in self.receipts {
            let (file, key) = self.open(path, home)?;
            let InFile::Receipt(receipt) = &file.signed else {
                return Err(wrong_kind(path, "receipt"));
            };
            let proven = verifier.hold_receipt(receipt, key.market, &key.key);
            let proven = proven.map_err(|error| unfit(path, error, home, &key))?;
            signed.receipts.push((path.clone(), proven));
        }
        for path in self.checkpoints {
            let (file, key) = self.open(path, home)?;
            let InFile::Checkpoint(checkpoint) = &file.signed else {
                return Err(wrong_kind(path, "checkpoint"));
            };
            let statement = verifier.hold_checkpoint(checkpoint, key.market, &key.key);
            let statement = statement.map_err(|error| unfit(path, error, home, &key))?;
            signed.checkpoints.push((path.clone(), statement));
        }
        Ok(signed)
    }

    fn open(&self, path: &Path, home: &Path) -> Result<(ProofFile, MarketKey), Failure> {
        let file = ProofFile::read(path)?;
        let key = file.known_key(self.key, home)?;
        Ok((file, key))
    }
}

impl Signed {
    pub fn receipts(&self) -> impl Iterator<Item = &Proven> {
        self.receipts.iter().map(|(_, proven)| proven)
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for (file, proven) in &self.receipts {
            let what = proven.asked.as_ref().map(|asked| describe(&asked.command));
            let _ = writeln!(
                text,
                "the receipt {} holds: record {} is {}, as the market had signed it",
                file.display(),
                proven.record.sequence,
                what.as_deref().unwrap_or("what stays hidden"),
            );
        }
        for (file, statement) in &self.checkpoints {
            let _ = writeln!(
                text,
                "the checkpoint {} holds: records 1 to {} are those that the market had signed at {}",
                file.display(),
                statement.checkpoint.sequence,
                statement.time,
            );
        }
        text
    }

    pub fn receipts_json(&self) -> Value {
        let receipts = self.receipts.iter().map(|(file, proven)| {
            let asked = proven.asked.as_ref();
            json!({
                "file": file.display().to_string(),
                "record": proven.record.sequence.0.to_string(),
                "user": proven.user().map(|user| user.0),
                "what": asked.map(|asked| describe(&asked.command)),
            })
        });
        receipts.collect()
    }

    pub fn checkpoints_json(&self) -> Value {
        let checkpoints = self.checkpoints.iter().map(|(file, statement)| {
            json!({
                "file": file.display().to_string(),
                "record": statement.checkpoint.sequence.0.to_string(),
                "signed_at": statement.time.to_string(),
            })
        });
        checkpoints.collect()
    }
}

/// Returns the error for a statement that cannot be compared with a journal. Two contradicting statements are kept as a
/// proof.
fn unfit(path: &Path, error: EvidenceError, home: &Path, key: &MarketKey) -> Failure {
    let path = path.display();
    match error {
        EvidenceError::Equivocation { sequence, proof } => {
            let conflict = Conflict::Journal(sequence);
            let proof = *proof;
            let kept = keep_fraud(home, key, &Equivocation { proof, conflict });
            let kept = match &kept {
                Ok(file) => format!("the proof is kept in {}", file.display()),
                Err(failure) => failure.message().to_owned(),
            };
            Failure::failed(format!("{path}: {conflict}: THAT IS FRAUD; {kept}")).with_code("fraud")
        }
        error @ EvidenceError::Differs { .. } => {
            Failure::failed(format!("{path}: {error}")).with_code("fraud")
        }
        error => Failure::failed(format!("{path}: {error}")).with_code("not_proven"),
    }
}
