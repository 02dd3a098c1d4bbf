//! What is told in the end: a page of Markdown with its tables, and pictures beside it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use crate::spread::Spread;

/// All that was measured.
#[derive(Debug, Default)]
pub struct Report {
    pub sections: Vec<Section>,
}

/// What was measured of one question.
#[derive(Debug, Default)]
pub struct Section {
    pub title: String,
    /// Paragraphs before the table.
    pub text: Vec<String>,
    pub rows: Vec<Row>,
    /// Tables of another shape: their first row is the header.
    pub tables: Vec<Vec<Vec<String>>>,
    pub pictures: Vec<Picture>,
}

/// A drawing.
#[derive(Debug)]
pub struct Picture {
    /// Its file's name, without ending.
    pub name: String,
    /// What it shows.
    pub caption: String,
    pub svg: String,
}

/// One figure of ours beside one of another.
#[derive(Debug)]
pub struct Row {
    pub what: String,
    pub unit: Unit,
    /// A value of each round.
    pub ours: Vec<f64>,
    /// Beside what.
    pub beside: String,
    /// A value of each round, or why there is none.
    pub theirs: Result<Vec<f64>, String>,
    pub aim: Aim,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// So many a second.
    PerSecond,
    Micros,
}

/// What ours beside theirs should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing: it is stated.
    Stated,
}

impl Row {
    /// Ours beside theirs: of the medians, and the least and most of a round.
    pub fn ratio(&self) -> Option<Spread> {
        let theirs = self.theirs.as_ref().ok()?;
        let each: Vec<f64> = self
            .ours
            .iter()
            .zip(theirs)
            .map(|(ours, theirs)| ours / theirs)
            .collect();
        let median = Spread::of(&self.ours).median / Spread::of(theirs).median;
        Some(Spread {
            median,
            ..Spread::of(&each)
        })
    }

    fn markdown(&self) -> String {
        let ours = self.unit.spread(&self.ours);
        let (theirs, ratio) = match (&self.theirs, self.ratio()) {
            (Ok(theirs), Some(ratio)) => (self.unit.spread(theirs), times(ratio)),
            (Err(why), _) => (format!("not measured: {why}"), "-".to_owned()),
            (Ok(_), None) => unreachable!("what was measured has a ratio"),
        };
        let (aim, reached) = match (self.aim, self.ratio()) {
            (Aim::Stated, _) => ("stated".to_owned(), ""),
            (Aim::AtLeast(aim), ratio) => (format!(">= {aim}x"), verdict(ratio, |r| r >= aim)),
            (Aim::AtMost(aim), ratio) => (format!("<= {aim}x"), verdict(ratio, |r| r <= aim)),
        };
        format!(
            "| {} | {ours} | {} | {theirs} | {ratio} | {aim} | {reached} |",
            self.what, self.beside
        )
    }
}

fn verdict(ratio: Option<Spread>, holds: impl Fn(f64) -> bool) -> &'static str {
    match ratio {
        Some(ratio) if holds(ratio.median) => "yes",
        Some(_) => "no",
        None => "-",
    }
}

impl Unit {
    /// A figure of this unit.
    pub fn figure(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", grouped(value.round() as u64)),
            Self::Micros if value < 10_000.0 => format!("{} us", grouped(value.round() as u64)),
            Self::Micros => format!("{:.1} ms", value / 1e3),
        }
    }

    fn spread(self, values: &[f64]) -> String {
        let Spread {
            median,
            least,
            most,
        } = Spread::of(values);
        let (median, least, most) = (self.figure(median), self.figure(least), self.figure(most));
        format!("**{median}** ({least} .. {most})")
    }
}

fn times(ratio: Spread) -> String {
    format!(
        "**{:.2}x** ({:.2} .. {:.2})",
        ratio.median, ratio.least, ratio.most
    )
}

/// `1,234,567`.
fn grouped(value: u64) -> String {
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

impl Section {
    fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        for paragraph in &self.text {
            let _ = writeln!(text, "{paragraph}\n");
        }
        if !self.rows.is_empty() {
            text.push_str("| what | ours | beside | theirs | ours / theirs | aim | reached |\n");
            text.push_str("|---|---|---|---|---|---|---|\n");
            for row in &self.rows {
                let _ = writeln!(text, "{}", row.markdown());
            }
            text.push('\n');
        }
        for table in &self.tables {
            for (place, row) in table.iter().enumerate() {
                let _ = writeln!(text, "| {} |", row.join(" | "));
                if place == 0 {
                    let _ = writeln!(text, "|{}", "---|".repeat(row.len()));
                }
            }
            text.push('\n');
        }
        for picture in &self.pictures {
            let _ = writeln!(text, "![{}]({}.svg)\n", picture.caption, picture.name);
        }
        text
    }
}

impl Report {
    /// The page.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "# Measured\n\n\
             Written by `auction-bench`. Figures in bold are medians of the rounds of one run, with the least and the \
             most in brackets; whoever is compared took turns within each round. Machines differ and are noisy: \
             compare within one run only.\n\n",
        );
        self.sections
            .iter()
            .for_each(|section| text.push_str(&section.markdown()));
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    /// Writes the page and its pictures into a folder.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.md"), self.markdown())?;
        let pictures = self.sections.iter().flat_map(|section| &section.pictures);
        for picture in pictures {
            fs::write(
                folder.join(&picture.name).with_extension("svg"),
                &picture.svg,
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(theirs: Result<Vec<f64>, String>, aim: Aim) -> Row {
        Row {
            what: "bids".to_owned(),
            unit: Unit::PerSecond,
            ours: vec![3_000.0, 1_000.0, 2_000.0],
            beside: "other".to_owned(),
            theirs,
            aim,
        }
    }

    #[test]
    fn a_row_says_the_medians_their_ratio_and_whether_the_aim_is_reached() {
        let theirs = vec![1_000.0, 1_000.0, 500.0];
        assert_eq!(
            row(Ok(theirs.clone()), Aim::AtLeast(2.0)).markdown(),
            "| bids | **2,000/s** (1,000/s .. 3,000/s) | other | **1,000/s** (500/s .. 1,000/s) | **2.00x** (1.00 .. 4.00) | >= 2x | yes |"
        );
        assert!(
            row(Ok(theirs.clone()), Aim::AtLeast(2.1))
                .markdown()
                .ends_with("| no |")
        );
        assert!(
            row(Ok(theirs), Aim::AtMost(2.0))
                .markdown()
                .ends_with("| yes |")
        );
    }

    #[test]
    fn what_is_not_installed_is_said_and_reaches_nothing() {
        let row = row(
            Err("redis-server is not installed here".to_owned()),
            Aim::AtLeast(2.0),
        );
        let text = row.markdown();
        assert!(
            text.contains("not measured: redis-server is not installed here"),
            "{text}"
        );
        assert!(text.ends_with("| - | >= 2x | - |"), "{text}");
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
