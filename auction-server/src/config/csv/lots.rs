//! `lots.csv`: the lots of a round, each with the format and terms of its row.
//!
//! Without this file, a round opens random stocks as English lots: [`listing`](crate::config::csv::stocks).

use std::path::Path;

use auction_core::{
    BookShown, CallTerms, Collar, DayTerms, DutchTerms, EnglishTerms, MarginalPriority, OpenLot,
    ParseScheduleError, Price, Quantity, QuantityError, Schedule, SealedPricing, SealedTerms,
    SoftClose, SoftCloseMode, Span, Steps, Symbol, Terms, Timestamp, UniformPricing, UniformTerms,
};

use crate::config::calendar::{Calendar, Calendars};
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
        "schedule",
        "static_corridor",
        "static_corridor_bps",
        "dynamic_corridor",
        "dynamic_corridor_bps",
        "volatility_length",
        "volatility_random_end",
        "interruptions_max",
        "day",
    ],
};

/// The columns of the calls of a call auction or a trading day.
const OF_CALLS: [&str; 9] = [
    "tick",
    "book",
    "collar",
    "collar_bps",
    "extensions_max",
    "market_extension",
    "extend_by",
    "random_end",
    "no_cancel",
];

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
    /// True if lots can be trading days.
    pub trading_days: bool,
    /// Calendars that trading days can name.
    pub calendars: Calendars,
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
    /// Calendar of a trading day that names one.
    calendar: Option<Calendar>,
    /// Price below which nothing is sold; hidden.
    pub(in crate::config) reserve: Option<Price>,
}

impl PlannedLot {
    /// The lot for a round that begins now.
    #[must_use]
    pub fn open(&self, now: Timestamp) -> OpenLot {
        let opens_at = now.saturating_add(self.opens_in);
        if let (Some(calendar), Terms::Day(terms)) = (&self.calendar, &self.terms) {
            let call = &terms.call;
            let windows = call.random_end.micros() + call.no_cancel.unwrap_or_default().micros();
            let windows = Span::from_micros(windows).unwrap_or(Span::ZERO);
            let (begins_at, schedule) = calendar.next(now, windows);
            let opens_at = begins_at.unwrap_or(opens_at);
            return OpenLot {
                symbol: self.symbol,
                quantity: self.quantity,
                opens_at: (opens_at > now).then_some(opens_at),
                closes_at: opens_at.saturating_add(schedule.length),
                terms: Terms::from(DayTerms {
                    phases: schedule.phases,
                    ..(**terms).clone()
                }),
                reserve: self.reserve,
            };
        }
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
        // A day is open for the lengths of its schedule.
        let schedule = cells.row.value("schedule").parse::<Schedule>().ok();
        let open_for = match (&terms, schedule) {
            (Some(Terms::Day(_)), Some(schedule)) => Some(schedule.length),
            _ => open_for,
        };
        let calendar = defaults.calendars.get(cells.row.value("day")).cloned();
        if let (Some(Calendar::Times(_)), Some(_)) = (&calendar, opens_in) {
            let fault = "opens_in is not for a day whose calendar has times of day; leave it empty";
            cells.faults.push(fault.to_owned());
        }
        match (symbol, terms) {
            (Some(symbol), Some(terms)) if cells.faults.is_empty() => Ok(PlannedLot {
                line: row.line,
                symbol,
                quantity: quantity.unwrap_or(Quantity::ONE),
                opens_in: opens_in.unwrap_or(Span::ZERO),
                open_for: open_for.unwrap_or(defaults.open_for),
                terms,
                calendar,
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
            "call" => {
                self.only("a call", &OF_CALLS);
                Some(Terms::Call(self.call()))
            }
            "day" => {
                if !defaults.trading_days {
                    self.faults.push(
                        "trading days are off; start the server without --trading-days off"
                            .to_owned(),
                    );
                }
                self.day(defaults)
            }
            _ => {
                let expected = "is unknown; expected english, dutch, sealed-first, vickrey, uniform, \
                                pay-as-bid, call or day";
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

    fn day(&mut self, defaults: &Defaults) -> Option<Terms> {
        let own = [
            "day",
            "schedule",
            "static_corridor",
            "static_corridor_bps",
            "dynamic_corridor",
            "dynamic_corridor_bps",
            "volatility_length",
            "volatility_random_end",
            "interruptions_max",
        ];
        self.only("a day", &[&own[..], &OF_CALLS].concat());
        if !self.row.value("open_for").is_empty() {
            self.faults.push(
                "open_for is not for a day lot, which is open for the lengths of its schedule; leave it empty"
                    .to_owned(),
            );
        }
        let schedule = match self.row.value("day") {
            "" => self.needed("schedule", schedule),
            name => self.calendar(name, defaults),
        };
        let fixed = self.collar("static_corridor", "static_corridor_bps");
        let moving = self.collar("dynamic_corridor", "dynamic_corridor_bps");
        let length = self.value("volatility_length", value::span);
        let random_end = self.value("volatility_random_end", value::span);
        let most = self.value("interruptions_max", count);
        let call = self.call();
        let usual = DayTerms::new(schedule?.phases);
        Some(Terms::from(DayTerms {
            call,
            static_corridor: fixed,
            dynamic_corridor: moving,
            volatility_length: length.unwrap_or(usual.volatility_length),
            volatility_random_end: random_end.unwrap_or(usual.volatility_random_end),
            interruptions_max: most.unwrap_or(usual.interruptions_max),
            ..usual
        }))
    }

    /// The phases of a calendar, as of any day: the day itself is found when the lot is opened.
    fn calendar(&mut self, name: &str, defaults: &Defaults) -> Option<Schedule> {
        if !self.row.value("schedule").is_empty() {
            let fault =
                "schedule is not for a lot that names a calendar by day; leave one of them empty";
            self.faults.push(fault.to_owned());
        }
        if let Some(calendar) = defaults.calendars.get(name) {
            return Some(calendar.next(Timestamp::default(), Span::ZERO).1);
        }
        let names: Vec<&str> = defaults.calendars.keys().map(String::as_str).collect();
        let expected = match names.is_empty() {
            true => "the settings file has no calendar; add a table [calendar.NAME]".to_owned(),
            false => format!("expected {}", names.join(" or ")),
        };
        self.faults
            .push(format!("day {} is no calendar: {expected}", shown(name)));
        None
    }

    fn collar(&mut self, absolute: &str, basis_points: &str) -> Option<Collar> {
        let absolute = self.value(absolute, price);
        let basis_points = self.value(basis_points, count);
        (absolute.is_some() || basis_points.is_some()).then(|| Collar {
            absolute: absolute.unwrap_or(Price::ZERO),
            basis_points: basis_points.unwrap_or(0),
        })
    }

    fn call(&mut self) -> CallTerms {
        let tick = self.value("tick", price);
        let book = self.value("book", book);
        let collar = self.collar("collar", "collar_bps");
        let most = self.value("extensions_max", count);
        let market_extension = self.value("market_extension", value::on_or_off);
        let by = self.value("extend_by", value::span);
        let random_end = self.value("random_end", value::span);
        let no_cancel = self.value("no_cancel", value::span);
        let usual = CallTerms::default();
        CallTerms {
            tick: tick.unwrap_or(usual.tick),
            book: book.unwrap_or(usual.book),
            collar,
            extensions_max: most.unwrap_or(usual.extensions_max),
            market_extension: market_extension.unwrap_or(usual.market_extension),
            extend_by: by.unwrap_or(usual.extend_by),
            random_end: random_end.unwrap_or(usual.random_end),
            no_cancel: no_cancel.or(usual.no_cancel),
        }
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

fn schedule(text: &str) -> Result<Schedule, String> {
    text.parse()
        .map_err(|error: ParseScheduleError| error.to_string())
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
