//! Standard output, in one format, with colours where they are welcome.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::Value;

use crate::output::colour::{Colour, is_dumb};
use crate::output::failure::{Failure, OutputFormat};

/// Where results go.
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

    /// Tells a result: as text, or as a JSON document on a line. Each is made only when it is wanted.
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

    /// Writes a line, at once: others may be reading it through a pipe.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.trim_end_matches('\n').as_bytes())?;
        stdout.write_all(b"\n")?;
        Ok(stdout.flush()?)
    }

    /// What begins a line anew while a question stands on it.
    pub fn fresh_line(&self) -> &'static str {
        if is_dumb() { "\n" } else { "\r\x1b[K" }
    }

    /// Writes without an end of line.
    pub fn prompt(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }
}
