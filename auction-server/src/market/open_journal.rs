//! The journal of a data folder, to be read.

use std::io;
use std::sync::Arc;

use crate::config::data_dir::DataDir;
use crate::journal::{JournalError, Reader, RealDisk};

/// Why an export ends early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no journal.
    #[error(transparent)]
    NoMarket(#[from] NoMarket),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What was read cannot be written.
    #[error("writing the export: {0}")]
    Output(#[from] io::Error),
}

/// There is no market in a folder yet.
#[derive(Debug, thiserror::Error)]
#[error("there is no market in {}; start the server there once, or name another folder by --data", folder.path().display())]
pub struct NoMarket {
    /// The folder.
    pub folder: DataDir,
}

/// Opens the journal of a data folder, to read it.
///
/// # Errors
/// There is none; what the disk says.
pub fn open(folder: &DataDir) -> Result<Reader, ExportError> {
    let journal = folder.journal();
    if matches!(journal.try_exists(), Ok(false)) {
        return Err(NoMarket {
            folder: folder.clone(),
        }
        .into());
    }
    Ok(Reader::open(Arc::new(RealDisk), &journal)?)
}
