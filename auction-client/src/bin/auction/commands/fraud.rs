//! `auction fraud check`

use auction_proto::Conflict;
use serde_json::json;

use super::receipt::wrong_kind;
use crate::cli::Shared;
use crate::failure::Failure;
use crate::out::Out;
use crate::proof_file::{ProofFile, Signed};
use crate::signed::Checked;

pub fn check(shared: &Shared, checked: &Checked) -> Result<(), Failure> {
    let file = ProofFile::read(&checked.file)?;
    let Signed::Fraud(proof) = &file.signed else {
        return Err(wrong_kind(&checked.file, "proof of fraud"));
    };
    let key = file.known_key(checked.key.key, &shared.home()?)?;
    let conflict = proof.verify(key.market, &key.key).map_err(|error| {
        Failure::failed(format!("it proves no fraud: {error}")).with_code("not_proven")
    })?;
    let (kind, place) = match conflict {
        Conflict::Event(place) => ("event", place.0),
        Conflict::Digest(place) => ("digest", place.0),
        Conflict::Journal(place) => ("journal", place.0),
    };
    Out::new(shared.form()).tell(
        |_| {
            format!(
                "FRAUD, proved: {conflict}.\nBoth are signed by market {} with the key {}: one of them is a lie.",
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
