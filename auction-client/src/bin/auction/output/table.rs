//! Tables with aligned columns.

use crate::output::colour::Colour;

/// Alignment of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// Style of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Usual,
    Good,
    Dim,
}

/// A table with a header.
#[derive(Debug)]
pub struct Table {
    head: Vec<(&'static str, Side)>,
    rows: Vec<(Tone, Vec<String>)>,
}

impl Table {
    pub fn new(head: &[(&'static str, Side)]) -> Self {
        Self {
            head: head.to_vec(),
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, tone: Tone, cells: Vec<String>) {
        assert_eq!(
            cells.len(),
            self.head.len(),
            "a row has a cell for each column"
        );
        self.rows.push((tone, cells));
    }

    /// Returns the lines, without trailing spaces.
    pub fn print(&self, colour: Colour) -> String {
        let widths: Vec<usize> = (0..self.head.len())
            .map(|column| self.width(column))
            .collect();
        let head: Vec<_> = self
            .head
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let mut text = colour.bold(&self.line(&head, &widths));
        for (tone, cells) in &self.rows {
            let line = self.line(cells, &widths);
            text.push('\n');
            text.push_str(&match tone {
                Tone::Usual => line,
                Tone::Good => colour.good(&line),
                Tone::Dim => colour.dim(&line),
            });
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self
            .rows
            .iter()
            .map(|(_, cells)| cells[column].chars().count());
        cells.max().unwrap_or(0).max(self.head[column].0.len())
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let columns = cells.iter().zip(widths).zip(&self.head);
        let padded = columns.map(|((cell, width), (_, side))| match side {
            Side::Left => format!("{cell:<width$}"),
            Side::Right => format!("{cell:>width$}"),
        });
        let padded: Vec<_> = padded.collect();
        padded.join("  ").trim_end().to_owned()
    }
}
