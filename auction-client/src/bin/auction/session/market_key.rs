//! The market's signing key: kept on first use, and refused if it is another later.
//!
//! `HOME/keys/MARKET.json`, readable by its owner only, as everything in that folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use auction_client::{Client, MarketKey, PublicKey, RequestError};
use auction_core::{MarketId, Timestamp};
use serde_json::{Value, json};

use crate::output::failure::Failure;
use crate::session::state_dir;

/// File with the key of one market.
#[derive(Clone, Debug)]
pub struct KeyStore {
    market: MarketId,
    file: PathBuf,
}

/// A kept key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    pub key: PublicKey,
    pub server: String,
    /// Time of keeping, by the server's clock.
    pub at: Timestamp,
}

impl KeyStore {
    pub fn new(state_dir: &Path, market: MarketId) -> Self {
        let file = state_dir.join("keys").join(format!("{market}.json"));
        Self { market, file }
    }

    /// Returns the key, if there is one.
    pub fn load(&self) -> Result<Option<StoredKey>, Failure> {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let message = format!("cannot read {}: {error}", self.file.display());
                return Err(Failure::failed(message));
            }
        };
        // A damaged file must not be ignored: any other key would be trusted then.
        let kept = parse(&text).filter(|(market, _)| *market == self.market);
        let kept = kept.map(|(_, kept)| kept).ok_or_else(|| {
            let file = self.file.display();
            Failure::failed(format!(
                "{file} is damaged: restore it, or `auction key forget` and compare the new key's fingerprint with \
                 what the operator says"
            ))
        })?;
        Ok(Some(kept))
    }

    /// Forgets the key.
    pub fn forget(&self) -> Result<(), Failure> {
        state_dir::remove(&self.file).map_err(|error| {
            Failure::failed(format!("cannot remove {}: {error}", self.file.display()))
        })
    }

    /// Requests the market's key, and keeps the first one. `None`: the market signs nothing.
    pub async fn meet(&self, client: &Client, server: &str) -> Result<Option<PublicKey>, Failure> {
        let told = match client.market_key().await {
            Ok(MarketKey { market, key }) if market == self.market => Some(key),
            Ok(MarketKey { market, .. }) => {
                let message = format!("the server sent the key of another market, {market}");
                return Err(Failure::not_connected(message));
            }
            // An older server knows no keys.
            Err(RequestError::Refused(_)) => None,
            Err(error) => return Err(error.into()),
        };
        match (self.load()?, told) {
            (None, None) => {}
            (Some(kept), Some(told)) if kept.key == told => {}
            (Some(kept), told) => return Err(self.changed(&kept, told.as_ref(), server)),
            (None, Some(key)) => self.keep(&StoredKey {
                key,
                server: server.to_owned(),
                at: client.clock().now(),
            }),
        }
        Ok(told)
    }

    fn keep(&self, kept: &StoredKey) {
        let (market, key) = (self.market, kept.key);
        let value = json!({
            "market_key": MarketKey { market, key },
            "fingerprint": key.fingerprint().to_string(),
            "server": kept.server,
            "kept_at_micros": kept.at.micros(),
        });
        // The command works without.
        if let Err(error) = state_dir::keep(&self.file, format!("{value}\n").as_bytes()) {
            tracing::warn!(file = %self.file.display(), %error, "the market's key is not remembered");
        }
    }

    fn changed(&self, kept: &StoredKey, told: Option<&PublicKey>, server: &str) -> Failure {
        let found = match told {
            Some(key) => key.fingerprint().to_string(),
            None => "none: it says that it signs nothing".to_owned(),
        };
        let message = format!(
            "THE MARKET'S KEY HAS CHANGED at {server}.\n  \
             kept   {}\n         (since {}, from {})\n  \
             found  {found}\n\
             Someone may be intercepting the connection, or the operator lost the file market.key. Only the kept key proves \
             what the market signed before, your receipts too. Nothing else was sent.\n\
             Ask the operator, over another channel than this connection, which fingerprint is right. If it is the found \
             one: `auction key forget`, and the next command keeps it.",
            kept.key.fingerprint(),
            crate::output::time::moment(kept.at),
            kept.server,
        );
        Failure::not_connected(message)
            .with_code("market_key_changed")
            .with_remedy("kept", json!(kept.key.fingerprint().to_string()))
            .with_remedy(
                "found",
                json!(told.map(|key| key.fingerprint().to_string())),
            )
    }
}

fn parse(text: &str) -> Option<(MarketId, StoredKey)> {
    let value: Value = serde_json::from_str(text).ok()?;
    let MarketKey { market, key } =
        serde_json::from_value(value.get("market_key")?.clone()).ok()?;
    let kept = StoredKey {
        key,
        server: value.get("server")?.as_str()?.to_owned(),
        at: Timestamp::from_micros(value.get("kept_at_micros")?.as_u64()?)?,
    };
    Some((market, kept))
}
