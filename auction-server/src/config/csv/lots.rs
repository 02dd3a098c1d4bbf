//! `lots.csv`: the lots of a round, each with the format and terms of its row.
//!
//! Without this file, a round opens random stocks as English lots: [`listing`](crate::config::csv::stocks).

use std::path::Path;

use auction_core::{
    BookShown, CallTerms, Collar, DutchTerms, EnglishTerms, MarginalPriority, OpenLot, Price,
    Quantity, QuantityError, SealedPricing, SealedTerms, SoftClose, SoftCloseMode, Span, Steps,
    Symbol, Terms, Timestamp, UniformPricing, UniformTerms,
};

use crate::config::csv::{self, Columns, CsvError, Row, shown};
use crate::config::value;

const COLUMNS: Columns = Columns {
    required: &["symbol", "format"],
    optional: &[
        "quantity",
        "opens_in",
        "open_for",
        "reserve",
        "step",
        "buy_now",
        "extend_within",
        "extend_by",
        "extend_mode",
        "extensions_max",
        "start",
        "interval",
        "floor",
        "priority",
        "bids_max",
        "tick",
        "book",
        "collar",
        "collar_bps",
        "market_extension",
        "random_end",
        "no_cancel",
    ],
};

/// The columns common to all formats.
const OF_ALL: [&str; 5] = ["symbol", "format", "quantity", "opens_in", "open_for"];

/// Defaults for values that a row leaves empty.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Time for which lots are open.
    pub open_for: Span,
    /// Minimum increment of a bid on an English lot.
    pub steps: Steps,
    /// Extension of an English lot by late bids.
    pub soft_close: SoftClose,
}

/// A row: a lot to open when the round begins, or a while after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLot {
    /// The line of its row, from 1.
    pub line: u64,
    symbol: Symbol,
    quantity: Quantity,
    opens_in: Span,
    open_for: Span,
    terms: Terms,
    /// Price below which nothing is sold; hidden.
    pub(in crate::config) reserve: Option<Price>,
}

impl PlannedLot {
    /// The lot for a round that begins now.
    #[must_use]
    pub fn open(&self, now: Timestamp) -> OpenLot {
        let opens_at = now.saturating_add(self.opens_in);
        OpenLot {
            symbol: self.symbol,
            quantity: self.quantity,
            opens_at: (self.opens_in > Span::ZERO).then_some(opens_at),
            closes_at: opens_at.saturating_add(self.open_for),
            terms: self.terms.clone(),
            reserve: self.reserve,
        }
    }
}

/// Reads the file.
///
/// # Errors
/// Every fault, by line.
pub fn read(path: &Path, defaults: &Defaults) -> Result<Vec<PlannedLot>, CsvError> {
    let mut lots = Vec::new();
    csv::read(path, COLUMNS, |row| {
        lots.push(Cells::read(row, defaults)?);
        Ok(())
    })?;
    if lots.is_empty() {
        return Err(CsvError::of_file(
            path,
            "there is no lot below the header; add a row such as AAPL,english, or remove the file: a round opens random \
             stocks then",
        ));
    }
    Ok(lots)
}

/// A row and its faults so far.
struct Cells<'a> {
    row: &'a Row<'a>,
    faults: Vec<String>,
}

impl Cells<'_> {
    fn read(row: &Row<'_>, defaults: &Defaults) -> Result<PlannedLot, Vec<String>> {
        let mut cells = Cells {
            row,
            faults: Vec::new(),
        };
        let symbol = row.parse::<Symbol>("symbol");
        let symbol = symbol.map_err(|fault| cells.faults.push(fault)).ok();
        let quantity = cells.value("quantity", quantity);
        let opens_in = cells.value("opens_in", value::span);
        let open_for = cells.value("open_for", value::open_for);
        let terms = cells.terms(defaults);
        let reserve = cells.value("reserve", price);
        match (symbol, terms) {
            (Some(symbol), Some(terms)) if cells.faults.is_empty() => Ok(PlannedLot {
                line: row.line,
                symbol,
                quantity: quantity.unwrap_or(Quantity::ONE),
                opens_in: opens_in.unwrap_or(Span::ZERO),
                open_for: open_for.unwrap_or(defaults.open_for),
                terms,
                reserve,
            }),
            _ => Err(cells.faults),
        }
    }

    fn terms(&mut self, defaults: &Defaults) -> Option<Terms> {
        let format = self.row.value("format");
        match format.to_ascii_lowercase().as_str() {
            "english" => {
                let soft_close = [
                    "extend_within",
                    "extend_by",
                    "extend_mode",
                    "extensions_max",
                ];
                let own = ["reserve", "step", "buy_now"];
                self.only("an English", &[&own[..], &soft_close].concat());
                let steps = self.value("step", value::steps);
                let buy_now = self.value("buy_now", price);
                let within = self.value("extend_within", value::span);
                let by = self.value("extend_by", value::span);
                let mode = self.value("extend_mode", extend_mode);
                let most = self.value("extensions_max", count);
                Some(Terms::English(EnglishTerms {
                    steps: steps.unwrap_or_else(|| defaults.steps.clone()),
                    buy_now,
                    soft_close: SoftClose {
                        extend_within: within.unwrap_or(defaults.soft_close.extend_within),
                        extend_by: by.unwrap_or(defaults.soft_close.extend_by),
                        mode: mode.unwrap_or(defaults.soft_close.mode),
                        extensions_max: most.or(defaults.soft_close.extensions_max),
                    },
                }))
            }
            "dutch" => {
                self.only("a Dutch", &["start", "step", "interval", "floor"]);
                let start = self.needed("start", price);
                let step = self.needed("step", price);
                let interval = self.needed("interval", value::span);
                let floor = self.needed("floor", price);
                Some(Terms::Dutch(DutchTerms {
                    start: start?,
                    step: step?,
                    interval: interval?,
                    floor: floor?,
                }))
            }
            "sealed-first" => self.sealed(SealedPricing::FirstPrice),
            "vickrey" => self.sealed(SealedPricing::SecondPrice),
            "uniform" => self.in_parts("a uniform", UniformPricing::Uniform),
            "pay-as-bid" => self.in_parts("a pay-as-bid", UniformPricing::PayAsBid),
            "call" => Some(self.call()),
            _ => {
                let expected = "is unknown; expected english, dutch, sealed-first, vickrey, uniform, \
                                pay-as-bid or call";
                self.faults
                    .push(format!("format {} {expected}", shown(format)));
                None
            }
        }
    }

    fn sealed(&mut self, pricing: SealedPricing) -> Option<Terms> {
        self.only("a sealed", &["reserve"]);
        Some(Terms::Sealed(SealedTerms { pricing }))
    }

    fn in_parts(&mut self, what: &str, pricing: UniformPricing) -> Option<Terms> {
        self.only(what, &["reserve", "priority", "bids_max"]);
        let priority = self.value("priority", priority);
        let bids_max = self.value("bids_max", count);
        Some(Terms::Uniform(UniformTerms {
            pricing,
            priority: priority.unwrap_or(MarginalPriority::Time),
            bids_max: bids_max.unwrap_or(UniformTerms::BIDS_MAX),
        }))
    }

    fn call(&mut self) -> Terms {
        let extension = ["extensions_max", "market_extension", "extend_by"];
        let end = ["random_end", "no_cancel"];
        let own = ["tick", "book", "collar", "collar_bps"];
        self.only("a call", &[&own[..], &extension, &end].concat());
        let tick = self.value("tick", price);
        let book = self.value("book", book);
        let absolute = self.value("collar", price);
        let basis_points = self.value("collar_bps", count);
        let most = self.value("extensions_max", count);
        let market_extension = self.value("market_extension", value::on_or_off);
        let by = self.value("extend_by", value::span);
        let random_end = self.value("random_end", value::span);
        let no_cancel = self.value("no_cancel", value::span);
        let usual = CallTerms::default();
        Terms::Call(CallTerms {
            tick: tick.unwrap_or(usual.tick),
            book: book.unwrap_or(usual.book),
            collar: (absolute.is_some() || basis_points.is_some()).then(|| Collar {
                absolute: absolute.unwrap_or(Price::ZERO),
                basis_points: basis_points.unwrap_or(0),
            }),
            extensions_max: most.unwrap_or(usual.extensions_max),
            market_extension: market_extension.unwrap_or(usual.market_extension),
            extend_by: by.unwrap_or(usual.extend_by),
            random_end: random_end.unwrap_or(usual.random_end),
            no_cancel: no_cancel.or(usual.no_cancel),
        })
    }

    /// The value in a column; `None` if it is empty or invalid.
    fn value<T>(
        &mut self,
        column: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.row.value(column);
        if text.is_empty() {
            return None;
        }
        let parsed = parse(text);
        parsed
            .map_err(|error| {
                self.faults
                    .push(format!("{column} {} {error}", shown(text)))
            })
            .ok()
    }

    fn needed<T>(
        &mut self,
        column: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.row.value(column).is_empty() {
            let format = self.row.value("format");
            self.faults
                .push(format!("{column} is empty; the format {format} needs one"));
        }
        self.value(column, parse)
    }

    /// Rejects values in columns of other formats: they are mistakes.
    fn only(&mut self, format: &str, columns: &[&str]) {
        for column in COLUMNS.optional {
            let fits = columns.contains(column) || OF_ALL.contains(column);
            if !fits && !self.row.value(column).is_empty() {
                self.faults
                    .push(format!("{column} is not for {format} lot; leave it empty"));
            }
        }
    }
}

fn price(text: &str) -> Result<Price, String> {
    Price::parse(text).map_err(|error| error.to_string())
}

fn quantity(text: &str) -> Result<Quantity, String> {
    text.parse()
        .map_err(|error: QuantityError| error.to_string())
}

fn count(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "is no number; expected for example 10".to_owned())
}

fn extend_mode(text: &str) -> Result<SoftCloseMode, String> {
    match text {
        "add" => Ok(SoftCloseMode::Add),
        "reset" => Ok(SoftCloseMode::Reset),
        _ => Err("is unknown; expected add or reset".to_owned()),
    }
}

fn priority(text: &str) -> Result<MarginalPriority, String> {
    match text {
        "time" => Ok(MarginalPriority::Time),
        "pro-rata" => Ok(MarginalPriority::ProRata),
        _ => Err("is unknown; expected time or pro-rata".to_owned()),
    }
}

fn book(text: &str) -> Result<BookShown, String> {
    match text {
        "open" => Ok(BookShown::Open),
        "closed" => Ok(BookShown::Closed),
        _ => Err("is unknown; expected open or closed".to_owned()),
    }
}
