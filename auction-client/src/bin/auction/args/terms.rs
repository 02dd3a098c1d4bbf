//! The terms of a lot as flags: the columns of the server's `lots.csv`, with the same rules and defaults.

use auction_core::{
    BookShown, CallTerms, Collar, DayTerms, DutchTerms, EnglishTerms, MarginalPriority,
    ParseScheduleError, Price, Schedule, SealedPricing, SealedTerms, SoftClose, SoftCloseMode,
    Span, Steps, Terms, UniformPricing, UniformTerms,
};
use clap::{Args, ValueEnum};

use crate::args::time::span;

/// Auction formats, by the names that files and exports use too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Ascending, open; the highest bid wins.
    English,
    /// The price falls until the first buyer takes it.
    Dutch,
    /// One hidden bid per trader; the winner pays their own price.
    SealedFirst,
    /// One hidden bid per trader; the winner pays the second highest price.
    Vickrey,
    /// Hidden bids for parts; all winners pay the lowest accepted price.
    Uniform,
    /// Hidden bids for parts; each winner pays their own price.
    PayAsBid,
    /// Orders to buy and to sell, which trade all at once at one price.
    Call,
    /// Calls and continuous trading in one book, by a schedule.
    Day,
}

/// Terms of a new lot. Terms of another format are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct TermFlags {
    /// English: minimum increment of a bid, as 0.01, `banded`, or bands such as 0:0.05,1:0.25 [default: 0.01]. Dutch:
    /// amount by which the price falls.
    #[arg(
        long,
        value_name = "PRICE",
        allow_negative_numbers = true,
        help_heading = "Terms"
    )]
    pub step: Option<String>,
    /// English: a bid of this price wins at once, while the reserve is not met.
    #[arg(
        long,
        value_name = "PRICE",
        allow_negative_numbers = true,
        help_heading = "Terms"
    )]
    pub buy_now: Option<Price>,
    /// English: a bid within this time before the close extends the lot [default: 60s].
    #[arg(long, value_name = "DURATION", value_parser = span, help_heading = "Terms")]
    pub extend_within: Option<Span>,
    /// English, call: how long each extension is [default: 60s].
    #[arg(long, value_name = "DURATION", value_parser = span, help_heading = "Terms")]
    pub extend_by: Option<Span>,
    /// English: add the extension to the close, or reset the close to that long after the bid [default: add].
    #[arg(long, value_name = "MODE", value_enum, help_heading = "Terms")]
    pub extend_mode: Option<ExtendMode>,
    /// English: maximum number of extensions [default: no limit]. Call: maximum number of extensions because of a price
    /// outside the collar [default: 1].
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        help_heading = "Terms"
    )]
    pub extensions_max: Option<u32>,
    /// Dutch: the first price.
    #[arg(
        long,
        value_name = "PRICE",
        allow_negative_numbers = true,
        help_heading = "Terms"
    )]
    pub start: Option<Price>,
    /// Dutch: how long each price lasts.
    #[arg(long, value_name = "DURATION", value_parser = span, help_heading = "Terms")]
    pub interval: Option<Span>,
    /// Dutch: the lowest price.
    #[arg(
        long,
        value_name = "PRICE",
        allow_negative_numbers = true,
        help_heading = "Terms"
    )]
    pub floor: Option<Price>,
    /// Uniform, pay-as-bid: which bids are served first when there are too few shares [default: time].
    #[arg(long, value_name = "RULE", value_enum, help_heading = "Terms")]
    pub priority: Option<Priority>,
    /// Uniform, pay-as-bid: maximum number of live bids of a trader [default: 10].
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        help_heading = "Terms"
    )]
    pub bids_max: Option<u32>,
    /// Call: the tick, of which limits are multiples [default: 0.01].
    #[arg(
        long,
        value_name = "PRICE",
        allow_negative_numbers = true,
        help_heading = "Terms"
    )]
    pub tick: Option<Price>,
    /// Call: show everyone the quantity wanted and offered at each limit, or not [default: closed].
    #[arg(long, value_name = "BOOK", value_enum, help_heading = "Terms")]
    pub book: Option<Book>,
    /// Call: maximum distance of the price from the reference; or use --collar-bps [default: no maximum].
    #[arg(
        long,
        value_name = "PRICE",
        allow_negative_numbers = true,
        help_heading = "Terms"
    )]
    pub collar: Option<Price>,
    /// Call: the same in hundredths of a percent of the reference.
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        help_heading = "Terms"
    )]
    pub collar_bps: Option<u32>,
    /// Call: extend the lot, once, if market orders would stay unfilled [default: off].
    #[arg(long, value_name = "SWITCH", value_enum, help_heading = "Terms")]
    pub market_extension: Option<Switch>,
    /// Call: the uncross happens at a random time within this window before the close [default: at the close].
    #[arg(long, value_name = "DURATION", value_parser = span, help_heading = "Terms")]
    pub random_end: Option<Span>,
    /// Call: from this long before the random end until the uncross, orders can only be added or improved [default:
    /// they can be cancelled until the end].
    #[arg(long, value_name = "DURATION", value_parser = span, help_heading = "Terms")]
    pub no_cancel: Option<Span>,
    /// Day: the phases with their lengths, as "call 5m, continuous 1h, call 5m, at-last 2m"; pre-open may come first.
    #[arg(long, value_name = "PHASES", value_parser = schedule, help_heading = "Terms")]
    pub schedule: Option<Schedule>,
    /// Day: maximum distance of a continuous trade from the last call's price; or use --static-corridor-bps [default: no
    /// maximum].
    #[arg(long, value_name = "PRICE", help_heading = "Terms")]
    pub static_corridor: Option<Price>,
    /// Day: the same in hundredths of a percent of it.
    #[arg(long, value_name = "N", help_heading = "Terms")]
    pub static_corridor_bps: Option<u32>,
    /// Day: maximum distance of a continuous trade from the last trade's price; or use --dynamic-corridor-bps [default: no
    /// maximum].
    #[arg(long, value_name = "PRICE", help_heading = "Terms")]
    pub dynamic_corridor: Option<Price>,
    /// Day: the same in hundredths of a percent of it.
    #[arg(long, value_name = "N", help_heading = "Terms")]
    pub dynamic_corridor_bps: Option<u32>,
    /// Day: how long the call lasts that interrupts continuous trading [default: 2m].
    #[arg(long, value_name = "DURATION", value_parser = span, help_heading = "Terms")]
    pub volatility_length: Option<Span>,
    /// Day: window of the random end of such a call [default: none].
    #[arg(long, value_name = "DURATION", value_parser = span, help_heading = "Terms")]
    pub volatility_random_end: Option<Span>,
    /// Day: maximum number of interruptions; one more halts the lot [default: 16].
    #[arg(long, value_name = "N", help_heading = "Terms")]
    pub interruptions_max: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExtendMode {
    Add,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Priority {
    Time,
    ProRata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Book {
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

impl Format {
    /// Returns the terms given by the flags.
    ///
    /// # Errors
    /// A flag is missing, wrong, or for another format; the error says what is expected.
    pub fn terms(self, flags: &TermFlags) -> Result<Terms, String> {
        self.check_own(flags)?;
        Ok(match self {
            Self::English => Terms::English(english(flags)?),
            Self::Dutch => Terms::Dutch(dutch(flags)?),
            Self::SealedFirst => sealed(SealedPricing::FirstPrice),
            Self::Vickrey => sealed(SealedPricing::SecondPrice),
            Self::Uniform => in_parts(UniformPricing::Uniform, flags),
            Self::PayAsBid => in_parts(UniformPricing::PayAsBid, flags),
            Self::Call => Terms::Call(call(flags)),
            Self::Day => Terms::from(day(flags)?),
        })
    }

    /// Returns the flags that only this format has.
    fn own(self) -> &'static [&'static str] {
        match self {
            Self::English => &[
                "step",
                "buy-now",
                "extend-within",
                "extend-by",
                "extend-mode",
                "extensions-max",
            ],
            Self::Dutch => &["start", "step", "interval", "floor"],
            Self::SealedFirst | Self::Vickrey => &[],
            Self::Uniform | Self::PayAsBid => &["priority", "bids-max"],
            Self::Call => &[
                "tick",
                "book",
                "collar",
                "collar-bps",
                "extensions-max",
                "market-extension",
                "extend-by",
                "random-end",
                "no-cancel",
            ],
            Self::Day => &[
                "schedule",
                "static-corridor",
                "static-corridor-bps",
                "dynamic-corridor",
                "dynamic-corridor-bps",
                "volatility-length",
                "volatility-random-end",
                "interruptions-max",
                "tick",
                "book",
                "collar",
                "collar-bps",
                "extensions-max",
                "market-extension",
                "extend-by",
                "random-end",
                "no-cancel",
            ],
        }
    }

    /// Checks that no flag of another format is given, which would be a mistake.
    fn check_own(self, flags: &TermFlags) -> Result<(), String> {
        let given = [
            ("step", flags.step.is_some()),
            ("buy-now", flags.buy_now.is_some()),
            ("extend-within", flags.extend_within.is_some()),
            ("extend-by", flags.extend_by.is_some()),
            ("extend-mode", flags.extend_mode.is_some()),
            ("extensions-max", flags.extensions_max.is_some()),
            ("start", flags.start.is_some()),
            ("interval", flags.interval.is_some()),
            ("floor", flags.floor.is_some()),
            ("priority", flags.priority.is_some()),
            ("bids-max", flags.bids_max.is_some()),
            ("tick", flags.tick.is_some()),
            ("book", flags.book.is_some()),
            ("collar", flags.collar.is_some()),
            ("collar-bps", flags.collar_bps.is_some()),
            ("market-extension", flags.market_extension.is_some()),
            ("random-end", flags.random_end.is_some()),
            ("no-cancel", flags.no_cancel.is_some()),
            ("schedule", flags.schedule.is_some()),
            ("static-corridor", flags.static_corridor.is_some()),
            ("static-corridor-bps", flags.static_corridor_bps.is_some()),
            ("dynamic-corridor", flags.dynamic_corridor.is_some()),
            ("dynamic-corridor-bps", flags.dynamic_corridor_bps.is_some()),
            ("volatility-length", flags.volatility_length.is_some()),
            (
                "volatility-random-end",
                flags.volatility_random_end.is_some(),
            ),
            ("interruptions-max", flags.interruptions_max.is_some()),
        ];
        let own = self.own();
        let wrong = given
            .iter()
            .find(|(flag, given)| *given && !own.contains(flag));
        let Some((flag, _)) = wrong else {
            return Ok(());
        };
        let format = self.name();
        let own = match own {
            [] => "has no terms of its own".to_owned(),
            own => format!("takes --{}", own.join(", --")),
        };
        Err(format!(
            "--{flag} is not for the format {format}, which {own}"
        ))
    }

    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

fn english(flags: &TermFlags) -> Result<EnglishTerms, String> {
    let steps = match &flags.step {
        None => Steps::default(),
        Some(text) => text
            .parse()
            .map_err(|error| format!("--step {text:?} {error}"))?,
    };
    let usual = SoftClose::default();
    Ok(EnglishTerms {
        steps,
        buy_now: flags.buy_now,
        soft_close: SoftClose {
            mode: match flags.extend_mode {
                None => usual.mode,
                Some(ExtendMode::Add) => SoftCloseMode::Add,
                Some(ExtendMode::Reset) => SoftCloseMode::Reset,
            },
            extend_within: flags.extend_within.unwrap_or(usual.extend_within),
            extend_by: flags.extend_by.unwrap_or(usual.extend_by),
            extensions_max: flags.extensions_max.or(usual.extensions_max),
        },
    })
}

fn dutch(flags: &TermFlags) -> Result<DutchTerms, String> {
    fn needed<T>(flag: &str, value: Option<T>) -> Result<T, String> {
        value.ok_or_else(|| {
            format!(
                "--{flag} is missing; the format dutch needs --start, --step, --interval and --floor"
            )
        })
    }
    let step = needed("step", flags.step.as_deref())?;
    let step = Price::parse(step).map_err(|error| format!("--step {step:?} {error}"))?;
    Ok(DutchTerms {
        start: needed("start", flags.start)?,
        step,
        interval: needed("interval", flags.interval)?,
        floor: needed("floor", flags.floor)?,
    })
}

fn sealed(pricing: SealedPricing) -> Terms {
    Terms::Sealed(SealedTerms { pricing })
}

fn in_parts(pricing: UniformPricing, flags: &TermFlags) -> Terms {
    Terms::Uniform(UniformTerms {
        pricing,
        priority: match flags.priority {
            None | Some(Priority::Time) => MarginalPriority::Time,
            Some(Priority::ProRata) => MarginalPriority::ProRata,
        },
        bids_max: flags.bids_max.unwrap_or(UniformTerms::BIDS_MAX),
    })
}

fn day(flags: &TermFlags) -> Result<DayTerms, String> {
    let schedule = flags.schedule.as_ref().ok_or_else(|| {
        "--schedule is missing; the format day needs one, such as \"call 5m, continuous 1h, call 5m, at-last 2m\""
            .to_owned()
    })?;
    let usual = DayTerms::new(schedule.phases.clone());
    Ok(DayTerms {
        call: call(flags),
        static_corridor: collar(flags.static_corridor, flags.static_corridor_bps),
        dynamic_corridor: collar(flags.dynamic_corridor, flags.dynamic_corridor_bps),
        volatility_length: flags.volatility_length.unwrap_or(usual.volatility_length),
        volatility_random_end: flags
            .volatility_random_end
            .unwrap_or(usual.volatility_random_end),
        interruptions_max: flags.interruptions_max.unwrap_or(usual.interruptions_max),
        ..usual
    })
}

fn schedule(text: &str) -> Result<Schedule, String> {
    text.parse()
        .map_err(|error: ParseScheduleError| error.to_string())
}

fn collar(absolute: Option<Price>, basis_points: Option<u32>) -> Option<Collar> {
    (absolute.is_some() || basis_points.is_some()).then(|| Collar {
        absolute: absolute.unwrap_or(Price::ZERO),
        basis_points: basis_points.unwrap_or(0),
    })
}

fn call(flags: &TermFlags) -> CallTerms {
    let usual = CallTerms::default();
    CallTerms {
        tick: flags.tick.unwrap_or(usual.tick),
        book: match flags.book {
            None => usual.book,
            Some(Book::Open) => BookShown::Open,
            Some(Book::Closed) => BookShown::Closed,
        },
        collar: collar(flags.collar, flags.collar_bps),
        extensions_max: flags.extensions_max.unwrap_or(usual.extensions_max),
        market_extension: flags
            .market_extension
            .map_or(usual.market_extension, |switch| switch == Switch::On),
        extend_by: flags.extend_by.unwrap_or(usual.extend_by),
        random_end: flags.random_end.unwrap_or(usual.random_end),
        no_cancel: flags.no_cancel.or(usual.no_cancel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_make_terms_with_the_defaults_of_a_lots_file() {
        let none = TermFlags::default();
        let english = Format::English.terms(&none).unwrap();
        assert_eq!(english, Terms::English(EnglishTerms::default()));
        for format in Format::value_variants() {
            if !matches!(format, Format::Dutch | Format::Day) {
                assert_eq!(format.terms(&none).unwrap().format(), format.name());
            }
        }
        let flags = TermFlags {
            step: Some("1".into()),
            start: Price::parse("100").ok(),
            interval: Some(Span::from_secs(10)),
            floor: Price::parse("50").ok(),
            ..TermFlags::default()
        };
        assert_eq!(Format::Dutch.terms(&flags).unwrap().format(), "dutch");
    }

    #[test]
    fn missing_wrong_and_foreign_flags_are_distinguished() {
        let step = |text: &str| TermFlags {
            step: Some(text.into()),
            ..TermFlags::default()
        };
        for (format, flags, says) in [
            (
                Format::Dutch,
                step("1"),
                "--start is missing; the format dutch",
            ),
            (Format::English, step("x"), "--step \"x\" is no step"),
            (Format::Dutch, step("banded"), "is not a decimal"),
            (
                Format::Vickrey,
                step("1"),
                "--step is not for the format vickrey, which has no terms",
            ),
            (
                Format::Uniform,
                step("1"),
                "which takes --priority, --bids-max",
            ),
            (
                Format::Call,
                step("1"),
                "--step is not for the format call, which takes --tick, --book",
            ),
        ] {
            let error = format.terms(&flags).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
