//! `auction checkpoint`

use std::path::Path;

use auction_client::{Code, MarketKey, RequestError, SignedCheckpoint, SignedError};
use serde_json::json;

use super::receipt::{failed, wrong_kind};
use crate::output::failure::Failure;
use crate::session::Context;
use crate::session::proof_file::{ProofFile, Signed};

pub async fn run(
    context: &Context,
    since: Option<&Path>,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let key = context.market_key()?;
    let kept = since.map(|file| read(file, &key)).transpose()?;
    let asked = match &kept {
        None => context.client.checkpoint(&key.key).await,
        Some(kept) => context.client.checkpoint_since(kept, &key.key).await,
    };
    let signed = match asked {
        Ok(signed) => signed,
        Err(error) => return Err(not_continued(error, &key, out)),
    };
    let statement = signed.verify(key.market, &key.key);
    let statement = statement.map_err(|error| failed(SignedError::Checkpoint(error)))?;
    let place = statement.checkpoint.sequence;
    let file = ProofFile {
        key,
        signed: Signed::Checkpoint(signed),
    };
    let Some(written) = file.write(out, format!("checkpoint-{place}.json"))? else {
        return Ok(());
    };
    let written = written.display().to_string();
    context.out.print(
        |_| {
            let goes_on = match since {
                Some(since) => format!(
                    "It is proved that they go on from those of {}: nothing of them was dropped, changed or reordered.\n",
                    since.display()
                ),
                None => String::new(),
            };
            format!(
                "The market has signed its journal up to record {place}, at {}.\n{goes_on}Kept in {written}.",
                statement.time
            )
        },
        || {
            json!({
                "market": file.key.market.to_string(),
                "fingerprint": file.key.key.fingerprint().to_string(),
                "record": place.0.to_string(),
                "chain": auction_proto::Chain(statement.checkpoint.chain).to_string(),
                "signed_at": statement.time.to_string(),
                "goes_on": since.is_some(),
                "file": written,
            })
        },
    )
}

/// Reads a kept checkpoint, of this market and its key.
fn read(file: &Path, key: &MarketKey) -> Result<SignedCheckpoint, Failure> {
    let kept = ProofFile::read(file)?;
    match kept.signed {
        Signed::Checkpoint(kept) => Ok(kept),
        _ => Err(wrong_kind(file, "checkpoint")),
    }
    .and_then(|checkpoint| match kept.key == *key {
        true => Ok(checkpoint),
        false => {
            let file = file.display();
            let message = format!(
                "{file}: it is of another market, or signed with another key than this market's"
            );
            Err(Failure::failed(message).with_code("other_key"))
        }
    })
}

/// Returns the error for a market that contradicts its signed checkpoint, and keeps the new checkpoint.
fn not_continued(error: SignedError, key: &MarketKey, out: Option<&Path>) -> Failure {
    match &error {
        SignedError::NotContinued { newest, signed, .. } => {
            let file = ProofFile {
                key: key.clone(),
                signed: Signed::Checkpoint((**signed).clone()),
            };
            let name = format!("not-continued-{}.json", newest.checkpoint.sequence);
            let kept = match file.write(out, name) {
                Ok(Some(file)) => format!("kept in {}", file.display()),
                Ok(None) => "shown".to_owned(),
                Err(failure) => failure.message().to_owned(),
            };
            let message = format!(
                "THE MARKET CONTRADICTS ITS SIGNED CHECKPOINT: {error}. A signed record was dropped, changed or \
                 reordered. Keep both checkpoints, because both are signed; the newer one is {kept}"
            );
            Failure::failed(message).with_code("not_continued")
        }
        SignedError::Request(RequestError::Refused(refused))
            if refused.code == Code::NO_RECEIPT =>
        {
            let message = format!(
                "THE MARKET HAS LOST WHAT IT HAD SIGNED, OR LIES: {}. Keep your checkpoint: it is signed",
                crate::output::escape::Escaped(&refused.message)
            );
            Failure::failed(message).with_code("not_continued")
        }
        _ => failed(error),
    }
}
