//! `auction fraud check`

use std::path::Path;

use auction_client::{Equivocation, MarketKey};
use auction_proto::Conflict;
use serde_json::{Value, json};

use super::receipt::wrong_kind;
use crate::args::Shared;
use crate::args::signed::Checked;
use crate::output::failure::Failure;
use crate::output::out::Out;
use crate::session::proof_file::{ProofFile, Signed, keep_fraud};

pub fn check(shared: &Shared, checked: &Checked) -> Result<(), Failure> {
    let mut files = checked.files.iter();
    files.try_for_each(|file| check_file(shared, checked, file))
}

/// Keeps the proof of an equivocation, and returns its description, for people and for programs.
pub fn keep(home: &Path, key: &MarketKey, fraud: &Equivocation) -> (String, Value) {
    let conflict = fraud.conflict.to_string();
    let (kept, file) = match keep_fraud(home, key, fraud) {
        Ok(file) => {
            let file = file.display().to_string();
            let kept =
                format!("The proof is kept; anyone can check it: auction fraud check {file}");
            (kept, Some(file))
        }
        // Reporting it matters more than keeping it.
        Err(failure) => (
            format!("The proof is not kept: {}", failure.message()),
            None,
        ),
    };
    let text = format!(
        "FRAUD: {conflict}. The market has signed both statements, and one of them is false. {kept}"
    );
    (text, json!({ "conflict": conflict, "file": file }))
}

fn check_file(shared: &Shared, checked: &Checked, path: &Path) -> Result<(), Failure> {
    let file = ProofFile::read(path)?;
    let Signed::Equivocation(proof) = &file.signed else {
        return Err(wrong_kind(path, "proof of fraud"));
    };
    let key = file.known_key(checked.key.key, &shared.state_dir()?)?;
    let conflict = proof.verify(key.market, &key.key).map_err(|error| {
        Failure::failed(format!("it proves no fraud: {error}")).with_code("not_proven")
    })?;
    let (kind, place) = match conflict {
        Conflict::Event(place) => ("event", place.0),
        Conflict::Digest(place) => ("digest", place.0),
        Conflict::Journal(place) => ("journal", place.0),
    };
    Out::new(shared.format()).print(
        |_| {
            format!(
                "FRAUD, proved: {conflict}.\nBoth statements are signed by market {} with the key {}: one of them is false.",
                key.market,
                key.key.fingerprint()
            )
        },
        || {
            json!({
                "fraud": true,
                "conflict": kind,
                "place": place.to_string(),
                "market": key.market.to_string(),
                "fingerprint": key.key.fingerprint().to_string(),
            })
        },
    )
}
