//! `import-stocks`: a list of stocks from elsewhere becomes the `stocks.csv` that a server reads.
//!
//! Takes the symbol directories of Nasdaq and NYSE (values between pipes, a trailer line) and what spreadsheets export
//! (commas, semicolons or tabs, a byte order mark, a line `sep=;`, decimal commas, titles above the header). A row that
//! cannot be taken is left out, and counted by its reason; nothing is guessed. The list is read as a stream: memory holds
//! one row and the symbols so far.

mod decimal;
mod records;
mod report;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use auction_core::limits::SYMBOL_BYTES_MAX;
use auction_core::{NameError, Price, Profit, SecurityCode, Symbol};
use sha2::{Digest as _, Sha256};

use crate::cli::args::DecimalSign;
use crate::config::csv::{CSV_BYTES_MAX, SHEET_ROWS_MAX};

use decimal::DecimalError;
use records::{Record, Records};

pub use report::{Reason, Report};

/// Maximum number of lines in which the header is looked for: some lists have titles above it.
const HEADER_LINES_MAX: usize = 20;
/// Beginning of the last line of a symbol directory.
const TRAILER: &[u8] = b"File Creation Time";

/// Headers of the symbol, the best one first; compared by letters and digits alone. `ACT Symbol` is not here: its suffixes
/// mean several things.
const SYMBOL: &[&str] = &[
    "nasdaqsymbol",
    "symbol",
    "cqssymbol",
    "ticker",
    "tickersymbol",
    "asxcode",
    "tidm",
    "code",
];
const SECURITY: &[&str] = &["security", "securitycode", "isin", "isinnumber", "isincode"];
const PRICE: &[&str] = &[
    "price",
    "lastprice",
    "lastsale",
    "last",
    "closeprice",
    "close",
];
const PROFIT: &[&str] = &["profit", "netincome"];
const TEST_ISSUE: &[&str] = &["testissue"];

/// Answers to questions that the list leaves open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Price of the stocks that have none in the file. Without it, a file without prices gives 0, and an empty price is
    /// left out.
    pub price: Option<Price>,
    /// The decimal sign; `None`: seen from each number, if it is clear.
    pub decimal: Option<DecimalSign>,
}

/// Reason why a file as a whole cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The list cannot be read.
    #[error("cannot read the list: {0}")]
    Input(#[source] io::Error),
    /// The stocks cannot be written.
    #[error("cannot write the stocks: {0}")]
    Output(#[source] io::Error),
    /// The list is UTF-16.
    #[error("this is UTF-16; save the list as CSV in UTF-8")]
    Utf16,
    /// No header was found.
    #[error(
        "there is no header with a column Symbol (or NASDAQ Symbol, CQS Symbol, Ticker, Code) in the first {HEADER_LINES_MAX} \
         lines; expected a symbol directory with pipes, or CSV"
    )]
    NoHeader,
    /// More bytes than a server reads.
    #[error("the list is larger than {CSV_BYTES_MAX} bytes")]
    TooLarge,
    /// More rows than a server reads.
    #[error("there are more than {SHEET_ROWS_MAX} rows")]
    TooManyRows,
}

/// Reads a list and writes `stocks.csv`, in the order of the list.
///
/// # Errors
/// [`ImportError`]; a part may have been written.
pub fn import(
    list: impl BufRead,
    options: Options,
    out: &mut dyn Write,
) -> Result<Report, ImportError> {
    let mut list = list.take(CSV_BYTES_MAX + 1);
    let mut records = Records::new(&mut list);
    let header = Header::find(&mut records)?;
    let mut import = Import {
        options,
        header: &header,
        lines: BTreeMap::new(),
        report: Report::default(),
    };
    let mut has_trailer = false;
    let mut written = csv::Writer::from_writer(out);
    let write = |written: &mut csv::Writer<_>, row: [&str; 4]| {
        let result = written.write_record(row);
        result.map_err(|error| ImportError::Output(error.into()))
    };
    write(&mut written, ["Security", "Symbol", "Price", "Profit"])?;
    let mut next = || records.next(header.delimiter, header.quotes());
    while let Some((line, record)) = next().map_err(ImportError::Input)? {
        let values = match record {
            Record::Values(values) if values.iter().all(Vec::is_empty) => continue,
            Record::Values(values) if header.is_directory() && values[0].starts_with(TRAILER) => {
                has_trailer = true;
                continue;
            }
            Record::Values(values) => Ok(values),
            Record::UnclosedQuote => Err(Reason::UnclosedQuote),
            Record::TooLong => Err(Reason::TooLong),
        };
        import.report.rows += 1;
        if import.report.rows > SHEET_ROWS_MAX as u64 {
            return Err(ImportError::TooManyRows);
        }
        let row = values.map_err(|reason| (reason, String::new()));
        match row.and_then(|values| import.stock(line, &values)) {
            Ok(stock) => {
                import.report.stocks += 1;
                let texts = stock.texts();
                write(&mut written, texts.each_ref().map(String::as_str))?;
            }
            Err((reason, value)) => import.report.leave_out(reason, line, &value),
        }
    }
    let mut report = import.report;
    written.flush().map_err(ImportError::Output)?;
    if list.limit() == 0 {
        return Err(ImportError::TooLarge);
    }
    if header.is_directory() && !has_trailer {
        let warning = "the last line, File Creation Time, is missing: the list may be cut short";
        report.warnings.push(warning.to_owned());
    }
    if header.price.is_none() && options.price.is_none() && report.stocks > 0 {
        let warning = "the list has no prices: all are 0.00, so the first bid is one step; --price sets another";
        report.warnings.push(warning.to_owned());
    }
    Ok(report)
}

/// The columns of a list.
struct Header {
    delimiter: u8,
    columns: usize,
    symbol: usize,
    security: Option<usize>,
    price: Option<usize>,
    profit: Option<usize>,
    test_issue: Option<usize>,
}

impl Header {
    /// Finds the header and takes it and all lines before it.
    fn find(records: &mut Records<impl BufRead>) -> Result<Self, ImportError> {
        let mut said = None;
        for index in 0..HEADER_LINES_MAX {
            let line = records.peek_line().map_err(ImportError::Input)?;
            let Some(mut line) = line else { break };
            if index == 0 {
                if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
                    return Err(ImportError::Utf16);
                }
                line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
                if let [b's', b'e', b'p', b'=', delimiter] = line {
                    said = Some([*delimiter]);
                }
            }
            let delimiters = said.as_ref().map_or(&b"|;\t,"[..], |said| &said[..]);
            let header = delimiters
                .iter()
                .find_map(|delimiter| Self::parse(line, *delimiter));
            records.skip_line().map_err(ImportError::Input)?;
            if let Some(header) = header {
                return Ok(header);
            }
        }
        Err(ImportError::NoHeader)
    }

    fn parse(line: &[u8], delimiter: u8) -> Option<Self> {
        let names = records::split(line, delimiter, delimiter != b'|')?;
        let names: Vec<String> = names.iter().map(|name| bare(name)).collect();
        // A title above the header can be one word, such as "Code".
        if names.len() < 2 {
            return None;
        }
        let find = |of: &[&str]| {
            of.iter()
                .find_map(|wanted| names.iter().position(|name| name == wanted))
        };
        Some(Self {
            delimiter,
            columns: names.len(),
            symbol: find(SYMBOL)?,
            security: find(SECURITY),
            price: find(PRICE),
            profit: find(PROFIT),
            test_issue: find(TEST_ISSUE),
        })
    }

    /// True for a symbol directory: a list of pipes, in which quotes are plain characters.
    fn is_directory(&self) -> bool {
        self.delimiter == b'|'
    }

    fn quotes(&self) -> bool {
        !self.is_directory()
    }
}

/// Letters and digits of a name, in lower case.
fn bare(name: &[u8]) -> String {
    let bare = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    bare.map(|byte| byte.to_ascii_lowercase() as char).collect()
}

struct Stock {
    security: SecurityCode,
    symbol: Symbol,
    price: Price,
    profit: Profit,
}

impl Stock {
    fn texts(&self) -> [String; 4] {
        [
            self.security.to_string(),
            self.symbol.to_string(),
            self.price.to_string(),
            self.profit.to_string(),
        ]
    }
}

struct Import<'a> {
    options: Options,
    header: &'a Header,
    /// The line of each symbol.
    lines: BTreeMap<Symbol, u64>,
    report: Report,
}

impl Import<'_> {
    fn stock(&mut self, line: u64, values: &[Vec<u8>]) -> Result<Stock, (Reason, String)> {
        let header = self.header;
        let symbol_text = values.get(header.symbol).map_or(&[][..], Vec::as_slice);
        let symbol_text = String::from_utf8_lossy(symbol_text).into_owned();
        let of_symbol = |reason| (reason, symbol_text.clone());
        if values.len() != header.columns {
            return Err(of_symbol(Reason::WrongShape));
        }
        let test_issue = header.test_issue.is_some_and(|at| values[at] == b"Y");
        if test_issue {
            return Err(of_symbol(Reason::TestIssue));
        }
        let symbol = symbol(&symbol_text).map_err(of_symbol)?;
        let price = self.price(values)?;
        let profit = match text(values, header.profit)? {
            "" => Profit::default(),
            text => decimal(text, self.options.decimal, Profit::parse)
                .map_err(|_| (Reason::ProfitInvalid, text.to_owned()))?,
        };
        let security = match text(values, header.security)? {
            "" => made_up_code(symbol),
            text => {
                SecurityCode::parse(text).map_err(|_| (Reason::SecurityInvalid, text.to_owned()))?
            }
        };
        if let Some(earlier) = self.lines.get(&symbol) {
            return Err((
                Reason::Duplicate,
                format!("{symbol_text} of line {earlier}"),
            ));
        }
        self.lines.insert(symbol, line);
        Ok(Stock {
            security,
            symbol,
            price,
            profit,
        })
    }

    fn price(&self, values: &[Vec<u8>]) -> Result<Price, (Reason, String)> {
        let text = text(values, self.header.price)?;
        if text.is_empty() {
            return match (self.options.price, self.header.price) {
                (Some(price), _) => Ok(price),
                (None, None) => Ok(Price::ZERO),
                (None, Some(_)) => {
                    let symbol = &values[self.header.symbol];
                    Err((
                        Reason::NoPrice,
                        String::from_utf8_lossy(symbol).into_owned(),
                    ))
                }
            };
        }
        decimal(text, self.options.decimal, Price::parse).map_err(|error| {
            let reason = match error {
                DecimalError::Ambiguous => Reason::PriceAmbiguous,
                DecimalError::Invalid => Reason::PriceInvalid,
            };
            (reason, text.to_owned())
        })
    }
}

fn symbol(text: &str) -> Result<Symbol, Reason> {
    let has_lower = text.bytes().any(|byte| byte.is_ascii_lowercase());
    let has_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    match Symbol::parse(text) {
        // BCpC is a preferred stock of BC, and not BCPC. A list all in lower case has no such marks.
        Ok(_) if has_lower && has_upper => Err(Reason::SymbolCase),
        Ok(symbol) => Ok(symbol),
        Err(NameError::Symbol | NameError::SecurityCode | NameError::Name) => {
            Err(match text.chars().count() {
                0 => Reason::NoSymbol,
                length if length > SYMBOL_BYTES_MAX => Reason::SymbolTooLong,
                _ => Reason::SymbolSigns,
            })
        }
    }
}

/// The value in a column; empty if the column does not exist.
fn text(values: &[Vec<u8>], column: Option<usize>) -> Result<&str, (Reason, String)> {
    let Some(column) = column else { return Ok("") };
    std::str::from_utf8(&values[column]).map_err(|_| {
        (
            Reason::NotUtf8,
            String::from_utf8_lossy(&values[column]).into_owned(),
        )
    })
}

fn decimal<T, E>(
    text: &str,
    sign: Option<DecimalSign>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, DecimalError> {
    let plain = decimal::plain(text, sign)?;
    parse(&plain).map_err(|_| DecimalError::Invalid)
}

/// A code for a stock whose list has none: the same at each import, and not the symbol, so that a mistyped symbol does not
/// bring the code of another stock with it.
fn made_up_code(symbol: Symbol) -> SecurityCode {
    let digest = Sha256::digest(symbol.as_str());
    let code: String = digest[..5]
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    SecurityCode::parse(&code).expect("ten letters and digits")
}
