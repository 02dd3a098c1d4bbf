//! The data folder: what people put in, what they take out, and the journal.

use std::path::{Path, PathBuf};

const STOCKS: &str = "stocks.csv";
/// Where in a data folder the market of a demo lies.
const DEMO: &str = "demo";

/// A folder that holds one market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    path: PathBuf,
    stocks: PathBuf,
}

impl DataDir {
    /// The folder at `path`. Touches nothing.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let stocks = path.join(STOCKS);
        Self { path, stocks }
    }

    /// The folder of a demo within this one: a market of its own, of the same stocks.
    #[must_use]
    pub fn demo(&self) -> Self {
        Self {
            path: self.path.join(DEMO),
            stocks: self.stocks.clone(),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The stocks, to be put in: [`listing`](crate::config::csv::stocks).
    #[must_use]
    pub fn stocks(&self) -> PathBuf {
        self.stocks.clone()
    }

    /// The accounts, to be put in: [`accounts`](crate::config::csv::users).
    #[must_use]
    pub fn users(&self) -> PathBuf {
        self.path.join("users.csv")
    }

    /// The lots of a round, to be put in: [`lots`](crate::config::csv::lots).
    #[must_use]
    pub fn lots(&self) -> PathBuf {
        self.path.join("lots.csv")
    }

    /// Each trader's latest bid a stock, to be taken out.
    #[must_use]
    pub fn client(&self) -> PathBuf {
        self.path.join("client.csv")
    }

    /// The settings, when no other file is named.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.path.join("auction.toml")
    }

    /// The certificate and key that the server made for itself.
    #[must_use]
    pub fn self_signed(&self) -> PathBuf {
        self.path.join("tls").join("self-signed.pem")
    }

    /// The secret that the market signs with: [`signing`](crate::projections::signing).
    #[must_use]
    pub fn market_key(&self) -> PathBuf {
        self.path.join("market.key")
    }

    /// The hashes of the journal's tree, made anew by each server: [`signing`](crate::projections::signing).
    #[must_use]
    pub fn hashes(&self) -> PathBuf {
        self.journal().join("hashes.tmp")
    }

    /// The folder of the [`journal`](crate::journal).
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }
}
