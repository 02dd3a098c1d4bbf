//! The data folder: what people put in, what they take out, and the journal.

use std::path::{Path, PathBuf};

/// A folder that holds one market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// The folder at `path`. Touches nothing.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The stocks, to be put in: [`listing`](crate::listing).
    #[must_use]
    pub fn stocks(&self) -> PathBuf {
        self.0.join("stocks.csv")
    }

    /// The accounts, to be put in: [`accounts`](crate::accounts).
    #[must_use]
    pub fn users(&self) -> PathBuf {
        self.0.join("users.csv")
    }

    /// The lots of a round, to be put in: [`lots`](crate::lots).
    #[must_use]
    pub fn lots(&self) -> PathBuf {
        self.0.join("lots.csv")
    }

    /// Each trader's latest bid a stock, to be taken out.
    #[must_use]
    pub fn client(&self) -> PathBuf {
        self.0.join("client.csv")
    }

    /// The settings, when no other file is named.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.0.join("auction.toml")
    }

    /// The certificate and key that the server made for itself.
    #[must_use]
    pub fn self_signed(&self) -> PathBuf {
        self.0.join("tls").join("self-signed.pem")
    }

    /// The folder of the [`journal`](crate::journal).
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }
}
