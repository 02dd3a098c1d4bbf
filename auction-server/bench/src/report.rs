//! What is told in the end: a page of Markdown with its tables, and pictures beside it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use crate::plot;
use crate::row::{HEADER, Row, Told};

/// What stands around the table of all questions, in the report and wherever it is shown beside.
pub const TABLE_BEGINS: &str = "<!-- measured: this table is written by auction-bench -->\n";
pub const TABLE_ENDS: &str = "<!-- measured: its end -->\n";
/// The picture of all rows that have an aim.
const AIMS: &str = "aims";

/// All that was measured.
#[derive(Debug, Default)]
pub struct Report {
    /// When, where and with what it was measured, a paragraph or a list.
    pub setting: String,
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

impl Picture {
    fn markdown(&self) -> String {
        format!("![{}]({}.svg)\n\n", self.caption, self.name)
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join(&self.name).with_extension("svg"), &self.svg)
    }
}

impl Section {
    fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        for paragraph in &self.text {
            let _ = writeln!(text, "{paragraph}\n");
        }
        if !self.rows.is_empty() {
            text.push_str(HEADER);
            self.rows
                .iter()
                .for_each(|row| text.push_str(&row.markdown()));
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
        self.pictures
            .iter()
            .for_each(|picture| text.push_str(&picture.markdown()));
        text
    }
}

impl Report {
    /// The table of all questions, with what stands around it.
    pub fn table(&self) -> String {
        let mut text = format!("{TABLE_BEGINS}\n{HEADER}");
        self.in_short()
            .for_each(|row| text.push_str(&row.markdown()));
        let _ = write!(text, "\n{TABLE_ENDS}");
        text
    }

    fn in_short(&self) -> impl Iterator<Item = &Row> {
        let rows = self.sections.iter().flat_map(|section| &section.rows);
        rows.filter(|row| row.told == Told::InShort)
    }

    /// The page.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# Measured\n\n\
             Written by `auction-bench`. Figures in bold are medians of the rounds of one run, with the least and the \
             most in brackets; whoever is compared took turns within each round. Machines differ and are noisy: \
             compare within one run only.\n\n\
             {}\n\n{}\n{}",
            self.setting,
            self.table(),
            self.aims().markdown(),
        );
        self.sections
            .iter()
            .for_each(|section| text.push_str(&section.markdown()));
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    fn aims(&self) -> Picture {
        let rows: Vec<&Row> = self.in_short().collect();
        Picture {
            name: AIMS.to_owned(),
            caption: "every row beside its aim".to_owned(),
            svg: plot::aims("Every row beside its aim", &rows),
        }
    }

    /// Writes the page and its pictures into a folder.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.md"), self.markdown())?;
        self.aims().write(folder)?;
        let mut pictures = self.sections.iter().flat_map(|section| &section.pictures);
        pictures.try_for_each(|picture| picture.write(folder))
    }

    /// Puts the table in the place of the one that a file shows.
    ///
    /// # Errors
    /// When the file shows none.
    pub fn show_in(&self, file: &Path) -> io::Result<()> {
        let text = fs::read_to_string(file)?;
        let text = replaced(&text, &self.table()).ok_or_else(|| {
            let text = format!("{} shows no table of auction-bench", file.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        fs::write(file, text)
    }
}

/// A text with another table in the place of its own.
fn replaced(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(TABLE_BEGINS)?;
    let (_, after) = rest.split_once(TABLE_ENDS)?;
    Some([before, table, after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_one_before_and_nothing_else_changes() {
        let shown = format!("# A\n\n{TABLE_BEGINS}old\n{TABLE_ENDS}\nZ\n");
        let table = Report::default().table();
        let renewed = replaced(&shown, &table).unwrap();
        assert_eq!(renewed, format!("# A\n\n{table}\nZ\n"));
        assert_eq!(replaced(&renewed, &table), Some(renewed));
        assert_eq!(replaced("# A\n", &table), None);
    }
}
