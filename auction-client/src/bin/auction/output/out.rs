//! Standard output, in one format, with colours if they are supported.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::Value;

use crate::output::colour::{Colour, is_dumb};
use crate::output::failure::{Failure, OutputFormat};

/// Destination and format of results.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    pub format: OutputFormat,
    pub colour: Colour,
}

impl Out {
    pub fn new(format: OutputFormat) -> Self {
        Self {
            format,
            colour: Colour::from_env(io::stdout().is_terminal()),
        }
    }

    /// Prints a result: as text, or as a JSON document on one line. Only the requested form is built.
    pub fn print(
        &self,
        text: impl FnOnce(Colour) -> String,
        json: impl FnOnce() -> Value,
    ) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Text => self.line(&text(self.colour)),
            OutputFormat::Json => self.line(&json().to_string()),
        }
    }

    /// Writes a line and flushes: another program may be reading it through a pipe.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.trim_end_matches('\n').as_bytes())?;
        stdout.write_all(b"\n")?;
        Ok(stdout.flush()?)
    }

    /// Returns the code that clears a line with an open question.
    pub fn fresh_line(&self) -> &'static str {
        if is_dumb() { "\n" } else { "\r\x1b[K" }
    }

    /// Writes text without a line end.
    pub fn prompt(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }
}
