//! One figure of ours beside one of another, and whether it is what it should be.

use crate::stats::Stats;

/// One figure of ours beside one of another.
#[derive(Clone, Debug)]
pub struct Row {
    pub what: String,
    pub unit: Unit,
    /// A value of each round.
    pub ours: Vec<f64>,
    /// Beside what.
    pub beside: String,
    pub theirs: Theirs,
    pub aim: Aim,
    pub told: Told,
}

/// The figure beside ours.
#[derive(Clone, Debug)]
pub enum Theirs {
    /// A value of each round.
    Measured(Vec<f64>),
    /// Why there is none.
    Missing(String),
    /// There is nobody to measure beside.
    Nobody,
}

impl From<Result<Vec<f64>, String>> for Theirs {
    fn from(values: Result<Vec<f64>, String>) -> Self {
        values.map_or_else(Self::Missing, Self::Measured)
    }
}

/// Where a row is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Among the rows of its question, and in the table of all questions.
    InShort,
    /// Among the rows of its question alone.
    InFull,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// So many a second.
    PerSecond,
    Micros,
    Nanos,
    /// Units of 1,024 bytes.
    Kib,
}

/// What ours beside theirs should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing: it is stated.
    Stated,
}

/// What stands above rows.
pub const HEADER: &str = "| what | ours | beside | theirs | ours / theirs | aim | reached |\n|---|---|---|---|---|---|---|\n";

impl Row {
    /// Ours beside theirs: of the medians, and the least and most of a round.
    pub fn ratio(&self) -> Option<Stats> {
        let Theirs::Measured(theirs) = &self.theirs else {
            return None;
        };
        let rounds = self.ours.iter().zip(theirs);
        let each: Vec<f64> = rounds.map(|(ours, theirs)| ours / theirs).collect();
        let median = Stats::of(&self.ours).median / Stats::of(theirs).median;
        Some(Stats {
            median,
            ..Stats::of(&each)
        })
    }

    /// Whether the aim is reached; `None` when there is none, or nothing to measure it by.
    pub fn is_reached(&self) -> Option<bool> {
        let ratio = self.ratio()?.median;
        match self.aim {
            Aim::AtLeast(aim) => Some(ratio >= aim),
            Aim::AtMost(aim) => Some(ratio <= aim),
            Aim::Stated => None,
        }
    }

    /// A line of a table, under [`HEADER`].
    pub fn markdown(&self) -> String {
        let ours = self.unit.stats(&self.ours);
        let theirs = match &self.theirs {
            Theirs::Measured(theirs) => self.unit.stats(theirs),
            Theirs::Missing(why) => format!("not measured: {why}"),
            Theirs::Nobody => "-".to_owned(),
        };
        let ratio = self.ratio().map_or("-".to_owned(), times);
        let aim = match self.aim {
            Aim::Stated => "stated".to_owned(),
            Aim::AtLeast(aim) => format!(">= {aim}x"),
            Aim::AtMost(aim) => format!("<= {aim}x"),
        };
        let reached = match (self.aim, self.is_reached()) {
            (Aim::Stated, _) => "",
            (_, Some(true)) => "yes",
            (_, Some(false)) => "**missed**",
            (_, None) => "-",
        };
        let Self { what, beside, .. } = self;
        format!("| {what} | {ours} | {beside} | {theirs} | {ratio} | {aim} | {reached} |\n")
    }
}

impl Unit {
    /// What one that takes so many nanoseconds is in this unit.
    pub fn of_nanos(self, nanos: f64) -> f64 {
        match self {
            Self::PerSecond => 1e9 / nanos,
            Self::Micros => nanos / 1e3,
            Self::Nanos => nanos,
            Self::Kib => unreachable!("memory is not time"),
        }
    }

    /// A figure of this unit.
    pub fn figure(self, value: f64) -> String {
        match self {
            Self::PerSecond if value >= 1e7 => format!("{:.1} million/s", value / 1e6),
            Self::PerSecond => format!("{}/s", grouped(value.round() as u64)),
            Self::Micros if value < 10_000.0 => format!("{} us", grouped(value.round() as u64)),
            Self::Micros => format!("{:.1} ms", value / 1e3),
            Self::Nanos => format!("{value:.1} ns"),
            Self::Kib => format!("{value:.1} KiB"),
        }
    }

    fn stats(self, values: &[f64]) -> String {
        let stats = Stats::of(values);
        let median = self.figure(stats.median);
        if values.len() == 1 {
            return format!("**{median}**");
        }
        let (least, most) = (self.figure(stats.least), self.figure(stats.most));
        format!("**{median}** ({least} .. {most})")
    }
}

fn times(ratio: Stats) -> String {
    let Stats {
        median,
        least,
        most,
    } = ratio;
    match least == most {
        true => format!("**{median:.2}x**"),
        false => format!("**{median:.2}x** ({least:.2} .. {most:.2})"),
    }
}

/// `1,234,567`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(theirs: Theirs, aim: Aim) -> Row {
        Row {
            what: "bids".to_owned(),
            unit: Unit::PerSecond,
            ours: vec![3_000.0, 1_000.0, 2_000.0],
            beside: "other".to_owned(),
            theirs,
            aim,
            told: Told::InShort,
        }
    }

    #[test]
    fn a_row_says_the_medians_their_ratio_and_whether_the_aim_is_reached() {
        let theirs = Theirs::Measured(vec![1_000.0, 1_000.0, 500.0]);
        assert_eq!(
            row(theirs.clone(), Aim::AtLeast(2.0)).markdown(),
            "| bids | **2,000/s** (1,000/s .. 3,000/s) | other | **1,000/s** (500/s .. 1,000/s) | **2.00x** (1.00 .. 4.00) | >= 2x | yes |\n"
        );
        let missed = row(theirs.clone(), Aim::AtLeast(2.1));
        assert!(missed.markdown().ends_with("| **missed** |\n"));
        let reached = row(theirs, Aim::AtMost(2.0));
        assert!(reached.markdown().ends_with("| yes |\n"));
    }

    #[test]
    fn what_is_not_installed_is_said_and_reaches_nothing() {
        let why = "redis-server is not installed here".to_owned();
        let text = row(Theirs::Missing(why), Aim::AtLeast(2.0)).markdown();
        let said = "not measured: redis-server is not installed here";
        assert!(text.contains(said), "{text}");
        assert!(text.ends_with("| - | >= 2x | - |\n"), "{text}");
    }

    #[test]
    fn what_stands_alone_is_stated() {
        let text = row(Theirs::Nobody, Aim::Stated).markdown();
        assert!(text.ends_with("| other | - | - | stated |  |\n"), "{text}");
    }

    #[test]
    fn thousands_stand_apart() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(value), text);
        }
    }
}
