//! The data folder: input files, output files, and the journal.

use std::path::{Path, PathBuf};

const STOCKS: &str = "stocks.csv";
/// Subfolder of a data folder with the market of a demo.
const DEMO: &str = "demo";

/// A folder that holds one market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    path: PathBuf,
    stocks: PathBuf,
}

impl DataDir {
    /// The folder at `path`. Does not access the disk.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let stocks = path.join(STOCKS);
        Self { path, stocks }
    }

    /// The folder of a demo within this one: a separate market with the same stocks.
    #[must_use]
    pub fn demo(&self) -> Self {
        Self {
            path: self.path.join(DEMO),
            stocks: self.stocks.clone(),
        }
    }

    /// Returns whether this is the folder of a demo that has not been started yet: an account made there would make the
    /// market a real one, which a demo never touches.
    #[must_use]
    pub fn is_future_demo(&self) -> bool {
        let parent = self.path.parent().filter(|_| self.path.ends_with(DEMO));
        let is_of_demo = parent.is_some_and(|parent| parent.join(STOCKS).exists());
        is_of_demo && !self.stocks.exists() && !self.journal().exists()
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The stocks (input): [`listing`](crate::config::csv::stocks).
    #[must_use]
    pub fn stocks(&self) -> PathBuf {
        self.stocks.clone()
    }

    /// The accounts (input): [`accounts`](crate::config::csv::users).
    #[must_use]
    pub fn users(&self) -> PathBuf {
        self.path.join("users.csv")
    }

    /// The lots of a round (input): [`lots`](crate::config::csv::lots).
    #[must_use]
    pub fn lots(&self) -> PathBuf {
        self.path.join("lots.csv")
    }

    /// Each trader's latest bid per stock (output).
    #[must_use]
    pub fn client(&self) -> PathBuf {
        self.path.join("client.csv")
    }

    /// The settings, if no other file is named.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.path.join("auction.toml")
    }

    /// The certificate and key that the server generated.
    #[must_use]
    pub fn self_signed(&self) -> PathBuf {
        self.path.join("tls").join("self-signed.pem")
    }

    /// The secret key with which the market signs: [`signing`](crate::projections::signing).
    #[must_use]
    pub fn market_key(&self) -> PathBuf {
        self.path.join("market.key")
    }

    /// The socket for the operator's commands to the running server: [`operator`](crate::gateway::operator).
    #[must_use]
    pub fn operator_socket(&self) -> PathBuf {
        self.path.join("operator.sock")
    }

    /// The hashes of the journal's tree, recomputed by each server: [`signing`](crate::projections::signing).
    #[must_use]
    pub fn hashes(&self) -> PathBuf {
        self.journal().join("hashes.tmp")
    }

    /// The last time at which the market was seen to run: [`last_seen`](crate::market::last_seen).
    #[must_use]
    pub fn last_seen(&self) -> PathBuf {
        self.journal().join("last-seen.tmp")
    }

    /// The folder of the [`journal`](crate::journal).
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }
}
