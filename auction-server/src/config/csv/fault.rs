//! What is wrong with a file, said by line.

use std::fmt;
use std::path::{Path, PathBuf};

/// Most faults of one file that are said; the others are counted.
pub const FAULTS_SAID_MAX: usize = 20;
/// How much of a wrong value is shown, in characters.
const SHOWN_CHARS_MAX: usize = 40;

/// What is wrong with a file: the first [`FAULTS_SAID_MAX`] faults, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvError {
    /// The file.
    pub file: PathBuf,
    /// The faults, by line.
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub more: usize,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; `None`: the file as a whole.
    pub line: Option<u64>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl CsvError {
    /// A fault of the file as a whole.
    #[must_use]
    pub fn of_file(file: &Path, message: impl Into<String>) -> Self {
        let mut faults = Faults::new(file);
        faults.add(None, message.into());
        faults.error
    }
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        for (index, Fault { line, message }) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            match line {
                Some(line) => write!(f, "{separator}{file}:{line}: {message}")?,
                None => write!(f, "{separator}{file}: {message}")?,
            }
        }
        if self.more > 0 {
            write!(f, "\n{file}: and {} more faults", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for CsvError {}

/// A text that came from outside, quoted, shortened, and harmless on a terminal.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    let rest = if chars.next().is_some() { "..." } else { "" };
    format!("{shown:?}{rest}")
}

/// Faults as they are found.
pub(super) struct Faults {
    error: CsvError,
}

impl Faults {
    pub(super) fn new(path: &Path) -> Self {
        let error = CsvError {
            file: path.to_owned(),
            faults: Vec::new(),
            more: 0,
        };
        Self { error }
    }

    pub(super) fn add(&mut self, line: Option<u64>, message: String) {
        if self.error.faults.len() < FAULTS_SAID_MAX {
            self.error.faults.push(Fault { line, message });
        } else {
            self.error.more += 1;
        }
    }

    pub(super) fn into_result(self) -> Result<(), CsvError> {
        if self.error.faults.is_empty() {
            Ok(())
        } else {
            Err(self.error)
        }
    }
}
