//! Findings about a server's surroundings, for `config check` and `doctor`.

use std::fmt;

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// All is well.
    Ok,
    /// A server starts, but something deserves a look.
    Warning,
    /// A server does not start, or not open its next round.
    Error,
}

impl Severity {
    /// The word in outputs for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something found, and its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Subject, in a word or two: `clock`, `disk space`.
    pub topic: &'static str,
    /// Severity.
    pub severity: Severity,
    /// The state found; with a problem, its remedy.
    pub text: String,
}

/// Findings in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn add(&mut self, topic: &'static str, severity: Severity, text: impl fmt::Display) {
        let text = text.to_string();
        self.0.push(Finding {
            topic,
            severity,
            text,
        });
    }

    /// Adds something that is well.
    pub fn found(&mut self, topic: &'static str, text: impl fmt::Display) {
        self.add(topic, Severity::Ok, text);
    }

    /// Adds a warning.
    pub fn warn(&mut self, topic: &'static str, text: impl fmt::Display) {
        self.add(topic, Severity::Warning, text);
    }

    /// Adds an error.
    pub fn fail(&mut self, topic: &'static str, text: impl fmt::Display) {
        self.add(topic, Severity::Error, text);
    }

    /// Adds the text of a result: well, or an error.
    pub fn take<E: fmt::Display>(&mut self, topic: &'static str, found: Result<String, E>) {
        match found {
            Ok(text) => self.found(topic, text),
            Err(error) => self.fail(topic, error),
        }
    }

    /// Texts of one severity.
    #[must_use]
    pub fn texts(&self, severity: Severity) -> Vec<String> {
        let of = self.0.iter().filter(|found| found.severity == severity);
        of.map(|found| found.text.clone()).collect()
    }

    /// Number of findings of one severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.texts(severity).len()
    }
}
