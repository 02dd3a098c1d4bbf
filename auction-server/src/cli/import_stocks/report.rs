//! The stocks that an import left out, by reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use auction_core::limits::SYMBOL_BYTES_MAX;
use serde_json::json;

use crate::config::csv::shown;

/// Maximum number of examples of a reason.
pub const EXAMPLES_MAX: usize = 3;

/// Reason why a row is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A test issue, by the directory's column.
    TestIssue,
    /// Empty symbol.
    NoSymbol,
    /// Symbol with too many characters.
    SymbolTooLong,
    /// Symbol with a character that is not supported.
    SymbolSigns,
    /// Symbol in which lower case has a meaning.
    SymbolCase,
    /// Symbol of an earlier row.
    Duplicate,
    /// Empty price.
    NoPrice,
    /// Price that can be read in two ways.
    PriceAmbiguous,
    /// Price that is no decimal, or out of range.
    PriceInvalid,
    /// Profit that is no decimal, or out of range.
    ProfitInvalid,
    /// Invalid security code.
    SecurityInvalid,
    /// Fewer or more values than columns.
    WrongShape,
    /// Needed value that is not UTF-8.
    NotUtf8,
    /// Quote that is not closed.
    UnclosedQuote,
    /// Row that is too long.
    TooLong,
}

impl Reason {
    /// The word in outputs for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TestIssue => "test_issue",
            Self::NoSymbol => "no_symbol",
            Self::SymbolTooLong => "symbol_too_long",
            Self::SymbolSigns => "symbol_signs",
            Self::SymbolCase => "symbol_case",
            Self::Duplicate => "duplicate",
            Self::NoPrice => "no_price",
            Self::PriceAmbiguous => "price_ambiguous",
            Self::PriceInvalid => "price_invalid",
            Self::ProfitInvalid => "profit_invalid",
            Self::SecurityInvalid => "security_invalid",
            Self::WrongShape => "wrong_shape",
            Self::NotUtf8 => "not_utf8",
            Self::UnclosedQuote => "unclosed_quote",
            Self::TooLong => "too_long",
        }
    }

    fn text(self) -> String {
        match self {
            Self::TestIssue => "test issues".to_owned(),
            Self::NoSymbol => "rows without a symbol".to_owned(),
            Self::SymbolTooLong => {
                format!("symbols longer than {SYMBOL_BYTES_MAX} characters")
            }
            Self::SymbolSigns => "symbols with other characters than A-Z 0-9 . -".to_owned(),
            Self::SymbolCase => "symbols in which lower case has a meaning".to_owned(),
            Self::Duplicate => "symbols of an earlier row".to_owned(),
            Self::NoPrice => "rows without a price; --price sets one".to_owned(),
            Self::PriceAmbiguous => {
                "prices that can be read in two ways; --decimal point or --decimal comma decides"
                    .to_owned()
            }
            Self::PriceInvalid => {
                "prices that are no decimal of at most four decimals and 999999999.9999".to_owned()
            }
            Self::ProfitInvalid => "profits that are no decimal, or out of range".to_owned(),
            Self::SecurityInvalid => {
                "security codes other than 1 to 16 letters and digits".to_owned()
            }
            Self::WrongShape => "rows with more or fewer values than the header".to_owned(),
            Self::NotUtf8 => "values that are not UTF-8".to_owned(),
            Self::UnclosedQuote => "lines with a quote that is never closed".to_owned(),
            Self::TooLong => "rows that are too long".to_owned(),
        }
    }
}

/// The rows of one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Number of rows.
    pub count: u64,
    /// The first rows: the line from 1, and the value.
    pub examples: Vec<(u64, String)>,
}

/// Result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of rows below the header.
    pub rows: u64,
    /// Number of stocks written.
    pub stocks: u64,
    /// The rows that are left out.
    pub left_out: BTreeMap<Reason, LeftOut>,
    /// Oddities of the whole file.
    pub warnings: Vec<String>,
}

impl Report {
    /// Counts a row that is left out.
    pub fn leave_out(&mut self, reason: Reason, line: u64, value: &str) {
        let of_reason = self.left_out.entry(reason).or_default();
        of_reason.count += 1;
        if of_reason.examples.len() < EXAMPLES_MAX {
            of_reason.examples.push((line, shown(value)));
        }
    }

    /// The report for people.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = format!("{} stocks of {} rows\n", self.stocks, self.rows);
        for (reason, of_reason) in &self.left_out {
            let examples: Vec<String> = of_reason
                .examples
                .iter()
                .map(|(line, value)| format!("line {line}: {value}"))
                .collect();
            let (count, examples) = (of_reason.count, examples.join(", "));
            let _ = writeln!(text, "left out {count}: {} ({examples})", reason.text());
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        text
    }

    /// The report for programs.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let left_out: Vec<_> = self
            .left_out
            .iter()
            .map(|(reason, of_reason)| {
                let examples: Vec<_> = of_reason
                    .examples
                    .iter()
                    .map(|(line, value)| json!({"line": line, "value": value}))
                    .collect();
                json!({"reason": reason.name(), "count": of_reason.count, "examples": examples})
            })
            .collect();
        json!({"rows": self.rows, "stocks": self.stocks, "left_out": left_out, "warnings": self.warnings})
    }
}
