//! Failures of commands: a message with the remedy, and an exit code for scripts.

use std::io::{self, Write as _};
use std::process::ExitCode;

use auction_client::{Code, ConnectionError, Fault, Refused, RequestError};
use serde_json::{Map, Value, json};

use crate::output::escape::Escaped;

/// Format of results and failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    Text,
    Json,
}

/// Reason why a command failed.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    code: Option<String>,
    message: String,
    /// The remedy, for programs.
    remedy: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Failed,
    OutcomeUnknown,
    Usage,
    Refused,
    NotConnected,
    NotLoggedIn,
    /// The reader of the output is gone: nothing is reported.
    NobodyReads,
}

impl Failure {
    /// A local failure.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The arguments are wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The market refused, or does not have the named thing.
    pub fn refused(code: Code, message: impl Into<String>) -> Self {
        let mut failure = Self::new(Kind::Refused, message);
        failure.code = Some(code.to_string());
        failure
    }

    /// No session is remembered, or it is gone.
    pub fn not_logged_in(message: impl Into<String>) -> Self {
        Self::new(Kind::NotLoggedIn, message)
    }

    /// The outcome is unknown.
    pub fn outcome_unknown(message: impl Into<String>) -> Self {
        Self::new(Kind::OutcomeUnknown, message)
    }

    /// No server answers, or not the expected one.
    pub fn not_connected(message: impl Into<String>) -> Self {
        Self::new(Kind::NotConnected, message)
    }

    /// Adds a code for programs.
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds a field with the remedy for programs.
    pub fn with_remedy(mut self, name: &str, value: Value) -> Self {
        self.remedy.insert(name.into(), value);
        self
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            remedy: Map::new(),
        }
    }

    fn of_refusal(refused: &Refused) -> Self {
        let kind = match refused.code {
            Code::NOT_LOGGED_IN | Code::SESSION_CLOSED | Code::SESSION_EXPIRED => Kind::NotLoggedIn,
            Code::BAD_CREDENTIALS => Kind::Refused,
            code if code.fault() == Fault::Market => Kind::Refused,
            _ => Kind::Failed,
        };
        let mut failure = Self::new(kind, Escaped(&refused.message).to_string());
        failure.code = Some(refused.code.to_string());
        if let Some(price) = refused.price {
            let name = match refused.code {
                Code::BID_TOO_LOW | Code::MAXIMUM_TOO_LOW => "least_bid",
                Code::PRICE_TOO_HIGH => "greatest_price",
                _ => "price",
            };
            failure.remedy.insert(name.into(), json!(price.to_string()));
        }
        failure
    }

    /// Reports the failure on standard error, and returns the exit code.
    pub fn report(&self, format: OutputFormat) -> ExitCode {
        if self.kind == Kind::NobodyReads {
            return ExitCode::SUCCESS;
        }
        let text = match format {
            OutputFormat::Text => format!("auction: {}", self.message),
            OutputFormat::Json => self.json().to_string(),
        };
        // Ignore write errors: the exit code remains.
        let _ = writeln!(io::stderr(), "{text}");
        ExitCode::from(self.kind.exit_code())
    }

    /// Returns the message for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns true if a later attempt to connect can succeed without another choice by the user.
    pub fn may_pass(&self) -> bool {
        self.kind == Kind::NotConnected && self.code.is_none()
    }

    /// Returns true if logging in helps.
    pub fn asks_for_login(&self) -> bool {
        self.kind == Kind::NotLoggedIn
    }

    fn json(&self) -> Value {
        let mut error = self.remedy.clone();
        error.insert("kind".into(), json!(self.kind.name()));
        error.insert("code".into(), json!(self.code));
        error.insert("message".into(), json!(self.message));
        error.insert("exit_code".into(), json!(self.kind.exit_code()));
        json!({ "error": error })
    }
}

impl Kind {
    fn exit_code(self) -> u8 {
        match self {
            Self::NobodyReads => 0,
            Self::Failed | Self::OutcomeUnknown => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotConnected => 4,
            Self::NotLoggedIn => 5,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Failed | Self::NobodyReads => "failed",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::NotConnected => "not_connected",
            Self::NotLoggedIn => "not_logged_in",
        }
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        Self::new(Kind::NotConnected, Escaped(error).to_string())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Refused(refused) => Self::of_refusal(&refused),
            RequestError::OutcomeUnknown(because) => Self::new(
                Kind::OutcomeUnknown,
                format!(
                    "no answer came, so it is not known whether this was done: {}; look before you \
                     try again",
                    Escaped(because)
                ),
            ),
            RequestError::NotConnected(because) => Self::new(
                Kind::NotConnected,
                format!("nothing was sent: {}", Escaped(because)),
            ),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Kind::NobodyReads, "");
        }
        Self::failed(format!("cannot write: {error}"))
    }
}

impl OutputFormat {
    /// Returns the format requested by arguments that could not be parsed.
    pub fn of_arguments(arguments: impl Iterator<Item = String>) -> Self {
        let mut before_end = arguments.take_while(|argument| argument != "--");
        if before_end.any(|argument| argument == "--json") {
            Self::Json
        } else {
            Self::Text
        }
    }
}

/// Reports wrong arguments; help and version are no failures.
pub fn usage(error: &clap::Error, format: OutputFormat) -> ExitCode {
    if format == OutputFormat::Json && error.use_stderr() {
        let text = error.to_string();
        // The rest refers to the help, which a program does not read.
        let message = text
            .split("\n\n")
            .next()
            .unwrap_or(&text)
            .trim_start_matches("error: ");
        return Failure::usage(message).report(format);
    }
    // Ignore write errors: the exit code remains.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

#[cfg(test)]
mod tests {
    use auction_core::Price;

    use super::*;

    fn refusal(code: Code) -> Failure {
        let refused = Refused::new(code, "no").with_price(Price::parse("1.41").unwrap());
        RequestError::Refused(Box::new(refused)).into()
    }

    #[test]
    fn exit_codes_distinguish_the_remedies() {
        let closed = ConnectionError::Ended;
        let cases: [(Failure, u8); 13] = [
            (Failure::failed("x"), 1),
            (RequestError::OutcomeUnknown(closed.clone()).into(), 1),
            (refusal(Code::BUSY), 1),
            (refusal(Code::MALFORMED), 1),
            (Failure::usage("x"), 2),
            (refusal(Code::BID_TOO_LOW), 3),
            (refusal(Code::NOT_PERMITTED), 3),
            (refusal(Code::BAD_CREDENTIALS), 3),
            (Failure::refused(Code::UNKNOWN_SYMBOL, "x"), 3),
            (closed.clone().into(), 4),
            (RequestError::NotConnected(closed).into(), 4),
            (refusal(Code::SESSION_CLOSED), 5),
            (Failure::not_logged_in("x"), 5),
        ];
        for (failure, code) in cases {
            assert_eq!(failure.kind.exit_code(), code, "{failure:?}");
        }
    }

    #[test]
    fn as_json_a_failure_names_its_kind_code_and_remedy() {
        let json = refusal(Code::BID_TOO_LOW).json();
        let expected = r#"{"error":{"code":"bid_too_low","exit_code":3,"kind":"refused","least_bid":"1.41","message":"no"}}"#;
        assert_eq!(json.to_string(), expected);
    }
}
