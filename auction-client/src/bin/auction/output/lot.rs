//! A lot in words: its terms, its state and its outcome.

use auction_core::{
    Book, DutchTerms, EnglishTerms, Lot, MarginalPriority, Outcome, Phase, ReserveStatus,
    SealedPricing, SoftClose, SoftCloseMode, SoldBy, Span, Terms, UniformPricing, UniformTerms,
};

use crate::output::names::View;
use crate::output::time::{countdown, duration, moment, span_words};
use crate::output::{call, day};

impl View<'_> {
    /// Describes the format and its terms for a bidder, as a sentence without its full stop.
    pub fn terms(&self, lot: &Lot) -> String {
        let shares = match (&lot.terms, lot.quantity.get()) {
            (Terms::Call(_) | Terms::Day(_), _) | (_, 1) => String::new(),
            (_, shares) => format!("{shares} shares, "),
        };
        let how = match &lot.terms {
            Terms::English(terms) => english(terms),
            Terms::Dutch(terms) => dutch(terms),
            Terms::Sealed(terms) => sealed(terms.pricing),
            Terms::Uniform(terms) => in_parts(terms),
            Terms::Call(terms) => call::terms(lot, terms),
            Terms::Day(terms) => day::terms(lot, terms),
        };
        let reserve = match lot.reserve() {
            Some(ReserveStatus::None) => "",
            Some(ReserveStatus::NotMet) => "; there is a hidden reserve, which is not met",
            Some(ReserveStatus::Met) => "; the hidden reserve is met",
            None => "; there is a hidden reserve",
        };
        format!("{shares}{how}{reserve}")
    }

    /// Describes the phase of a lot: `open, closes in 4:32`.
    pub fn when(&self, lot: &Lot) -> String {
        match &lot.phase {
            Phase::Closed { outcome, .. } => format!("closed: {}", self.outcome(lot, outcome)),
            _ if lot.halted_since.is_some() => {
                let left = duration(self.left(lot));
                match lot.phase {
                    Phase::Scheduled => format!("halted, {left} before it opens"),
                    _ => format!("halted, with {left} left"),
                }
            }
            Phase::Scheduled => {
                let opens = countdown(lot.opened_at, self.now);
                let (at, lasts) = (moment(lot.opened_at), lot.closes_at.since(lot.opened_at));
                let lasts = duration(lasts);
                format!("opens in {opens}, at {at}, for {lasts}")
            }
            Phase::Open => {
                if let Book::Day(book) = &lot.book
                    && let Some(when) = day::when(*self, lot, book)
                {
                    return when;
                }
                let left = duration(self.left(lot));
                let price = match lot.terms {
                    Terms::Dutch(_) => lot.least_bid_at(self.now),
                    _ => None,
                };
                let price = price.map_or(String::new(), |price| format!(", the price is {price}"));
                let random = match lot.closes_from() < lot.closes_at {
                    true => " at most",
                    false => "",
                };
                format!("open, closes in {left}{random}{price}")
            }
        }
    }

    /// Returns the time until a lot's close or opening; it is constant while the lot is halted.
    pub fn left(&self, lot: &Lot) -> Span {
        let now = lot.halted_since.unwrap_or(self.now);
        match lot.phase {
            Phase::Scheduled => lot.opened_at.since(now),
            Phase::Open => lot.closes_at.since(now),
            Phase::Closed { .. } => Span::ZERO,
        }
    }

    /// Describes the outcome of a lot: `sold to mia at 1.46; the runner-up offered 1.45`.
    pub fn outcome(&self, lot: &Lot, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Day {
                close: Some(close),
                volume,
                ..
            } => format!("ended its day at {close}: {volume} shares traded"),
            Outcome::Day { close: None, .. } => "ended its day: nothing traded".to_owned(),
            Outcome::Sold {
                winner,
                price,
                by,
                runner_up,
            } => {
                let how = match by {
                    SoldBy::HighestBid => String::new(),
                    by => format!(", {}", by.label()),
                };
                let runner_up = runner_up.map_or(String::new(), |runner_up| {
                    format!("; the runner-up offered {runner_up}")
                });
                format!("sold to {} at {price}{how}{runner_up}", self.who(*winner))
            }
            Outcome::Unsold { because, highest } => {
                let because = because.label();
                match highest {
                    Some(highest) => format!("not sold: {because}; the highest bid was {highest}"),
                    None => format!("not sold: {because}"),
                }
            }
            Outcome::Allocated {
                sold,
                buyers,
                lowest,
                by,
                highest_rejected,
            } => {
                let s = if *buyers == 1 { "" } else { "s" };
                let price = match &lot.terms {
                    Terms::Uniform(terms) if terms.pricing == UniformPricing::PayAsBid => {
                        format!("each at their own price, the lowest {lowest}")
                    }
                    _ => format!("all at {lowest}"),
                };
                let how = by.label();
                let rejected = highest_rejected.map_or(String::new(), |price| {
                    format!("; the highest bid that got nothing was {price}")
                });
                let of = lot.quantity;
                format!(
                    "sold {sold} of {of} shares to {buyers} trader{s}, {price}: {how}{rejected}"
                )
            }
            Outcome::Crossed { .. } | Outcome::NoCross { .. } => {
                call::outcome(outcome).unwrap_or_default()
            }
        }
    }
}

fn english(terms: &EnglishTerms) -> String {
    let EnglishTerms {
        steps,
        buy_now,
        soft_close,
    } = terms;
    let rises = match steps.bands() {
        [everywhere] => format!("each bid rises by at least {}", everywhere.step),
        _ => format!("each bid rises by at least a step (from:step {steps})"),
    };
    let buy_now = buy_now.map_or(String::new(), |price| {
        format!("; a plain bid of {price} buys it at once, while the reserve is not met")
    });
    let end = soft_close_words(soft_close);
    format!("English: the highest bid wins; {rises}{buy_now}; {end}")
}

fn soft_close_words(soft_close: &SoftClose) -> String {
    let SoftClose {
        mode,
        extend_within,
        extend_by,
        extensions_max,
    } = *soft_close;
    if extend_within == Span::ZERO || extend_by == Span::ZERO || extensions_max == Some(0) {
        return "no bid moves the close".to_owned();
    }
    let (within, by) = (span_words(extend_within), span_words(extend_by));
    let moves = match mode {
        SoftCloseMode::Add => format!("moves the close by {by}"),
        SoftCloseMode::Reset => format!("leaves at least {by}"),
    };
    let most = match extensions_max {
        None => String::new(),
        Some(1) => ", at most once".to_owned(),
        Some(most) => format!(", at most {most} times"),
    };
    format!("a bid in the last {within} {moves}{most}")
}

fn dutch(terms: &DutchTerms) -> String {
    let DutchTerms {
        start,
        step,
        interval,
        floor,
    } = *terms;
    let every = span_words(interval);
    format!(
        "Dutch: the price falls from {start} by {step} every {every} to {floor}; the first to take it wins"
    )
}

fn sealed(pricing: SealedPricing) -> String {
    match pricing {
        SealedPricing::FirstPrice => {
            "sealed, first price: one hidden bid each; the highest wins and pays its own"
        }
        SealedPricing::SecondPrice => {
            "sealed, second price (Vickrey): one hidden bid each; the highest wins and pays the second \
             highest"
        }
    }
    .to_owned()
}

fn in_parts(terms: &UniformTerms) -> String {
    let (name, pays) = match terms.pricing {
        UniformPricing::Uniform => ("uniform price", "all pay the lowest accepted price"),
        UniformPricing::PayAsBid => ("pay as bid", "each pays their own price"),
    };
    let most = terms.bids_max;
    let first = match terms.priority {
        MarginalPriority::Time => "the earliest are served first",
        MarginalPriority::ProRata => "they are shared in proportion",
    };
    format!(
        "{name}: hidden bids for parts, at most {most} each; {pays}; where the shares run out, {first}"
    )
}
